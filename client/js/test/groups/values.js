/** values.json: lanes and the values that they stand for, texts, hashes of rows. */

import { decodeUtf8, fromHex, isUtf8, toHex } from "../../src/bytes.js";
import { refuse } from "../../src/errors.js";
import { makeField } from "../../src/layout.js";
import { Cell, TableStore } from "../../src/store.js";
import { bitsOfF32, bitsOfF64, COMPONENTS, lanesOfValue, valueOfLanes } from "../../src/values.js";
import { disagree, same } from "../support/compare.js";
import { layoutNamed } from "../support/schemas.js";

export const MEMBERS = ["kind", "field", "lanes", "bytes", "value", "schema", "table", "rows"];

const KINDS = { value: readValue, text: readText, quantise: quantiseValue, row_hash: hashRows };

/** @returns {object} what a vector's input gives, to be compared with `expect` */
export function evaluate(vector, context) {
  const run = KINDS[vector.kind] ?? disagree(`kind "${vector.kind}" is not known here`);
  return run(vector, context);
}

/** Slots of lanes as vectors write them. */
function parseLanes(field, texts) {
  if (texts.length !== field.lanes.length) disagree(`${texts.length} lanes`);
  return field.lanes.map((lane, k) => {
    const number = BigInt(texts[k]);
    if (!lane.holds(number)) refuse("value_out_of_range", `${number} in lane ${k}`);
    return lane.isWide ? BigInt.asUintN(64, number) : Number(BigInt.asIntN(32, number));
  });
}

function laneTexts(field, slots) {
  return field.lanes.map((lane, k) => {
    if (lane.isWide) return String(lane.isSigned ? BigInt.asIntN(64, slots[k]) : slots[k]);
    return String(lane.isSigned ? slots[k] : slots[k] >>> 0);
  });
}

function makeVectorField(definition) {
  return makeField({ id: 1, name: "field", ...definition }, 0);
}

function readValue({ field: definition, lanes }) {
  const field = makeVectorField(definition);
  const slots = parseLanes(field, lanes);
  const value = valueOfLanes(field, slots);
  // Without quantisation the lanes are the only ones of the value, but for the bits of a NaN.
  if (!field.quantise && !Number.isNaN(value)) {
    same(lanes, laneTexts(field, lanesOfValue(field, value)), "lanes of the value");
  }
  if (!COMPONENTS.has(field.type)) {
    const isNumber = field.type === "bool" || field.type === "enum";
    return { value: isNumber ? value : String(value) };
  }
  if (!Array.isArray(value)) return { value: floatText(value), bits: hexOf(bitsOfF64(value), 16) };
  return { value: value.map(floatText), bits: value.map((x) => hexOf(bitsOfF32(x), 8)) };
}

function hexOf(bits, digits) {
  return bits.toString(16).padStart(digits, "0");
}

/** A float of a vector: JSON has neither NaN, infinities nor minus zero. */
function floatText(x) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  return x === 0 ? 0 : x;
}

function readText({ field, bytes: hex }) {
  const bytes = fromHex(hex);
  if (bytes.length > field.max) refuse("text_too_long", `${bytes.length} bytes`);
  if (field.type === "bytes") return { value: toHex(bytes) };
  if (!isUtf8(bytes)) refuse("bad_text", "not UTF-8");
  return { value: decodeUtf8(bytes) };
}

function quantiseValue({ field: definition, value }) {
  const field = makeVectorField(definition);
  const parsed = typeof value === "string" ? BigInt(value) : value;
  return { lanes: laneTexts(field, lanesOfValue(field, parsed)) };
}

function hashRows({ schema, table, rows }, context) {
  const store = new TableStore(layoutNamed(context, schema, table));
  const enter = { handle: 0, generation: 1, key: { kind: "one", numbers: [] } };
  const cell = new Cell({ ...enter, changed: 0n, publishes: 0 }, store);
  const hashes = rows.map(({ entity, values }) => {
    const id = BigInt(entity);
    const row = store.makeRow(Number(id >> 32n), Number(id & 0xffffffffn), cell);
    for (const field of store.layout.fields) putField(store, row, field, values[field.name]);
    const hash = new Int32Array(4);
    store.addHash(row, hash);
    return unsigned(hash);
  });
  return { hashes, digest: unsigned(cell.digest()) };
}

function putField(store, row, field, value) {
  if (!field.isText) {
    const slots = parseLanes(field, value);
    field.lanes.forEach((lane, k) => (store.columns[lane.ordinal][row] = slots[k]));
    return;
  }
  const bytes = field.isUtf8 ? new TextEncoder().encode(value) : fromHex(value);
  store.texts[field.number][row] = bytes;
}

function unsigned(lanes) {
  return Array.from(lanes, (lane) => lane >>> 0);
}
