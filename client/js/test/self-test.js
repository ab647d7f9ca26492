/**
 * Tests of the testers: faults are planted, and vectors.js and recording.js must report them.
 *
 *   node client/js/test/self-test.js DIR
 *
 * DIR is docs/protocol/vectors. Some faults are planted in the decoder, by taking the place of a
 * method for a while, others in the vectors, after they were read. Prints a line for each fault,
 * and ends with 1 if one goes unnoticed.
 */

import { BitReader } from "../src/bits.js";
import { ByteReader } from "../src/bytes.js";
import { Connection } from "../src/connection.js";
import { FrameReader } from "../src/frame.js";
import { HistoryColumns } from "../src/history.js";
import { Lane } from "../src/layout.js";
import { Replica } from "../src/replica.js";
import { Cell } from "../src/store.js";
import { recordingOf } from "./make-recording.js";
import { replay } from "./recording.js";
import { clone } from "./support/clone.js";
import { checkFile, loadFiles } from "./vectors.js";

/** Faults of the decoder: a method, and what takes its place, made from the right one. */
const PLANTED = [
  ["a varint may be longer than it must", ByteReader, "malformed", (right) => function (what) {
    if (!what.includes("longer than it must")) right.call(this, what);
  }],
  ["a magnitude is one too large", BitReader, "magnitude", (right) => function (k) {
    return (right.call(this, k) + 1) | 0;
  }],
  ["bits behind the end are not looked at", BitReader, "finish", () => function () {
    this.at += -this.at & 7;
  }],
  ["every slot fits its lane", Lane, "fits", () => () => true],
  ["a frame's checksum is not checked", FrameReader, "checkHead", () => () => {}],
  ["ages are one too large", HistoryColumns, "age", (right) => function (row, publish) {
    return right.call(this, row, publish) + 1;
  }],
  ["a digest is not brought up to date", Cell, "digest", () => () => new Int32Array(4)],
  ["the cut of an advance is not checked", Replica, "checkStart", () => () => {}],
  ["a refused advance moves the time of the commit", Replica, "checkStart", (right) =>
    function (advance) {
      right.call(this, advance);
      this.commitTime = advance.commitTime;
    }],
  ["an ack says a byte too much", Connection, "receive", (right) => function (bytes, now) {
    right.call(this, bytes, now);
    this.consumed++;
  }],
];

/** Faults of vectors: the group, and what is done to one of its vectors. */
const ALTERED = [
  ["another value", "primitives", (v) => (v.expect.value = "1"), (v) => v.expect?.value === "0"],
  ["an error that is none", "values", (v) => {
    delete v.expect;
    v.error = "value_out_of_range";
  }, (v) => v.kind === "value" && v.expect],
  ["another error", "schemas", (v) => (v.error = "frame_too_large"), (v) => v.error],
  ["a frame less", "frames", (v) => v.expect.frames.pop(), (v) => v.expect?.frames?.length > 0],
  ["a field more", "messages", (v) => (v.expect.more = 1), (v) => v.expect],
  ["another slot", "blocks-plain", (v) => changeRow(v.expect.rows[0]), (v) => v.expect?.rows[0]],
  ["another digest", "blocks-packed", (v) => v.expect.digest[3]--, (v) => v.expect],
  ["another magnitude", "blocks-packed", (v) => changeMagnitude(v), findMagnitude],
  ["an event less", "advances", (v) => v.expect.events.pop(), (v) => v.expect?.events.length],
  ["another publish", "advances", (v) => v.expect.cells[0].publishes++, (v) => v.expect?.cells[0]],
  ["a step less", "sessions", (v) => v.steps.splice(v.steps.findIndex((s) => s.closed), 1),
    (v) => v.steps.some((s) => s.closed)],
  ["a kind that is not known", "primitives", (v) => (v.kind = "crc64"), () => true],
  ["a message that is not known", "messages", (v) => (v.type = "hello"), () => true],
  ["a step that is not known", "sessions", (v) => v.steps.push({ pause: true }), () => true],
  ["a member that is not known", "advances", (v) => (v.more = 1), () => true],
  ["a need that is not known", "blocks-plain", (v) => (v.needs = "brotli"), () => true],
];

function changeRow(row) {
  const name = Object.keys(row.values)[0];
  row.values[name] = ["77"];
}

function findMagnitude(vector) {
  const entries = vector.expect?.history ?? [];
  return entries.flatMap(({ lanes }) => Object.values(lanes).flat()).find((lane) => lane !== null);
}

function changeMagnitude(vector) {
  findMagnitude(vector).magnitude++;
}

function failuresOf(files) {
  return files.flatMap((file) => checkFile(file, null).failures);
}

function plant([name, owner, method, make], files, baseline) {
  const right = owner.prototype[method];
  owner.prototype[method] = make(right);
  try {
    return [`planted: ${name}`, failuresOf(files).length - baseline];
  } finally {
    owner.prototype[method] = right;
  }
}

function alter([name, group, change, isWanted], files) {
  const file = clone(files.find((item) => item.group === group));
  file.vectors = [file.vectors.find((v) => v.needs === undefined && isWanted(v))];
  change(file.vectors[0]);
  return [`altered in ${group}: ${name}`, checkFile(file, null).failures.length];
}

/** Faults of a recording: which line, and what is done to it. */
const RECORDED = [
  ["another digest", (l) => l.state?.cells?.length > 0, (l) => l.state.cells[0].digest[0]--],
  ["another cut", (l) => l.state, (l) => (l.state.cut = "99")],
  ["another damage", (l) => l.damaged, (l) => (l.damaged.error = "unknown_row")],
  ["a step that is not known", (l) => l.open, (l) => {
    delete l.open;
    l.opened = true;
  }],
];

async function replayWith(lines, [name, isWanted, change]) {
  const altered = [...lines];
  const at = lines.findIndex((text) => isWanted(JSON.parse(text)));
  const line = JSON.parse(lines[at]);
  change(line);
  altered[at] = JSON.stringify(line);
  const { failures } = await replay(altered, null);
  return [`recorded: ${name}`, failures.length];
}

function withoutZstd(file) {
  return { ...file, vectors: file.vectors.filter((vector) => vector.needs === undefined) };
}

async function main(folder) {
  const files = loadFiles(folder);
  const lines = recordingOf(withoutZstd(files.find(({ group }) => group === "sessions")));
  // Vectors that disagree anyway are the business of vectors.js.
  const baseline = failuresOf(files).length;
  const results = [
    ["that a right recording is right", (await replay(lines, null)).failures.length === 0 ? 1 : 0],
    ...PLANTED.map((fault) => plant(fault, files, baseline)),
    ...ALTERED.map((fault) => alter(fault, files)),
  ];
  for (const fault of RECORDED) results.push(await replayWith(lines, fault));
  results.push(["a file of an unknown group", checkFile({ ...files[0], group: "x" }, null)
    .failures.length]);
  let unnoticed = 0;
  for (const [name, count] of results) {
    console.log(`${count > 0 ? "noticed  " : "UNNOTICED"} ${name}`);
    if (count === 0) unnoticed++;
  }
  console.log(`${results.length} faults, ${unnoticed} unnoticed; ${baseline} without any`);
  return unnoticed > 0 ? 1 : 0;
}

if (process.argv.length !== 3) {
  console.error("usage: node client/js/test/self-test.js DIR");
  process.exitCode = 2;
} else {
  process.exitCode = await main(process.argv[2]);
}
