/**
 * Reading of bit strings, BYTES.md section 11: bit 0 of the first byte comes first.
 *
 * This is the innermost loop of a client: plain 32-bit arithmetic, no allocation for a code.
 */

import { refuse } from "./errors.js";

/** Zeros of a magnitude code before the number itself. */
const ZEROS_MOST = 12;
/** Largest state of a run code. */
const RUN_STATE_MOST = 32;
/** First state of runs of steady flags, R(6) of the document. */
export const RUNS_STEADY = 6;
/** First state of other runs, R(0) of the document. */
export const RUNS_OPEN = 0;

/**
 * Reads one bit string after the other. It keeps its own copy of the bytes as 32-bit words with
 * zeros behind them, so that a code can be looked at without a check of every bit; whether it ended
 * within the bytes is checked when it has been read.
 */
export class BitReader {
  constructor() {
    this.words = new Int32Array(256);
    /** Bits read so far. */
    this.at = 0;
    /** Bits in all. */
    this.end = 0;
    /** Places of the misses that `runs` found last. */
    this.misses = new Int32Array(64);
  }

  /** @param {Uint8Array} bytes to read from now on; copied */
  reset(bytes) {
    const count = bytes.length;
    const wordCount = (count >>> 2) + 3;
    if (wordCount > this.words.length) this.words = new Int32Array(2 * wordCount);
    const words = this.words;
    const whole = count >>> 2;
    for (let i = 0, at = 0; i < whole; i++, at += 4) {
      words[i] =
        bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    }
    let last = 0;
    for (let at = count - 1; at >= 4 * whole; at--) last = (last << 8) | bytes[at];
    words[whole] = last;
    words[whole + 1] = 0;
    words[whole + 2] = 0;
    this.at = 0;
    this.end = 8 * count;
  }

  /** @returns {number} bits not read yet */
  left() {
    return this.end - this.at;
  }

  /** @returns {number} the next 32 bits, signed, zeros behind the end; nothing is read */
  peek() {
    const word = this.at >>> 5;
    const shift = this.at & 31;
    const low = this.words[word];
    return shift === 0 ? low : (low >>> shift) | (this.words[word + 1] << (32 - shift));
  }

  /** @returns {number} the next bit */
  bit() {
    if (this.at >= this.end) this.cutShort();
    const bit = (this.words[this.at >>> 5] >>> (this.at & 31)) & 1;
    this.at++;
    return bit;
  }

  /**
   * @param {number} count 0 to 32 bits
   * @returns {number} unsigned, the low bit first
   */
  take(count) {
    if (count > this.end - this.at) this.cutShort();
    const bits = this.peek();
    this.at += count;
    return count === 32 ? bits >>> 0 : bits & ((1 << count) - 1);
  }

  /**
   * @param {number} count 0 to 64 bits
   * @returns {bigint} unsigned, the low bit first
   */
  takeWide(count) {
    const low = this.take(Math.min(count, 32));
    const high = count > 32 ? this.take(count - 32) : 0;
    return (BigInt(high) << 32n) | BigInt(low);
  }

  /**
   * A magnitude code of 32 bits, M(k) of the document.
   * @param {number} k the parameter, 0 to 31
   * @returns {number} its value as a signed 32-bit integer of the same bits
   */
  magnitude(k) {
    const ahead = this.peek();
    const first = ahead & 0xfff;
    const zeros = first === 0 ? ZEROS_MOST : 31 - Math.clz32(first & -first);
    if (zeros < 3) {
      // With 31 bits two zeros are too many: the sum would not fit any more.
      if (k === 31 && zeros === 2) this.malformed("a magnitude beyond 32 bits");
      const used = zeros + 1;
      if (used + k > 32) {
        this.at += used;
        return ((zeros << k) + this.take(k)) | 0;
      }
      // Most codes are short: then they are in the bits that were looked at.
      this.at += used + k;
      if (this.at > this.end) this.cutShort();
      return ((zeros << k) + ((ahead >>> used) & ((1 << k) - 1))) | 0;
    }
    const e = k + zeros - 2;
    if (e >= 32) this.malformed("a magnitude beyond 32 bits");
    const least = ((1 << k) >>> 0) + ((1 << e) >>> 0);
    if (zeros < ZEROS_MOST) {
      this.at += zeros + 1;
      const value = least + this.take(e);
      if (value > 0xffffffff) this.malformed("a magnitude beyond 32 bits");
      return value | 0;
    }
    this.at += ZEROS_MOST;
    const value = this.take(32);
    if (value < least) this.malformed("a magnitude that has a shorter code");
    return value | 0;
  }

  /**
   * A magnitude code of 64 bits.
   * @param {number} k the parameter, 0 to 63
   * @returns {bigint} unsigned
   */
  magnitudeWide(k) {
    const low = this.peek() & 0xfff;
    const zeros = low === 0 ? ZEROS_MOST : 31 - Math.clz32(low & -low);
    if (zeros < 3) {
      this.at += zeros + 1;
      const value = (BigInt(zeros) << BigInt(k)) + this.takeWide(k);
      if (value >> 64n !== 0n) this.malformed("a magnitude beyond 64 bits");
      return value;
    }
    const e = k + zeros - 2;
    if (e >= 64) this.malformed("a magnitude beyond 64 bits");
    const least = (1n << BigInt(k)) + (1n << BigInt(e));
    if (zeros < ZEROS_MOST) {
      this.at += zeros + 1;
      const value = least + this.takeWide(e);
      if (value >> 64n !== 0n) this.malformed("a magnitude beyond 64 bits");
      return value;
    }
    this.at += ZEROS_MOST;
    const value = this.takeWide(64);
    if (value < least) this.malformed("a magnitude that has a shorter code");
    return value;
  }

  /**
   * A sequence of flags, R(s) of the document.
   * @param {number} state to begin with
   * @param {number} count of flags
   * @returns {number} how many misses there are; their places, rising, are in `misses` until the
   *   next call
   */
  runs(state, count) {
    let found = 0;
    let at = 0;
    while (at < count) {
      const k = state >> 1;
      if (this.bit() === 1) {
        at += 2 ** k;
        if (state < RUN_STATE_MOST) state++;
        continue;
      }
      at += this.take(k);
      if (at >= count) this.malformed("a miss beyond the last flag");
      if (found === this.misses.length) this.growMisses();
      this.misses[found++] = at++;
      state = state > 2 ? state - 2 : 0;
    }
    return found;
  }

  /**
   * Flags that mostly are as the one before; before the first stands a 0.
   * @param {number} count of flags
   * @returns {Uint8Array} the flags
   */
  steadyFlags(count) {
    const flags = new Uint8Array(count);
    const found = this.runs(RUNS_STEADY, count);
    for (let i = 0; i < found; i += 2) {
      flags.fill(1, this.misses[i], i + 1 < found ? this.misses[i + 1] : count);
    }
    return flags;
  }

  /** Goes to the next whole byte; the bits up to there must be zeros. */
  finish() {
    const padding = -this.at & 7;
    if (this.take(padding) !== 0) this.malformed("bits behind the end that are not zeros");
  }

  growMisses() {
    const larger = new Int32Array(2 * this.misses.length);
    larger.set(this.misses);
    this.misses = larger;
  }

  cutShort() {
    this.malformed("cut short");
  }

  /**
   * @param {string} what is wrong
   * @returns {never}
   */
  malformed(what) {
    refuse("frame_malformed", `${what}, at bit ${this.at} of the body`);
  }
}
