/**
 * Writes simple blocks, for measurements: every row of a cell changes in every lane, all lanes are
 * narrow integers. It is no encoder for a server.
 */

import { ByteWriter } from "../src/bytes.js";
import { NO_MAGNITUDE } from "../src/history.js";
import { FORM_RELATIVE, FORM_ROWS, TIER_PACKED } from "../src/limits.js";

const RUN_STATE_FIRST = 6;
const RUN_STATE_MOST = 32;
const ZEROS_MOST = 12;
const FIRST_TAG = 0x00010001;

function zigzag(change) {
  return ((change << 1) ^ (change >> 31)) >>> 0;
}

/** A bit string that grows. */
class BitWriter {
  constructor() {
    this.bytes = [];
    this.at = 0;
  }

  put(value, count) {
    for (let i = 0; i < count; i++, this.at++) {
      if ((this.at & 7) === 0) this.bytes.push(0);
      if (Math.floor(value / 2 ** i) % 2 === 1) this.bytes[this.at >> 3] |= 1 << (this.at & 7);
    }
  }

  magnitude(value, k) {
    const quotient = Math.floor(value / 2 ** k);
    if (quotient < 3) {
      this.put(2 ** quotient, quotient + 1);
      this.put(value % 2 ** k, k);
      return;
    }
    const e = Math.floor(Math.log2(value - 2 ** k));
    const zeros = e - k + 2;
    if (zeros < ZEROS_MOST) {
      this.put(2 ** zeros, zeros + 1);
      this.put(value - 2 ** k - 2 ** e, e);
    } else {
      this.put(0, ZEROS_MOST);
      this.put(value, 32);
    }
  }

  /** A sequence of flags without a miss. */
  hits(count, state = RUN_STATE_FIRST) {
    for (let at = 0; at < count; state = Math.min(state + 1, RUN_STATE_MOST)) {
      this.put(1, 1);
      at += 2 ** (state >> 1);
    }
  }
}

function headed(tier, form, chain, versions, body) {
  const writer = new ByteWriter();
  writer.u8(tier | (form << 2) | (chain << 5));
  for (const number of versions) writer.varint(number);
  writer.raw(body);
  return writer.done();
}

/** The rows 0 to count - 1 with zeros in all lanes, as the cell's first publish. */
export function packedRows(layout, count) {
  const bits = new BitWriter();
  bits.put(1, 1);
  bits.magnitude(count - 1, 0);
  bits.put(0, 5);
  for (let i = 0; i < count; i++) bits.magnitude(0, 0);
  bits.hits(count);
  bits.hits(count);
  for (let i = 0; i < layout.lanes.length; i++) {
    bits.put(1, 2);
    bits.put(0, layout.lanes[i].bits + 6);
  }
  bits.hits(count);
  return headed(TIER_PACKED, FORM_ROWS, 0, [1, 1], Uint8Array.from(bits.bytes));
}

/**
 * The next publish of a packed cell whose rows change all, each lane by `changeOf(lane, row)`.
 * @param {import("../src/store.js").Cell} cell as it is before
 */
export function packedChanges(cell, changeOf) {
  const { store, publishes } = cell;
  const { layout, history } = store;
  const rows = [...store.rowOf.values()];
  const bits = new BitWriter();
  bits.put(0, 2);
  const isFirst = cell.live.length === 0;
  if (isFirst) writeFresh(bits, rows.length);
  else writeClass(bits, rows.length, history.steady[rows[0]] === 1);
  bits.hits(rows.length * layout.fields.length, isFirst ? 0 : RUN_STATE_FIRST);
  for (const lane of layout.lanes) {
    const h = history.lanes[lane.predicted];
    if (isFirst) bits.put(0, 1);
    for (const row of rows) {
      const isWarm = !isFirst && h.magnitude[row] !== NO_MAGNITUDE;
      const k = isWarm ? Math.max(h.magnitude[row] - 3, 0) >> 2 : 2;
      const expected = isWarm && h.trend[row] > 0 ? h.change[row] : 0;
      bits.magnitude(zigzag(changeOf(lane, row) - expected), k);
    }
  }
  const body = Uint8Array.from(bits.bytes);
  return headed(TIER_PACKED, FORM_RELATIVE, publishes & 7, [], body);
}

function writeFresh(bits, count) {
  bits.put(1, 1);
  bits.magnitude(count - 1, 0);
  bits.put(0, 5);
  for (let i = 0; i < count; i++) bits.magnitude(0, 0);
}

function writeClass(bits, count, isSteady) {
  bits.put(0, 1);
  bits.hits(count, isSteady ? RUN_STATE_FIRST : 0);
  bits.put(0, 1);
}

/** The rows 0 to count - 1 with zeros in all lanes, of a plain cell. */
export function plainRows(layout, count) {
  const writer = new ByteWriter();
  writer.u8(0);
  writer.varint(count);
  for (let i = 0; i < count; i++) writer.varint(0);
  for (let i = 0; i < count; i++) writer.varint(FIRST_TAG);
  writer.raw(new Uint8Array((count + 7) >> 3));
  for (let i = 0; i < layout.lanes.length; i++) {
    writer.u8(1);
    writer.varint(0);
    writer.raw(new Uint8Array(count));
  }
  return headed(0, FORM_ROWS, 0, [1, 1], writer.done());
}

/** The next publish of a plain cell whose rows change all, by changes of one byte. */
export function plainChanges(cell, changeOf) {
  const { layout, rowOf } = cell.store;
  const writer = new ByteWriter();
  writer.u8(0);
  writer.varint(2 * rowOf.size);
  for (let i = 0; i < rowOf.size; i++) writer.varint(0);
  writer.u8(0);
  for (const lane of layout.lanes) {
    writer.u8(1);
    writer.u8(1);
    writer.varint(0);
    for (const row of rowOf.values()) writer.u8(zigzag(changeOf(lane, row)));
  }
  return headed(0, FORM_RELATIVE, cell.publishes & 7, [], writer.done());
}
