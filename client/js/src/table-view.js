/**
 * Reading of rows: what an application sees of a table.
 */

import { decodeUtf8 } from "./bytes.js";
import { refuse } from "./errors.js";
import { valueOfLanes } from "./values.js";

/**
 * One table at the client's cut. It is valid until the client applies another full sync; ask the
 * client for it anew rather than keep it. Rows are numbers that stay the same while the row lives.
 */
export class TableView {
  /** @param {import("./store.js").TableStore} store */
  constructor(store) {
    this.store = store;
  }

  /** @returns {number} rows of the table */
  get size() {
    return this.store.size;
  }

  /** @returns {IterableIterator<number>} all rows, in no order */
  rows() {
    return this.store.rowOf.values();
  }

  /**
   * @param {bigint} entity
   * @returns {number} its row, -1 if it has none
   */
  rowOf(entity) {
    const row = this.store.rowOf.get(Number(entity >> 32n));
    return row !== undefined && this.store.entity(row) === entity ? row : -1;
  }

  /**
   * @param {number} row
   * @returns {bigint} the entity that it belongs to
   */
  entity(row) {
    return this.store.entity(row);
  }

  /**
   * @param {string} name of a field
   * @returns {import("./layout.js").Field}
   * @throws {EcsdbError} `unknown_field`
   */
  field(name) {
    const field = this.store.layout.field(name);
    if (field === undefined) refuse("unknown_field", `${this.store.layout.name}.${name}`);
    return field;
  }

  /**
   * @param {number} row
   * @param {import("./layout.js").Field} field of `field`
   * @returns {boolean|number|bigint|number[]|string|Uint8Array} what the field holds; see
   *   `valueOfLanes`; a string for `str`, a copy of the bytes for `bytes`
   */
  value(row, field) {
    if (!field.isText) return valueOfLanes(field, this.store.slots(row, field));
    const text = this.store.texts[field.number][row];
    return field.isUtf8 ? decodeUtf8(text) : text.slice();
  }

  /**
   * @param {bigint} entity
   * @returns {object|null} all values by name of the field, null if the entity has no row
   */
  get(entity) {
    const row = this.rowOf(entity);
    if (row < 0) return null;
    const values = {};
    for (const field of this.store.layout.fields) values[field.name] = this.value(row, field);
    return values;
  }
}
