/**
 * The client: it dials, keeps a connection, follows the database, and dials again.
 *
 * It knows neither sockets nor clocks: an environment dials for it and tells the time, and bytes go
 * in and out through a link. So the same code runs over WebSocket in a browser, over TCP in Node,
 * and in tests.
 */

import { encodeUtf8 } from "./bytes.js";
import { Connection } from "./connection.js";
import { EcsdbError, ERROR_NUMBERS, refuse } from "./errors.js";
import { EventList, eventsOfSync } from "./events.js";
import { encodeFrame, encodePreface } from "./frame.js";
import { CLIENT_LIMITS, FEATURE_ZSTD, LIMITS, TIMES } from "./limits.js";
import { encodeMessage, MESSAGES, SELECT_ALL, SELECT_BOX, SELECT_KEYS } from "./messages.js";
import { tableNamed } from "./schema.js";
import { Subscriptions } from "./subscriptions.js";
import { TableView } from "./table-view.js";

const NO_FINGERPRINT = "0".repeat(32);
/** It begins a session of its own on each connection. */
const NO_TICKET = new Uint8Array(0);

/**
 * A byte stream to a server.
 * @typedef {object} Link
 * @property {(bytes: Uint8Array) => void} send sends bytes; the client does not change them later
 * @property {() => void} close sends what is to be sent, for two seconds at most, and closes. The
 *   client takes nothing more of a link that it has closed
 */

/**
 * What the client needs of the world.
 * @typedef {object} Environment
 * @property {(client: Client) => Link} dial begins to open a link. It must not call the client
 *   before it returns; then it calls `client.opened(link)`, `client.received(link, bytes)` and
 *   `client.closed(link)`
 * @property {() => number} now milliseconds of a clock that never goes back
 * @property {() => number} [random] from 0 to below 1; Math.random if missing
 * @property {(report: Report) => void} [onReport] news of the connection
 * @property {(events: import("./events.js").RowEvent[]) => void} [onEvents] what an applied advance
 *   has done to the rows; events are made only if it is there
 */

/**
 * @typedef {object} Report
 * @property {"connected"|"subscribed"|"synced"|"fault"|"disconnected"} kind the schema is known; a
 *   subscription was answered; a full sync is applied; something was refused; the connection ended
 * @property {number} [subscription] of `subscribed`
 * @property {string} [code] of `subscribed` (`ok` or an error), `fault` and `disconnected`
 * @property {string} [text] of `fault`: what was refused and where
 */

/** A client of one database. */
export class Client {
  /**
   * @param {object} options
   * @param {Environment} options.environment
   * @param {Uint8Array|string} [options.token] what the server's authenticator takes
   * @param {string} [options.name] for the server's logs
   * @param {number} [options.database] 0 the user's database
   * @param {import("./compression.js").Decompress} [options.decompress] without it no block comes
   *   compressed
   * @param {number} [options.rowsMax] rows that the client is willing to hold
   * @throws {EcsdbError} `limit_exceeded` for a token or name that is too long
   */
  constructor({
    environment, token = "", name = "", database = 0, decompress = null,
    rowsMax = CLIENT_LIMITS.rowsMax,
  }) {
    this.environment = environment;
    this.token = typeof token === "string" ? encodeUtf8(token) : token;
    this.name = name;
    this.database = database;
    if (this.token.length > LIMITS.tokenBytesMax) refuse("limit_exceeded", "too long a token");
    if (encodeUtf8(name).length > LIMITS.clientNameBytesMax) {
      refuse("limit_exceeded", "too long a name");
    }
    this.replicaSettings = { rowsMax, decompress };
    this.features = decompress === null ? 0 : FEATURE_ZSTD;
    /** The schema of the last connection; named on the next one. */
    this.schema = null;
    this.subscriptions = new Subscriptions();
    /** @type {import("./replica.js").Replica|null} what can be read */
    this.shown = null;
    this.isWanted = false;
    /** @type {Connection|null} */
    this.connection = null;
    /** When to dial again. */
    this.redialAt = Infinity;
    /** Connections that ended since the last full sync. */
    this.failures = 0;
  }

  // What the application calls.

  /** Begins to dial, and goes on until `disconnect`. */
  connect() {
    if (this.isWanted) return;
    this.isWanted = true;
    this.failures = 0;
    this.dial();
  }

  /** Says goodbye and dials no more. What was read stays readable. */
  disconnect() {
    if (!this.isWanted) return;
    this.isWanted = false;
    this.redialAt = Infinity;
    if (this.connection !== null) this.leave("client_left", "");
  }

  /**
   * @param {string} table name of a table, all of whose cells are wanted
   * @returns {number} id of the subscription; a report tells whether it was accepted
   */
  subscribe(table) {
    return this.addSubscription(table, SELECT_ALL, []);
  }

  /**
   * @param {string} table name
   * @param {import("./messages.js").CellKey[]} keys of the cells
   * @returns {number} id of the subscription
   * @throws {EcsdbError} `limit_exceeded` for more than 1024 keys
   */
  subscribeCells(table, keys) {
    return this.addSubscription(table, SELECT_KEYS, keys);
  }

  /**
   * @param {string} table name of a table with a grid
   * @param {import("./messages.js").CellKey} low least key
   * @param {import("./messages.js").CellKey} high greatest key; both are included
   * @returns {number} id of the subscription
   */
  subscribeBox(table, low, high) {
    return this.addSubscription(table, SELECT_BOX, [low, high]);
  }

  /**
   * @param {number} subscription id
   * @throws {EcsdbError} `unknown_subscription`
   */
  unsubscribe(subscription) {
    this.subscriptions.remove(subscription);
    this.sendPending();
  }

  /** @returns {bigint} version of what can be read, 0 before the first full sync */
  get cut() {
    return this.shown === null ? 0n : this.shown.cut;
  }

  /** @returns {bigint} when that was committed, in nanoseconds of the server's steady clock */
  get commitTime() {
    return this.shown === null ? 0n : this.shown.commitTime;
  }

  /**
   * @returns {number|null} milliseconds to the server and back, as last measured on this connection
   */
  get roundTrip() {
    return this.connection?.roundTrip ?? null;
  }

  /** @returns {string} idle, connecting, handshake, not_subscribed, syncing or live */
  get phase() {
    const { connection } = this;
    if (!this.isWanted) return "idle";
    if (connection === null || !connection.isOpen()) return "connecting";
    if (!connection.isReady()) return "handshake";
    if (connection.isLive()) return "live";
    const isWaiting = connection.isSyncing() || this.subscriptions.isAnyWanted();
    return isWaiting ? "syncing" : "not_subscribed";
  }

  /**
   * @param {string} name of a table
   * @returns {TableView|null} its rows; null before the first full sync
   * @throws {EcsdbError} `unknown_table`
   */
  table(name) {
    if (this.shown === null) return null;
    const table = tableNamed(this.shown.schema, name);
    if (table === undefined) refuse("unknown_table", name);
    return new TableView(this.shown.stores.get(table.id));
  }

  // What the environment calls.

  /** @param {Link} link that `dial` gave: it is open now */
  opened(link) {
    const { connection } = this;
    if (connection === null || connection.link !== link || connection.isOpen()) return;
    connection.open();
    this.sendBytes(encodePreface(this.features));
    this.send("auth", {
      token: this.token,
      client_name: this.name,
      database: this.database,
      schema_known: this.schema?.fingerprint ?? NO_FINGERPRINT,
      client_time_ns: nanoseconds(this.environment.now()),
      ticket: NO_TICKET,
      is_resuming: false,
      ticket_is_copied: false,
    });
  }

  /**
   * @param {Link} link
   * @param {Uint8Array} bytes that came; the client keeps them, do not change them
   */
  received(link, bytes) {
    const { connection } = this;
    if (connection === null || connection.link !== link) return;
    try {
      connection.receive(bytes, this.environment.now());
    } catch (error) {
      if (!(error instanceof EcsdbError)) throw error;
      this.report({ kind: "fault", code: error.code, text: error.message });
      if (this.connection === connection) this.leave(error.code, error.message);
      return;
    }
    if (this.connection === connection) this.sendPending();
  }

  /** @param {Link} link that is gone */
  closed(link) {
    const { connection } = this;
    if (connection === null || connection.link !== link) return;
    this.end(connection.goodbye ?? (connection.isOpen() ? "link_closed" : "connect_failed"));
  }

  /** Does what is due. Call it when `nextDeadline` has come; more often does no harm. */
  tick() {
    const now = this.environment.now();
    const { connection } = this;
    if (connection === null) {
      if (now >= this.redialAt) this.dial();
      return;
    }
    const limit = connection.givesUp();
    if (now >= limit.at) {
      connection.link.close();
      this.end(connection.goodbye ?? limit.code);
    } else if (now >= connection.heartbeatAt()) {
      this.send("client_heartbeat", {
        client_time_ns: nanoseconds(now),
        echo_ns: connection.serverTime,
        echo_age_ns: nanoseconds(now - connection.serverTimeAt),
      });
    }
  }

  /** @returns {number} when `tick` has something to do, Infinity for never */
  nextDeadline() {
    const { connection } = this;
    if (connection === null) return this.redialAt;
    return Math.min(connection.givesUp().at, connection.heartbeatAt());
  }

  // What the connection calls.

  /** @param {import("./schema.js").Schema} schema of the connection */
  onReady(schema) {
    const { connection } = this;
    this.schema = schema;
    this.report({ kind: "connected" });
    // The report may have made the application leave.
    if (this.connection === connection) this.sendSubscriptions();
  }

  /**
   * @param {number} id of a subscription
   * @param {string} code of its result
   */
  onSubscribed(id, code) {
    if (!this.subscriptions.answer(id, code)) return;
    this.report({ kind: "subscribed", subscription: id, code });
  }

  /**
   * @param {import("./replica.js").Replica} replica that an advance is about to be applied to
   * @returns {EventList|null} where to put the events
   */
  eventsFor(replica) {
    const isWanted = this.environment.onEvents !== undefined && replica === this.shown;
    return isWanted ? new EventList() : null;
  }

  /**
   * @param {import("./replica.js").Replica} replica that an advance was applied to
   * @param {EventList|null} list of what has happened
   */
  onAdvance(replica, list) {
    const { environment } = this;
    let events = list?.events ?? [];
    const isSync = replica !== this.shown;
    if (isSync) {
      const before = this.shown;
      this.shown = replica;
      this.failures = 0;
      this.send("client_ready", { cut: replica.cut });
      if (environment.onEvents !== undefined) {
        events = eventsOfSync(before, replica);
      }
    }
    if (events.length > 0) environment.onEvents(events);
    if (isSync) this.report({ kind: "synced" });
  }

  // What it does by itself.

  addSubscription(table, kind, keys) {
    const id = this.subscriptions.add(table, kind, keys);
    this.sendPending();
    return id;
  }

  dial() {
    this.redialAt = Infinity;
    this.subscriptions.reset();
    this.connection = new Connection(this, this.replicaSettings, this.environment.now());
    this.connection.link = this.environment.dial(this);
  }

  /** Sends what the application has asked for, and acknowledges. */
  sendPending() {
    const { connection } = this;
    if (connection === null || !connection.isReady()) return;
    this.sendSubscriptions();
    // A report may have made the application leave.
    if (this.connection !== connection) return;
    const cut = connection.cut();
    if (connection.consumed === connection.ackedBytes && cut === connection.ackedCut) return;
    connection.ackedBytes = connection.consumed;
    connection.ackedCut = cut;
    this.send("ack", { cut, bytes: BigInt(connection.consumed) });
  }

  sendSubscriptions() {
    const { connection } = this;
    const heads = this.subscriptions.takeMessages(
      connection.schema,
      connection.authReply.frame_head_bytes_max,
      (id, code) => this.report({ kind: "subscribed", subscription: id, code }),
    );
    if (this.connection !== connection) return;
    for (const head of heads) this.sendBytes(encodeFrame(MESSAGES.subscribe.number, head));
  }

  send(name, message) {
    this.sendBytes(encodeFrame(MESSAGES[name].number, encodeMessage(name, message)));
  }

  sendBytes(bytes) {
    this.connection.sentAt = this.environment.now();
    this.connection.link.send(bytes);
  }

  /** Says goodbye and closes. */
  leave(code, text) {
    const { connection } = this;
    if (connection.isOpen()) {
      this.send("goodbye", { code: ERROR_NUMBERS[code], reason: shortened(text) });
    }
    connection.link.close();
    this.end(code);
  }

  /** The connection is over. */
  end(code) {
    this.connection.isOver = true;
    this.connection = null;
    if (this.isWanted) {
      if (!isDismissal(code)) this.failures++;
      this.redialAt = this.environment.now() + this.redialDelay(code);
    }
    this.report({ kind: "disconnected", code });
  }

  redialDelay(code) {
    const random = this.environment.random?.() ?? Math.random();
    if (isDismissal(code)) return random * TIMES.redialTogetherMs;
    const most = Math.min(TIMES.redialMs * 2 ** (this.failures - 1), TIMES.redialMostMs);
    return (most / 2) * (1 + random);
  }

  report(report) {
    this.environment.onReport?.(report);
  }
}

function nanoseconds(milliseconds) {
  return BigInt(Math.round(milliseconds * 1e6));
}

/** Whether a server that is all right ended the connection: that is no failure. */
function isDismissal(code) {
  return code === "shutdown" || code === "kicked";
}

/** A text that fits the reason of a goodbye. */
function shortened(text) {
  let bytes = encodeUtf8(text);
  while (bytes.length > LIMITS.reasonBytesMax) {
    text = text.slice(0, text.length - Math.ceil((bytes.length - LIMITS.reasonBytesMax) / 4));
    bytes = encodeUtf8(text);
  }
  return text;
}
