#include "ecsdb/server/catch_up.h"

#include <algorithm>
#include <bit>

#include "ecsdb/base/check.h"
#include "ecsdb/base/mutant.h"

namespace ecsdb {
namespace {

/// Blocks of fewer rows vary more than they cost to encode.
constexpr size_t kFewRows = 16;

/// Of an advance in one frame, without its blocks and their entries.
size_t frame_bytes(Version from, uint64_t commit_time_ns) {
  constexpr size_t kTypeAndLengths = 1 + 1 + 2;
  constexpr size_t kFlagsAndCounts = 1 + 3;
  constexpr size_t kDistance = 1;
  constexpr size_t kChecksums = 4 + 4;
  return kTypeAndLengths + kFlagsAndCounts + kDistance + kChecksums + varint_size(from.value) +
         varint_size(commit_time_ns);
}

template <class M>
size_t encoded_bytes(const M& message) {
  uint8_t buffer[128];
  FixedWriter writer(buffer);
  encode_fields(message, writer);
  return static_cast<size_t>(writer.at() - buffer);
}

/// Blocks with their entries, but for the steps between handles.
size_t bytes_of(std::span<const BlockPart> parts, uint32_t features) {
  size_t bytes = 0;
  for (const BlockPart& part : parts) {
    const size_t block = part.pick(features).bytes().size();
    bytes += block + varint_size(block);
  }
  return bytes;
}

/// The step to a handle from one that is so far below.
size_t step_bytes(uint32_t distance) { return varint_size(zigzag(distance)); }

}  // namespace

void NetCost::learn(size_t rows, size_t bytes, uint64_t now) {
  if (rows < kFewRows) return;
  const uint64_t found = uint64_t{bytes} * kScale / rows;
  uint64_t error = found > row_bytes_ ? found - row_bytes_ : row_bytes_ - found;
  // After a while one block tells whether what was known still holds.
  const bool is_stale = blocks_ == kBlocksMin && !is_known(now);
  if (blocks_ == 0 || (is_stale && error > 2 * spread_ + row_bytes_ / 8)) {
    blocks_ = 0;
    row_bytes_ = found;
    spread_ = error = 0;
  }
  row_bytes_ = (3 * row_bytes_ + found) / 4;
  spread_ = std::max(error, (7 * spread_ + error) / 8);
  blocks_ = std::min(blocks_ + 1, kBlocksMin);
  learnt_ = now;
}

bool NetCost::is_known(uint64_t now) const {
  return blocks_ >= kBlocksMin && now - learnt_ <= kFreshPublishes;
}

size_t NetCost::least_bytes(size_t rows) const {
  const uint64_t least = row_bytes_ > 2 * spread_ ? row_bytes_ - 2 * spread_ : 0;
  return static_cast<size_t>(least * rows / kScale);
}

CatchUp::CatchUp(size_t tables) : costs_(tables), net_costs_(tables) {}

void CatchUp::begin_publish() {
  ++publish_;
  chain_.users = 0;
  chain_.frames.clear();
}

CatchUp::Way CatchUp::choose(const Sources& sources, const Behind& behind) {
  find_changed(sources, behind);
  if (changed_.empty()) return Way::kNothing;
  if (is_last_chain(sources, behind)) {
    ++chain_.users;
    return Way::kChain;
  }
  size_t chain = 0;
  const bool has_chain =
      sources.ring.reaches(behind.effective_cut) && measure_chain(sources, behind, chain);
  const bool is_chain =
      has_chain && (is_net_no_better(sources, behind, chain) || chain < plan_net(sources, behind));
  if (is_chain) {
    begin_chain(sources, behind);
    return Way::kChain;
  }
  if (!has_chain) plan_net(sources, behind);
  return Way::kNet;
}

bool CatchUp::is_last_chain(const Sources& sources, const Behind& behind) const {
  return chain_.users > 0 && chain_.sent_cut == behind.sent_cut &&
         chain_.effective_cut == behind.effective_cut && chain_.features == behind.features &&
         chain_.first_sequence == sources.ring.first_sequence() && chain_.changed == changed_;
}

void CatchUp::begin_chain(const Sources& sources, const Behind& behind) {
  chain_.users = 1;
  chain_.sent_cut = behind.sent_cut;
  chain_.effective_cut = behind.effective_cut;
  chain_.features = behind.features;
  chain_.first_sequence = sources.ring.first_sequence();
  chain_.changed = changed_;
  chain_.frames.clear();
  find_steps(sources, behind);
}

CatchUp::Written CatchUp::write_chain(const Sources& sources, const Behind& behind,
                                      StepWriter& steps, AdvanceWriter& writer, Outbox& out) {
  ECSDB_CHECK(chain_.users > 0);
  const bool is_shared = chain_.users > 1;
  const bool is_second = is_shared && chain_.frames.empty();
  Written written{behind.sent_cut, 0};
  for_each_step(sources, behind, [&](const StepWriter::Step& step) {
    if (is_second) chain_.frames.push_back(steps.join(sources.ring, step, writer));
    if (is_shared && chain_.frames[written.advances]) {
      out.block(chain_.frames[written.advances]);
    } else {
      steps.write(sources.ring, step, writer, out);
    }
    written.end = sources.ring.at(step.sequence).to;
    ++written.advances;
  });
  return written;
}

void CatchUp::find_changed(const Sources& sources, const Behind& behind) {
  changed_.clear();
  for (uint32_t handle = 0; handle < behind.interest.handle_end(); ++handle) {
    const Interest::Held& held = behind.interest.at(handle);
    if (held.state != Interest::State::kTold) continue;
    if (sources.db.cell(held.ref).published <= behind.effective_cut) continue;
    changed_.push_back({handle, held.generation, held.ref});
  }
}

CatchUp::Cost& CatchUp::cost_of(const Sources& sources, CellRef ref, Version cut) {
  std::vector<CellCosts>& cells = costs_[ref.table];
  if (ref.cell >= cells.size()) cells.resize(ref.cell + 1);
  CellCosts& costs = cells[ref.cell];
  if (costs.publish != publish_) {
    costs.publish = publish_;
    costs.by_cut.clear();
  }
  for (Cost& cost : costs.by_cut) {
    if (cost.cut == cut) return cost;
  }
  Cost& cost = costs.by_cut.emplace_back();
  cost.cut = cut;
  sources.ring.for_each_after(ref, cut,
                              [&](uint64_t sequence, const auto& publish, const auto& c, uint32_t) {
                                const std::span<const BlockPart> parts = publish.parts_of(c);
                                cost.has_chain &= !parts.empty();
                                cost.missed |= uint64_t{1} << sequence % PublishRing::kPublishesMax;
                                cost.chain_blocks += parts.size();
                                cost.chain_bytes[0] += bytes_of(parts, 0);
                                cost.chain_bytes[1] += bytes_of(parts, kFeatureZstd);
                              });
  return cost;
}

/// Rows of the cell that changed since, told once for all who stand there.
size_t CatchUp::rows_of(const Sources& sources, CellRef ref, Cost& cost) {
  if (cost.rows != kUnknown) return cost.rows;
  cost.rows = 0;
  for (RowIndex row : sources.db.table(ref.table).rows_after(sources.db.cell(ref).log, cost.cut)) {
    static_cast<void>(row);
    ++cost.rows;
  }
  return cost.rows;
}

/// Bytes of the chain on the stream. False if a block of it was not encoded.
bool CatchUp::measure_chain(const Sources& sources, const Behind& behind, size_t& bytes) {
  missed_ = 0;
  bytes = 0;
  uint32_t before = 0;
  for (const Changed& changed : changed_) {
    const Cost& cost = cost_of(sources, changed.ref, behind.effective_cut);
    if (!cost.has_chain) return false;
    missed_ |= cost.missed;
    bytes += cost.chain_bytes[kind_of(behind.features)];
    bytes += cost.chain_blocks * step_bytes(changed.handle - before);
    before = changed.handle;
  }
  const uint64_t time = sources.ring.newest().commit_time_ns;
  bytes += static_cast<size_t>(std::popcount(missed_)) * frame_bytes(behind.sent_cut, time);
  return true;
}

/// True if net deltas would save less than a fifth of so many bytes, as far as that can be said
/// without encoding many rows.
bool CatchUp::is_net_no_better(const Sources& sources, const Behind& behind, size_t chain) {
  const auto varies = [&](const Changed& changed) {
    return has_compressed_texts(sources, behind, changed.ref);
  };
  const bool is_one = std::popcount(missed_) == 1;
  if (is_one && std::none_of(changed_.begin(), changed_.end(), varies)) return true;
  size_t least = 0;
  for (const Changed& changed : changed_) {
    const Table& table = sources.db.table(changed.ref.table);
    const Cell& cell = sources.db.cell(changed.ref);
    if (cell.horizon > behind.sent_cut || varies(changed)) continue;
    const size_t rows =
        rows_of(sources, changed.ref, cost_of(sources, changed.ref, behind.effective_cut));
    const NetCost& known = net_costs_[changed.ref.table][kind_of(behind.features)];
    const bool is_regular = table.layout().text_count == 0;
    if (rows >= kFewRows && is_regular && known.is_known(publish_)) {
      least += known.least_bytes(rows);
    } else if (rows < kFewRows || is_regular) {
      const BlockParts& parts = sources.blocks.net(sources.db, changed.ref, behind.sent_cut);
      least += bytes_of(parts, behind.features);
      learn(sources, behind, changed.ref, bytes_of(parts, behind.features));
    }
    if (5 * least >= 4 * chain) return true;
  }
  return false;
}

/// Bytes of the one advance on the stream.
size_t CatchUp::plan_net(const Sources& sources, const Behind& behind) {
  net_.kind = AdvanceKind::kNet;
  net_.from = behind.sent_cut;
  net_.leaves.clear();
  net_.enters.clear();
  net_.blocks.clear();
  replaced_.clear();
  size_t bytes = frame_bytes(behind.sent_cut, sources.ring.newest().commit_time_ns);
  uint32_t before = 0;
  for (const Changed& changed : changed_) {
    bytes += plan_cell(sources, behind, changed) + step_bytes(changed.handle - before);
    before = changed.handle;
  }
  return bytes;
}

size_t CatchUp::plan_cell(const Sources& sources, const Behind& behind, const Changed& changed) {
  const Cell& cell = sources.db.cell(changed.ref);
  if (cell.horizon > behind.sent_cut && !ECSDB_MUTANT(stale_resume)) {
    replaced_.push_back(changed.handle);
    return whole_bytes(sources, behind, changed);
  }
  const BlockParts& parts = sources.blocks.net(sources.db, changed.ref, behind.sent_cut);
  const size_t net = bytes_of(parts, behind.features);
  if (sources.ring.reaches(behind.effective_cut)) learn(sources, behind, changed.ref, net);
  if (may_be_smaller_whole(sources, behind, changed.ref, net)) {
    const size_t whole = whole_bytes(sources, behind, changed);
    if (5 * whole < 4 * net) {
      replaced_.push_back(changed.handle);
      return whole;
    }
  }
  net_.add_blocks(changed.handle, changed.generation, parts, behind.features);
  return net;
}

void CatchUp::learn(const Sources& sources, const Behind& behind, CellRef ref, size_t bytes) {
  Cost& cost = cost_of(sources, ref, behind.effective_cut);
  const size_t kind = kind_of(behind.features);
  if (cost.is_learnt[kind]) return;
  cost.is_learnt[kind] = true;
  net_costs_[ref.table][kind].learn(rows_of(sources, ref, cost), bytes, publish_);
}

/// What leaving the cell and entering it anew takes.
size_t CatchUp::whole_bytes(const Sources& sources, const Behind& behind, const Changed& changed) {
  const Cell& cell = sources.db.cell(changed.ref);
  const CellEnter enter{
      changed.handle, changed.generation + 1, sources.db.schema().table(changed.ref.table).id,
      cell.key,       cell.published,         cell.history.publishes()};
  size_t bytes = encoded_bytes(enter) + encoded_bytes(CellLeave{changed.handle, enter.generation});
  if (cell.log.count() == 0) return bytes;
  const BlockParts& parts = sources.blocks.whole(sources.db, changed.ref, behind.sent_cut);
  return bytes + bytes_of(parts, behind.features);
}

/// What compression makes of texts depends on what stands beside them: little is known of such
/// blocks before they are encoded.
bool CatchUp::has_compressed_texts(const Sources& sources, const Behind& behind, CellRef ref) {
  return kind_of(behind.features) == 1 && sources.db.table(ref.table).layout().text_count > 0;
}

/// A net block is larger than the whole cell for what it says of rows that are gone, and where the
/// whole cell can be compressed better. Whole cells are not encoded in vain, more often than not.
bool CatchUp::may_be_smaller_whole(const Sources& sources, const Behind& behind, CellRef ref,
                                   size_t net) {
  constexpr size_t kGoneBytesMax = 6;  // an index that is far from the one before, and a tag
  const Cell& cell = sources.db.cell(ref);
  if (has_compressed_texts(sources, behind, ref)) {
    const size_t rows = rows_of(sources, ref, cost_of(sources, ref, behind.effective_cut));
    if (cell.log.count() <= 4 * rows) return true;
  }
  const std::span<const Tombstone> all = cell.tombstones.all();
  const auto gone = std::partition_point(
      all.begin(), all.end(), [&](const Tombstone& at) { return at.version <= behind.sent_cut; });
  const size_t count = static_cast<size_t>(all.end() - gone);
  if (5 * kGoneBytesMax * count < net) return false;
  const NetCost& known = net_costs_[ref.table][kind_of(behind.features)];
  if (known.is_known(publish_)) return known.least_bytes(cell.log.count()) < net;
  return cell.log.count() < 2 * net;
}

void CatchUp::find_steps(const Sources& sources, const Behind& behind) {
  const PublishRing& ring = sources.ring;
  const uint64_t first = ring.first_sequence();
  steps_.resize(std::max(steps_.size(), static_cast<size_t>(ring.end_sequence() - first)));
  for (std::vector<StepEntry>& entries : steps_) entries.clear();
  for (const Changed& changed : changed_) {
    ring.for_each_after(changed.ref, behind.effective_cut,
                        [&](uint64_t sequence, const auto&, const auto&, uint32_t change) {
                          steps_[static_cast<size_t>(sequence - first)].push_back(
                              {changed.handle, changed.generation, change});
                        });
  }
}

}  // namespace ecsdb
