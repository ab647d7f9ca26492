// A rate with a burst, in integers.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ecsdb/base/time.h"

namespace ecsdb {

/// Tokens (bytes, or calls) come at `rate` a second, up to `burst`; it starts full. What was once
/// begun is spent whole, so the level may be below zero; then it takes longer until there are
/// tokens again. Exact: fractions of a token are kept, so that over days the rate is the rate.
/// Rate 0: no limit. Times never fall.
class TokenBucket {
 public:
  TokenBucket() = default;  // no limit
  TokenBucket(uint64_t rate, uint64_t burst)
      : rate_(rate),
        burst_(static_cast<int64_t>(std::clamp<uint64_t>(burst, 1, INT64_MAX))),
        level_(burst_) {}

  bool is_limited() const { return rate_ != 0; }

  void spend(uint64_t tokens, Instant now) {
    if (!is_limited()) return;
    refill(now);
    // So far below zero that it never comes back: the debt stops there.
    const uint64_t room = static_cast<uint64_t>(level_) - static_cast<uint64_t>(INT64_MIN);
    level_ = static_cast<int64_t>(static_cast<uint64_t>(level_) - std::min(tokens, room));
  }
  /// True if there is a token at least.
  bool has_any(Instant now) const { return !is_limited() || at(now).level_ > 0; }
  /// True if there are so many tokens, or it is full: what is larger than the burst passes, too.
  bool has(uint64_t tokens, Instant now) const {
    if (!is_limited()) return true;
    return at(now).level_ >= static_cast<int64_t>(std::min(tokens, static_cast<uint64_t>(burst_)));
  }
  /// When has_any() becomes true; `now` if it is.
  Instant ready_at(Instant now) const {
    if (has_any(now)) return now;
    const TokenBucket then = at(now);
    const uint64_t missing = 1 - static_cast<uint64_t>(then.level_);
    const uint64_t seconds = missing / rate_;
    const uint64_t part = missing % rate_;
    if (seconds > static_cast<uint64_t>(INT64_MAX) / kSecond - 2) return Instant::never();
    // Where the product would not fit, the rate is so high that a little later is near enough.
    const bool fits = part <= UINT64_MAX / kSecond;
    const uint64_t ns = fits ? part * kSecond / rate_ + (part * kSecond % rate_ != 0 ? 1 : 0)
                             : std::min(kSecond, part / (rate_ / kSecond) + 1);
    uint64_t wait = seconds * kSecond + ns;
    wait -= std::min(wait, then.rest_ / rate_);  // that much of the next token is there
    if (wait >= static_cast<uint64_t>(INT64_MAX - std::max<int64_t>(now.ns, 0))) {
      return Instant::never();
    }
    return now + Duration{static_cast<int64_t>(wait)};
  }

 private:
  static constexpr uint64_t kSecond = 1'000'000'000;

  TokenBucket at(Instant now) const {
    TokenBucket then = *this;
    then.refill(now);
    return then;
  }
  void refill(Instant now) {
    if (!is_begun_) {
      is_begun_ = true;
      at_ = now;
    }
    if (now <= at_) return;
    const uint64_t elapsed = static_cast<uint64_t>(now.ns) - static_cast<uint64_t>(at_.ns);
    at_ = now;
    const uint64_t missing = static_cast<uint64_t>(burst_) - static_cast<uint64_t>(level_);
    const uint64_t seconds = elapsed / kSecond;
    const uint64_t ns = elapsed % kSecond;
    // rate * ns / kSecond in two parts, neither of which can overflow.
    const uint64_t fraction = rate_ % kSecond * ns + rest_;
    const uint64_t within = rate_ / kSecond * ns + fraction / kSecond;
    const bool is_full = within >= missing || seconds > (missing - within) / rate_ ||
                         seconds * rate_ >= missing - within;
    if (is_full) {
      level_ = burst_;
      rest_ = 0;
      return;
    }
    level_ = static_cast<int64_t>(static_cast<uint64_t>(level_) + seconds * rate_ + within);
    rest_ = fraction % kSecond;
  }

  uint64_t rate_ = 0;
  int64_t burst_ = 1;
  int64_t level_ = 1;
  uint64_t rest_ = 0;  // billionths of the next token
  Instant at_;         // of level_ and rest_
  bool is_begun_ = false;
};

}  // namespace ecsdb
