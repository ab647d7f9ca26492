/**
 * Comparing row events: any order will do, but of two entities with one index the one that goes
 * comes first.
 */

import { disagree, same } from "./compare.js";
import { describeEvent } from "./describe.js";

/** @throws {Disagreement} if the events are not those expected */
export function sameEvents(expected, events) {
  const got = events.map(describeEvent);
  checkOrder(got);
  same(sorted(expected), sorted(got), "events");
}

function keyOf({ table, entity }) {
  return `${table}/${BigInt(entity) >> 32n}`;
}

function checkOrder(events) {
  const came = new Set();
  for (const event of events) {
    if (event.kind === "insert" || event.kind === "enter") came.add(keyOf(event));
    else if (event.kind !== "change" && came.has(keyOf(event))) {
      disagree(`${event.kind} of ${event.entity} behind what came in its place`);
    }
  }
}

function sorted(events) {
  const text = ({ table, entity, kind }) => `${table}/${entity.padStart(20, "0")}/${kind}`;
  return [...events].sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
}
