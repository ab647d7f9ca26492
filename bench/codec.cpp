// Size and speed of the plain block tier on a trace, frame t relative to frame t - 1. Every block
// is decoded and applied, and the result compared with the trace.
#include <algorithm>
#include <cstring>

#include "ecsdb/store/transaction.h"
#include "ecsdb/wire/block.h"

#include "programs.h"
#include "trace.h"

namespace bench {
namespace {

using ecsdb::BlockForm;
using ecsdb::Bytes;
using ecsdb::CellIndex;
using ecsdb::EntityId;
using ecsdb::RowIndex;
using ecsdb::Status;

constexpr CellIndex kReplicaCell = 0;
constexpr size_t kFramesSkipped = 7;  // as the scoring of the cubes challenge does
// Each operation is repeated on the same frame, so that small frames outweigh the clock's own cost.
// Engine and baselines are thus all measured with warm caches.
constexpr int kRepeats = 4;

Status mismatch(size_t frame, const std::string& what) {
  return ecsdb::fail(ecsdb::ErrorCode::kDigestMismatch,
                     "frame " + std::to_string(frame) + ": " + what);
}

/// The lane of an integer of the trace.
uint64_t to_lane(const ecsdb::Lane& lane, int32_t value) {
  return lane.kind == ecsdb::LaneKind::kSigned ? static_cast<uint64_t>(int64_t{value})
                                               : uint64_t{static_cast<uint32_t>(value)};
}

/// What changed from one frame to the next.
struct FrameChanges {
  struct Field {
    std::vector<EntityId> entities;
    std::vector<uint64_t> lanes;
  };
  std::vector<Field> fields;
  std::vector<uint32_t> rows;
  size_t field_count = 0;
  size_t lane_count = 0;
};

/// A client's rows, kept by decoded blocks only.
class ReplicaTable {
 public:
  explicit ReplicaTable(const ecsdb::Schema& schema)
      : table_(schema.table(0), schema.layout(0), false) {}

  const ecsdb::Table& table() const { return table_; }
  ecsdb::Digest digest() { return table_.digest(log_); }
  void apply(const ecsdb::DecodedBlock& block) {
    for (size_t i = 0; i < block.entities.size(); ++i) {
      const bool is_whole = i >= block.changed;
      RowIndex row = table_.find(block.entities[i]);
      if (row == ecsdb::kNoRow) {
        row = table_.append(block.entities[i]);
        table_.link_newest(log_, row, kReplicaCell);
      } else {
        table_.touch(log_, row);
      }
      for (const ecsdb::FieldLayout& field : table_.layout().fields) {
        const bool given = is_whole || (block.masks[i] >> field.replicated_bit & 1) != 0;
        for (uint16_t k = 0; given && k < field.lane_count; ++k) {
          const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
          table_.set_lane(row, lane, block.lanes[lane][i]);
        }
      }
    }
  }

 private:
  ecsdb::Table table_;
  ecsdb::RowLog log_;
};

/// The changed rows as arrays of structs {u32 row, columns}: what a program without a codec sends.
class RawStructs {
 public:
  explicit RawStructs(const Shape& shape)
      : columns_(shape.columns),
        received_(shape.frame_values()),
        buffer_(struct_bytes() * shape.rows) {
    copy_.resize(buffer_.size());
  }
  size_t struct_bytes() const { return (columns_ + 1) * sizeof(int32_t); }
  void encode(std::span<const int32_t> frame, std::span<const uint32_t> rows) {
    uint8_t* at = buffer_.data();
    for (const uint32_t row : rows) {
      std::memcpy(at, &row, sizeof(row));
      std::memcpy(at + sizeof(row), &frame[row * columns_], columns_ * sizeof(int32_t));
      at += struct_bytes();
    }
    keep(buffer_.data());
  }
  void decode(size_t count) {
    const uint8_t* at = buffer_.data();
    for (size_t i = 0; i < count; ++i) {
      uint32_t row = 0;
      std::memcpy(&row, at, sizeof(row));
      std::memcpy(&received_[row * columns_], at + sizeof(row), columns_ * sizeof(int32_t));
      at += struct_bytes();
    }
    keep(received_.data());
  }
  void copy(size_t count) {
    std::memcpy(copy_.data(), buffer_.data(), count * struct_bytes());
    keep(copy_.data());
  }

 private:
  size_t columns_;
  std::vector<int32_t> received_;
  std::vector<uint8_t> buffer_;
  std::vector<uint8_t> copy_;
};

/// Sums over the frames of one block of measurement.
struct Sums {
  double collect = 0, encode = 0, decode = 0;
  double raw_encode = 0, raw_decode = 0, copy = 0;
  size_t fields = 0, lanes = 0;
};

struct CodecSamples {
  Samples collect, encode, decode, encode_lane, decode_lane;
  Samples raw_encode, raw_decode, copy;
  uint64_t frames = 0, bytes = 0, rows = 0, fields = 0, lanes = 0;

  void add(const Sums& sums) {
    const double fields_in = static_cast<double>(sums.fields) * kRepeats;
    const double lanes_in = static_cast<double>(sums.lanes) * kRepeats;
    if (sums.fields == 0) return;
    collect.add(sums.collect / fields_in);
    encode.add(sums.encode / fields_in);
    decode.add(sums.decode / fields_in);
    encode_lane.add(sums.encode / lanes_in);
    decode_lane.add(sums.decode / lanes_in);
    raw_encode.add(sums.raw_encode / fields_in);
    raw_decode.add(sums.raw_decode / fields_in);
    copy.add(sums.copy / fields_in);
  }
};

class CodecBench {
 public:
  explicit CodecBench(const Trace& trace)
      : trace_(trace),
        db_(trace.shape.schema, ecsdb::DatabaseOptions{}),
        replica_(trace.shape.schema),
        raw_(trace.shape) {}

  /// Fills database and replica with a frame; the replica by a block of whole rows.
  Status start(size_t frame) {
    ecsdb::Transaction tx = db_.begin();
    for (size_t row = 0; row < trace_.shape.rows; ++row) {
      entities_.push_back(tx.create().value());
      ECSDB_TRY(tx.insert(0, entities_.back(), {}));
    }
    std::move(tx).commit();
    cell_ = db_.cells(0).find(ecsdb::CellKey::one());
    ECSDB_TRY(commit_changes(frame, true));
    collect();
    encode({ecsdb::CodecTier::kPlain, BlockForm::kRows, db_.head(), db_.head()});
    whole_bytes_ = block_.size();
    ECSDB_TRY(decode());
    replica_.apply(decoded_);
    db_.finish_publish();
    return verify(frame);
  }
  double whole_bytes_per_row() const {
    return static_cast<double>(whole_bytes_) / static_cast<double>(trace_.shape.rows);
  }

  Status step(size_t frame, Sums& sums, CodecSamples& totals) {
    ECSDB_TRY(commit_changes(frame, false));
    ++totals.frames;
    if (!changes_.rows.empty()) {
      if (frame % 2 == 0) measure_raw(frame, sums);
      ECSDB_TRY(measure_engine(sums));
      if (frame % 2 == 1) measure_raw(frame, sums);
      replica_.apply(decoded_);
      totals.bytes += block_.size();
    }
    db_.finish_publish();
    sums.fields += changes_.field_count;
    sums.lanes += changes_.lane_count;
    totals.rows += changes_.rows.size();
    totals.fields += changes_.field_count;
    totals.lanes += changes_.lane_count;
    return verify(frame);
  }

 private:
  const ecsdb::TableLayout& layout() const { return trace_.shape.schema.layout(0); }
  /// Brings the database to a frame; `all`: sets every field of every row.
  Status commit_changes(size_t frame, bool all) {
    const auto now = trace_.frame(frame);
    const auto before = trace_.frame(all ? frame : frame - 1);
    changes_ = FrameChanges{};
    changes_.fields.resize(layout().fields.size());
    for (uint32_t row = 0; row < trace_.shape.rows; ++row) {
      add_row_changes(row, now, before, all);
    }
    ecsdb::Transaction tx = db_.begin();
    for (uint16_t field = 0; field < changes_.fields.size(); ++field) {
      const FrameChanges::Field& changed = changes_.fields[field];
      ECSDB_TRY(tx.set_many(0, field, changed.entities, changed.lanes));
    }
    std::move(tx).commit();
    return {};
  }
  void add_row_changes(uint32_t row, std::span<const int32_t> now, std::span<const int32_t> before,
                       bool all) {
    const size_t at = row * trace_.shape.columns;
    bool row_changed = false;
    for (size_t f = 0; f < changes_.fields.size(); ++f) {
      const ecsdb::FieldLayout& field = layout().fields[f];
      size_t lanes = 0;
      for (size_t k = field.lane_first; k < size_t{field.lane_first} + field.lane_count; ++k) {
        lanes += now[at + k] != before[at + k] ? 1 : 0;
      }
      if (lanes == 0 && !all) continue;
      changes_.lane_count += lanes;
      ++changes_.field_count;
      row_changed = true;
      changes_.fields[f].entities.push_back(entities_[row]);
      for (size_t k = field.lane_first; k < size_t{field.lane_first} + field.lane_count; ++k) {
        changes_.fields[f].lanes.push_back(to_lane(layout().lanes[k], now[at + k]));
      }
    }
    if (row_changed) changes_.rows.push_back(row);
  }

  /// Rows of the cell that changed since the last publish, in order of entity.
  void collect() {
    const ecsdb::Table& table = db_.table(0);
    order_.clear();
    for (const RowIndex at : table.rows_after(db_.cell({0, cell_}).log, db_.published())) {
      order_.push_back((uint64_t{table.row(at).entity.index()} << 32) | at);
    }
    std::sort(order_.begin(), order_.end());
    rows_.clear();
    for (const uint64_t entry : order_) rows_.push_back(static_cast<RowIndex>(entry));
  }
  void encode(ecsdb::BlockHeader header) {
    ecsdb::BlockSource source;
    source.def = &db_.schema().table(0);
    source.table = &db_.table(0);
    source.header = header;
    source.rows = rows_;
    source.since = db_.published();
    block_.clear();
    ecsdb::encode_block(source, block_);
  }
  Status decode() {
    return ecsdb::decode_block(block_, db_.schema().table(0), replica_.table(), kReplicaCell,
                               decoded_);
  }
  Status measure_engine(Sums& sums) {
    const ecsdb::BlockHeader header{ecsdb::CodecTier::kPlain, BlockForm::kRelative,
                                    db_.cell({0, cell_}).published, db_.head()};
    sums.collect += time_ns([&] {
      for (int i = 0; i < kRepeats; ++i) collect();
    });
    sums.encode += time_ns([&] {
      for (int i = 0; i < kRepeats; ++i) encode(header);
    });
    Status status;
    sums.decode += time_ns([&] {
      for (int i = 0; i < kRepeats && status.ok(); ++i) status = decode();
    });
    return status;
  }
  void measure_raw(size_t frame, Sums& sums) {
    sums.raw_encode += time_ns([&] {
      for (int i = 0; i < kRepeats; ++i) raw_.encode(trace_.frame(frame), changes_.rows);
    });
    sums.raw_decode += time_ns([&] {
      for (int i = 0; i < kRepeats; ++i) raw_.decode(changes_.rows.size());
    });
    sums.copy += time_ns([&] {
      for (int i = 0; i < kRepeats; ++i) raw_.copy(changes_.rows.size());
    });
  }
  /// The replica shows the trace's frame, and its digest is the server's.
  Status verify(size_t frame) {
    const auto now = trace_.frame(frame);
    for (size_t row = 0; row < trace_.shape.rows; ++row) {
      const RowIndex held = replica_.table().find(entities_[row]);
      if (held == ecsdb::kNoRow)
        return mismatch(frame, "row " + std::to_string(row) + " is missing");
      for (uint16_t lane = 0; lane < trace_.shape.columns; ++lane) {
        const int32_t expected = now[row * trace_.shape.columns + lane];
        if (replica_.table().lane(held, lane) == to_lane(layout().lanes[lane], expected)) continue;
        return mismatch(frame, "row " + std::to_string(row) + ", column " + std::to_string(lane));
      }
    }
    if (replica_.digest() != db_.digest({0, cell_})) return mismatch(frame, "digest");
    return {};
  }

  const Trace& trace_;
  ecsdb::Database db_;
  CellIndex cell_ = ecsdb::kNoCell;
  std::vector<EntityId> entities_;
  ReplicaTable replica_;
  RawStructs raw_;
  FrameChanges changes_;
  std::vector<uint64_t> order_;
  std::vector<RowIndex> rows_;
  Bytes block_;
  ecsdb::DecodedBlock decoded_;
  size_t whole_bytes_ = 0;
};

void report_trace(const Trace& trace, const CodecSamples& samples, Report& report) {
  auto per = [](uint64_t a, uint64_t b) {
    return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
  };
  report.count("rows", trace.shape.rows);
  report.count("frames", samples.frames);
  report.number("changed_rows_per_frame", per(samples.rows, samples.frames));
  report.number("changed_fields_per_frame", per(samples.fields, samples.frames));
  report.number("changed_lanes_per_frame", per(samples.lanes, samples.frames));
  report.number("bytes_per_frame", per(samples.bytes, samples.frames));
  report.number("bytes_per_changed_row", per(samples.bytes, samples.rows));
  report.number("bits_per_changed_lane", 8 * per(samples.bytes, samples.lanes));
  const size_t struct_bytes = RawStructs(trace.shape).struct_bytes();
  report.number("baseline_raw_structs_bytes_per_frame",
                per(samples.rows * struct_bytes, samples.frames));
  report.number("bytes_to_raw_structs_ratio", per(samples.bytes, samples.rows * struct_bytes));
  report.samples("collect", "ns_per_changed_field", samples.collect);
  report.samples("encode", "ns_per_changed_field", samples.encode);
  report.samples("encode", "ns_per_changed_lane", samples.encode_lane);
  report.samples("decode", "ns_per_changed_field", samples.decode);
  report.samples("decode", "ns_per_changed_lane", samples.decode_lane);
  report.samples("baseline_raw_structs_encode", "ns_per_changed_field", samples.raw_encode);
  report.samples("baseline_raw_structs_decode", "ns_per_changed_field", samples.raw_decode);
  report.samples("baseline_memcpy", "ns_per_changed_field", samples.copy);
  report.number("encode_to_raw_structs_ratio", median_ratio(samples.encode, samples.raw_encode));
  report.number("decode_to_raw_structs_ratio", median_ratio(samples.decode, samples.raw_decode));
}

Status run_trace(const Trace& trace, size_t first, size_t block_frames, Report& report) {
  CodecBench bench(trace);
  ECSDB_TRY(bench.start(first));
  CodecSamples samples;
  Sums sums;
  size_t in_block = 0;
  for (size_t frame = first + 1; frame < trace.frames(); ++frame) {
    ECSDB_TRY(bench.step(frame, sums, samples));
    if (++in_block < block_frames && frame + 1 < trace.frames()) continue;
    samples.add(sums);
    sums = Sums{};
    in_block = 0;
  }
  report.section(trace.shape.name);
  report_trace(trace, samples, report);
  report.number("whole_rows_bytes_per_row", bench.whole_bytes_per_row());
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
  const size_t block_frames = options.quick() ? 5 : 20;
  if (!options.has("data")) {
    const uint64_t made = frames == 0 ? 200 : std::max<uint64_t>(frames, 2);
    const Trace trace = make_synthetic_trace(rows, changes, made, options.number("seed", 1, 1));
    return run_trace(trace, 0, block_frames, report);
  }
  auto shape = shape_named(options.text("shape", ""));
  if (!shape.ok()) return shape.error();
  const auto trace = read_trace(options.text("data", ""), std::move(shape).value(), frames);
  if (!trace.ok()) return trace.error();
  const size_t first = trace->frames() > 2 * kFramesSkipped ? kFramesSkipped - 1 : 0;
  return run_trace(*trace, first, block_frames, report);
}

constexpr OptionSpec kOptions[] = {
    {"data", "unpacked trace file, - for standard input; else a synthetic trace", 0},
    {"shape", "of the trace: cubes, bodies or w1", 0},
    {"frames", "at most so many (all; 200 of a synthetic trace)", 100'000},
    {"rows", "of the synthetic trace (10000)", 100'000},
    {"changes", "rows changed a frame of the synthetic trace (1000)", 100'000},
    {"seed", "of the synthetic trace (1)", UINT64_MAX},
};

}  // namespace

const Program kCodecProgram = {
    "codec", "bytes and time of blocks of changed rows, each decoded and verified", kOptions, run};

}  // namespace bench
