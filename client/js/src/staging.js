/**
 * Cells that were staged while others were held: their rows as those of a block, so that they enter
 * like any others, BEHAVIOUR.md section 6.
 */

/**
 * @param {import("./store.js").Cell} cell of a staging
 * @returns {{layout: object, whole: object}} what a block of its rows would decode to
 */
export function asBlock({ store, rows }) {
  const sorted = [...rows].sort((a, b) => store.entityIndex[a] - store.entityIndex[b]);
  const pick = (column) => column.constructor.from(sorted, (row) => column[row]);
  return {
    layout: store.layout,
    whole: {
      indexes: sorted.map((row) => store.entityIndex[row]),
      tags: sorted.map((row) => store.entityTag[row]),
      // They were there before they came into view.
      inserted: new Uint8Array(sorted.length),
      columns: store.columns.map(pick),
      texts: store.texts.map((texts) => (texts === null ? null : sorted.map((row) => texts[row]))),
    },
  };
}

/**
 * Gives rows the histories that they have in a staging.
 * @param {import("./store.js").Cell} from
 * @param {import("./store.js").Cell} to has the same rows
 */
export function copyHistories(from, to) {
  const { history } = from.store;
  if (history === null) return;
  to.live = from.live.map((row) => {
    const copy = to.store.rowOf.get(from.store.entityIndex[row]);
    to.store.history.copyFrom(history, row, copy);
    return copy;
  });
}
