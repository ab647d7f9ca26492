/**
 * The packed tier: bit strings with predictions, BYTES.md section 13. This file reads which rows
 * and fields a block is about; packed-values.js and packed-columns.js read what they hold.
 */

import { BitReader, RUNS_OPEN, RUNS_STEADY } from "./bits.js";
import { isUtf8 } from "./bytes.js";
import { refuse } from "./errors.js";
import { FORM_NET, FORM_RELATIVE, FORM_ROWS } from "./limits.js";
import { readPackedColumns, readPackedHistory } from "./packed-columns.js";
import { readPackedValues } from "./packed-values.js";
import { duplicate, refuseGoneWhole } from "./row-groups.js";

const FIRST_TAG = 0x00010001;
const REUSE_MAX = 0xffff;
const K_BITS = 5;
const REUSE_K = 2;
const EPOCH_BITS = 16;
/** Rows from which a class has a flag that says that none of them changes. */
const CLASS_FLAG_ROWS = 16;

/** One reader for all blocks: its memory is used again. Decoding is never nested. */
const sharedBits = new BitReader();

/**
 * @param {import("./block.js").DecodedBlock} decoded receives what the body says
 * @param {Uint8Array} body
 * @param {import("./store.js").Cell} cell the state to decode it against
 */
export function decodePacked(decoded, body, cell) {
  const bits = sharedBits;
  bits.reset(body);
  /** Texts whose sizes are read and whose bytes stand at the end, in their order. */
  const texts = [];
  const { form } = decoded.header;
  if (form !== FORM_ROWS) readGone(bits, decoded, cell);
  readWhole(bits, decoded);
  if (form === FORM_RELATIVE) {
    readChangedRows(bits, decoded, cell);
    if (decoded.changed.rows.length > 0) {
      readMasks(bits, decoded, cell);
      readPackedValues(bits, decoded, cell, texts);
    }
  }
  if (decoded.whole.indexes.length > 0) {
    readPackedColumns(bits, decoded, texts);
    if (form !== FORM_RELATIVE) readPackedHistory(bits, decoded);
  }
  decoded.fieldRead = null;
  bits.finish();
  readTexts(decoded, body, bits.at >> 3, texts);
}

/** A list of rising entity indexes within the block's range. */
function readList(bits, header, step) {
  const count = (bits.magnitude(0) >>> 0) + 1;
  if (count > bits.left()) bits.malformed(`a list of ${count} rows`);
  const k = bits.take(K_BITS);
  const indexes = [];
  let next = header.begin;
  for (let i = 0; i < count; i++) {
    const index = next + (bits.magnitude(k) >>> 0);
    if (index >= header.end) bits.malformed(`entity index ${index} outside of the block's range`);
    indexes.push(index);
    next = index + step;
  }
  return indexes;
}

/** The tags of the entities of a list. */
function readTags(bits, count) {
  const tags = [];
  const found = bits.runs(RUNS_STEADY, count);
  let tag = FIRST_TAG;
  for (let miss = 0; miss < found; miss++) {
    while (tags.length < bits.misses[miss]) tags.push(tag);
    const isOther = bits.bit() === 1;
    const epoch = isOther ? bits.take(EPOCH_BITS) : tag >>> 16;
    const reuse = (bits.magnitude(REUSE_K) >>> 0) + 1;
    if (reuse > REUSE_MAX) bits.malformed(`a reuse count of ${reuse}`);
    const next = ((epoch << 16) | reuse) >>> 0;
    if (next === tag || (isOther && epoch === tag >>> 16)) {
      refuse("not_canonical", `a tag or epoch like the one before, at bit ${bits.at}`);
    }
    tag = next;
  }
  while (tags.length < count) tags.push(tag);
  return tags;
}

function readGone(bits, decoded, cell) {
  if (bits.bit() === 0) return;
  const { gone, header } = decoded;
  if (header.form === FORM_NET) {
    gone.indexes = readList(bits, header, 0);
    gone.tags = readTags(bits, gone.indexes.length);
    for (let i = 0; i < gone.indexes.length; i++) {
      if (i > 0 && gone.indexes[i] === gone.indexes[i - 1] && gone.tags[i] <= gone.tags[i - 1]) {
        refuse("not_canonical", "gone rows that do not rise");
      }
      const row = cell.store.held(cell.handle, gone.indexes[i]);
      const isHeld = row >= 0 && cell.store.entityTag[row] === (gone.tags[i] | 0);
      gone.rows.push(isHeld ? row : -1);
    }
  } else {
    gone.indexes = readList(bits, header, 1);
    gone.rows = gone.indexes.map((index) => heldRow(cell, index));
    gone.tags = gone.rows.map((row) => cell.store.entityTag[row]);
  }
  gone.left = bits.steadyFlags(gone.indexes.length);
}

function heldRow(cell, index) {
  const row = cell.store.held(cell.handle, index);
  if (row < 0) refuse("unknown_row", `no row of entity index ${index}`);
  return row;
}

function readWhole(bits, decoded) {
  if (bits.bit() === 0) return;
  const { whole } = decoded;
  whole.indexes = readList(bits, decoded.header, 1);
  decoded.checkWholeCount(whole.indexes.length);
  whole.tags = readTags(bits, whole.indexes.length);
  whole.inserted = bits.steadyFlags(whole.indexes.length);
  refuseGoneWhole(decoded);
}

function readChangedRows(bits, decoded, cell) {
  const { changed } = decoded;
  const [steady, newest, older] = classes(decoded, cell);
  readClass(bits, steady, RUNS_STEADY, true, changed.rows);
  readClass(bits, newest, RUNS_OPEN, true, changed.rows);
  readClass(bits, older, RUNS_OPEN, false, changed.rows);
  changed.firstFresh = changed.rows.length;
  if (bits.bit() === 0) return;
  const { history } = cell.store;
  const others = new Set(decoded.gone.indexes);
  for (const index of decoded.whole.indexes) others.add(index);
  for (const index of readList(bits, decoded.header, 1)) {
    const row = heldRow(cell, index);
    if (others.has(index)) duplicate(index);
    if (history.known[row] === 1) refuse("not_canonical", "a row with a history among the fresh");
    changed.rows.push(row);
  }
}

/**
 * The rows with a history that are neither gone nor entered: those of age 1 that are steady, the
 * others of age 1, and those of greater age.
 */
function classes(decoded, cell) {
  const { header, gone, whole } = decoded;
  const { history, entityIndex } = cell.store;
  const publish = (cell.publishes + 1) | 0;
  const steady = [];
  const newest = [];
  const older = [];
  const goneSkip = { indexes: gone.indexes, at: 0 };
  const wholeSkip = { indexes: whole.indexes, at: 0 };
  for (const row of cell.live) {
    const index = entityIndex[row];
    if (index < header.begin || index >= header.end) continue;
    if (skips(goneSkip, index) || skips(wholeSkip, index)) continue;
    if (history.age(row, publish) > 1) older.push(row);
    else if (history.steady[row] === 1) steady.push(row);
    else newest.push(row);
  }
  return [steady, newest, older];
}

/** Whether a rising list has an index, asked for rising indexes. */
function skips(list, index) {
  const { indexes } = list;
  while (list.at < indexes.length && indexes[list.at] < index) list.at++;
  return list.at < indexes.length && indexes[list.at] === index;
}

/** The rows of a class that change, added to `changed`. */
function readClass(bits, rows, state, hitChanges, changed) {
  if (rows.length === 0) return;
  const hasFlag = rows.length >= CLASS_FLAG_ROWS;
  if (hasFlag && bits.bit() === 1) return;
  const found = bits.runs(state, rows.length);
  const before = changed.length;
  if (hitChanges) {
    for (let i = 0, miss = 0; i < rows.length; i++) {
      if (miss < found && bits.misses[miss] === i) miss++;
      else changed.push(rows[i]);
    }
  } else {
    for (let miss = 0; miss < found; miss++) changed.push(rows[bits.misses[miss]]);
  }
  if (hasFlag && changed.length === before) {
    refuse("not_canonical", `a class without a change and without its flag, at bit ${bits.at}`);
  }
}

/**
 * Which fields change. The pairs of row and field are told in two sequences: those that were alike
 * in the last two changes of the row, then the others. A row's mask begins as that of its last
 * change, and each miss of a sequence turns a field over.
 */
function readMasks(bits, decoded, cell) {
  const { layout, changed } = decoded;
  const { rows, firstFresh } = changed;
  const { history } = cell.store;
  decoded.makeMasks();
  const { maskLow, maskHigh } = changed;
  for (let i = 0; i < rows.length; i++) {
    maskLow[i] = i < firstFresh ? history.lastLow[rows[i]] : layout.allLow;
    maskHigh[i] = i < firstFresh ? history.lastHigh[rows[i]] : layout.allHigh;
  }
  if (layout.fields.length === 1) return;
  // By changed row, the fields of the second sequence; of a fresh row all.
  const differLow = maskLow.slice();
  const differHigh = maskHigh.slice();
  for (let i = 0; i < firstFresh; i++) {
    differLow[i] ^= history.beforeLow[rows[i]];
    differHigh[i] ^= history.beforeHigh[rows[i]];
  }
  const likeLow = othersOf(differLow, layout.allLow);
  const likeHigh = othersOf(differHigh, layout.allHigh);
  turnFields(bits, RUNS_STEADY, likeLow, likeHigh, changed);
  turnFields(bits, RUNS_OPEN, differLow, differHigh, changed);
  decoded.checkMasks();
}

/** For each mask the fields that it does not have. */
function othersOf(masks, all) {
  const others = new Int32Array(masks.length);
  for (let i = 0; i < masks.length; i++) others[i] = all & ~masks[i];
  return others;
}

/** Reads one sequence over the pairs of some masks and turns over the fields of its misses. */
function turnFields(bits, state, low, high, { maskLow, maskHigh }) {
  let count = 0;
  for (let i = 0; i < low.length; i++) count += bitCount(low[i]) + bitCount(high[i]);
  const found = bits.runs(state, count);
  let row = 0;
  let before = 0;
  for (let miss = 0; miss < found; miss++) {
    const place = bits.misses[miss];
    let inRow = bitCount(low[row]) + bitCount(high[row]);
    while (place >= before + inRow) {
      before += inRow;
      row++;
      inRow = bitCount(low[row]) + bitCount(high[row]);
    }
    const inLow = bitCount(low[row]);
    const nth = place - before;
    if (nth < inLow) maskLow[row] ^= nthBit(low[row], nth);
    else maskHigh[row] ^= nthBit(high[row], nth - inLow);
  }
}

function bitCount(mask) {
  mask -= (mask >>> 1) & 0x55555555;
  mask = (mask & 0x33333333) + ((mask >>> 2) & 0x33333333);
  return Math.imul((mask + (mask >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** The bit of a mask that has `nth` others below it. */
function nthBit(mask, nth) {
  for (; nth > 0; nth--) mask &= mask - 1;
  return mask & -mask;
}

/** The bytes of all texts, behind the bit string. */
function readTexts(decoded, body, from, texts) {
  let at = from;
  let sum = 0;
  for (const { sizes } of texts) for (const size of sizes) sum += size;
  if (sum !== body.length - from) {
    refuse("frame_malformed", `${body.length - from} bytes of texts where ${sum} are announced`);
  }
  for (const { field, sizes, values } of texts) {
    decoded.fieldRead = field;
    for (const size of sizes) {
      const text = body.slice(at, at + size);
      if (field.isUtf8 && !isUtf8(text)) refuse("bad_text", `not UTF-8, at byte ${at}`);
      values.push(text);
      at += size;
    }
  }
  decoded.fieldRead = null;
}
