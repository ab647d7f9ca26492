// Values that workloads write.
#pragma once

#include <vector>

#include "ecsdb/base/prng.h"
#include "ecsdb/store/transaction.h"

namespace ecsdb::sim {

/// A legal value of a field of one of the scenario's schemas; `people` are entities to refer to.
Value draw_value(const Schema& schema, uint16_t table, uint16_t field,
                 std::span<const EntityId> people, Prng& rng);
/// A value that the field must refuse. The field must be of a type that has such values.
Value draw_illegal_value(const FieldDef& field);
bool has_illegal_values(const FieldDef& field);
/// Some fields of a row, each at most once, never server_only ones; at least one.
std::vector<FieldValue> draw_change(const Schema& schema, uint16_t table,
                                    std::span<const EntityId> people, Prng& rng);
/// All fields, or some of them: the rest gets its default.
std::vector<FieldValue> draw_row(const Schema& schema, uint16_t table,
                                 std::span<const EntityId> people, Prng& rng);
/// A position a short way from another one, inside the map.
Vec2f draw_step(const Vec2f& from, Prng& rng);

}  // namespace ecsdb::sim
