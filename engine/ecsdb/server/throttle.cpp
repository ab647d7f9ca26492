#include "ecsdb/server/throttle.h"

#include <algorithm>

#include "ecsdb/base/check.h"

namespace ecsdb {

std::optional<LinkId> TotalBudget::next(Instant now) const {
  if (queue_.empty() || !bucket_.has_any(now)) return std::nullopt;
  return queue_.begin()->link;
}

void Throttle::count(TotalBudget& total, uint64_t written, Instant now) {
  held_until_ = Instant::never();
  if (written <= counted_) return;
  const uint64_t bytes = written - counted_;
  counted_ = written;
  bucket_.spend(bytes, now);
  if (!total.bucket_.is_limited()) return;
  total.bucket_.spend(bytes, now);
  total.ready_at_ = total.bucket_.ready_at(now);
  const uint64_t begin = std::max(tag_, total.served_);
  if (total.queue_.empty()) total.served_ = begin;
  tag_ = begin + bytes;
  if (total.on_ == link_) total.on_.reset();
}

bool Throttle::is_open(const TotalBudget& total, Instant now) const {
  if (!bucket_.has_any(now)) return false;
  if (!total.bucket_.is_limited()) return true;
  return total.bucket_.has_any(now) && (total.queue_.empty() || total.on_ == link_);
}

bool Throttle::admit(TotalBudget& total, Instant now) {
  if (is_open(total, now)) return true;
  if (!bucket_.has_any(now)) {
    held_until_ = bucket_.ready_at(now);
  } else if (!turn_) {
    turn_ = TotalBudget::Turn{std::max(tag_, total.served_), ++total.last_number_, link_};
    total.queue_.insert(*turn_);
    total.ready_at_ = total.bucket_.ready_at(now);
  }
  return false;
}

void Throttle::take_turn(TotalBudget& total) {
  ECSDB_CHECK(turn_ && total.queue_.begin()->link == link_);
  total.served_ = std::max(total.served_, turn_->tag);
  total.on_ = link_;
  leave(total);
}

void Throttle::end_turn(TotalBudget& total) { total.on_.reset(); }

void Throttle::leave(TotalBudget& total) {
  if (turn_) total.queue_.erase(*turn_);
  turn_.reset();
}

}  // namespace ecsdb
