// I3, filtered prefix: at every cut a client shows exactly the model at that version, restricted to
// the cells it subscribed to and may read. No row of another cell, none missing, none of another
// version.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ecsdb/client/client_db.h"
#include "ecsdb/sim/checkers/model.h"
#include "ecsdb/sim/checkers/violation.h"
#include "ecsdb/sim/client_interest.h"

namespace ecsdb::sim {

/// The checker of one client. The model, the interest and the log outlive it.
class FilteredPrefix {
 public:
  /// Cuts between two comparisons of every row by value.
  static constexpr uint64_t kRowsEvery = 64;
  /// Cuts between two searches for cells that should be held and are not.
  static constexpr uint64_t kMissingEvery = 8;

  FilteredPrefix(const Model& model, const ClientInterest& interest, uint32_t client,
                 ViolationLog& violations)
      : model_(&model), interest_(interest), client_(client), violations_(violations) {}

  /// From now on cuts are of another history.
  /// `staged`: cells that enter may come later than others, beside what is shown.
  void show(const Model& model, bool staged) {
    model_ = &model;
    staged_ = staged;
    forget();
  }

  /// The client has come to a cut: compares every held cell by digest and row count, and now and
  /// then all values. Returns a hash of the client's state.
  uint64_t on_cut(ClientDb& db, Instant at);
  /// Everything, row by row through the public reads.
  void compare_all(ClientDb& db, Instant at);
  /// What keeps the client from being a whole and exact image of the model's head, restricted to
  /// all it asked for; nothing if it is. Reports nothing.
  std::optional<std::string> difference_at_head(ClientDb& db);
  /// The client's process is gone, and what it held.
  void forget() {
    held_.clear();
    last_ = LastSearch{};
  }

 private:
  struct Known {  // by handle
    uint32_t generation = 0;
    uint64_t revision = 0;            // of the interest when it was allowed
    const ModelCell* cell = nullptr;  // null: not looked up
  };

  struct LastSearch {       // for cells that are missing
    uint64_t revision = 0;  // of the interest
    Version cut;
    std::vector<uint32_t> times_held;
  };

  bool must_be_held(const ModelCell& cell, Version cut) const;
  const ModelCell* resolve(const HeldCell& held, Known& known, Version cut, Instant at);
  void check_cell(ClientDb& db, size_t handle, const ModelCell& cell, Instant at);
  void check_row_totals(const ClientDb& db, Instant at);
  void check_missing(const ClientDb& db, Instant at);
  void mark_held(const ClientDb& db);
  void compare_row(const ClientDb& db, uint16_t table, RowIndex row, Instant at);
  void report(Instant at, std::string where, std::string expected, std::string got);

  const Model* model_;
  const ClientInterest& interest_;
  uint32_t client_;
  ViolationLog& violations_;
  uint64_t cuts_ = 0;
  bool staged_ = false;
  LastSearch last_;
  std::vector<Known> held_;
  std::vector<uint64_t> rows_by_table_;
  std::vector<uint32_t> times_held_;  // scratch, by ModelCell::index
};

}  // namespace ecsdb::sim
