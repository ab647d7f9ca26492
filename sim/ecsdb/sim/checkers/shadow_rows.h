// Callback agreement: a copy of the replica that is kept by nothing but its callbacks, and reads
// inside of them, is the replica; nothing is told to have changed that did not; and what is told to
// be inserted or removed was.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "ecsdb/client/client.h"
#include "ecsdb/sim/checkers/model.h"
#include "ecsdb/sim/checkers/violation.h"

namespace ecsdb::sim {

/// The checker of one client; the client's callbacks refer to it.
class ShadowRows {
 public:
  /// Polls between two comparisons of everything.
  static constexpr uint64_t kCompareEvery = 16;

  ShadowRows(uint32_t client, ViolationLog& violations)
      : client_(client), violations_(violations) {}

  /// A new client object: starts anew and registers for every table.
  void attach(Client& client, const Schema& schema);
  /// After a poll that applied something.
  void on_polled(Instant at);
  void compare_all(Instant at);
  /// Before a poll: instant for the reports of callbacks, and whose history they tell of.
  void begin_poll(const Model& model, Instant at) {
    model_ = &model;
    now_ = at;
  }

 private:
  using RowKey = std::pair<uint16_t, EntityId>;

  void on_row(const RowEvent& event);
  bool may_return(const RowKey& key);
  void on_entity(const EntityEvent& event);
  void read_fields(const RowEvent& event, std::vector<Value>& values, uint64_t mask);
  void check_kind(const RowEvent& event);
  void report(Instant at, std::string where, std::string expected, std::string got);

  uint32_t client_;
  ViolationLog& violations_;
  Instant now_;
  const Model* model_ = nullptr;
  Version last_cut_;  // at the end of the last poll that applied something
  uint64_t polls_ = 0;
  Client* source_ = nullptr;
  Hash128 schema_;              // at the last comparison
  std::set<RowKey> returning_;  // that left with their schema, and are there with another one
  std::map<RowKey, std::vector<Value>> rows_;
  std::map<EntityId, uint32_t> rows_of_;  // how many, of those with at least one
  std::set<EntityId> entities_;           // as entity events tell
};

}  // namespace ecsdb::sim
