// Magnitude codes and runs of flags.
#include "ecsdb/wire/bits.h"

#include "groups.h"

namespace ecsdb::vectors {
namespace {

Json magnitudes_input(unsigned width, unsigned k, size_t count, BitWriter& bits) {
  return Json::object({{"kind", "magnitudes"},
                       {"width", width},
                       {"k", k},
                       {"count", count},
                       {"bits", to_hex(bits.finish())}});
}

template <class S>
void add_magnitudes(Maker& to, const char* name, const char* note, unsigned k,
                    std::initializer_list<S> values) {
  BitWriter bits;
  bits.clear();
  Json expected = Json::array();
  size_t used = 0;
  for (const S value : values) {
    bits.room(1);
    bits.magnitude(value, k);
    expected.add(std::to_string(value));
    used += magnitude_bits(value, k);
  }
  to.accept(name, note, magnitudes_input(8 * sizeof(S), k, values.size(), bits),
            Json::object({{"values", expected}, {"bits_read", used}}));
}

void make_good_magnitudes(Maker& to) {
  add_magnitudes<uint32_t>(to, "magnitudes-k0-small", "Parameter 0: 0, 1 and 2 are plain zeros.", 0,
                           {0, 1, 2});
  add_magnitudes<uint32_t>(to, "magnitudes-k0-beyond",
                           "Parameter 0 from the third quotient on: first and last of each length.",
                           0, {3, 4, 5, 8, 9, 16, 17, 512, 1024});
  add_magnitudes<uint32_t>(to, "magnitudes-k0-raw",
                           "Parameter 0: 1025 is the first that takes 12 zeros and the 32 bits.", 0,
                           {1024, 1025, 4294967295u});
  add_magnitudes<uint32_t>(to, "magnitudes-k3", "Parameter 3: quotients 0, 1, 2 and beyond.", 3,
                           {0, 7, 8, 15, 16, 23, 24, 39, 40, 71, 72});
  add_magnitudes<uint32_t>(to, "magnitudes-k31", "The largest parameter of 32 bits.", 31,
                           {0, 1, 2147483647u, 2147483648u, 4294967295u});
  add_magnitudes<uint32_t>(to, "magnitudes-k29", "Parameter 29: the third quotient still fits.", 29,
                           {536870912u, 1610612735u, 1610612736u, 4294967295u});
  add_magnitudes<uint32_t>(to, "magnitudes-k30",
                           "Parameter 30: two zeros still lead to less than 2^32.", 30,
                           {1073741823u, 2147483648u, 3221225471u, 3221225472u, 4294967295u});
  add_magnitudes<uint64_t>(to, "magnitudes-wide-k0", "64 bits with parameter 0.", 0,
                           {0, 2, 3, 1024, 1025, 18446744073709551615u});
  add_magnitudes<uint64_t>(
      to, "magnitudes-wide-k40", "64 bits with a parameter beyond 32.", 40,
      {0, 1099511627775u, 3298534883327u, 3298534883328u, 18446744073709551615u});
  add_magnitudes<uint64_t>(to, "magnitudes-wide-k63", "The largest parameter of 64 bits.", 63,
                           {0, 9223372036854775807u, 9223372036854775808u});
}

void make_bad_magnitudes(Maker& to) {
  BitWriter bits;
  auto begin = [&]() -> BitWriter& {
    bits.clear();
    bits.room(4);
    return bits;
  };
  auto bad = [&](const char* name, const char* note, unsigned width, unsigned k) {
    to.reject(name, note, magnitudes_input(width, k, 1, bits), "frame_malformed");
  };
  begin();
  bad("magnitude-of-nothing", "There is no bit at all.", 32, 0);
  begin().put(0, 8);
  bad("magnitude-zeros-cut-short", "Eight zeros and then the end.", 32, 0);
  begin().put(1, 1);
  bad("magnitude-low-bits-cut-short", "The 12 low bits are not all there.", 32, 12);
  begin().put(0, 12);
  bits.put_wide(1024, 32);
  bad("magnitude-raw-although-short", "12 zeros, then a number that has a shorter code.", 32, 0);
  begin().put(0, 12);
  bits.put_wide(0xffff, 40);
  bad("magnitude-raw-cut-short", "12 zeros, then 52 bits of a 64-bit number.", 64, 0);
  begin().put(uint64_t{1} << 3, 4);
  bits.put_wide(0, 32);
  bad("magnitude-beyond-32-bits", "Parameter 31: three zeros stand for 2^31 + 2^32.", 32, 31);
  begin().put(uint64_t{1} << 3, 4);
  bits.put_wide(0x7fffffff, 31);
  bad("magnitude-beyond-by-low-bits",
      "Parameter 30: 2^30 + 2^31 and low bits that lead beyond 32 bits.", 32, 30);
  begin().put(uint64_t{1} << 2, 3);
  bits.put_wide(0, 31);
  bad("magnitude-beyond-by-quotient", "Parameter 31 and two zeros: 2^32.", 32, 31);
  begin().put(uint64_t{1} << 2, 3);
  bits.put_wide(5, 63);
  bad("magnitude-wide-beyond-by-quotient", "Parameter 63 and two zeros: 2^64 + 5.", 64, 63);
  begin().put(uint64_t{1} << 4, 5);
  bits.put_wide(0, 64);
  bad("magnitude-beyond-64-bits", "Parameter 62: four zeros stand for more than 2^64.", 64, 62);
}

Json runs_input(unsigned state, size_t flags, BitWriter& bits) {
  return Json::object(
      {{"kind", "runs"}, {"state", state}, {"flags", flags}, {"bits", to_hex(bits.finish())}});
}

void make_runs(Maker& to) {
  auto good = [&](const char* name, const char* note, unsigned state, size_t flags,
                  std::initializer_list<size_t> misses) {
    RunEncoder runs;
    Json expected = Json::array();
    size_t next = 0;
    for (const size_t miss : misses) {
      runs.hits(static_cast<uint32_t>(miss - next));
      runs.miss();
      next = miss + 1;
      expected.add(miss);
    }
    runs.hits(static_cast<uint32_t>(flags - next));
    BitWriter bits;
    bits.clear();
    runs.encode(state, bits);
    to.accept(name, note, runs_input(state, flags, bits));
    if (to.group().vectors.back().at("expect").at("misses") != expected) to.problem(name);
  };
  good("runs-none", "No flags take no bits.", 6, 0, {});
  good("runs-one-hit", "One hit is a single one: as many as there are.", 6, 1, {});
  good("runs-one-miss", "One miss in state 6: a zero and three bits of zero.", 6, 1, {0});
  good("runs-all-hits", "Twenty hits in state 6: runs of 8, 8 and what is left.", 6, 20, {});
  good("runs-steady", "A few misses among many hits; the state falls and rises.", 6, 100,
       {10, 11, 50, 99});
  good("runs-unsteady", "State 0: a bit for each flag until hits raise the state.", 0, 12,
       {0, 1, 3, 6, 7, 8});
  good("runs-every-miss", "Nothing but misses: the state falls to 0.", 6, 9,
       {0, 1, 2, 3, 4, 5, 6, 7, 8});
  good("runs-state-rises-to-32", "So many hits that the state stands at its highest.", 6, 700'000,
       {699'999});
  auto bad = [&](const char* name, const char* note, unsigned state, size_t flags, uint64_t value,
                 unsigned count) {
    BitWriter bits;
    bits.clear();
    bits.room(2);
    bits.put(value, count);
    to.reject(name, note, runs_input(state, flags, bits), "frame_malformed");
  };
  bad("runs-miss-beyond-the-flags", "State 6: three hits and a miss, of three flags.", 6, 3, 6, 4);
  bad("runs-miss-far-beyond", "State 6: seven hits and a miss, of three flags.", 6, 3, 14, 4);
  bad("runs-cut-short", "State 0: nine flags, but bits for eight.", 0, 9, 0, 8);
  bad("runs-without-bits", "Flags without any bit.", 6, 2, 0, 0);
}

}  // namespace

void make_bit_codes(Maker& to) {
  make_good_magnitudes(to);
  make_bad_magnitudes(to);
  make_runs(to);
}

}  // namespace ecsdb::vectors
