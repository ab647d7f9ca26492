/**
 * hash128 of byte strings, hashes of rows, digests of cells.
 */

const M64 = (1n << 64n) - 1n;

function mix64(x) {
  x ^= x >> 30n;
  x = (x * 0xbf58476d1ce4e5b9n) & M64;
  x ^= x >> 27n;
  x = (x * 0x94d049bb133111ebn) & M64;
  return x ^ (x >> 31n);
}

function wordAt(data, at) {
  let word = 0n;
  for (let i = Math.min(at + 8, data.length) - 1; i >= at; i--) {
    word = (word << 8n) | BigInt(data[i]);
  }
  return word;
}

/**
 * @param {Uint8Array} data
 * @returns {Uint8Array} 16 bytes as they stand in messages: the high half, then the low half, each
 *   with its low byte first
 */
export function hash128(data) {
  let a = 0x243f6a8885a308d3n ^ BigInt(data.length);
  let b = 0x13198a2e03707344n;
  for (let at = 0; at < data.length; at += 8) {
    const word = wordAt(data, at);
    a = (mix64(a ^ word) + b) & M64;
    b = mix64((b + word) & M64) ^ ((a << 1n) & M64);
  }
  const result = new Uint8Array(16);
  const view = new DataView(result.buffer);
  view.setBigUint64(0, mix64(a ^ (b >> 7n)), true);
  view.setBigUint64(8, mix64((b + a) & M64), true);
  return result;
}

function step(x, m) {
  x = Math.imul(x ^ (x >>> 16), m);
  return x ^ (x >>> 15);
}

function mix(x) {
  x = Math.imul(step(x, 0x7feb352d), 0x846ca68b);
  return x ^ (x >>> 16);
}

function placeConstant(mixedId, place, k) {
  return mix((mixedId + Math.imul(0x9e3779b9, 5 * place + k)) | 0);
}

/** How many numbers `placeConstants` gives for each place. */
const CONSTANTS = 5;

/**
 * @param {number} tableId
 * @param {number[]} places
 * @returns {Int32Array} for each place five numbers: what is added to its word, and the factors of
 *   the four lanes of the hash
 */
export function placeConstants(tableId, places) {
  const mixedId = mix(tableId);
  const constants = new Int32Array(CONSTANTS * places.length);
  places.forEach((place, i) => {
    constants[CONSTANTS * i] = placeConstant(mixedId, place, 4);
    for (let j = 0; j < 4; j++) {
      constants[CONSTANTS * i + 1 + j] = placeConstant(mixedId, place, j) | 1;
    }
  });
  return constants;
}

/**
 * The hash of one row, added to a digest.
 * @param {Int32Array} words of the row, in order of place
 * @param {Int32Array} constants of these places
 * @param {Int32Array} digest four numbers, added to modulo 2^32
 */
export function addRowHash(words, constants, digest) {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = 0, at = 0; i < words.length; i++, at += CONSTANTS) {
    const x = step((words[i] + constants[at]) | 0, 0x7feb352d);
    a = (a + Math.imul(x, constants[at + 1])) | 0;
    b = (b + Math.imul(x, constants[at + 2])) | 0;
    c = (c + Math.imul(x, constants[at + 3])) | 0;
    d = (d + Math.imul(x, constants[at + 4])) | 0;
  }
  digest[0] += mix(a);
  digest[1] += mix(b);
  digest[2] += mix(c);
  digest[3] += mix(d);
}

const TEXT_FACTORS = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93];

/**
 * The four words that stand for a text in a row's hash.
 * @param {Uint8Array} data the text
 * @param {Int32Array} words where to write them
 * @param {number} at place of the first
 */
export function writeTextWords(data, words, at) {
  words.fill(0, at, at + 4);
  addTextWord(data.length, words, at);
  for (let i = 0; i < data.length; i += 4) {
    let word = 0;
    for (let k = Math.min(i + 4, data.length) - 1; k >= i; k--) word = (word << 8) | data[k];
    addTextWord(word, words, at);
  }
}

function addTextWord(word, words, at) {
  for (let j = 0; j < 4; j++) {
    words[at + j] = Math.imul(step(words[at + j] ^ word, 0x7feb352d), TEXT_FACTORS[j]);
  }
}
