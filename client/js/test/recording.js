/**
 * Replays recordings of simulated clients, docs/protocol/vectors/README.md section "Recordings".
 *
 *   node client/js/test/recording.js [--zstd MODULE] FILE...
 *
 * FILE is a recording, - for standard input. MODULE is as for vectors.js. Without it, a client that
 * is to have compression is played until the first block that really is compressed; the rest of its
 * lines, up to its next launch, is left out. Prints a line for each file, and each disagreement.
 * Ends with 1 if there is any, or a line of a kind that is not known here, and with 3 at the first
 * line that is none of a recording.
 */

import { open } from "node:fs/promises";
import { createInterface } from "node:readline";

import { fromHex } from "../src/bytes.js";
import { messageName } from "../src/messages.js";
import { clone } from "./support/clone.js";
import { difference, disagree, isObject, knownMembers, same } from "./support/compare.js";
import { describeReport } from "./support/describe.js";
import { sameEvents } from "./support/events.js";
import { InputError, parseJson, runProgram } from "./support/program.js";
import { READERS } from "./support/states.js";
import { World } from "./support/world.js";
import { takeZstdOption } from "./support/zstd.js";

const FORMAT = "ecsdb-recording 1";
const SETTINGS = ["token", "name", "database", "compression"];
/** Members of a state that last until another state has them. */
const LASTING = [
  "phase", "cut", "commit_time_ns", "row_count", "cell_count", "digest_sum", "tables",
];
/** Those that say what is there at this state only. */
const PASSING = ["cells", "rows", "events", "event_count", "reports"];
/** Disagreements of one file after which the rest is not replayed. */
const FAILURES_MAX = 20;
/** At most one in so many damaged steps may be one that only libzstd refuses. */
const LAX_STEPS_PART = 50;

/** The decompressor of all clients of a recording, and what became of its calls. */
class Decoder {
  /** @param {import("../src/compression.js").Decompress|null} decompress null if there is none */
  constructor(decompress) {
    this.calls = 0;
    /** Damaged steps that it let pass and libzstd does not. */
    this.laxSteps = 0;
    /** Whether there was a call and no decompressor. */
    this.isMissed = false;
    /** Whether it has refused a frame. */
    this.hasRefused = false;
    this.decompress = (frame, maxOutput) => {
      this.calls++;
      if (decompress === null) {
        this.isMissed = true;
        throw new Error("there is no decompressor");
      }
      this.hasRefused = true;
      const content = decompress(frame, maxOutput);
      this.hasRefused = false;
      return content;
    };
  }

  /** Forgets the calls so far, but for their number. */
  reset() {
    this.isMissed = false;
    this.hasRefused = false;
  }
}

/** A simulated client and what is expected of it. */
class Player {
  constructor(settings, decoder) {
    this.world = new World(settings, decoder.decompress);
    this.expected = {};
    /** Whether a step was taken whose outcome no state has told yet. */
    this.isUntold = false;
    /** Whether the last line told everything. */
    this.isFull = false;
  }

  /** Takes a line of the client. */
  take(kind, value, decoder) {
    if (kind !== "state") this.settle();
    this[kind](value, decoder);
    if (kind === "state" || kind === "damaged") return;
    this.isUntold = true;
    this.isFull = false;
  }

  call(call) {
    this.world.call(call);
  }

  open() {
    const { world } = this;
    while (!isDialled(world)) {
      const deadline = world.client.nextDeadline();
      if (deadline === Infinity) disagree("the link is there, but the client does not dial");
      world.pass(Math.max(deadline - world.time, 0));
    }
    world.open();
  }

  server(hex) {
    const { world } = this;
    if (!isOpen(world)) disagree(`bytes come, but the client has no link: ${lastFault(world)}`);
    world.server(fromHex(hex));
  }

  close() {
    if (isOpen(this.world)) this.world.close();
  }

  /** Without a state behind a step, nothing new is to be seen. */
  settle() {
    if (!this.isUntold) return;
    this.isUntold = false;
    this.check({});
  }

  state(state) {
    knownMembers(state, [...LASTING, ...PASSING], "a state");
    for (const member of LASTING) {
      if (member in state) this.expected[member] = state[member];
    }
    this.isUntold = false;
    this.isFull = "cells" in state && "rows" in state;
    this.check(state);
  }

  check({ cells, rows, events, event_count: eventCount, reports }) {
    const { world } = this;
    try {
      this.checkLasting(LASTING);
      if (cells !== undefined) same(cells, READERS.cells(world.client), "cells");
      if (rows !== undefined) same(rows, READERS.rows(world.client), "rows");
      same(reports ?? [], world.reports.map(describeReport), "reports");
      if (events !== undefined) sameEvents(events, world.events);
      else same(eventCount ?? 0, world.events.length, "event_count");
    } catch (error) {
      error.message += ` (${lastFault(world)})`;
      throw error;
    } finally {
      world.events = [];
      world.reports = [];
    }
  }

  checkLasting(members) {
    const { expected, world } = this;
    for (const member of members) {
      if (!(member in expected)) continue;
      same(expected[member], READERS[member](world.client), member);
    }
  }

  /**
   * Tries other bytes on a copy.
   *
   * Where digests in a heartbeat were damaged, ours asks for the cells anew; this client cannot.
   *
   * Of a compressed body that was damaged, what is expected is what comes of it by libzstd, which
   * lets some streams pass that RFC 8878 calls faulty. A decoder that refuses them is right, too.
   * One that lets pass what libzstd does not, makes rows of it that nobody can compare: such steps
   * are counted. On a link, checksums keep damaged bytes from ever getting so far.
   */
  damaged({ server, error, state, ...rest }, decoder) {
    knownMembers(rest, ["text"], "a damaged step");
    const copy = clone(this);
    const callsBefore = decoder.calls;
    copy.server(server);
    if (decoder.isMissed) return;
    const fault = copy.world.reports.find(({ kind }) => kind === "fault");
    const hasDiverged = error === undefined && fault?.code === "digest_mismatch";
    const isRefused = error !== undefined || decoder.hasRefused || hasDiverged;
    if (hasDiverged) same("server_heartbeat", messageName(fromHex(server)[0]), "what was damaged");
    else if (decoder.hasRefused) same("frame_malformed", fault?.code, "error");
    else if (error === "frame_malformed" && decoder.calls > callsBefore) {
      if (fault === undefined) {
        decoder.laxSteps++;
        return;
      }
    }
    else same(error, fault?.code, `error (${fault?.text})`);
    if (isRefused) {
      copy.checkLasting(LASTING.filter((member) => member !== "phase"));
      same(0, copy.world.events.length, "events of what was refused");
    } else {
      knownMembers(state, LASTING, "the state of a damaged step");
      copy.expected = state;
      copy.checkLasting(LASTING);
    }
  }
}

const STEPS = ["call", "open", "server", "close", "state", "damaged"];

function isDialled({ client, link }) {
  return client.connection !== null && client.connection.link === link && !link.isOpen;
}

function isOpen({ client, link }) {
  return client.connection !== null && client.connection.link === link && link.isOpen;
}

function lastFault({ reports }) {
  const fault = [...reports].reverse().find(({ kind }) => kind === "fault");
  return fault === undefined ? "no fault" : `fault ${fault.code}: ${fault.text}`;
}

/**
 * @param {string} text the first line
 * @throws {InputError} if no recording begins with it
 */
function checkFirstLine(text) {
  const line = parseJson(text);
  const found = difference(FORMAT, isObject(line) ? line.format : undefined, "format");
  if (found !== null) throw new InputError(found);
}

/**
 * The client of a line, the kind of its step, and what belongs to it.
 * @throws {InputError} if it is none of a recording
 */
function parseStep(text) {
  const { client, ...rest } = parseJson(text) ?? {};
  if (!Number.isInteger(client)) throw new InputError("a line without the number of a client");
  const steps = Object.entries(rest);
  if (steps.length !== 1) throw new InputError(`a line with ${steps.length} kinds of steps`);
  const [[kind, value]] = steps;
  return { client, kind, value };
}

/** Replays one recording. */
export class Recording {
  /** @param {import("../src/compression.js").Decompress|null} decompress */
  constructor(decompress) {
    this.decoder = new Decoder(decompress);
    this.players = new Map();
    /** Clients whose lines are left out, for want of a decompressor. */
    this.leftOut = new Set();
    this.isBegun = false;
    /** Lines by kind, launches with compression, and lines that were left out. */
    this.counts = {
      launch: 0, compression: 0, call: 0, open: 0, server: 0, close: 0, state: 0, damaged: 0,
      "left out": 0,
    };
  }

  /**
   * @param {string} text one line
   * @throws if it disagrees with the client; an InputError if it is none of a recording
   */
  line(text) {
    if (!this.isBegun) {
      checkFirstLine(text);
      this.isBegun = true;
      return;
    }
    const { client, kind, value } = parseStep(text);
    if (kind === "launch") this.launch(client, value);
    else this.step(client, kind, value);
  }

  step(client, kind, value) {
    const { decoder, counts, leftOut } = this;
    if (!STEPS.includes(kind)) disagree(`step "${kind}" is not known here`);
    const player = this.players.get(client) ?? disagree(`client ${client} was not launched`);
    decoder.reset();
    if (!leftOut.has(client)) player.take(kind, value, decoder);
    if (decoder.isMissed && kind !== "damaged") leftOut.add(client);
    counts[leftOut.has(client) || decoder.isMissed ? "left out" : kind]++;
  }

  launch(client, settings) {
    knownMembers(settings, SETTINGS, "settings");
    this.counts.launch++;
    if (settings.compression) this.counts.compression++;
    this.players.set(client, new Player(settings, this.decoder));
    this.leftOut.delete(client);
  }

  /** @throws if a client's last line does not tell everything */
  finish() {
    if (!this.isBegun) disagree("it is empty");
    for (const [client, player] of this.players) {
      const isWhole = player.isFull || this.leftOut.has(client);
      if (!isWhole) disagree(`the last line of client ${client} does not tell everything`);
    }
  }
}

/**
 * @param {AsyncIterable<string>|Iterable<string>} lines of a recording
 * @param {Function|null} decompress
 * @returns {Promise<{recording: Recording, failures: string[], unreadable: string|null}>} what
 *   disagrees, and the first line that is none of a recording, behind which nothing is replayed
 */
export async function replay(lines, decompress) {
  const recording = new Recording(decompress);
  const failures = [];
  let unreadable = null;
  let number = 0;
  const attempt = (where, run) => {
    try {
      run();
    } catch (error) {
      if (error instanceof InputError) {
        unreadable = `line ${number}: not a recording: ${error.message}`;
        return;
      }
      const what = error.constructor.name === "Disagreement" ? error.message : error.stack;
      failures.push(`${where}: ${what}`);
    }
  };
  for await (const text of lines) {
    number++;
    attempt(`line ${number}: ${text.slice(0, 60)}...`, () => recording.line(text));
    if (unreadable !== null) return { recording, failures, unreadable };
    if (failures.length === FAILURES_MAX) {
      failures.push("the rest is not replayed");
      return { recording, failures, unreadable };
    }
  }
  attempt("the end", () => recording.finish());
  const { decoder, counts } = recording;
  if (decoder.laxSteps * LAX_STEPS_PART > counts.damaged) {
    failures.push(`${decoder.laxSteps} of ${counts.damaged} damaged steps pass the decompressor`);
  }
  return { recording, failures, unreadable };
}

/** A line about a replay, and its disagreements. */
export function reportReplay(name, { recording, failures }) {
  const counts = Object.entries(recording.counts).map(([kind, count]) => `${count} ${kind}`);
  counts.push(`${recording.decoder.calls} compressed`, `${recording.decoder.laxSteps} lax`);
  const verdict = failures.length > 0 ? `${failures.length} FAILED` : "passed";
  console.log(`${name}: ${recording.players.size} clients, ${counts.join(", ")}: ${verdict}`);
  for (const failure of failures) console.log(`  ${failure}`);
}

/** The lines of a stream. */
export function linesOf(input) {
  return createInterface({ input, crlfDelay: Infinity });
}

async function main(args) {
  const decompress = await takeZstdOption(args);
  if (args.length === 0 || decompress === undefined) {
    console.error("usage: node client/js/test/recording.js [--zstd MODULE] FILE...");
    return 2;
  }
  let failed = 0;
  for (const path of args) {
    const input = path === "-" ? process.stdin : (await open(path)).createReadStream();
    const result = await replay(linesOf(input), decompress);
    const { unreadable } = result;
    if (unreadable === null || result.failures.length > 0) reportReplay(path, result);
    if (unreadable !== null) throw new InputError(`${path}: ${unreadable}`);
    failed += result.failures.length;
  }
  return failed > 0 ? 1 : 0;
}

await runProgram(import.meta.url, main);
