// I4, monotonic cut: within an epoch a client's cut never falls, whatever connections come and go,
// and never runs ahead of what was published.
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

  void on_cut(Version cut, Version published, Instant at) {
    if (cut < last_ || cut > published) {
      violations_.add(
          {"monotonic_cut", at, client_, "cut",
           "version " + std::to_string(last_.value) + " to " + std::to_string(published.value),
           std::to_string(cut.value)});
    }
    last_ = cut;
  }
  /// A new process starts from nothing.
  void forget() { last_ = Version{}; }

 private:
  uint32_t client_;
  ViolationLog& violations_;
  Version last_;
};

}  // namespace ecsdb::sim
