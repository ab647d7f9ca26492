#include "ecsdb/wire/bits.h"

#include <bit>

namespace ecsdb {

static_assert(std::endian::native == std::endian::little,
              "bit strings and columns are copied as they stand in memory");

template <class S>
void BitSink::long_magnitude(S value, unsigned k) {
  const S quotient = value >> k;
  if (quotient < 3) {
    put(uint64_t{1} << quotient, static_cast<unsigned>(quotient) + 1);
    return put_wide(value & ((S{1} << k) - 1), k);
  }
  const S rest = value - (S{1} << k);
  const unsigned e = 63 - static_cast<unsigned>(__builtin_clzll(rest));
  const unsigned zeros = e - k + 2;
  if (zeros >= kZerosMax) {
    put(0, kZerosMax);
    return put_wide(value, 8 * sizeof(S));
  }
  put(uint64_t{1} << zeros, zeros + 1);
  put_wide(rest - (S{1} << e), e);
}

template void BitSink::long_magnitude(uint32_t value, unsigned k);
template void BitSink::long_magnitude(uint64_t value, unsigned k);

template <class S>
S BitReader::long_magnitude(uint64_t window, unsigned k) {
  constexpr unsigned kWidth = 8 * sizeof(S);
  const unsigned zeros = window == 0 ? kZerosMax : static_cast<unsigned>(__builtin_ctzll(window));
  if (zeros < 3) {
    at_ += zeros + 1;
    const S high = static_cast<S>(S{zeros} << k);
    if (high >> k != zeros) failed_ = true;  // wider than W
    return high + static_cast<S>(take_wide(k));
  }
  const unsigned e = k + (zeros < kZerosMax ? zeros : kZerosMax) - 2;
  if (e >= kWidth) {
    failed_ = true;
    return 0;
  }
  const S least = (S{1} << k) + (S{1} << e);
  if (zeros < kZerosMax) {
    at_ += zeros + 1;
    const S value = static_cast<S>(least + static_cast<S>(take_wide(e)));
    if (value < least) failed_ = true;  // wider than W
    return value;
  }
  at_ += kZerosMax;
  const S value = static_cast<S>(take_wide(kWidth));
  if (value < least) failed_ = true;  // what fits a shorter code must have it
  return value;
}

template uint32_t BitReader::long_magnitude(uint64_t window, unsigned k);
template uint64_t BitReader::long_magnitude(uint64_t window, unsigned k);

void RunEncoder::encode(unsigned state, BitWriter& out) const {
  // 32 ones at most until each of them stands for 2^16 hits, then 17 bits for the miss: a code's
  // room.
  uint64_t hits = run_;
  for (const uint32_t run : runs_) hits += run;
  static_assert(kRunStateMax == 32 && kCodeBitsMax == 80);
  BitSink sink = out.open(runs_.size() + 1 + (hits >> 16));
  auto put_hits = [&](uint32_t run) {
    while (run >> (state / 2) != 0) {
      sink.flag(true);
      run -= uint32_t{1} << (state / 2);
      state = state < kRunStateMax ? state + 1 : state;
    }
    return run;
  };
  for (const uint32_t run : runs_) {
    const uint64_t rest = put_hits(run);
    sink.put(rest << 1, 1 + state / 2);
    state = state > 2 ? state - 2 : 0;
  }
  if (put_hits(run_) > 0) sink.flag(true);
  out.close(sink);
}

}  // namespace ecsdb
