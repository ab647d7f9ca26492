// What the example of conflicts stands on: a server and clients in one process, joined by memory,
// and the printing of what they come to.
#pragma once

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "ecsdb/client.h"
#include "ecsdb/schema/canonical.h"
#include "ecsdb/server.h"

namespace example {

using ecsdb::Bytes;
using ecsdb::ByteSpan;
using ecsdb::CanonicalValue;
using ecsdb::Client;
using ecsdb::ClientOptions;
using ecsdb::Conflict;
using ecsdb::Duration;
using ecsdb::EntityId;
using ecsdb::FieldDef;
using ecsdb::Instant;
using ecsdb::LinkId;
using ecsdb::MergeSet;
using ecsdb::Now;
using ecsdb::PrincipalId;
using ecsdb::Prng;
using ecsdb::ReplicationServer;
using ecsdb::Schema;
using ecsdb::SecretSource;
using ecsdb::ServerOptions;
using ecsdb::StaticAuthenticator;
using ecsdb::StreamOutput;
using ecsdb::Transaction;
using ecsdb::Value;
using ecsdb::Version;
using ecsdb::WriteDraft;
using ecsdb::WriteOptions;
using ecsdb::WriteOutcome;

constexpr uint16_t kCard = 0;  // the one table, by its index

/// Real ones come from the system: nobody may guess them.
class NoSecrets final : public SecretSource {
 public:
  void draw(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = ++last_;
  }

 private:
  uint8_t last_ = 0;
};

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

struct Peer {
  Peer(const char* its_name, const MergeSet& merges)
      : name(its_name), client(options(its_name, merges), Prng(1)) {
    client.on_outcome([this](const WriteOutcome& outcome) { told.push_back(outcome); });
  }
  static ClientOptions options(const char* name, const MergeSet& merges) {
    ClientOptions out;
    out.name = out.token = name;
    out.merges = merges;
    return out;
  }

  std::string name;
  Client client;
  std::vector<WriteOutcome> told;
  bool is_up = false;
  LinkId client_link;
  LinkId server_link;
};

class World {
 public:
  World(Schema schema, const ServerOptions& options)
      : anna("anna", options.merges),
        ben("ben", options.merges),
        olga("olga", options.merges),
        server_(std::move(schema), options, &tokens_, &secrets_) {
    connect(anna);
    connect(ben);
  }

  Now now() const { return {Instant{time_ms_ * 1'000'000}, 1'700'000'000'000 + time_ms_}; }
  void pass(int64_t ms) {
    time_ms_ += ms;
    server_.on_timer(now());
    for (Peer* peer : peers_) peer->client.on_timer(now());
  }

  // The loopback: what one end offers, the other takes whole and at once.
  void connect(Peer& peer) {
    peers_.push_back(&peer);
    peer.client.subscribe("card", now());
    peer.client.connect(now());
    deliver(peer);
  }
  void cut(Peer& peer) {
    peer.is_up = false;
    server_.on_closed(peer.server_link, now());
    peer.client.on_closed(peer.client_link, now());
  }
  void deliver(Peer& peer) {
    if (const auto dialled = peer.client.next_dial()) {
      peer.client_link = *dialled;
      peer.server_link = LinkId{next_link_++};
      peer.is_up = true;
      server_.on_connected(peer.server_link, now());
      peer.client.on_connected(peer.client_link, now());
    }
    while (peer.is_up && (to_server(peer) || to_client(peer))) {
    }
    while (server_.next_ready()) {  // both ends are asked all the time
    }
  }
  bool to_server(Peer& peer) {
    const Bytes bytes = join(peer.client.output(peer.client_link, now()));
    peer.client.on_sent(peer.client_link, bytes.size(), now());
    server_.on_bytes(peer.server_link, bytes, now());
    return !bytes.empty();
  }
  bool to_client(Peer& peer) {
    const Bytes bytes = join(server_.output(peer.server_link));
    server_.on_sent(peer.server_link, bytes.size(), now());
    peer.client.on_bytes(peer.client_link, bytes, now());
    peer.client.poll(now());
    return !bytes.empty();
  }
  static Bytes join(const StreamOutput& output) {
    Bytes bytes;
    for (const ByteSpan part : output.parts) bytes.insert(bytes.end(), part.begin(), part.end());
    return bytes;
  }

  // The server's loop: decide what has come, do its own step, publish.
  template <class Step>
  Version commit(Step&& step) {
    Transaction transaction = server_.begin(now());
    step(transaction);
    return server_.commit(std::move(transaction), now());
  }
  void decide(Peer& peer) {
    deliver(peer);
    commit([](Transaction&) {});
  }
  void publish() {
    server_.publish(now());
    for (Peer* peer : peers_) deliver(*peer);
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
  const Schema& schema() const { return server_.database().schema(); }
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
  NoSecrets secrets_;
  StaticAuthenticator tokens_{{{"anna", "anna", PrincipalId{1}, {"player"}, {}},
                               {"ben", "ben", PrincipalId{2}, {"player"}, {}},
                               {"olga", "olga", PrincipalId{3}, {"player", "operator"}, {}}}};
  ReplicationServer server_;
  std::vector<Peer*> peers_;
  int64_t time_ms_ = 1000;
  uint64_t next_link_ = 0;
  uint64_t printed_ = 1;
};

}  // namespace example
