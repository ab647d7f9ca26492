// I1, model agreement: after every commit the server's state is the model's.
#pragma once

#include <cstdint>

#include "ecsdb/server/replication_server.h"
#include "ecsdb/sim/checkers/model.h"
#include "ecsdb/sim/checkers/violation.h"

namespace ecsdb::sim {

class ModelAgreement {
 public:
  /// Commits between two comparisons of everything.
  static constexpr uint64_t kFullEvery = 64;

  ModelAgreement(const Model& model, ViolationLog& violations)
      : model_(model), violations_(violations) {}

  /// After a commit on both sides: the cells it changed, by digest; now and then all of it.
  void on_commit(ReplicationServer& server, Instant at);
  /// Every cell by digest and every row by value, server_only fields too.
  void compare_all(ReplicationServer& server, Instant at);

 private:
  void compare_cell(ReplicationServer& server, const ModelCell& cell, Instant at);
  void compare_rows(const Database& db, uint16_t table, Instant at);
  void report(Instant at, std::string where, std::string expected, std::string got);

  const Model& model_;
  ViolationLog& violations_;
  uint64_t commits_ = 0;
};

}  // namespace ecsdb::sim
