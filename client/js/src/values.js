/**
 * Lanes and the values that they stand for, BYTES.md section 6. Float arithmetic is that of 64-bit
 * floats in the order written there.
 */

import { refuse } from "./errors.js";

/** Types of integers: bits, negative if signed. */
export const INTEGER_BITS = new Map([
  ["u8", 8], ["u16", 16], ["u32", 32], ["u64", 64],
  ["i8", -8], ["i16", -16], ["i32", -32], ["i64", -64],
]);
/** Types made of floats: how many components. */
export const COMPONENTS = new Map([
  ["f32", 1], ["f64", 1], ["vec2f", 2], ["vec3f", 3], ["quatf", 4],
]);
export const LARGEST_F32 = 3.4028234663852886e38;

const SQRT2 = 1.4142135623730951;
const scratch = new DataView(new ArrayBuffer(8));

/**
 * @param {object} field of an integer type or of bits
 * @returns {{least: bigint, most: bigint}} the values that it can hold
 */
export function rangeOf(field) {
  const bits = field.type === "bits" ? field.bits : INTEGER_BITS.get(field.type);
  if (bits > 0) return { least: 0n, most: (1n << BigInt(bits)) - 1n };
  const half = 1n << BigInt(-bits - 1);
  return { least: -half, most: half - 1n };
}

/**
 * @param {number} bits of a 32-bit float
 * @returns {number} the float
 */
function f32OfBits(bits) {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

/**
 * @param {bigint} bits of a 64-bit float
 * @returns {number} the float
 */
function f64OfBits(bits) {
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
}

/**
 * What a field's lanes stand for.
 * @param {import("./layout.js").Field} field
 * @param {(number|bigint)[]} lanes its slots: numbers of 32 bits signed or unsigned alike, BigInts
 *   for wide lanes
 * @returns {boolean|number|bigint|number[]} a boolean; a number for integers of up to 32 bits,
 *   enums and floats; a BigInt for wide ones; a list for vectors and quaternions (x, y, z, w)
 */
export function valueOfLanes(field, lanes) {
  const { type, quantise } = field;
  if (type === "bool") return lanes[0] !== 0;
  if (!COMPONENTS.has(type)) return integerOfSlot(field.lanes[0], lanes[0]);
  if (quantise?.kind === "quaternion") return quaternionOfLanes(lanes, quantise.bits);
  if (COMPONENTS.get(type) === 1) return componentOfSlot(field, 0, lanes[0]);
  return lanes.map((slot, k) => componentOfSlot(field, k, slot));
}

function integerOfSlot(lane, slot) {
  if (lane.isWide) return lane.isSigned ? BigInt.asIntN(64, slot) : slot;
  return lane.isSigned ? slot | 0 : slot >>> 0;
}

function componentOfSlot(field, k, slot) {
  const { type, quantise } = field;
  if (!quantise) return type === "f64" ? f64OfBits(slot) : f32OfBits(slot);
  const steps = Number(integerOfSlot(field.lanes[k], slot));
  const value =
    quantise.kind === "precision"
      ? steps * quantise.precision
      : quantise.min + (steps * (quantise.max - quantise.min)) / (2 ** quantise.bits - 1);
  return type === "f64" ? value : Math.fround(value);
}

function quaternionOfLanes(lanes, bits) {
  const most = 2 ** bits - 1;
  const largest = lanes[0];
  const q = [0, 0, 0, 0];
  let sum = 0;
  for (let c = 0, k = 1; c < 4; c++) {
    if (c === largest) continue;
    q[c] = ((lanes[k++] / most) * 2 - 1) / SQRT2;
    sum += q[c] * q[c];
  }
  if (sum > 1) {
    const length = Math.sqrt(sum);
    for (let c = 0; c < 4; c++) q[c] /= length;
  } else {
    q[largest] = Math.sqrt(1 - sum);
  }
  return q.map(Math.fround);
}

/**
 * The lanes of a quantised field.
 * @param {object} field with `type` and `quantise`
 * @param {number|number[]} value
 * @returns {(number|bigint)[]|null} signed steps (BigInts for f64 with a precision), or unsigned
 *   ones; null if a component has no step
 */
export function quantise(field, value) {
  const components = Array.isArray(value) ? value : [value];
  if (field.quantise.kind === "quaternion") return quantiseQuaternion(field, components);
  const isPrecision = field.quantise.kind === "precision";
  const lanes = components.map((x) => (isPrecision ? stepOf(field, x) : rangeStepOf(field, x)));
  return lanes.includes(null) ? null : lanes;
}

function stepOf(field, x) {
  const e = x / field.quantise.precision + 0.5;
  const limit = field.type === "f64" ? 2 ** 63 : 2 ** 31;
  if (!(e >= -limit && e < limit)) return null;
  const step = Math.floor(e);
  return field.type === "f64" ? BigInt(step) : step;
}

function rangeStepOf(field, x) {
  const { min, max, bits } = field.quantise;
  const isWide = field.type === "f64";
  const low = isWide ? min : Math.min(min, Math.fround(min));
  const high = isWide ? max : Math.max(max, Math.fround(max));
  if (!(low <= x && x <= high)) return null;
  const most = 2 ** bits - 1;
  const e = ((x - min) * most) / (max - min) + 0.5;
  return Math.floor(Math.min(Math.max(e, 0), most));
}

function quantiseQuaternion(field, components) {
  if (!components.every(Number.isFinite) || components.every((c) => c === 0)) return null;
  const length = Math.sqrt(components.reduce((sum, c) => sum + c * c, 0));
  let largest = 0;
  for (let c = 1; c < 4; c++) {
    if (Math.abs(components[c]) > Math.abs(components[largest])) largest = c;
  }
  const scale = components[largest] < 0 ? -length : length;
  const most = 2 ** field.quantise.bits - 1;
  const lanes = [largest];
  for (let c = 0; c < 4; c++) {
    if (c === largest) continue;
    const step = Math.floor((((components[c] / scale) * SQRT2 + 1) / 2) * most + 0.5);
    lanes.push(Math.min(Math.max(step, 0), most));
  }
  return lanes;
}

/**
 * The slots of a value: the way back from `valueOfLanes`. A reading client does not need it.
 * @param {import("./layout.js").Field} field
 * @param {boolean|number|bigint|number[]} value
 * @returns {(number|bigint)[]} a signed 32-bit number for each narrow lane, a BigInt for a wide one
 * @throws {EcsdbError} `value_out_of_range`
 */
export function lanesOfValue(field, value) {
  const numbers = numbersOfValue(field, value);
  return field.lanes.map((lane, k) => {
    const number = numbers[k];
    if (!lane.holds(number)) refuse("value_out_of_range", `${number} in field ${field.name}`);
    return lane.isWide ? BigInt.asUintN(64, BigInt(number)) : Number(number) | 0;
  });
}

function numbersOfValue(field, value) {
  if (field.quantise) {
    const lanes = quantise(field, value);
    if (lanes === null) refuse("value_out_of_range", `${value} in field ${field.name}`);
    return lanes;
  }
  if (!COMPONENTS.has(field.type)) return [value === true ? 1 : value === false ? 0 : value];
  const components = Array.isArray(value) ? value : [value];
  return components.map((x) => (field.type === "f64" ? bitsOfF64(x) : bitsOfF32(x)));
}

/**
 * @param {number} x
 * @returns {number} the bits of the nearest 32-bit float, unsigned
 */
export function bitsOfF32(x) {
  scratch.setFloat32(0, x);
  return scratch.getUint32(0);
}

/**
 * @param {number} x
 * @returns {bigint} the bits of a 64-bit float, unsigned
 */
export function bitsOfF64(x) {
  scratch.setFloat64(0, x);
  return scratch.getBigUint64(0);
}
