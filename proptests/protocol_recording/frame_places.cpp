#include "frame_places.h"

#include <algorithm>
#include <optional>

namespace ecsdb::vectors {
namespace {

class StreamScan {
 public:
  StreamScan(StreamId id, std::vector<FramePlace>& out) : id_(id), out_(out) {}

  void take(ByteSpan bytes) {
    const size_t preface = std::min(bytes.size(), kPrefaceBytes - preface_bytes_);
    preface_bytes_ += preface;
    at_ += preface;
    reader_.feed(bytes.subspan(preface));
    while (true) {
      const auto frame = reader_.next();
      if (!frame.ok() || !frame->has_value()) return;
      add(**frame);
    }
  }

 private:
  void add(const Frame& frame) {
    FramePlace& place = out_.emplace_back();
    place.stream = id_;
    place.begin = at_;
    at_ += frame.bytes;
    place.end = at_;
    place.type = frame.type;
    place.head.assign(frame.head.begin(), frame.head.end());
    place.tail.assign(frame.tail.begin(), frame.tail.end());
    Advance advance;
    place.ends_advance = frame.type == MessageType::kAdvance &&
                         decode_message(frame.head, advance).ok() && advance.end();
  }

  StreamId id_;
  std::vector<FramePlace>& out_;
  FrameReader reader_{FrameLimits{kFrameHeadBytesMax, kFrameTailBytesMax}};
  size_t preface_bytes_ = 0;
  uint64_t at_ = 0;
};

}  // namespace

std::vector<FramePlace> frame_places(const std::vector<Input>& inputs) {
  std::vector<FramePlace> out;
  std::map<uint32_t, uint32_t> connections;
  std::map<uint32_t, std::optional<StreamScan>> scans;
  for (const Input& input : inputs) {
    std::optional<StreamScan>& scan = scans[input.client];
    if (input.kind == Input::Kind::kOpen) {
      scan.emplace(StreamId{input.client, connections[input.client]++}, out);
    }
    if (input.kind == Input::Kind::kBytes) scan->take(input.bytes);
  }
  return out;
}

}  // namespace ecsdb::vectors
