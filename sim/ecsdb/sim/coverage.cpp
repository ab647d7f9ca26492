#include "ecsdb/sim/coverage.h"

#include "ecsdb/base/check.h"

namespace ecsdb::sim {
namespace {

constexpr std::array<std::string_view, kSituations> kNames = {
    "resumes",          "conflations",     "mid_sync_cuts",    "syncs_resumed", "cell_moves",
    "trimmed_horizons", "resubscriptions", "other_database",   "schema_break",  "rights_changed",
    "cells_unknown",    "fenced",          "sessions_expired", "version_wraps",
};

}  // namespace

std::string_view situation_name(Situation situation) {
  ECSDB_CHECK(static_cast<size_t>(situation) < kSituations);
  return kNames[static_cast<size_t>(situation)];
}

void Coverage::add(const ServerStats& stats) {
  Coverage& sum = *this;
  const auto resets = [&](ResetReason reason) { return stats.resets[static_cast<size_t>(reason)]; };
  sum[Situation::kResumes] += stats.resumes;
  sum[Situation::kConflations] += stats.conflated;
  sum[Situation::kMidSyncCuts] += stats.syncs_cut;
  sum[Situation::kSyncsResumed] += stats.syncs_resumed;
  sum[Situation::kTrimmedHorizons] += stats.cells_trimmed;
  sum[Situation::kOtherDatabase] += resets(ResetReason::kOtherDatabase);
  sum[Situation::kSchemaBreak] += resets(ResetReason::kSchemaBreak);
  sum[Situation::kRightsChanged] += resets(ResetReason::kRightsChanged);
  sum[Situation::kCellsUnknown] += resets(ResetReason::kCellsUnknown);
  sum[Situation::kFenced] += stats.fenced;
  sum[Situation::kSessionsExpired] += stats.sessions_expired;
}

}  // namespace ecsdb::sim
