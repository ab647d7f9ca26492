#include "ecsdb/wire/outbox.h"

#include <algorithm>

#include "ecsdb/base/check.h"

namespace ecsdb {

Outbox::Outbox(const Outbox& o)
    : spans_(o.spans_),
      holders_(o.holders_),
      owns_(o.owns_),
      owns_used_(o.owns_used_),
      front_(o.front_),
      bytes_(o.bytes_),
      accepted_(o.accepted_) {
  for (size_t i = front_; i < spans_.size(); ++i) {
    if (holders_[i].own == kNoOwn) continue;
    const ByteSpan own = owns_[holders_[i].own];
    spans_[i] = own.last(spans_[i].size());
  }
}

Bytes& Outbox::own() {
  // Small messages that follow each other share a part, unless the link may be sending it.
  if (spans_.size() > offered_ && holders_.back().own != kNoOwn) {
    Bytes& last = owns_[holders_.back().own];
    const bool is_whole = spans_.back().size() == last.size();  // nothing of it was accepted
    if (is_whole && last.size() < kOwnBytesMax) return last;
  }
  if (owns_used_ == owns_.size()) owns_.emplace_back();
  Bytes& own = owns_[owns_used_];
  own.clear();
  spans_.emplace_back();
  holders_.push_back({{}, static_cast<uint32_t>(owns_used_++)});
  return own;
}

void Outbox::own_done() {
  const Bytes& own = owns_[holders_.back().own];
  bytes_ += own.size() - spans_.back().size();
  spans_.back() = own;
  if (!own.empty()) return;
  spans_.pop_back();
  holders_.pop_back();
  --owns_used_;
}

void Outbox::block(const BlockRef& block) {
  const ByteSpan bytes = block.bytes();
  if (bytes.size() <= kCopiedBytesMax) {
    Bytes& to = own();
    to.insert(to.end(), bytes.begin(), bytes.end());
    return own_done();
  }
  bytes_ += bytes.size();
  spans_.push_back(bytes);
  holders_.push_back({block, kNoOwn});
}

std::span<const ByteSpan> Outbox::parts() {
  const size_t count = std::min(kOutputPartsMax, spans_.size() - front_);
  offered_ = front_ + count;
  return std::span(spans_).subspan(front_, count);
}

void Outbox::accept(size_t n) {
  ECSDB_CHECK(n <= bytes_);
  accepted_ += n;
  bytes_ -= n;
  offered_ = 0;
  if (bytes_ == 0) return clear();
  for (; n >= spans_[front_].size(); ++front_) {
    n -= spans_[front_].size();
    holders_[front_].block = {};
  }
  spans_[front_] = spans_[front_].subspan(n);
  drop_accepted();
}

/// Now and then, so that a queue that never gets empty does not grow.
void Outbox::drop_accepted() {
  constexpr size_t kPartsMin = 64;
  if (front_ < kPartsMin || 2 * front_ < spans_.size()) return;
  const auto accepted = static_cast<ptrdiff_t>(front_);
  const auto is_own = [](const Holder& holder) { return holder.own != kNoOwn; };
  const auto owns = std::count_if(holders_.begin(), holders_.begin() + accepted, is_own);
  owns_.erase(owns_.begin(), owns_.begin() + owns);
  owns_used_ -= static_cast<size_t>(owns);
  spans_.erase(spans_.begin(), spans_.begin() + accepted);
  holders_.erase(holders_.begin(), holders_.begin() + accepted);
  for (Holder& holder : holders_) {
    if (is_own(holder)) holder.own -= static_cast<uint32_t>(owns);
  }
  front_ = 0;
}

void Outbox::clear() {
  spans_.clear();
  holders_.clear();
  if (owns_.size() > kSpareBuffers) owns_.resize(kSpareBuffers);
  bytes_ = front_ = offered_ = owns_used_ = 0;
}

}  // namespace ecsdb
