/**
 * One connection, as the client sees it: handshake, messages, the advances that arrive, what is to
 * be acknowledged. It lives from dialling to the end of the link; then another one takes its place.
 */

import { errorName, refuse } from "./errors.js";
import { decodePreface, FrameReader, PREFACE_BYTES } from "./frame.js";
import {
  ADVANCE_SYNC_END, CLIENT_LIMITS, FEATURE_ZSTD, FLAG_FIRST, FLAG_LAST, LIMITS, PROTOCOL_VERSION,
  TIMES,
} from "./limits.js";
import { decodeMessage, messageName } from "./messages.js";
import { Replica } from "./replica.js";
import { decodeSchema } from "./schema.js";

/** States of a connection, in order. */
const DIALLED = 0;
const PREFACE = 1;
const AUTH = 2;
const SCHEMA = 3;
const READY = 4;
const SYNCING = 5;
const LIVE = 6;

const NO_MARK = Object.freeze({ done: 0, begun: 0, next_index: 0 });

/** States in which a message is taken: the first and the last. */
const TAKEN_IN = {
  auth_reply: [AUTH, AUTH],
  schema_part: [SCHEMA, SCHEMA],
  subscribe_reply: [READY, LIVE],
  sync_begin: [READY, LIVE],
  sync_chunk: [SYNCING, LIVE],
  sync_mark: [SYNCING, LIVE],
  advance: [READY, LIVE],
  // It never asks to resume, so there is nothing to answer.
  resume_reply: [LIVE + 1, LIVE + 1],
  server_heartbeat: [AUTH, LIVE],
  // It never writes, so they say nothing to it.
  outcomes: [READY, LIVE],
  write_refused: [READY, LIVE],
  // It tells its application of rows only.
  events: [LIVE, LIVE],
  goodbye: [AUTH, LIVE],
};

/**
 * What the connection tells its client of.
 * @typedef {object} ConnectionOwner
 * @property {number} features bits that the client offers
 * @property {import("./schema.js").Schema|null} schema that the client holds
 * @property {(schema: import("./schema.js").Schema) => void} onReady the schema is known
 * @property {(id: number, code: string) => void} onSubscribed an answer to a subscription
 * @property {(replica: Replica) => import("./events.js").EventList|null} eventsFor a list for the
 *   events of an advance
 * @property {(replica: Replica, events: import("./events.js").EventList|null) => void} onAdvance
 */

/** One connection. */
export class Connection {
  /**
   * @param {ConnectionOwner} owner
   * @param {object} replicaSettings as those of a Replica
   * @param {number} now time in milliseconds
   */
  constructor(owner, replicaSettings, now) {
    this.owner = owner;
    this.replicaSettings = replicaSettings;
    /** The link, as soon as there is one. */
    this.link = null;
    this.state = DIALLED;
    this.dialledAt = now;
    this.heardAt = now;
    this.sentAt = now;
    this.frames = new FrameReader(LIMITS.frameHeadBytesMax, LIMITS.frameTailBytesMax);
    /** Bytes of the stream that are consumed, and what of it was acknowledged. */
    this.consumed = 0;
    this.ackedBytes = 0;
    this.ackedCut = 0n;
    /** Whether the server took compressed blocks up. */
    this.hasZstd = false;
    this.authReply = null;
    this.schema = null;
    this.schemaParts = [];
    this.schemaBytes = 0;
    /** The last time that the server told, and when that came. */
    this.serverTime = 0n;
    this.serverTimeAt = now;
    /** Of the last message that echoed a time of ours, in milliseconds; null before. */
    this.roundTrip = null;
    this.replica = null;
    /** Of the sync that is under way. */
    this.lastMark = NO_MARK;
    /** Frames of an advance whose last one has not come, and their bytes. */
    this.waiting = [];
    this.waitingBytes = 0;
    /** Code of the server's goodbye. */
    this.goodbye = null;
    /** Whether the client has given the connection up. */
    this.isOver = false;
  }

  /** @returns {boolean} whether the link is there */
  isOpen() {
    return this.state !== DIALLED;
  }

  /** @returns {boolean} whether the schema is known */
  isReady() {
    return this.state >= READY;
  }

  /** @returns {boolean} whether a full sync has begun and not ended */
  isSyncing() {
    return this.state === SYNCING;
  }

  /** @returns {boolean} whether rows of this connection can be read */
  isLive() {
    return this.state === LIVE;
  }

  /** @returns {bigint} the version applied last, 0 until the first sync has been */
  cut() {
    return this.state === LIVE ? this.replica.cut : 0n;
  }

  /** The link is there. */
  open() {
    this.state = PREFACE;
  }

  /**
   * @returns {{at: number, code: string}} when the link is to be given up, and why
   */
  givesUp() {
    if (this.state < SCHEMA) {
      return { at: this.dialledAt + TIMES.connectMs, code: "connect_failed" };
    }
    const heartbeats = TIMES.silenceHeartbeats * this.authReply.heartbeat_ms;
    return { at: this.heardAt + Math.max(TIMES.silenceMs, heartbeats), code: "peer_silent" };
  }

  /** @returns {number} when a heartbeat is due */
  heartbeatAt() {
    return this.isReady() ? this.sentAt + TIMES.heartbeatMs : Infinity;
  }

  /**
   * Takes bytes and handles the frames that are whole.
   * @param {Uint8Array} bytes kept; do not change them
   * @param {number} now
   * @throws {EcsdbError} what the server is told in a goodbye
   */
  receive(bytes, now) {
    // What comes behind a goodbye is ignored, and does not break the silence.
    if (this.goodbye !== null) return;
    this.heardAt = now;
    this.frames.push(bytes);
    if (this.state === PREFACE && !this.takePreface()) return;
    // The application may leave in between.
    while (this.goodbye === null && !this.isOver) {
      const frame = this.frames.next();
      if (frame === null) return;
      this.handle(frame, now);
    }
  }

  takePreface() {
    const bytes = this.frames.takeBytes(PREFACE_BYTES);
    if (bytes === null) return false;
    const { lowest, highest, features } = decodePreface(bytes);
    if (lowest !== PROTOCOL_VERSION || highest !== PROTOCOL_VERSION) {
      refuse("protocol_unsupported", `the server chose protocols ${lowest} to ${highest}`);
    }
    if ((features & ~this.owner.features) !== 0) {
      refuse("protocol_unsupported", "the server chose a feature that was not offered");
    }
    this.hasZstd = (features & FEATURE_ZSTD) !== 0;
    this.consumed += PREFACE_BYTES;
    this.state = AUTH;
    return true;
  }

  /**
   * @param {import("./frame.js").Frame} frame
   * @param {number} now
   */
  handle(frame, now) {
    const name = messageName(frame.type);
    if (frame.tail.length > 0 && !this.mayHaveTail(name)) {
      refuse("frame_malformed", `a tail behind a frame of type ${frame.type}`);
    }
    const states = TAKEN_IN[name];
    if (states === undefined) refuse("unknown_message", `a frame of type ${frame.type}`);
    if (this.state < states[0] || this.state > states[1] || this.isOutOfSync(name)) {
      refuse("unexpected_message", `${name} is out of place`);
    }
    const message = decodeMessage(name, frame.head);
    if (name === "advance") {
      this.takeAdvance(message, frame);
      return;
    }
    this.take(name, message, frame, now);
    this.consumed += frame.size;
  }

  /**
   * Whether a message of a sync comes where none is under way, or has begun to end, or begins; or
   * outcomes or events come inside an advance.
   */
  isOutOfSync(name) {
    if (name === "outcomes" || name === "events") return this.waiting.length > 0;
    if (name === "sync_begin") return this.isStaging();
    if (name !== "sync_chunk" && name !== "sync_mark") return false;
    return !this.isStaging() || this.isSyncEnding();
  }

  /** Whether a frame of the advance that ends the sync has come. */
  isSyncEnding() {
    if (this.waiting.length === 0) return false;
    return this.state === SYNCING || kindOf(this.waiting[0].message) === ADVANCE_SYNC_END;
  }

  /** Whether a sync is under way: the first one, or one of cells that enter a live connection. */
  isStaging() {
    return this.state === SYNCING || (this.state === LIVE && this.replica.staging !== null);
  }

  /** What the chunks of the sync that is under way are applied to. */
  staged() {
    return this.state === SYNCING ? this.replica : this.replica.staging;
  }

  mayHaveTail(name) {
    return name === "sync_chunk" || (name === "advance" && this.isReady());
  }

  take(name, message, frame, now) {
    switch (name) {
      case "auth_reply":
        return this.takeAuthReply(message, now);
      case "schema_part":
        return this.takeSchemaPart(message);
      case "subscribe_reply":
        return this.takeSubscribeReply(message);
      case "sync_begin":
        return this.takeSyncBegin(message);
      case "sync_chunk":
        return this.staged().applyChunk(advanceOf([{ message, tail: frame.tail }]));
      case "sync_mark":
        return this.takeSyncMark(message);
      case "server_heartbeat":
        return this.takeHeartbeat(message, now);
      case "outcomes":
      case "write_refused":
      case "events":
        return undefined;
      default:
        return this.takeGoodbye(message);
    }
  }

  takeAuthReply(message, now) {
    this.authReply = message;
    this.takeTimes(message.server_time_ns, message.echo_ns, 0n, now);
    if (message.schema_bytes > 0) {
      this.state = SCHEMA;
      return;
    }
    const held = this.owner.schema;
    if (held === null || held.fingerprint !== message.schema_fingerprint) {
      refuse("schema_mismatch", "the server sends no schema, and its own is not held");
    }
    this.becomeReady(held);
  }

  takeSchemaPart({ offset, bytes }) {
    const total = this.authReply.schema_bytes;
    const end = this.schemaBytes + bytes.length;
    if (bytes.length === 0 || offset !== this.schemaBytes || end > total) {
      refuse("frame_malformed", `a part of the schema at byte ${offset}, not ${this.schemaBytes}`);
    }
    this.schemaParts.push(bytes);
    this.schemaBytes = end;
    if (end < total) return;
    const whole = new Uint8Array(total);
    let at = 0;
    for (const part of this.schemaParts) {
      whole.set(part, at);
      at += part.length;
    }
    this.schemaParts = [];
    const schema = decodeSchema(whole);
    if (schema.fingerprint !== this.authReply.schema_fingerprint) {
      refuse("schema_mismatch", "the schema is not the one that was announced");
    }
    this.becomeReady(schema);
  }

  becomeReady(schema) {
    this.schema = schema;
    this.state = READY;
    this.owner.onReady(schema);
  }

  takeSubscribeReply({ results }) {
    for (const { id, code } of results) {
      this.owner.onSubscribed(id, errorName(code) ?? "not_permitted");
    }
  }

  /** What the server tells of clocks: its own time, and ours that it has heard, with its age. */
  takeTimes(serverTime, echo, echoAge, now) {
    this.serverTime = serverTime;
    this.serverTimeAt = now;
    if (echo !== 0n) this.roundTrip = now - Number(echo + echoAge) / 1e6;
  }

  takeHeartbeat(message, now) {
    this.takeTimes(message.server_time_ns, message.echo_ns, message.echo_age_ns, now);
    if (this.state === LIVE) message.digests.forEach((sample) => this.checkDigest(sample));
  }

  /** Cells that are held no longer, or not yet again, say nothing. */
  checkDigest({ handle, generation, digest }) {
    const cell = this.replica.cells.get(handle);
    if (cell === undefined || cell.generation !== generation) return;
    if (cell.digest().every((lane, i) => lane === (digest[i] | 0))) return;
    const { name } = cell.store.layout;
    refuse("digest_mismatch", `cell ${handle} of table ${name} at version ${this.replica.cut}`);
  }

  takeSyncBegin({ version }) {
    this.lastMark = NO_MARK;
    if (this.state === LIVE) {
      this.replica.beginStaging(version);
      return;
    }
    this.replica = new Replica(this.schema, version, {
      rowsMax: this.replicaSettings.rowsMax,
      decompress: this.hasZstd ? this.replicaSettings.decompress : null,
    });
    this.state = SYNCING;
  }

  /** It is for those that want to go on with the sync later. */
  takeSyncMark(mark) {
    const { lastMark } = this;
    const isAhead =
      mark.done > lastMark.done ||
      (mark.done === lastMark.done && mark.begun >= lastMark.begun &&
        mark.next_index >= lastMark.next_index);
    if (!isAhead || mark.begun < mark.done || mark.begun > this.staged().cells.size) {
      refuse("frame_malformed", "a mark that does not fit its sync");
    }
    this.lastMark = mark;
  }

  takeGoodbye({ code }) {
    const name = errorName(code);
    this.goodbye = name === undefined || name === "ok" ? "link_closed" : name;
  }

  takeAdvance(message, frame) {
    if (this.state === READY) refuse("unexpected_message", "an advance before a sync has begun");
    const isFirst = (message.flags & FLAG_FIRST) !== 0;
    if (isFirst !== (this.waiting.length === 0)) {
      refuse("frame_malformed", `an advance ${isFirst ? "inside another" : "without its begin"}`);
    }
    this.waitingBytes += frame.size;
    if (this.waitingBytes > CLIENT_LIMITS.waitingBytesMax) {
      refuse("client_limit", `an advance of more than ${CLIENT_LIMITS.waitingBytesMax} bytes`);
    }
    if (!isFirst) checkSameAdvance(this.waiting[0].message, message);
    this.waiting.push({ message, tail: frame.tail });
    if ((message.flags & FLAG_LAST) === 0) return;
    const advance = advanceOf(this.waiting);
    const { replica } = this;
    const events = this.owner.eventsFor(replica);
    replica.applyAdvance(advance, events);
    this.consumed += this.waitingBytes;
    this.waiting = [];
    this.waitingBytes = 0;
    this.state = LIVE;
    this.owner.onAdvance(replica, events);
  }
}

function kindOf({ flags }) {
  return flags >> 2;
}

function endOf({ from, distance }) {
  return BigInt.asUintN(64, from + distance);
}

function checkSameAdvance(first, message) {
  const isSame =
    kindOf(first) === kindOf(message) &&
    first.from === message.from &&
    endOf(first) === endOf(message) &&
    first.commit_time_ns === message.commit_time_ns;
  if (!isSame) refuse("frame_malformed", "frames of one advance differ in kind, versions or time");
}

/**
 * @param {{message: object, tail: Uint8Array}[]} parts all frames of an advance
 * @returns {import("./stage.js").Advance}
 */
function advanceOf(parts) {
  const [{ message: first }] = parts;
  const isOne = parts.length === 1;
  return {
    kind: kindOf(first),
    from: first.from,
    to: endOf(first),
    commitTime: first.commit_time_ns,
    leaves: isOne ? first.leaves : parts.flatMap(({ message }) => message.leaves),
    enters: isOne ? first.enters : parts.flatMap(({ message }) => message.enters),
    frames: parts.map(({ message, tail }) => ({
      blocks: message.blocks, tail, checksum: message.tail_checksum,
    })),
  };
}
