/**
 * Schemas: the canonical binary form, decoded. The rules that a schema must obey beyond its form
 * stand in schema-rules.js, the way back to bytes in schema-encode.js.
 *
 * A schema is a tree of plain objects. Members are named as in docs/protocol/vectors; those that a
 * field or table does not have are undefined.
 */

import { ByteReader, toHex } from "./bytes.js";
import { EcsdbError, refuse } from "./errors.js";
import { hash128 } from "./hash.js";
import { LIMITS } from "./limits.js";
import { checkSchema } from "./schema-rules.js";

/** Names of the field types by number; number 0 is no type. */
export const FIELD_TYPES = Object.freeze([
  undefined, "bool", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "f64",
  "vec2f", "vec3f", "quatf", "enum", "bits", "entity", "principal", "str", "bytes",
]);
export const CELL_KINDS = Object.freeze(["one", "value", "owner", "grid", "follow"]);
export const CONDITIONS = Object.freeze(["any", "cell_is_claim", "owner_is_me"]);
export const QUANTISE_KINDS = Object.freeze(["none", "precision", "range", "quaternion"]);
export const POLICIES = Object.freeze(["server", "lww", "merge"]);
export const CODECS = Object.freeze(["plain", "packed"]);

/** Bits of a field's flags. */
export const FIELD_SERVER_ONLY = 1;
export const FIELD_HAS_DEFAULT = 2;
export const FIELD_HAS_WRITE = 4;
/** Added to the cell kind of an event whose field says where it goes. */
export const CELL_HAS_AT = 64;
/** Added to the cell kind of an event that has a write list. */
export const CELL_HAS_WRITE = 128;
const FIELD_FLAGS = FIELD_SERVER_ONLY | FIELD_HAS_DEFAULT | FIELD_HAS_WRITE;

const FORMAT = 1;

/**
 * @typedef {object} Schema
 * @property {string} name
 * @property {number} version
 * @property {{name: string, values: string[]}[]} enums
 * @property {object[]} tables with `id`, `name`, `cell`, `read`, `write`, `codec`, `transient`,
 *   `fields`
 * @property {object[]} events with `id`, `name`, `cell`, `fields`, and `write` if there is such a
 *   list
 * @property {string} fingerprint 16 bytes in hexadecimal, as they stand in messages
 */

/**
 * @param {Uint8Array} bytes the canonical form
 * @returns {Schema} a schema that obeys all rules; it keeps nothing of `bytes`
 * @throws {EcsdbError} `limit_exceeded`, `frame_malformed`, `not_canonical`, `schema_invalid`
 */
export function decodeSchema(bytes) {
  try {
    if (bytes.length > LIMITS.schemaBytesMax) refuse("limit_exceeded", `${bytes.length} bytes`);
    const reader = new ByteReader(bytes);
    const schema = readSchema(reader);
    reader.finish();
    checkSchema(schema);
    schema.fingerprint = toHex(hash128(bytes));
    return schema;
  } catch (error) {
    throw error instanceof EcsdbError ? error.within("schema") : error;
  }
}

function readSchema(reader) {
  if (reader.u8() !== FORMAT) reader.malformed("another format of schemas");
  return {
    name: readName(reader),
    version: reader.varint(0xffffffff),
    enums: readRising(reader, LIMITS.enumsMax, readEnum, (item) => item.name),
    tables: readRising(reader, LIMITS.tablesMax, readTable, (item) => item.id),
    events: readRising(reader, LIMITS.eventsMax, readEvent, (item) => item.id),
  };
}

function readCount(reader, most, what) {
  const count = reader.varint();
  if (count > most) {
    refuse("limit_exceeded", `${count} ${what} where ${most} may be, at byte ${reader.at}`);
  }
  return count;
}

function readList(reader, most, readItem) {
  const list = [];
  for (let left = readCount(reader, most, "items"); left > 0; left--) list.push(readItem(reader));
  return list;
}

/** A list whose items stand in rising order of what `orderOf` gives. */
function readRising(reader, most, readItem, orderOf) {
  const list = [];
  for (let left = readCount(reader, most, "items"); left > 0; left--) {
    const item = readItem(reader);
    if (list.length > 0 && !rises(orderOf(list[list.length - 1]), orderOf(item))) {
      refuse("not_canonical", `"${item.name}" is not in rising order, at byte ${reader.at}`);
    }
    list.push(item);
  }
  return list;
}

/**
 * Names are ordered byte by byte. As strings of one character for each byte they compare so; legal
 * names are ASCII, and for others it is all the same once they have been refused.
 */
function rises(before, next) {
  return before < next;
}

/**
 * A name as a string with one character for each byte, so that a name that is no UTF-8 is refused
 * by the rules and not here.
 */
function readName(reader) {
  const bytes = reader.take(readCount(reader, LIMITS.nameBytesMax, "bytes of a name"));
  return String.fromCharCode(...bytes);
}

function readOf(reader, names, what) {
  return nameOf(reader, reader.u8(), names, what);
}

function nameOf(reader, number, names, what) {
  if (number >= names.length) reader.malformed(`${what} ${number}`);
  return names[number];
}

function readFlag(reader, what) {
  const flag = reader.u8();
  if (flag > 1) refuse("not_canonical", `${what} is ${flag}, at byte ${reader.at}`);
  return flag === 1;
}

function readEnum(reader) {
  return { name: readName(reader), values: readList(reader, LIMITS.enumValuesMax, readName) };
}

function readTable(reader) {
  return {
    id: reader.varint(0xffff),
    name: readName(reader),
    cell: readCell(reader, reader.u8()),
    read: readList(reader, LIMITS.accessRulesMax, readAccess),
    write: readList(reader, LIMITS.accessRulesMax, readAccess),
    codec: readOf(reader, CODECS, "codec tier"),
    transient: readFlag(reader, "transient"),
    fields: readRising(reader, LIMITS.fieldsPerTableMax, readField, (item) => item.id),
  };
}

function readEvent(reader) {
  const event = { id: reader.varint(0xffff), name: readName(reader) };
  const kind = reader.u8();
  event.cell = readCell(reader, kind & ~(CELL_HAS_AT | CELL_HAS_WRITE));
  if (kind & CELL_HAS_AT) {
    event.cell.at = readName(reader);
    if (event.cell.at === "") refuse("not_canonical", `an empty place, at byte ${reader.at}`);
  }
  event.fields = readRising(reader, LIMITS.fieldsPerTableMax, readField, (item) => item.id);
  if (kind & CELL_HAS_WRITE) event.write = readWriteList(reader);
  return event;
}

function readCell(reader, kind) {
  const cell = { kind: nameOf(reader, kind, CELL_KINDS, "cell kind") };
  if (cell.kind === "one") return cell;
  cell[cell.kind === "follow" ? "table" : "field"] = readName(reader);
  if (cell.kind === "grid") cell.size = readF64(reader);
  return cell;
}

function readAccess(reader) {
  const access = { role: readName(reader), where: readOf(reader, CONDITIONS, "condition") };
  if (access.where === "cell_is_claim") access.claim = readName(reader);
  return access;
}

function readWriteList(reader) {
  const rules = readList(reader, LIMITS.accessRulesMax, readAccess);
  if (rules.length === 0) refuse("not_canonical", `an empty write list, at byte ${reader.at}`);
  return rules;
}

function readField(reader) {
  const field = { id: reader.varint(0xffff), name: readName(reader) };
  const type = reader.u8();
  if (type >= FIELD_TYPES.length) reader.malformed(`field type ${type}`);
  field.type = FIELD_TYPES[type];
  field.quantise = readQuantise(reader);
  if (field.type === "enum") field.enum = readName(reader);
  if (field.type === "bits") field.bits = reader.u8();
  if (field.type === "str" || field.type === "bytes") field.max = reader.varint(0xffffffff);
  const flags = reader.u8();
  if (flags > FIELD_FLAGS) reader.malformed(`field flags ${flags}`);
  if (flags & FIELD_SERVER_ONLY) field.server_only = true;
  field.policy = readOf(reader, POLICIES, "policy");
  if (field.policy === "merge") field.merge = readName(reader);
  field.since = reader.varint(0xffffffff);
  if (flags & FIELD_HAS_DEFAULT) field.default = readDefault(reader);
  if (flags & FIELD_HAS_WRITE) field.write = readWriteList(reader);
  return field;
}

function readQuantise(reader) {
  const kind = readOf(reader, QUANTISE_KINDS, "quantise kind");
  switch (kind) {
    case "precision":
      return { kind, precision: readF64(reader) };
    case "range":
      return { kind, min: readF64(reader), max: readF64(reader), bits: reader.u8() };
    case "quaternion":
      return { kind, bits: reader.u8() };
    default:
      return undefined;
  }
}

/** Readers of the kinds of defaults, by number; number 0 is no kind. */
const DEFAULT_READERS = [
  undefined,
  (reader) => readFlag(reader, "a default"),
  (reader) => reader.varint64(),
  (reader) => reader.zigzag64(),
  readF64,
  (reader) => readVector(reader, 2),
  (reader) => readVector(reader, 3),
  (reader) => readVector(reader, 4),
  (reader) => reader.u8(),
  (reader) => reader.varint64(),
  (reader) => reader.u64(),
  (reader) => reader.u64(),
  readDefaultBytes,
  readDefaultBytes,
];

/** A default: the number of its kind, and its value: boolean, BigInt, number(s) or bytes. */
function readDefault(reader) {
  const alternative = reader.u8();
  if (alternative === 0 || alternative >= DEFAULT_READERS.length) {
    reader.malformed(`a default of kind ${alternative}`);
  }
  return { alternative, value: DEFAULT_READERS[alternative](reader) };
}

function readDefaultBytes(reader) {
  return reader.take(readCount(reader, LIMITS.textBytesMax, "bytes of a default")).slice();
}

function readVector(reader, count) {
  const vector = [];
  for (let i = 0; i < count; i++) vector.push(notNan(reader, readFloat(reader, 4)));
  return vector;
}

function readF64(reader) {
  return notNan(reader, readFloat(reader, 8));
}

function readFloat(reader, width) {
  const bytes = reader.take(width);
  const view = new DataView(bytes.buffer, bytes.byteOffset, width);
  return width === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true);
}

function notNan(reader, value) {
  if (Number.isNaN(value)) refuse("not_canonical", `a float that is NaN, at byte ${reader.at}`);
  return value;
}

/**
 * @param {Schema} schema
 * @param {string} name
 * @returns {object|undefined} the table of that name
 */
export function tableNamed(schema, name) {
  return schema.tables.find((table) => table.name === name);
}

