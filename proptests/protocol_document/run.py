"""Runs the pseudocode of the protocol's documents on the vectors: `run.py FOLDER`, the folder of
BYTES.md. Prints each difference, and exits with 1 if there is any.

`run.py FOLDER --self-test` does so with programs that are wrong in one place, and exits with 1 if
one of them makes no difference."""

import collections
import json
import pathlib
import sys
from types import SimpleNamespace

import client
import program as documents
import schema
import tell


class Primitives:
    """Of primitives.json and values.json, what the documents have functions for."""

    def __init__(self, program, group):
        self.program, self.group = program, group

    def play(self, vector):
        kind = getattr(self, vector.get("kind", "").replace("zigzag", "signed_number"), None)
        return None if kind is None else kind(vector)

    def varint(self, vector):
        return {"value": str(self.number(vector))}

    def signed_number(self, vector):
        return {"value": str(self.program.unzigzag(self.number(vector)))}

    def number(self, vector):
        reader = self.program.Reader(bytes.fromhex(vector["bytes"]))
        number = reader.varint()
        if reader.left():
            self.program.refuse("frame_malformed")
        return number

    def crc32c(self, vector):
        return {"value": self.program.crc32c(bytes.fromhex(vector["bytes"]))}

    def hash128(self, vector):
        halves = self.program.hash128(bytes.fromhex(vector["bytes"]))
        return {"bytes": b"".join(half.to_bytes(8, "little") for half in halves).hex()}

    def magnitudes(self, vector):
        bits = self.program.Bits(bytes.fromhex(vector["bits"]))
        values = [str(self.program.read_magnitude(bits, vector["k"], vector["width"]))
                  for _ in range(vector["count"])]
        return {"values": values, "bits_read": bits.at}

    def runs(self, vector):
        bits = self.program.Bits(bytes.fromhex(vector["bits"]))
        misses = self.program.read_runs(bits, vector["state"], vector["flags"])
        return {"misses": misses, "bits_read": bits.at}

    def float_order(self, vector):
        width = vector["width"]
        order = self.program.float_order(int(vector["float_bits"]), width)
        return {"order": str(tell.signed(order, width))}

    def row_hash(self, vector):
        data = bytes.fromhex(self.group["schemas"][vector["schema"]])
        table = schema.tables_of(self.program, data)[vector["table"]]
        rows = [row_from(self.program, table, row) for row in vector["rows"]]
        return {"hashes": [tell.hash_of(self.program, table, row) for row in rows],
                "digest": tell.digest_of(self.program, table, rows)}


def row_from(program, table, given):
    values = []
    for field in table.fields:
        value = given["values"][field.name]
        if field.is_text:
            values.append(value.encode() if field.is_utf8 else bytes.fromhex(value))
        else:
            values.append([int(slot) % 2**lane.W for lane, slot in zip(field.lanes, value)])
    return program.Row(int(given["entity"]), 0, values)


class Blocks:
    """Of blocks-*.json: one cell, and the blocks of a step as one advance."""

    def __init__(self, program, group):
        self.program, self.group = program, group

    def play(self, vector):
        data = bytes.fromhex(self.group["schemas"][vector["schema"]])
        replica = self.program.Replica(schema.tables_of(self.program, data), 0)
        cell = self.program.Cell(0, 1, vector["table"], (0, []), 0, 0)
        replica.cells[0] = cell
        for step in vector["setup"]:
            self.apply(replica, cell, self.decode(replica, cell, step))
        table, before = replica.tables[cell.table], self.state(replica, cell)
        try:
            decoded = self.decode(replica, cell, vector["blocks"])
        except self.program.Refused:
            assert self.state(replica, cell) == before, "a refused block changed something"
            raise
        said = self.said(table, decoded)
        self.apply(replica, cell, decoded)
        return {**said, **self.state(replica, cell)}

    def decode(self, replica, cell, step):
        decoded = []
        for block in step:
            d = self.program.decode_block(bytes.fromhex(block), replica.tables[cell.table], cell,
                                          documents.decompress)
            is_relative = d.header.form == self.program.RELATIVE
            publish = (cell.publishes + 1) % 2**32 if is_relative else d.header.publishes
            decoded.append((cell, d, publish))
        return decoded

    def apply(self, replica, cell, decoded):
        head = SimpleNamespace(start=replica.cut, to=replica.cut + 1, commit_time_ns=0, leaves=[],
                               kind=self.program.STEP)
        stage = self.program.stage
        self.program.stage = lambda *_: (decoded, {})    # they are checked by other vectors
        self.program.apply_advance(replica, head, [], None)
        self.program.stage = stage

    def said(self, table, decoded):
        gone, changed, whole, out = [], [], [], {}
        for _, d, _ in decoded:
            if d.header.form != self.program.RELATIVE:
                out["version"] = str(d.header.version)
            gone += [{"entity": str(entity), "left": bool(left)} for entity, left in d.gone]
            changed += [(c.row.entity, c.mask) for c in d.changed]
            whole += [{"entity": str(w.entity), "inserted": w.inserted} for w in d.whole]
        changed = [{"entity": str(entity), "fields": tell.names(table, mask)}
                   for entity, mask in sorted(changed)]
        return {**out, "gone": gone, "changed": changed, "whole": whole}

    def state(self, replica, cell):
        table = replica.tables[cell.table]
        rows = tell.rows_of(table)
        out = {"publishes": cell.publishes, "rows": [tell.row_of(table, row) for row in rows],
               "digest": tell.digest_of(self.program, table, rows)}
        if table.tier == self.program.PACKED:
            out["history"] = tell.history_of(table, cell)
        return out


class Advances:
    """Of advances.json: frames, on a client past its handshake. Events are not told."""

    def __init__(self, program, group):
        self.program, self.group = program, group

    def play(self, vector):
        data = bytes.fromhex(self.group["schemas"][vector["schema"]])
        tables = schema.tables_of(self.program, data)
        player = client.Client(self.program, tables, vector.get("client", {}),
                               documents.decompress)
        for frame in vector["setup"]:
            player.take(bytes.fromhex(frame))
        before = tell.replica_of(self.program, player.shown)
        try:
            for frame in vector["frames"]:
                player.take(bytes.fromhex(frame))
        except self.program.Refused:
            after = tell.replica_of(self.program, player.shown)
            assert after == before, "a refused frame changed something"
            raise
        phase = "live" if player.is_live else "syncing"
        return {"phase": phase, **tell.replica_of(self.program, player.shown)}


GROUPS = {"primitives": Primitives, "values": Primitives, "blocks-plain": Blocks,
          "blocks-packed": Blocks, "advances": Advances}


def outcome_of(program, player, vector):
    """What comes of a vector, or the name of an error; None if nothing here can play it."""
    try:
        return player.play(vector)
    except program.Refused as refused:
        return str(refused)
    except documents.NoDecoder:
        return None


def wanted_of(vector):
    if "error" in vector:
        return vector["error"]
    return {name: value for name, value in vector["expect"].items() if name != "events"}


def run(folder, change=("", "")):
    """The number of vectors played in each group, and the differences."""
    program, played, differences = documents.load(folder, change), collections.Counter(), []
    for name, player_of in GROUPS.items():
        group = json.loads((folder / "vectors" / (name + ".json")).read_text(encoding="utf-8"))
        player = player_of(program, group)
        for vector in group["vectors"]:
            outcome = outcome_of(program, player, vector)
            if outcome is None:
                continue
            played[name] += 1
            if outcome != wanted_of(vector):
                differences.append(f"{name}, {vector['name']}: {outcome}, not {wanted_of(vector)}")
    return played, differences


# Each stands once in the documents.
MISTAKES = (
    ("elif age != 1: h.is_steady = False", ""),
    ("magnitude + quarters) // 2", "magnitude + quarters + 1) // 2"),
    ("if byte == 0 and shift > 0:", "if byte == 0 and shift > 7:"),
    ("tag, entities = set(read_runs(bits, 6, len(indices))), 0x00010001, []",
     "tag, entities = set(read_runs(bits, 6, len(indices))), 0x00010002, []"),
    ("if enter.generation <= last", "if enter.generation < last"),
    ("cell.changed < version <= head.to", "cell.changed <= version <= head.to"),
)


def self_test(folder):
    unseen = [old for old, new in MISTAKES if not run(folder, (old, new))[1]]
    for old in unseen:
        print("no vector needs:", old)
    return 1 if unseen else 0


def main():
    folder = pathlib.Path(sys.argv[1])
    if "--self-test" in sys.argv:
        return self_test(folder)
    played, differences = run(folder)
    for difference in differences:
        print(difference)
    print(", ".join(f"{name} {count}" for name, count in played.items()))
    return 1 if differences or sum(played.values()) < 400 else 0


if __name__ == "__main__":
    sys.exit(main())
