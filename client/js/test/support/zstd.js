/**
 * Loading of a Zstandard decoder for tests.
 */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * @param {string} path of a module that exports the class `Decompress`, as fzstd does. Its function
 *   `decompress` would not do: it gives as many bytes as the frame announces, whatever it has.
 * @returns {Promise<import("../../src/compression.js").Decompress>}
 */
export async function loadDecompressor(path) {
  const { Decompress } = await import(pathToFileURL(resolve(path)).href);
  if (typeof Decompress !== "function") throw new Error(`${path} exports no class Decompress`);
  return (frame, maxOutput) => {
    const output = new Uint8Array(maxOutput);
    let at = 0;
    const stream = new Decompress((chunk) => {
      output.set(chunk, at);
      at += chunk.length;
    });
    stream.push(frame, true);
    return output.subarray(0, at);
  };
}
