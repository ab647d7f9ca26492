// A state put together from a full sync's chunks, and the advances after it: each is taken whole,
// so that what is held is sound, or refused, so that nothing has changed.
//
//   input: a script; the tag's low bits say what a record is, see Part
#include <optional>

#include "ecsdb/client/replica.h"
#include "ecsdb/wire/compress.h"

#include "harbour_talk.h"
#include "table_checks.h"

namespace ecsdb::fuzz {
namespace {

enum class Part : uint8_t {
  kTruth,        // count u8: so many of what the server really sent next
  kChunk,        // head length u16 | head | tail
  kAdvance,      // the same
  kMendedChunk,  // the same; lengths of blocks and the base version are set right
  kMendedAdvance,
  kSkip,  // count u8: so many parts of the truth are left out
};
constexpr size_t kParts = 6;
constexpr size_t kRecordsMax = 60;

bool is_part(const Said& said) {
  return said.type == MessageType::kSyncChunk || said.type == MessageType::kAdvance;
}

class Assembly {
 public:
  Assembly() : schema_(client_test::harbour().build().value()), replica_(schema_) {
    SyncBegin begin;
    for (const Said& said : harbour_talk().server) {
      if (said.type != MessageType::kSyncBegin) continue;
      ECSDB_CHECK(decode_message(said.head, begin).ok());
    }
    replica_.set_features(built_in_features());
    replica_.set_rows_max(1000);
    replica_.start_sync(begin.version);
  }

  void run(const Record& record) {
    Input in(record.bytes);
    switch (static_cast<Part>(record.tag % kParts)) {
      case Part::kTruth:
        for (size_t n = 1 + in.u8() % 32; n > 0; --n) {
          is_quick_ = n > 1;
          if (const Said* said = next_truth()) take(*said);
        }
        is_quick_ = false;
        return;
      case Part::kSkip:
        for (size_t n = 1 + in.u8() % 32; n > 0; --n) next_truth();
        return;
      case Part::kChunk:
        return take(split(MessageType::kSyncChunk, record.bytes));
      case Part::kAdvance:
        return take(split(MessageType::kAdvance, record.bytes));
      case Part::kMendedChunk:
        return mend_and_take(split(MessageType::kSyncChunk, record.bytes));
      case Part::kMendedAdvance:
        return mend_and_take(split(MessageType::kAdvance, record.bytes));
    }
  }

 private:
  const Said* next_truth() {
    const auto& server = harbour_talk().server;
    while (truth_ < server.size()) {
      const Said& said = server[truth_++];
      if (!said.is_preface && is_part(said)) return &said;
    }
    return nullptr;
  }
  void mend_and_take(Said said) {
    const Version cut = replica_.cut();
    mend_lengths(said, &cut);
    take(said);
  }
  void take(const Said& said) {
    Advance head;
    if (!decode_message(said.head, head).ok()) return;
    const bool is_chunk = said.type == MessageType::kSyncChunk;
    const size_t enters = head.enters.size();
    ReceivedAdvance received;
    received.add(std::move(head), said.tail, said.head.size() + said.tail.size());
    const DbState before = is_quick_ ? DbState() : state_of(replica_);
    events_.clear();
    const Status status =
        is_chunk ? replica_.apply_chunk(received) : replica_.apply(received, &events_);
    if (status.ok()) entered_ += enters;
    // Handles are given out densely: what is kept for them grows with what came.
    ECSDB_CHECK(replica_.cells().size() <= entered_);
    if (is_quick_) return;
    if (!status.ok()) {
      ECSDB_CHECK(state_of(replica_) == before && events_.empty());
      return;
    }
    ECSDB_CHECK(replica_.row_count() <= 1000);
    ECSDB_CHECK(replica_.cut() == (is_chunk ? before.cut : received.head.to()));
    check_db(replica_);
  }

  Schema schema_;
  Replica replica_;
  size_t truth_ = 0;
  size_t entered_ = 0;     // cells, so far
  bool is_quick_ = false;  // in the middle of the truth: looked at when it is over
  std::vector<RowEvent> events_;
};

}  // namespace
}  // namespace ecsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ecsdb::fuzz::Script script = ecsdb::fuzz::parse_script(ecsdb::ByteSpan(data, size));
  ecsdb::fuzz::Assembly assembly;
  for (size_t i = 0; i < std::min(script.size(), ecsdb::fuzz::kRecordsMax); ++i) {
    assembly.run(script[i]);
  }
  return 0;
}
