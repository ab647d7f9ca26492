// What must occur in simulations for them to mean something: judge the generator, not only the
// product.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ecsdb/server/replication_server.h"

namespace ecsdb::sim {

/// Situations in the life of a session. Names are keys of the JSON output.
enum class Situation : uint8_t {
  kResumes,          // a client went on from where it was
  kConflations,      // publishes that a client got as part of a later advance
  kMidSyncCuts,      // a connection ended in the middle of a sync
  kSyncsResumed,     // that was gone on with
  kCellMoves,        // rows that went from one cell to another
  kTrimmedHorizons,  // cells that were replaced, since their history was forgotten
  kResubscriptions,  // changes of subscriptions while a client runs
  kOtherDatabase,    // RESETs by reason, these and the next
  kSchemaBreak,
  kRightsChanged,
  kCellsUnknown,
  kFenced,           // connections that a newer one of their session ended
  kSessionsExpired,  // sessions that waited for too long
  kTicketsPassed,    // dials that came after a later one's ticket was in use
  kVersionWraps,     // servers whose versions passed 2^16 or 2^32
  kWritesApplied,    // of clients, by outcome, these and the next
  kWritesMerged,
  kWritesRejected,
  kWritesExpired,
  kWritesUnknown,   // that the server forgot, or was late to decide
  kWritesRepeated,  // that came again
  kWritesRefused,   // for now
  kServerWins,      // conflicts by rule, these and the next
  kNewerWins,
  kOlderLoses,
  kMerges,
  kMergesRefused,
  kRemoveWins,
  kInsertLoses,
  kEventsTold,    // to clients
  kEventsMissed,  // and counted as lost
  kClientEvents,  // told to servers
  kCount_,
};
constexpr size_t kSituations = static_cast<size_t>(Situation::kCount_);

/// Stable snake_case name.
std::string_view situation_name(Situation situation);

/// How often each occurred. A value.
struct Coverage {
  std::array<uint64_t, kSituations> counts{};

  uint64_t& operator[](Situation situation) { return counts[static_cast<size_t>(situation)]; }
  uint64_t operator[](Situation situation) const { return counts[static_cast<size_t>(situation)]; }
  /// Takes in what one server counted.
  void add(const ServerStats& stats);
  /// Conflicts of one server, by rule.
  void add(const std::array<uint64_t, kConflictRules>& conflicts);
};

}  // namespace ecsdb::sim
