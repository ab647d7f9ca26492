// A database as bytes: what snapshot.cpp writes and restore.cpp reads.
//
//   8 bytes  "ecsdbsnp"
//   varint   format, 1
//   varint n, n bytes: the schema in canonical form
//   u64 u64  database id, high and low;  varint epoch
//   varint   horizon_versions_max;  varint tombstones_max;  varint entities_max
//   varint   head;  varint published
//   varint n, then n entity slots: varint reuse * 2 + alive, varint epoch
//   varint n, then n free slots: varint index, the next one to be used last
//   for each table:
//     varint   forgotten
//     varint n, then n cells with rising keys:
//       u8 kind, zigzag varints: x (value, owner), x y z (grid), nothing (one, none)
//       varint changed, published, published_before, horizon
//       varint n, then n rows, oldest first:
//         varint entity index;  varint changed - changed of the row before;  varint changed - born
//         each lane: zigzag varint (signed), varint (unsigned), 4 or 8 bytes (float)
//         each text: varint n, n bytes
//   varint n, then n tombstones, oldest first:
//     varint version - version of the one before;  varint table;  varint cell, counted by key;
//     u64 entity;  u8 left + 2 * shown
//   u64 u64  hash128 of all bytes before, high and low
//
// A row's entity is the live one at its index, so its generation is not repeated. Row slots and
// cell indices are not part of the state: a restored database numbers them anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ecsdb {

inline constexpr std::string_view kSnapshotMagic = "ecsdbsnp";
inline constexpr uint64_t kSnapshotFormat = 1;
inline constexpr size_t kSnapshotHashBytes = 16;

}  // namespace ecsdb
