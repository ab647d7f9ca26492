// What an application sees of its own writes (I7 read-your-writes, I8 causal order in one client):
//   - a pending write is shown until it is decided, and nothing of it moves outside of poll()
//   - its outcome comes in the same step as its effect, once, in the order of submission
//   - with nothing pending, what is shown is what is confirmed
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "ecsdb/client/client.h"
#include "ecsdb/sim/checkers/violation.h"

namespace ecsdb::sim {

/// Of one client's process. Fields with the policies server and lww show what was written last;
/// merges are looked at by others.
class OwnWrites {
 public:
  struct Touched {
    uint16_t table = 0;
    EntityId entity;  // perhaps provisional
    uint16_t field = 0;
    Value value;
    bool is_merged = false;
    bool is_reset = false;  // the whole row, or (kEveryTable) every row of the entity
  };
  static constexpr uint16_t kEveryTable = 0xffff;

  OwnWrites(uint32_t client, ViolationLog& violations) : client_(client), violations_(violations) {}

  /// A new process.
  void forget();
  void on_submitted(const Client& client, WriteId id, std::vector<Touched> touched, Instant at);
  /// Before poll() takes one step, with what the server of the given number has said.
  void begin_step(const Client& client, size_t life);
  /// Inside of it.
  void on_outcome(const Client& client, const WriteOutcome& outcome, Instant at);
  void end_step(const Client& client, Instant at);
  /// Bytes have arrived, or time has passed: nothing may have moved.
  void on_input(const Client& client, Instant at);
  /// Everything is decided.
  void check_at_rest(const Client& client, Instant at);

  size_t pending() const { return pending_.size(); }
  uint64_t outcomes(WriteOutcome::Kind kind) const { return outcomes_[static_cast<size_t>(kind)]; }

 private:
  struct Shown {
    uint16_t table = 0;
    EntityId entity;
    uint16_t field = 0;
    auto operator<=>(const Shown&) const = default;
  };
  void look(const Client& client);
  void check_shown(const Client& client, Instant at);
  void report(const char* invariant, Instant at, std::string where, std::string expected,
              std::string got);

  uint32_t client_;
  ViolationLog& violations_;
  std::map<WriteId, std::vector<Touched>> pending_;
  std::map<Shown, std::string> shown_;  // by pending writes, as it was last looked at
  uint64_t outcomes_[5] = {};
  WriteId last_decided_;
  Version last_version_;  // in the history of
  size_t life_ = 0;
  bool was_live_ = false;
  Version cut_before_;
};

}  // namespace ecsdb::sim
