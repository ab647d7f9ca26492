/**
 * Blocks: their header, and what comes out of decoding one, BYTES.md section 9.
 *
 * Decoding changes nothing of what is held: a DecodedBlock lists what is to be done.
 */

import { ByteReader } from "./bytes.js";
import { decompressBody } from "./compression.js";
import { EcsdbError, refuse } from "./errors.js";
import { FORM_RELATIVE, FORM_ROWS, LIMITS, TIER_PACKED } from "./limits.js";
import { decodePacked } from "./block-packed.js";
import { decodePlain } from "./block-plain.js";

const INDEX_MAX = LIMITS.entityIndexMax;
const MODE_HAS_EXTRA = 16;
const EXTRA_COMPRESSED = 1;
const EXTRA_PART = 2;

/**
 * @typedef {object} BlockHeader
 * @property {number} tier TIER_PLAIN or TIER_PACKED
 * @property {number} form FORM_RELATIVE, FORM_NET or FORM_ROWS
 * @property {number} chain low bits of the cell's publishes before a relative block
 * @property {bigint} version of a net block or a block of rows
 * @property {number} publishes likewise
 * @property {number} begin first entity index that the block speaks of
 * @property {number} end first index behind these
 * @property {boolean} isCompressed
 * @property {number} bodyAt where the body begins, in bytes
 */

/**
 * @param {Uint8Array} bytes of the block
 * @returns {BlockHeader}
 * @throws {EcsdbError} `frame_malformed`, `not_canonical`
 */
export function readBlockHeader(bytes) {
  const reader = new ByteReader(bytes);
  const mode = reader.u8();
  const form = (mode >> 2) & 3;
  const header = {
    tier: mode & 3, form, chain: mode >> 5, version: 0n, publishes: 0,
    begin: 0, end: INDEX_MAX, isCompressed: false, bodyAt: 0,
  };
  if (header.tier > TIER_PACKED) reader.malformed(`codec tier ${header.tier}`);
  if (form > FORM_ROWS) reader.malformed(`form ${form}`);
  const extra = mode & MODE_HAS_EXTRA ? reader.u8() : 0;
  if (form !== FORM_RELATIVE) {
    header.version = reader.varint64();
    header.publishes = reader.varint(0xffffffff);
  }
  const isPart = (extra & EXTRA_PART) !== 0;
  if (isPart) {
    header.begin = reader.varint(INDEX_MAX);
    header.end = header.begin + reader.varint(INDEX_MAX - header.begin);
    if (header.end === header.begin) refuse("not_canonical", "a part of nothing");
  }
  header.isCompressed = (extra & EXTRA_COMPRESSED) !== 0;
  header.bodyAt = reader.at;
  if (extra > (EXTRA_COMPRESSED | EXTRA_PART)) reader.malformed(`extra ${extra}`);
  if (form !== FORM_RELATIVE && header.chain !== 0) reader.malformed("a chain out of place");
  if (mode & MODE_HAS_EXTRA && extra === 0) refuse("not_canonical", "extra without a bit");
  if (isPart && form !== FORM_RELATIVE) refuse("not_canonical", "a part that is not relative");
  if (isPart && header.begin === 0 && header.end === INDEX_MAX) {
    refuse("not_canonical", "a part of everything");
  }
  return header;
}

/** What a block says is to be done. Rows are those of the state that it was decoded against. */
export class DecodedBlock {
  /**
   * @param {BlockHeader} header
   * @param {import("./store.js").TableStore} store of the cell's table
   */
  constructor(header, store) {
    this.header = header;
    this.layout = store.layout;
    /** The field that is being read, for the text of an error. */
    this.fieldRead = null;
    /**
     * Rows that go from the cell, rising by entity: index and tag, the row or -1 if the cell does
     * not have it, and whether it left instead of being removed.
     */
    this.gone = { indexes: [], tags: [], rows: [], left: null };
    /** Rows that change, and masks of the fields: 0 to 31, and 32 to 63. */
    this.changed = { rows: [], maskLow: null, maskHigh: null, firstFresh: 0 };
    /**
     * New slots: for each lane a list of places in `changed`, null for all of them, and the slots
     * beside it.
     * @type {{lane: import("./layout.js").Lane, places: Int32Array|number[]|null,
     *   values: Int32Array|BigUint64Array}[]}
     */
    this.laneChanges = [];
    /** New texts, likewise. */
    this.textChanges = [];
    /** Quaternions whose largest component became another one: all four lanes. */
    this.turns = [];
    /** Whole rows, rising by index, with columns by lane, texts by field, and histories. */
    this.whole = {
      indexes: [], tags: [], inserted: null, columns: [], texts: [], histories: null,
    };
  }

  /** @returns {number[]} packed tier: the changed rows that had no history */
  freshRows() {
    return this.changed.rows.slice(this.changed.firstFresh);
  }

  /** Makes masks for the changed rows. */
  makeMasks() {
    this.changed.maskLow = new Int32Array(this.changed.rows.length);
    this.changed.maskHigh = new Int32Array(this.changed.rows.length);
  }

  /** Refuses changed rows without a changed field. */
  checkMasks() {
    const { rows, maskLow, maskHigh } = this.changed;
    for (let i = 0; i < rows.length; i++) {
      if ((maskLow[i] | maskHigh[i]) === 0) refuse("not_canonical", "a change of no field");
    }
  }

  /**
   * Bounds the memory for the values of whole rows, which may take next to no bytes.
   * @param {number} count of whole rows
   */
  checkWholeCount(count) {
    const most = this.layout.wholeRowsMax;
    if (count > most) refuse("limit_exceeded", `${count} whole rows where ${most} are allowed`);
  }
}

/**
 * @param {Uint8Array} bytes of the block
 * @param {BlockHeader} header of the block
 * @param {import("./store.js").Cell} cell the state to decode it against; not changed
 * @param {import("./compression.js").Decompress|null} decompress
 * @returns {DecodedBlock}
 * @throws {EcsdbError} with the errors of BYTES.md
 */
export function decodeBlock(bytes, header, cell, decompress) {
  const decoded = new DecodedBlock(header, cell.store);
  const { layout } = decoded;
  try {
    if (header.tier !== layout.tier) refuse("frame_malformed", `codec tier ${header.tier}`);
    if (header.form === FORM_RELATIVE && header.chain !== (cell.publishes & 7)) {
      refuse("wrong_baseline", `chain ${header.chain} behind ${cell.publishes} publishes`);
    }
    let body = bytes.subarray(header.bodyAt);
    if (header.isCompressed) {
      if (decompress === null) refuse("frame_malformed", "compression was not agreed on");
      body = decompressBody(body, decompress);
    }
    if (header.tier === TIER_PACKED) decodePacked(decoded, body, cell);
    else decodePlain(decoded, body, cell);
    return decoded;
  } catch (error) {
    if (!(error instanceof EcsdbError)) throw error;
    if (decoded.fieldRead !== null) error.within(`field ${decoded.fieldRead.name}`);
    throw error.within(`table ${layout.name}, cell ${cell.handle}`);
  }
}
