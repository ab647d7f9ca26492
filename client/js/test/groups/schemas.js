/** schemas.json: the canonical bytes of schemas. */

import { fromHex, toHex } from "../../src/bytes.js";
import { decodeSchema } from "../../src/schema.js";
import { encodeSchema } from "../../src/schema-encode.js";
import { same } from "../support/compare.js";
import { describeSchema } from "../support/schemas.js";

export const MEMBERS = ["bytes"];

/** @returns {object} what a vector's input gives, to be compared with `expect` */
export function evaluate({ bytes }) {
  const schema = decodeSchema(fromHex(bytes));
  same(bytes, toHex(encodeSchema(schema)), "encoded again");
  return { fingerprint: schema.fingerprint, schema: describeSchema(schema) };
}
