/**
 * An example: follows tables of a server and prints what happens to their rows, until Ctrl-C.
 *
 *   node client/js/tools/watch.js HOST PORT TABLE... [--token TOKEN]
 */

import { Client } from "../src/index.js";
import { tcpDialler } from "../node/tcp-link.js";

const TICK_MS = 50;

function printable(value) {
  return JSON.stringify(value, (_, v) => (typeof v === "bigint" ? String(v) : v));
}

function main(args) {
  const tokenAt = args.indexOf("--token");
  const token = tokenAt < 0 ? "" : args.splice(tokenAt, 2)[1];
  const [host, port, ...tables] = args;
  if (tables.length === 0 || token === undefined) {
    console.error("usage: node client/js/tools/watch.js HOST PORT TABLE... [--token TOKEN]");
    process.exitCode = 2;
    return;
  }
  const client = new Client({
    token,
    name: "watch",
    environment: {
      dial: tcpDialler(host, Number(port)),
      now: () => performance.now(),
      onReport: (report) => console.log(printable(report)),
      onEvents: (events) => {
        for (const event of events) console.log(String(client.cut), printable(event));
      },
    },
  });
  for (const table of tables) client.subscribe(table);
  client.connect();
  const timer = setInterval(() => client.tick(), TICK_MS);
  process.once("SIGINT", () => {
    clearInterval(timer);
    client.disconnect();
  });
}

main(process.argv.slice(2));
