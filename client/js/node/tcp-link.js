/**
 * A link over TCP, for Node.
 */

import { connect } from "node:net";

/** How long a link that is closed may take to send what is to be sent, in milliseconds. */
const LINGER_MS = 2000;

/**
 * @param {string} host
 * @param {number} port
 * @returns {(client: import("../src/client.js").Client) => import("../src/client.js").Link}
 *   a `dial` for the client's environment
 */
export function tcpDialler(host, port) {
  return (client) => {
    const socket = connect({ host, port, noDelay: true });
    const link = {
      send: (bytes) => socket.write(bytes),
      close: () => {
        socket.end();
        setTimeout(() => socket.destroy(), LINGER_MS).unref();
      },
    };
    socket.on("connect", () => client.opened(link));
    socket.on("data", (bytes) => client.received(link, bytes));
    // An error is followed by the close, which is what counts.
    socket.on("error", () => {});
    socket.on("close", () => client.closed(link));
    return link;
  };
}
