/**
 * Which keys the cells of a table can have, BYTES.md section 7.
 */

import { makeField } from "./layout.js";

const STEP_LEAST = -(2n ** 31n);
const STEP_MOST = 2n ** 31n - 1n;

/**
 * @param {import("./schema.js").Schema} schema
 * @param {object} table of the schema
 * @param {import("./messages.js").CellKey} key
 * @returns {boolean} whether a cell of the table can have the key
 */
export function keyFits(schema, table, key) {
  const { cell } = table;
  if (cell.kind === "follow") {
    if (key.kind === "none") return true;
    const followed = schema.tables.find(({ name }) => name === cell.table);
    return keyFits(schema, followed, key);
  }
  if (key.kind !== cell.kind) return false;
  if (cell.kind === "value") return isValue(fieldOf(table), key.numbers[0]);
  if (cell.kind === "grid") return isGridKey(fieldOf(table), cell.size, key.numbers);
  return true;
}

function fieldOf(table) {
  return table.fields.find(({ name }) => name === table.cell.field);
}

/** Whether a number is a lane of a field. Of an unsigned lane it has the same 64 bits. */
function isValue(field, number) {
  const [lane] = makeField(field, 0).lanes;
  return lane.holds(lane.isSigned ? number : BigInt.asUintN(64, number));
}

function isGridKey(field, size, numbers) {
  const edge = BigInt(Math.floor(size / field.quantise.precision + 0.5));
  const components = field.type === "vec2f" ? 2 : 3;
  return numbers.every((number, i) => {
    if (i >= components) return number === 0n;
    return number >= floorOf(STEP_LEAST, edge) && number <= floorOf(STEP_MOST, edge);
  });
}

/** The quotient, rounded down. */
function floorOf(a, b) {
  return a < 0n ? -((-a + b - 1n) / b) : a / b;
}
