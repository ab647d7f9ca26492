/** messages.json: heads of frames. */

import { fromHex, toHex } from "../../src/bytes.js";
import { decodeMessage, ENCLOSED, encodeMessage, MESSAGES } from "../../src/messages.js";
import { disagree, same } from "../support/compare.js";
import { describeKey } from "../support/describe.js";

export const MEMBERS = ["type", "bytes"];

/** @returns {object} what a vector's input gives, to be compared with `expect` */
export function evaluate({ type, bytes }) {
  const isKnown = (MESSAGES[type] ?? ENCLOSED[type]) !== undefined;
  if (!isKnown) disagree(`message "${type}" is not known here`);
  const message = decodeMessage(type, fromHex(bytes));
  same(bytes, toHex(encodeMessage(type, message)), "encoded again");
  return describeMessage(message);
}

/** A message as a vector writes it. */
export function describeMessage(value) {
  if (typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(describeMessage);
  if (typeof value !== "object") return value;
  if (typeof value.kind === "string") return describeKey(value);
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, describeMessage(v)]));
}
