// Writes of clients and what became of them, as messages.
#include "canonical.h"
#include "groups.h"
#include "message_json.h"

namespace ecsdb::vectors {
namespace {

Bytes encoded(const Write& write) {
  Bytes out;
  ByteWriter writer(out);
  encode_fields(write, writer);
  return out;
}

constexpr int64_t kLeast = -9223372036854775807 - 1;

/// Every operation, and values of every kind.
Write full_write() {
  Write write;
  write.sequence = 70000;
  write.epoch = Epoch{3};
  write.base = Version{300};
  write.stamp = uint64_t{1'764'169'200'123} << 16 | 7;
  write.level = AckLevel::kDurable;
  const uint64_t ship = EntityId::make(9, 3, 1).value;
  write.ops = {{WriteOpKind::kSpawn, {}, 0, 0, 0},
               {WriteOpKind::kPut, TableId{1}, 70000, 0, 3},
               {WriteOpKind::kSet, TableId{2}, 0, ship, 3},
               {WriteOpKind::kRemove, TableId{65535}, 0, ship, 0},
               {WriteOpKind::kDespawn, {}, 69999, 255, 0}};
  write.fields = {{FieldId{1}, {}, lanes({1})},
                  {FieldId{2}, {}, lanes({-2, 3})},
                  {FieldId{65535}, {}, text("")},
                  {FieldId{1}, lanes({kLeast, 0, 9223372036854775807}), lanes({1, -1, 0})},
                  {FieldId{2}, lanes({3, 1023, 0, 511}), lanes({0, 0, 0, 0})},
                  {FieldId{3}, text("caf\xc3\xa9"), text(std::string("\xff\0", 2))}};
  return write;
}

void make_write(Maker& to) {
  accept_message(to, "write-zeros", "Every field zero; what a server takes is another question.",
                 "write", Write());
  accept_message(to, "write-full",
                 "Puts a row of an entity that it spawns, sets fields, removes a row, and despawns "
                 "what another write has spawned; bases and values of every kind.",
                 "write", full_write());
  Write write;
  write.sequence = 1;
  write.resolves = ~uint64_t{0};
  write.ops = {{WriteOpKind::kSet, TableId{1}, 0, 65537 + (uint64_t{1} << 32), 1}};
  write.fields = {{FieldId{4}, lanes({-5}), lanes({-1})}};
  accept_message(to, "write-resolves", "Settles a conflict; -1 is also the largest number of u64.",
                 "write", write);
}

void make_frames(Maker& to) {
  Writes writes;
  accept_message(to, "writes-nothing", "Tells only what is settled.", "writes", writes);
  writes.client = ClientId{~uint64_t{0}};
  writes.settled_below = 70000;
  writes.entries = {{0, encoded(full_write())}, {~uint64_t{0}, {}}};
  accept_message(to, "writes", "A write, and one of no bytes: the frame alone does not tell.",
                 "writes", writes);
  WriteRefused refused;
  accept_message(to, "write-refused-zeros", "Every field zero.", "write_refused", refused);
  refused = {70000, static_cast<uint16_t>(ErrorCode::kQueueFull), "sp\xc3\xa4ter", 250};
  accept_message(to, "write-refused", "The queue is full; a quarter of a second later it may go.",
                 "write_refused", refused);
}

void make_outcomes(Maker& to) {
  Outcomes outcomes;
  accept_message(to, "outcomes-nothing", "The list may be empty.", "outcomes", outcomes);
  Outcome applied;
  applied.sequence = 1;
  applied.version = Version{301};
  applied.made = {EntityId::make(9, 3, 1), EntityId::make(10, 3, 7)};
  Outcome merged;
  merged.sequence = 2;
  merged.kind = OutcomeKind::kMerged;
  merged.version = Version{301};
  merged.finals = {{0, FieldId{4}, lanes({-7})},
                   {kWriteOpsMax, FieldId{65535}, text("both")},
                   {1, FieldId{1}, {}}};
  Outcome rejected;
  rejected.sequence = 3;
  rejected.kind = OutcomeKind::kRejected;
  rejected.version = Version{302};
  rejected.code = static_cast<uint16_t>(ErrorCode::kConflict);
  rejected.reason = std::string(kReasonBytesMax, 'r');
  Outcome expired;
  expired.sequence = ~uint64_t{0};
  expired.kind = OutcomeKind::kExpired;
  outcomes.outcomes = {applied, merged, rejected, expired};
  accept_message(to, "outcomes", "One of each kind, before the advance that shows them.",
                 "outcomes", outcomes);
  outcomes.is_alone = true;
  applied.made.assign(kWriteOpsMax, EntityId{65537});
  outcomes.outcomes = {applied};
  accept_message(to, "outcomes-alone", "It counts at once; it made as much as one write can.",
                 "outcomes", outcomes);
}

}  // namespace

void make_writes(Maker& to) {
  make_write(to);
  make_frames(to);
  make_outcomes(to);
}

}  // namespace ecsdb::vectors
