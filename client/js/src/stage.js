/**
 * Checking of an advance or chunk before anything is changed, BEHAVIOUR.md section 6. What comes
 * out says what to apply; nothing that is held has changed by then.
 */

import { decodeBlock, readBlockHeader } from "./block.js";
import { keyFits } from "./cell-key.js";
import { tailChecksum } from "./checksum.js";
import { EcsdbError, refuse } from "./errors.js";
import { ADVANCE_STEP, ADVANCE_SYNC_END, FORM_NET, FORM_RELATIVE, FORM_ROWS } from "./limits.js";
import { duplicate } from "./row-groups.js";
import { Cell } from "./store.js";

/**
 * An advance or a chunk whose frames have all arrived.
 * @typedef {object} Advance
 * @property {number} kind ADVANCE_STEP, ADVANCE_NET or ADVANCE_SYNC_END
 * @property {bigint} from the cut that it starts at
 * @property {bigint} to the version at which it ends, modulo 2^64
 * @property {bigint} commitTime of that version, in nanoseconds of the server's clock
 * @property {object[]} leaves of all frames
 * @property {object[]} enters of all frames
 * @property {{blocks: object[], tail: Uint8Array, checksum: number}[]} frames
 */

/**
 * A block and what it is for.
 * @typedef {object} Target
 * @property {Cell} cell
 * @property {Uint8Array} bytes
 * @property {import("./block.js").BlockHeader} header
 * @property {bigint} base version that the block is meant for
 * @property {bigint} version that it brings its cell to
 * @property {number} publish number of its publish
 */

/**
 * @typedef {object} Staged what to apply
 * @property {Map<number, Cell>} entering cells by handle
 * @property {Set<number>} leaving handles
 * @property {Target[]} targets
 * @property {import("./block.js").DecodedBlock[]} decoded beside the targets
 * @property {import("./replica.js").Replica|null} staging whose cells become held by it
 * @property {Staged|null} ofStaging what is to be applied to the staging before
 */

/**
 * @param {import("./replica.js").Replica} replica not changed
 * @param {Advance} advance
 * @param {boolean} isChunk
 * @returns {Staged}
 * @throws {EcsdbError} with the errors of BEHAVIOUR.md section 6
 */
export function stage(replica, advance, isChunk) {
  const staging = advance.kind === ADVANCE_SYNC_END ? replica.staging : null;
  const cellOf = (handle) => replica.cells.get(handle) ?? staging?.cells.get(handle);
  const leaving = stageLeaves(cellOf, advance);
  const entering = stageEnters(replica, advance, leaving);
  const targets = stageTargets(cellOf, advance, leaving, entering);
  stageHeaders(replica, advance, entering, targets, isChunk);
  checkTails(advance, targets);
  const decoded = decodeTargets(targets, replica.decompress);
  const staged = { entering, leaving, targets, decoded, staging, ofStaging: null };
  checkRows(replica, staged);
  return staging === null ? staged : divided(staged);
}

/** Leaves and blocks of staged cells by themselves: they are for the staging. */
function divided({ entering, leaving, targets, decoded, staging }) {
  const isStaged = (handle) => !entering.has(handle) && staging.cells.has(handle);
  const part = (isWanted) => ({
    leaving: new Set([...leaving].filter((handle) => isWanted(staging.cells.has(handle)))),
    targets: targets.filter(({ cell }) => isWanted(isStaged(cell.handle))),
    decoded: decoded.filter((_, i) => isWanted(isStaged(targets[i].cell.handle))),
  });
  const ofStaging = { ...part((is) => is), entering: new Map(), staging: null, ofStaging: null };
  return { ...part((is) => !is), entering, staging, ofStaging };
}

function stageLeaves(cellOf, advance) {
  const leaving = new Set();
  for (const { handle, generation } of advance.leaves) {
    const cell = cellOf(handle);
    if (cell === undefined || cell.generation !== generation || leaving.has(handle)) {
      refuse("unknown_handle", `a leave of cell ${handle}, generation ${generation}`);
    }
    leaving.add(handle);
  }
  return leaving;
}

function stageEnters(replica, advance, leaving) {
  const entering = new Map();
  const known = replica.generations.length;
  for (const enter of advance.enters) {
    const { handle, generation } = enter;
    const last = handle < known ? replica.generations[handle] : -1;
    const isFree = !replica.hasCell(handle) || leaving.has(handle);
    const isDense = handle < known + advance.enters.length;
    if (!isDense || !isFree || generation <= last || entering.has(handle)) {
      refuse("unknown_handle", `an enter of cell ${handle}, generation ${generation}`);
    }
    const store = replica.stores.get(enter.table);
    if (store === undefined) refuse("unknown_table", `cell ${handle} of table ${enter.table}`);
    if (!keyFits(replica.schema, store.layout.definition, enter.key)) {
      refuse("type_mismatch", `cell ${handle} of table ${store.layout.name} by ${enter.key.kind}`);
    }
    entering.set(handle, new Cell(enter, store));
  }
  return entering;
}

/** Each frame's blocks are in its own tail. */
function stageTargets(cellOf, advance, leaving, entering) {
  const targets = [];
  for (const { blocks, tail } of advance.frames) {
    let handle = 0;
    let at = 0;
    for (const { step, bytes } of blocks) {
      handle = (handle + step) >>> 0;
      const cell = entering.get(handle) ?? cellOf(handle);
      if (cell === undefined || (leaving.has(handle) && !entering.has(handle))) {
        refuse("unknown_handle", `a block for cell ${handle}`);
      }
      if (at + bytes > tail.length) refuse("frame_malformed", "a block goes beyond the tail");
      targets.push({
        cell, bytes: tail.subarray(at, at + bytes), header: null, base: 0n, version: 0n,
        publish: 0,
      });
      at += bytes;
    }
    if (at !== tail.length) {
      refuse("frame_malformed", `${tail.length - at} bytes behind the last block`);
    }
  }
  return targets;
}

function stageHeaders(replica, advance, entering, targets, isChunk) {
  /** Header of the last block of each cell. */
  const last = new Map();
  for (const target of targets) {
    const { cell } = target;
    const header = readBlockHeader(target.bytes);
    const isRelative = header.form === FORM_RELATIVE;
    target.header = header;
    target.version = isRelative ? advance.to : header.version;
    target.publish = isRelative ? (cell.publishes + 1) >>> 0 : header.publishes;
    if (header.form === FORM_NET) target.base = netBase(replica, cell, advance);
    if (isRelative) target.base = cell.changed;
    try {
      if (header.isCompressed && replica.decompress === null) {
        refuse("frame_malformed", "compression was not agreed on");
      }
      if (!isRelative && (header.publishes - cell.publishes) >> 31 !== 0) {
        refuse("wrong_baseline", `publish ${header.publishes} behind ${cell.publishes}`);
      }
      if (!isChunk && !entering.has(cell.handle)) checkBaseline(target, advance);
      else if (header.form !== FORM_ROWS) refuse("wrong_baseline", "the cell takes rows only");
      checkFollows(last.get(cell), header);
    } catch (error) {
      if (!(error instanceof EcsdbError)) throw error;
      throw error.within(`block for cell ${cell.handle} of table ${cell.store.layout.name}`);
    }
    last.set(cell, header);
  }
}

/** Of staged cells it is the version at which their sync began. */
function netBase(replica, cell, advance) {
  const isHeld = replica.cells.get(cell.handle) === cell || replica.staging === null;
  return isHeld ? advance.from : replica.staging.cut;
}

function checkBaseline({ cell, header, version }, advance) {
  const form = advance.kind === ADVANCE_STEP ? FORM_RELATIVE : FORM_NET;
  if (header.form !== form) {
    refuse("wrong_baseline", `form ${header.form} in an advance of kind ${advance.kind}`);
  }
  if (header.form === FORM_RELATIVE && header.chain !== (cell.publishes & 7)) {
    refuse("wrong_baseline", `chain ${header.chain} behind ${cell.publishes} publishes`);
  }
  if (version <= cell.changed || version > advance.to) {
    refuse("wrong_baseline", `to version ${version} from ${cell.changed}`);
  }
}

/**
 * Refuses a block that may not stand behind another one of its cell in an advance, by its header.
 * @param {import("./block.js").BlockHeader|undefined} before header of the cell's block before
 * @param {import("./block.js").BlockHeader} header
 * @throws {EcsdbError} `not_canonical`
 */
export function checkFollows(before, header) {
  if (before === undefined) return;
  if (header.form !== before.form) refuse("not_canonical", "blocks of one cell differ in form");
  if (header.version !== before.version || header.publishes !== before.publishes) {
    refuse("not_canonical", "blocks of one cell differ in version or publish");
  }
  if (header.form === FORM_RELATIVE && header.begin < before.end) {
    refuse("not_canonical", `a part from ${header.begin}, the one before ends at ${before.end}`);
  }
}

/**
 * Decodes the blocks, in order, against the state that is held.
 * @param {{cell: Cell, bytes: Uint8Array, header: import("./block.js").BlockHeader}[]} targets
 * @param {import("./compression.js").Decompress|null} decompress
 * @returns {import("./block.js").DecodedBlock[]}
 * @throws {EcsdbError} with the errors of BYTES.md
 */
export function decodeTargets(targets, decompress) {
  /** By cell, the index behind all that its net blocks or blocks of rows have spoken of. */
  const ends = new Map();
  return targets.map(({ bytes, header, cell }) => {
    const decoded = decodeBlock(bytes, header, cell, decompress);
    if (header.form !== FORM_RELATIVE) checkRises(ends, cell, decoded);
    return decoded;
  });
}

/** Both lists of indexes rise, so their ends say enough. */
function checkRises(ends, cell, { gone, whole }) {
  const lists = [gone.indexes, whole.indexes].filter((indexes) => indexes.length > 0);
  if (lists.length === 0) return;
  const first = Math.min(...lists.map((indexes) => indexes[0]));
  if (first < (ends.get(cell) ?? 0)) {
    refuse("not_canonical", `entity index ${first} of cell ${cell.handle} comes too late`);
  }
  ends.set(cell, Math.max(...lists.map((indexes) => indexes[indexes.length - 1])) + 1);
}

function checkTails(advance, targets) {
  let at = 0;
  for (const { blocks, checksum } of advance.frames) {
    let sum = 0;
    for (let i = 0; i < blocks.length; i++) {
      const { cell, base, bytes } = targets[at++];
      sum = tailChecksum(sum, cell.handle, cell.generation, base, bytes);
    }
    if (sum !== checksum) {
      refuse("checksum_mismatch", `blocks to version ${advance.to}: damaged, or for another state`);
    }
  }
}

/**
 * Refuses rows that stand twice, and more rows than there is room for, over all blocks.
 * @param {import("./replica.js").Replica} replica
 * @param {Staged} staged
 * @throws {EcsdbError} `duplicate_row`, `client_limit`
 */
export function checkRows(replica, staged) {
  const { targets, decoded } = staged;
  const going = goingRows(decoded, targets);
  checkComing(decoded, targets);
  // Of what is staged the rows count that are there now.
  let rows = replica.rowCount() + (replica.staging?.rowCount() ?? 0);
  targets.forEach(({ cell }, i) => {
    const inPlace = wholeInPlace(staged, cell, decoded[i], going);
    if (isOf(replica, cell)) rows += decoded[i].whole.indexes.length - inPlace;
  });
  if (staged.staging !== null) checkAdopted(replica, staged, going);
  for (const store of replica.stores.values()) rows -= going.get(store)?.size ?? 0;
  for (const handle of staged.leaving) rows -= replica.cells.get(handle)?.rows.length ?? 0;
  if (rows > replica.rowsMax) {
    refuse("client_limit", `${rows} rows where ${replica.rowsMax} are allowed`);
  }
}

/** The set of a key, made when it is asked for. */
function setOf(sets, key) {
  let set = sets.get(key);
  if (set === undefined) sets.set(key, (set = new Set()));
  return set;
}

/** Whether a cell is one of the replica's, and not of its staging. */
function isOf(replica, { store }) {
  return replica.stores.get(store.layout.id) === store;
}

/** Rows that go, by store. */
function goingRows(decoded, targets) {
  const rows = new Map();
  decoded.forEach(({ gone }, i) => {
    if (gone.rows.length === 0) return;
    const set = setOf(rows, targets[i].cell.store);
    for (const row of gone.rows) if (row >= 0) set.add(row);
  });
  return rows;
}

/** Refuses two whole rows of one index. */
function checkComing(decoded, targets) {
  const indexes = new Map();
  decoded.forEach(({ whole }, i) => {
    if (whole.indexes.length === 0) return;
    const set = setOf(indexes, targets[i].cell.store.layout);
    for (const index of whole.indexes) {
      if (set.has(index)) duplicate(index);
      set.add(index);
    }
  });
}

/** Refuses whole rows whose index is not free. Returns how many are held as they are. */
function wholeInPlace({ leaving, entering }, cell, { whole, header }, going) {
  const { store } = cell;
  const mayStay = header.form !== FORM_ROWS && !entering.has(cell.handle);
  const gone = going.get(store);
  let inPlace = 0;
  for (let i = 0; i < whole.indexes.length; i++) {
    const row = store.rowOf.get(whole.indexes[i]);
    if (row === undefined) continue;
    const isSame = store.entityTag[row] === (whole.tags[i] | 0);
    if (mayStay && isSame && store.cellOf[row] === cell.handle) {
      inPlace++;
    } else if (!leaving.has(store.cellOf[row]) && !gone?.has(row)) {
      duplicate(whole.indexes[i]);
    }
  }
  return inPlace;
}

/**
 * Refuses rows that would stand twice because staged cells become held: of what is staged, and of
 * whole rows in blocks, an index must be free on the other side.
 */
function checkAdopted(replica, { staging, leaving, targets, decoded }, going) {
  const check = (store, others, index) => {
    const other = others.stores.get(store.layout.id);
    const row = other.rowOf.get(index);
    const isFree =
      row === undefined || leaving.has(other.cellOf[row]) || going.get(other)?.has(row);
    if (!isFree) duplicate(index);
  };
  targets.forEach(({ cell }, i) => {
    const others = isOf(replica, cell) ? staging : replica;
    for (const index of decoded[i].whole.indexes) check(cell.store, others, index);
  });
  for (const { handle, store, rows } of staging.cells.values()) {
    if (leaving.has(handle)) continue;
    for (const row of rows) {
      if (!going.get(store)?.has(row)) check(store, replica, store.entityIndex[row]);
    }
  }
}
