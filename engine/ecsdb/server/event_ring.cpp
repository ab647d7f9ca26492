#include "ecsdb/server/event_ring.h"

#include <algorithm>
#include <utility>

namespace ecsdb {
namespace {

/// As an item; the version is not known yet.
size_t size_of(const EventEntry& entry) {
  constexpr size_t kVersionBytesMax = 10;
  Bytes bytes;
  ByteWriter writer(bytes);
  encode_fields(entry, writer);
  return sizeof(EventRing::Item) + bytes.size() + kVersionBytesMax;
}

}  // namespace

Status EventRing::emit(Emitted&& event) {
  event.bytes = size_of(event.entry);
  if (waiting_.size() >= events_max_ || waiting_bytes_ + event.bytes > bytes_max_) {
    return fail(ErrorCode::kQueueFull, "more events than are kept; publish first");
  }
  waiting_bytes_ += event.bytes;
  waiting_.push_back(std::move(event));
  return {};
}

void EventRing::on_begin() {
  const auto open = waiting_.begin() + static_cast<ptrdiff_t>(committed_);
  auto is_dropped = [&](const Emitted& event) {
    if (event.in_transaction) waiting_bytes_ -= event.bytes;
    return event.in_transaction;
  };
  waiting_.erase(std::remove_if(open, waiting_.end(), is_dropped), waiting_.end());
}

void EventRing::on_commit(Version version) {
  for (; committed_ < waiting_.size(); ++committed_) waiting_[committed_].entry.version = version;
}

std::vector<EventRing::Emitted> EventRing::take_committed() {
  if (committed_ == 0) return {};
  const auto open = waiting_.begin() + static_cast<ptrdiff_t>(committed_);
  std::vector<Emitted> out(std::make_move_iterator(waiting_.begin()),
                           std::make_move_iterator(open));
  waiting_.erase(waiting_.begin(), open);
  committed_ = 0;
  for (const Emitted& event : out) waiting_bytes_ -= event.bytes;
  return out;
}

uint64_t EventRing::push(Item&& item) {
  bytes_ += bytes_of(item);
  items_.push_back(std::move(item));
  while (items_.size() > 1 && (items_.size() > events_max_ || bytes_ > bytes_max_)) {
    bytes_ -= bytes_of(items_.front());
    items_.pop_front();
    ++first_;
  }
  return end() - 1;
}

}  // namespace ecsdb
