// Faults as data: what occurs, when and to whom.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/base/result.h"
#include "ecsdb/base/time.h"

namespace ecsdb::sim {

/// What a single fault does. Two parameters each, named in fault_plan.cpp and in plan texts.
enum class FaultKind : uint8_t {
  kReset,          // connections break; both sides learn, a suffix is lost
  kPartition,      // bytes are held until the end; direction: 0 both, 1 to server, 2 to client
  kHeal,           // ends every fault of the clients at once
  kHalfOpen,       // mode: see HalfOpenMode
  kStallReader,    // one side reads nothing; side: 0 client, 1 server
  kLatency,        // both ways: latency_us, jitter_us
  kBandwidth,      // both ways: bytes_per_second
  kShortAccepts,   // offers accept any prefix
  kSplitBytes,     // deliveries are cut anywhere
  kClientCrash,    // the client's process dies, and starts anew at the end; silent: 1 no reset is
                   // sent
  kClockSkew,      // the client's wall clock is off; skew_ms
  kSlowClient,     // the client serves its work late; delay_us
  kClientPause,    // the client's process stands still: it reads nothing and no timer is served
  kLinkCut,        // each link breaks once so many bytes have reached the client; after_bytes
  kServerRestart,  // the server's process dies, and one with another database starts at the end;
                   // silent: 1 no reset is sent; schema: 1 the new one has the other schema
  kRightsChange,   // of the clients' principals, for connections to come; variant
  kCount_,
};
constexpr size_t kFaultKinds = static_cast<size_t>(FaultKind::kCount_);

/// Rights that a principal may have, one after the other: parameter of kRightsChange.
constexpr int64_t kRightsVariants = 6;

/// First parameter of kHalfOpen.
enum class HalfOpenMode : uint8_t {
  kClientUnaware,  // broken; only the server learns
  kServerUnaware,  // broken; only the client learns
  kToServerLost,   // nothing arrives at the server any more; nobody is told
  kToClientLost,
};

/// Stable snake_case name, as in plan texts.
std::string_view fault_kind_name(FaultKind kind);

/// One fault. A value; the same for all compilers.
struct FaultEvent {
  Instant at;
  FaultKind kind = FaultKind::kReset;
  std::vector<uint32_t> clients;  // ascending indices; empty means all, and must be for the server
  Duration duration;              // zero for what has no end of its own
  int64_t first = 0;              // parameters, by kind
  int64_t second = 0;

  bool operator==(const FaultEvent&) const = default;
};

/// All faults of a run, in order of time, and the instant at which every one of them is over.
struct FaultPlan {
  /// Bound of events in one plan.
  static constexpr size_t kEventsMax = 1'000'000;

  Instant heal_at;
  std::vector<FaultEvent> events;

  bool operator==(const FaultPlan&) const = default;
  /// One line a fault, readable and exact: parse with fault_plan_from_text.
  std::string to_text() const;
};

/// One line of FaultPlan::to_text, without the line end.
std::string fault_to_text(const FaultEvent& event);
/// kSyntax with the line number and what was expected. Empty lines and lines that start with '#'
/// are skipped. The result satisfies check_fault_plan for any number of clients that covers its
/// indices.
Result<FaultPlan> fault_plan_from_text(std::string_view text);
/// Whether the plan fits a world of so many clients: ordered, in range, over by heal_at.
Status check_fault_plan(const FaultPlan& plan, uint32_t clients);

}  // namespace ecsdb::sim
