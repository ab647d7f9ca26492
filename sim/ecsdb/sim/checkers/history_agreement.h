// History agreement: what packed blocks predict from is the same at the server and at every client
// that stands at the same version. Digests do not cover it, and a difference would show in
// values only when the row concerned changes again, if then.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "ecsdb/client/client_db.h"
#include "ecsdb/sim/checkers/violation.h"
#include "ecsdb/store/database.h"

namespace ecsdb::sim {

/// Of one cell: the number of its publishes, and the sum of its rows' history hashes.
struct HistorySum {
  uint32_t publishes = 0;
  uint64_t rows = 0;
  bool operator==(const HistorySum&) const = default;
};

/// The server's histories at some of its published versions. Single-threaded.
class PublishedHistory {
 public:
  /// Publishes between two of them.
  static constexpr uint64_t kEvery = 16;
  using Cells = std::map<std::pair<uint16_t, CellKey>, HistorySum>;

  /// After each publish.
  void on_publish(const Database& db);
  /// Cells of tables with history at that version, or null if it is not one of those.
  const Cells* at(Version version) const;

 private:
  uint64_t publishes_ = 0;
  std::map<Version, Cells> versions_;
};

/// The checker of one client. The record and the log outlive it.
class HistoryAgreement {
 public:
  HistoryAgreement(const PublishedHistory& published, uint32_t client, ViolationLog& violations)
      : published_(&published), client_(client), violations_(violations) {}

  /// From now on cuts are of another history.
  void show(const PublishedHistory& published) { published_ = &published; }
  /// The client has come to a cut.
  void on_cut(const ClientDb& db, Instant at);

 private:
  const PublishedHistory* published_;
  uint32_t client_;
  ViolationLog& violations_;
};

}  // namespace ecsdb::sim
