// What the example of conflicts stands on: players, their writes, and the printing of what they
// come to.
#pragma once

#include <cstdio>

#include "ecsdb/schema/canonical.h"

#include "in_process.h"

namespace example {

using ecsdb::CanonicalValue;
using ecsdb::Conflict;
using ecsdb::Duration;
using ecsdb::EntityId;
using ecsdb::FieldDef;
using ecsdb::MergeSet;
using ecsdb::Value;
using ecsdb::WriteDraft;
using ecsdb::WriteOptions;
using ecsdb::WriteOutcome;

constexpr uint16_t kCard = 0;  // the one table, by its index

inline const char* kind_text(WriteOutcome::Kind kind) {
  switch (kind) {
    case WriteOutcome::Kind::kApplied:
      return "applied";
    case WriteOutcome::Kind::kMerged:
      return "merged";
    case WriteOutcome::Kind::kRejected:
      return "rejected";
    case WriteOutcome::Kind::kExpired:
      return "expired";
    case WriteOutcome::Kind::kUnknown:
      return "unknown";
  }
  return "?";
}

struct Peer : Joined {
  Peer(const char* its_name, const MergeSet& merges) : Joined(options(its_name, merges)) {
    client.on_outcome([this](const WriteOutcome& outcome) { told.push_back(outcome); });
  }
  static ClientOptions options(const char* name, const MergeSet& merges) {
    ClientOptions out = options_of(name);
    out.merges = merges;
    return out;
  }

  std::vector<WriteOutcome> told;
};

class World : public InProcess {
 public:
  World(Schema schema, const ServerOptions& options)
      : InProcess(std::move(schema), options,
                  {{"anna", "anna", PrincipalId{1}, {"player"}, {}},
                   {"ben", "ben", PrincipalId{2}, {"player"}, {}},
                   {"olga", "olga", PrincipalId{3}, {"player", "operator"}, {}}}),
        anna("anna", options.merges),
        ben("ben", options.merges),
        olga("olga", options.merges) {
    connect(anna);
    connect(ben);
  }

  void connect(Peer& peer) {
    peer.client.subscribe("card", now());
    join(peer);
  }
  void decide(Peer& peer) {
    deliver(peer);
    commit([](Transaction&) {});
  }
  // A client's writes.
  template <class Fill>
  void write(Peer& peer, Fill&& fill, const WriteOptions& write_options = {}) {
    pass(1);
    WriteDraft draft = peer.client.begin().value();
    fill(draft);
    ECSDB_CHECK(peer.client.submit(std::move(draft), write_options, now()).ok());
  }
  void set(Peer& peer, EntityId card, const char* field, const Value& value,
           const WriteOptions& write_options = {}) {
    write(
        peer,
        [&](WriteDraft& draft) { ECSDB_CHECK(draft.set(kCard, card, index(field), value).ok()); },
        write_options);
    std::printf("%-5s writes  %s, and sees %s at once\n", peer.name.c_str(),
                text(field, value).c_str(), shown(peer, card, field).c_str());
  }

  // Printing.
  uint16_t index(const char* field) const { return *schema().field_index(kCard, field); }
  std::string text(const FieldDef& def, const Value& value) const {
    return format_value(schema(), def, value);
  }
  std::string text(const char* field, const Value& value) const {
    return std::string(field) + " = " + text(schema().table(kCard).fields[index(field)], value);
  }
  std::string shown(const Peer& peer, EntityId card, const char* field) const {
    const auto value = peer.client.predicted().value(kCard, card, index(field));
    if (!value.ok()) return "no row";
    return text(schema().table(kCard).fields[index(field)], *value);
  }
  void print_outcomes(Peer& peer) {
    for (const WriteOutcome& outcome : std::exchange(peer.told, {})) {
      std::string line = kind_text(outcome.kind);
      if (outcome.version != Version{}) {
        line += " in version " + std::to_string(outcome.version.value);
      }
      if (outcome.code != ecsdb::ErrorCode::kOk) {
        line += ": " + std::string(ecsdb::error_name(outcome.code)) + " (" + outcome.reason + ")";
      }
      for (const WriteOutcome::Final& final : outcome.finals) {
        const FieldDef& def = schema().table(final.table).fields[final.field];
        line += ": " + def.name + " has become " + text(def, final.value);
      }
      std::printf("%-5s is told %s\n", peer.name.c_str(), line.c_str());
    }
  }
  void print_stored(EntityId card, const char* field) const {
    const auto value = server_.database().value(kCard, card, index(field));
    std::printf("stored        %s; anna sees %s, ben sees %s\n",
                value.ok() ? text(field, *value).c_str() : "no row",
                shown(anna, card, field).c_str(), shown(ben, card, field).c_str());
  }
  /// Those that were not printed yet.
  void print_conflicts() {
    for (; printed_ < server_.conflicts().end_number(); ++printed_) print_conflict(printed_);
  }
  void print_conflict(uint64_t number) const {
    const Conflict& conflict = *server_.conflicts().find(number);
    std::printf("conflict %-4llu %s: principal %llu, write %llu, base version %llu\n",
                static_cast<unsigned long long>(number),
                std::string(ecsdb::conflict_rule_name(conflict.rule)).c_str(),
                static_cast<unsigned long long>(conflict.principal.value),
                static_cast<unsigned long long>(conflict.sequence),
                static_cast<unsigned long long>(conflict.base_version.value));
    for (const FieldDef& def : schema().table(kCard).fields) {
      if (def.id != conflict.field) continue;
      const auto part = [&](const CanonicalValue& value) {
        return text(def, from_canonical(def, value));
      };
      std::printf("              %s: base %s, server %s, mine %s, result %s\n", def.name.c_str(),
                  part(conflict.base).c_str(), part(conflict.server).c_str(),
                  part(conflict.mine).c_str(), part(conflict.result).c_str());
    }
    if (conflict.resolved_by == 0) return;
    std::printf("              settled by client %llu\n",
                static_cast<unsigned long long>(conflict.resolved_by));
  }
  void print_all(EntityId card, const char* field) {
    print_outcomes(anna);
    print_outcomes(ben);
    print_stored(card, field);
    print_conflicts();
  }
  const ecsdb::ServerStats& stats() const { return server_.stats(); }
  const ecsdb::ConflictLog& conflicts() const { return server_.conflicts(); }

  Peer anna;
  Peer ben;
  Peer olga;

 private:
  uint64_t printed_ = 1;
};

}  // namespace example
