/**
 * A copy of a client with its world: everything that may change, so that both go on by themselves.
 */

import { Lane, TableLayout } from "../../src/layout.js";

/** Things that never change and may be shared. */
function isShared(value) {
  return (
    typeof value !== "object" || value === null ||
    value instanceof TableLayout || value instanceof Lane
  );
}

/**
 * @template T
 * @param {T} value an object, with all that can be reached from it
 * @returns {T} a copy; functions, layouts of tables and lanes are shared
 */
export function clone(value) {
  return copy(value, new Map());
}

function copy(value, copies) {
  if (isShared(value)) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  if (value instanceof ArrayBuffer) return remember(value, value.slice(0), copies);
  if (ArrayBuffer.isView(value)) return remember(value, copyView(value, copies), copies);
  if (value instanceof Map) return copyMap(value, copies);
  if (value instanceof Set) return copySet(value, copies);
  const result = Array.isArray(value) ? [] : Object.create(Object.getPrototypeOf(value));
  copies.set(value, result);
  for (const key of Object.keys(value)) result[key] = copy(value[key], copies);
  return result;
}

function remember(value, result, copies) {
  copies.set(value, result);
  return result;
}

/** Views of one buffer stay views of one buffer. */
function copyView(view, copies) {
  return new view.constructor(copy(view.buffer, copies), view.byteOffset, view.length);
}

function copyMap(map, copies) {
  const result = remember(map, new Map(), copies);
  for (const [key, value] of map) result.set(copy(key, copies), copy(value, copies));
  return result;
}

function copySet(set, copies) {
  const result = remember(set, new Set(), copies);
  for (const value of set) result.add(copy(value, copies));
  return result;
}
