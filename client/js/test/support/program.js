/**
 * Running of the test programs.
 */

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";

const EXIT_BAD_FILE = 3;

/** Something that was given to a program cannot be used. */
export class InputError extends Error {}

function isOfInput(error) {
  return error instanceof InputError || error.syscall !== undefined;
}

/**
 * Runs `main` if its module is the program that was started, with the arguments. What it returns is
 * the exit status; 3 if a file or program cannot be used, of which the message says which.
 * @param {string} url of the module
 * @param {function(string[]): number|Promise<number>} main
 */
export async function runProgram(url, main) {
  if (url !== pathToFileURL(process.argv[1]).href) return;
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    if (!isOfInput(error)) throw error;
    console.error(`${basename(process.argv[1])}: ${error.message}`);
    process.exitCode = EXIT_BAD_FILE;
  }
}

/**
 * @param {string} text of JSON
 * @returns {*} its value
 * @throws {InputError} in one line, though the text that it may quote has several
 */
export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(error.message.replace(/[\p{C}\p{Z}]+/gu, " "));
  }
}

/** The value in a file of JSON. */
export function readJson(path) {
  const text = readFileSync(path, "utf8");
  try {
    return parseJson(text);
  } catch (error) {
    error.message = `${path}: ${error.message}`;
    throw error;
  }
}
