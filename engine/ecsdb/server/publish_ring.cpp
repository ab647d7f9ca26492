#include "ecsdb/server/publish_ring.h"

#include "ecsdb/base/check.h"

namespace ecsdb {

/// One more publish than the bound: the newest is made while all others are still here.
PublishRing::PublishRing(size_t tables, Version published, size_t publishes_max, size_t bytes_max)
    : bytes_max_(bytes_max),
      publishes_max_(publishes_max),
      publishes_(publishes_max + 1),
      forgotten_(published),
      newest_of_(tables) {
  ECSDB_CHECK(publishes_max > 0 && publishes_max <= kPublishesMax);
}

void PublishRing::begin(Version from, Version to, uint64_t commit_time_ns) {
  // One without changes tells nothing: the next takes its place.
  const bool is_idle = next_ > first_ && newest().changes.empty();
  if (!is_idle) ++next_;
  if (next_ - first_ > publishes_.size()) forget_oldest();
  Publish& publish = publishes_[(next_ - 1) % publishes_.size()];
  publish.from = from;
  publish.to = to;
  publish.commit_time_ns = commit_time_ns;
}

uint32_t PublishRing::add(CellRef ref, std::span<const BlockPart> parts) {
  const uint64_t sequence = next_ - 1;
  Publish& publish = publishes_[sequence % publishes_.size()];
  std::vector<Place>& cells = newest_of_[ref.table];
  if (ref.cell >= cells.size()) cells.resize(ref.cell + 1);
  const uint32_t index = static_cast<uint32_t>(publish.changes.size());
  publish.changes.push_back({ref, static_cast<uint32_t>(publish.parts.size()),
                             static_cast<uint32_t>(parts.size()), cells[ref.cell]});
  cells[ref.cell] = {sequence, index};
  size_t bytes = 0;
  for (const BlockPart& part : parts) {
    bytes += part.raw.bytes().size();
    if (part.compressed) bytes += part.compressed.bytes().size();
    publish.parts.push_back(part);
  }
  publish.bytes += bytes;
  bytes_ += bytes;
  return index;
}

void PublishRing::trim(size_t kept) {
  while (next_ - first_ > kept && (next_ - first_ > publishes_max_ || bytes_ > bytes_max_)) {
    forget_oldest();
  }
}

void PublishRing::forget_oldest() {
  Publish& oldest = publishes_[first_ % publishes_.size()];
  forgotten_ = oldest.to;
  bytes_ -= oldest.bytes;
  oldest.bytes = 0;
  oldest.changes.clear();
  oldest.parts.clear();
  ++first_;
}

}  // namespace ecsdb
