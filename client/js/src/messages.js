/**
 * The messages of the protocol: heads of frames, field by field.
 *
 * Messages are plain objects whose members are named as in BYTES.md section 4. Numbers of up to 32
 * bits are numbers, those of 64 bits are BigInts, fingerprints and ids of databases are their 16
 * bytes in hexadecimal, digests lists of their four numbers, texts are strings, byte strings are
 * views of what was decoded.
 */

import { ByteReader, ByteWriter, fromHex, toHex } from "./bytes.js";
import { EcsdbError } from "./errors.js";
import { LIMITS } from "./limits.js";

/** Kinds of cell keys, by number. */
export const CELL_KEY_KINDS = Object.freeze(["one", "value", "owner", "grid", "none"]);
const CELL_KEY_NUMBERS = [0, 1, 1, 3, 0];

/** Kinds of subscriptions. */
export const SELECT_ALL = 0;
export const SELECT_KEYS = 1;
export const SELECT_BOX = 2;
export const SELECT_BALL = 3;
export const SELECT_RANGE = 4;

/** Readers and writers of the types of fields; `limit` is the third member of a field below. */
const TYPES = {
  u32: { read: (r) => r.u32(), write: (w, v) => w.u32(v) },
  v8: { read: (r, limit = 0xff) => r.varint(limit), write: (w, v) => w.varint(v) },
  v16: { read: (r, limit = 0xffff) => r.varint(limit), write: (w, v) => w.varint(v) },
  v32: { read: (r, limit = 0xffffffff) => r.varint(limit), write: (w, v) => w.varint(v) },
  v64: { read: (r) => r.varint64(), write: (w, v) => w.varint64(v) },
  z32: { read: (r) => r.zigzag32(), write: (w, v) => w.zigzag32(v) },
  z64: { read: (r) => r.zigzag64(), write: (w, v) => w.zigzag64(v) },
  bool: { read: (r) => readEnum(r, 1) === 1, write: (w, v) => w.u8(v ? 1 : 0) },
  enum: { read: readEnum, write: (w, v) => w.u8(v) },
  hash128: { read: (r) => toHex(r.take(16)), write: (w, v) => w.raw(fromHex(v)) },
  digest: { read: readDigest, write: (w, v) => v.forEach((lane) => w.u32(lane)) },
  text: { read: (r, limit) => r.text(limit), write: (w, v) => w.text(v) },
  bytes: { read: (r, limit) => r.byteString(limit), write: (w, v) => w.byteString(v) },
  cellKey: { read: readCellKey, write: writeCellKey },
  value: { read: readCanonical, write: writeCanonical },
};

/** Kind of a value that is a text; below it, the number of its lanes. */
const VALUE_TEXT = 5;

const GRID_POINT = [["x", "z64"], ["y", "z64"], ["z", "z64"]];
const SUBSCRIPTION_AREA = [
  ["follow", "v64"], ["center", GRID_POINT], ["extent", GRID_POINT], ["margin", "v64"],
];
const SUBSCRIPTION = [
  ["id", "v32"],
  ["table", "v16"],
  ["kind", "enum", SELECT_RANGE],
  ["keys", ["cellKey"], LIMITS.subscriptionKeysMax],
  ["area", [SUBSCRIPTION_AREA], 1],
  ["nearest_to", ["cellKey"], 1],
];
const SUBSCRIPTION_MOVE = [["id", "v32"], ["center", GRID_POINT]];
const SUBSCRIBE_RESULT = [["id", "v32"], ["code", "v16"]];
/** A cell of the connection: of a leave, or by itself. */
const CELL_NAME = [["handle", "v32", LIMITS.cellsPerConnectionMax], ["generation", "v32"]];
const CELL_ENTER = [
  ...CELL_NAME,
  ["table", "v16"],
  ["key", "cellKey"],
  ["changed", "v64"],
  ["publishes", "v32"],
];
const HELD_STATE_MAX = 3;
const RESUME_CELL = [
  ...CELL_NAME, ["table", "v16"], ["key", "cellKey"], ["state", "enum", HELD_STATE_MAX],
];
const DIGEST_SAMPLE = [...CELL_NAME, ["digest", "digest"]];
const BLOCK_ENTRY = [["step", "z32"], ["bytes", "v32", LIMITS.blockBytesHardMax]];
const FLAGS_MAX = 11;
const SUBSCRIBE_RESULTS_MAX = 192;
const RESET_REASON_MAX = 5;

const WRITE_OP_MAX = 4;
const ACK_LEVEL_MAX = 1;
const OUTCOME_MAX = 3;
const WRITE_OP = [
  ["kind", "enum", WRITE_OP_MAX],
  ["table", "v16"],
  ["made_by", "v64"],
  ["entity", "v64"],
  ["field_count", "v32", LIMITS.writeFieldsMax],
];
const WRITE_FIELD = [
  ["field", "v16"],
  ["base", "value", LIMITS.textBytesMax],
  ["value", "value", LIMITS.textBytesMax],
];
const WRITE_ENTRY = [["expires_ns", "v64"], ["write", "bytes", LIMITS.writeBytesMax]];
const FINAL_VALUE = [
  ["op", "v32", LIMITS.writeOpsMax],
  ["field", "v16"],
  ["value", "value", LIMITS.textBytesMax],
];
const OUTCOME = [
  ["sequence", "v64"],
  ["kind", "enum", OUTCOME_MAX],
  ["version", "v64"],
  ["code", "v16"],
  ["reason", "text", LIMITS.reasonBytesMax],
  ["made", ["v64"], LIMITS.writeOpsMax],
  ["finals", [FINAL_VALUE], LIMITS.writeFieldsMax],
];

const EVENT_VALUE = [["field", "v16"], ["value", "value", LIMITS.textBytesMax]];
const EVENT_ENTRY = [
  ["event", "v16"],
  ["entity", "v64"],
  ["version", "v64"],
  ["values", [EVENT_VALUE], LIMITS.fieldsPerTableMax],
];
const CLIENT_EVENT_ENTRY = EVENT_ENTRY.filter(([name]) => name !== "version");

const ADVANCE = [
  ["flags", "v8", FLAGS_MAX],
  ["from", "v64"],
  ["distance", "v64"],
  ["commit_time_ns", "v64"],
  ["leaves", [CELL_NAME], LIMITS.cellsPerFrameMax],
  ["enters", [CELL_ENTER], LIMITS.cellsPerFrameMax],
  ["blocks", [BLOCK_ENTRY], LIMITS.blocksPerFrameMax],
  ["tail_checksum", "u32"],
];

/**
 * Number and fields of each message. A field is its name, its type, and its limit if it has one. A
 * type is its name or a list of fields; a list of elements has the elements' type in `[` and `]`,
 * and always a limit.
 */
export const MESSAGES = Object.freeze({
  auth: {
    number: 1,
    fields: [
      ["token", "bytes", LIMITS.tokenBytesMax],
      ["client_name", "text", LIMITS.clientNameBytesMax],
      ["database", "v8", 1],
      ["schema_known", "hash128"],
      ["client_time_ns", "v64"],
      ["ticket", "bytes", LIMITS.ticketBytesMax],
      ["is_resuming", "bool"],
      ["ticket_is_copied", "bool"],
    ],
  },
  subscribe: {
    number: 2,
    fields: [
      ["request", "v32"],
      ["add", [SUBSCRIPTION], LIMITS.subscriptionsMax],
      ["remove", ["v32"], LIMITS.subscriptionsMax],
      ["move", [SUBSCRIPTION_MOVE], LIMITS.subscriptionsMax],
    ],
  },
  ack: { number: 3, fields: [["cut", "v64"], ["bytes", "v64"]] },
  client_heartbeat: {
    number: 4,
    fields: [["client_time_ns", "v64"], ["echo_ns", "v64"], ["echo_age_ns", "v64"]],
  },
  resume: {
    number: 5,
    fields: [
      ["is_last", "bool"],
      ["database_id", "hash128"],
      ["epoch", "v64"],
      ["cut", "v64"],
      ["sync_version", "v64"],
      ["next_index", "v32"],
      ["generation", "v32"],
      ["cells", [RESUME_CELL], LIMITS.cellsPerFrameMax],
    ],
  },
  refetch: { number: 6, fields: [["cells", [CELL_NAME], LIMITS.cellsPerFrameMax]] },
  client_ready: { number: 7, fields: [["cut", "v64"]] },
  goodbye: { number: 8, fields: [["code", "v16"], ["reason", "text", LIMITS.reasonBytesMax]] },
  writes: {
    number: 9,
    fields: [
      ["client", "v64"],
      ["settled_below", "v64"],
      ["entries", [WRITE_ENTRY], LIMITS.writesPerFrameMax],
    ],
  },
  client_events: {
    number: 10,
    fields: [["events", [CLIENT_EVENT_ENTRY], LIMITS.eventsPerFrameMax]],
  },
  auth_reply: {
    number: 16,
    fields: [
      ["database_id", "hash128"],
      ["epoch", "v64"],
      ["client", "v64"],
      ["principal", "v64"],
      ["schema_fingerprint", "hash128"],
      ["schema_bytes", "v32", LIMITS.schemaBytesMax],
      ["server_time_ns", "v64"],
      ["heartbeat_ms", "v32"],
      ["frame_head_bytes_max", "v32"],
      ["unacked_bytes_max", "v32"],
      ["subscriptions_max", "v32"],
      ["echo_ns", "v64"],
      ["ticket", "bytes", LIMITS.ticketBytesMax],
      ["is_resumed", "bool"],
      ["budget_bytes", "v64"],
      ["client_bytes", "v64"],
      ["client_changes", "v32"],
      ["stall_ms", "v32"],
      ["server_wall_ms", "v64"],
      ["writes_waiting_max", "v32"],
    ],
  },
  schema_part: {
    number: 17,
    fields: [
      ["offset", "v32", LIMITS.schemaBytesMax],
      ["bytes", "bytes", LIMITS.schemaPartBytesMax],
    ],
  },
  subscribe_reply: {
    number: 18,
    fields: [["request", "v32"], ["results", [SUBSCRIBE_RESULT], SUBSCRIBE_RESULTS_MAX]],
  },
  sync_begin: { number: 19, fields: [["version", "v64"], ["rows", "v64"], ["bytes", "v64"]] },
  sync_chunk: { number: 20, fields: ADVANCE },
  advance: { number: 21, fields: ADVANCE },
  server_heartbeat: {
    number: 22,
    fields: [
      ["head", "v64"],
      ["durable", "v64"],
      ["server_time_ns", "v64"],
      ["echo_ns", "v64"],
      ["echo_age_ns", "v64"],
      ["digests", [DIGEST_SAMPLE], LIMITS.digestsPerFrameMax],
    ],
  },
  resume_reply: {
    number: 23,
    fields: [
      ["reason", "enum", RESET_REASON_MAX],
      ["fork_epoch", "v64"],
      ["fork_version", "v64"],
      ["keeps_sync", "bool"],
    ],
  },
  sync_mark: {
    number: 24,
    fields: [
      ["done", "v32", LIMITS.cellsPerConnectionMax],
      ["begun", "v32", LIMITS.cellsPerConnectionMax],
      ["next_index", "v32"],
    ],
  },
  outcomes: {
    number: 25,
    fields: [["is_alone", "bool"], ["outcomes", [OUTCOME], LIMITS.outcomesPerFrameMax]],
  },
  write_refused: {
    number: 26,
    fields: [
      ["sequence", "v64"],
      ["code", "v16"],
      ["reason", "text", LIMITS.reasonBytesMax],
      ["retry_after_ms", "v32"],
    ],
  },
  events: {
    number: 27,
    fields: [["missed", "v64"], ["events", [EVENT_ENTRY], LIMITS.eventsPerFrameMax]],
  },
});

/** What stands as bytes inside of a message: the `write` of an entry of `writes`. */
export const ENCLOSED = Object.freeze({
  write: {
    fields: [
      ["sequence", "v64"],
      ["epoch", "v64"],
      ["base", "v64"],
      ["stamp", "v64"],
      ["level", "enum", ACK_LEVEL_MAX],
      ["resolves", "v64"],
      ["ops", [WRITE_OP], LIMITS.writeOpsMax],
      ["fields", [WRITE_FIELD], LIMITS.writeFieldsMax],
    ],
  },
});

const NAMES = new Map(Object.entries(MESSAGES).map(([name, m]) => [m.number, name]));

/**
 * @param {number} type number of a message
 * @returns {string|undefined} its name, undefined for a number that no message has
 */
export function messageName(type) {
  return NAMES.get(type);
}

/**
 * @param {string} name of a message, or of what is enclosed in one
 * @param {Uint8Array} head bytes of its frame's head
 * @returns {object} its fields
 * @throws {EcsdbError} `frame_malformed`
 */
export function decodeMessage(name, head) {
  const reader = new ByteReader(head);
  try {
    const message = readFields(reader, fieldsOf(name));
    reader.finish();
    return message;
  } catch (error) {
    throw error instanceof EcsdbError ? error.within(name) : error;
  }
}

/**
 * @param {string} name of a message, or of what is enclosed in one
 * @param {object} message its fields; taken as they are, within their limits
 * @returns {Uint8Array} the head of its frame
 */
export function encodeMessage(name, message) {
  const writer = new ByteWriter();
  writeFields(writer, fieldsOf(name), message);
  return writer.done();
}

function fieldsOf(name) {
  return (MESSAGES[name] ?? ENCLOSED[name]).fields;
}

function readFields(reader, fields) {
  const message = {};
  for (let i = 0; i < fields.length; i++) {
    const [name, type, limit] = fields[i];
    message[name] = readValue(reader, type, limit);
  }
  return message;
}

/** Fields of a structure have a type of more than one member, lists one of a single one. */
function isList(type) {
  return type.length === 1;
}

function readValue(reader, type, limit) {
  if (!Array.isArray(type)) return TYPES[type].read(reader, limit);
  return isList(type) ? readList(reader, type[0], limit) : readFields(reader, type);
}

function readList(reader, type, limit) {
  const count = reader.varint(limit);
  const list = [];
  for (let i = 0; i < count; i++) list.push(readValue(reader, type));
  return list;
}

function writeFields(writer, fields, message) {
  for (const [name, type] of fields) writeValue(writer, type, message[name]);
}

function writeValue(writer, type, value) {
  if (!Array.isArray(type)) {
    TYPES[type].write(writer, value);
  } else if (isList(type)) {
    writer.varint(value.length);
    for (const element of value) writeValue(writer, type[0], element);
  } else {
    writeFields(writer, type, value);
  }
}

function readEnum(reader, limit) {
  const value = reader.u8();
  if (value > limit) reader.malformed(`${value} where ${limit} is the largest`);
  return value;
}

function readDigest(reader) {
  return [reader.u32(), reader.u32(), reader.u32(), reader.u32()];
}

/**
 * @typedef {object} CellKey names a cell of a table
 * @property {string} kind one of CELL_KEY_KINDS
 * @property {bigint[]} numbers signed, of 64 bits: none, one, one, three, none
 */

function readCellKey(reader) {
  const kind = reader.u8();
  if (kind >= CELL_KEY_KINDS.length) reader.malformed(`a cell key of kind ${kind}`);
  const numbers = [];
  for (let i = 0; i < CELL_KEY_NUMBERS[kind]; i++) numbers.push(reader.zigzag64());
  return { kind: CELL_KEY_KINDS[kind], numbers };
}

function writeCellKey(writer, key) {
  writer.u8(CELL_KEY_KINDS.indexOf(key.kind));
  for (const number of key.numbers) writer.zigzag64(BigInt.asIntN(64, number));
}

/**
 * @typedef {object} CanonicalValue a field's value apart from any row
 * @property {number} kind 0 for none, the number of its lanes, or 5 for a text
 * @property {bigint[]|undefined} lanes signed, of 64 bits
 * @property {Uint8Array|undefined} bytes of a text
 */

function readCanonical(reader, limit) {
  const kind = readEnum(reader, VALUE_TEXT);
  if (kind === 0) return { kind };
  if (kind === VALUE_TEXT) return { kind, bytes: reader.byteString(limit) };
  const lanes = [];
  for (let i = 0; i < kind; i++) lanes.push(reader.zigzag64());
  return { kind, lanes };
}

function writeCanonical(writer, { kind, lanes, bytes }) {
  writer.u8(kind);
  if (kind === VALUE_TEXT) writer.byteString(bytes);
  else for (const lane of lanes ?? []) writer.zigzag64(BigInt.asIntN(64, lane));
}
