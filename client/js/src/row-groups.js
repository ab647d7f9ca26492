/**
 * The groups of rows of a block: gone, changed, whole. No row may be in two of them.
 */

import { refuse } from "./errors.js";

/**
 * Refuses a block in which an entity is gone and whole, or an entity index is changed and in
 * another group.
 * @param {import("./block.js").DecodedBlock} decoded
 * @param {import("./store.js").TableStore} store
 */
export function refuseSharedRows(decoded, store) {
  refuseGoneWhole(decoded);
  const { rows } = decoded.changed;
  const others = decoded.gone.indexes.length + decoded.whole.indexes.length;
  if (rows.length === 0 || others === 0) return;
  const changed = new Set(rows.map((row) => store.entityIndex[row]));
  for (const index of decoded.gone.indexes) if (changed.has(index)) duplicate(index);
  for (const index of decoded.whole.indexes) if (changed.has(index)) duplicate(index);
}

/**
 * Refuses a block in which the same entity is gone and whole.
 * @param {import("./block.js").DecodedBlock} decoded
 */
export function refuseGoneWhole({ gone, whole }) {
  for (let i = 0, at = 0; i < whole.indexes.length && at < gone.indexes.length; i++) {
    const index = whole.indexes[i];
    while (at < gone.indexes.length && gone.indexes[at] < index) at++;
    for (let k = at; k < gone.indexes.length && gone.indexes[k] === index; k++) {
      if (gone.tags[k] >>> 0 === whole.tags[i] >>> 0) duplicate(index);
    }
  }
}

/**
 * @param {number} index of an entity
 * @returns {never}
 */
export function duplicate(index) {
  refuse("duplicate_row", `the row of entity index ${index} stands twice`);
}
