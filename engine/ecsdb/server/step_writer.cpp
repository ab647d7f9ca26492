#include "ecsdb/server/step_writer.h"

#include <algorithm>

namespace ecsdb {

bool StepWriter::Slot::is(const Step& step) const {
  return is_used && sequence == step.sequence && from == step.from && features == step.features &&
         std::ranges::equal(entries, step.entries);
}

/// Slots are compared in full: this only spreads them.
size_t StepWriter::slot_of(const Step& step) {
  uint64_t sum = step.sequence * 0x9e3779b97f4a7c15 + step.from.value * 0xbf58476d1ce4e5b9;
  for (const StepEntry& entry : step.entries) {
    sum += (entry.handle + uint64_t{entry.generation} * 0x100000001 + 1) * 0x94d049bb133111eb;
    sum += entry.change * uint64_t{0xd6e8feb86659fd93};
  }
  return static_cast<size_t>((sum ^ sum >> 32) * 0x9e3779b97f4a7c15 >> 56);
}

void StepWriter::begin_publish() {
  for (const uint32_t index : used_) {
    slots_[index].is_used = false;
    slots_[index].frame = {};
  }
  used_.clear();
}

void StepWriter::write(const PublishRing& ring, const Step& step, AdvanceWriter& writer,
                       Outbox& out) {
  static_assert(kSlots == 256);  // slot_of() gives eight bits
  const size_t index = slot_of(step);
  Slot& slot = slots_[index];
  if (!slot.is(step)) {
    if (!slot.is_used) used_.push_back(static_cast<uint32_t>(index));
    slot.is_used = true;
    slot.sequence = step.sequence;
    slot.from = step.from;
    slot.features = step.features;
    slot.entries.assign(step.entries.begin(), step.entries.end());
    slot.frame = {};
    return writer.write(plan(ring, step), MessageType::kAdvance, out);
  }
  if (!slot.frame) slot.frame = join(ring, step, writer);
  if (!slot.frame) return writer.write(plan(ring, step), MessageType::kAdvance, out);
  ++frames_shared_;
  out.block(slot.frame);
}

AdvancePlan& StepWriter::plan(const PublishRing& ring, const Step& step) {
  const PublishRing::Publish& publish = ring.at(step.sequence);
  plan_.kind = AdvanceKind::kStep;
  plan_.from = step.from;
  plan_.to = publish.to;
  plan_.commit_time_ns = publish.commit_time_ns;
  plan_.leaves.clear();
  plan_.enters.clear();
  plan_.blocks.clear();
  for (const StepEntry& entry : step.entries) {
    plan_.add_blocks(entry.handle, entry.generation,
                     publish.parts_of(publish.changes[entry.change]), step.features);
  }
  return plan_;
}

BlockRef StepWriter::join(const PublishRing& ring, const Step& step, AdvanceWriter& writer) {
  const AdvancePlan& of = plan(ring, step);
  size_t bytes = 0;
  for (const auto& planned : of.blocks) bytes += planned.block.bytes().size();
  if (bytes > kFrameBytesMax || of.blocks.size() >= kOutputPartsMax) return {};
  writer.write(of, MessageType::kAdvance, joined_);
  BlockRef frame = pool_.join(joined_.parts());
  joined_.clear();
  return frame;
}

}  // namespace ecsdb
