#include "units.h"

#include <numeric>
#include <utility>

#include "ecsdb/schema/schema_builder.h"

namespace bench {

using ecsdb::EntityId;
using ecsdb::FieldType;
using ecsdb::FieldValue;

ecsdb::Schema unit_schema(uint64_t cells) {
  ecsdb::SchemaBuilder builder("bench");
  builder.table(1, "unit").codec(ecsdb::CodecTier::kPlain);
  if (cells > 1) builder.by("room");
  builder.field(1, "x", FieldType::kF32).precision(0.01);
  builder.field(2, "y", FieldType::kF32).precision(0.01);
  builder.field(3, "health", FieldType::kI32);
  if (cells > 1) builder.field(4, "room", FieldType::kU32);
  return builder.build().value();
}

std::vector<EntityId> insert_units(ecsdb::Transaction& tx, uint64_t count, uint64_t cells,
                                   ecsdb::Prng& rng) {
  std::vector<EntityId> entities;
  for (uint64_t i = 0; i < count; ++i) {
    const EntityId entity = tx.create().value();
    const FieldValue values[] = {
        {0, static_cast<double>(rng.between(-kUnitStepsMax, kUnitStepsMax)) * 0.01},
        {1, static_cast<double>(rng.between(-kUnitStepsMax, kUnitStepsMax)) * 0.01},
        {2, rng.between(0, kUnitHealthMax)},
        {3, i % cells},
    };
    const size_t given = cells > 1 ? 4 : 3;
    const ecsdb::Status status = tx.insert(kUnitTable, entity, std::span(values, given));
    ECSDB_CHECK(status.ok());
    entities.push_back(entity);
  }
  return entities;
}

Picker::Picker(size_t bound) : numbers_(bound) {
  std::iota(numbers_.begin(), numbers_.end(), uint32_t{0});
}

std::span<const uint32_t> Picker::pick(size_t count, ecsdb::Prng& rng) {
  ECSDB_CHECK(count <= numbers_.size());
  for (size_t i = 0; i < count; ++i) {
    std::swap(numbers_[i], numbers_[i + rng.below(numbers_.size() - i)]);
  }
  return std::span(numbers_).first(count);
}

}  // namespace bench
