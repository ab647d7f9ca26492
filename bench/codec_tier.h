// One codec tier on a trace: a server's blocks and frames, a client's replica that follows them.
#pragma once

#include <memory>

#include "codec_costs.h"
#include "trace.h"

namespace bench {

struct TierTotals {
  Cost encode;   // changed rows of the cells to blocks
  Cost publish;  // beside that: rows collected and measured, baseline and history moved on
  Cost decode;   // blocks to values
  Cost apply;    // a whole advance: checks, decoding, storing, history
  uint64_t frames = 0;
  uint64_t frame_bytes = 0;  // of the stream: frame, head, blocks
  uint64_t block_bytes = 0;
  uint64_t blocks = 0;
  uint64_t rows = 0;
  uint64_t columns = 0;
  uint64_t fields = 0;
  uint64_t encode_allocations = 0;
  uint64_t decode_allocations = 0;
  uint64_t entry_bytes = 0;          // whole rows of all cells after the last frame
  uint64_t entry_history_bytes = 0;  // of those, what their history takes
  double rows_per_cell = 0;

  void end_block(double columns_in_block);
};

/// Publishes frame `first` and then each one until the end. Every frame is decoded and compared
/// with the trace, digests too: kDigestMismatch.
ecsdb::Status run_tier(const Trace& trace, ecsdb::CodecTier tier, double cell_rows, size_t first,
                       size_t frames_per_block, TierTotals& totals);

}  // namespace bench
