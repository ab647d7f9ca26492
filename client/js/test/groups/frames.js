/** frames.json: the preface, and frames on the byte stream. */

import { fromHex, toHex } from "../../src/bytes.js";
import { decodePreface, encodeFrame, encodePreface, FrameReader } from "../../src/frame.js";
import { disagree, knownMembers, same } from "../support/compare.js";

export const MEMBERS = ["kind", "bytes", "limits", "pieces"];

/** Checks a vector by itself: a stream may have frames and then an error. */
export function check(vector) {
  if (vector.kind === "stream") checkStream(vector);
  else if (vector.kind === "preface") checkPreface(vector);
  else disagree(`kind "${vector.kind}" is not known here`);
}

function checkPreface({ bytes, expect, error }) {
  let got;
  try {
    const { lowest, highest, features } = decodePreface(fromHex(bytes));
    got = { protocol_min: lowest, protocol_max: highest, features };
  } catch (thrown) {
    same(error, thrown.code, "error");
    return;
  }
  if (error !== undefined) disagree(`expected error ${error}, but it was accepted`);
  same(expect, got, "expect");
  if (got.protocol_min === 1 && got.protocol_max === 1) {
    same(bytes, toHex(encodePreface(got.features)), "encoded again");
  }
}

function checkStream({ limits, pieces, expect, error }) {
  knownMembers(limits, ["head", "tail"], "limits");
  knownMembers(expect, ["frames", "rest"], "expect");
  const reader = new FrameReader(limits.head, limits.tail);
  const frames = [];
  let code;
  try {
    for (const piece of pieces) {
      reader.push(fromHex(piece));
      for (let frame = reader.next(); frame !== null; frame = reader.next()) frames.push(frame);
    }
  } catch (thrown) {
    code = thrown.code ?? thrown.message;
  }
  same(error, code, "error");
  const described = frames.map(({ type, head, tail }) => {
    if (tail.length === 0) {
      same(toHex(encodeFrame(type, head)).length, 2 * sizeOf(head), "size of an encoded frame");
    }
    return { type, head: toHex(head), tail: toHex(tail) };
  });
  same(expect.frames, described, "frames");
  if (expect.rest !== undefined) same(expect.rest, reader.waiting(), "rest");
}

function sizeOf(head) {
  return 1 + (head.length < 128 ? 1 : head.length < 16384 ? 2 : 3) + 1 + head.length + 4;
}
