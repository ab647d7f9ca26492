/**
 * Arithmetic on slots: narrow ones are signed 32-bit integers, wide ones unsigned BigInts.
 */

const SIGN_WIDE = 1n << 63n;
const MAGNITUDE_WIDE = SIGN_WIDE - 1n;

/**
 * @param {number} z a zigzag code of 32 bits
 * @returns {number} the change that it stands for
 */
export function unzigzag(z) {
  return (z >>> 1) ^ -(z & 1);
}

/**
 * @param {bigint} z a zigzag code of 64 bits
 * @returns {bigint} the change that it stands for, modulo 2^64
 */
export function unzigzagWide(z) {
  return BigInt.asUintN(64, (z >> 1n) ^ -(z & 1n));
}

/**
 * Maps the bits of a float to an integer of the same order, and back.
 * @param {number} bits
 * @returns {number}
 */
export function floatOrder(bits) {
  return bits < 0 ? bits ^ 0x7fffffff : bits;
}

/**
 * @param {bigint} bits of a 64-bit float
 * @returns {bigint} unsigned
 */
export function floatOrderWide(bits) {
  return bits >= SIGN_WIDE ? bits ^ MAGNITUDE_WIDE : bits;
}

/**
 * @param {number} bits of a float
 * @param {number} change of its order
 * @returns {number} bits of the new float
 */
export function addFloatOrder(bits, change) {
  return floatOrder((floatOrder(bits) + change) | 0);
}

/**
 * @param {bigint} bits of a 64-bit float
 * @param {bigint} change of its order
 * @returns {bigint} bits of the new float
 */
export function addFloatOrderWide(bits, change) {
  return floatOrderWide(BigInt.asUintN(64, floatOrderWide(bits) + change));
}
