#include "tools/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "ecsdb/base/check.h"

namespace ecsdb {
namespace {

constexpr uint32_t kBucketsPerOctave = 64;
constexpr uint32_t kBucketsMax = 58 * kBucketsPerOctave;  // of 63-bit durations

uint32_t bucket_of(uint64_t ns) {
  if (ns < kBucketsPerOctave) return static_cast<uint32_t>(ns);
  const auto shift = static_cast<uint32_t>(std::bit_width(ns)) - 7;
  return shift * kBucketsPerOctave + static_cast<uint32_t>(ns >> shift);
}

/// The largest duration of a bucket.
int64_t end_of_bucket(uint32_t bucket) {
  if (bucket < 2 * kBucketsPerOctave) return bucket;
  const uint32_t shift = bucket / kBucketsPerOctave - 1;
  const uint64_t top = bucket - shift * kBucketsPerOctave;
  return static_cast<int64_t>(((top + 1) << shift) - 1);
}

/// Reads digits up to `stop` (0: to the end of the text) and removes both.
bool take_number(std::string_view& text, char stop, uint64_t& out) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  if (parsed.ec != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(parsed.ptr - text.data()));
  if (text.empty()) return stop != ':';
  if (text.front() != stop) return false;
  text.remove_prefix(1);
  return !text.empty();
}

}  // namespace

void LatencyHistogram::add(Duration sample) {
  ++buckets_[bucket_of(static_cast<uint64_t>(std::max<int64_t>(sample.ns, 0)))];
  ++count_;
}

void LatencyHistogram::add(const LatencyHistogram& other) {
  for (const auto& [bucket, count] : other.buckets_) buckets_[bucket] += count;
  count_ += other.count_;
}

Duration LatencyHistogram::percentile(uint32_t permille) const {
  ECSDB_CHECK(permille <= 1000);
  const uint64_t wanted = std::max<uint64_t>((count_ * permille + 999) / 1000, 1);
  uint64_t seen = 0;
  for (const auto& [bucket, count] : buckets_) {
    seen += count;
    if (seen >= wanted) return Duration{end_of_bucket(bucket)};
  }
  return Duration{0};
}

std::string LatencyHistogram::to_text() const {
  std::string out;
  for (const auto& [bucket, count] : buckets_) {
    if (!out.empty()) out += ',';
    out += std::to_string(bucket) + ":" + std::to_string(count);
  }
  return out;
}

bool LatencyHistogram::add_text(std::string_view text) {
  LatencyHistogram parsed;
  while (!text.empty()) {
    uint64_t bucket = 0;
    uint64_t count = 0;
    if (!take_number(text, ':', bucket) || !take_number(text, ',', count)) return false;
    if (bucket >= kBucketsMax || count == 0 || count > UINT32_MAX) return false;
    parsed.buckets_[static_cast<uint32_t>(bucket)] += count;
    parsed.count_ += count;
  }
  add(parsed);
  return true;
}

}  // namespace ecsdb
