// Blocks written by hand: what no encoder of ours makes.
#pragma once

#include <string_view>
#include <vector>

#include "ecsdb/wire/bits.h"

#include "json.h"

namespace ecsdb::vectors {

// Parts of the first byte of a block.
inline constexpr unsigned kPlainMode = 0;
inline constexpr unsigned kPackedMode = 1;
inline constexpr unsigned kNetMode = 1u << 2;
inline constexpr unsigned kRowsMode = 2u << 2;
inline constexpr unsigned kExtraMode = 1u << 4;
constexpr unsigned chain_mode(unsigned publishes) { return (publishes & 7) << 5; }

inline constexpr uint64_t kTag = 65537;  // epoch 1, reuse count 1

/// Bytes in order.
class Block {
 public:
  explicit Block(unsigned mode) { u8(mode); }
  Block& u8(unsigned value) {
    bytes_.push_back(static_cast<uint8_t>(value));
    return *this;
  }
  Block& varint(uint64_t value) {
    ByteWriter(bytes_).varint(value);
    return *this;
  }
  Block& hex(std::string_view digits) { return add(from_hex(digits).value_or(Bytes())); }
  Block& text(std::string_view text) { return add(as_bytes(text)); }
  Block& add(ByteSpan bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Block& drop(size_t bytes) {
    bytes_.resize(bytes_.size() - bytes);
    return *this;
  }
  operator const Bytes&() const { return bytes_; }

 private:
  Bytes bytes_;
};

/// A bit string of the packed tier.
class Bits {
 public:
  Bits& flag(bool value) { return put(value ? 1 : 0, 1); }
  Bits& put(uint64_t value, unsigned count) {
    return append([&](BitWriter& to) { to.put_wide(value, count); });
  }
  Bits& m32(uint32_t value, unsigned k) {
    return append([&](BitWriter& to) { to.magnitude(value, k); });
  }
  /// Flags that are hits (true) or misses, from a starting state.
  Bits& runs(unsigned state, const std::vector<bool>& hits) {
    RunEncoder runs;
    for (const bool hit : hits) runs.flag(hit);
    return append([&](BitWriter& to) { runs.encode(state, to); });
  }
  Bits& hits(unsigned state, size_t count) { return runs(state, std::vector<bool>(count, true)); }
  /// A list of indices by their gaps.
  Bits& list(const std::vector<uint32_t>& gaps, unsigned k) {
    m32(static_cast<uint32_t>(gaps.size() - 1), 0).put(k, 5);
    for (const uint32_t gap : gaps) m32(gap, k);
    return *this;
  }
  /// Padded with zeros to whole bytes.
  Bytes done() const {
    Bytes out((bits_.size() + 7) / 8);
    for (size_t i = 0; i < bits_.size(); ++i) {
      if (bits_[i]) out[i / 8] |= static_cast<uint8_t>(1u << (i % 8));
    }
    return out;
  }

 private:
  template <class Write>
  Bits& append(Write&& write) {
    BitWriter writer;
    writer.clear();
    writer.room(1);
    write(writer);
    writer.room(1);
    writer.flag(true);  // marks the end
    const ByteSpan bytes = writer.finish();
    size_t end = bytes.size() * 8 - 1;
    while ((bytes[end / 8] >> (end % 8) & 1) == 0) --end;
    for (size_t i = 0; i < end; ++i) bits_.push_back((bytes[i / 8] >> (i % 8) & 1) != 0);
    return *this;
  }

  std::vector<bool> bits_;
};

}  // namespace ecsdb::vectors
