/**
 * Reading and writing of bytes: fixed numbers, varints, texts, hexadecimal.
 */

import { refuse } from "./errors.js";

const U64_MASK = (1n << 64n) - 1n;
const textDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
const textEncoder = new TextEncoder();

/**
 * Reads numbers and byte strings from a byte array, front to back. It owns nothing: what it gives
 * out as bytes are views of the array. Bytes that are missing or malformed are refused with
 * `frame_malformed`.
 */
export class ByteReader {
  /** @param {Uint8Array} bytes what to read; not copied */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
    this.end = bytes.length;
  }

  /** @returns {number} bytes not read yet */
  left() {
    return this.end - this.at;
  }

  /**
   * @param {number} count of bytes
   * @returns {Uint8Array} a view of the next bytes
   */
  take(count) {
    if (count > this.end - this.at) this.malformed(`${count} bytes where ${this.left()} are left`);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  /** @returns {number} the next byte */
  u8() {
    if (this.at >= this.end) this.malformed("cut short");
    return this.bytes[this.at++];
  }

  /**
   * @param {number} width 1 to 4 bytes
   * @returns {number} unsigned, the low byte first
   */
  uint(width) {
    if (width > this.end - this.at) this.malformed("cut short");
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = (value << 8) | this.bytes[this.at + i];
    this.at += width;
    return value >>> 0;
  }

  /** @returns {number} four bytes, the low byte first */
  u32() {
    return this.uint(4);
  }

  /** @returns {bigint} eight bytes, the low byte first */
  u64() {
    return this.uintWide(8);
  }

  /**
   * @param {number} width 1 to 8 bytes
   * @returns {bigint} unsigned, the low byte first
   */
  uintWide(width) {
    const low = this.uint(Math.min(width, 4));
    const high = width > 4 ? this.uint(width - 4) : 0;
    return (BigInt(high) << 32n) | BigInt(low);
  }

  /**
   * A varint as a plain number: exact below 2^53, rounded above.
   * @param {number} [most] largest value that is accepted
   * @returns {number}
   */
  varint(most = Infinity) {
    let value = this.u8();
    if (value >= 128) {
      value &= 127;
      let scale = 128;
      for (let count = 2; ; count++) {
        const byte = this.u8();
        if (count === 10 && byte > 1) this.malformed("a varint of more than 64 bits");
        value += (byte & 127) * scale;
        if (byte < 128) {
          if (byte === 0) this.malformed("a varint that is longer than it must be");
          break;
        }
        scale *= 128;
      }
    }
    if (value > most) this.malformed(`${value} where ${most} is the largest`);
    return value;
  }

  /** @returns {bigint} a varint of up to 64 bits, exact */
  varint64() {
    const from = this.at;
    const rounded = this.varint();
    if (rounded <= Number.MAX_SAFE_INTEGER) return BigInt(rounded);
    let value = 0n;
    for (let i = this.at - 1; i >= from; i--) {
      value = (value << 7n) | BigInt(this.bytes[i] & 127);
    }
    return value;
  }

  /** @returns {number} a zigzag varint from -2^31 to 2^31 - 1 */
  zigzag32() {
    const z = this.varint(0xffffffff);
    return (z >>> 1) ^ -(z & 1);
  }

  /** @returns {bigint} a zigzag varint of 64 bits, signed */
  zigzag64() {
    const z = this.varint64();
    return (z >> 1n) ^ -(z & 1n);
  }

  /**
   * @param {number} most bytes
   * @returns {Uint8Array} a view of a byte string behind its length
   */
  byteString(most) {
    return this.take(this.varint(most));
  }

  /**
   * @param {number} most bytes
   * @returns {string} a text behind its length
   */
  text(most) {
    const bytes = this.byteString(most);
    if (!isUtf8(bytes)) this.malformed("a text that is not UTF-8");
    return decodeUtf8(bytes);
  }

  /** Refuses bytes behind the end. */
  finish() {
    if (this.at !== this.end) this.malformed(`${this.left()} bytes behind the end`);
  }

  /**
   * @param {string} what is wrong
   * @returns {never}
   */
  malformed(what) {
    refuse("frame_malformed", `${what}, at byte ${this.at}`);
  }
}

/** Writes numbers and byte strings into a byte array that grows. The counterpart of ByteReader. */
export class ByteWriter {
  constructor() {
    this.bytes = new Uint8Array(64);
    this.length = 0;
  }

  /** @returns {Uint8Array} a copy of what was written */
  done() {
    return this.bytes.slice(0, this.length);
  }

  /** @param {number} count bytes that there must be room for */
  reserve(count) {
    if (this.length + count <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.length + count, 2 * this.bytes.length));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  /** @param {number} value one byte */
  u8(value) {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** @param {number} value four bytes, the low byte first */
  u32(value) {
    for (let shift = 0; shift < 32; shift += 8) this.u8((value >>> shift) & 255);
  }

  /** @param {bigint} value eight bytes, the low byte first; taken modulo 2^64 */
  u64(value) {
    for (let shift = 0n; shift < 64n; shift += 8n) this.u8(Number((value >> shift) & 255n));
  }

  /** @param {number} value from 0 to 2^53 - 1 */
  varint(value) {
    while (value >= 128) {
      this.u8((value % 128) | 128);
      value = Math.floor(value / 128);
    }
    this.u8(value);
  }

  /** @param {bigint} value taken modulo 2^64 */
  varint64(value) {
    value &= U64_MASK;
    while (value >= 128n) {
      this.u8(Number(value & 127n) | 128);
      value >>= 7n;
    }
    this.u8(Number(value));
  }

  /** @param {number} value from -2^31 to 2^31 - 1 */
  zigzag32(value) {
    this.varint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** @param {bigint} value signed, of 64 bits */
  zigzag64(value) {
    this.varint64((value << 1n) ^ (value >> 63n));
  }

  /** @param {Uint8Array} bytes as they are */
  raw(bytes) {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** @param {Uint8Array} bytes behind their length */
  byteString(bytes) {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** @param {string} text in UTF-8, behind its length */
  text(text) {
    this.byteString(encodeUtf8(text));
  }
}

/**
 * Strict UTF-8: no overlong form, no surrogate, nothing above U+10FFFF, nothing cut short.
 * @param {Uint8Array} bytes
 * @returns {boolean}
 */
export function isUtf8(bytes) {
  const end = bytes.length;
  let at = 0;
  while (at < end) {
    const lead = bytes[at++];
    if (lead < 0x80) continue;
    if (lead < 0xc2 || lead > 0xf4) return false;
    const more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (at + more > end) return false;
    const second = bytes[at];
    if (lead === 0xe0 && second < 0xa0) return false;
    if (lead === 0xed && second > 0x9f) return false;
    if (lead === 0xf0 && second < 0x90) return false;
    if (lead === 0xf4 && second > 0x8f) return false;
    for (let i = 0; i < more; i++) {
      if ((bytes[at++] & 0xc0) !== 0x80) return false;
    }
  }
  return true;
}

/**
 * @param {Uint8Array} bytes valid UTF-8
 * @returns {string}
 */
export function decodeUtf8(bytes) {
  return textDecoder.decode(bytes);
}

/**
 * @param {string} text
 * @returns {Uint8Array} in UTF-8; lone surrogates become U+FFFD
 */
export function encodeUtf8(text) {
  return textEncoder.encode(text);
}

/**
 * @param {Uint8Array} bytes
 * @returns {string} two lower-case hexadecimal digits for each byte
 */
export function toHex(bytes) {
  let hex = "";
  for (const byte of bytes) hex += (byte < 16 ? "0" : "") + byte.toString(16);
  return hex;
}

/**
 * @param {string} hex two digits for each byte
 * @returns {Uint8Array}
 * @throws {EcsdbError} `syntax` if it is no such string
 */
export function fromHex(hex) {
  if (hex.length % 2 !== 0 || /[^0-9a-fA-F]/.test(hex)) refuse("syntax", "not hexadecimal");
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 * @returns {boolean} whether both have the same bytes
 */
export function equalBytes(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
