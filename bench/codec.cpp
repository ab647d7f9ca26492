// Size and speed of the block tiers on a trace, frame t relative to frame t - 1, beside what
// programs without a codec would do.
#include <algorithm>

#include "codec_baselines.h"
#include "codec_tier.h"
#include "programs.h"
#include "trace.h"

namespace bench {
namespace {

using ecsdb::CodecTier;
using ecsdb::Status;

constexpr size_t kFramesSkipped = 7;  // as the scoring of the cubes challenge does

double per(uint64_t a, uint64_t b) {
  return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
}

void report_tier(std::string_view name, const Trace& trace, const TierTotals& totals,
                 Report& report) {
  report.section("tiers." + std::string(name));
  report.number("bytes_per_frame", per(totals.frame_bytes, totals.frames));
  report.number("bytes_per_changed_row", per(totals.frame_bytes, totals.rows));
  totals.encode.report("encode", report);
  totals.decode.report("decode", report);
  report.count("verified", 1);
  report.number("block_bytes_per_frame", per(totals.block_bytes, totals.frames));
  report.number("blocks_per_frame", per(totals.blocks, totals.frames));
  report.number("bits_per_changed_field", 8 * per(totals.frame_bytes, totals.columns));
  totals.publish.report("publish", report);
  totals.apply.report("apply", report);
  report.number("encode_allocations_per_block", per(totals.encode_allocations, totals.blocks));
  report.number("decode_allocations_per_block", per(totals.decode_allocations, totals.blocks));
  report.number("entry_bytes_per_row", per(totals.entry_bytes, trace.shape.rows));
  report.number("entry_history_bytes_per_row", per(totals.entry_history_bytes, trace.shape.rows));
  if (totals.rows_per_cell > 0) report.number("rows_per_cell", totals.rows_per_cell);
}

void report_baseline(std::string_view name, const BaselineTotals& totals, uint64_t frames,
                     Report& report) {
  report.section("baselines." + std::string(name));
  report.number("bytes_per_frame", per(totals.bytes, frames));
  totals.encode.report("encode", report);
  totals.decode.report("decode", report);
}

Status run_trace(const Trace& trace, size_t first, double cell_rows, size_t block_frames,
                 Report& report) {
  BaselinesTotals baselines;
  TierTotals plain;
  TierTotals packed;
  ECSDB_TRY(run_baselines(trace, first, block_frames, baselines));
  ECSDB_TRY(run_tier(trace, CodecTier::kPlain, cell_rows, first, block_frames, plain));
  ECSDB_TRY(run_tier(trace, CodecTier::kPacked, cell_rows, first, block_frames, packed));
  report.count("rows", trace.shape.rows);
  report.count("frames", packed.frames);
  report.number("changed_rows_per_frame", per(packed.rows, packed.frames));
  report.number("changed_fields_per_frame", per(packed.columns, packed.frames));
  report.number("changed_schema_fields_per_frame", per(packed.fields, packed.frames));
  report_tier("plain", trace, plain, report);
  report_tier("packed", trace, packed, report);
  report_baseline("raw_structs", baselines.raw_structs, baselines.frames, report);
  if (has_zstd()) report_baseline("zstd_1", baselines.zstd_raw, baselines.frames, report);
  if (has_protobuf()) report_baseline("protobuf", baselines.protobuf, baselines.frames, report);
  report.section("baselines.memcpy");
  baselines.copy.report("copy", report);
  report.section("ratios");
  const double raw = static_cast<double>(baselines.raw_structs.bytes);
  report.number("raw_structs_to_plain_bytes", raw / static_cast<double>(plain.frame_bytes));
  report.number("raw_structs_to_packed_bytes", raw / static_cast<double>(packed.frame_bytes));
  return {};
}

Status run(const Options& options, Report& report) {
  const uint64_t rows = options.number("rows", 10'000, 1'000);
  const uint64_t changes =
      options.number("changes", std::min<uint64_t>(1'000, rows), std::min<uint64_t>(100, rows));
  const uint64_t frames = options.number("frames", 0, 40);
  if (changes > rows) {
    return ecsdb::fail(ecsdb::ErrorCode::kUsage, "--changes is more than --rows");
  }
  if (options.has("data") != options.has("shape")) {
    return ecsdb::fail(ecsdb::ErrorCode::kUsage, "--data and --shape go together");
  }
  const double cell_rows =
      options.has("cells") ? static_cast<double>(options.number("cells", 1, 1)) : 0;
  const size_t block_frames = options.quick() ? 5 : 20;
  if (!options.has("data")) {
    const uint64_t made = frames == 0 ? 200 : std::max<uint64_t>(frames, 2);
    const Trace trace = make_synthetic_trace(rows, changes, made, options.number("seed", 1, 1));
    return run_trace(trace, 0, cell_rows, block_frames, report);
  }
  auto shape = shape_named(options.text("shape", ""));
  if (!shape.ok()) return shape.error();
  const auto trace = read_trace(options.text("data", ""), std::move(shape).value(), frames);
  if (!trace.ok()) return trace.error();
  const size_t first = trace->frames() > 2 * kFramesSkipped ? kFramesSkipped - 1 : 0;
  const Status status = run_trace(*trace, first, cell_rows, block_frames, report);
  if (status.ok() || status.code() != ecsdb::ErrorCode::kValueOutOfRange) return status;
  return ecsdb::fail(status.code(), options.text("data", "") + ": is it a trace of " +
                                        trace->shape.name + "? " + status.error().context);
}

constexpr OptionSpec kOptions[] = {
    {"data", "trace: frames of int32, unpacked; - for standard input; else a synthetic one", 0},
    {"shape", "of the trace: cubes, bodies or w1", 0},
    {"cells", "square cells with about so many rows each (one cell)", 1'000'000},
    {"frames", "at most so many (all; 200 of a synthetic trace)", 100'000},
    {"rows", "of the synthetic trace (10000)", 100'000},
    {"changes", "rows changed a frame of the synthetic trace (1000)", 100'000},
    {"seed", "of the synthetic trace (1)", UINT64_MAX},
};

}  // namespace

const Program kCodecProgram = {
    "codec", "bytes and time of blocks of changed rows, each decoded and verified", kOptions, run};

}  // namespace bench
