/**
 * Makes a recording of the sessions of the vectors, to try recording.js with:
 *
 *   node client/js/test/make-recording.js DIR > FILE
 *
 * Each session is a client. Before some pieces of the server stands a `damaged` step: the piece
 * with a flipped bit in the last frame's checksum or tail, which must be refused.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const DONE = ["call", "open", "server", "close"];

/**
 * @param {object} file sessions.json, parsed
 * @returns {string[]} the lines of a recording
 */
export function recordingOf(file) {
  const lines = [{ format: "ecsdb-recording 1", about: "The sessions of the vectors." }];
  file.vectors.forEach((vector, i) => lines.push(...linesOfSession(vector, i + 1)));
  return lines.map((line) => JSON.stringify(line));
}

function linesOfSession({ client: settings, steps }, client) {
  const lines = [{ client, launch: settings }];
  let members = {};
  let news = { events: [], reports: [] };
  steps.forEach((step, i) => {
    const [[kind, value]] = Object.entries(step);
    if (kind === "state") {
      const { events, reports, ...lasting } = value;
      const isApplied = lasting.cut !== undefined && lasting.cut !== members.cut;
      members = { ...members, ...lasting };
      news = {
        events: events && news.events && [...news.events, ...events],
        reports: [...news.reports, ...reports],
      };
      if (isApplied) {
        lines.push({ client, state: { ...lasting, ...news } });
        news = { events: [], reports: [] };
      }
    }
    if (!DONE.includes(kind)) return;
    if (kind === "server" && steps[i + 1]?.state?.reports?.length === 0) {
      lines.push({ client, damaged: { server: damagedBytes(value), error: "checksum_mismatch" } });
    }
    lines.push({ client, [kind]: value });
  });
  return lines;
}

/** A piece of an advance whose last byte has a flipped bit. */
function damagedBytes(hex) {
  const last = parseInt(hex.slice(-2), 16) ^ 1;
  return hex.slice(0, -2) + last.toString(16).padStart(2, "0");
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const file = JSON.parse(readFileSync(join(process.argv[2], "sessions.json"), "utf8"));
  console.log(recordingOf(file).join("\n"));
}
