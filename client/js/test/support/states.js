/**
 * Comparing what an application can see with a `state` of a session.
 */

import { difference, knownMembers, same } from "./compare.js";
import {
  describeAllRows, describeCells, describeClient, describeReport, digestSum,
} from "./describe.js";
import { sameEvents } from "./events.js";

const MEMBERS = [
  "phase", "cut", "commit_time_ns", "row_count", "cells", "rows", "cell_count", "digest_sum",
  "events", "event_count", "reports",
];

/**
 * What is expected of a client: the last states, joined. Members that are missing in a state are as
 * in the state before.
 */
export class ExpectedState {
  constructor() {
    this.members = {};
  }

  /**
   * Joins a state to the ones before.
   * @param {object} state
   */
  add(state) {
    knownMembers(state, MEMBERS, "a state");
    const { events, event_count: eventCount, reports, ...lasting } = state;
    // Many rows are told by a sum, few one by one: each replaces the other.
    if ("digest_sum" in lasting) {
      delete this.members.cells;
      delete this.members.rows;
    }
    if ("cells" in lasting) {
      delete this.members.cell_count;
      delete this.members.digest_sum;
    }
    Object.assign(this.members, lasting);
  }

  /**
   * @param {import("./world.js").World} world
   * @throws {Disagreement} if the client's state is not the one expected
   */
  check(world) {
    const { client } = world;
    for (const [member, expected] of Object.entries(this.members)) {
      same(expected, READERS[member](client), member);
    }
  }
}

const cellsOf = (client) => [...(client.shown?.cells.values() ?? [])];

/** What an application can see of a client, by member of a state. */
export const READERS = {
  phase: (client) => client.phase,
  cut: (client) => String(client.cut),
  commit_time_ns: (client) => String(client.commitTime),
  row_count: (client) => client.shown?.rowCount() ?? 0,
  cells: (client) => (client.shown === null ? [] : describeCells(client.shown)),
  rows: (client) => (client.shown === null ? [] : describeAllRows(client.shown)),
  cell_count: (client) => cellsOf(client).length,
  digest_sum: (client) => digestSum(cellsOf(client)),
  tables: tablesOf,
};

/** Tables that have rows, by id. */
function tablesOf(client) {
  const stores = [...(client.shown?.stores.values() ?? [])].filter((store) => store.size > 0);
  stores.sort((a, b) => a.layout.id - b.layout.id);
  return stores.map((store) => {
    const cells = cellsOf(client).filter((cell) => cell.store === store);
    return { table: store.layout.id, row_count: store.size, digest_sum: digestSum(cells) };
  });
}

/**
 * Compares the events and reports since the last state, and forgets them.
 * @param {object} state
 * @param {import("./world.js").World} world
 */
export function checkNews(state, world) {
  const { events, reports } = world;
  world.events = [];
  world.reports = [];
  if (state.reports !== undefined) same(state.reports, reports.map(describeReport), "reports");
  if (state.events !== undefined) sameEvents(state.events, events);
  if (state.event_count !== undefined) same(state.event_count, events.length, "event_count");
}

/** @returns {boolean} whether the application sees something else than before */
export function isNews(before, world) {
  const hasNews = world.events.length > 0 || world.reports.length > 0;
  return hasNews || difference(before, describeClient(world.client)) !== null;
}
