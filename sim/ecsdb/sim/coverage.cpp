#include "ecsdb/sim/coverage.h"

#include "ecsdb/base/check.h"

namespace ecsdb::sim {
namespace {

constexpr std::array<std::string_view, kSituations> kNames = {
    "resumes",          "conflations",     "mid_sync_cuts",    "syncs_resumed",  "cell_moves",
    "trimmed_horizons", "resubscriptions", "other_database",   "schema_break",   "rights_changed",
    "cells_unknown",    "fenced",          "sessions_expired", "tickets_passed", "version_wraps",
    "writes_applied",   "writes_merged",   "writes_rejected",  "writes_expired", "writes_unknown",
    "writes_repeated",  "writes_refused",  "server_wins",      "newer_wins",     "older_loses",
    "merges",           "merges_refused",  "remove_wins",      "insert_loses",   "events_told",
    "events_missed",    "client_events",
};
static_assert(!kNames.back().empty());

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
  sum[Situation::kTicketsPassed] += stats.tickets_passed;
  sum[Situation::kWritesApplied] += stats.writes_applied;
  sum[Situation::kWritesMerged] += stats.writes_merged;
  sum[Situation::kWritesRejected] += stats.writes_rejected;
  sum[Situation::kWritesExpired] += stats.writes_expired;
  sum[Situation::kWritesRepeated] += stats.writes_repeated;
  sum[Situation::kWritesRefused] += stats.writes_refused;
}

void Coverage::add(const std::array<uint64_t, kConflictRules>& conflicts) {
  const size_t first = static_cast<size_t>(Situation::kServerWins);
  for (size_t rule = 0; rule < kConflictRules; ++rule) counts[first + rule] += conflicts[rule];
}

}  // namespace ecsdb::sim
