// What happened in a simulated run: one running hash over everything observable, counters, and what
// it takes to find the first event at which two runs differ.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/hash.h"
#include "ecsdb/base/time.h"

namespace ecsdb::sim {

/// What one trace entry is about. Part of the hash: append only, or golden hashes change.
enum class TraceKind : uint8_t {
  kEvent,      // an event of the world; subject: target, detail: kind and argument
  kConnected,  // subject: link and side
  kBytes,      // bytes were delivered; subject: link and side
  kClosed,     // subject: link and side, detail: reason
  kFault,      // subject: fault kind, detail: client
  kTimer,      // a product timer was served; subject: node, detail: its deadline
  kApply,      // a replica applied an advance; subject: client, detail: hash of the new state
  kNote,       // anything else that must be reproducible
};

/// Counters that every run reports.
enum class TraceCount : uint8_t {
  kEvents,
  kConnects,
  kConnectFailures,
  kDeliveries,
  kBytesDelivered,
  kCloses,
  kResets,
  kPartitions,
  kHalfOpens,
  kStalls,
  kLatencyChanges,
  kBandwidthLimits,
  kShortAccepts,
  kSplits,
  kClientCrashes,
  kClockSkews,
  kSlowClients,
  kHeals,
  kApplies,
  kTimers,
  kClientPauses,
  kLinkCuts,  // links that broke so
  kServerRestarts,
  kRightsChanges,
  kCount_,
};
constexpr size_t kTraceCounts = static_cast<size_t>(TraceCount::kCount_);

/// Stable snake_case name, for JSON and logs.
std::string_view trace_count_name(TraceCount count);
std::string_view trace_kind_name(TraceKind kind);

/// One logged entry. `hash` is the running hash after it.
struct TraceEntry {
  Instant at;
  TraceKind kind = TraceKind::kNote;
  uint64_t subject = 0;
  uint64_t detail = 0;
  uint64_t hash = 0;

  bool operator==(const TraceEntry&) const = default;
};

/// Which entries to keep: those with index in [begin, begin + limit). Nothing by default.
struct TraceLogWindow {
  uint64_t begin = 0;
  uint64_t limit = 0;
};

/// A half-open range of entry indices.
struct TraceRange {
  uint64_t begin = 0;
  uint64_t end = 0;

  bool operator==(const TraceRange&) const = default;
};

/// Running record of one world. To locate a divergence: run twice, take first_difference() of the
/// two traces, run both again with that range as log window, and compare log() entry by entry.
/// Not thread-safe.
class Trace {
 public:
  /// A checkpoint of the running hash is kept every this many entries (8 bytes each).
  static constexpr uint64_t kCheckpointEntries = 1024;
  /// Bound of a log window (48 MiB).
  static constexpr uint64_t kLogEntriesMax = uint64_t{1} << 20;

  explicit Trace(TraceLogWindow window = {});

  void record(TraceKind kind, Instant at, uint64_t subject, uint64_t detail) {
    hash_.add((static_cast<uint64_t>(kind) << 56) ^ subject);
    hash_.add(static_cast<uint64_t>(at.ns));
    hash_.add(detail);
    if ((++entries_ & (kCheckpointEntries - 1)) == 0) checkpoints_.push_back(hash_.value());
    if (entries_ - 1 - window_.begin < window_.limit) log(kind, at, subject, detail);
  }
  /// Delivered bytes: all of them go into the hash.
  void record_bytes(Instant at, uint64_t subject, ByteSpan bytes) {
    hash_.add_bytes(bytes);
    add(TraceCount::kDeliveries);
    add(TraceCount::kBytesDelivered, bytes.size());
    record(TraceKind::kBytes, at, subject, bytes.size());
  }
  void record_apply(Instant at, uint64_t client, uint64_t state_hash) {
    add(TraceCount::kApplies);
    record(TraceKind::kApply, at, client, state_hash);
  }
  void record_timer(Instant at, uint64_t node, Instant deadline) {
    add(TraceCount::kTimers);
    record(TraceKind::kTimer, at, node, static_cast<uint64_t>(deadline.ns));
  }

  void add(TraceCount count, uint64_t n = 1) { counts_[static_cast<size_t>(count)] += n; }
  uint64_t count(TraceCount count) const { return counts_[static_cast<size_t>(count)]; }

  /// Hash of everything recorded so far.
  uint64_t hash() const { return hash_.value(); }
  uint64_t entries() const { return entries_; }
  const std::vector<TraceEntry>& logged() const { return log_; }

  /// The range of entries that holds the first difference between two runs, at most
  /// kCheckpointEntries long; none if the traces are equal.
  static std::optional<TraceRange> first_difference(const Trace& left, const Trace& right);
  /// Index of the first entry at which two logs of the same window differ; none if equal.
  static std::optional<uint64_t> first_logged_difference(const Trace& left, const Trace& right);

 private:
  void log(TraceKind kind, Instant at, uint64_t subject, uint64_t detail);

  RunningHash hash_;
  uint64_t entries_ = 0;
  TraceLogWindow window_;
  std::array<uint64_t, kTraceCounts> counts_{};
  std::vector<uint64_t> checkpoints_;
  std::vector<TraceEntry> log_;
};

}  // namespace ecsdb::sim
