// Blocks of the packed tier on a live state; see run_blocks().
//
//   input: a script; of each record the tag is the cell, the bytes are the block
#include "fuzz_input.h"
#include "zoo_world.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ecsdb::fuzz::run_blocks(ecsdb::CodecTier::kPacked, ecsdb::ByteSpan(data, size));
  return 0;
}
