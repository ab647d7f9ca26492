/**
 * What a client holds, in the words of the vectors.
 */

import { decodeUtf8, toHex } from "../../src/bytes.js";
import { NO_MAGNITUDE } from "../../src/history.js";

/** A slot of a lane as a vector writes it. */
function laneText(lane, slot) {
  if (lane.isWide) return String(lane.isSigned ? BigInt.asIntN(64, slot) : slot);
  return String(lane.isSigned ? slot : slot >>> 0);
}

/** Values of a row by name of the field. */
export function describeValues(store, row) {
  const values = {};
  for (const field of store.layout.fields) {
    if (field.isText) {
      const bytes = store.texts[field.number][row];
      values[field.name] = field.isUtf8 ? decodeUtf8(bytes) : toHex(bytes);
    } else {
      const slots = store.slots(row, field);
      values[field.name] = field.lanes.map((lane, k) => laneText(lane, slots[k]));
    }
  }
  return values;
}

function fieldsOfMask(layout, low, high) {
  const isIn = ({ number }) => ((number < 32 ? low >>> number : high >>> (number - 32)) & 1) === 1;
  return layout.fields.filter(isIn).map((field) => field.name);
}

/** @returns {string[]} the fields of a changed row of a decoded block */
export function changedFields(decoded, i) {
  const { maskLow, maskHigh } = decoded.changed;
  return fieldsOfMask(decoded.layout, maskLow[i], maskHigh[i]);
}

/** The digest of a cell, calculated anew. */
export function describeDigest(cell) {
  cell.touch();
  return Array.from(cell.digest(), (lane) => lane >>> 0);
}

/** Histories of a cell's rows, by entity. */
export function describeHistory(cell) {
  const { store } = cell;
  return cell.live.map((row) => {
    const h = store.history;
    const { layout } = store;
    const age = h.age(row, cell.publishes + 1);
    const last = fieldsOfMask(layout, h.lastLow[row], h.lastHigh[row]);
    const lanes = {};
    for (const lane of layout.predictedLanes) {
      const { name } = layout.fields[lane.field];
      const repeats = age === 1 && last.includes(name);
      (lanes[name] ??= []).push(describeLane(h.lanes[lane.predicted], lane, row, repeats));
    }
    return {
      entity: String(store.entity(row)), age, steady: age === 1 && h.steady[row] === 1, last,
      before: fieldsOfMask(layout, h.beforeLow[row], h.beforeHigh[row]), lanes,
    };
  });
}

function describeLane(h, lane, row, repeats) {
  if (h.magnitude[row] === NO_MAGNITUDE) return null;
  const described = { magnitude: h.magnitude[row], trend: h.trend[row] };
  if (repeats) {
    const change = h.change[row];
    described.change = String(lane.isWide ? BigInt.asIntN(64, change) : change);
  }
  return described;
}

/** Rows of one table, by entity. */
export function describeRows(store) {
  const rows = [...store.rowOf.entries()].sort((a, b) => a[0] - b[0]);
  return rows.map(([, row]) => ({
    entity: String(store.entity(row)), values: describeValues(store, row),
  }));
}

export function describeKey(key) {
  const numbers = key.numbers.map((n) => String(key.kind === "owner" ? BigInt.asUintN(64, n) : n));
  return { kind: key.kind, numbers };
}

function byHandle(replica) {
  return [...replica.cells.values()].sort((a, b) => a.handle - b.handle);
}

export function describeCells(replica) {
  return byHandle(replica).map((cell) => ({
    handle: cell.handle, generation: cell.generation, table: cell.store.layout.id,
    key: describeKey(cell.key), changed: String(cell.changed), publishes: cell.publishes,
    digest: describeDigest(cell),
  }));
}

/** All rows by table and entity, with the handles of their cells. */
export function describeAllRows(replica) {
  const rows = [];
  const stores = [...replica.stores.values()].sort((a, b) => a.layout.id - b.layout.id);
  for (const store of stores) {
    for (const { entity, values } of describeRows(store)) {
      const row = store.rowOf.get(Number(BigInt(entity) >> 32n));
      rows.push({ table: store.layout.id, handle: store.cellOf[row], entity, values });
    }
  }
  return rows;
}

/** The sum of the digests of some cells. */
export function digestSum(cells) {
  const sum = new Int32Array(4);
  for (const cell of cells) cell.digest().forEach((lane, i) => (sum[i] += lane));
  return Array.from(sum, (lane) => lane >>> 0);
}

/** Everything of a replica that a refused advance must leave as it was. */
export function describeReplica(replica) {
  if (replica === null) return null;
  return {
    cut: String(replica.cut), commit: String(replica.commitTime),
    generations: [...replica.generations], cells: describeCells(replica),
    rows: describeAllRows(replica),
    histories: byHandle(replica).map((cell) => (cell.store.history ? describeHistory(cell) : [])),
  };
}

/** What an application can see of a client, but for events and reports. */
export function describeClient(client) {
  const { shown } = client;
  return {
    phase: client.phase, cut: String(client.cut), commit_time_ns: String(client.commitTime),
    row_count: shown === null ? 0 : shown.rowCount(),
    cells: shown === null ? [] : describeCells(shown),
    rows: shown === null ? [] : describeAllRows(shown),
  };
}

/** An event of the client as a vector writes it. */
export function describeEvent({ kind, table, entity, fields }) {
  const event = { kind, table, entity: String(entity) };
  if (fields !== undefined) event.fields = fields;
  return event;
}

/** A report as a vector writes it: without the text for people. */
export function describeReport({ kind, subscription, code }) {
  const report = { kind };
  if (subscription !== undefined) report.subscription = subscription;
  if (code !== undefined) report.code = code;
  return report;
}
