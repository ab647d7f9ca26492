/**
 * Comparing what a vector expects with what came out.
 */

/**
 * @param {*} expected of JSON
 * @param {*} got likewise; members that are undefined count as missing
 * @param {string} [path] where in the whole this is
 * @returns {string|null} the first difference in words, null if there is none
 */
export function difference(expected, got, path = "") {
  if (expected === got) return null;
  const bothObjects = isObject(expected) && isObject(got);
  if (!bothObjects || Array.isArray(expected) !== Array.isArray(got)) {
    return `${path || "it"}: expected ${shown(expected)}, got ${shown(got)}`;
  }
  if (Array.isArray(expected) && expected.length !== got.length) {
    return `${path || "it"}: expected ${expected.length} items ${shown(expected)}, ` +
      `got ${got.length} ${shown(got)}`;
  }
  for (const key of new Set([...Object.keys(expected), ...Object.keys(got)])) {
    const found = difference(expected[key], got[key], `${path}${path ? "." : ""}${key}`);
    if (found !== null) return found;
  }
  return null;
}

/** Whether a value of JSON has members or items. */
export function isObject(value) {
  return typeof value === "object" && value !== null;
}

function shown(value) {
  const text = JSON.stringify(value, (_, v) => (typeof v === "bigint" ? `${v}n` : v));
  return text === undefined ? "nothing" : text.length > 300 ? `${text.slice(0, 300)}...` : text;
}

/** A disagreement of a vector with the client. Anything else that is thrown is one as well. */
export class Disagreement extends Error {}

/** @throws {Disagreement} if there is a difference */
export function same(expected, got, what) {
  const found = difference(expected, got, what);
  if (found !== null) throw new Disagreement(found);
}

/** @throws {Disagreement} with a text */
export function disagree(text) {
  throw new Disagreement(text);
}

/**
 * Runs something that must be refused.
 * @param {string} code name of the error that is expected
 * @param {() => void} run
 * @throws {Disagreement} if it is not refused with this error
 */
export function refused(code, run) {
  let error = null;
  try {
    run();
  } catch (thrown) {
    error = thrown;
  }
  if (error === null) disagree(`expected error ${code}, but it was accepted`);
  if (error.code !== code) disagree(`expected error ${code}, got ${error.code}: ${error.message}`);
}

/** @throws {Disagreement} for a member of an object that this runner does not know */
export function knownMembers(object, known, what) {
  for (const key of Object.keys(object)) {
    if (!known.includes(key)) disagree(`${what} has the member "${key}", which is not known here`);
  }
}

/** Members that any vector may have. */
export const COMMON_MEMBERS = ["name", "note", "needs", "library", "expect", "error", "text"];
