/**
 * A replica: the cells and rows that a client holds, and how an advance or a chunk changes them.
 * Each is applied as a whole or not at all.
 */

import { equalBytes } from "./bytes.js";
import { refuse } from "./errors.js";
import {
  advanceLane, advanceLaneWide, advanceRows, finishHistory, interruptLanes,
} from "./history.js";
import { layoutsOf } from "./layout.js";
import { ADVANCE_STEP, ADVANCE_SYNC_END, CLIENT_LIMITS } from "./limits.js";
import { floatOrder, floatOrderWide } from "./slots.js";
import { stage } from "./stage.js";
import { asBlock, copyHistories } from "./staging.js";
import { Cell, OUT_LEFT, OUT_REMOVED, TableStore } from "./store.js";

/** Rows and cells at one version of the database. */
export class Replica {
  /**
   * @param {import("./schema.js").Schema} schema
   * @param {bigint} cut the version that it begins at, without rows
   * @param {object} [settings]
   * @param {number} [settings.rowsMax] rows that it takes at most
   * @param {import("./compression.js").Decompress|null} [settings.decompress] null if compressed
   *   blocks were not agreed on
   */
  constructor(schema, cut, { rowsMax = CLIENT_LIMITS.rowsMax, decompress = null } = {}) {
    this.schema = schema;
    this.settings = { rowsMax, decompress };
    this.rowsMax = rowsMax;
    this.decompress = decompress;
    /** Version of the rows. */
    this.cut = cut;
    /** When that was committed, in nanoseconds of the server's clock. */
    this.commitTime = 0n;
    /** Tables by id. */
    this.stores = new Map();
    for (const [id, layout] of layoutsOf(schema)) this.stores.set(id, new TableStore(layout));
    /** Cells that are held, by handle. */
    this.cells = new Map();
    /** Generation of the last entry of every handle that was ever known. */
    this.generations = [];
    /** Whether a full sync is under way. */
    this.isSyncing = true;
    /** @type {Replica|null} what a sync of cells that enter later has brought so far */
    this.staging = null;
    /** @type {Replica|null} of such a staging: the replica that it will be a part of */
    this.whole = null;
  }

  /**
   * Begins a sync of cells that enter while others are held. What comes of it is not seen before
   * the advance that ends it; until then advances go on.
   * @param {bigint} version that the values of the sync are at least of
   */
  beginStaging(version) {
    this.staging = new Replica(this.schema, version, this.settings);
    this.staging.whole = this;
    this.staging.generations = this.generations;
  }

  /** @returns {boolean} whether a cell has the handle, one that is held or one that is staged */
  hasCell(handle) {
    if (this.whole !== null) return this.whole.hasCell(handle);
    return this.cells.has(handle) || (this.staging?.cells.has(handle) ?? false);
  }

  /** @returns {number} rows of all tables */
  rowCount() {
    let count = 0;
    for (const store of this.stores.values()) count += store.size;
    return count;
  }

  /**
   * @param {import("./stage.js").Advance} chunk one frame of a full sync
   * @throws {EcsdbError} and has changed nothing then
   */
  applyChunk(chunk) {
    if (chunk.leaves.length > 0) refuse("unknown_handle", "a leave in a chunk of a sync");
    if (chunk.from !== this.cut || chunk.to !== chunk.from || chunk.kind !== ADVANCE_STEP) {
      refuse("wrong_baseline", `a chunk of kind ${chunk.kind} from ${chunk.from} to ${chunk.to}`);
    }
    const staged = stage(this, chunk, true);
    this.enterCells(staged.entering);
    staged.targets.forEach(({ cell }, i) => applyWhole(cell, staged.decoded[i], null, []));
    staged.targets.forEach(({ cell, publish }, i) => {
      finishHistory(cell, staged.decoded[i], publish);
    });
  }

  /**
   * @param {import("./stage.js").Advance} advance
   * @param {import("./events.js").EventList|null} events receives what happened to the rows
   * @throws {EcsdbError} and has changed nothing then
   */
  applyAdvance(advance, events) {
    this.checkStart(advance);
    const staged = stage(this, advance, false);
    if (staged.staging !== null) staged.staging.applyStaged(staged.ofStaging, null);
    this.applyStaged(staged, events);
    this.cut = advance.to;
    this.commitTime = advance.commitTime;
    if (advance.kind === ADVANCE_SYNC_END) this.isSyncing = false;
  }

  /**
   * Applies what was checked. Nothing of it can fail.
   * @param {import("./stage.js").Staged} staged
   * @param {import("./events.js").EventList|null} events
   */
  applyStaged({ entering, leaving, targets, decoded, staging }, events) {
    /** Rows that were taken out of their cells, as pairs of table and row. */
    const out = [];
    /** Rows of other entities whose index is used again. */
    const dropped = [];
    for (const handle of leaving) this.leaveCell(handle, out);
    targets.forEach(({ cell }, i) => takeGone(cell, decoded[i], out));
    this.enterCells(entering);
    if (staging !== null) this.adopt(staging, events, dropped);
    targets.forEach(({ cell }, i) => applyChanges(cell, decoded[i], events));
    targets.forEach(({ cell }, i) => applyWhole(cell, decoded[i], events, dropped));
    targets.forEach(({ cell, version, publish }, i) => {
      cell.changed = version;
      finishHistory(cell, decoded[i], publish);
    });
    removeOut(out, dropped, events);
  }

  /** Cells that were staged are held from now on. */
  adopt(staging, events, dropped) {
    for (const cell of staging.cells.values()) {
      const held = new Cell(cell, this.stores.get(cell.store.layout.id));
      this.cells.set(held.handle, held);
      applyWhole(held, asBlock(cell), events, dropped);
      copyHistories(cell, held);
    }
    this.staging = null;
  }

  checkStart(advance) {
    const isEnd = advance.kind === ADVANCE_SYNC_END;
    if (isEnd ? !this.isSyncing && this.staging === null : this.isSyncing) {
      refuse("unexpected_message", `an advance of kind ${advance.kind}`);
    }
    if (advance.from !== this.cut) {
      refuse("wrong_baseline", `an advance from ${advance.from}, the cut is ${this.cut}`);
    }
    if (advance.to < advance.from) {
      refuse("wrong_baseline", `an advance from ${advance.from} ends beyond the last version`);
    }
    if (isEnd && this.staging !== null && advance.to < this.staging.cut) {
      refuse("wrong_baseline", `a sync from ${this.staging.cut} ends at ${advance.to}`);
    }
  }

  enterCells(entering) {
    for (const [handle, cell] of entering) {
      while (this.generations.length <= handle) this.generations.push(0);
      this.generations[handle] = cell.generation;
      this.cells.set(handle, cell);
    }
  }

  leaveCell(handle, out) {
    const cell = this.cells.get(handle);
    for (const row of cell.rows) {
      cell.store.cellOf[row] = OUT_LEFT;
      out.push({ store: cell.store, row });
    }
    this.cells.delete(handle);
  }
}

function takeGone(cell, { gone }, out) {
  const { store } = cell;
  for (let i = 0; i < gone.rows.length; i++) {
    const row = gone.rows[i];
    // A net block may name rows that are not here, and two of them the same.
    if (row < 0 || store.cellOf[row] !== cell.handle) continue;
    cell.takeOut(row, gone.left[i] === 1 ? OUT_LEFT : OUT_REMOVED);
    out.push({ store, row });
  }
}

/** Histories and new values of the changed rows of a relative block. */
function applyChanges(cell, decoded, events) {
  const { rows } = decoded.changed;
  if (rows.length === 0) return;
  const { store } = cell;
  cell.touch();
  const repeatable = store.history === null ? null : advanceRows(cell, decoded);
  /** By changed row, the fields that differ. */
  const low = new Int32Array(rows.length);
  const high = new Int32Array(rows.length);
  for (const change of decoded.laneChanges) {
    const { field } = change.lane;
    const differs = field < 32 ? low : high;
    const mask = repeatable === null ? null : field < 32 ? repeatable.low : repeatable.high;
    if (change.lane.isWide) applyLaneWide(store, rows, change, mask, differs);
    else applyLane(store, rows, change, mask, differs);
  }
  for (const change of decoded.textChanges) applyTexts(store, rows, change, low, high);
  for (const turn of decoded.turns) applyTurns(store, rows, turn, low, high);
  if (events === null) return;
  for (let i = 0; i < rows.length; i++) events.change(store, rows[i], low[i], high[i]);
}

function applyLane(store, rows, { lane, places, values }, repeatable, differs) {
  const column = store.columns[lane.ordinal];
  const h = lane.predicted < 0 ? null : store.history.lanes[lane.predicted];
  const bit = 1 << (lane.field & 31);
  for (let i = 0; i < values.length; i++) {
    const place = places === null ? i : places[i];
    const row = rows[place];
    const old = column[row];
    const slot = values[i];
    if (h !== null) {
      const change = lane.isFloat ? floatOrder(slot) - floatOrder(old) : slot - old;
      advanceLane(h, row, (repeatable[place] & bit) !== 0, change | 0);
    }
    if (slot !== old) differs[place] |= bit;
    column[row] = slot;
  }
}

/** The same with BigInts. */
function applyLaneWide(store, rows, { lane, places, values }, repeatable, differs) {
  const column = store.columns[lane.ordinal];
  const h = lane.predicted < 0 ? null : store.history.lanes[lane.predicted];
  const bit = 1 << (lane.field & 31);
  for (let i = 0; i < values.length; i++) {
    const place = places === null ? i : places[i];
    const row = rows[place];
    const old = column[row];
    const slot = values[i];
    if (h !== null) {
      const change = lane.isFloat ? floatOrderWide(slot) - floatOrderWide(old) : slot - old;
      advanceLaneWide(h, row, (repeatable[place] & bit) !== 0, BigInt.asUintN(64, change));
    }
    if (slot !== old) differs[place] |= bit;
    column[row] = slot;
  }
}

function applyTexts(store, rows, { field, places, values }, low, high) {
  const texts = store.texts[field.number];
  const differs = field.number < 32 ? low : high;
  for (let i = 0; i < values.length; i++) {
    const place = places === null ? i : places[i];
    const row = rows[place];
    if (!equalBytes(texts[row], values[i])) differs[place] |= 1 << (field.number & 31);
    texts[row] = values[i];
  }
}

/** Quaternions whose largest component became another one: so they differ. */
function applyTurns(store, rows, { field, places, values }, low, high) {
  const differs = field.number < 32 ? low : high;
  places.forEach((place, i) => {
    const row = rows[place];
    interruptLanes(store.history, field, row);
    field.lanes.forEach((lane, k) => (store.columns[lane.ordinal][row] = values[i][k]));
    differs[place] |= 1 << (field.number & 31);
  });
}

/** Makes the whole rows of a block, or gives those that are there their new values. */
function applyWhole(cell, decoded, events, dropped) {
  const { store } = cell;
  const { indexes, tags, inserted } = decoded.whole;
  if (indexes.length === 0) return;
  cell.touch();
  const rows = new Int32Array(indexes.length);
  const isNew = new Uint8Array(indexes.length);
  for (let i = 0; i < indexes.length; i++) {
    let row = store.rowOf.get(indexes[i]);
    if (row !== undefined && store.entityTag[row] !== (tags[i] | 0)) {
      events?.go(store, row);
      store.dropRow(row);
      dropped.push({ store, row });
      row = undefined;
    }
    if (row === undefined) {
      row = store.makeRow(indexes[i], tags[i], cell);
      isNew[i] = 1;
    } else if (store.cellOf[row] !== cell.handle) {
      cell.addRow(row);
    }
    rows[i] = row;
  }
  const differs = writeWhole(store, rows, isNew, decoded.whole);
  if (events === null) return;
  for (let i = 0; i < rows.length; i++) {
    if (isNew[i] === 1) events.come(store, rows[i], inserted[i] === 1);
    else events.change(store, rows[i], differs.low[i], differs.high[i]);
  }
}

/** Writes the columns. Returns masks of the fields that differ in rows that were there. */
function writeWhole(store, rows, isNew, { columns, texts }) {
  const low = new Int32Array(rows.length);
  const high = new Int32Array(rows.length);
  for (const lane of store.layout.lanes) {
    const column = store.columns[lane.ordinal];
    const values = columns[lane.ordinal];
    const differs = lane.field < 32 ? low : high;
    for (let i = 0; i < rows.length; i++) {
      if (column[rows[i]] !== values[i]) differs[i] |= 1 << (lane.field & 31);
      column[rows[i]] = values[i];
    }
  }
  for (const { number } of store.layout.texts) {
    const differs = number < 32 ? low : high;
    for (let i = 0; i < rows.length; i++) {
      const isSame = isNew[i] === 0 && equalBytes(store.texts[number][rows[i]], texts[number][i]);
      if (!isSame) differs[i] |= 1 << (number & 31);
      store.texts[number][rows[i]] = texts[number][i];
    }
  }
  return { low, high };
}

/** Removes the rows that are still in no cell, in order of table and entity. */
function removeOut(out, dropped, events) {
  const gone = out.filter(({ store, row }) => {
    const cell = store.cellOf[row];
    return cell === OUT_LEFT || cell === OUT_REMOVED;
  });
  gone.sort(
    (a, b) =>
      a.store.layout.id - b.store.layout.id ||
      a.store.entityIndex[a.row] - b.store.entityIndex[b.row],
  );
  for (const { store, row } of gone) {
    events?.go(store, row);
    store.dropRow(row);
    store.reuse(row);
  }
  for (const { store, row } of dropped) store.reuse(row);
}

