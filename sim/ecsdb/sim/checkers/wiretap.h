// Reads what a server and its clients say to each other, from the bytes on the links: for checkers
// that trust neither end.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "ecsdb/base/time.h"
#include "ecsdb/wire/frame.h"

namespace ecsdb::sim {

/// Told of whole frames, in order. Links are the network's.
class FrameWatcher {
 public:
  /// `offset`: where it begins in the server's stream.
  virtual void on_server_frame(LinkId link, const Frame& frame, uint64_t offset, Instant at) = 0;
  virtual void on_client_frame(LinkId link, const Frame& frame, Instant at) = 0;
  virtual void on_link_gone(LinkId link) = 0;

 protected:
  ~FrameWatcher() = default;
};

/// Cuts the streams of any number of links into frames. The watchers outlive it. A stream that is
/// not well-formed is not read on: the other end says so.
class Wiretap {
 public:
  explicit Wiretap(std::vector<FrameWatcher*> watchers) : watchers_(std::move(watchers)) {}

  void on_server_sent(LinkId link, std::span<const ByteSpan> parts, size_t accepted, Instant at);
  void on_server_received(LinkId link, ByteSpan bytes, Instant at);
  void on_link_gone(LinkId link);

 private:
  struct Stream {
    FrameReader reader{FrameLimits{kFrameHeadBytesMax, kFrameTailBytesMax}};
    size_t preface_left = kPrefaceBytes;
    uint64_t offset = kPrefaceBytes;  // of the next frame
  };
  struct Ends {
    Stream from_server;
    Stream from_client;
  };
  template <class Told>
  static void read(Stream& stream, ByteSpan bytes, const Told& told);

  std::vector<FrameWatcher*> watchers_;
  std::map<LinkId, Ends> links_;
};

}  // namespace ecsdb::sim
