// A database as bytes: what snapshot.cpp writes and restore.cpp reads.
//
//   8 bytes  "ecsdbsnp"
//   varint   format, 3
//   varint n, n bytes: the schema in canonical form
//   u64 u64  database id, high and low;  varint epoch
//   varint   horizon_versions_max;  varint tombstones_max;  varint entities_max
//   varint   head;  varint published
//   varint n, then n entity slots: varint reuse * 2 + alive, varint epoch
//   varint n, then n free slots: varint index, the next one to be used last
//   for each table:
//     varint   forgotten;  varint forgotten publishes
//     varint n, then n cells with rising keys:
//       u8 kind, zigzag varints: x (value, owner), x y z (grid), nothing (one, none)
//       varint changed, published, published_before, horizon, publishes
//       varint n, then n rows, oldest first:
//         varint entity index;  varint changed - changed of the row before;  varint changed - born
//         each lane: zigzag varint (signed), varint (unsigned), 4 or 8 bytes (float)
//         each text: varint n, n bytes
//       in tables with history: varint n, then n rows that have one, rising by entity index:
//         varint entity index - that of the one before - 1;  u8 age + 16 * steady;
//         varint last, varint before (replicated bits of fields)
//         each predicted lane, by field: u8 magnitude; unless that is kMagnitudeNone: u8 trend + 2,
//           and of age 1 where the field is in `last`: zigzag varint last change
//   varint n, then n tombstones, oldest first:
//     varint version - version of the one before;  varint table;  varint cell, counted by key;
//     u64 entity;  u8 left + 2 * shown
//   u64 u64  hash128 of all bytes before, high and low
//
// History is that of the last publish, of rows that have not changed since; others begin anew.
// A row's entity is the live one at its index, so its generation is not repeated. Row slots and
// cell indices are not part of the state: a restored database numbers them anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ecsdb {

inline constexpr std::string_view kSnapshotMagic = "ecsdbsnp";
inline constexpr uint64_t kSnapshotFormat = 3;
inline constexpr size_t kSnapshotHashBytes = 16;
inline constexpr unsigned kSnapshotSteady = 16;  // in the age of a row's history

}  // namespace ecsdb
