// Changes scripts (see script.h) record by record, so that lengths stay right.
#include <cstring>
#include <utility>

#include "ecsdb/base/prng.h"

#include "script.h"

// libFuzzer's own: changes bytes in place, returns their new number.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed);
extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* first, size_t first_size,
                                            const uint8_t* second, size_t second_size, uint8_t* out,
                                            size_t out_size_max, unsigned seed);

namespace ecsdb::fuzz {
namespace {

constexpr size_t kGrowthMax = 64;  // of a record in one mutation
constexpr size_t kRecordsMax = 200;
constexpr uint64_t kTagsMax = 32;

void mutate_bytes(Bytes& bytes) {
  const size_t size = bytes.size();
  const size_t most = std::min(size + kGrowthMax, kRecordBytesMax);
  bytes.resize(most);
  bytes.resize(LLVMFuzzerMutate(bytes.data(), size, most));
}

void mutate_record(Script& script, Prng& random) {
  const size_t at = random.below(script.size());
  const size_t other = random.below(script.size());
  const auto place = [&](size_t i) { return script.begin() + static_cast<ptrdiff_t>(i); };
  switch (random.below(16)) {
    case 0:
      script[at].tag = static_cast<uint8_t>(random.below(kTagsMax));
      return;
    case 1:
      script.erase(place(at));
      return;
    case 2: {
      Record copy = script[at];
      script.insert(place(other), std::move(copy));
      return;
    }
    case 3:
      std::swap(script[at], script[other]);
      return;
    case 4:
      script.insert(place(at), Record{static_cast<uint8_t>(random.below(kTagsMax)), {}});
      return mutate_bytes(script[at].bytes);
    case 5:
      script[at].bytes = script[other].bytes;
      return;
    default:
      return mutate_bytes(script[at].bytes);
  }
}

size_t store(const Script& script, uint8_t* out, size_t out_size_max) {
  const Bytes bytes = write_script(script);
  const size_t size = std::min(bytes.size(), out_size_max);
  if (size > 0) std::memcpy(out, bytes.data(), size);
  return size;
}

}  // namespace
}  // namespace ecsdb::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  ecsdb::Prng random(seed);
  ecsdb::fuzz::Script script = ecsdb::fuzz::parse_script(ecsdb::ByteSpan(data, size));
  if (script.size() > ecsdb::fuzz::kRecordsMax) script.resize(ecsdb::fuzz::kRecordsMax);
  if (script.empty()) script.emplace_back();
  for (uint64_t n = 1 + random.below(3); n > 0 && !script.empty(); --n) {
    ecsdb::fuzz::mutate_record(script, random);
  }
  return ecsdb::fuzz::store(script, data, max_size);
}

/// The first script up to some record, then the second from some record on.
extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* first, size_t first_size,
                                            const uint8_t* second, size_t second_size, uint8_t* out,
                                            size_t out_size_max, unsigned seed) {
  ecsdb::Prng random(seed);
  ecsdb::fuzz::Script script = ecsdb::fuzz::parse_script(ecsdb::ByteSpan(first, first_size));
  const auto other = ecsdb::fuzz::parse_script(ecsdb::ByteSpan(second, second_size));
  script.resize(random.below(script.size() + 1));
  const size_t from = random.below(other.size() + 1);
  script.insert(script.end(), other.begin() + static_cast<ptrdiff_t>(from), other.end());
  return ecsdb::fuzz::store(script, out, out_size_max);
}
