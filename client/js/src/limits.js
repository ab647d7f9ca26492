/**
 * Limits and numbers of the protocol, named as in the tables of BYTES.md.
 */

export const PROTOCOL_VERSION = 1;
export const FEATURE_ZSTD = 1;

/** Limits of version 1 of the protocol. Sizes are in bytes, others are counts. */
export const LIMITS = Object.freeze({
  frameHeadBytesMax: 65536,
  frameTailBytesMax: 262144,
  blockBytesHardMax: 196608,
  blockValuesMax: 1048576,
  tokenBytesMax: 4096,
  ticketBytesMax: 64,
  clientNameBytesMax: 64,
  reasonBytesMax: 512,
  schemaPartBytesMax: 32768,
  subscriptionsMax: 64,
  subscriptionKeysMax: 1024,
  cellsPerFrameMax: 512,
  blocksPerFrameMax: 1024,
  digestsPerFrameMax: 256,
  writeBytesMax: 60000,
  writeOpsMax: 256,
  writeFieldsMax: 1024,
  writesPerFrameMax: 256,
  outcomesPerFrameMax: 256,
  eventBytesMax: 16384,
  eventsPerFrameMax: 256,
  cellsPerConnectionMax: 1048576,
  tablesMax: 1024,
  fieldsPerTableMax: 64,
  enumsMax: 256,
  enumValuesMax: 256,
  eventsMax: 256,
  accessRulesMax: 32,
  nameBytesMax: 64,
  textBytesMax: 65536,
  rowTextBytesMax: 131072,
  schemaBytesMax: 1048576,
  entityIndexMax: 16777216,
});

/** Caps on a compressed body, BYTES.md section 9. */
export const COMPRESSION = Object.freeze({
  outputBytesMax: LIMITS.blockBytesHardMax,
  ratioMax: 64,
  windowBytesMax: 1048576,
});

/** What a client of ours is willing to keep, unless its settings say otherwise. */
export const CLIENT_LIMITS = Object.freeze({
  /** Rows of a replica. */
  rowsMax: 4000000,
  /** Bytes of the frames of an advance whose last frame has not come. */
  waitingBytesMax: 64 * 1024 * 1024,
});

/** Times in milliseconds, BEHAVIOUR.md sections 9 and 12. */
export const TIMES = Object.freeze({
  /** Own silence after which the client says something. */
  heartbeatMs: 1000,
  /** Silence of the peer after which the link is given up, at least. */
  silenceMs: 5000,
  /** Silence of the peer after which the link is given up, in heartbeats of the server. */
  silenceHeartbeats: 3,
  /** From dialling to the auth_reply. */
  connectMs: 5000,
  /** First and largest delay before dialling again. */
  redialMs: 100,
  redialMostMs: 5000,
  /** Largest delay before dialling again when the server went down or sent the client away. */
  redialTogetherMs: 1000,
});

/** Codec tiers of tables. */
export const TIER_PLAIN = 0;
export const TIER_PACKED = 1;

/** Forms of blocks. */
export const FORM_RELATIVE = 0;
export const FORM_NET = 1;
export const FORM_ROWS = 2;

/** Kinds of advances: bits 2 and 3 of `flags`. */
export const ADVANCE_STEP = 0;
export const ADVANCE_NET = 1;
export const ADVANCE_SYNC_END = 2;

/** Bits of `flags` of an advance. */
export const FLAG_FIRST = 1;
export const FLAG_LAST = 2;
