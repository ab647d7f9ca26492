/**
 * What the application has subscribed to, over all connections, and what of it the server has been
 * told on this one.
 */

import { encodeMessage, SELECT_ALL, SELECT_BOX } from "./messages.js";
import { refuse } from "./errors.js";
import { LIMITS } from "./limits.js";
import { tableNamed } from "./schema.js";

const NEW = "new";
const SENT = "sent";
const ACCEPTED = "accepted";
const REFUSED = "refused";

/** The subscriptions of a client. */
export class Subscriptions {
  constructor() {
    /** By id, in order of the calls. */
    this.byId = new Map();
    this.lastId = 0;
    this.lastRequest = 0;
    /** Ids that the server knows and that are to end. */
    this.removals = [];
  }

  /**
   * @param {string} table name
   * @param {number} kind SELECT_ALL, SELECT_KEYS or SELECT_BOX
   * @param {import("./messages.js").CellKey[]} keys
   * @returns {number} id of the subscription
   * @throws {EcsdbError} `limit_exceeded`, `type_mismatch`
   */
  add(table, kind, keys) {
    if (keys.length > LIMITS.subscriptionKeysMax) {
      refuse("limit_exceeded", `${keys.length} keys in one subscription`);
    }
    if (kind === SELECT_BOX && keys.length !== 2) {
      refuse("type_mismatch", "a box has a low and a high key");
    }
    this.lastId++;
    this.byId.set(this.lastId, { id: this.lastId, table, kind, keys, state: NEW });
    return this.lastId;
  }

  /**
   * @param {number} id of a subscription
   * @throws {EcsdbError} `unknown_subscription`
   */
  remove(id) {
    const subscription = this.byId.get(id);
    if (subscription === undefined) refuse("unknown_subscription", `subscription ${id}`);
    const isKnown = subscription.state === SENT || subscription.state === ACCEPTED;
    if (isKnown) this.removals.push(id);
    this.byId.delete(id);
  }

  /** Forgets what a server was told: a new connection knows nothing. */
  reset() {
    this.removals = [];
    for (const subscription of this.byId.values()) subscription.state = NEW;
  }

  /** @returns {boolean} whether a subscription is in force, or may come to be */
  isAnyWanted() {
    return [...this.byId.values()].some(({ state }) => state !== REFUSED);
  }

  /**
   * Messages that tell the server what it does not know yet.
   * @param {import("./schema.js").Schema} schema
   * @param {number} headMax bytes of the largest head of a frame
   * @param {(id: number, code: string) => void} onRefused told of subscriptions that are never sent
   * @returns {Uint8Array[]} heads of `subscribe` messages
   */
  takeMessages(schema, headMax, onRefused) {
    const add = [];
    for (const subscription of this.byId.values()) {
      if (subscription.state !== NEW) continue;
      const table = tableNamed(schema, subscription.table);
      if (table === undefined) {
        subscription.state = REFUSED;
        onRefused(subscription.id, "unknown_table");
        continue;
      }
      subscription.state = SENT;
      const { id, kind, keys } = subscription;
      add.push({ id, table: table.id, kind, keys, area: [], nearest_to: [] });
    }
    const remove = this.removals;
    this.removals = [];
    return this.messagesOf(add, remove, headMax);
  }

  /**
   * As few messages as their limits allow. What is removed comes before what is added. A single
   * subscription that is larger than the server takes is sent all the same: it will say so.
   */
  messagesOf(add, remove, headMax) {
    const heads = [];
    const most = LIMITS.subscriptionsMax;
    while (add.length > 0 || remove.length > 0) {
      const removed = remove.slice(0, most);
      let count = remove.length > most ? 0 : Math.min(add.length, most);
      let head = this.encode(this.lastRequest + 1, add.slice(0, count), removed);
      while (head.length > headMax && count + removed.length > 1 && count > 0) {
        count--;
        head = this.encode(this.lastRequest + 1, add.slice(0, count), removed);
      }
      this.lastRequest++;
      heads.push(head);
      add = add.slice(count);
      remove = remove.slice(removed.length);
    }
    return heads;
  }

  encode(request, add, remove) {
    return encodeMessage("subscribe", { request, add, remove, move: [] });
  }

  /**
   * @param {number} id of a subscription
   * @param {string} code of its result
   * @returns {boolean} whether a result was waited for
   */
  answer(id, code) {
    const subscription = this.byId.get(id);
    if (subscription === undefined || subscription.state !== SENT) return false;
    subscription.state = code === "ok" ? ACCEPTED : REFUSED;
    return true;
  }
}
