/**
 * Schemas of vectors: found by name, and written as JSON.
 */

import { decodeUtf8, fromHex, toHex } from "../../src/bytes.js";
import { layoutsOf } from "../../src/layout.js";
import { decodeSchema } from "../../src/schema.js";
import { bitsOfF32, bitsOfF64 } from "../../src/values.js";
import { disagree } from "./compare.js";

/** The canonical bytes of a schema that a file of vectors names. */
export function schemaBytes(context, name) {
  const hex = context.schemas[name];
  if (hex === undefined) disagree(`there is no schema "${name}"`);
  return fromHex(hex);
}

export function schemaNamed(context, name) {
  return decodeSchema(schemaBytes(context, name));
}

export function layoutNamed(context, name, table) {
  return layoutsOf(schemaNamed(context, name)).get(table) ?? disagree(`there is no table ${table}`);
}

/** A schema as a vector writes it. */
export function describeSchema({ name, version, enums, tables, events }) {
  const withFields = (holder) => ({ ...holder, fields: holder.fields.map(describeField) });
  return { name, version, enums, tables: tables.map(withFields), events: events.map(withFields) };
}

function describeField(field) {
  if (!field.default) return field;
  return { ...field, default: describeDefault(field.type, field.default) };
}

function hexOf(bits, digits) {
  return bits.toString(16).padStart(digits, "0");
}

function describeDefault(type, { alternative, value }) {
  if (typeof value === "bigint") return { alternative, value: String(value) };
  if (Array.isArray(value)) {
    return { alternative, value, bits: value.map((x) => hexOf(bitsOfF32(x), 8)) };
  }
  if (type === "f32" || type === "f64") {
    return { alternative, value, bits: hexOf(bitsOfF64(value), 16) };
  }
  if (type === "str") return { alternative, value: decodeUtf8(value) };
  if (type === "bytes") return { alternative, value: toHex(value) };
  return { alternative, value };
}
