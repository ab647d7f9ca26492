/**
 * Replays recordings of simulated clients.
 *
 *   node client/js/test/recording.js [--zstd MODULE] FILE...
 *
 * FILE is a recording, - for standard input. MODULE is as for vectors.js; a recording with
 * compressed blocks cannot be replayed without it. Prints a line for each file, and each
 * disagreement. Ends with 1 if there is any, or a line of a kind that is not known here.
 *
 * A recording is lines of JSON. The first is {"format":"ecsdb-recording 1","about":"..."}. Each
 * other line is a step of one client, named by its number:
 *
 *   {"client":3,"launch":{...}}        a new process; what the client held is gone. Settings are as
 *                                      `client` of a session: token, name, database, compression;
 *                                      and rows_max
 *   {"client":3,"call":{...}}          the application calls, as in a session
 *   {"client":3,"open":true}           the link is there. If the client has not dialled yet, time
 *                                      passes until it has; else time stands still
 *   {"client":3,"server":"hex"}        bytes arrive
 *   {"client":3,"close":true}          the link is gone, whoever ended it; it may be so already
 *   {"client":3,"state":{...}}         what the application can see, as in a session; members that
 *                                      are missing are as in the state before, but for `events`,
 *                                      `event_count` and `reports`, which are not compared then.
 *                                      These count from the state before on. `tables` is a list of
 *                                      {"table":id,"row_count":n,"digest_sum":[...]}, by id
 *   {"client":3,"damaged":{"server":"hex","error":"code"}}
 *   {"client":3,"damaged":{"server":"hex","state":{...}}}
 *                                      what the client does with these bytes in place of those that
 *                                      follow: it is tried on a copy, and the client goes on
 *
 * The same steps are taken with the kind beside the members: {"client":3,"step":"launch",
 * "settings":{...}}, {"client":3,"step":"damaged","server":"hex","error":"code"}, and for others
 * {"client":3,"step":"server","server":"hex"}.
 *
 * What the client sends, dials and closes is not compared.
 */

import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

import { fromHex } from "../src/bytes.js";
import { clone } from "./support/clone.js";
import { disagree, knownMembers, same } from "./support/compare.js";
import { checkNews, ExpectedState } from "./support/states.js";
import { World } from "./support/world.js";
import { loadDecompressor } from "./support/zstd.js";

const FORMAT = "ecsdb-recording 1";
const SETTINGS = ["token", "name", "database", "compression", "rows_max"];
/** Disagreements of one file after which the rest is not replayed. */
const FAILURES_MAX = 20;

/** A simulated client and what is expected of it. */
class Player {
  constructor(settings, decompress) {
    this.world = new World(settings, decompress);
    this.expected = new ExpectedState();
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

  state(state) {
    this.expected.add(state);
    try {
      this.expected.check(this.world);
    } catch (error) {
      error.message += ` (${lastFault(this.world)})`;
      throw error;
    }
    checkNews(state, this.world);
  }

  damaged({ server, error, state, ...rest }) {
    knownMembers(rest, [], "a damaged step");
    const copy = clone(this);
    const { reports } = copy.world;
    const before = reports.length;
    copy.server(server);
    const fault = reports.slice(before).find(({ kind }) => kind === "fault");
    if (error !== undefined) same(error, fault?.code, `error (${fault?.text})`);
    else copy.state(state);
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

/** The kind of a step and its value, from either form of a line. */
function parseStep({ client, step, ...rest }) {
  if (!Number.isInteger(client)) disagree("a line without the number of a client");
  if (step === undefined) {
    const kinds = Object.keys(rest);
    if (kinds.length !== 1) disagree(`a line with ${kinds.length} kinds of steps`);
    return { client, kind: kinds[0], value: rest[kinds[0]] };
  }
  if (step === "damaged") return { client, kind: step, value: rest };
  if (step === "launch") return { client, kind: step, value: rest.settings ?? {} };
  return { client, kind: step, value: rest[step] ?? true };
}

/** Replays one recording. */
export class Recording {
  /** @param {Function|null} decompress */
  constructor(decompress) {
    this.decompress = decompress;
    this.players = new Map();
    this.isBegun = false;
    this.steps = 0;
    /** Steps by kind. */
    this.counts = {};
  }

  /**
   * @param {string} text one line
   * @throws if it disagrees with the client
   */
  line(text) {
    const line = JSON.parse(text);
    if (!this.isBegun) {
      same(FORMAT, line.format, "format");
      this.isBegun = true;
      return;
    }
    const { client, kind, value } = parseStep(line);
    this.steps++;
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    if (kind === "launch") {
      knownMembers(value, SETTINGS, "settings");
      if (value.compression && this.decompress === null) disagree("it needs --zstd");
      this.players.set(client, new Player(value, this.decompress));
      return;
    }
    if (!STEPS.includes(kind)) disagree(`step "${kind}" is not known here`);
    const player = this.players.get(client) ?? disagree(`client ${client} was not launched`);
    player[kind](value);
  }
}

/**
 * @param {AsyncIterable<string>|Iterable<string>} lines of a recording
 * @param {Function|null} decompress
 * @returns {Promise<{recording: Recording, failures: string[]}>}
 */
export async function replay(lines, decompress) {
  const recording = new Recording(decompress);
  const failures = [];
  let number = 0;
  for await (const text of lines) {
    number++;
    if (text.trim() === "") continue;
    try {
      recording.line(text);
    } catch (error) {
      const where = error.constructor.name === "Disagreement" ? error.message : error.stack;
      failures.push(`line ${number}: ${text.slice(0, 60)}...: ${where}`);
      if (failures.length === FAILURES_MAX) {
        failures.push("the rest is not replayed");
        break;
      }
    }
  }
  if (!recording.isBegun && failures.length === 0) failures.push("it is empty");
  return { recording, failures };
}

function linesOf(path) {
  const input = path === "-" ? process.stdin : createReadStream(path);
  return createInterface({ input, crlfDelay: Infinity });
}

async function main(args) {
  const zstdAt = args.indexOf("--zstd");
  const module = zstdAt < 0 ? null : args.splice(zstdAt, 2)[1];
  if (args.length === 0 || module === undefined) {
    console.error("usage: node client/js/test/recording.js [--zstd MODULE] FILE...");
    return 2;
  }
  const decompress = module === null ? null : await loadDecompressor(module);
  let failed = 0;
  for (const path of args) {
    const { recording, failures } = await replay(linesOf(path), decompress);
    const counts = Object.entries(recording.counts).map(([kind, count]) => `${count} ${kind}`);
    const verdict = failures.length > 0 ? `${failures.length} FAILED` : "passed";
    console.log(`${path}: ${recording.players.size} clients, ${counts.join(", ")}: ${verdict}`);
    for (const failure of failures) console.log(`  ${failure}`);
    failed += failures.length;
  }
  return failed > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await main(process.argv.slice(2));
}
