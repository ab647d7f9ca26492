/**
 * Error codes of the protocol, and the one class of errors that the client throws.
 */

/** Numbers of the error codes by name, as in the table of error codes of BEHAVIOUR.md. */
export const ERROR_NUMBERS = Object.freeze({
  ok: 0,
  bad_preface: 100,
  protocol_unsupported: 101,
  frame_too_large: 102,
  frame_malformed: 103,
  checksum_mismatch: 104,
  unknown_message: 105,
  unexpected_message: 106,
  limit_exceeded: 107,
  not_canonical: 108,
  websocket_violation: 109,
  rate_limited: 110,
  auth_failed: 200,
  handshake_timeout: 201,
  not_permitted: 202,
  too_many_connections: 203,
  ticket_reused: 204,
  schema_invalid: 300,
  schema_mismatch: 301,
  unknown_table: 302,
  unknown_field: 303,
  unknown_subscription: 304,
  type_mismatch: 305,
  value_out_of_range: 306,
  text_too_long: 307,
  bad_text: 308,
  unknown_event: 309,
  wrong_baseline: 400,
  unknown_row: 401,
  duplicate_row: 402,
  unknown_handle: 403,
  digest_mismatch: 404,
  client_limit: 405,
  shutdown: 500,
  client_left: 501,
  peer_silent: 502,
  stalled: 503,
  link_closed: 504,
  kicked: 505,
  connect_failed: 506,
  fenced: 507,
  unknown_entity: 600,
  row_exists: 601,
  row_missing: 602,
  capacity: 603,
  snapshot_corrupt: 604,
  conflict: 650,
  row_removed: 651,
  base_in_future: 652,
  write_reused: 653,
  other_client: 654,
  write_expired: 655,
  session_expired: 656,
  write_lost: 657,
  queue_full: 658,
  merge_refused: 659,
  rule_refused: 660,
  unknown_merge: 661,
  not_kept: 662,
  unknown_conflict: 663,
  file_unreadable: 700,
  syntax: 701,
  usage: 702,
});

const NAMES = new Map(Object.entries(ERROR_NUMBERS).map(([name, number]) => [number, name]));

/**
 * @param {number} number an error code as it travels
 * @returns {string|undefined} its name, undefined for a code that this version does not know
 */
export function errorName(number) {
  return NAMES.get(number);
}

/**
 * What the client throws when it refuses bytes, values or calls.
 *
 * `code` is a name of ERROR_NUMBERS. `message` says what was wrong and where: byte offset, table,
 * field, version, as far as they are known. Places are put in front from the inside out.
 */
export class EcsdbError extends Error {
  /**
   * @param {string} code a name of ERROR_NUMBERS
   * @param {string} text what was wrong, in words
   */
  constructor(code, text) {
    super(text);
    this.name = "EcsdbError";
    this.code = code;
  }

  /**
   * Says where the error happened, in front of what is said so far.
   * @param {string} place such as `table "ship"`
   * @returns {EcsdbError} this
   */
  within(place) {
    this.message = `${place}: ${this.message}`;
    return this;
  }
}

/**
 * Refuses: throws an EcsdbError.
 * @param {string} code a name of ERROR_NUMBERS
 * @param {string} text what was wrong
 * @returns {never}
 */
export function refuse(code, text) {
  throw new EcsdbError(code, text);
}
