#include "damage.h"

#include <algorithm>

#include "ecsdb/base/hash.h"

namespace ecsdb::vectors {
namespace {

Bytes whole_frame(MessageType type, ByteSpan head, ByteSpan tail) {
  Bytes out;
  append_frame(out, type, head, tail.size());
  out.insert(out.end(), tail.begin(), tail.end());
  return out;
}

Bytes sealed(MessageType type, const Advance& advance, ByteSpan tail) {
  Bytes head;
  ByteWriter writer(head);
  encode_fields(advance, writer);
  return whole_frame(type, head, tail);
}

/// Always changes something; `bytes` is not empty. Leaves the first byte alone mostly: what it says
/// of a block is soon checked.
void spoil(Bytes& bytes, Prng& random) {
  const size_t first = bytes.size() > 1 && random.chance(3, 4) ? 1 : 0;
  const auto any = [&] { return first + random.below(bytes.size() - first); };
  const uint64_t kind = random.below(12);
  if (kind == 0) {
    bytes.resize(bytes.size() - 1 - random.below(std::min<size_t>(bytes.size(), 3)));
  } else if (kind == 1) {
    bytes.push_back(static_cast<uint8_t>(random.chance(1, 2) ? 0 : random.next()));
  } else if (kind == 2) {
    bytes[any()] ^= static_cast<uint8_t>(1 + random.below(255));
  } else {
    // An odd number of bits, so that they do not cancel each other.
    for (int flips = kind == 3 ? 3 : 1; flips > 0; --flips) {
      bytes[any()] ^= static_cast<uint8_t>(1u << random.below(8));
    }
  }
}

/// What the checksum of a tail of so many blocks changes by when the checksum of one of them does:
/// a crc of messages of one length is linear, so that what stands in them otherwise is no matter.
uint32_t tail_checksum_change(size_t blocks, size_t at, uint32_t change) {
  constexpr size_t kEntryBytes = 20;
  Bytes zeros(blocks * kEntryBytes);
  Bytes changed = zeros;
  for (unsigned i = 0; i < 4; ++i) {
    changed[at * kEntryBytes + 16 + i] = static_cast<uint8_t>(change >> (8 * i));
  }
  return crc32c(zeros) ^ crc32c(changed);
}

Bytes damage_block(MessageType type, Advance advance, ByteSpan tail, Prng& random) {
  // Blocks are chosen by their bytes, so that long ones are likelier.
  const size_t place = random.below(tail.size());
  size_t which = 0;
  size_t begin = 0;
  while (begin + advance.blocks[which].bytes <= place) begin += advance.blocks[which++].bytes;
  const size_t end = begin + advance.blocks[which].bytes;
  Bytes block(tail.begin() + static_cast<ptrdiff_t>(begin),
              tail.begin() + static_cast<ptrdiff_t>(end));
  const uint32_t before = crc32c(block);
  spoil(block, random);
  advance.blocks[which].bytes = static_cast<uint32_t>(block.size());
  if (!random.chance(1, 16)) {
    advance.tail_checksum.value ^=
        tail_checksum_change(advance.blocks.size(), which, before ^ crc32c(block));
  }
  Bytes spoilt(tail.begin(), tail.begin() + static_cast<ptrdiff_t>(begin));
  spoilt.insert(spoilt.end(), block.begin(), block.end());
  spoilt.insert(spoilt.end(), tail.begin() + static_cast<ptrdiff_t>(end), tail.end());
  return sealed(type, advance, spoilt);
}

void spoil_enter(CellEnter& enter, Prng& random) {
  switch (random.below(6)) {
    case 0:
      ++enter.handle;
      return;
    case 1:
      enter.generation -= static_cast<uint32_t>(1 + random.below(2));
      return;
    case 2:
      enter.table.value ^= 1;
      return;
    case 3:
      enter.key.kind = static_cast<CellKey::Kind>((static_cast<unsigned>(enter.key.kind) + 1) % 5);
      return;
    case 4:
      enter.key.z += 1;
      return;
    default:
      enter.publishes += 1;
      return;
  }
}

Bytes damage_fields(MessageType type, Advance advance, ByteSpan tail, Prng& random) {
  switch (random.below(8)) {
    case 0:
      advance.distance += random.chance(1, 2) ? 1 : ~uint64_t{0};
      break;
    case 1:
      advance.from.value += random.chance(1, 2) ? 1 : ~uint64_t{0};
      break;
    case 2:
      advance.flags ^= static_cast<uint8_t>(1u << random.below(4));
      break;
    case 3:
      advance.commit_time_ns += 1;
      break;
    case 4:
      advance.leaves.push_back({static_cast<uint32_t>(random.below(8)), 1});
      break;
    case 5:
      advance.tail_checksum.value ^= 1u << random.below(32);
      break;
    default:
      if (!advance.enters.empty()) {
        spoil_enter(advance.enters[random.below(advance.enters.size())], random);
      } else if (!advance.blocks.empty()) {
        advance.blocks[random.below(advance.blocks.size())].step += 1;
      } else {
        advance.blocks.push_back({0, 1});
      }
  }
  return sealed(type, advance, tail);
}

Bytes damaged_once(const Frame& frame, Prng& random) {
  Bytes head(frame.head.begin(), frame.head.end());
  Advance advance;
  const bool has_blocks =
      frame.type == MessageType::kAdvance || frame.type == MessageType::kSyncChunk;
  if (has_blocks && decode_message(frame.head, advance).ok()) {
    if (!frame.tail.empty() && random.chance(3, 4)) {
      return damage_block(frame.type, std::move(advance), frame.tail, random);
    }
    if (random.chance(1, 2)) {
      return damage_fields(frame.type, std::move(advance), frame.tail, random);
    }
  }
  if (head.empty() || random.chance(1, 8)) {
    Bytes out = whole_frame(frame.type, head, frame.tail);
    out[random.below(out.size())] ^= static_cast<uint8_t>(1u << random.below(8));
    return out;
  }
  spoil(head, random);
  return whole_frame(frame.type, head, frame.tail);
}

}  // namespace

Bytes damaged_frame(const Frame& frame, Prng& random) {
  const Bytes good = whole_frame(frame.type, frame.head, frame.tail);
  while (true) {
    Bytes bad = damaged_once(frame, random);
    if (bad != good) return bad;
  }
}

}  // namespace ecsdb::vectors
