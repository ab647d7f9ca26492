/**
 * XXH64 with seed 0: the checksum at the end of a Zstandard frame that has one. Encoders seldom
 * write it, and decoders for browsers tend to pass over it, so it is checked here, with BigInts.
 */

const M64 = (1n << 64n) - 1n;
const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;
const STRIPE_BYTES = 32;

function rotate(x, count) {
  return ((x << count) | (x >> (64n - count))) & M64;
}

function round(lane, input) {
  return (rotate((lane + input * P2) & M64, 31n) * P1) & M64;
}

/**
 * @param {Uint8Array} data
 * @returns {bigint} its hash
 */
export function xxh64(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  let at = 0;
  let hash = P5;
  if (data.length >= STRIPE_BYTES) {
    const lanes = [(P1 + P2) & M64, P2, 0n, -P1 & M64];
    for (; at + STRIPE_BYTES <= data.length; at += STRIPE_BYTES) {
      for (let i = 0; i < 4; i++) {
        lanes[i] = round(lanes[i], view.getBigUint64(at + 8 * i, true));
      }
    }
    hash = joined(lanes);
  }
  hash = (hash + BigInt(data.length)) & M64;
  return avalanche(addTail(hash, view, at));
}

function joined([a, b, c, d]) {
  let hash = (rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n)) & M64;
  for (const lane of [a, b, c, d]) hash = ((hash ^ round(0n, lane)) * P1 + P4) & M64;
  return hash;
}

/** The bytes behind the last whole stripe. */
function addTail(hash, view, at) {
  for (; at + 8 <= view.byteLength; at += 8) {
    hash = (rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4) & M64;
  }
  if (at + 4 <= view.byteLength) {
    const word = BigInt(view.getUint32(at, true));
    hash = (rotate(hash ^ ((word * P1) & M64), 23n) * P2 + P3) & M64;
    at += 4;
  }
  for (; at < view.byteLength; at++) {
    hash = (rotate(hash ^ ((BigInt(view.getUint8(at)) * P5) & M64), 11n) * P1) & M64;
  }
  return hash;
}

function avalanche(hash) {
  hash = ((hash ^ (hash >> 33n)) * P2) & M64;
  hash = ((hash ^ (hash >> 29n)) * P3) & M64;
  return hash ^ (hash >> 32n);
}
