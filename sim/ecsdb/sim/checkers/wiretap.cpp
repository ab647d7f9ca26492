#include "ecsdb/sim/checkers/wiretap.h"

#include <algorithm>

namespace ecsdb::sim {

template <class Told>
void Wiretap::read(Stream& stream, ByteSpan bytes, const Told& told) {
  const size_t skipped = std::min(stream.preface_left, bytes.size());
  stream.preface_left -= skipped;
  stream.reader.feed(bytes.subspan(skipped));
  while (true) {
    const auto frame = stream.reader.next();
    if (!frame.ok() || !frame->has_value()) return;
    told(**frame, stream.offset);
    stream.offset += (*frame)->bytes;
  }
}

void Wiretap::on_server_sent(LinkId link, std::span<const ByteSpan> parts, size_t accepted,
                             Instant at) {
  Stream& stream = links_[link].from_server;
  for (const ByteSpan part : parts) {
    if (accepted == 0) return;
    const size_t size = std::min(part.size(), accepted);
    accepted -= size;
    read(stream, part.first(size), [&](const Frame& frame, uint64_t offset) {
      for (FrameWatcher* watcher : watchers_) watcher->on_server_frame(link, frame, offset, at);
    });
  }
}

void Wiretap::on_server_received(LinkId link, ByteSpan bytes, Instant at) {
  read(links_[link].from_client, bytes, [&](const Frame& frame, uint64_t) {
    for (FrameWatcher* watcher : watchers_) watcher->on_client_frame(link, frame, at);
  });
}

void Wiretap::on_link_gone(LinkId link) {
  if (links_.erase(link) == 0) return;
  for (FrameWatcher* watcher : watchers_) watcher->on_link_gone(link);
}

}  // namespace ecsdb::sim
