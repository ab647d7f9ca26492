/**
 * The plain tier: columns of bytes, BYTES.md section 10.
 */

import { ByteReader, isUtf8 } from "./bytes.js";
import { refuse } from "./errors.js";
import { FORM_NET, FORM_RELATIVE, FORM_ROWS, LIMITS } from "./limits.js";
import { refuseSharedRows } from "./row-groups.js";
import { addFloatOrder, addFloatOrderWide, unzigzag, unzigzagWide } from "./slots.js";

const INDEX_MAX = LIMITS.entityIndexMax;
const BITMAP_BYTES_MAX = INDEX_MAX / 8 + 1;
const PRESENT_NONE = 0;
const PRESENT_ALL = 1;
const PRESENT_SOME = 2;

/**
 * @param {import("./block.js").DecodedBlock} decoded receives what the body says
 * @param {Uint8Array} body
 * @param {import("./store.js").Cell} cell the state to decode it against
 */
export function decodePlain(decoded, body, cell) {
  const reader = new ByteReader(body);
  const { form } = decoded.header;
  readGone(reader, decoded, cell);
  if (form === FORM_RELATIVE) {
    for (const index of readChangedIndexes(reader, decoded.header)) {
      decoded.changed.rows.push(heldRow(cell, index));
    }
  }
  readWhole(reader, decoded);
  refuseSharedRows(decoded, cell.store);
  const { fields } = decoded.layout;
  if (decoded.changed.rows.length > 0) {
    decoded.makeMasks();
    for (const field of fields) readChanges(reader, decoded, field, cell.store);
    decoded.fieldRead = null;
    decoded.checkMasks();
  }
  if (decoded.whole.indexes.length > 0) {
    for (const field of fields) readColumns(reader, decoded, field);
    decoded.fieldRead = null;
  }
  reader.finish();
}

function heldRow(cell, index) {
  const row = cell.store.held(cell.handle, index);
  if (row < 0) refuse("unknown_row", `no row of entity index ${index}`);
  return row;
}

function readIndex(reader, next) {
  const index = next + reader.varint(INDEX_MAX);
  if (index >= INDEX_MAX) reader.malformed(`entity index ${index}`);
  return index;
}

/** Entity indexes of the block's range that rise by `step` at least. */
function readGaps(reader, header, count, step) {
  const indexes = [];
  let next = 0;
  for (let i = 0; i < count; i++) {
    const index = readIndex(reader, next);
    indexes.push(index);
    next = index + step;
  }
  checkRange(reader, header, indexes);
  return indexes;
}

function checkRange(reader, { begin, end }, indexes) {
  const last = indexes.length - 1;
  if (last >= 0 && (indexes[0] < begin || indexes[last] >= end)) {
    reader.malformed(`entity indexes ${indexes[0]} to ${indexes[last]} of a part`);
  }
}

function readTag(reader) {
  const tag = reader.varint(0xffffffff);
  if ((tag & 0xffff) === 0) reader.malformed("a reuse count of 0");
  return tag;
}

/** One flag for each row of a group, as 0 or 1. */
function readBitmap(reader, count) {
  const bytes = reader.take((count + 7) >> 3);
  const flags = new Uint8Array(count);
  for (let i = 0; i < count; i++) flags[i] = (bytes[i >> 3] >> (i & 7)) & 1;
  if ((count & 7) !== 0 && bytes[bytes.length - 1] >> (count & 7) !== 0) {
    reader.malformed("unused bits of a bitmap");
  }
  return flags;
}

function readGone(reader, decoded, cell) {
  const { gone, header } = decoded;
  const isNet = header.form === FORM_NET;
  const indexes = readGaps(reader, header, reader.varint(reader.left()), isNet ? 0 : 1);
  if (header.form === FORM_ROWS && indexes.length > 0) reader.malformed("gone rows of a new cell");
  for (let i = 0; i < indexes.length; i++) {
    if (isNet) {
      readGoneTag(reader, gone, indexes, i);
      gone.rows.push(heldEntity(cell, indexes[i], gone.tags[i]));
    } else {
      gone.rows.push(heldRow(cell, indexes[i]));
      gone.tags.push(cell.store.entityTag[gone.rows[i]]);
    }
  }
  gone.indexes = indexes;
  gone.left = readBitmap(reader, indexes.length);
}

function readGoneTag(reader, gone, indexes, i) {
  const tag = readTag(reader);
  if (i > 0 && indexes[i] === indexes[i - 1] && tag <= gone.tags[i - 1]) {
    refuse("not_canonical", `gone rows that do not rise, at byte ${reader.at}`);
  }
  gone.tags.push(tag);
}

function heldEntity(cell, index, tag) {
  const row = cell.store.held(cell.handle, index);
  return row >= 0 && cell.store.entityTag[row] === (tag | 0) ? row : -1;
}

function readChangedIndexes(reader, header) {
  const head = reader.varint();
  if (head === 0) return [];
  if (head === 1) refuse("not_canonical", "a bitmap of no changed row");
  const count = Math.floor(head / 2);
  if (head % 2 === 1) return readChangedBitmap(reader, header, count);
  if (count > reader.left()) reader.malformed(`${count} changed rows`);
  return readGaps(reader, header, count, 1);
}

function readChangedBitmap(reader, header, count) {
  const first = reader.varint(INDEX_MAX - 1);
  const bytes = reader.take(reader.varint(BITMAP_BYTES_MAX));
  const last = bytes.length - 1;
  if (last < 0 || (bytes[0] & 1) === 0 || bytes[last] === 0) {
    reader.malformed("a bitmap of changed rows that is not the shortest");
  }
  const indexes = [];
  for (let i = 0; i < 8 * bytes.length; i++) {
    if ((bytes[i >> 3] >> (i & 7)) & 1) indexes.push(first + i);
  }
  if (indexes.length !== count || indexes[count - 1] >= INDEX_MAX) {
    reader.malformed(`a bitmap of ${indexes.length} changed rows where ${count} are announced`);
  }
  checkRange(reader, header, indexes);
  return indexes;
}

function readWhole(reader, decoded) {
  const { whole } = decoded;
  const indexes = readGaps(reader, decoded.header, reader.varint(reader.left()), 1);
  decoded.checkWholeCount(indexes.length);
  for (let i = 0; i < indexes.length; i++) whole.tags.push(readTag(reader));
  whole.indexes = indexes;
  whole.inserted = readBitmap(reader, indexes.length);
}

/**
 * A column of numbers of a narrow lane. Returns them as signed 32-bit integers of the same bits.
 */
function readColumn(reader, count) {
  const width = reader.u8();
  if (width === 0 || width > 4) reader.malformed(`a column of width ${width}`);
  const exceptions = readExceptions(reader, count, 256 ** width, (r) => r.varint(0xffffffff));
  const bytes = reader.take(count * width);
  const numbers = new Int32Array(count);
  for (let i = 0, at = 0; i < count; i++) {
    let number = bytes[at++];
    for (let shift = 8; shift < 8 * width; shift += 8) number |= bytes[at++] << shift;
    numbers[i] = number;
  }
  putExceptions(numbers, exceptions, 0);
  return numbers;
}

/** The same of a wide lane; the numbers are BigInts. */
function readColumnWide(reader, count) {
  const width = reader.u8();
  if (width === 0 || width > 8) reader.malformed(`a column of width ${width}`);
  const exceptions = readExceptions(reader, count, 256n ** BigInt(width), (r) => r.varint64());
  const bytes = new ByteReader(reader.take(count * width));
  const numbers = new BigUint64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = bytes.uintWide(width);
  putExceptions(numbers, exceptions, 0n);
  return numbers;
}

/** Places and numbers of those that do not fit the width, alternating. */
function readExceptions(reader, count, least, readNumber) {
  const exceptions = [];
  let place = 0;
  for (let left = reader.varint(count); left > 0; left--) {
    place += reader.varint(count);
    const number = readNumber(reader);
    if (place >= count) reader.malformed(`an exception at place ${place} of ${count}`);
    if (number < least) refuse("not_canonical", `an exception that fits, at byte ${reader.at}`);
    exceptions.push(place, number);
    place++;
  }
  return exceptions;
}

function putExceptions(numbers, exceptions, zero) {
  for (let i = 0; i < exceptions.length; i += 2) {
    if (numbers[exceptions[i]] !== zero) refuse("not_canonical", "an exception that is no zero");
    numbers[exceptions[i]] = exceptions[i + 1];
  }
}

/** Places of the changed rows in which something is present; null for all of them. */
function readPresence(reader, count, bytesEach) {
  const presence = reader.u8();
  if (presence > PRESENT_SOME) reader.malformed(`presence ${presence}`);
  let places = presence === PRESENT_NONE ? [] : null;
  if (presence === PRESENT_SOME) {
    const flags = readBitmap(reader, count);
    places = [];
    for (let i = 0; i < count; i++) if (flags[i] === 1) places.push(i);
    if (places.length === 0 || places.length === count) {
      refuse("not_canonical", `a bitmap of ${places.length} of ${count} rows`);
    }
  }
  const present = places === null ? count : places.length;
  if (present * bytesEach > reader.left()) reader.malformed(`values of ${present} rows`);
  return presence === PRESENT_ALL ? null : places;
}

function readText(reader, field) {
  const size = reader.varint();
  if (size > field.bytesMax) refuse("text_too_long", `${size} bytes, at byte ${reader.at}`);
  const text = reader.take(size);
  if (field.isUtf8 && !isUtf8(text)) refuse("bad_text", `not UTF-8, at byte ${reader.at}`);
  return text.slice();
}

function readChanges(reader, decoded, field, store) {
  const { rows } = decoded.changed;
  decoded.fieldRead = field;
  if (field.isText) {
    const places = readPresence(reader, rows.length, 1);
    const values = [];
    const count = places === null ? rows.length : places.length;
    for (let i = 0; i < count; i++) values.push(readText(reader, field));
    if (count > 0) decoded.textChanges.push({ field, places, values });
    markChanged(decoded, field.number, places);
    return;
  }
  for (const lane of field.lanes) {
    const places = readPresence(reader, rows.length, lane.isFlag ? 0 : 1);
    if (places !== null && places.length === 0) continue;
    const count = places === null ? rows.length : places.length;
    const values = lane.isWide
      ? readLaneWide(reader, lane, count, placedRows(rows, places), store)
      : readLane(reader, lane, count, placedRows(rows, places), store);
    decoded.laneChanges.push({ lane, places, values });
    markChanged(decoded, field.number, places);
  }
}

function placedRows(rows, places) {
  return places === null ? rows : places.map((place) => rows[place]);
}

function markChanged(decoded, number, places) {
  const { maskLow, maskHigh, rows } = decoded.changed;
  const mask = number < 32 ? maskLow : maskHigh;
  const bit = 1 << (number & 31);
  if (places === null) for (let i = 0; i < rows.length; i++) mask[i] |= bit;
  else for (const place of places) mask[place] |= bit;
}

/** New slots of a narrow lane of some rows. */
function readLane(reader, lane, count, rows, store) {
  const old = store.columns[lane.ordinal];
  if (lane.isFlag) return Int32Array.from(rows, (row) => 1 - old[row]);
  const values = readColumn(reader, count);
  if (values.includes(0)) refuse("not_canonical", "a change to the same slot");
  let allFit = true;
  for (let i = 0; i < count; i++) {
    const change = unzigzag(values[i]);
    const before = old[rows[i]];
    const slot = lane.isFloat ? addFloatOrder(before, change) : (before + change) | 0;
    allFit = allFit && lane.fits(slot);
    values[i] = slot;
  }
  if (!allFit) refuse("value_out_of_range", `lane ${lane.place}`);
  return values;
}

function readLaneWide(reader, lane, count, rows, store) {
  const old = store.columns[lane.ordinal];
  const values = readColumnWide(reader, count);
  if (values.includes(0n)) refuse("not_canonical", "a change to the same slot");
  let allFit = true;
  for (let i = 0; i < count; i++) {
    const change = unzigzagWide(values[i]);
    const before = old[rows[i]];
    const slot = lane.isFloat
      ? addFloatOrderWide(before, change)
      : BigInt.asUintN(64, before + change);
    allFit = allFit && lane.fitsWide(slot);
    values[i] = slot;
  }
  if (!allFit) refuse("value_out_of_range", `lane ${lane.place}`);
  return values;
}

/** All values of the whole rows in one field. */
function readColumns(reader, decoded, field) {
  const { whole } = decoded;
  const count = whole.indexes.length;
  decoded.fieldRead = field;
  if (field.isText) {
    if (count > reader.left()) reader.malformed(`texts of ${count} rows`);
    const texts = [];
    for (let i = 0; i < count; i++) texts.push(readText(reader, field));
    whole.texts[field.number] = texts;
    return;
  }
  for (const lane of field.lanes) {
    const values = lane.isWide ? readColumnWide(reader, count) : readColumn(reader, count);
    if (lane.isSigned) {
      const back = lane.isWide ? unzigzagWide : unzigzag;
      for (let i = 0; i < count; i++) values[i] = back(values[i]);
    }
    const fits = lane.isWide ? (slot) => lane.fitsWide(slot) : (slot) => lane.fits(slot);
    if (!values.every(fits)) refuse("value_out_of_range", `lane ${lane.place}`);
    whole.columns[lane.ordinal] = values;
  }
}
