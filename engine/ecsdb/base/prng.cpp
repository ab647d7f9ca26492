#include "ecsdb/base/prng.h"

#include "ecsdb/base/check.h"
#include "ecsdb/base/hash.h"

namespace ecsdb {
namespace {

uint64_t splitmix(uint64_t& state) {
  state += 0x9e3779b97f4a7c15u;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint64_t rotate_left(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

}  // namespace

Prng::Prng(uint64_t seed) : seed_(seed) {
  uint64_t state = seed;
  for (uint64_t& word : state_) word = splitmix(state);
}

uint64_t Prng::next() {
  const uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotate_left(state_[3], 45);
  return result;
}

uint64_t Prng::below(uint64_t bound) {
  ECSDB_CHECK(bound > 0);
  const uint64_t threshold = (0 - bound) % bound;
  while (true) {
    const unsigned __int128 product = static_cast<unsigned __int128>(next()) * bound;
    if (static_cast<uint64_t>(product) >= threshold) return static_cast<uint64_t>(product >> 64);
  }
}

int64_t Prng::between(int64_t low, int64_t high) {
  ECSDB_CHECK(low <= high);
  const uint64_t span = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
  if (span == 0) return static_cast<int64_t>(next());
  return static_cast<int64_t>(static_cast<uint64_t>(low) + below(span));
}

bool Prng::chance(uint64_t numerator, uint64_t denominator) {
  return below(denominator) < numerator;
}

int64_t Prng::exponential(int64_t mean) {
  ECSDB_CHECK(mean >= 0 && mean < (int64_t{1} << 46));
  // -ln(u) = ln 2 * (leading zeros of u + 1 - log2 of the mantissa in [1, 2)). log2 of the mantissa
  // comes from repeated squaring, one bit a step (Knuth, TAOCP 1.2.2 exercise 25), in 32.32 bits.
  const uint64_t u = next() | 1;
  const int zeros = __builtin_clzll(u);
  uint64_t mantissa = (u << zeros) >> 32;  // [2^31, 2^32)
  uint64_t log2 = 0;                       // 16 fractional bits
  for (int bit = 15; bit >= 0; --bit) {
    mantissa = (mantissa * mantissa) >> 31;
    if (mantissa >> 32) {
      mantissa >>= 1;
      log2 |= uint64_t{1} << bit;
    }
  }
  uint64_t nats16 = (((static_cast<uint64_t>(zeros) + 1) << 16) - log2) * 45426 >> 16;  // * ln 2
  if (nats16 > (uint64_t{32} << 16)) nats16 = uint64_t{32} << 16;
  return static_cast<int64_t>((static_cast<unsigned __int128>(mean) * nats16) >> 16);
}

Prng Prng::stream(std::string_view name, uint64_t index) const {
  uint64_t h = mix64(seed_ ^ 0x6a09e667f3bcc909u);
  for (const char c : name) h = mix64(h ^ static_cast<unsigned char>(c));
  return Prng(mix64(h ^ mix64(index)));
}

uint64_t Prng::state_digest() const {
  uint64_t h = mix64(seed_);
  for (const uint64_t word : state_) h = mix64(h ^ word);
  return h;
}

}  // namespace ecsdb
