/**
 * The canonical binary form of a schema: the way back from schema.js. A client that only reads does
 * not need it; tests do, to show that an accepted form is the only one.
 */

import { ByteWriter } from "./bytes.js";
import {
  CELL_HAS_AT, CELL_HAS_WRITE, CELL_KINDS, CODECS, CONDITIONS, FIELD_HAS_DEFAULT, FIELD_HAS_WRITE,
  FIELD_SERVER_ONLY, FIELD_TYPES, POLICIES, QUANTISE_KINDS,
} from "./schema.js";
import { bitsOfF32, bitsOfF64 } from "./values.js";

const FORMAT = 1;

/**
 * @param {import("./schema.js").Schema} schema
 * @returns {Uint8Array}
 */
export function encodeSchema(schema) {
  const writer = new ByteWriter();
  writer.u8(FORMAT);
  writer.text(schema.name);
  writer.varint(schema.version);
  writeList(writer, schema.enums, writeEnum);
  writeList(writer, schema.tables, writeTable);
  writeList(writer, schema.events, writeEvent);
  return writer.done();
}

function writeList(writer, items, writeItem) {
  writer.varint(items.length);
  for (const item of items) writeItem(writer, item);
}

function writeEnum(writer, item) {
  writer.text(item.name);
  writeList(writer, item.values, (w, value) => w.text(value));
}

function writeTable(writer, table) {
  writer.varint(table.id);
  writer.text(table.name);
  writeCell(writer, table.cell);
  writeList(writer, table.read, writeAccess);
  writeList(writer, table.write, writeAccess);
  writer.u8(CODECS.indexOf(table.codec));
  writer.u8(table.transient ? 1 : 0);
  writeList(writer, table.fields, writeField);
}

function writeEvent(writer, event) {
  writer.varint(event.id);
  writer.text(event.name);
  const { at } = event.cell;
  writeCell(writer, event.cell, (at ? CELL_HAS_AT : 0) | (event.write ? CELL_HAS_WRITE : 0));
  if (at) writer.text(at);
  writeList(writer, event.fields, writeField);
  if (event.write) writeList(writer, event.write, writeAccess);
}

function writeCell(writer, cell, flag = 0) {
  writer.u8(CELL_KINDS.indexOf(cell.kind) | flag);
  if (cell.kind !== "one") writer.text(cell.kind === "follow" ? cell.table : cell.field);
  if (cell.kind === "grid") writer.u64(bitsOfF64(cell.size));
}

function writeAccess(writer, access) {
  writer.text(access.role);
  writer.u8(CONDITIONS.indexOf(access.where));
  if (access.where === "cell_is_claim") writer.text(access.claim);
}

function writeField(writer, field) {
  writer.varint(field.id);
  writer.text(field.name);
  writer.u8(FIELD_TYPES.indexOf(field.type));
  writeQuantise(writer, field.quantise);
  if (field.type === "enum") writer.text(field.enum);
  if (field.type === "bits") writer.u8(field.bits);
  if (field.max !== undefined) writer.varint(field.max);
  writer.u8(flagsOf(field));
  writer.u8(POLICIES.indexOf(field.policy));
  if (field.policy === "merge") writer.text(field.merge);
  writer.varint(field.since);
  if (field.default) writeDefault(writer, field.default);
  if (field.write) writeList(writer, field.write, writeAccess);
}

function flagsOf(field) {
  return (field.server_only ? FIELD_SERVER_ONLY : 0) | (field.default ? FIELD_HAS_DEFAULT : 0) |
    (field.write ? FIELD_HAS_WRITE : 0);
}

function writeQuantise(writer, quantise) {
  writer.u8(QUANTISE_KINDS.indexOf(quantise?.kind ?? "none"));
  if (quantise?.kind === "precision") writer.u64(bitsOfF64(quantise.precision));
  if (quantise?.kind === "range") {
    writer.u64(bitsOfF64(quantise.min));
    writer.u64(bitsOfF64(quantise.max));
  }
  if (quantise?.bits !== undefined) writer.u8(quantise.bits);
}

const writeVector = (writer, value) => value.forEach((x) => writer.u32(bitsOfF32(x)));

/** Writers of the kinds of defaults, by number; number 0 is no kind. */
const DEFAULT_WRITERS = [
  undefined,
  (writer, value) => writer.u8(value ? 1 : 0),
  (writer, value) => writer.varint64(value),
  (writer, value) => writer.zigzag64(value),
  (writer, value) => writer.u64(bitsOfF64(value)),
  writeVector,
  writeVector,
  writeVector,
  (writer, value) => writer.u8(value),
  (writer, value) => writer.varint64(value),
  (writer, value) => writer.u64(value),
  (writer, value) => writer.u64(value),
  (writer, value) => writer.byteString(value),
  (writer, value) => writer.byteString(value),
];

function writeDefault(writer, { alternative, value }) {
  writer.u8(alternative);
  DEFAULT_WRITERS[alternative](writer, value);
}
