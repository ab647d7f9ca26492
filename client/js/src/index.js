/**
 * ecsdb-client: a client of the ecsdb protocol, version 1, for browsers and Node.
 */

export { Client } from "./client.js";
export { EcsdbError, ERROR_NUMBERS, errorName } from "./errors.js";
export { CLIENT_LIMITS, LIMITS, TIMES } from "./limits.js";
export { TableView } from "./table-view.js";
export { webSocketDialler } from "./websocket-link.js";
