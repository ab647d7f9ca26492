// Recordings: what clients received in a simulated run, and what they made of it, step by step.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "protocol_vectors/json.h"

namespace ecsdb::vectors {

struct RecordingOptions {
  uint64_t seed = 1;
  uint32_t clients = 4;
  int64_t seconds = 5;
  uint32_t damaged = 50;
  uint32_t entities = 60;
};

/// Each line is one JSON object. Returns what went wrong: nothing should.
std::vector<std::string> make_recording(const RecordingOptions& options,
                                        const std::function<void(const Json& line)>& write);

/// Plays the lines on fresh clients; what comes out otherwise than they say.
std::vector<std::string> replay_recording(const std::vector<Json>& lines);

}  // namespace ecsdb::vectors
