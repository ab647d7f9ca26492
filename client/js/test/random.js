/**
 * Damages blocks of the vectors at random: whatever comes, it is either applied, or refused with an
 * error of the protocol and nothing has changed. What is kept beside the rows must fit them.
 *
 *   node client/js/test/random.js DIR [ROUNDS] [SEED]
 *
 * DIR is docs/protocol/vectors. The same seed gives the same rounds.
 */

import { fromHex } from "../src/bytes.js";
import { ERROR_NUMBERS } from "../src/errors.js";
import { BlockHarness } from "./groups/blocks.js";
import { describeReplica } from "./support/describe.js";
import { runProgram } from "./support/program.js";
import { schemaNamed } from "./support/schemas.js";
import { loadFiles } from "./vectors.js";

const ROUNDS = 20000;

/** Numbers that look random, the same for a seed. */
class Random {
  constructor(seed) {
    this.state = seed;
  }

  /** @returns {number} from 0 to below `count` */
  below(count) {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * count);
  }
}

function damaged(bytes, random) {
  const result = [...bytes];
  for (let times = 1 + random.below(3); times > 0; times--) {
    const kind = random.below(8);
    const at = random.below(result.length);
    if (result.length === 0 || kind === 0) result.splice(at, 0, random.below(256));
    else if (kind === 1) result.splice(at, 1);
    else if (kind === 2) result.length = at;
    else if (kind === 3) result[at] = random.below(256);
    else result[at] ^= 1 << random.below(8);
  }
  return Uint8Array.from(result);
}

/** Refuses a harness whose lists and digests do not fit its rows. */
function checkKept({ cell, replica }) {
  const { store } = cell;
  const kept = Array.from(cell.digest());
  cell.touch();
  if (String(kept) !== String(Array.from(cell.digest()))) throw new Error("an old digest is kept");
  cell.rows.forEach((row, place) => {
    if (store.cellOf[row] !== cell.handle || store.placeInCell[row] !== place) {
      throw new Error(`row ${row} is not where the cell has it`);
    }
  });
  if (cell.rows.length !== replica.rowCount()) throw new Error("a row is in no cell");
  for (const row of cell.live) {
    if (store.cellOf[row] !== cell.handle) throw new Error("a history without a row");
  }
}

/** @returns {string} the code of the error, or ok */
function runRound(vector, context, random) {
  const schema = schemaNamed(context, vector.schema);
  const harness = new BlockHarness(schema, vector.table, null);
  for (const step of vector.setup) harness.take(step.map(fromHex));
  const before = JSON.stringify(describeReplica(harness.replica));
  let code = "ok";
  try {
    harness.take(vector.blocks.map((hex) => damaged(fromHex(hex), random)));
  } catch (error) {
    code = error.code;
    if (!(code in ERROR_NUMBERS)) throw error;
    const after = JSON.stringify(describeReplica(harness.replica));
    if (after !== before) throw new Error(`${code} has changed something`);
  }
  checkKept(harness);
  return code;
}

function run(folder, rounds, seed) {
  const random = new Random(seed);
  const files = loadFiles(folder).filter(({ group }) => group.startsWith("blocks"));
  const cases = files.flatMap((file) =>
    file.vectors.filter(({ needs }) => needs === undefined).map((vector) => ({ file, vector })),
  );
  const counts = {};
  for (let round = 0; round < rounds; round++) {
    const { file, vector } = cases[random.below(cases.length)];
    try {
      const code = runRound(vector, file, random);
      counts[code] = (counts[code] ?? 0) + 1;
    } catch (error) {
      error.message = `round ${round}, ${vector.name}: ${error.message}`;
      throw error;
    }
  }
  console.log(`${rounds} rounds from seed ${seed}:`, counts);
  return 0;
}

function main([folder, rounds = ROUNDS, seed = 1]) {
  if (folder === undefined || !(Number(rounds) > 0) || !Number.isInteger(Number(seed))) {
    console.error("usage: node client/js/test/random.js DIR [ROUNDS] [SEED]");
    return 2;
  }
  return run(folder, Number(rounds), Number(seed));
}

await runProgram(import.meta.url, main);
