/**
 * Records simulated clients and replays the recordings.
 *
 *   node client/js/test/recordings.js RECORDER [--zstd MODULE]
 *
 * RECORDER is the program ecsdb-protocol-recording. MODULE is as for vectors.js: with it, the runs
 * are such that blocks really are compressed; without it, none of the usual runs has such a block.
 * Prints a line for each run, and each disagreement. Ends with 1 if there is any, or if a run lacks
 * what it is there for.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";

import { linesOf, replay, reportReplay } from "./recording.js";
import { runProgram } from "./support/program.js";
import { takeZstdOption } from "./support/zstd.js";

/** Arguments of RECORDER. Some of the clients offer compression, and some do not. */
const RUNS = [
  "1 --seconds 10 --damaged 200",
  "2 --seconds 10 --damaged 200",
  "3 --seconds 30 --damaged 200",
  "4 --seconds 5 --damaged 1000",
  "5 --seconds 10 --damaged 200",
  "6 --seconds 10 --damaged 200",
  "7 --seconds 10 --damaged 200",
  "8 --seconds 10 --damaged 200",
  "9 --clients 8 --seconds 20 --entities 300 --damaged 300",
];
/** Runs with blocks that are large enough to be compressed. */
const RUNS_COMPRESSED = [
  "15 --clients 3 --entities 3000 --damaged 200",
  "30 --clients 3 --entities 3000 --damaged 200",
  "40 --clients 3 --entities 3000 --damaged 200",
  "54 --clients 3 --entities 3000 --damaged 200",
];

/**
 * Records a run and replays it meanwhile.
 * @param {string} recorder path of the program
 * @param {string} options its arguments
 * @param {import("../src/compression.js").Decompress|null} decompress
 * @returns {Promise<{recording: object, failures: string[]}>}
 */
async function replayRun(recorder, options, decompress) {
  const child = spawn(recorder, options.split(" "), { stdio: ["ignore", "pipe", "inherit"] });
  await once(child, "spawn");  // or an error, if there is no such program
  const closed = once(child, "close");
  const result = await replay(linesOf(child.stdout), decompress);
  if (result.unreadable !== null) result.failures.push(result.unreadable);
  // After too many failures the rest was not read.
  child.stdout.destroy();
  const [status, signal] = await closed;
  if (status !== 0 && result.failures.length === 0) {
    result.failures.push(`the recorder ended with ${status ?? signal}`);
  }
  return result;
}

/** What a run must have for it to be worth its time. */
function missingOf({ counts, decoder }, isCompressed) {
  const wanted = ["launch", "compression", "call", "open", "server", "state", "damaged"];
  if (!isCompressed) wanted.push("close");
  const missing = wanted.filter((kind) => counts[kind] === 0);
  if (counts.compression === counts.launch) missing.push("clients without compression");
  if (isCompressed && decoder.calls === 0) missing.push("compressed blocks");
  if (counts["left out"] > 0) missing.push("decompressor for its blocks");
  return missing;
}

async function main(args) {
  const decompress = await takeZstdOption(args);
  if (args.length !== 1 || decompress === undefined) {
    console.error("usage: node client/js/test/recordings.js RECORDER [--zstd MODULE]");
    return 2;
  }
  let failed = 0;
  const runs = decompress === null ? RUNS : RUNS_COMPRESSED;
  for (const options of runs) {
    const result = await replayRun(args[0], options, decompress);
    const missing = missingOf(result.recording, RUNS_COMPRESSED.includes(options));
    for (const kind of missing) result.failures.push(`the run has no ${kind}`);
    reportReplay(`seed ${options}`, result);
    failed += result.failures.length;
  }
  return failed > 0 ? 1 : 0;
}

await runProgram(import.meta.url, main);
