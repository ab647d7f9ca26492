/**
 * The rules that a schema must obey, BYTES.md section 5. All refusals are `schema_invalid`.
 */

import { isUtf8 } from "./bytes.js";
import { refuse } from "./errors.js";
import { LIMITS } from "./limits.js";
import { COMPONENTS, INTEGER_BITS, LARGEST_F32, quantise, rangeOf } from "./values.js";

const LEGAL_NAME = /^[a-z][a-z0-9_]*$/;
const VALUE_CELL_TYPES = new Set(["bool", "enum", "bits", "entity", ...INTEGER_BITS.keys()]);
const NUMBER_TYPES = new Set(["f32", "f64", "vec2f", "vec3f"]);
const VECTOR_TYPES = new Set(["vec2f", "vec3f"]);
const TEXT_TYPES = new Set(["str", "bytes"]);
const FOLLOWED_CELLS = new Set(["value", "owner", "grid"]);

const LEAST_PRECISION = 1e-30;
const LARGEST_PRECISION = 1e25;
const LARGEST_RANGE = 1e38;
const LARGEST_RANGE_F64 = 1e290;
const CELL_STEPS_MAX = 2147483647;
const CELL_STEPS_ERROR = 1e-6;

/** Kind of the default of each field type. A field of type entity has none. */
const DEFAULT_KINDS = {
  bool: 1, u8: 2, u16: 2, u32: 2, u64: 2, i8: 3, i16: 3, i32: 3, i64: 3, f32: 4, f64: 4,
  vec2f: 5, vec3f: 6, quatf: 7, enum: 8, bits: 9, principal: 11, str: 12, bytes: 13,
};

/**
 * @param {import("./schema.js").Schema} schema as it was decoded
 * @throws {EcsdbError} `schema_invalid`
 */
export function checkSchema(schema) {
  legalName(schema.name, "the schema");
  must(schema.version >= 1, "the version is 0");
  for (const item of schema.enums) checkEnum(item);
  unique(schema.tables, "table");
  unique(schema.events, "event");
  for (const table of schema.tables) checkTable(schema, table);
  for (const event of schema.events) checkEvent(schema, event);
}

function must(condition, text) {
  if (!condition) refuse("schema_invalid", text);
}

function isLegalName(name) {
  return name.length <= LIMITS.nameBytesMax && LEGAL_NAME.test(name);
}

function legalName(name, what) {
  must(isLegalName(name), `${what} has the name ${JSON.stringify(name)}`);
}

function unique(items, what) {
  const names = items.map((item) => (typeof item === "string" ? item : item.name));
  must(new Set(names).size === names.length, `a name of a ${what} stands twice`);
}

function checkEnum(item) {
  legalName(item.name, "an enum");
  must(item.values.length > 0, `enum ${item.name} has no values`);
  for (const value of item.values) legalName(value, `a value of enum ${item.name}`);
  unique(item.values, `value of enum ${item.name}`);
}

function checkTable(schema, table) {
  const what = `table ${table.name}`;
  checkHolder(schema, table, what);
  const replicated = table.fields.filter((field) => !field.server_only);
  must(replicated.length > 0, `${what} replicates no field`);
  const textBytes = replicated.reduce((sum, field) => sum + (field.max ?? 0), 0);
  must(textBytes <= LIMITS.rowTextBytesMax, `${what} has rows with ${textBytes} bytes of texts`);
  for (const rule of table.read) checkAccess(schema, table, rule, false);
  for (const rule of table.write) checkAccess(schema, table, rule, true);
  for (const field of table.fields) checkFieldWrite(schema, table, field);
}

/** A field's write list narrows that of its table. */
function checkFieldWrite(schema, table, field) {
  if (!field.write) return;
  const what = `field ${table.name}.${field.name}`;
  must(!field.server_only, `${what} is server only with a write list`);
  must(table.write.length > 0, `${what} has a write list, but nobody writes its table`);
  for (const rule of field.write) checkAccess(schema, table, rule, true);
}

function checkEvent(schema, event) {
  const what = `event ${event.name}`;
  checkHolder(schema, event, what);
  for (const field of event.fields) {
    must(!field.server_only, `${what} has the server-only field ${field.name}`);
    must(field.policy === "server", `${what} has the field ${field.name} with a policy`);
    must(!field.write, `${what} has the field ${field.name} with a write list`);
  }
  checkEventCell(schema, event, what);
  for (const rule of event.write ?? []) {
    must(rule.role === "" || isLegalName(rule.role), `${what} names the role ${rule.role}`);
    must(rule.where === "any", `${what} has a rule with a condition`);
  }
}

/** It goes to everyone, or to a cell of a table: where an entity is, or that a field names. */
function checkEventCell(schema, event, what) {
  const { kind, table, at } = event.cell;
  must(kind === "one" || kind === "follow", `${what} has cells of its own`);
  if (at === undefined) return;
  must(kind === "follow", `${what} has a place, and follows nothing`);
  const own = event.fields.find((item) => item.name === at);
  const target = schema.tables.find((item) => item.name === table);
  const wanted = target.fields.find((item) => item.name === target.cell.field);
  const isSame = own?.type === wanted.type && own.enum === wanted.enum &&
    own.bits === wanted.bits && own.quantise?.precision === wanted.quantise?.precision;
  must(isSame, `${what} has a place by ${at}, which is not like ${table}.${wanted.name}`);
}

/** What tables and events have in common. */
function checkHolder(schema, holder, what) {
  legalName(holder.name, what);
  must(holder.id !== 0, `${what} has id 0`);
  must(holder.fields.length > 0, `${what} has no fields`);
  unique(holder.fields, `field of ${what}`);
  for (const field of holder.fields) {
    checkField(schema, field, `field ${holder.name}.${field.name}`);
  }
  checkCell(schema, holder, what);
}

function checkField(schema, field, what) {
  legalName(field.name, what);
  must(field.id !== 0, `${what} has id 0`);
  must(field.since >= 1 && field.since <= schema.version, `${what} is since ${field.since}`);
  must(field.type !== undefined, `${what} has no type`);
  const values = enumValues(schema, field);
  must(field.type !== "enum" || values !== undefined, `${what} has the enum ${field.enum}`);
  if (field.type === "bits") must(field.bits >= 1 && field.bits <= 64, `${what}: number of bits`);
  if (TEXT_TYPES.has(field.type)) {
    must(field.max >= 1 && field.max <= LIMITS.textBytesMax, `${what}: longest value ${field.max}`);
  }
  if (field.quantise) checkQuantise(field, what);
  checkPolicy(field, what);
  if (field.default) checkDefault(field, values, what);
}

function enumValues(schema, field) {
  return schema.enums.find((item) => item.name === field.enum)?.values;
}

function checkQuantise(field, what) {
  const { kind, precision, min, max, bits } = field.quantise;
  if (kind === "quaternion") {
    must(field.type === "quatf", `${what} is no quaternion`);
    must(bits >= 2 && bits <= 16, `${what} has ${bits} bits`);
    return;
  }
  must(NUMBER_TYPES.has(field.type), `${what} has no number to quantise`);
  if (kind === "precision") {
    must(precision >= LEAST_PRECISION && precision <= LARGEST_PRECISION, `${what}: precision`);
    return;
  }
  const largest = field.type === "f64" ? LARGEST_RANGE_F64 : LARGEST_RANGE;
  must(bits >= 1 && bits <= 32, `${what} has ${bits} bits`);
  must(min < max, `${what} has an empty range`);
  must(min >= -largest && max <= largest, `${what} has too large a range`);
}

function checkPolicy(field, what) {
  if (field.server_only) must(field.policy === "server", `${what} is server only with a policy`);
  if (field.policy !== "merge") return;
  legalName(field.merge, `the merge function of ${what}`);
  must(fitsMerge(field), `${what} does not fit its merge function ${field.merge}`);
}

function fitsMerge(field) {
  switch (field.merge) {
    case "sum":
    case "min":
    case "max":
      return INTEGER_BITS.has(field.type) ||
        field.quantise?.kind === "precision" || field.quantise?.kind === "range";
    case "union":
      return field.type === "bits";
    case "append":
      return TEXT_TYPES.has(field.type);
    default:
      return true;
  }
}

function checkDefault(field, values, what) {
  const { alternative, value } = field.default;
  must(alternative === DEFAULT_KINDS[field.type], `${what} has a default of another kind`);
  must(holdsDefault(field, values, value), `${what} cannot hold its default`);
}

function holdsDefault(field, values, value) {
  switch (field.type) {
    case "bool":
    case "principal":
      return true;
    case "enum":
      return value < values.length;
    case "str":
      return value.length <= field.max && isUtf8(value);
    case "bytes":
      return value.length <= field.max;
    default:
      if (COMPONENTS.has(field.type)) return holdsFloats(field, value);
  }
  const { least, most } = rangeOf(field);
  return value >= least && value <= most;
}

function holdsFloats(field, value) {
  if (field.quantise) return quantise(field, value) !== null;
  return field.type !== "f32" || !Number.isFinite(value) || Math.abs(value) <= LARGEST_F32;
}

function checkCell(schema, holder, what) {
  const { kind, table, size } = holder.cell;
  if (kind === "one") return;
  if (kind === "follow") {
    const target = schema.tables.find((item) => item.name === table);
    must(target && FOLLOWED_CELLS.has(target.cell.kind), `${what} cannot follow ${table}`);
    return;
  }
  const field = holder.fields.find((item) => item.name === holder.cell.field);
  must(field && !field.server_only, `${what} has cells by ${holder.cell.field}`);
  if (kind === "value") must(VALUE_CELL_TYPES.has(field.type), `${what}: cells by ${field.type}`);
  if (kind === "owner") must(field.type === "principal", `${what}: owners by ${field.type}`);
  if (kind === "grid") checkGrid(field, size, what);
}

function checkGrid(field, size, what) {
  must(VECTOR_TYPES.has(field.type), `${what} has a grid over ${field.type}`);
  must(field.quantise?.kind === "precision", `${what} has a grid over a field without precision`);
  const steps = size / field.quantise.precision;
  const whole = Math.floor(steps + 0.5);
  must(whole >= 1 && whole <= CELL_STEPS_MAX, `${what} has cells of ${whole} steps`);
  must(Math.abs(steps - whole) <= CELL_STEPS_ERROR * whole, `${what}: cells of ${steps} steps`);
}

function checkAccess(schema, table, rule, isWrite) {
  const what = `an access rule of table ${table.name}`;
  must(rule.role === "" || isLegalName(rule.role), `${what} has the role ${rule.role}`);
  if (rule.where === "cell_is_claim") {
    legalName(rule.claim, `the claim of ${what}`);
    must(table.cell.kind !== "one", `${what} is about a cell, and there is one`);
  }
  if (rule.where === "owner_is_me") {
    must(hasOwners(schema, table, isWrite), `${what} is about owners, and there are none`);
  }
}

function hasOwners(schema, table, isWrite) {
  if (table.cell.kind === "owner") return true;
  const followed = schema.tables.find((item) => item.name === table.cell.table);
  if (followed?.cell.kind === "owner") return true;
  return isWrite && table.fields.filter((field) => field.type === "principal").length === 1;
}
