// Which rows; their fields are in block_plain_fields_decoder.cpp.
#include <algorithm>
#include <utility>

#include "ecsdb/wire/block_lanes.h"
#include "ecsdb/wire/block_plain.h"

namespace ecsdb {
namespace {

Error malformed(const char* what) { return fail(ErrorCode::kFrameMalformed, what); }

/// Reads a bitmap into `set(i, bit)`; false if it is cut short or has unused bits set.
template <class Set>
bool read_bitmap(ByteReader& in, size_t count, Set&& set) {
  const ByteSpan bytes = in.bytes((count + 7) / 8);
  if (!in.ok()) return false;
  for (size_t i = 0; i < count; ++i) set(i, (bytes[i / 8] >> (i % 8) & 1) != 0);
  return count % 8 == 0 || bytes.back() >> (count % 8) == 0;
}

/// Indices from gaps that are the bytes of `gaps`, low byte first; moves `next` on. Without a loop,
/// which would take as long as the gaps themselves.
template <size_t... k>
void put_short_gaps(uint64_t gaps, uint64_t& next, uint32_t step, uint32_t* to,
                    std::index_sequence<k...>) {
  ((next += gaps >> (8 * k) & 0xff, to[k] = static_cast<uint32_t>(next), next += step), ...);
}

}  // namespace

Status PlainDecoder::decode(ByteReader& in, const BlockTarget& target, DecodedBlock& out) {
  in_ = &in;
  group_ = in;
  target_ = &target;
  out_ = &out;
  is_relative_ = out.header.form == BlockForm::kRelative;
  const Status status = read_body();
  if (!status.ok() && !in.ok()) in = group_;  // where it ran out, for the error's context
  return status;
}

Status PlainDecoder::read_body() {
  out_->clear();
  ECSDB_TRY(read_gone());
  if (is_relative_) ECSDB_TRY(read_changed());
  ECSDB_TRY(read_whole());
  ECSDB_TRY(check_groups());
  if (!out_->changed.empty()) ECSDB_TRY(read_changed_fields());
  if (!out_->whole.empty()) ECSDB_TRY(read_whole_fields());
  return {};
}

/// Entity indices of one group; every one takes at least a byte, so the count is bounded by what is
/// left before anything is allocated.
Status PlainDecoder::read_indices(uint32_t step) {
  group_ = *in_;
  return read_gaps(in_->varint_up_to(in_->left()), step);
}

Status PlainDecoder::read_gaps(uint64_t count, uint32_t step) {
  if (!in_->ok() || count > in_->left()) {
    in_->fail();
    return malformed("row count is larger than the block");
  }
  make_room(indices_, count);
  indices_.resize(count);
  uint32_t* const to = indices_.data();
  uint64_t next = 0;
  for (size_t i = 0; i < count;) {
    uint64_t eight = 0;
    if (count - i >= 8 && next < kEntityIndexMax - 1024 && in_->eight_short_varints(eight)) {
      put_short_gaps(eight, next, step, to + i, std::make_index_sequence<8>());
      i += 8;
      continue;
    }
    next += in_->varint_up_to(kEntityIndexMax);
    if (!in_->ok() || next >= kEntityIndexMax) return malformed("entity index out of range");
    to[i++] = static_cast<uint32_t>(next);
    next += step;
  }
  return check_range();
}

/// Of the block's part.
Status PlainDecoder::check_range() const {
  const IndexRange& range = out_->header.range;
  const bool fits =
      indices_.empty() || (range.begin <= indices_.front() && indices_.back() < range.end);
  return fits ? Status{} : malformed("entity index out of range");
}

Status PlainDecoder::read_gone() {
  ECSDB_TRY(read_indices(out_->header.form == BlockForm::kNet ? 0 : 1));
  if (indices_.empty()) return {};
  if (out_->header.form == BlockForm::kRows) {
    return malformed("removals in a block of rows");
  }
  for (const uint32_t index : indices_) {
    EntityId entity;
    if (is_relative_) {
      const RowIndex row = held_row(*target_, index);
      if (row == kNoRow) return unknown_row(index);
      entity = target_->table->row(row).entity;
    } else {
      entity = EntityId{(uint64_t{index} << 32) | in_->varint_up_to(0xffffffff)};
      if (!in_->ok() || entity.reuse() == 0) return malformed("entity tag");
      if (!out_->gone.empty() && entity <= out_->gone.back().entity) {
        return fail(ErrorCode::kNotCanonical, "removals out of order");
      }
    }
    out_->gone.push_back({entity, false});
  }
  if (!read_bitmap(*in_, out_->gone.size(), [&](size_t i, bool v) { out_->gone[i].left = v; })) {
    return malformed("bitmap of removals");
  }
  return {};
}

/// Indices of the changed rows, as gaps or as a bitmap.
Status PlainDecoder::read_changed_indices() {
  group_ = *in_;
  indices_.clear();
  const uint64_t head = in_->varint();
  if (head == 0) return {};
  if (head == 1) return fail(ErrorCode::kNotCanonical, "a bitmap of no rows");
  return head % 2 == 0 ? read_gaps(head / 2, 1) : read_changed_bitmap(head / 2);
}

Status PlainDecoder::read_changed_bitmap(uint64_t count) {
  const uint64_t first = in_->varint_up_to(kEntityIndexMax - 1);
  const ByteSpan bytes = in_->bytes(in_->varint_up_to(kEntityIndexMax / 8 + 1));
  if (!in_->ok() || bytes.empty() || (bytes.front() & 1) == 0 || bytes.back() == 0) {
    return malformed("bitmap of rows");
  }
  refill(present_, (bytes.size() + 7) / 8);
  std::memcpy(present_.data(), bytes.data(), bytes.size());
  size_t set = 0;
  for (const uint64_t word : present_) set += count_bits(word);
  if (set != count) return malformed("bitmap of rows");
  make_room(indices_, set);
  indices_.resize(set);
  uint32_t* to = indices_.data();
  for_each_bit(present_, [&](size_t i) { *to++ = static_cast<uint32_t>(first + i); });
  if (indices_.back() >= kEntityIndexMax) return malformed("bitmap of rows");
  return check_range();
}

Status PlainDecoder::read_changed() {
  ECSDB_TRY(read_changed_indices());
  make_room(out_->changed, indices_.size());
  out_->changed.resize(indices_.size());
  const size_t held = target_->table->find_in_cell(indices_, target_->cell, out_->changed);
  return held == indices_.size() ? Status{} : unknown_row(indices_[held]);
}

Status PlainDecoder::read_whole() {
  changed_indices_.swap(indices_);
  if (!is_relative_) changed_indices_.clear();
  ECSDB_TRY(read_indices());
  if (indices_.empty()) return {};
  ECSDB_TRY(check_whole_rows(target_->table->layout(), indices_.size()));
  for (const uint32_t index : indices_) {
    const uint64_t tag = in_->varint_up_to(0xffffffff);
    if (!in_->ok() || (tag & 0xffff) == 0) return malformed("entity tag");
    out_->whole.push_back(EntityId{(uint64_t{index} << 32) | tag});
  }
  out_->inserted.assign(indices_.size(), 0);
  if (!read_bitmap(*in_, indices_.size(), [&](size_t i, bool v) { out_->inserted[i] = v; })) {
    return malformed("bitmap of inserts");
  }
  return {};
}

/// No row is in two groups. That a new row's index is free must be seen over all blocks of an
/// advance: the one that had it may go in another part.
Status PlainDecoder::check_groups() const {
  for (const DecodedBlock::Gone& gone : out_->gone) {
    if (is_relative_ && is_changed(gone.entity.index())) return duplicate_row(gone.entity.index());
  }
  for (const EntityId entity : out_->whole) {
    if (is_in_gone(*out_, entity) || is_changed(entity.index())) {
      return duplicate_row(entity.index());
    }
  }
  return {};
}

bool PlainDecoder::is_changed(uint32_t index) const {
  return std::binary_search(changed_indices_.begin(), changed_indices_.end(), index);
}

}  // namespace ecsdb
