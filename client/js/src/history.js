/**
 * What the packed tier remembers of rows beside their values, BYTES.md section 12.
 *
 * A row that has a history is always a row of the cell that keeps it, so histories stand in columns
 * beside the row's values. Which rows of a cell have one says the cell's list `live`.
 */

import { grown } from "./columns.js";
import { FORM_RELATIVE } from "./limits.js";

/** Magnitude of a lane that has none. */
export const NO_MAGNITUDE = 255;
/** Publishes that history reaches back. */
const AGE_MOST = 8;
const TREND_MOST = 2;
const CODED_BITS_MOST = 63;

/** History of one predicted lane, by row. */
class LaneColumns {
  constructor(lane) {
    this.magnitude = new Uint8Array(0);
    this.trend = new Int8Array(0);
    this.change = lane.column(0);
  }

  grow(capacity) {
    this.magnitude = grown(this.magnitude, capacity);
    this.trend = grown(this.trend, capacity);
    this.change = grown(this.change, capacity);
  }
}

/** Histories of the rows of a table, by row. */
export class HistoryColumns {
  /** @param {import("./layout.js").TableLayout} layout */
  constructor(layout) {
    /** Whether the row has a history; all else means something only then. */
    this.known = new Uint8Array(0);
    /** Number of the publish that last changed the row. */
    this.stamp = new Int32Array(0);
    /** Whether it also changed in the one before; means something only at age 1. */
    this.steady = new Uint8Array(0);
    /** Masks of the last change and of the one before: fields 0 to 31, and 32 to 63. */
    this.lastLow = new Int32Array(0);
    this.lastHigh = new Int32Array(0);
    this.beforeLow = new Int32Array(0);
    this.beforeHigh = new Int32Array(0);
    this.lanes = layout.predictedLanes.map((lane) => new LaneColumns(lane));
  }

  grow(capacity) {
    this.known = grown(this.known, capacity);
    this.stamp = grown(this.stamp, capacity);
    this.steady = grown(this.steady, capacity);
    this.lastLow = grown(this.lastLow, capacity);
    this.lastHigh = grown(this.lastHigh, capacity);
    this.beforeLow = grown(this.beforeLow, capacity);
    this.beforeHigh = grown(this.beforeHigh, capacity);
    for (const lane of this.lanes) lane.grow(capacity);
  }

  /** A new history of which only the stamp and one change of the fields of a mask is known. */
  begin(row, stamp, low, high) {
    this.known[row] = 1;
    this.stamp[row] = stamp;
    this.steady[row] = 0;
    this.lastLow[row] = this.beforeLow[row] = low;
    this.lastHigh[row] = this.beforeHigh[row] = high;
    for (const lane of this.lanes) lane.magnitude[row] = NO_MAGNITUDE;
  }

  /** Copies the history of a row of other columns of the same table to a row of these. */
  copyFrom(other, from, to) {
    this.known[to] = other.known[from];
    this.stamp[to] = other.stamp[from];
    this.steady[to] = other.steady[from];
    this.lastLow[to] = other.lastLow[from];
    this.lastHigh[to] = other.lastHigh[from];
    this.beforeLow[to] = other.beforeLow[from];
    this.beforeHigh[to] = other.beforeHigh[from];
    for (let i = 0; i < this.lanes.length; i++) {
      this.lanes[i].magnitude[to] = other.lanes[i].magnitude[from];
      this.lanes[i].trend[to] = other.lanes[i].trend[from];
      this.lanes[i].change[to] = other.lanes[i].change[from];
    }
  }

  /** @returns {number} age of the row for a publish to come */
  age(row, publish) {
    return (publish - this.stamp[row]) >>> 0;
  }
}

/** @returns {number} significant bits of the zigzag code of a change of 32 bits */
function codedBits(change) {
  return 32 - Math.clz32((change << 1) ^ (change >> 31));
}

function codedBitsWide(change) {
  const signed = BigInt.asIntN(64, change);
  const z = BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n));
  const high = Number(z >> 32n);
  return high !== 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(Number(z & 0xffffffffn));
}

/**
 * Moves the history of a narrow lane by a change.
 * @param {LaneColumns} lane
 * @param {number} row
 * @param {boolean} isRepeatable
 * @param {number} change signed, of the slot or the float order
 */
export function advanceLane(lane, row, isRepeatable, change) {
  const hold = codedBits(change);
  const repeat = isRepeatable ? codedBits((change - lane.change[row]) | 0) : hold;
  moveLane(lane, row, isRepeatable, hold, repeat);
  lane.change[row] = change;
}

/** The same for a wide lane; `change` is an unsigned BigInt. */
export function advanceLaneWide(lane, row, isRepeatable, change) {
  const hold = codedBitsWide(change);
  const repeat = isRepeatable
    ? codedBitsWide(BigInt.asUintN(64, change - lane.change[row]))
    : hold;
  moveLane(lane, row, isRepeatable, hold, repeat);
  lane.change[row] = change;
}

function moveLane(lane, row, isRepeatable, hold, repeat) {
  const magnitude = lane.magnitude[row];
  const trend = lane.trend[row];
  const knows = magnitude !== NO_MAGNITUDE;
  const coded = isRepeatable && knows && trend > 0 ? repeat : hold;
  const quarters = 4 * (coded < CODED_BITS_MOST ? coded : CODED_BITS_MOST);
  if (!knows) {
    lane.magnitude[row] = quarters;
    lane.trend[row] = 0;
    return;
  }
  const moved = trend + (repeat < hold ? 1 : repeat > hold ? -1 : 0);
  lane.trend[row] = moved > TREND_MOST ? TREND_MOST : moved < -TREND_MOST ? -TREND_MOST : moved;
  lane.magnitude[row] = (magnitude + quarters) >> 1;
}

/**
 * Moves the histories of the changed rows of a relative block, but for their lanes.
 * @param {import("./store.js").Cell} cell
 * @param {import("./block.js").DecodedBlock} decoded
 * @returns {{low: Int32Array, high: Int32Array}} by changed row, the fields that are repeatable
 */
export function advanceRows(cell, decoded) {
  const h = cell.store.history;
  const { rows, maskLow, maskHigh } = decoded.changed;
  const publish = (cell.publishes + 1) | 0;
  const repeatable = { low: new Int32Array(rows.length), high: new Int32Array(rows.length) };
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (h.known[row] === 0) {
      h.begin(row, publish, maskLow[i], maskHigh[i]);
      continue;
    }
    const isNewest = h.age(row, publish) === 1;
    if (isNewest) {
      repeatable.low[i] = h.lastLow[row];
      repeatable.high[i] = h.lastHigh[row];
    }
    h.steady[row] = isNewest ? 1 : 0;
    h.stamp[row] = publish;
    h.beforeLow[row] = h.lastLow[row];
    h.beforeHigh[row] = h.lastHigh[row];
    h.lastLow[row] = maskLow[i];
    h.lastHigh[row] = maskHigh[i];
  }
  return repeatable;
}

/**
 * Interrupts the lanes of a quaternion whose largest component became another one.
 * @param {HistoryColumns} history
 * @param {import("./layout.js").Field} field
 * @param {number} row
 */
export function interruptLanes(history, field, row) {
  for (const lane of field.lanes) {
    if (lane.predicted < 0) continue;
    const h = history.lanes[lane.predicted];
    h.trend[row] = 0;
    h.change[row] = lane.isWide ? 0n : 0;
  }
}

/**
 * Brings a cell to the publish of a block that has been applied.
 * @param {import("./store.js").Cell} cell
 * @param {import("./block.js").DecodedBlock} decoded
 * @param {number} publish number of the block's publish
 */
export function finishHistory(cell, decoded, publish) {
  if (cell.store.history !== null) {
    forgetGone(cell, decoded);
    const whole = takeWhole(cell, decoded, publish);
    keepLive(cell, mergedRows(cell.store, decoded.freshRows(), whole), publish);
  }
  cell.publishes = publish;
}

/** Gone rows lose their history by entity index, even if another entity has it by now. */
function forgetGone(cell, decoded) {
  const { store } = cell;
  for (const index of decoded.gone.indexes) {
    const row = store.held(cell.handle, index);
    if (row >= 0) store.history.known[row] = 0;
  }
}

/** Gives the whole rows of a block their histories. Returns those that have one. */
function takeWhole(cell, decoded, publish) {
  const { store } = cell;
  const { layout, history } = store;
  const { indexes, histories } = decoded.whole;
  const rows = [];
  for (let i = 0; i < indexes.length; i++) {
    const row = store.rowOf.get(indexes[i]);
    if (decoded.header.form === FORM_RELATIVE) {
      history.begin(row, publish, layout.allLow, layout.allHigh);
    } else if (histories !== null && histories.known[i] === 1) {
      history.copyFrom(histories, i, row);
    } else {
      history.known[row] = 0;
      continue;
    }
    rows.push(row);
  }
  return rows;
}

/** Two lists of rows, each rising by entity index, as one. */
function mergedRows(store, a, b) {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const { entityIndex } = store;
  return a.concat(b).sort((left, right) => entityIndex[left] - entityIndex[right]);
}

/** Rebuilds the list of rows with a history from the old one and new rows, without the aged. */
function keepLive(cell, added, publish) {
  const { store, live, handle } = cell;
  const { history, cellOf, entityIndex } = store;
  const next = (publish + 1) | 0;
  const kept = [];
  let at = 0;
  const keep = (row) => {
    if (kept.length > 0 && kept[kept.length - 1] === row) return;
    const age = history.age(row, next);
    if (age > AGE_MOST) {
      history.known[row] = 0;
      return;
    }
    if (age !== 1) history.steady[row] = 0;
    kept.push(row);
  };
  for (let i = 0; i < live.length; i++) {
    const row = live[i];
    if (cellOf[row] !== handle || history.known[row] === 0) continue;
    while (at < added.length && entityIndex[added[at]] < entityIndex[row]) keep(added[at++]);
    keep(row);
  }
  while (at < added.length) keep(added[at++]);
  cell.live = kept;
}
