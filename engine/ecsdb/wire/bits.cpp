#include "ecsdb/wire/bits.h"

#include <bit>

namespace ecsdb {

static_assert(std::endian::native == std::endian::little,
              "bit strings and columns are copied as they stand in memory");

void RunEncoder::encode(unsigned state, BitWriter& out) const {
  auto put_hits = [&](uint32_t& run) {
    while (run >> (state / 2) != 0) {
      out.room(1);
      out.flag(true);
      run -= uint32_t{1} << (state / 2);
      state = state < kRunStateMax ? state + 1 : state;
    }
  };
  for (uint32_t run : runs_) {
    put_hits(run);
    out.room(1);
    out.put(uint64_t{run} << 1, 1 + state / 2);
    state = state > 2 ? state - 2 : 0;
  }
  uint32_t rest = run_;
  put_hits(rest);
  out.room(1);
  if (rest > 0) out.flag(true);
}

}  // namespace ecsdb
