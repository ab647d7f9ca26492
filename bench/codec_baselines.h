// What a program without a codec would send of a trace's frames, measured in the same run.
#pragma once

#include <memory>
#include <span>

#include "codec_costs.h"
#include "trace.h"

namespace bench {

/// One way to send a frame's changes: bytes per frame and ns per changed column. Decoding includes
/// storing the values, which of the tiers is reported apart, as apply.
struct BaselineTotals {
  Cost encode, decode;
  uint64_t bytes = 0;
};

struct BaselinesTotals {
  BaselineTotals raw_structs;  // arrays of {u32 row, columns}
  BaselineTotals zstd_raw;     // the same through zstd -1, one frame of it each
  BaselineTotals protobuf;     // packed repeated fields: row gaps, masks, zigzag deltas
  Cost copy;                   // memcpy of the raw structs
  uint64_t frames = 0;
};

/// Every frame from `first` on against the one before; all of them are decoded and compared:
/// kDigestMismatch. Without zstd or protobuf in this build their figures stay empty.
ecsdb::Status run_baselines(const Trace& trace, size_t first, size_t frames_per_block,
                            BaselinesTotals& totals);

bool has_zstd();
bool has_protobuf();

}  // namespace bench
