#include "ecsdb/sim/sim_pipe.h"

#include <algorithm>
#include <cstring>

#include "ecsdb/base/check.h"

namespace ecsdb::sim {
namespace {

constexpr size_t kSpentSegmentsMax = 64;

Duration transmit_time(size_t bytes, uint64_t bytes_per_second) {
  const auto ns = static_cast<unsigned __int128>(bytes) * 1'000'000'000u / bytes_per_second;
  return Duration{static_cast<int64_t>(ns)};
}

}  // namespace

void SimPipe::push(ByteSpan bytes, Instant now, Duration latency, uint64_t bytes_per_second) {
  accepted_ += bytes.size();
  if (severed_ || bytes.empty()) return;
  ECSDB_CHECK(!finished_);
  if (bytes_per_second == 0) {
    store(bytes);
    append_segment(now + latency);
    return;
  }
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), kSegmentBytes);
    line_free_at_ = std::max(line_free_at_, now) + transmit_time(size, bytes_per_second);
    store(bytes.first(size));
    append_segment(line_free_at_ + latency);
    bytes = bytes.subspan(size);
  }
}

void SimPipe::store(ByteSpan bytes) {
  const size_t needed = static_cast<size_t>(deliverable()) + bytes.size();
  if (needed > ring_.size()) {
    size_t capacity = std::max(ring_.size(), kRingBytesMin);
    while (capacity < needed) capacity *= 2;
    std::vector<uint8_t> larger(capacity);
    for (uint64_t at = taken_; at < stored_; ++at) {
      larger[at & (capacity - 1)] = ring_[at & (ring_.size() - 1)];
    }
    ring_.swap(larger);
  }
  const size_t start = static_cast<size_t>(stored_ & (ring_.size() - 1));
  const size_t first = std::min(bytes.size(), ring_.size() - start);
  std::memcpy(ring_.data() + start, bytes.data(), first);
  if (first < bytes.size()) {
    std::memcpy(ring_.data(), bytes.data() + first, bytes.size() - first);
  }
  stored_ += bytes.size();
}

void SimPipe::append_segment(Instant due) {
  last_due_ = std::max(last_due_, due);
  if (segment_count() > 0 && segments_.back().due == last_due_) {
    segments_.back().end = stored_;
    return;
  }
  segments_.push_back(Segment{stored_, last_due_});
}

void SimPipe::drop_front_segments(size_t count) {
  first_segment_ += count;
  if (first_segment_ == segments_.size()) {
    segments_.clear();
    first_segment_ = 0;
  } else if (first_segment_ > kSpentSegmentsMax && first_segment_ * 2 > segments_.size()) {
    segments_.erase(segments_.begin(),
                    segments_.begin() + static_cast<std::ptrdiff_t>(first_segment_));
    first_segment_ = 0;
  }
}

void SimPipe::set_floor(Instant floor) { last_due_ = std::max(last_due_, floor); }

void SimPipe::finish(LinkEnd reason, Instant now, Duration latency) {
  if (severed_ || finished_) return;
  finished_ = true;
  end_reason_ = reason;
  end_due_ = std::max(last_due_, std::max(line_free_at_, now) + latency);
}

void SimPipe::sever(uint64_t keep) {
  severed_ = true;
  finished_ = false;
  stored_ = taken_ + std::min(keep, deliverable());
  ready_ = std::min(ready_, stored_);
  while (segment_count() > 0) {
    const size_t last = segments_.size() - 1;
    const uint64_t begin = segment_count() > 1 ? segments_[last - 1].end : ready_;
    if (begin < stored_) {
      segments_[last].end = std::min(segments_[last].end, stored_);
      break;
    }
    segments_.pop_back();
  }
  if (segment_count() == 0) drop_front_segments(0);
}

void SimPipe::sever_and_finish(uint64_t keep, LinkEnd reason, Instant now, Duration latency) {
  if (severed_) return;
  sever(keep);
  finished_ = true;
  end_reason_ = reason;
  // The bytes that were lost do not delay the news.
  const Instant last = segment_count() > 0 ? segments_.back().due : Instant{};
  end_due_ = std::max(last, now + latency);
}

void SimPipe::hasten(Instant latest, Instant now) {
  // Clamping a sequence that never falls by one constant keeps it so.
  for (size_t i = first_segment_; i < segments_.size(); ++i) {
    segments_[i].due = std::min(segments_[i].due, latest);
  }
  last_due_ = std::min(last_due_, latest);
  end_due_ = std::min(end_due_, latest);
  line_free_at_ = std::min(line_free_at_, now);
}

Instant SimPipe::next_due() const {
  if (ready_ > taken_) return Instant{};
  if (segment_count() > 0) return segments_[first_segment_].due;
  return finished_ ? end_due_ : Instant::never();
}

ByteSpan SimPipe::arrived(Instant now, size_t limit) {
  size_t spent = 0;
  while (spent < segment_count() && segments_[first_segment_ + spent].due <= now) {
    ready_ = segments_[first_segment_ + spent].end;
    ++spent;
  }
  if (spent > 0) drop_front_segments(spent);
  if (ready_ == taken_) return {};
  const size_t start = static_cast<size_t>(taken_ & (ring_.size() - 1));
  const size_t waiting = static_cast<size_t>(ready_ - taken_);
  const size_t size = std::min({waiting, ring_.size() - start, limit});
  return ByteSpan(ring_.data() + start, size);
}

void SimPipe::take(size_t count) {
  ECSDB_CHECK(count <= ready_ - taken_);
  taken_ += count;
}

}  // namespace ecsdb::sim
