/** blocks-plain.json and blocks-packed.json: blocks on one cell. */

import { readBlockHeader } from "../../src/block.js";
import { fromHex } from "../../src/bytes.js";
import { FORM_RELATIVE, TIER_PACKED } from "../../src/limits.js";
import { Replica } from "../../src/replica.js";
import { checkFollows, checkRows, decodeTargets } from "../../src/stage.js";
import { Cell, entityId } from "../../src/store.js";
import { disagree, same } from "../support/compare.js";
import {
  changedFields, describeDigest, describeHistory, describeReplica, describeRows,
} from "../support/describe.js";
import { schemaNamed } from "../support/schemas.js";

export const MEMBERS = ["schema", "table", "setup", "blocks"];

/** One cell that takes blocks, without frames around them. */
export class BlockHarness {
  constructor(schema, table, decompress) {
    this.decompress = decompress;
    this.replica = new Replica(schema, 0n);
    const store = this.replica.stores.get(table) ?? disagree(`there is no table ${table}`);
    const enter = { handle: 0, generation: 1, key: { kind: "one", numbers: [] } };
    this.cell = new Cell({ ...enter, changed: 0n, publishes: 0 }, store);
    this.replica.cells.set(0, this.cell);
    this.replica.generations.push(1);
  }

  /**
   * Decodes the blocks of one publish and applies them together.
   * @param {Uint8Array[]} blocks
   * @returns {import("../../src/block.js").DecodedBlock[]}
   */
  take(blocks) {
    const { cell, replica } = this;
    const headers = blocks.map(readBlockHeader);
    headers.forEach((header, i) => checkFollows(headers[i - 1], header));
    const parts = blocks.map((bytes, i) => ({ bytes, header: headers[i], cell }));
    const decoded = decodeTargets(parts, this.decompress);
    const targets = decoded.map(({ header }) => ({
      cell, version: header.version,
      publish: header.form === FORM_RELATIVE ? (cell.publishes + 1) >>> 0 : header.publishes,
    }));
    const staged = { entering: new Map(), leaving: new Set(), targets, decoded, staging: null };
    checkRows(replica, staged);
    replica.applyStaged(staged, null);
    return decoded;
  }
}

/** Checks a vector by itself: a refused step must leave everything as it was. */
export function check(vector, context) {
  const schema = schemaNamed(context, vector.schema);
  const harness = new BlockHarness(schema, vector.table, context.decompress);
  const parse = (step) => step.map(fromHex);
  for (const step of vector.setup) harness.take(parse(step));
  const before = describeReplica(harness.replica);
  let decoded;
  try {
    decoded = harness.take(parse(vector.blocks));
  } catch (thrown) {
    if (vector.error === undefined) throw thrown;
    same(vector.error, thrown.code ?? thrown.message, "error");
    same(before, describeReplica(harness.replica), "the state after the refusal");
    return;
  }
  if (vector.error !== undefined) disagree(`expected error ${vector.error}, it was accepted`);
  same(vector.expect, describe(harness, decoded), "");
}

function describe({ cell }, decoded) {
  const isRelative = decoded.every(({ header }) => header.form === FORM_RELATIVE);
  const { store } = cell;
  const result = {
    version: isRelative ? undefined : String(decoded[0].header.version),
    gone: sorted(decoded.flatMap(describeGone)),
    changed: sorted(decoded.flatMap((d) => describeChanged(d, store))),
    whole: sorted(decoded.flatMap(describeWhole)),
    publishes: cell.publishes,
    rows: describeRows(store),
    digest: describeDigest(cell),
  };
  if (store.layout.tier === TIER_PACKED) result.history = describeHistory(cell);
  return result;
}

function sorted(list) {
  return list.sort((a, b) => (BigInt(a.entity) < BigInt(b.entity) ? -1 : 1));
}

function describeGone({ gone }) {
  return gone.indexes.map((index, i) => ({
    entity: String(entityId(index, gone.tags[i])), left: gone.left[i] === 1,
  }));
}

function describeChanged(decoded, store) {
  return decoded.changed.rows.map((row, i) => ({
    entity: String(store.entity(row)), fields: changedFields(decoded, i),
  }));
}

function describeWhole({ whole }) {
  return whole.indexes.map((index, i) => ({
    entity: String(entityId(index, whole.tags[i])), inserted: whole.inserted[i] === 1,
  }));
}

