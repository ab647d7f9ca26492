// Names of things in violations.
#pragma once

#include <string>

#include "ecsdb/base/hash.h"
#include "ecsdb/schema/canonical.h"
#include "ecsdb/store/cells.h"

namespace ecsdb::sim {

inline std::string cell_name(const Schema& schema, uint16_t table, const CellKey& key) {
  return schema.table(table).name + ", cell " + key.to_string();
}

inline std::string row_name(const Schema& schema, uint16_t table, EntityId entity) {
  return schema.table(table).name + ", entity " + std::to_string(entity.index()) + "/" +
         std::to_string(entity.reuse());
}

/// As 32 hexadecimal digits.
inline std::string digest_text(const Digest& digest) {
  std::string out;
  for (const uint32_t lane : digest.lane) {
    for (int shift = 28; shift >= 0; shift -= 4) out += "0123456789abcdef"[(lane >> shift) & 15];
  }
  return out;
}

}  // namespace ecsdb::sim
