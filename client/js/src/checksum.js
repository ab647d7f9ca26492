/**
 * crc32c, and the checksum over the tail of a frame.
 */

/** Eight tables of 256: table t gives the effect of a byte that t more bytes follow. */
const TABLES = makeTables();

function makeTables() {
  const tables = [];
  for (let t = 0; t < 8; t++) tables.push(new Int32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let c = byte;
    for (let i = 0; i < 8; i++) c = (c >>> 1) ^ (c & 1 ? 0x82f63b78 : 0);
    tables[0][byte] = c;
  }
  for (let t = 1; t < 8; t++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = tables[t - 1][byte];
      tables[t][byte] = (before >>> 8) ^ tables[0][before & 255];
    }
  }
  return tables;
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES;

/**
 * @param {Uint8Array} data
 * @param {number} [before] checksum of the bytes in front, to continue it
 * @returns {number} the crc32c, from 0 to 2^32 - 1
 */
export function crc32c(data, before = 0) {
  let c = ~before;
  const end = data.length;
  let at = 0;
  for (; at + 8 <= end; at += 8) {
    const low =
      c ^ (data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (data[at + 3] << 24));
    c =
      T7[low & 255] ^ T6[(low >>> 8) & 255] ^ T5[(low >>> 16) & 255] ^ T4[low >>> 24] ^
      T3[data[at + 4]] ^ T2[data[at + 5]] ^ T1[data[at + 6]] ^ T0[data[at + 7]];
  }
  for (; at < end; at++) c = (c >>> 8) ^ T0[(c ^ data[at]) & 255];
  return ~c >>> 0;
}

const entryBytes = new Uint8Array(20);
const entryView = new DataView(entryBytes.buffer);

/**
 * The checksum over the tail of a frame, continued by one block.
 * @param {number} before checksum of the blocks in front, 0 for the first
 * @param {number} handle of the block's cell
 * @param {number} generation of the cell's entry
 * @param {bigint} base version that the block is meant for
 * @param {Uint8Array} block its bytes
 * @returns {number}
 */
export function tailChecksum(before, handle, generation, base, block) {
  entryView.setUint32(0, handle, true);
  entryView.setUint32(4, generation, true);
  entryView.setBigUint64(8, base, true);
  entryView.setUint32(16, crc32c(block), true);
  return crc32c(entryBytes, before);
}
