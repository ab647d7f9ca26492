// Where frames begin and end in what clients received.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "ecsdb/wire/frame.h"

#include "inputs.h"

namespace ecsdb::vectors {

/// A stream is one connection of a client: its number, and how many connections it had before.
using StreamId = std::pair<uint32_t, uint32_t>;

struct FramePlace {
  StreamId stream;
  uint64_t begin = 0;  // in bytes of the stream
  uint64_t end = 0;
  MessageType type = MessageType::kAdvance;
  Bytes head;
  Bytes tail;
  bool ends_advance = false;

  Frame frame() const { return {type, head, tail, end - begin}; }
};

/// All frames that arrived whole, in order of their last byte.
std::vector<FramePlace> frame_places(const std::vector<Input>& inputs);

}  // namespace ecsdb::vectors
