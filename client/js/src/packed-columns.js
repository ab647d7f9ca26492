/**
 * The packed tier: whole rows in columns, and the history that a net block or a block of rows gives
 * them, BYTES.md section 13.
 */

import { RUNS_STEADY } from "./bits.js";
import { refuse } from "./errors.js";
import { HistoryColumns } from "./history.js";
import { readSizes } from "./packed-values.js";
import { floatOrder, floatOrderWide, unzigzag, unzigzagWide } from "./slots.js";

const MODE_BITS = 2;
const MODE_RAW = 0;
const MODE_SPAN = 1;
const MODE_STEPS = 2;
const K_BITS = 5;
const K_BITS_WIDE = 6;
const WIDTH_BITS = 6;
const WIDTH_BITS_WIDE = 7;

const AGE_BITS = 3;
const AGE_MOST = 8;
const MAGNITUDE_K_BITS = 3;
const MAGNITUDE_MOST = 252;
const TREND_BITS = 3;
const TREND_MOST = 2;

/**
 * @param {import("./bits.js").BitReader} bits
 * @param {import("./block.js").DecodedBlock} decoded with its whole rows
 * @param {object[]} texts receives the texts whose sizes are read
 */
export function readPackedColumns(bits, decoded, texts) {
  const { whole, layout } = decoded;
  const count = whole.indexes.length;
  for (const field of layout.fields) {
    decoded.fieldRead = field;
    if (field.isText) {
      const values = [];
      texts.push({ field, sizes: readSizes(bits, field, count), values });
      whole.texts[field.number] = values;
      continue;
    }
    for (const lane of field.lanes) {
      const read = lane.isWide ? readColumnWide : readColumn;
      whole.columns[lane.ordinal] = read(bits, count, lane);
    }
  }
  decoded.fieldRead = null;
}

/** A value in the bits of a narrow lane. */
function takeLane(bits, lane) {
  const value = bits.take(lane.bits) | 0;
  const shift = 32 - lane.bits;
  return lane.isSigned ? (value << shift) >> shift : value;
}

function readColumn(bits, count, lane) {
  const mode = bits.take(MODE_BITS);
  const column = new Int32Array(count);
  if (mode === MODE_RAW) {
    for (let i = 0; i < count; i++) column[i] = takeLane(bits, lane);
  } else if (mode === MODE_SPAN) {
    const least = takeLane(bits, lane);
    const width = bits.take(WIDTH_BITS);
    if (width > 32) bits.malformed(`a column of ${width} bits`);
    for (let i = 0; i < count; i++) column[i] = least + bits.take(width);
  } else if (mode === MODE_STEPS) {
    const k = bits.take(K_BITS);
    let value = 0;
    for (let i = 0; i < count; i++) {
      value = (value + unzigzag(bits.magnitude(k))) | 0;
      column[i] = value;
    }
  } else {
    bits.malformed(`a column of mode ${mode}`);
  }
  let allFit = true;
  for (let i = 0; i < count; i++) {
    if (lane.isFloat) column[i] = floatOrder(column[i]);
    allFit = allFit && lane.fits(column[i]);
  }
  if (!allFit) refuse("value_out_of_range", `lane ${lane.place}`);
  return column;
}

/** A value in the bits of a wide lane. Wide signed lanes have all 64. */
function takeLaneWide(bits, lane) {
  return bits.takeWide(lane.bits);
}

function readColumnWide(bits, count, lane) {
  const mode = bits.take(MODE_BITS);
  const column = new BigUint64Array(count);
  if (mode === MODE_RAW) {
    for (let i = 0; i < count; i++) column[i] = takeLaneWide(bits, lane);
  } else if (mode === MODE_SPAN) {
    const least = takeLaneWide(bits, lane);
    const width = bits.take(WIDTH_BITS_WIDE);
    if (width > 64) bits.malformed(`a column of ${width} bits`);
    for (let i = 0; i < count; i++) column[i] = least + bits.takeWide(width);
  } else if (mode === MODE_STEPS) {
    const k = bits.take(K_BITS_WIDE);
    let value = 0n;
    for (let i = 0; i < count; i++) {
      value = BigInt.asUintN(64, value + unzigzagWide(bits.magnitudeWide(k)));
      column[i] = value;
    }
  } else {
    bits.malformed(`a column of mode ${mode}`);
  }
  let allFit = true;
  for (let i = 0; i < count; i++) {
    if (lane.isFloat) column[i] = floatOrderWide(column[i]);
    allFit = allFit && lane.fitsWide(column[i]);
  }
  if (!allFit) refuse("value_out_of_range", `lane ${lane.place}`);
  return column;
}

/**
 * @param {import("./bits.js").BitReader} bits
 * @param {import("./block.js").DecodedBlock} decoded with its whole rows; receives their histories
 */
export function readPackedHistory(bits, decoded) {
  const { whole, layout, header } = decoded;
  const count = whole.indexes.length;
  const flags = bits.steadyFlags(count);
  const live = [];
  for (let i = 0; i < count; i++) if (flags[i] === 1) live.push(i);
  if (live.length === 0) return;
  const histories = new HistoryColumns(layout);
  histories.grow(count);
  whole.histories = histories;
  const ages = readAges(bits, live.length);
  live.forEach((row, i) => {
    histories.begin(row, (header.publishes + 1 - ages[i]) | 0, layout.allLow, layout.allHigh);
  });
  readSteady(bits, histories, live, ages);
  if (layout.fields.length > 1) readLastMasks(bits, histories, live, layout);
  for (const lane of layout.predictedLanes) {
    decoded.fieldRead = layout.fields[lane.field];
    readHistoryLane(bits, histories, live, ages, lane);
  }
  decoded.fieldRead = null;
}

function readAges(bits, count) {
  const ages = new Uint8Array(count).fill(1);
  const found = bits.runs(RUNS_STEADY, count);
  for (let miss = 0; miss < found; miss++) {
    const age = bits.take(AGE_BITS) + 2;
    if (age > AGE_MOST) bits.malformed(`a history of age ${age}`);
    ages[bits.misses[miss]] = age;
  }
  return ages;
}

function readSteady(bits, histories, live, ages) {
  const newest = live.filter((_, i) => ages[i] === 1);
  const found = bits.runs(RUNS_STEADY, newest.length);
  for (const row of newest) histories.steady[row] = 1;
  for (let miss = 0; miss < found; miss++) histories.steady[newest[bits.misses[miss]]] = 0;
}

function readLastMasks(bits, histories, live, layout) {
  const { lastLow, lastHigh, beforeLow, beforeHigh } = histories;
  const fieldCount = layout.fields.length;
  turnFields(bits, live, fieldCount, lastLow, lastHigh);
  for (const row of live) {
    beforeLow[row] = lastLow[row];
    beforeHigh[row] = lastHigh[row];
  }
  turnFields(bits, live, fieldCount, beforeLow, beforeHigh);
  for (const row of live) {
    const hasNone = (lastLow[row] | lastHigh[row]) === 0;
    if (hasNone || (beforeLow[row] | beforeHigh[row]) === 0) {
      refuse("not_canonical", "a history of a change of no field");
    }
  }
}

/** Turns over the fields of the misses of a sequence over all pairs of live row and field. */
function turnFields(bits, live, fieldCount, low, high) {
  const found = bits.runs(RUNS_STEADY, live.length * fieldCount);
  for (let miss = 0; miss < found; miss++) {
    const place = bits.misses[miss];
    const row = live[Math.floor(place / fieldCount)];
    const number = place % fieldCount;
    if (number < 32) low[row] ^= 1 << number;
    else high[row] ^= 1 << (number - 32);
  }
}

/** The places, of so many, that are not those of the misses found last. */
function hits(bits, found, count) {
  const kept = [];
  for (let i = 0, miss = 0; i < count; i++) {
    if (miss < found && bits.misses[miss] === i) miss++;
    else kept.push(i);
  }
  return kept;
}

function readHistoryLane(bits, histories, live, ages, lane) {
  const h = histories.lanes[lane.predicted];
  const known = hits(bits, bits.runs(RUNS_STEADY, live.length), live.length);
  if (known.length === 0) return;
  let isRight = readMagnitudes(bits, h, live, known, lane);
  isRight = readTrends(bits, h, live, known) && isRight;
  const last = lane.field < 32 ? histories.lastLow : histories.lastHigh;
  const bit = 1 << (lane.field & 31);
  const coded = known.filter((i) => ages[i] === 1 && (last[live[i]] & bit) !== 0);
  if (coded.length > 0) readLastChanges(bits, h, live, coded, lane);
  if (!isRight) bits.malformed("a history beyond its bounds");
}

function readMagnitudes(bits, h, live, known, lane) {
  const most = Math.min(lane.isWide ? 256 : 128, MAGNITUDE_MOST);
  const k = bits.take(MAGNITUDE_K_BITS);
  let magnitude = 0;
  let isRight = true;
  for (const i of known) {
    magnitude = (magnitude + unzigzag(bits.magnitude(k))) | 0;
    isRight = isRight && magnitude >= 0 && magnitude <= most;
    h.magnitude[live[i]] = magnitude;
  }
  return isRight;
}

function readTrends(bits, h, live, known) {
  const found = bits.runs(RUNS_STEADY, known.length);
  let trend = 0;
  let isRight = true;
  for (let at = 0, miss = 0; at < known.length; at++) {
    if (miss < found && bits.misses[miss] === at) {
      miss++;
      const read = bits.take(TREND_BITS) - TREND_MOST;
      isRight = isRight && read <= TREND_MOST && read !== trend;
      trend = read;
    }
    h.trend[live[known[at]]] = trend;
  }
  return isRight;
}

function readLastChanges(bits, h, live, coded, lane) {
  if (lane.isWide) {
    const k = bits.take(K_BITS_WIDE);
    for (const i of coded) h.change[live[i]] = unzigzagWide(bits.magnitudeWide(k));
    return;
  }
  const k = bits.take(K_BITS);
  for (const i of coded) h.change[live[i]] = unzigzag(bits.magnitude(k));
}
