#include "ecsdb/wire/outbox.h"

#include "ecsdb/base/check.h"

namespace ecsdb {

Bytes& Outbox::own() {
  // Small messages that follow each other share a part, unless the link may be sending it.
  const bool reuse = queue_.size() > 1 && !queue_.back().block && queue_.back().own.size() < 4096;
  if (!reuse) {
    Part& part = queue_.emplace_back();
    if (!spare_.empty()) {
      part.own = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  own_before_ = queue_.back().own.size();
  return queue_.back().own;
}

void Outbox::own_done() {
  bytes_ += queue_.back().own.size() - own_before_;
  if (queue_.back().own.empty()) queue_.pop_back();
}

void Outbox::block(const BlockRef& block) {
  const ByteSpan bytes = block.bytes();
  if (bytes.size() <= kCopiedBytesMax) {
    Bytes& to = own();
    to.insert(to.end(), bytes.begin(), bytes.end());
    return own_done();
  }
  bytes_ += bytes.size();
  queue_.emplace_back().block = block;
}

std::span<const ByteSpan> Outbox::parts() {
  parts_.clear();
  size_t skip = front_offset_;
  for (const Part& part : queue_) {
    if (parts_.size() == kOutputPartsMax) break;
    parts_.push_back(part.span().subspan(skip));
    skip = 0;
  }
  return parts_;
}

void Outbox::accept(size_t n) {
  ECSDB_CHECK(n <= bytes_);
  accepted_ += n;
  bytes_ -= n;
  front_offset_ += n;
  while (!queue_.empty() && front_offset_ >= queue_.front().span().size()) {
    front_offset_ -= queue_.front().span().size();
    if (!queue_.front().block && spare_.size() < 2) {
      spare_.push_back(std::move(queue_.front().own));
      spare_.back().clear();
    }
    queue_.pop_front();
  }
  ECSDB_CHECK(!queue_.empty() || front_offset_ == 0);
}

void Outbox::clear() {
  queue_.clear();
  bytes_ = front_offset_ = 0;
}

}  // namespace ecsdb
