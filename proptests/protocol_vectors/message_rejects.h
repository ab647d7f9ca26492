// Heads of frames that must be refused, written by hand.
#pragma once

#include <string>
#include <string_view>

#include "ecsdb/base/bytes.h"

#include "groups.h"
#include "vector_file.h"

namespace ecsdb::vectors {

/// A head, part by part.
class Head {
 public:
  Head& hex(std::string_view digits) {
    const Bytes bytes = from_hex(digits).value_or(Bytes());
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Head& varint(uint64_t value) {
    ByteWriter(bytes_).varint(value);
    return *this;
  }
  /// `count` times those bytes.
  Head& repeat(size_t count, std::string_view digits) {
    for (; count > 0; --count) hex(digits);
    return *this;
  }
  std::string to_hex() const { return vectors::to_hex(bytes_); }

 private:
  Bytes bytes_;
};

/// 16 bytes of zeros.
inline constexpr std::string_view kZeros16 = "00000000000000000000000000000000";

/// All of them are frame_malformed.
class Rejects {
 public:
  explicit Rejects(Maker& to) : to_(to) {}
  void add(const char* name, const char* note, const char* type, const Head& head) const {
    to_.reject(name, note, Json::object({{"type", type}, {"bytes", head.to_hex()}}),
               "frame_malformed");
  }

 private:
  Maker& to_;
};

/// Of writes, write, outcomes and write_refused.
void make_write_rejects(const Rejects& to);

/// Of events and client_events.
void make_event_rejects(const Rejects& to);

/// Of resume, resume_reply, refetch, client_ready and sync_mark.
void make_resume_rejects(const Rejects& to);

}  // namespace ecsdb::vectors
