// A cell that is not what the server has, and what exactly differed.
#pragma once

#include <string>
#include <vector>

#include "ecsdb/client/client_db.h"

namespace ecsdb {

/// A cell whose digest differed: it is fetched again, and compared when it comes.
struct DivergedCell {
  uint32_t handle = 0;
  uint32_t generation = 0;  // of the wrong one
  uint16_t table = 0;
  CellKey key;
  bool is_replaced = false;
  bool is_reported = false;
  struct HeldRow {
    EntityId entity;
    std::vector<std::string> values;  // as texts, by replicated field
  };
  std::vector<HeldRow> rows;  // as they were held, in order of entity; while it is being replaced

  /// Notes the rows that are held now.
  void remember(const ClientDb& db);
  bool is_held(const ClientDb& db) const;
  /// The first row and field in which what was remembered differs from what the cell holds now.
  std::string difference(const ClientDb& db) const;
};

}  // namespace ecsdb
