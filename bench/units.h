// The table that the store, fan-out and sync benchmarks share: units that move about.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "ecsdb/base/prng.h"
#include "ecsdb/schema/bind.h"
#include "ecsdb/schema/schema.h"
#include "ecsdb/store/transaction.h"

namespace bench {

struct Unit {
  float x = 0;
  float y = 0;
  int32_t health = 0;
};

inline constexpr uint16_t kUnitTable = 0;
inline constexpr uint16_t kUnitFields = 3;
inline constexpr int64_t kUnitStepsMax = 100'000;  // of x and y; a step is 0.01
inline constexpr int64_t kUnitHealthMax = 1'000;

/// With more than one cell, rows are spread over them by a fourth field that never changes.
ecsdb::Schema unit_schema(uint64_t cells);
/// Inserts `count` random units, one an entity, spread evenly over the cells.
std::vector<ecsdb::EntityId> insert_units(ecsdb::Transaction& tx, uint64_t count, uint64_t cells,
                                          ecsdb::Prng& rng);

/// Draws distinct numbers below a bound, another selection each time.
class Picker {
 public:
  explicit Picker(size_t bound);
  /// `count` of them in random order, valid until the next call; count <= bound.
  std::span<const uint32_t> pick(size_t count, ecsdb::Prng& rng);

 private:
  std::vector<uint32_t> numbers_;
};

}  // namespace bench

template <>
struct ecsdb::Bind<bench::Unit> {
  static constexpr const char* table = "unit";
  static constexpr auto fields =
      std::make_tuple(member("x", &bench::Unit::x), member("y", &bench::Unit::y),
                      member("health", &bench::Unit::health));
};
