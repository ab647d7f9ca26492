/**
 * Rows of tables, and cells.
 *
 * A table keeps its rows in columns: one typed array for each lane. A row is a number, its place in
 * the columns; it stays the same as long as the row lives, also when the row moves between cells.
 */

import { equalBytes } from "./bytes.js";
import { grown } from "./columns.js";
import { addRowHash, writeTextWords } from "./hash.js";
import { HistoryColumns } from "./history.js";
import { TIER_PACKED } from "./limits.js";

/** What `cellOf` says of a row that is in no cell. */
export const OUT_REMOVED = -1;
export const OUT_LEFT = -2;
/** What `cellOf` says of a place that has no row. */
export const NO_ROW = -3;

const FIRST_CAPACITY = 16;
const NO_BYTES = new Uint8Array(0);
/** Which half of a 64-bit number in memory is the low one. */
const LOW_HALF = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 0 : 1;

/** All rows of one table. */
export class TableStore {
  /** @param {import("./layout.js").TableLayout} layout */
  constructor(layout) {
    this.layout = layout;
    /** Rows by entity index. */
    this.rowOf = new Map();
    this.capacity = 0;
    /** Rows from here on were never used. */
    this.used = 0;
    /** Rows that may be used again. */
    this.free = [];
    /** By row: both halves of the entity's id, the handle of the cell, the place in its list. */
    this.entityIndex = new Int32Array(0);
    this.entityTag = new Int32Array(0);
    this.cellOf = new Int32Array(0);
    this.placeInCell = new Int32Array(0);
    /** Slots by ordinal of the lane, by row. */
    this.columns = layout.lanes.map((lane) => lane.column(0));
    /** The same memory of wide lanes as halves; of narrow lanes the columns themselves. */
    this.halves = [];
    /** Texts by field number, by row. */
    this.texts = layout.fields.map((field) => (field.isText ? [] : null));
    this.history = layout.tier === TIER_PACKED ? new HistoryColumns(layout) : null;
    this.words = new Int32Array(layout.wordCount);
  }

  /** @returns {number} rows of the table */
  get size() {
    return this.rowOf.size;
  }

  /**
   * @param {number} row
   * @returns {bigint} the id of its entity
   */
  entity(row) {
    return entityId(this.entityIndex[row], this.entityTag[row]);
  }

  /**
   * The row of an entity index, if a given cell holds it.
   * @param {number} handle of the cell
   * @param {number} index of the entity
   * @returns {number} -1 if there is none
   */
  held(handle, index) {
    const row = this.rowOf.get(index);
    return row !== undefined && this.cellOf[row] === handle ? row : -1;
  }

  /**
   * Makes a row in a cell. Its slots are those that were there before: the caller writes all.
   * @param {number} index of the entity
   * @param {number} tag of the entity
   * @param {Cell} cell
   * @returns {number} the row
   */
  makeRow(index, tag, cell) {
    if (this.free.length === 0 && this.used === this.capacity) this.grow();
    const row = this.free.length > 0 ? this.free.pop() : this.used++;
    this.rowOf.set(index, row);
    this.entityIndex[row] = index;
    this.entityTag[row] = tag;
    cell.addRow(row);
    return row;
  }

  /**
   * Removes a row that is in no cell. Its place must be given to `reuse` later.
   * @param {number} row
   */
  dropRow(row) {
    this.rowOf.delete(this.entityIndex[row]);
    this.cellOf[row] = NO_ROW;
    for (const field of this.layout.texts) this.texts[field.number][row] = NO_BYTES;
  }

  /** @param {number} row dropped before; from now on it may be another one */
  reuse(row) {
    this.free.push(row);
  }

  grow() {
    const capacity = Math.max(FIRST_CAPACITY, 2 * this.capacity);
    this.entityIndex = grown(this.entityIndex, capacity);
    this.entityTag = grown(this.entityTag, capacity);
    this.cellOf = grown(this.cellOf, capacity).fill(NO_ROW, this.capacity);
    this.placeInCell = grown(this.placeInCell, capacity);
    this.columns = this.columns.map((column) => grown(column, capacity));
    this.halves = this.columns.map((column) => new Int32Array(column.buffer));
    this.history?.grow(capacity);
    this.capacity = capacity;
  }

  /**
   * Adds the hash of a row to a digest.
   * @param {number} row
   * @param {Int32Array} digest four numbers
   */
  addHash(row, digest) {
    const { layout, words } = this;
    words[0] = this.entityTag[row];
    words[1] = this.entityIndex[row];
    for (let i = 0; i < layout.lanes.length; i++) {
      const at = layout.laneWords[i];
      if (layout.lanes[i].isWide) {
        words[at] = this.halves[i][2 * row + LOW_HALF];
        words[at + 1] = this.halves[i][2 * row + 1 - LOW_HALF];
      } else {
        words[at] = this.halves[i][row];
      }
    }
    for (const field of layout.texts) {
      writeTextWords(this.texts[field.number][row], words, layout.textWords[field.number]);
    }
    addRowHash(words, layout.hashConstants, digest);
  }

  /**
   * @param {number} row
   * @param {import("./layout.js").Field} field no text
   * @returns {(number|bigint)[]} its slots: signed 32-bit numbers, BigInts for wide lanes
   */
  slots(row, field) {
    return field.lanes.map((lane) => this.columns[lane.ordinal][row]);
  }

  /**
   * Which fields of a row differ from those of another store of the same table.
   * @param {number} row
   * @param {TableStore} other
   * @param {number} otherRow
   * @param {{low: number, high: number}} mask receives the fields, added to what it has
   */
  compareRows(row, other, otherRow, mask) {
    for (let i = 0; i < this.columns.length; i++) {
      if (this.columns[i][row] === other.columns[i][otherRow]) continue;
      addField(mask, this.layout.lanes[i].field);
    }
    for (const { number } of this.layout.texts) {
      const isEqual = equalBytes(this.texts[number][row], other.texts[number][otherRow]);
      if (!isEqual) addField(mask, number);
    }
  }
}

/**
 * @param {number} index
 * @param {number} tag signed or unsigned
 * @returns {bigint} the entity's id
 */
export function entityId(index, tag) {
  return (BigInt(index) << 32n) | BigInt(tag >>> 0);
}

/**
 * @param {{low: number, high: number}} mask of fields: 0 to 31, and 32 to 63
 * @param {number} number of a field
 */
export function addField(mask, number) {
  if (number < 32) mask.low |= 1 << number;
  else mask.high |= 1 << (number - 32);
}

/** A cell that is held: its rows, and how far it is. */
export class Cell {
  /**
   * @param {object} enter the cell_enter that it came with
   * @param {TableStore} store of its table
   */
  constructor(enter, store) {
    this.handle = enter.handle;
    this.generation = enter.generation;
    this.key = enter.key;
    /** Version of the last change. */
    this.changed = enter.changed;
    /** How many publishes have changed it, modulo 2^32. */
    this.publishes = enter.publishes;
    this.store = store;
    /** Its rows, in no order. */
    this.rows = [];
    /** Packed tier: its rows that have a history, in order of entity index. */
    this.live = [];
    this.digestKept = null;
  }

  /** @param {number} row that is in no cell */
  addRow(row) {
    this.store.cellOf[row] = this.handle;
    this.store.placeInCell[row] = this.rows.length;
    this.rows.push(row);
    this.digestKept = null;
  }

  /**
   * @param {number} row one of its rows
   * @param {number} why OUT_REMOVED or OUT_LEFT
   */
  takeOut(row, why) {
    const place = this.store.placeInCell[row];
    const last = this.rows.pop();
    if (last !== row) {
      this.rows[place] = last;
      this.store.placeInCell[last] = place;
    }
    this.store.cellOf[row] = why;
    this.digestKept = null;
  }

  /** Says that values of its rows have changed. */
  touch() {
    this.digestKept = null;
  }

  /** @returns {Int32Array} its digest, four 32-bit numbers; do not change it */
  digest() {
    if (this.digestKept === null) {
      this.digestKept = new Int32Array(4);
      for (const row of this.rows) this.store.addHash(row, this.digestKept);
    }
    return this.digestKept;
  }
}
