/**
 * An example: follows tables of a server and prints what happens to their rows, until Ctrl-C.
 *
 *   node client/js/tools/watch.js HOST PORT TABLE... [--token TOKEN]
 *
 * Prints a line of JSON for each report and each event; an event's comes behind the version, and
 * has the values of the row if there still is one. Ends with 2 for wrong arguments, 5 if a table
 * may not be read, 6 if it is refused for another reason, such as that there is none of this name.
 */

import { tcpDialler } from "../node/tcp-link.js";
import { toHex } from "../src/bytes.js";
import { Client } from "../src/index.js";

const TICK_MS = 50;
const PORT_MAX = 65535;

const EXIT_USAGE = 2;
const EXIT_AUTH = 5;
const EXIT_PROTOCOL = 6;
const EXIT_INTERNAL = 70;

/** As JSON, which has no 64-bit integers, no bytes and no infinities: they become strings. */
function printable(value) {
  return JSON.stringify(value, (_, v) => {
    if (v instanceof Uint8Array) return toHex(v);
    const isString = typeof v === "bigint" || (typeof v === "number" && !Number.isFinite(v));
    return isString ? String(v) : v;
  });
}

function complain(text) {
  console.error(`watch: ${text}`);
}

function refuseUsage(text) {
  complain(text);
  console.error("usage: node client/js/tools/watch.js HOST PORT TABLE... [--token TOKEN]");
  process.exitCode = EXIT_USAGE;
}

function isPort(text) {
  return /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= PORT_MAX;
}

/** An event with the name of its table, and the values of the row if there still is one. */
function describeEvent(client, { table: id, ...event }) {
  const { name } = client.schema.tables.find((table) => table.id === id);
  const values = client.table(name).get(event.entity);
  return { table: name, ...event, ...(values === null ? {} : { values }) };
}

function watch(host, port, tables, token) {
  const tableOf = new Map();
  const client = new Client({
    token,
    name: "watch",
    environment: {
      dial: tcpDialler(host, port, complain),
      now: () => performance.now(),
      onReport,
      onEvents: (events) => {
        const cut = String(client.cut);
        for (const event of events) console.log(cut, printable(describeEvent(client, event)));
      },
    },
  });
  for (const table of tables) tableOf.set(client.subscribe(table), table);
  client.connect();
  const timer = setInterval(() => client.tick(), TICK_MS);

  function stop() {
    clearInterval(timer);
    client.disconnect();
  }

  function onReport(report) {
    console.log(printable(report));
    const { kind, subscription, code } = report;
    if (kind !== "subscribed" || code === "ok") return;
    complain(`table "${tableOf.get(subscription)}": ${code}`);
    process.exitCode = code === "not_permitted" ? EXIT_AUTH : EXIT_PROTOCOL;
    stop();
  }

  process.once("SIGINT", stop);
  process.stdout.on("error", (error) => {
    // Whoever read the output has seen enough.
    if (error.code !== "EPIPE" && process.exitCode === undefined) {
      complain(error.message);
      process.exitCode = EXIT_INTERNAL;
    }
    stop();
  });
}

function main(args) {
  const tokenAt = args.indexOf("--token");
  const token = tokenAt < 0 ? "" : args.splice(tokenAt, 2)[1];
  const [host, port, ...tables] = args;
  if (token === undefined) return refuseUsage("--token without a token");
  if (tables.length === 0) return refuseUsage("HOST, PORT and at least one TABLE are needed");
  if (!isPort(port)) {
    return refuseUsage(`port "${port}" is not a whole number from 1 to ${PORT_MAX}`);
  }
  return watch(host, Number(port), tables, token);
}

main(process.argv.slice(2));
