// Frames that are spoilt on purpose: mostly so that their checksums are right and what they spoil
// is found by who reads the blocks.
#pragma once

#include "ecsdb/base/prng.h"
#include "ecsdb/wire/frame.h"

namespace ecsdb::vectors {

/// Another frame than the one given.
Bytes damaged_frame(const Frame& frame, Prng& random);

}  // namespace ecsdb::vectors
