/**
 * Measures decoding and applying of blocks in which all rows of a cell change in all fields.
 *
 *   node client/js/tools/bench.js [ROWS]
 *
 * Prints nanoseconds for each changed field: of decoding alone, and with applying.
 */

import { decodeBlock, readBlockHeader } from "../src/block.js";
import { BlockHarness } from "../test/groups/blocks.js";
import { packedChanges, packedRows, plainChanges, plainRows } from "./block-writer.js";

const PUBLISHES = 40;
const ROUNDS = 60;
const FIELDS = [
  { id: 1, name: "x", type: "i32" },
  { id: 2, name: "y", type: "i32" },
  { id: 3, name: "z", type: "i32" },
  { id: 4, name: "yaw", type: "u16" },
];

const TIERS = {
  plain: { rows: plainRows, changes: plainChanges },
  packed: { rows: packedRows, changes: packedChanges },
};

function harnessOf(codec) {
  const table = { id: 1, name: "ship", cell: { kind: "one" }, codec, fields: FIELDS };
  return new BlockHarness({ tables: [table] }, 1, null);
}

/** Changes like those of things that move: nearly the same each time. */
function changeOf(lane, row) {
  return 1 + ((row * 7 + lane.ordinal * 13) % 40) + Math.floor(Math.random() * 3);
}

/** Blocks of one cell, from its first rows on. */
function makeBlocks(codec, count) {
  const { rows, changes } = TIERS[codec];
  const harness = harnessOf(codec);
  const blocks = [rows(harness.cell.store.layout, count)];
  harness.take(blocks);
  for (let i = 0; i < PUBLISHES; i++) {
    const block = changes(harness.cell, changeOf);
    harness.take([block]);
    blocks.push(block);
  }
  return blocks;
}

/** Nanoseconds of one round: decoding alone, and decoding and applying. */
function round(codec, blocks) {
  const harness = harnessOf(codec);
  harness.take([blocks[0]]);
  let decode = 0n;
  let take = 0n;
  for (const block of blocks.slice(1)) {
    const start = process.hrtime.bigint();
    decodeBlock(block, readBlockHeader(block), harness.cell, null);
    const between = process.hrtime.bigint();
    harness.take([block]);
    decode += between - start;
    take += process.hrtime.bigint() - between;
  }
  return { decode: Number(decode), take: Number(take) };
}

function measure(codec, count) {
  const blocks = makeBlocks(codec, count);
  const bytes = blocks.slice(1).reduce((sum, block) => sum + block.length, 0);
  const fields = PUBLISHES * count * FIELDS.length;
  const best = { decode: Infinity, take: Infinity };
  for (let i = 0; i < ROUNDS; i++) {
    const { decode, take } = round(codec, blocks);
    best.decode = Math.min(best.decode, decode);
    best.take = Math.min(best.take, take);
  }
  const text = (number) => number.toFixed(1).padStart(6);
  console.log(
    `${codec.padEnd(7)} ${count} rows: ${text((8 * bytes) / fields)} bits, ` +
      `decode ${text(best.decode / fields)} ns, decode and apply ${text(best.take / fields)} ns ` +
      "for each changed field",
  );
}

const rows = process.argv[2] === undefined ? [20, 300, 3000] : [Number(process.argv[2])];
for (const codec of Object.keys(TIERS)) for (const count of rows) measure(codec, count);
