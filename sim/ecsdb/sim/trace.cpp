#include "ecsdb/sim/trace.h"

#include <algorithm>

#include "ecsdb/base/check.h"

namespace ecsdb::sim {
namespace {

constexpr std::array<std::string_view, kTraceCounts> kCountNames = {
    "events",        "connects",  "connect_failures", "deliveries",
    "bytes",         "closes",    "resets",           "partitions",
    "half_opens",    "stalls",    "latency_changes",  "bandwidth_limits",
    "short_accepts", "splits",    "client_crashes",   "clock_skews",
    "slow_clients",  "heals",     "applies",          "timers",
    "client_pauses", "link_cuts", "server_restarts",  "rights_changes",
};

}  // namespace

std::string_view trace_count_name(TraceCount count) {
  ECSDB_CHECK(static_cast<size_t>(count) < kTraceCounts);
  return kCountNames[static_cast<size_t>(count)];
}

std::string_view trace_kind_name(TraceKind kind) {
  switch (kind) {
    case TraceKind::kEvent:
      return "event";
    case TraceKind::kConnected:
      return "connected";
    case TraceKind::kBytes:
      return "bytes";
    case TraceKind::kClosed:
      return "closed";
    case TraceKind::kFault:
      return "fault";
    case TraceKind::kTimer:
      return "timer";
    case TraceKind::kApply:
      return "apply";
    case TraceKind::kNote:
      return "note";
  }
  return "unknown";
}

Trace::Trace(TraceLogWindow window) : window_(window) {
  ECSDB_CHECK(window.limit <= kLogEntriesMax);
  log_.reserve(static_cast<size_t>(window.limit));
}

void Trace::log(TraceKind kind, Instant at, uint64_t subject, uint64_t detail) {
  log_.push_back(TraceEntry{at, kind, subject, detail, hash_.value()});
}

std::optional<TraceRange> Trace::first_difference(const Trace& left, const Trace& right) {
  if (left.entries_ == right.entries_ && left.hash() == right.hash()) return std::nullopt;
  // The hash is cumulative: once two checkpoints differ all later ones do, so bisect.
  const size_t shared = std::min(left.checkpoints_.size(), right.checkpoints_.size());
  size_t low = 0;
  size_t high = shared;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (left.checkpoints_[middle] == right.checkpoints_[middle]) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const uint64_t begin = low * kCheckpointEntries;
  return TraceRange{begin, begin + kCheckpointEntries};
}

std::optional<uint64_t> Trace::first_logged_difference(const Trace& left, const Trace& right) {
  ECSDB_CHECK(left.window_.begin == right.window_.begin);
  const size_t shared = std::min(left.log_.size(), right.log_.size());
  for (size_t i = 0; i < shared; ++i) {
    if (left.log_[i] != right.log_[i]) return left.window_.begin + i;
  }
  if (left.log_.size() == right.log_.size()) return std::nullopt;
  return left.window_.begin + shared;
}

}  // namespace ecsdb::sim
