#include "server/cubes_feed.h"

#include "ecsdb/base/check.h"

namespace ecsdb {
namespace {

constexpr double kPositionStep = 1.0 / 512;
constexpr uint8_t kOrientationBits = 9;

/// Columns of the trace that make up one field.
struct Columns {
  size_t first;
  size_t count;
};
constexpr Columns kOrientationColumns{0, 4};
constexpr Columns kPositionColumns{4, 3};
constexpr Columns kInteractingColumns{7, 1};

Error mismatch(const std::string& what) {
  return fail(ErrorCode::kSchemaMismatch,
              "the feed `cubes` " + what + "; see examples/cubes/cubes.toml");
}

Result<uint16_t> find_field(const Schema& schema, uint16_t table, const char* name,
                            FieldType type) {
  const auto field = schema.field_index(table, name);
  if (!field || schema.table(table).fields[*field].type != type) {
    return mismatch("needs a field " + std::string(name) + " of type " +
                    std::string(field_type_name(type)) + " in the table cube");
  }
  return *field;
}

}  // namespace

Result<CubesFeed> CubesFeed::make(const Schema& schema, CubesTrace trace) {
  CubesFeed feed(std::move(trace));
  const auto table = schema.table_index("cube");
  if (!table) return mismatch("needs a table cube");
  feed.table_ = *table;
  const auto position = find_field(schema, *table, "position", FieldType::kVec3f);
  if (!position.ok()) return position.error();
  const auto orientation = find_field(schema, *table, "orientation", FieldType::kQuatf);
  if (!orientation.ok()) return orientation.error();
  const auto interacting = find_field(schema, *table, "interacting", FieldType::kBool);
  if (!interacting.ok()) return interacting.error();
  feed.position_ = *position;
  feed.orientation_ = *orientation;
  feed.interacting_ = *interacting;
  const Quantise& steps = schema.table(*table).fields[*position].quantise;
  if (steps.kind != QuantiseKind::kPrecision || steps.precision != kPositionStep) {
    return mismatch("needs the precision 0.001953125 (1/512) for cube.position");
  }
  const Quantise& parts = schema.table(*table).fields[*orientation].quantise;
  if (parts.kind != QuantiseKind::kQuat || parts.bits != kOrientationBits) {
    return mismatch("needs 9 bits for cube.orientation");
  }
  return feed;
}

Status CubesFeed::fill(Transaction& change) {
  ECSDB_CHECK(entities_.empty());
  for (size_t row = 0; row < kCubesRows; ++row) {
    const Result<EntityId> entity = change.create();
    if (!entity.ok()) return entity.error();
    ECSDB_TRY(change.insert(table_, *entity, {}));
    entities_.push_back(*entity);
  }
  return show(change, 0);
}

Status CubesFeed::step(Transaction& change) {
  ECSDB_CHECK(!entities_.empty());
  ECSDB_TRY(show(change, trace_.frame_at_step(step_ + 1)));
  ++step_;
  return {};
}

Status CubesFeed::show(Transaction& change, size_t frame) {
  const std::span<const int32_t> values = trace_.frame(frame);
  const auto set = [&](uint16_t field, Columns columns) {
    lanes_.clear();
    for (size_t row = 0; row < kCubesRows; ++row) {
      const auto part = values.subspan(row * kCubesColumns + columns.first, columns.count);
      // Signed lanes are sign-extended. The trace's integers are the canonical ones of the fields.
      for (const int32_t value : part) lanes_.push_back(static_cast<uint64_t>(int64_t{value}));
    }
    return change.set_many(table_, field, entities_, lanes_);
  };
  ECSDB_TRY(set(orientation_, kOrientationColumns));
  ECSDB_TRY(set(position_, kPositionColumns));
  return set(interacting_, kInteractingColumns);
}

}  // namespace ecsdb
