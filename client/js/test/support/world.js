/**
 * A world for a client under test: a clock that stands still, links that keep what they are given.
 * It is made of plain objects, so that clone.js can copy a client together with its world.
 */

import { Client } from "../../src/client.js";

/** A link that keeps what the client does with it. */
class TestLink {
  constructor() {
    this.isOpen = false;
    this.isClosed = false;
    this.sent = [];
  }

  send(bytes) {
    this.sent.push(bytes);
  }

  close() {
    this.isClosed = true;
  }
}

/** One client and everything that it needs. */
export class World {
  /**
   * @param {object} settings as `client` of a vector
   * @param {import("../../src/compression.js").Decompress|null} decompress
   */
  constructor(settings, decompress) {
    this.time = 1000;
    this.link = null;
    this.dials = 0;
    this.events = [];
    this.reports = [];
    this.client = new Client({
      environment: this,
      token: settings.token ?? "",
      name: settings.name ?? "",
      database: settings.database ?? 0,
      decompress: settings.compression ? decompress : null,
      rowsMax: settings.rows_max,
    });
  }

  // The client's environment.

  dial() {
    this.dials++;
    this.link = new TestLink();
    return this.link;
  }

  now() {
    return this.time;
  }

  random() {
    return 0.5;
  }

  onReport(report) {
    this.reports.push(report);
  }

  onEvents(events) {
    this.events.push(...events);
  }

  // What happens to the client.

  open() {
    this.link.isOpen = true;
    this.client.opened(this.link);
  }

  server(bytes) {
    this.client.received(this.link, bytes);
  }

  close() {
    this.client.closed(this.link);
  }

  pass(milliseconds) {
    this.time += milliseconds;
    this.client.tick();
  }

  /** Calls the client as a step `call` of a session says. */
  call({ name, table, keys, subscription }) {
    const { client } = this;
    switch (name) {
      case "connect":
        return client.connect();
      case "disconnect":
        return client.disconnect();
      case "subscribe":
        return client.subscribe(table);
      case "subscribe_cells":
        return client.subscribeCells(table, keys.map(parseKey));
      case "subscribe_box":
        return client.subscribeBox(table, ...keys.map(parseKey));
      case "unsubscribe":
        return client.unsubscribe(subscription);
      default:
        throw new Error(`a call "${name}", which is not known here`);
    }
  }
}

/** A cell key of a vector. */
function parseKey({ kind, numbers }) {
  return { kind, numbers: numbers.map((n) => BigInt.asIntN(64, BigInt(n))) };
}

