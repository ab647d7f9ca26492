/** primitives.json: integers, checksums, hashes, UTF-8, the codes of bit strings. */

import { BitReader } from "../../src/bits.js";
import { ByteReader, ByteWriter, fromHex, isUtf8, toHex } from "../../src/bytes.js";
import { crc32c, tailChecksum } from "../../src/checksum.js";
import { hash128 } from "../../src/hash.js";
import { floatOrder, floatOrderWide } from "../../src/slots.js";
import { disagree, same } from "../support/compare.js";

export const MEMBERS = [
  "kind", "bytes", "bits", "width", "k", "count", "state", "flags", "float_bits", "of",
];

const KINDS = {
  varint: (v) => readWhole(v.bytes, "varint64"),
  zigzag: (v) => readWhole(v.bytes, "zigzag64"),
  crc32c: (v) => ({ value: crc32c(fromHex(v.bytes)) }),
  hash128: (v) => ({ bytes: toHex(hash128(fromHex(v.bytes))) }),
  utf8: (v) => ({ valid: isUtf8(fromHex(v.bytes)) }),
  magnitudes: readMagnitudes,
  runs: readRuns,
  float_order: orderOf,
  tail_checksum: (v) => ({ value: tailOf(v.of) }),
};

/** @returns {object} what a vector's input gives, to be compared with `expect` */
export function evaluate(vector) {
  const run = KINDS[vector.kind] ?? disagree(`kind "${vector.kind}" is not known here`);
  return run(vector);
}

function readWhole(hex, method) {
  const reader = new ByteReader(fromHex(hex));
  const value = reader[method]();
  reader.finish();
  const writer = new ByteWriter();
  writer[method](value);
  same(hex, toHex(writer.done()), "written again");
  return { value: String(value) };
}

function readMagnitudes({ bits: hex, width, k, count }) {
  const bits = new BitReader();
  bits.reset(fromHex(hex));
  const values = [];
  for (let i = 0; i < count; i++) {
    values.push(String(width === 64 ? bits.magnitudeWide(k) : bits.magnitude(k) >>> 0));
  }
  return { values, bits_read: bits.at };
}

function readRuns({ bits: hex, state, flags }) {
  const bits = new BitReader();
  bits.reset(fromHex(hex));
  const found = bits.runs(state, flags);
  return { misses: Array.from(bits.misses.subarray(0, found)), bits_read: bits.at };
}

function orderOf({ width, float_bits: floatBits }) {
  if (width === 32) return { order: String(floatOrder(Number(floatBits) | 0)) };
  return { order: String(BigInt.asIntN(64, floatOrderWide(BigInt(floatBits)))) };
}

function tailOf(blocks) {
  return blocks.reduce(
    (sum, { handle, generation, base, bytes }) =>
      tailChecksum(sum, handle, generation, BigInt(base), fromHex(bytes)),
    0,
  );
}
