/**
 * Tests of the testers: faults are planted, and vectors.js and recording.js must report them.
 *
 *   node client/js/test/self-test.js DIR RECORDER
 *
 * DIR is docs/protocol/vectors, RECORDER the program ecsdb-protocol-recording. Some faults are
 * planted in the decoder, by taking the place of a method for a while, others in the vectors or in
 * a recording, after they were read. Prints a line for each fault, and ends with 1 if one goes
 * unnoticed, or if something is reported without a fault.
 */

import { execFileSync } from "node:child_process";

import { BitReader } from "../src/bits.js";
import { ByteReader, fromHex, toHex } from "../src/bytes.js";
import { Connection } from "../src/connection.js";
import { encodeFrame, FrameReader } from "../src/frame.js";
import { HistoryColumns } from "../src/history.js";
import { Lane } from "../src/layout.js";
import { decodeMessage, encodeMessage, MESSAGES } from "../src/messages.js";
import { Replica } from "../src/replica.js";
import { Cell } from "../src/store.js";
import { replay } from "./recording.js";
import { clone } from "./support/clone.js";
import { runProgram } from "./support/program.js";
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
  ["another digest in a heartbeat", "advances", changeHeartbeat,
    (v) => v.name === "heartbeat-with-digests"],
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

/** A difference from the server's digest is a fault. */
function changeHeartbeat(vector) {
  const frames = new FrameReader(65536, 0);
  frames.push(fromHex(vector.frames[0]));
  const message = decodeMessage("server_heartbeat", frames.next().head);
  message.digests[0].digest[3]--;
  const head = encodeMessage("server_heartbeat", message);
  vector.frames[0] = toHex(encodeFrame(MESSAGES.server_heartbeat.number, head));
}

function failuresOf(files) {
  return files.flatMap((file) => checkFile(file, null).failures);
}

function plant([name, owner, method, make], files) {
  const right = owner.prototype[method];
  owner.prototype[method] = make(right);
  try {
    return [`planted: ${name}`, failuresOf(files).length];
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

/** A short run that has everything; every event is told where all cells are. */
const RECORDING = ["4", "--clients", "3", "--seconds", "3", "--damaged", "40"];

/** Faults of a recording: in which line, and what is done to it; null takes it out. */
const RECORDED = [
  ["another format", (l) => l.format, (l) => (l.format = "ecsdb-recording 2")],
  ["another digest", (l) => l.state?.digest_sum, (l) => l.state.digest_sum[0]--],
  ["another digest of a table", (l) => l.state?.tables?.length > 0,
    (l) => l.state.tables[0].digest_sum[3]--],
  ["a table less", (l) => l.state?.tables?.length > 0, (l) => l.state.tables.pop()],
  ["another cut", (l) => l.state?.cut > 0, (l) => (l.state.cut = "99")],
  ["another cell", (l) => l.state?.cells?.length > 0, (l) => l.state.cells[0].publishes++],
  ["a row less", (l) => l.state?.rows?.length > 0, (l) => l.state.rows.pop()],
  ["an event less", (l) => l.state?.events, (l) => l.state.events.pop()],
  ["no events", (l) => l.state?.event_count, (l) => delete l.state.event_count],
  ["no reports", (l) => l.state?.reports, (l) => delete l.state.reports],
  ["a state less", (l) => l.state?.cut > 0, null],
  ["bytes less", (l) => l.server?.length > 100, null],
  ["an opening less", (l) => l.open, null],
  ["another error", (l) => l.damaged?.error, (l) => (l.damaged.error = "unknown_entity")],
  ["an error less", (l) => l.damaged?.error, (l) => {
    delete l.damaged.error;
    l.damaged.state = {};
  }],
  ["an error more", (l) => l.damaged?.state, (l) => (l.damaged.error = "frame_malformed")],
  ["another state after damage", (l) => l.damaged?.state?.cut, (l) => (l.damaged.state.cut = "99")],
  ["no damage", (l) => l.damaged?.error, (l, next) => (l.damaged.server = next.server)],
  ["a setting that is not known", (l) => l.launch, (l) => (l.launch.more = 1)],
  ["a member that is not known", (l) => l.state, (l) => (l.state.more = 1)],
  ["a step that is not known", (l) => l.open, (l) => {
    delete l.open;
    l.opened = true;
  }],
];

function record(recorder) {
  const text = execFileSync(recorder, RECORDING, { encoding: "utf8", maxBuffer: 2 ** 28 });
  return text.trimEnd().split("\n");
}

/** What is reported of a recording. */
async function replayed(lines) {
  const { failures, unreadable } = await replay(lines, null);
  return unreadable === null ? failures : [...failures, unreadable];
}

async function replayWith(lines, [name, isWanted, change]) {
  const altered = [...lines];
  const at = lines.findIndex((text) => isWanted(JSON.parse(text)));
  if (at < 0) throw new Error(`the recording has no line for: ${name}`);
  if (change === null) {
    altered.splice(at, 1);
  } else {
    const line = JSON.parse(lines[at]);
    change(line, lines[at + 1] && JSON.parse(lines[at + 1]));
    altered[at] = JSON.stringify(line);
  }
  return [`recorded: ${name}`, (await replayed(altered)).length];
}

async function main([folder, recorder, ...more]) {
  if (recorder === undefined || more.length > 0) {
    console.error("usage: node client/js/test/self-test.js DIR RECORDER");
    return 2;
  }
  const files = loadFiles(folder);
  const lines = record(recorder);
  const reported = [...failuresOf(files), ...(await replayed(lines))];
  if (reported.length > 0) {
    console.log(`${reported.length} reports without a fault; the first is ${reported[0]}`);
    return 1;
  }
  const results = [
    ...PLANTED.map((fault) => plant(fault, files)),
    ...ALTERED.map((fault) => alter(fault, files)),
    ["a file of an unknown group", checkFile({ ...files[0], group: "x" }, null).failures.length],
    ["a recording without its end", (await replayed(lines.slice(0, -1))).length],
    ["an empty recording", (await replayed([])).length],
  ];
  for (const fault of RECORDED) results.push(await replayWith(lines, fault));
  let unnoticed = 0;
  for (const [name, count] of results) {
    console.log(`${count > 0 ? "noticed  " : "UNNOTICED"} ${name}`);
    if (count === 0) unnoticed++;
  }
  console.log(`${results.length} faults, ${unnoticed} unnoticed`);
  return unnoticed > 0 ? 1 : 0;
}

await runProgram(import.meta.url, main);
