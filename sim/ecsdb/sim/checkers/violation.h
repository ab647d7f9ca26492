// What a checker says when the product is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/base/time.h"

namespace ecsdb::sim {

/// One broken invariant: where, what was expected and what was found. A value.
struct Violation {
  std::string invariant;  // stable snake_case name
  Instant at;             // virtual time
  int64_t client = -1;    // -1: the server
  std::string where;      // table, cell, entity, field: as far as it is known
  std::string expected;
  std::string got;

  bool operator==(const Violation&) const = default;
};

/// Several lines for a person.
std::string violation_text(const Violation& violation);

/// Collects violations in order; the first ones are kept, all are counted. A liveness violation (no
/// convergence) is told from the safety ones, since it has an exit code of its own.
class ViolationLog {
 public:
  static constexpr size_t kKept = 8;

  void add(Violation violation) {
    ++count_;
    if (kept_.size() < kKept) kept_.push_back(std::move(violation));
  }
  void add_liveness(Violation violation) {
    if (stuck_.size() < kKept) stuck_.push_back(std::move(violation));
  }
  uint64_t count() const { return count_; }
  bool safe() const { return count_ == 0; }
  bool live() const { return stuck_.empty(); }
  const std::vector<Violation>& kept() const { return kept_; }
  const std::vector<Violation>& stuck() const { return stuck_; }

 private:
  uint64_t count_ = 0;
  std::vector<Violation> kept_;
  std::vector<Violation> stuck_;
};

}  // namespace ecsdb::sim
