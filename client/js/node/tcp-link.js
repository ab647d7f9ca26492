/**
 * A link over TCP, for Node.
 */

import { connect } from "node:net";

/** How long a link that is closed may take to send what is to be sent, in milliseconds. */
const LINGER_MS = 2000;

/**
 * @param {string} host
 * @param {number} port
 * @param {(text: string) => void} [onProblem] told what the system says of a link that fails
 * @returns {(client: import("../src/client.js").Client) => import("../src/client.js").Link}
 *   a `dial` for the client's environment
 */
export function tcpDialler(host, port, onProblem = () => {}) {
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
    socket.on("error", (error) => onProblem(textOf(error)));
    socket.on("close", () => client.closed(link));
    return link;
  };
}

/** What an error says; a host with several addresses has one for each, and no text for all. */
function textOf({ message, errors = [] }) {
  return message || errors.map(textOf).join(", ");
}
