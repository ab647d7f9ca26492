/**
 * Columns: typed arrays that grow.
 */

/**
 * @param {Int32Array|BigUint64Array|Uint8Array|Int8Array} column
 * @param {number} capacity
 * @returns {typeof column} a larger copy
 */
export function grown(column, capacity) {
  const larger = new column.constructor(capacity);
  larger.set(column);
  return larger;
}
