/**
 * Loading of a Zstandard decoder for tests.
 */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { InputError } from "./program.js";

/**
 * Takes the option `--zstd MODULE` out of the arguments of a program.
 * @param {string[]} args without it afterwards
 * @returns {Promise<import("../../src/compression.js").Decompress|null|undefined>} the decoder,
 *   null without the option, undefined if there is no MODULE
 */
export async function takeZstdOption(args) {
  const at = args.indexOf("--zstd");
  if (at < 0) return null;
  const [, module] = args.splice(at, 2);
  return module === undefined ? undefined : loadDecompressor(module);
}

/**
 * @param {string} path of a module that exports the class `Decompress`, as fzstd does. Its function
 *   `decompress` would not do: it gives as many bytes as the frame announces, whatever it has.
 * @returns {Promise<import("../../src/compression.js").Decompress>}
 */
async function loadDecompressor(path) {
  const { Decompress } = await import(pathToFileURL(resolve(path)).href).catch((error) => {
    throw new InputError(error.message);
  });
  if (typeof Decompress !== "function") throw new InputError(`${path} exports no class Decompress`);
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
