/**
 * What a table's rows are made of on the wire: replicated fields, their lanes, their hash places.
 * Made once from a schema, never changed.
 */

import { placeConstants } from "./hash.js";
import { LIMITS, TIER_PACKED, TIER_PLAIN } from "./limits.js";
import { COMPONENTS, INTEGER_BITS } from "./values.js";

/** Kinds of lanes. */
const LANE_UNSIGNED = 0;
const LANE_SIGNED = 1;
const LANE_FLOAT = 2;

/** Places of a row's hash that belong to one field. */
const PLACES_PER_FIELD = 8;
const PLACE_TAG = 0;
const PLACE_INDEX = 1;
const TEXT_PLACES = 4;

/** One integer of a field: how it is stored, changed and hashed. */
export class Lane {
  /**
   * @param {number} width in bytes: 1, 2, 4 or 8
   * @param {number} kind LANE_UNSIGNED, LANE_SIGNED or LANE_FLOAT
   * @param {number|bigint} max largest value of an unsigned lane; a BigInt if it is wide
   */
  constructor(width, kind, max) {
    this.width = width;
    this.kind = kind;
    this.max = max;
    this.isWide = width === 8;
    this.isSigned = kind === LANE_SIGNED;
    this.isFloat = kind === LANE_FLOAT;
    /** Bits of a value in a raw column. */
    this.bits = kind === LANE_UNSIGNED ? max.toString(2).length : 8 * width;
    /** A lane of 0 and 1: where it has changed, it has flipped. Set by the field. */
    this.isFlag = false;
    /** Number of the lane among all lanes of the table. */
    this.ordinal = 0;
    /** Number among the predicted lanes of the table, -1 if it is not predicted. */
    this.predicted = -1;
    /** Number of the field, and of the lane in the field. */
    this.field = 0;
    this.place = 0;
  }

  /**
   * @param {number} slot of a narrow lane, as a signed 32-bit integer
   * @returns {boolean} whether it is a value of the lane
   */
  fits(slot) {
    if (this.kind === LANE_UNSIGNED) return slot >>> 0 <= this.max;
    if (this.kind === LANE_FLOAT) return true;
    const shift = 32 - 8 * this.width;
    return (slot << shift) >> shift === slot;
  }

  /**
   * @param {bigint} slot of a wide lane, unsigned
   * @returns {boolean} whether it is a value of the lane
   */
  fitsWide(slot) {
    return this.kind !== LANE_UNSIGNED || slot <= this.max;
  }

  /**
   * @param {number|bigint} number signed for a signed lane
   * @returns {boolean} whether it is a value of the lane
   */
  holds(number) {
    if (this.kind !== LANE_SIGNED) {
      const most = this.isFloat ? 2n ** BigInt(this.bits) - 1n : this.max;
      return number >= 0 && number <= most;
    }
    const half = 2n ** BigInt(this.bits - 1);
    return number >= -half && number < half;
  }

  /**
   * @param {number} count
   * @returns {Int32Array|BigUint64Array} room for so many slots
   */
  column(count) {
    return this.isWide ? new BigUint64Array(count) : new Int32Array(count);
  }
}

function unsignedLane(max) {
  if (max > 0xffffffffn) return new Lane(8, LANE_UNSIGNED, max);
  return new Lane(max <= 0xffn ? 1 : max <= 0xffffn ? 2 : 4, LANE_UNSIGNED, Number(max));
}

function lanesOf(field) {
  const { type, quantise } = field;
  if (type === "bool") return [unsignedLane(1n)];
  if (type === "enum") return [unsignedLane(0xffn)];
  if (type === "bits") return [unsignedLane((1n << BigInt(field.bits)) - 1n)];
  if (type === "entity" || type === "principal") return [unsignedLane((1n << 64n) - 1n)];
  if (type === "str" || type === "bytes") return [];
  if (INTEGER_BITS.has(type)) {
    const bits = INTEGER_BITS.get(type);
    if (bits > 0) return [unsignedLane((1n << BigInt(bits)) - 1n)];
    return [new Lane(-bits / 8, LANE_SIGNED, 0)];
  }
  const lanes = [];
  for (let k = 0; k < COMPONENTS.get(type); k++) lanes.push(componentLane(type, quantise, k));
  return lanes;
}

function componentLane(type, quantise, k) {
  const width = type === "f64" ? 8 : 4;
  if (!quantise) return new Lane(width, LANE_FLOAT, 0);
  if (quantise.kind === "precision") return new Lane(width, LANE_SIGNED, 0);
  if (quantise.kind === "quaternion" && k === 0) return unsignedLane(3n);
  return unsignedLane((1n << BigInt(quantise.bits)) - 1n);
}

/**
 * A replicated field.
 * @typedef {object} Field
 * @property {number} number among the replicated fields, from 0
 * @property {number} id in the schema
 * @property {string} name
 * @property {string} type
 * @property {object|undefined} quantise
 * @property {boolean} isText whether it is a text and has no lanes
 * @property {boolean} isUtf8 whether its texts are UTF-8
 * @property {boolean} isQuaternion whether it is a quantised quaternion
 * @property {number} bytesMax longest text
 * @property {Lane[]} lanes
 */

/**
 * @param {object} definition a field as it stands in a schema
 * @param {number} number among the replicated fields
 * @returns {Field}
 */
export function makeField(definition, number) {
  const lanes = lanesOf(definition);
  if (lanes.length === 1 && lanes[0].kind === LANE_UNSIGNED && lanes[0].max === 1) {
    lanes[0].isFlag = true;
  }
  lanes.forEach((lane, k) => {
    lane.field = number;
    lane.place = k;
  });
  return {
    number,
    id: definition.id,
    name: definition.name,
    type: definition.type,
    quantise: definition.quantise,
    isText: definition.type === "str" || definition.type === "bytes",
    isUtf8: definition.type === "str",
    isQuaternion: definition.quantise?.kind === "quaternion",
    bytesMax: definition.max ?? 0,
    lanes,
  };
}

/** A table: its replicated fields by number, and all their lanes. */
export class TableLayout {
  /** @param {object} definition a table as it stands in a schema */
  constructor(definition) {
    this.id = definition.id;
    this.name = definition.name;
    this.definition = definition;
    this.tier = definition.codec === "packed" ? TIER_PACKED : TIER_PLAIN;
    /** @type {Field[]} */
    this.fields = definition.fields.filter((field) => !field.server_only).map(makeField);
    /** @type {Lane[]} all lanes of all fields, in order */
    this.lanes = this.fields.flatMap((field) => field.lanes);
    this.texts = this.fields.filter((field) => field.isText);
    /** @type {Lane[]} those of which the packed tier keeps a history */
    this.predictedLanes = this.tier === TIER_PACKED ? this.lanes.filter(isPredicted, this) : [];
    this.lanes.forEach((lane, i) => (lane.ordinal = i));
    this.predictedLanes.forEach((lane, i) => (lane.predicted = i));
    const columns = this.lanes.length + this.texts.length;
    /** Whole rows of one block, at most. */
    this.wholeRowsMax = Math.floor(LIMITS.blockValuesMax / columns);
    const count = this.fields.length;
    /** All replicated fields as a mask: fields 0 to 31, and 32 to 63. */
    this.allLow = count >= 32 ? -1 : (1 << count) - 1;
    this.allHigh = count <= 32 ? 0 : count === 64 ? -1 : (1 << (count - 32)) - 1;
    this.makeHash();
  }

  /** Where each lane and text has its words in a row's hash, and the constants of these places. */
  makeHash() {
    const places = [PLACE_TAG, PLACE_INDEX];
    /** First word of each lane, and of each text by field number. */
    this.laneWords = [];
    this.textWords = [];
    for (const field of this.fields) {
      let place = PLACES_PER_FIELD * field.id;
      if (field.isText) this.textWords[field.number] = places.length;
      const wordCounts = field.isText ? [TEXT_PLACES] : field.lanes.map((l) => (l.isWide ? 2 : 1));
      for (const count of wordCounts) {
        if (!field.isText) this.laneWords.push(places.length);
        for (let i = 0; i < count; i++) places.push(place++);
      }
    }
    this.wordCount = places.length;
    this.hashConstants = placeConstants(this.id, places);
  }

  /**
   * @param {string} name
   * @returns {Field|undefined}
   */
  field(name) {
    return this.fields.find((field) => field.name === name);
  }
}

/** Of a quantised quaternion the largest component is not predicted, and flags are not. */
function isPredicted(lane) {
  return !lane.isFlag && !(this.fields[lane.field].isQuaternion && lane.place === 0);
}

/**
 * @param {import("./schema.js").Schema} schema
 * @returns {Map<number, TableLayout>} its tables by id
 */
export function layoutsOf(schema) {
  return new Map(schema.tables.map((table) => [table.id, new TableLayout(table)]));
}
