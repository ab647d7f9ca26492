// Playing the frames of advances on a client that is past its handshake.
#pragma once

#include "fleet.h"

namespace ecsdb::vectors {

Json play_frames(const Group& group, const Json& input);

/// What a server says first: preface, auth_reply and schema.
Bytes welcome_of(const Schema& schema, uint32_t features = 0);

/// Makes vectors of the group on the schema `fleet`.
class FrameMaker {
 public:
  explicit FrameMaker(Maker& to) : to_(to) {}
  void good(const char* name, const char* note, const std::vector<Bytes>& setup,
            const std::vector<Bytes>& frames) {
    to_.accept(name, note, input(setup, frames));
  }
  void bad(const char* name, const char* note, const std::vector<Bytes>& setup,
           const std::vector<Bytes>& frames, const char* error) {
    to_.reject(name, note, input(setup, frames), error);
  }
  static Json input(const std::vector<Bytes>& setup, const std::vector<Bytes>& frames);
  Maker& maker() const { return to_; }

 private:
  Maker& to_;
};

/// A fleet of three ships in two cells, cargo of two of them, and a line of chat; handles 0 and 1
/// are the ships' cells, 2 and 3 the cargo's, 4 the chat's.
struct SmallFleet {
  SmallFleet();
  Fleet fleet;
  EntityId anna;   // in cell 0, with cargo
  EntityId bert;   // in cell 0
  EntityId clara;  // in cell 1, with cargo
  EntityId line;
};
inline constexpr uint32_t kHome = 0;
inline constexpr uint32_t kAway = 1;
inline constexpr uint32_t kHomeCargo = 2;
inline constexpr uint32_t kAwayCargo = 3;
inline constexpr uint32_t kRoom = 4;
inline constexpr uint32_t kNextHandle = 5;

/// A synced client and a good step of two cells, to be spoilt.
struct Step {
  Step();
  SmallFleet small;
  std::vector<Bytes> sync;
  Draft draft;
};

void make_cell_advances(FrameMaker to);
void make_staged_advances(FrameMaker to);
void make_advance_rejects(FrameMaker to);
void make_frame_rejects(FrameMaker to);

}  // namespace ecsdb::vectors
