/**
 * The packed tier: new values of changed rows, BYTES.md section 13.
 */

import { RUNS_STEADY } from "./bits.js";
import { refuse } from "./errors.js";
import { NO_MAGNITUDE } from "./history.js";
import { addFloatOrder, addFloatOrderWide, unzigzag, unzigzagWide } from "./slots.js";

const TEXT_K_BITS = 4;
/** Magnitudes are in quarters of a bit; a parameter is taken a little below the mean. */
const QUARTERS_BELOW = 3;
/** Parameter of a turn where no magnitude is known. */
const TURN_K = 3;

/** Cold lanes: bits of the parameter, k without one, largest k, by width and whether a float. */
const COLD_NARROW = { bits: 5, absent: 2, most: 31 };
const COLD_WIDE = { bits: 6, absent: 2, most: 63 };
const COLD_FLOAT_NARROW = { bits: 8, absent: 16, most: 31 };
const COLD_FLOAT_WIDE = { bits: 11, absent: 40, most: 63 };

/**
 * @param {import("./bits.js").BitReader} bits
 * @param {import("./block.js").DecodedBlock} decoded with its changed rows and masks
 * @param {import("./store.js").Cell} cell
 * @param {object[]} texts receives the texts whose sizes are read
 */
export function readPackedValues(bits, decoded, cell, texts) {
  for (const field of decoded.layout.fields) {
    const places = placesOf(decoded.changed, field.number);
    if (places.length === 0) continue;
    decoded.fieldRead = field;
    if (field.isText) {
      const values = [];
      texts.push({ field, sizes: readSizes(bits, field, places.length), values });
      decoded.textChanges.push({ field, places, values });
      continue;
    }
    const still = field.isQuaternion ? readTurns(bits, decoded, field, places, cell) : places;
    if (still.length === 0) continue;
    for (const lane of field.lanes) {
      if (lane.isFlag) decoded.laneChanges.push(flipped(decoded, lane, still, cell.store));
      else if (lane.predicted >= 0) readLane(bits, decoded, lane, still, cell);
    }
  }
}

/** Places of the changed rows that have a field in their mask. */
function placesOf({ maskLow, maskHigh }, number) {
  const mask = number < 32 ? maskLow : maskHigh;
  const bit = 1 << (number & 31);
  const places = [];
  for (let i = 0; i < mask.length; i++) if ((mask[i] & bit) !== 0) places.push(i);
  return places;
}

/**
 * Sizes of texts.
 * @param {import("./bits.js").BitReader} bits
 * @param {import("./layout.js").Field} field
 * @param {number} count
 * @returns {number[]}
 */
export function readSizes(bits, field, count) {
  const k = bits.take(TEXT_K_BITS);
  const sizes = [];
  for (let i = 0; i < count; i++) {
    const size = bits.magnitude(k) >>> 0;
    if (size > field.bytesMax) refuse("text_too_long", `${size} bytes, at bit ${bits.at}`);
    sizes.push(size);
  }
  return sizes;
}

function flipped(decoded, lane, places, store) {
  const old = store.columns[lane.ordinal];
  const { rows } = decoded.changed;
  return { lane, places, values: Int32Array.from(places, (place) => 1 - old[rows[place]]) };
}

function warmK(magnitude) {
  return magnitude > QUARTERS_BELOW ? (magnitude - QUARTERS_BELOW) >> 2 : 0;
}

/** The parameter of cold lanes: -1 if no row is cold, or none was given. */
function readParameter(bits, constants, magnitudes, decoded, places) {
  const { rows, firstFresh } = decoded.changed;
  for (const place of places) {
    if (place < firstFresh && magnitudes[rows[place]] !== NO_MAGNITUDE) continue;
    return bits.bit() === 1 ? bits.take(constants.bits) : -1;
  }
  return -1;
}

/** k of a cold lane with a parameter: of floats it is reduced by the exponent of the old slot. */
function coldK(parameter, exponent, constants) {
  if (parameter < 0) return constants.absent;
  return Math.min(Math.max(parameter - exponent, 0), constants.most);
}

function readLane(bits, decoded, lane, places, cell) {
  const values = lane.isWide
    ? readLaneWide(bits, decoded, lane, places, cell)
    : readLaneNarrow(bits, decoded, lane, places, cell);
  decoded.laneChanges.push({ lane, places, values });
}

/**
 * Whether the last change of a lane is expected again, but for its trend: for each changed row, the
 * field was in its last change, and that was in the last publish.
 */
function isRepeatable(history, row, newestStamp, lastMask, bit) {
  return history.stamp[row] === newestStamp && (lastMask[row] & bit) !== 0;
}

function lastMaskOf(history, number) {
  return number < 32 ? history.lastLow : history.lastHigh;
}

function readLaneNarrow(bits, decoded, lane, places, cell) {
  const { history, columns } = cell.store;
  const { rows, firstFresh } = decoded.changed;
  const { magnitude: magnitudes, trend: trends, change: changes } = history.lanes[lane.predicted];
  const column = columns[lane.ordinal];
  const { isFloat } = lane;
  const constants = isFloat ? COLD_FLOAT_NARROW : COLD_NARROW;
  const parameter = readParameter(bits, constants, magnitudes, decoded, places);
  const newestStamp = cell.publishes | 0;
  const lastMask = lastMaskOf(history, lane.field);
  const bit = 1 << (lane.field & 31);
  const values = new Int32Array(places.length);
  for (let i = 0; i < places.length; i++) {
    const place = places[i];
    const row = rows[place];
    const magnitude = place < firstFresh ? magnitudes[row] : NO_MAGNITUDE;
    if (magnitude === NO_MAGNITUDE) {
      const exponent = isFloat ? (column[row] >>> 23) & 255 : 0;
      values[i] = unzigzag(bits.magnitude(coldK(parameter, exponent, constants)));
      continue;
    }
    const change = unzigzag(bits.magnitude(warmK(magnitude)));
    const repeats = trends[row] > 0 && isRepeatable(history, row, newestStamp, lastMask, bit);
    values[i] = repeats ? change + changes[row] : change;
  }
  addOldSlots(values, lane, column, rows, places);
  return values;
}

/** Makes new slots of changes. */
function addOldSlots(values, lane, column, rows, places) {
  let allFit = true;
  for (let i = 0; i < places.length; i++) {
    const old = column[rows[places[i]]];
    const slot = lane.isFloat ? addFloatOrder(old, values[i]) : (old + values[i]) | 0;
    if (!lane.fits(slot)) allFit = false;
    values[i] = slot;
  }
  if (!allFit) refuse("value_out_of_range", `lane ${lane.place}`);
}

/** The same with BigInts. */
function readLaneWide(bits, decoded, lane, places, cell) {
  const { store } = cell;
  const { rows, firstFresh } = decoded.changed;
  const h = store.history.lanes[lane.predicted];
  const column = store.columns[lane.ordinal];
  const constants = lane.isFloat ? COLD_FLOAT_WIDE : COLD_WIDE;
  const parameter = readParameter(bits, constants, h.magnitude, decoded, places);
  const newestStamp = cell.publishes | 0;
  const lastMask = lastMaskOf(store.history, lane.field);
  const bit = 1 << (lane.field & 31);
  const values = new BigUint64Array(places.length);
  let allFit = true;
  for (let i = 0; i < places.length; i++) {
    const place = places[i];
    const row = rows[place];
    const old = column[row];
    const magnitude = place < firstFresh ? h.magnitude[row] : NO_MAGNITUDE;
    let change;
    if (magnitude === NO_MAGNITUDE) {
      const exponent = lane.isFloat ? Number((old >> 52n) & 2047n) : 0;
      change = unzigzagWide(bits.magnitudeWide(coldK(parameter, exponent, constants)));
    } else {
      change = unzigzagWide(bits.magnitudeWide(warmK(magnitude)));
      if (h.trend[row] > 0 && isRepeatable(store.history, row, newestStamp, lastMask, bit)) {
        change = BigInt.asUintN(64, change + h.change[row]);
      }
    }
    const slot = lane.isFloat
      ? addFloatOrderWide(old, change)
      : BigInt.asUintN(64, old + change);
    allFit = allFit && lane.fitsWide(slot);
    values[i] = slot;
  }
  if (!allFit) refuse("value_out_of_range", `lane ${lane.place}`);
  return values;
}

/** Reads the quaternions whose largest component became another one. Returns the other places. */
function readTurns(bits, decoded, field, places, cell) {
  const found = bits.runs(RUNS_STEADY, places.length);
  if (found === 0) return places;
  const misses = Array.from(bits.misses.subarray(0, found));
  const turned = { field, places: misses.map((at) => places[at]), values: [] };
  const { rows, firstFresh } = decoded.changed;
  const most = field.lanes[1].max;
  for (const place of turned.places) {
    const row = rows[place];
    const k = place < firstFresh ? turnK(cell.store.history, field, row) : TURN_K;
    const lanes = readTurn(bits, cell.store.slots(row, field), most, k);
    for (let i = 1; i < 4; i++) {
      if (lanes[i] >>> 0 > most) refuse("value_out_of_range", `lane ${i} of a turn`);
    }
    turned.values.push(lanes);
  }
  decoded.turns.push(turned);
  const turnedAt = new Set(misses);
  return places.filter((_, at) => !turnedAt.has(at));
}

function turnK(history, field, row) {
  let most = -1;
  for (const lane of field.lanes) {
    if (lane.predicted < 0) continue;
    const magnitude = history.lanes[lane.predicted].magnitude[row];
    if (magnitude !== NO_MAGNITUDE && magnitude > most) most = magnitude;
  }
  return most < 0 ? TURN_K : warmK(most);
}

/** The new lanes of one turn, from the old ones. */
function readTurn(bits, old, most, k) {
  const before = old[0];
  const others = [0, 1, 2, 3].filter((component) => component !== before);
  const part = [0, 0, 0, 0];
  others.forEach((component, i) => (part[component] = old[i + 1]));
  let largest = others[0];
  for (const component of others) {
    if (Math.abs(2 * part[component] - most) > Math.abs(2 * part[largest] - most)) {
      largest = component;
    }
  }
  if (bits.bit() === 0) {
    const remaining = others.filter((component) => component !== largest);
    largest = remaining[bits.bit()];
  }
  const isNegative = 2 * part[largest] < most;
  const lanes = [largest];
  for (let component = 0; component < 4; component++) {
    if (component === largest) continue;
    let guess = isNegative ? most - part[component] : part[component];
    if (component === before) guess = part[largest];
    lanes.push((guess + unzigzag(bits.magnitude(k))) | 0);
  }
  return lanes;
}
