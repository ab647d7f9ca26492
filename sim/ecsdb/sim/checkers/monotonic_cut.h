// I4, monotonic cut: within a history a client's cut never falls, whatever connections come and go,
// and never runs ahead of what was published; and nothing of another history is shown before the
// client has said that a sync begins, or that it cannot go on.
#pragma once

#include <cstdint>
#include <string>

#include "ecsdb/base/ids.h"
#include "ecsdb/sim/checkers/violation.h"

namespace ecsdb::sim {

/// The checker of one client.
class MonotonicCut {
 public:
  MonotonicCut(uint32_t client, ViolationLog& violations)
      : client_(client), violations_(violations) {}

  /// The client has said so.
  void on_announced() { announced_ = true; }
  /// The next cut is of another history.
  void on_other_history(Instant at) {
    last_ = Version{};
    if (announced_) return;
    violations_.add({"monotonic_cut", at, client_, "history",
                     "a reset or a sync that is announced before another history is shown",
                     "nothing announced"});
  }
  void on_cut(Version cut, Version published, Instant at) {
    if (cut < last_ || cut > published) {
      violations_.add(
          {"monotonic_cut", at, client_, "cut",
           "version " + std::to_string(last_.value) + " to " + std::to_string(published.value),
           std::to_string(cut.value)});
    }
    last_ = cut;
    announced_ = false;
  }
  /// A new process starts from nothing.
  void forget() {
    last_ = Version{};
    announced_ = true;
  }

 private:
  uint32_t client_;
  ViolationLog& violations_;
  Version last_;
  bool announced_ = true;  // since the last cut
};

}  // namespace ecsdb::sim
