"""What a replica of the documents' program holds, as the vectors write it."""

from client import KEY_NUMBERS

KEY_KINDS = ("one", "value", "owner", "grid", "none")


def signed(number, bits):
    return number - 2**bits if number >> (bits - 1) & 1 else number


def lane_text(lane, slot):
    return str(signed(slot, lane.W) if lane.kind == "signed" else slot)


def value_of(field, value):
    if field.is_text:
        return bytes(value).decode() if field.is_utf8 else bytes(value).hex()
    return [lane_text(lane, slot) for lane, slot in zip(field.lanes, value)]


def row_of(table, row):
    values = {field.name: value_of(field, value) for field, value in zip(table.fields, row.values)}
    return {"entity": str(row.entity), "values": values}


def rows_of(table, row_is_in=lambda row: True):
    return [row for _, row in sorted(table.rows.items()) if row_is_in(row)]


def words_of(table, row):
    """Pairs of a place and a word, see BYTES.md, section 8."""
    yield 0, row.entity % 2**32
    yield 1, row.entity >> 32
    for field, value in zip(table.fields, row.values):
        place = 8 * field.id
        for lane, slot in zip(field.lanes, value):
            for shift in range(0, lane.W, 32):
                yield place, slot >> shift & 0xffffffff
                place += 1


def hash_of(program, table, row):
    words = list(words_of(table, row))
    for field, value in zip(table.fields, row.values):
        if field.is_text:
            words += [(8 * field.id + i, w) for i, w in enumerate(program.text_words(value))]
    return program.row_hash(table.id, words)


def digest_of(program, table, rows):
    hashes = [hash_of(program, table, row) for row in rows]
    return [sum(h[lane] for h in hashes) % 2**32 for lane in range(4)]


def names(table, mask):
    return [field.name for number, field in enumerate(table.fields) if mask >> number & 1]


def lane_history(h, lane, repeats):
    if h.magnitude is None:
        return None
    out = {"magnitude": h.magnitude, "trend": h.trend}
    if repeats:
        out["change"] = str(signed(h.change, lane.W))
    return out


def history_of(table, cell):
    out = []
    for index, h in sorted(cell.history.items()):
        age, lanes = h.age((cell.publishes + 1) % 2**32), {}
        for (number, k), lane in sorted(h.lanes.items()):
            field, repeats = table.fields[number], age == 1 and h.last >> number & 1 == 1
            lanes.setdefault(field.name, []).append(lane_history(lane, field.lanes[k], repeats))
        out.append({"entity": str(table.rows[index].entity), "age": age, "steady": h.is_steady,
                    "last": names(table, h.last), "before": names(table, h.before),
                    "lanes": lanes})
    return out


def key_of(key):
    kind, numbers = key
    assert len(numbers) == KEY_NUMBERS[kind]
    return {"kind": KEY_KINDS[kind],
            "numbers": [str(n % 2**64 if KEY_KINDS[kind] == "owner" else n) for n in numbers]}


def cell_of(program, replica, cell):
    table = replica.tables[cell.table]
    rows = rows_of(table, lambda row: row.cell == cell.handle)
    return {"handle": cell.handle, "generation": cell.generation, "table": cell.table,
            "key": key_of(cell.key), "changed": str(cell.changed), "publishes": cell.publishes,
            "digest": digest_of(program, table, rows)}


def replica_of(program, replica):
    rows = [{"table": id, "handle": row.cell, **row_of(table, row)}
            for id, table in sorted(replica.tables.items()) for row in rows_of(table)]
    return {"cut": str(replica.cut), "commit_time_ns": str(replica.commit_time_ns),
            "row_count": len(rows),
            "cells": [cell_of(program, replica, cell) for _, cell in sorted(replica.cells.items())],
            "rows": rows}
