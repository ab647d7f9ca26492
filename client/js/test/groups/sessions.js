/** sessions.json: whole sessions of a client, step by step. */

import { fromHex, toHex } from "../../src/bytes.js";
import { FrameReader, PREFACE_BYTES } from "../../src/frame.js";
import { decodeMessage, messageName } from "../../src/messages.js";
import { disagree, knownMembers, same } from "../support/compare.js";
import { describeClient } from "../support/describe.js";
import { checkNews, ExpectedState, isNews } from "../support/states.js";
import { World } from "../support/world.js";
import { describeMessage } from "./messages.js";

export const MEMBERS = ["schema", "client", "steps"];

/** Steps that are done to the client. */
const DONE = {
  call: (world, call) => world.call(call),
  open: (world) => world.open(),
  server: (world, hex) => world.server(fromHex(hex)),
  close: (world) => world.close(),
  time_ms: (world, milliseconds) => world.pass(milliseconds),
};
/** Steps that say what the client did. */
const SAID = ["dial", "state", "client", "closed"];

/** Checks a vector by itself: its steps say what is expected. */
export function check(vector, context) {
  knownMembers(vector.client, ["token", "name", "database", "compression"], "client");
  const session = new Session(vector.client, context.decompress);
  const { steps } = vector;
  for (let at = 0; at < steps.length; ) {
    const number = at + 1;
    const [kind, value] = onlyMember(steps[at++]);
    const expected = [];
    while (at < steps.length && SAID.includes(onlyMember(steps[at])[0])) {
      expected.push(onlyMember(steps[at++]));
    }
    try {
      session.step(kind, value, expected);
    } catch (thrown) {
      thrown.message = `step ${number}, ${kind}: ${thrown.message}`;
      throw thrown;
    }
  }
}

function onlyMember(step) {
  const entries = Object.entries(step);
  if (entries.length !== 1) disagree(`a step with ${entries.length} members`);
  return entries[0];
}

class Session {
  constructor(settings, decompress) {
    this.world = new World(settings, decompress);
    this.expected = new ExpectedState();
    /** Bytes of the client that do not make a message yet, anew for each link. */
    this.link = null;
    this.hasPreface = false;
    this.frames = null;
  }

  step(kind, value, expected) {
    const { world } = this;
    const before = describeClient(world.client);
    const dials = world.dials;
    const wasClosed = world.link?.isClosed;
    const { link } = world;
    const run = DONE[kind] ?? disagree(`step "${kind}" is not known here`);
    run(world, value);
    const isClosed = link !== null && link.isOpen && link.isClosed && !wasClosed;
    const messages = link === null ? [] : this.messagesOf(link);
    const got = [];
    if (world.dials > dials) got.push(["dial", true]);
    const state = expected.find(([name]) => name === "state")?.[1];
    // At the very first step the vector tells the state even if the call changes none of it.
    if (state !== undefined || isNews(before, world)) got.push(["state", state]);
    for (const message of messages) got.push(["client", message]);
    if (isClosed) got.push(["closed", true]);
    same(expected.map(withoutFreedom), got.map(withoutFreedom), "steps");
    if (state === undefined) return;
    this.expected.add(state);
    this.expected.check(world);
    checkNews(state, world);
  }

  /** What the client has sent since the last step, as messages. */
  messagesOf(link) {
    if (link !== this.link) {
      this.link = link;
      this.hasPreface = false;
      this.frames = new FrameReader(65536, 0);
    }
    const messages = [];
    for (const bytes of link.sent) this.frames.push(bytes);
    link.sent = [];
    if (!this.hasPreface) {
      const preface = this.frames.takeBytes(PREFACE_BYTES);
      if (preface === null) return messages;
      this.hasPreface = true;
      messages.push({ type: "preface", bytes: toHex(preface) });
    }
    for (let frame = this.frames.next(); frame !== null; frame = this.frames.next()) {
      const type = messageName(frame.type);
      messages.push({ type, ...describeMessage(decodeMessage(type, frame.head)) });
    }
    return messages;
  }
}

/**
 * Members of messages that are the client's to choose: texts for people, numbers of requests, its
 * own clock.
 */
const FREE = {
  auth: ["client_time_ns"],
  client_heartbeat: ["client_time_ns", "echo_age_ns"],
  goodbye: ["reason"],
  subscribe: ["request"],
};

function withoutFreedom([kind, value]) {
  if (kind !== "client") return [kind, value];
  const free = (FREE[value.type] ?? []).map((member) => [member, null]);
  return [kind, { ...value, ...Object.fromEntries(free) }];
}
