/**
 * Compressed bodies of blocks, BYTES.md section 9. What can be known of a Zstandard frame without
 * decompressing it is checked here, before the application's decompressor sees it.
 */

import { ByteReader } from "./bytes.js";
import { refuse } from "./errors.js";
import { COMPRESSION } from "./limits.js";
import { xxh64 } from "./xxh64.js";

const MAGIC = 0xfd2fb528;
const SINGLE_SEGMENT = 0x20;
const RESERVED = 0x08;
const DICTIONARY = 0x03;
const HAS_CHECKSUM = 0x04;
/** Bytes of the content size by the two high bits of the descriptor. */
const SIZE_BYTES = [0, 2, 4, 8];
const BLOCK_HEADER_BYTES = 3;
const BLOCK_RLE = 1;
const BLOCK_RESERVED = 3;

/**
 * Decompresses one Zstandard frame.
 * @callback Decompress
 * @param {Uint8Array} frame one Zstandard frame; do not keep or change it
 * @param {number} maxOutput bytes of its content, as the frame says; make no more
 * @returns {Uint8Array} the content, as long as it really is; may throw anything if the frame is
 *   damaged or has more
 */

/**
 * @param {Uint8Array} frame the body of a block
 * @param {Decompress} decompress
 * @returns {Uint8Array} what it decompresses to
 * @throws {EcsdbError} `limit_exceeded`, `frame_malformed`
 */
export function decompressBody(frame, decompress) {
  const reader = new ByteReader(frame);
  const header = checkFrameHeader(reader, frame.length);
  const checksum = checkFrameEnd(reader, header.hasChecksum);
  let content;
  try {
    content = decompress(frame, header.content);
  } catch (error) {
    refuse("frame_malformed", `a compressed body does not decompress: ${error.message}`);
  }
  if (content.length !== header.content) {
    refuse("frame_malformed", `${content.length} bytes decompressed, ${header.content} announced`);
  }
  if (checksum !== null && Number(xxh64(content) & 0xffffffffn) !== checksum) {
    refuse("frame_malformed", "a compressed body whose checksum is wrong");
  }
  return content;
}

/** Reads and checks the header of the frame, up to its first block. */
function checkFrameHeader(reader, frameBytes) {
  if (reader.u32() !== MAGIC) reader.malformed("a compressed body without its magic number");
  const descriptor = reader.u8();
  const isSingle = (descriptor & SINGLE_SEGMENT) !== 0;
  if (descriptor & RESERVED) reader.malformed("a reserved bit of a compressed body");
  if (descriptor & DICTIONARY) reader.malformed("a compressed body with a dictionary");
  let window = isSingle ? 0 : readWindow(reader);
  const sizeKind = descriptor >> 6;
  if (sizeKind === 0 && !isSingle) reader.malformed("a compressed body without its size");
  const content = readContentSize(reader, sizeKind);
  if (isSingle) window = content;
  if (content > COMPRESSION.outputBytesMax) {
    refuse("limit_exceeded", `a body of ${content} bytes, compressed`);
  }
  if (content > COMPRESSION.ratioMax * frameBytes) {
    refuse("limit_exceeded", `${frameBytes} compressed bytes that claim to be ${content}`);
  }
  if (window > COMPRESSION.windowBytesMax) {
    refuse("limit_exceeded", `a compressed body with a window of ${window} bytes`);
  }
  return { content, hasChecksum: (descriptor & HAS_CHECKSUM) !== 0 };
}

function readWindow(reader) {
  const byte = reader.u8();
  const base = 2 ** (10 + (byte >> 3));
  return base + (base / 8) * (byte & 7);
}

function readContentSize(reader, sizeKind) {
  if (sizeKind === 0) return reader.u8();
  if (sizeKind === 3) return Number(reader.u64());
  return reader.uint(SIZE_BYTES[sizeKind]) + (sizeKind === 1 ? 256 : 0);
}

/**
 * Walks over the frame's blocks: nothing may follow the last one. Decompressors often take several
 * frames, or ignore what follows. Returns the checksum of the content, null if there is none.
 */
function checkFrameEnd(reader, hasChecksum) {
  for (let isLast = false; !isLast; ) {
    const header = reader.uint(BLOCK_HEADER_BYTES);
    const type = (header >> 1) & 3;
    if (type === BLOCK_RESERVED) reader.malformed("a reserved block in a compressed body");
    reader.take(type === BLOCK_RLE ? 1 : header >>> 3);
    isLast = (header & 1) === 1;
  }
  const checksum = hasChecksum ? reader.u32() : null;
  reader.finish();
  return checksum;
}

