// What the tests of writes share: a schema with every right and policy, writes by hand, and a peer
// that sends them.
#pragma once

#include <gtest/gtest.h>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ecsdb/server/test_peer.h"

namespace ecsdb::server_test {

// Places of the tables, whose ids are one more; ids of their fields.
enum DeskTables : uint16_t { kThing, kCoin, kVault, kStone, kTailOf, kPage, kMint };
enum ThingFields : uint16_t { kPos = 1, kHits, kArmour, kScore, kRank, kTag, kPart };

inline Schema desk_schema() {
  return SchemaBuilder("desk")
      .table(1, "thing")
      .grid("pos", 10)
      .write("guest")
      .write("admin")
      .field(kPos, "pos", FieldType::kVec2f)
      .precision(1)
      .field(kHits, "hits", FieldType::kU8)
      .lww()
      .field(kArmour, "armour", FieldType::kU32)
      .server_only()
      .field(kScore, "score", FieldType::kI64)
      .merge("sum")
      .field(kRank, "rank", FieldType::kU8)
      .field_write("admin")
      .text(kTag, "tag", 8)
      .field(kPart, "part", FieldType::kF32)
      .range(0, 1, 7)
      .table(2, "coin")
      .owner("who")
      .write("", AccessRule::Where::kOwnerIsMe)
      .field(1, "who", FieldType::kPrincipal)
      .field(2, "gold", FieldType::kU32)
      .table(3, "vault")
      .write("admin")
      .field(1, "code", FieldType::kU32)
      .table(4, "stone")
      .field(1, "weight", FieldType::kU32)
      .table(5, "tail")
      .follow("thing")
      .write("")
      .field(1, "length", FieldType::kU32)
      .table(6, "page")
      .write("")
      .text(1, "one", 60'000)
      .lww()
      .text(2, "two", 60'000)
      .lww()
      .table(7, "mint")
      .follow("coin")
      .write("", AccessRule::Where::kOwnerIsMe)
      .field(1, "year", FieldType::kU32)
      .build()
      .value();
}

inline CanonicalValue lane(uint64_t value) {
  CanonicalValue out;
  out.kind = 1;
  out.lanes.lane[0] = value;
  return out;
}
inline CanonicalValue lanes(uint64_t x, uint64_t y) {
  CanonicalValue out = lane(x);
  out.kind = 2;
  out.lanes.lane[1] = y;
  return out;
}
inline CanonicalValue text(std::string value) {
  CanonicalValue out;
  out.kind = CanonicalValue::kText;
  out.text = std::move(value);
  return out;
}

/// A write by hand.
struct Hand {
  Write write;

  Hand& op(WriteOpKind kind, uint16_t table, uint64_t entity, uint64_t made_by = 0) {
    const bool has_table = kind >= WriteOpKind::kPut;
    write.ops.push_back(
        {kind, TableId{static_cast<uint16_t>(has_table ? table + 1 : 0)}, made_by, entity, 0});
    return *this;
  }
  Hand& spawn() { return op(WriteOpKind::kSpawn, 0, 0); }
  Hand& despawn(EntityId entity) { return op(WriteOpKind::kDespawn, 0, entity.value); }
  Hand& put(uint16_t table, EntityId entity) { return op(WriteOpKind::kPut, table, entity.value); }
  Hand& set(uint16_t table, EntityId entity) { return op(WriteOpKind::kSet, table, entity.value); }
  Hand& remove(uint16_t table, EntityId entity) {
    return op(WriteOpKind::kRemove, table, entity.value);
  }
  /// Of the operation before.
  Hand& field(uint16_t id, CanonicalValue value, CanonicalValue base = {}) {
    ++write.ops.back().field_count;
    write.fields.push_back({FieldId{id}, std::move(base), std::move(value)});
    return *this;
  }
  /// In the epoch of a database that was never restored.
  Hand& base(Version version) {
    write.base = version;
    write.epoch = DatabaseOptions{}.epoch;
    return *this;
  }
  Hand& resolves(uint64_t number) {
    write.resolves = number;
    return *this;
  }
};

inline WriteEntry entry_of(const Write& write, uint64_t expires_ns = 0) {
  WriteEntry entry;
  entry.expires_ns = expires_ns;
  ByteWriter out(entry.write);
  encode_fields(write, out);
  return entry;
}

/// A live peer that numbers its writes.
class Writer {
 public:
  Writer(Bench& bench, uint64_t link, std::string_view token = "guest token")
      : bench_(bench), peer_(bench, link) {
    peer_.greet();
    peer_.authenticate(token);
    peer_.receive();
    for (const Received& frame : peer_.take()) {
      if (frame.type == MessageType::kAuthReply) client_ = frame.as<AuthReply>().client;
    }
    peer_.subscribe(1);
    peer_.receive();
    peer_.take();
  }

  Peer& peer() { return peer_; }
  ClientId client() const { return client_; }
  uint64_t last() const { return last_; }
  Writes message(std::vector<WriteEntry> entries, uint64_t settled_below = 0) const {
    return {client_, settled_below, std::move(entries)};
  }
  void send_entries(std::vector<WriteEntry> entries, uint64_t settled_below = 0) {
    peer_.send(MessageType::kWrites, message(std::move(entries), settled_below));
    listen();
  }
  void settle(uint64_t below) { send_entries({}, below); }
  /// Under the next sequence, which it returns.
  uint64_t send(Hand hand, uint64_t expires_ns = 0) {
    hand.write.sequence = ++last_;
    send_entries({entry_of(hand.write, expires_ns)});
    return last_;
  }
  /// Sends and has it decided and published.
  Outcome decide(Hand hand, uint64_t expires_ns = 0) {
    const uint64_t sequence = send(std::move(hand), expires_ns);
    bench_.step([](Transaction&) {});
    listen();
    return outcome(sequence);
  }
  /// What was told of a sequence last; it is an error if nothing was.
  Outcome outcome(uint64_t sequence) const {
    const auto found = outcomes_.find(sequence);
    if (found != outcomes_.end()) return found->second;
    ADD_FAILURE() << "no outcome of " << sequence;
    return {};
  }
  bool has_outcome(uint64_t sequence) const { return outcomes_.contains(sequence); }
  std::vector<WriteRefused> take_refused() { return std::exchange(refused_, {}); }
  /// How often outcomes were told.
  size_t told() const { return told_; }
  size_t head_bytes_max() const { return head_bytes_max_; }
  void listen() {
    peer_.receive();
    for (const Received& frame : peer_.take()) {
      head_bytes_max_ = std::max(head_bytes_max_, frame.head.size());
      if (frame.type == MessageType::kWriteRefused) refused_.push_back(frame.as<WriteRefused>());
      if (frame.type != MessageType::kOutcomes) continue;
      for (Outcome& outcome : frame.as<Outcomes>().outcomes) {
        ++told_;
        outcomes_[outcome.sequence] = std::move(outcome);
      }
    }
  }

 private:
  Bench& bench_;
  Peer peer_;
  ClientId client_;
  uint64_t last_ = 0;
  std::map<uint64_t, Outcome> outcomes_;
  std::vector<WriteRefused> refused_;
  size_t told_ = 0;
  size_t head_bytes_max_ = 0;
};

inline std::string dump_row(const Table& table, RowIndex row) {
  std::string out;
  auto add = [&out](uint64_t value) { out += std::to_string(value) + ","; };
  for (uint16_t field = 0; field < table.field_count(); ++field) {
    const CanonicalValue value = table.field_value(row, field);
    for (const uint64_t one : value.lanes.lane) add(one);
    out += value.text + ";";
  }
  const ChangeMarks& marks = table.marks();
  if (marks.is_kept()) {
    add(marks.birth(row).version.value);
    add(marks.birth(row).by.value);
  }
  for (uint8_t bit = 0; bit < marks.field_count(); ++bit) {
    const FieldMark& mark = marks.field(row, bit);
    for (const uint64_t one : {mark.version.value, mark.by.value, mark.other.value}) add(one);
    if (marks.is_lww(bit)) add(marks.lww(row, bit).stamp);
  }
  return out;
}

/// Rows, who changed them, and which of the entities there are and who removed their rows: all that
/// decides about writes to come.
inline std::string dump(const Database& db, std::span<const EntityId> entities) {
  std::string out;
  for (uint16_t t = 0; t < db.table_count(); ++t) {
    const Table& table = db.table(t);
    std::map<uint64_t, std::string> rows;
    for (RowIndex row = 0; row < table.row_count(); ++row) {
      if (!table.is_removed(row)) rows[table.row(row).entity.value] = dump_row(table, row);
    }
    out += "table " + std::to_string(t) + "\n";
    for (const auto& [entity, row] : rows) out += std::to_string(entity) + ":" + row + "\n";
    for (const EntityId entity : entities) {
      const Removals::Removal* removal = db.removal(t, entity);
      if (removal == nullptr) continue;
      out += "removal " + std::to_string(removal->version.value) + "\n";
    }
  }
  for (const EntityId entity : entities) out += db.exists(entity) ? "+" : "-";
  return out;
}

}  // namespace ecsdb::server_test
