#include "codec_tier.h"

#include "ecsdb/client/replica.h"
#include "ecsdb/server/advance_writer.h"
#include "ecsdb/server/cell_blocks.h"
#include "ecsdb/wire/frame.h"

#include "trace_database.h"

namespace bench {

using ecsdb::CellRef;
using ecsdb::Status;
using ecsdb::Version;

namespace {

// Each operation is repeated on the same frame, so that small frames outweigh the clock's own cost.
constexpr int kRepeats = 4;
constexpr uint64_t kWarmFrames = 32;  // before allocations count

class TierBench {
 public:
  TierBench(const Trace& trace, ecsdb::CodecTier tier, double cell_rows)
      : source_(trace, tier, cell_rows),
        quiet_(trace, tier, cell_rows),
        db_(source_.db()),
        replica_(db_.schema()) {}

  Status start(size_t frame) {
    ECSDB_TRY(source_.start(frame));
    ECSDB_TRY(quiet_.start(frame));
    TierTotals ignored;
    ECSDB_TRY(publish(ignored, false));
    return verify(frame);
  }
  size_t changed_columns() const { return source_.changed_columns(); }
  Status step(size_t frame, TierTotals& totals) {
    ECSDB_TRY(source_.step(frame));
    ECSDB_TRY(quiet_.step(frame));
    ECSDB_TRY(publish(totals, true));
    ++totals.frames;
    totals.frame_bytes += frame_bytes_;
    totals.rows += source_.changed_rows().size();
    totals.columns += source_.changed_columns();
    totals.fields += source_.changed_fields();
    return verify(frame);
  }
  /// A client that enters all cells now, with the rows' history and without.
  void measure_entry(TierTotals& totals) {
    totals.entry_bytes = whole_bytes(true);
    totals.entry_history_bytes = totals.entry_bytes - whole_bytes(false);
    totals.rows_per_cell = source_.grid() == nullptr ? 0 : source_.grid()->rows_per_cell();
  }

 private:
  /// Publishes what is committed and brings the replica there.
  Status publish(TierTotals& totals, bool counts) {
    plan_ = ecsdb::AdvancePlan{};
    plan_.from = db_.published();
    blocks_.begin_publish();
    // Of a database that nobody encodes, so that clocks inside do not count.
    totals.publish.add_ns(time_ns([&] { quiet_.db().finish_publish(); }));
    quiet_.db().trim();
    db_.publish([&](CellRef ref, const ecsdb::ChangeSet& changes) {
      encode(ref, changes, totals, counts);
    });
    db_.trim();
    add_entered();
    plan_.to = db_.published();
    plan_.commit_time_ns = 1'000'000'000 + db_.published().value * 16'666'667;
    return follow(totals, counts);
  }
  uint64_t whole_bytes(bool with_history) {
    const ecsdb::Table& table = db_.table(0);
    const ecsdb::CellHistory none;
    ecsdb::Bytes bytes;
    for (const auto& [key, index] : db_.cells(0).by_key()) {
      std::vector<ecsdb::RowIndex> rows;
      for (ecsdb::RowIndex row = table.find_from(0); row != ecsdb::kNoRow;
           row = table.find_from(table.row(row).entity.index() + 1)) {
        if (table.row(row).cell == index) rows.push_back(row);
      }
      if (rows.empty()) continue;
      ecsdb::BlockSource source;
      source.def = &db_.schema().table(0);
      source.table = &table;
      source.tier = source.def->codec;
      source.form = ecsdb::BlockForm::kRows;
      source.history = with_history ? &db_.cell({0, index}).history : &none;
      source.rows = rows;
      encoder_.encode(source, bytes);
    }
    return bytes.size();
  }
  void encode(CellRef ref, const ecsdb::ChangeSet& changes, TierTotals& totals, bool counts) {
    if (ref.table != 0) return;
    if (db_.cell(ref).published == Version{}) return entered_.push_back(ref);
    const uint64_t before = allocations();
    totals.encode.add_ns(time_ns([&] {
                           for (int i = 0; i < kRepeats; ++i) blocks_.relative(db_, ref, changes);
                         }) /
                         kRepeats);
    if (counts && totals.frames > kWarmFrames) totals.encode_allocations += allocations() - before;
    const ecsdb::BlockParts& parts = blocks_.relative(db_, ref, changes);
    plan_.add_blocks(ref.cell, 1, parts, 0);
    if (!counts) return;
    totals.blocks += parts.size();
    for (const ecsdb::BlockPart& part : parts) totals.block_bytes += part.raw.bytes().size();
  }
  void add_entered() {
    for (const CellRef ref : entered_) {
      const ecsdb::Cell& cell = db_.cell(ref);
      plan_.enters.push_back({ref.cell, 1, db_.schema().table(0).id, cell.key, cell.published,
                              cell.history.publishes()});
      plan_.add_blocks(ref.cell, 1, blocks_.whole(db_, ref, plan_.from), 0);
    }
    entered_.clear();
  }
  /// The plan over the wire.
  Status follow(TierTotals& totals, bool counts) {
    writer_.write(plan_, ecsdb::MessageType::kAdvance, outbox_);
    frame_bytes_ = outbox_.bytes();
    stream_.clear();
    for (auto parts = outbox_.parts(); !parts.empty(); parts = outbox_.parts()) {
      size_t bytes = 0;
      for (const ecsdb::ByteSpan part : parts) {
        stream_.insert(stream_.end(), part.begin(), part.end());
        bytes += part.size();
      }
      outbox_.accept(bytes);
    }
    received_.clear();
    reader_.feed(stream_);
    while (true) {
      auto frame = reader_.next();
      if (!frame.ok()) return frame.error();
      if (!frame->has_value()) break;
      ecsdb::Advance head;
      ECSDB_TRY(ecsdb::decode_message((*frame)->head, head));
      received_.add(std::move(head), (*frame)->tail, (*frame)->bytes);
    }
    if (counts) ECSDB_TRY(decode(totals));
    Status status;
    totals.apply.add_ns(time_ns([&] { status = replica_.apply(received_, nullptr); }));
    return status;
  }
  /// The relative blocks once more, alone.
  Status decode(TierTotals& totals) {
    Status status;
    const uint64_t before = allocations();
    totals.decode.add_ns(time_ns([&] {
                           for (int i = 0; i < kRepeats && status.ok(); ++i) status = decode_all();
                         }) /
                         kRepeats);
    if (totals.frames > kWarmFrames) totals.decode_allocations += allocations() - before;
    return status;
  }
  Status decode_all() {
    for (const ecsdb::AdvancePlan::PlannedBlock& planned : plan_.blocks) {
      const auto header = ecsdb::peek_block_header(planned.block.bytes());
      if (header->form != ecsdb::BlockForm::kRelative) continue;
      const ecsdb::BlockTarget target{&db_.schema().table(0), &replica_.table(0), planned.handle,
                                      &replica_.cells()[planned.handle].history};
      ECSDB_TRY(decoder_.decode(planned.block.bytes(), target, plan_.to, decoded_));
    }
    return {};
  }
  Status verify(size_t frame) {
    ECSDB_TRY(source_.verify(replica_.table(0), frame));
    for (const auto& [key, cell] : db_.cells(0).by_key()) {
      if (replica_.digest(cell) == db_.digest({0, cell})) continue;
      return ecsdb::fail(ecsdb::ErrorCode::kDigestMismatch,
                         "frame " + std::to_string(frame) + ", cell " + key.to_string());
    }
    return {};
  }

  TraceDatabase source_;
  TraceDatabase quiet_;  // the same without encoding
  ecsdb::Database& db_;
  ecsdb::CellBlocks blocks_;
  ecsdb::AdvancePlan plan_;
  ecsdb::AdvanceWriter writer_;
  std::vector<CellRef> entered_;
  ecsdb::Outbox outbox_;
  ecsdb::Bytes stream_;
  size_t frame_bytes_ = 0;
  ecsdb::FrameReader reader_{
      {.head_bytes_max = ecsdb::kFrameHeadBytesMax, .tail_bytes_max = ecsdb::kFrameTailBytesMax}};
  ecsdb::ReceivedAdvance received_;
  ecsdb::Replica replica_;
  ecsdb::BlockEncoder encoder_;
  ecsdb::BlockDecoder decoder_;
  ecsdb::DecodedBlock decoded_;
};

}  // namespace

void TierTotals::end_block(double columns_in_block) {
  for (Cost* cost : {&encode, &publish, &decode, &apply}) cost->end_block(columns_in_block);
}

Status run_tier(const Trace& trace, ecsdb::CodecTier tier, double cell_rows, size_t first,
                size_t frames_per_block, TierTotals& totals) {
  TierBench bench(trace, tier, cell_rows);
  ECSDB_TRY(bench.start(first));
  size_t in_block = 0;
  size_t columns = 0;
  for (size_t frame = first + 1; frame < trace.frames(); ++frame) {
    ECSDB_TRY(bench.step(frame, totals));
    columns += bench.changed_columns();
    if (++in_block < frames_per_block && frame + 1 < trace.frames()) continue;
    totals.end_block(static_cast<double>(columns));
    in_block = columns = 0;
  }
  bench.measure_entry(totals);
  return {};
}

}  // namespace bench
