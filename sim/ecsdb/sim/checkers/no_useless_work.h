// I16, no useless work: a client dials as its back-off says and not more often, gets a full sync
// only where it has nothing to go on from, and is told so only where that is so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ecsdb/client/client.h"
#include "ecsdb/sim/checkers/violation.h"

namespace ecsdb::sim {

/// The checker of one client. The log outlives it.
class NoUselessWork {
 public:
  NoUselessWork(uint32_t client, ViolationLog& violations)
      : client_(client), violations_(violations) {}

  /// A new process, which has nothing.
  void on_launch(const ClientOptions& options);
  /// The application asks for a connection: the next dial may come at once.
  void on_connect() { closed_at_.reset(); }
  /// The process stood still: what it does may come late.
  void on_paused() { late_ = true; }
  /// A connection to a server with another schema than what is held has begun: the client knows
  /// that nobody can go on from there, and need not be told.
  void on_other_schema() { may_sync_ = true; }
  void on_dial(Instant at);
  /// Before what it means is taken in elsewhere.
  void on_event(const ClientEvent& event, Instant at);

  /// What the world knows of the position that a reset makes void. To be told before the event.
  struct Position {
    bool same_database = true;  // as the connection's
    bool same_schema = true;
    bool within_horizon = true;  // nothing after it can have been forgotten
  };
  void on_reset(ResetReason reason, const Position& position, Instant at);

 private:
  void on_closed(ErrorCode code, Instant at);
  void report(Instant at, std::string where, std::string expected, std::string got);

  uint32_t client_;
  ViolationLog& violations_;
  ClientOptions options_;
  bool may_sync_ = true;  // it holds nothing that a server has agreed to go on from
  int failures_ = 0;      // since it was live
  bool late_ = false;
  std::optional<Instant> closed_at_;
  Duration delay_least_;
  Duration delay_most_;
};

}  // namespace ecsdb::sim
