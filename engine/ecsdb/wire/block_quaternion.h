// A quantised quaternion whose largest component becomes another one.
//
// Its lanes are {largest, three others by component}, each of the three from 0 to `most`, where
// most - v is the negative of v. The rotation hardly changes when the largest component does, so
// that the new lanes follow from the old ones: old and new largest are about equal then, and if the
// new one was negative, all components change sign, because the largest is kept positive.
//
//   a turn   flag: the new largest is the expected one: of the three others the one farthest from
//            most / 2, the first of equals; else flag: the later one of the remaining two
//            M(k) of zigzag(new - expected) of each of the new three, by component:
//              the old largest: the old value of the new largest; another one: its old value, or
//              most minus it if the old value of the new largest was below most / 2
//
// k is that of a lane whose magnitude is the greatest of the three lanes' (see block_packed.h), 3
// if none has one.
#pragma once

#include <cstdint>
#include <cstdlib>

#include "ecsdb/wire/bits.h"
#include "ecsdb/wire/block_lanes.h"
#include "ecsdb/wire/block_packed.h"

namespace ecsdb {

inline constexpr unsigned kQuaternionParameter = 3;

struct SmallestThree {
  uint32_t lane[4] = {0, 0, 0, 0};  // largest, then the others

  /// Place in `lane` of a component that is not the largest.
  static unsigned place(unsigned component, unsigned largest) {
    return component < largest ? component + 1 : component;
  }
  uint32_t part(unsigned component) const { return lane[place(component, lane[0])]; }
};

/// `lane_first` is the lane of the largest component.
inline unsigned quaternion_parameter(const RowRecords& records, RowIndex row, uint16_t lane_first) {
  int greatest = -1;
  for (uint16_t k = 1; k < 4; ++k) {
    const LaneState state = records.state(row, static_cast<uint16_t>(lane_first + k));
    if (state.magnitude != kMagnitudeNone && state.magnitude > greatest) greatest = state.magnitude;
  }
  return greatest < 0 ? kQuaternionParameter : warm_parameter(static_cast<uint8_t>(greatest));
}

/// The component that is expected to be the largest next.
inline unsigned expected_largest(const SmallestThree& before, uint32_t most) {
  unsigned best = 4;
  uint32_t distance = 0;
  for (unsigned component = 0; component < 4; ++component) {
    if (component == before.lane[0]) continue;
    const uint32_t twice = 2 * before.part(component);
    const uint32_t away = twice > most ? twice - most : most - twice;
    if (best < 4 && away <= distance) continue;
    best = component;
    distance = away;
  }
  return best;
}

/// The lanes that a turn to `largest` is expected to give.
inline SmallestThree expected_turn(const SmallestThree& before, unsigned largest, uint32_t most) {
  SmallestThree out;
  out.lane[0] = largest;
  const uint32_t crossing = before.part(largest);
  for (unsigned component = 0; component < 4; ++component) {
    if (component == largest) continue;
    uint32_t& to = out.lane[SmallestThree::place(component, largest)];
    if (component == before.lane[0]) {
      to = crossing;
    } else {
      to = 2 * crossing < most ? most - before.part(component) : before.part(component);
    }
  }
  return out;
}

/// Of the two components that are neither the old largest nor the expected one, the earlier or
/// later.
inline unsigned other_largest(const SmallestThree& before, unsigned expected, bool later) {
  unsigned found = 4;
  for (unsigned component = 0; component < 4; ++component) {
    if (component == before.lane[0] || component == expected) continue;
    if (found == 4 || later) found = component;
  }
  return found;
}

inline void write_turn(const SmallestThree& before, const SmallestThree& now, uint32_t most,
                       unsigned k, BitWriter& out) {
  const unsigned largest = now.lane[0];
  const unsigned expected = expected_largest(before, most);
  out.flag(largest == expected);
  if (largest != expected) out.flag(largest == other_largest(before, expected, true));
  const SmallestThree guess = expected_turn(before, largest, most);
  for (unsigned i = 1; i < 4; ++i) out.magnitude(zigzag_of(now.lane[i] - guess.lane[i]), k);
}

inline SmallestThree read_turn(const SmallestThree& before, uint32_t most, unsigned k,
                               BitReader& in) {
  unsigned largest = expected_largest(before, most);
  if (!in.flag()) largest = other_largest(before, largest, in.flag());
  SmallestThree now = expected_turn(before, largest, most);
  for (unsigned i = 1; i < 4; ++i) now.lane[i] += unzigzag_of(in.magnitude<uint32_t>(k));
  return now;
}

}  // namespace ecsdb
