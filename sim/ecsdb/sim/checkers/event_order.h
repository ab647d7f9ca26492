// Events of the schema (I12): each is told as it was emitted, at most once, in order, with an
// advance that has its version, and what is lost of those that are for everyone is counted.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ecsdb/client/client.h"
#include "ecsdb/server/replication_server.h"
#include "ecsdb/sim/checkers/violation.h"

namespace ecsdb::sim {

/// What one server has emitted. The first field of every event of the scenario is its serial, which
/// rises from event to event, of whatever kind.
class EventBook {
 public:
  struct Entry {
    uint16_t event = 0;
    EntityId entity;
    Version version;
    uint64_t news = 0;  // how many for everyone there were up to it
  };

  uint64_t next_serial() const { return entries_.size() + 1; }
  /// In the open transaction, with that serial.
  void emit(uint16_t event, EntityId entity, bool is_for_everyone);
  void commit(Version version);
  void drop();
  /// Null if there is none.
  const Entry* find(uint64_t serial) const;

 private:
  std::vector<Entry> entries_;  // by serial, from 1
  size_t committed_ = 0;
  uint64_t news_ = 0;
};

/// What one client is told.
class EventOrder {
 public:
  EventOrder(uint32_t client, ViolationLog& violations)
      : client_(client), violations_(violations) {}

  /// A new process, or another server.
  void forget() { last_serial_ = 0; }
  /// Before a step of poll().
  void begin_step(Version cut) { cut_before_ = cut; }
  /// Inside of it, of the server whose book it is, over a link. `missed`: by the client's count.
  void on_event(const EventBook& book, LinkId link, const Event& event, Version cut,
                uint64_t missed, Instant at);
  uint64_t told() const { return told_; }

 private:
  void report(Instant at, std::string where, std::string expected, std::string got);
  void check_news(const EventBook::Entry& entry, LinkId link, uint64_t missed, Instant at);

  uint32_t client_;
  ViolationLog& violations_;
  uint64_t last_serial_ = 0;
  Version cut_before_;
  LinkId news_link_;  // over which the last news came
  uint64_t news_ = 0;
  uint64_t missed_ = 0;  // by then
  uint64_t told_ = 0;
};

/// What clients have sent to one server: of each client in order, at most once.
class ClientEventOrder {
 public:
  explicit ClientEventOrder(ViolationLog& violations) : violations_(violations) {}
  void on_event(const ClientMessage& message, Instant at);
  uint64_t count() const { return count_; }

 private:
  ViolationLog& violations_;
  std::map<ClientId, uint64_t> last_;
  uint64_t count_ = 0;
};

}  // namespace ecsdb::sim
