/**
 * Which keys the cells of a table can have, BYTES.md section 7.
 */

/**
 * Only the kind is checked, and that a plane has no z: that no row can have the key is no fault.
 * @param {import("./schema.js").Schema} schema
 * @param {object} table of the schema
 * @param {import("./messages.js").CellKey} key
 * @returns {boolean} whether a cell of the table may enter with the key
 */
export function keyFits(schema, table, key) {
  const isFollowing = table.cell.kind === "follow";
  if (key.kind === "none") return isFollowing;
  const owner = isFollowing ? schema.tables.find(({ name }) => name === table.cell.table) : table;
  if (key.kind !== owner.cell.kind) return false;
  return key.kind !== "grid" || key.numbers[2] === 0n || isGridOfSpace(owner);
}

function isGridOfSpace({ cell, fields }) {
  return fields.find(({ name }) => name === cell.field).type === "vec3f";
}
