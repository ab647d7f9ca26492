/**
 * A link over WebSocket, for browsers.
 */

const SUBPROTOCOL = "ecsdb";

/**
 * @param {string} url of the server, as ws://host:port/ecsdb
 * @returns {(client: import("./client.js").Client) => import("./client.js").Link} a `dial` for
 *   the client's environment
 */
export function webSocketDialler(url) {
  return (client) => {
    const socket = new WebSocket(url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    const link = {
      send: (bytes) => socket.send(bytes),
      close: () => socket.close(),
    };
    socket.onopen = () => client.opened(link);
    socket.onmessage = ({ data }) => client.received(link, new Uint8Array(data));
    socket.onclose = () => client.closed(link);
    return link;
  };
}
