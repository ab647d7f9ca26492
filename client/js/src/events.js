/**
 * Row events: what an applied advance has done to the rows, BEHAVIOUR.md section 7.
 */

import { OUT_LEFT } from "./store.js";

/**
 * @typedef {object} RowEvent
 * @property {"insert"|"enter"|"change"|"remove"|"leave"} kind
 * @property {number} table id of the table
 * @property {bigint} entity
 * @property {string[]} [fields] of a change: the fields that differ, by field id
 */

/** Collects the events of one advance. */
export class EventList {
  constructor() {
    /** @type {RowEvent[]} */
    this.events = [];
  }

  /**
   * @param {import("./store.js").TableStore} store
   * @param {number} row
   * @param {number} low mask of the fields 0 to 31 that differ
   * @param {number} high mask of the others
   */
  change(store, row, low, high) {
    if ((low | high) === 0) return;
    this.add("change", store, row, fieldNames(store.layout, low, high));
  }

  /** A row that was made. */
  come(store, row, isInserted) {
    this.add(isInserted ? "insert" : "enter", store, row);
  }

  /** A row that is in no cell and is about to be removed. */
  go(store, row) {
    this.add(store.cellOf[row] === OUT_LEFT ? "leave" : "remove", store, row);
  }

  add(kind, store, row, fields) {
    const event = { kind, table: store.layout.id, entity: store.entity(row) };
    if (fields !== undefined) event.fields = fields;
    this.events.push(event);
  }
}

function fieldNames(layout, low, high) {
  const isIn = ({ number }) => ((number < 32 ? low >>> number : high >>> (number - 32)) & 1) === 1;
  return layout.fields.filter(isIn).map((field) => field.name);
}

/**
 * What a full sync has changed for the application.
 * @param {import("./replica.js").Replica|null} before what was shown, null if nothing was
 * @param {import("./replica.js").Replica} after
 * @returns {RowEvent[]}
 */
export function eventsOfSync(before, after) {
  const list = new EventList();
  // Without the same schema no row is the same; of tables that are no more nothing is said.
  const isSame = before !== null && before.schema.fingerprint === after.schema.fingerprint;
  for (const store of before?.stores.values() ?? []) {
    if (!after.stores.has(store.layout.id)) continue;
    const other = isSame ? after.stores.get(store.layout.id) : undefined;
    for (const row of store.rowOf.values()) {
      if (sameRow(store, row, other) < 0) list.add("leave", store, row);
    }
  }
  for (const store of after.stores.values()) {
    const other = isSame ? before.stores.get(store.layout.id) : undefined;
    for (const row of store.rowOf.values()) compare(list, store, row, other);
  }
  return list.events;
}

function sameRow(store, row, other) {
  const found = other?.rowOf.get(store.entityIndex[row]);
  return found !== undefined && other.entityTag[found] === store.entityTag[row] ? found : -1;
}

function compare(list, store, row, other) {
  const found = sameRow(store, row, other);
  if (found < 0) {
    list.come(store, row, false);
    return;
  }
  const mask = { low: 0, high: 0 };
  store.compareRows(row, other, found, mask);
  list.change(store, row, mask.low, mask.high);
}

