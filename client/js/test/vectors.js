/**
 * Checks the client with the vectors of the protocol.
 *
 *   node client/js/test/vectors.js DIR [--zstd MODULE]
 *
 * DIR is docs/protocol/vectors. MODULE is a file with a Zstandard decoder that exports the class
 * `Decompress` (as the npm package fzstd); without it the vectors that need one are counted as
 * skipped, as are those of clients that resume. Prints a line for each group, and each
 * disagreement. Ends with 1 if there is any, also if there is a group, a kind of vector or a member
 * that is not known here, and with 3 if there is a file that is none of vectors.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";

import * as advances from "./groups/advances.js";
import * as blocks from "./groups/blocks.js";
import * as frames from "./groups/frames.js";
import * as messages from "./groups/messages.js";
import * as primitives from "./groups/primitives.js";
import * as schemas from "./groups/schemas.js";
import * as sessions from "./groups/sessions.js";
import * as values from "./groups/values.js";
import {
  COMMON_MEMBERS, difference, disagree, isObject, knownMembers, refused, same,
} from "./support/compare.js";
import { InputError, readJson, runProgram } from "./support/program.js";
import { takeZstdOption } from "./support/zstd.js";

const FORMAT = "ecsdb-vectors 1";

/** Groups in a good order to go by: each needs what those before check. */
const GROUPS = {
  primitives, values, schemas, frames, messages, "blocks-plain": blocks, "blocks-packed": blocks,
  advances, sessions,
};

/**
 * Checks one vector.
 * @param {object} group a module of groups/
 * @param {object} vector
 * @param {{schemas: object, decompress: Function|null}} context
 * @throws if the client does not do what the vector says
 */
function checkVector(group, vector, context) {
  knownMembers(vector, [...COMMON_MEMBERS, ...group.MEMBERS], "the vector");
  if (vector.needs !== undefined && vector.needs !== "zstd") {
    disagree(`it needs "${vector.needs}", which is not known here`);
  }
  if (group.check !== undefined) group.check(vector, context);
  else if (vector.error !== undefined) refused(vector.error, () => group.evaluate(vector, context));
  else same(vector.expect, group.evaluate(vector, context), "");
}

/**
 * Checks the vectors of one file.
 * @param {object} file as it was parsed
 * @param {Function|null} decompress
 * @returns {{passed: number, skipped: number, failures: string[]}}
 */
export function checkFile(file, decompress) {
  const result = { passed: 0, skipped: 0, failures: [] };
  const group = GROUPS[file.group];
  if (group === undefined) {
    result.failures.push(`group "${file.group}" is not known here`);
    return result;
  }
  const names = new Set();
  for (const vector of file.vectors) {
    if (names.has(vector.name)) result.failures.push(`${vector.name}: stands twice`);
    names.add(vector.name);
    if (vector.needs === "resume" || (vector.needs === "zstd" && decompress === null)) {
      result.skipped++;
      continue;
    }
    try {
      checkVector(group, vector, { schemas: file.schemas, decompress });
      result.passed++;
    } catch (error) {
      const where = error.constructor.name === "Disagreement" ? error.message : error.stack;
      result.failures.push(`${vector.name}: ${where}`);
    }
  }
  return result;
}

/** What keeps a value of JSON from being a file of vectors; null if it is one. */
function faultOfFile(file) {
  if (!isObject(file)) return "it is no object";
  const found = difference(FORMAT, file.format, "format");
  if (found !== null) return found;
  if (typeof file.group !== "string") return "it has no group";
  if (!isObject(file.schemas)) return "it has no schemas";
  if (!Array.isArray(file.vectors)) return "it has no vectors";
  const at = file.vectors.findIndex((vector) => typeof vector?.name !== "string");
  return at < 0 ? null : `vector ${at + 1} has no name`;
}

function loadFile(path) {
  const file = readJson(path);
  const fault = faultOfFile(file);
  if (fault !== null) throw new InputError(`${path}: not a file of vectors: ${fault}`);
  return file;
}

/**
 * The files of a folder, parsed, in the order of GROUPS; unknown ones come last.
 * @throws {InputError} if there is one that is none of vectors
 */
export function loadFiles(folder) {
  const rank = ({ group }) => (group in GROUPS ? Object.keys(GROUPS).indexOf(group) : Infinity);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => loadFile(join(folder, name)))
    .sort((a, b) => rank(a) - rank(b));
}

function report(name, { passed, skipped, failures }) {
  const skippedText = skipped > 0 ? `, ${skipped} skipped` : "";
  const failedText = failures.length > 0 ? `, ${failures.length} FAILED` : "";
  console.log(`${name.padEnd(14)} ${String(passed).padStart(4)} passed${skippedText}${failedText}`);
  for (const failure of failures) console.log(`  ${failure}`);
}

async function main(args) {
  const decompress = await takeZstdOption(args);
  if (args.length !== 1 || decompress === undefined) {
    console.error("usage: node client/js/test/vectors.js DIR [--zstd MODULE]");
    return 2;
  }
  const total = { passed: 0, skipped: 0, failures: [] };
  const files = loadFiles(args[0]);
  for (const group of Object.keys(GROUPS)) {
    if (files.every((file) => file.group !== group)) total.failures.push(`no file of ${group}`);
  }
  for (const failure of total.failures) console.log(failure);
  for (const file of files) {
    const result = checkFile(file, decompress);
    report(file.group, result);
    total.passed += result.passed;
    total.skipped += result.skipped;
    total.failures.push(...result.failures);
  }
  report("all", { ...total, failures: [] });
  if (total.failures.length > 0) console.log(`${total.failures.length} FAILED`);
  return total.failures.length > 0 ? 1 : 0;
}

await runProgram(import.meta.url, main);
