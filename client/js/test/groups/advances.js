/** advances.json: frames of syncs and advances, on a client that is past its handshake. */

import { ByteWriter, fromHex } from "../../src/bytes.js";
import { encodeFrame } from "../../src/frame.js";
import { FEATURE_ZSTD } from "../../src/limits.js";
import { encodeMessage, MESSAGES } from "../../src/messages.js";
import { decodeSchema } from "../../src/schema.js";
import { disagree, knownMembers, same } from "../support/compare.js";
import { describeClient, describeReplica } from "../support/describe.js";
import { sameEvents } from "../support/events.js";
import { schemaBytes } from "../support/schemas.js";
import { World } from "../support/world.js";

export const MEMBERS = ["schema", "client", "setup", "frames"];

/** Checks a vector by itself. */
export function check(vector, context) {
  const settings = vector.client ?? {};
  knownMembers(settings, ["compression", "rows_max"], "client");
  const world = connected(settings, schemaBytes(context, vector.schema), context.decompress);
  for (const frame of vector.setup) take(world, frame);
  world.events = [];
  if (vector.error !== undefined) {
    checkRefused(world, vector);
    return;
  }
  for (const frame of vector.frames) take(world, frame);
  checkState(world, vector.expect);
}

function checkState(world, { events, ...state }) {
  same(state, describeClient(world.client), "");
  sameEvents(events, world.events);
}

/** The last frame is refused, and nothing has changed then. */
function checkRefused(world, { frames, error }) {
  const { shown, connection } = world.client;
  const describe = () => {
    const { replica } = connection;
    return [shown, replica, replica?.staging ?? null].map(describeReplica);
  };
  for (let i = 0; i < frames.length; i++) {
    const before = describe();
    world.events = [];
    world.server(fromHex(frames[i]));
    const fault = world.reports.find(({ kind }) => kind === "fault");
    if (fault === undefined) continue;
    same(error, fault.code, `error (${fault.text})`);
    same(before, describe(), "the state after the refusal");
    same([], world.events, "events after the refusal");
    // Of a sync that is refused in a chunk, the vectors have the end as well.
    const isChunk = fromHex(frames[i])[0] === MESSAGES.sync_chunk.number;
    if (i < frames.length - 1 && !isChunk) disagree(`${error} before the last frame`);
    return;
  }
  disagree(`expected error ${error}, but it was accepted`);
}

function take(world, frame) {
  world.server(fromHex(frame));
  const fault = world.reports.find(({ kind }) => kind === "fault");
  if (fault !== undefined) disagree(`refused with ${fault.code}: ${fault.text}`);
}

/** A client that a server of our own has brought past its handshake. */
function connected(settings, schema, decompress) {
  const world = new World(settings, decompress);
  const { tables, fingerprint } = decodeSchema(schema);
  for (const { name } of tables) world.client.subscribe(name);
  world.client.connect();
  world.open();
  world.server(prefaceOf(settings.compression ? FEATURE_ZSTD : 0));
  world.server(frameOf("auth_reply", {
    database_id: "0".repeat(32), epoch: 1n, client: 1n, principal: 1n,
    schema_fingerprint: fingerprint, schema_bytes: schema.length, server_time_ns: 1n,
    heartbeat_ms: 1000, frame_head_bytes_max: 65536, unacked_bytes_max: 262144,
    subscriptions_max: 64, echo_ns: 0n, ticket: new Uint8Array(0), is_resumed: false,
    budget_bytes: 0n, client_bytes: 0n, client_changes: 0, stall_ms: 0,
    server_wall_ms: 0n, writes_waiting_max: 0,
  }));
  world.server(frameOf("schema_part", { offset: 0, bytes: schema }));
  // What only says something to those who write is passed over.
  world.server(REFUSED_WRITE);
  world.server(OUTCOMES);
  const results = tables.map((_, i) => ({ id: i + 1, code: 0 }));
  world.server(frameOf("subscribe_reply", { request: 1, results }));
  return world;
}

function prefaceOf(features) {
  const writer = new ByteWriter();
  writer.raw(fromHex("ec65637364620d0a01010000"));
  writer.u32(features);
  return writer.done();
}

function frameOf(name, message) {
  return encodeFrame(MESSAGES[name].number, encodeMessage(name, message));
}

const REFUSED_WRITE = frameOf("write_refused", {
  sequence: 1n, code: 658, reason: "full", retry_after_ms: 250,
});
const OUTCOMES = frameOf("outcomes", { is_alone: true, outcomes: [] });
