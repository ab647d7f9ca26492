// Time as the core sees it: always an argument, never read from a clock. Own 64-bit types rather
// than <chrono>, whose header alone takes a third of a client translation unit's compile time.
#pragma once

#include <compare>
#include <cstdint>

namespace ecsdb {

/// A span of time in nanoseconds; may be negative.
struct Duration {
  int64_t ns = 0;

  static constexpr Duration seconds(int64_t n) { return Duration{n * 1'000'000'000}; }
  static constexpr Duration ms(int64_t n) { return Duration{n * 1'000'000}; }
  static constexpr Duration us(int64_t n) { return Duration{n * 1'000}; }
  constexpr int64_t to_ms() const { return ns / 1'000'000; }
  constexpr auto operator<=>(const Duration&) const = default;
  constexpr Duration operator+(Duration o) const { return Duration{ns + o.ns}; }
  constexpr Duration operator-(Duration o) const { return Duration{ns - o.ns}; }
  constexpr Duration operator*(int64_t n) const { return Duration{ns * n}; }
  constexpr Duration operator/(int64_t n) const { return Duration{ns / n}; }
};

/// A point on a steady clock, nanoseconds since an arbitrary origin of the process or world.
struct Instant {
  int64_t ns = 0;

  static constexpr Instant never() { return Instant{INT64_MAX}; }
  constexpr auto operator<=>(const Instant&) const = default;
  constexpr Instant operator+(Duration d) const { return Instant{ns + d.ns}; }
  constexpr Instant operator-(Duration d) const { return Instant{ns - d.ns}; }
  constexpr Duration operator-(Instant o) const { return Duration{ns - o.ns}; }
};

/// What a driver passes with every input: steady time for all decisions, wall time (milliseconds
/// since 1970) for token expiry, write stamps and logs only. Steady time never goes back.
struct Now {
  Instant steady;
  int64_t wall_ms = 0;
};

}  // namespace ecsdb
