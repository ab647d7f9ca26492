/**
 * The byte stream: the preface, and frames.
 */

import { ByteReader, ByteWriter, equalBytes } from "./bytes.js";
import { crc32c } from "./checksum.js";
import { refuse } from "./errors.js";
import { PROTOCOL_VERSION } from "./limits.js";

/** Bytes of the preface. */
export const PREFACE_BYTES = 16;

const MAGIC = Uint8Array.of(0xec, 0x65, 0x63, 0x73, 0x64, 0x62, 0x0d, 0x0a);
/** Bytes of a length after which it is too large, whatever follows. */
const LENGTH_BYTES_MAX = 5;
const CHECKSUM_BYTES = 4;

/**
 * @param {number} features bits of the features that the client has
 * @returns {Uint8Array} the client's preface
 */
export function encodePreface(features) {
  const writer = new ByteWriter();
  writer.raw(MAGIC);
  writer.u8(PROTOCOL_VERSION);
  writer.u8(PROTOCOL_VERSION);
  writer.raw(new Uint8Array(2));
  writer.u32(features);
  return writer.done();
}

/**
 * @param {Uint8Array} bytes the 16 bytes of a preface
 * @returns {{lowest: number, highest: number, features: number}}
 * @throws {EcsdbError} `bad_preface`
 */
export function decodePreface(bytes) {
  const reader = new ByteReader(bytes);
  if (!equalBytes(reader.take(MAGIC.length), MAGIC)) {
    refuse("bad_preface", "the first bytes are not those of ecsdb");
  }
  const lowest = reader.u8();
  const highest = reader.u8();
  if (lowest > highest) refuse("bad_preface", "the lowest protocol is above the highest");
  if (reader.uint(2) !== 0) refuse("bad_preface", "reserved bytes are not 0");
  return { lowest, highest, features: reader.u32() };
}

/**
 * @param {number} type number of the message
 * @param {Uint8Array} head its bytes
 * @returns {Uint8Array} the frame, without a tail: a client sends none
 */
export function encodeFrame(type, head) {
  const writer = new ByteWriter();
  writer.u8(type);
  writer.varint(head.length);
  writer.varint(0);
  writer.raw(head);
  writer.u32(crc32c(writer.bytes.subarray(0, writer.length)));
  return writer.done();
}

/**
 * @typedef {object} Frame
 * @property {number} type number of the message
 * @property {Uint8Array} head a view; never written to again
 * @property {Uint8Array} tail likewise
 * @property {number} size bytes of the frame on the stream
 */

/**
 * Cuts a stream of bytes into frames. Memory for a frame grows with the bytes that arrive.
 */
export class FrameReader {
  /**
   * @param {number} headMax largest head that is taken, in bytes
   * @param {number} tailMax largest tail
   */
  constructor(headMax, tailMax) {
    this.headMax = headMax;
    this.tailMax = tailMax;
    this.bytes = new Uint8Array(0);
    /** Whether `bytes` was made here and may be written to behind `end`. */
    this.isOwned = false;
    this.start = 0;
    this.end = 0;
    /** Whether the checksum of the frame that is not whole yet was right. */
    this.isChecked = false;
    /** Place behind the length that `readLength` read last. */
    this.lengthEnd = 0;
  }

  /** @param {Uint8Array} bytes that arrived; the reader may keep them, do not change them */
  push(bytes) {
    if (this.start === this.end) {
      this.bytes = bytes;
      this.isOwned = false;
      this.start = 0;
      this.end = bytes.length;
      return;
    }
    if (!this.isOwned || this.end + bytes.length > this.bytes.length) this.grow(bytes.length);
    this.bytes.set(bytes, this.end);
    this.end += bytes.length;
  }

  /** Makes room for more bytes. Frames given out are views, so nothing is moved, only copied. */
  grow(more) {
    const waiting = this.end - this.start;
    const larger = new Uint8Array(2 * waiting + more);
    larger.set(this.bytes.subarray(this.start, this.end));
    this.bytes = larger;
    this.isOwned = true;
    this.start = 0;
    this.end = waiting;
  }

  /** @returns {number} bytes that have arrived and are not part of a frame given out */
  waiting() {
    return this.end - this.start;
  }

  /**
   * @param {number} count
   * @returns {Uint8Array|null} the next bytes as they are, null as long as they are not all there
   */
  takeBytes(count) {
    if (this.waiting() < count) return null;
    this.start += count;
    return this.bytes.subarray(this.start - count, this.start);
  }

  /**
   * @returns {Frame|null} the next frame, null as long as it is not whole
   * @throws {EcsdbError} `frame_too_large`, `frame_malformed`, `checksum_mismatch`; the rest of the
   *   stream has no meaning then
   */
  next() {
    const from = this.start;
    if (from === this.end) return null;
    const headBytes = this.readLength(from + 1, this.headMax, "head");
    if (headBytes < 0) return null;
    const tailBytes = this.readLength(this.lengthEnd, this.tailMax, "tail");
    if (tailBytes < 0) return null;
    const headStart = this.lengthEnd;
    const headEnd = headStart + headBytes;
    if (headEnd + CHECKSUM_BYTES > this.end) return null;
    if (!this.isChecked) this.checkHead(from, headEnd);
    const tailStart = headEnd + CHECKSUM_BYTES;
    if (tailStart + tailBytes > this.end) return null;
    this.isChecked = false;
    this.start = tailStart + tailBytes;
    return {
      type: this.bytes[from],
      head: this.bytes.subarray(headStart, headEnd),
      tail: this.bytes.subarray(tailStart, this.start),
      size: this.start - from,
    };
  }

  /** @returns {number} the length that stands there, -1 as long as it is not all there */
  readLength(at, most, what) {
    let value = 0;
    let scale = 1;
    for (let count = 1; at < this.end; count++) {
      const byte = this.bytes[at++];
      if (count === LENGTH_BYTES_MAX && byte >= 128) {
        refuse("frame_too_large", `${what} length of more than ${LENGTH_BYTES_MAX} bytes`);
      }
      value += (byte & 127) * scale;
      scale *= 128;
      if (byte >= 128) continue;
      if (byte === 0 && count > 1) {
        refuse("frame_malformed", `${what} length that is longer than it must be`);
      }
      if (value > most) refuse("frame_too_large", `${what} of ${value} bytes, at most ${most}`);
      this.lengthEnd = at;
      return value;
    }
    return -1;
  }

  checkHead(from, headEnd) {
    const expected = new ByteReader(this.bytes.subarray(headEnd, headEnd + CHECKSUM_BYTES)).u32();
    if (crc32c(this.bytes.subarray(from, headEnd)) !== expected) {
      refuse("checksum_mismatch", `frame of type ${this.bytes[from]}`);
    }
    this.isChecked = true;
  }
}
