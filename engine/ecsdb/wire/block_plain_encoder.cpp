#include <algorithm>
#include <bit>

#include "ecsdb/wire/block_lanes.h"
#include "ecsdb/wire/block_plain.h"

namespace ecsdb {
namespace {

constexpr size_t kVarintBytesMax = 10;

template <class Get>
void write_bitmap(ByteWriter& out, size_t count, Get&& get) {
  for (size_t at = 0; at < count; at += 8) {
    unsigned byte = 0;
    for (size_t i = 0; i < 8 && at + i < count; ++i) byte |= get(at + i) ? 1u << i : 0u;
    out.u8(static_cast<uint8_t>(byte));
  }
}

class IndexGaps {
 public:
  explicit IndexGaps(uint64_t step = 1) : step_(step) {}
  uint64_t gap(uint32_t index) {
    ECSDB_CHECK(index >= next_);
    const uint64_t gap = index - next_;
    next_ = index + step_;
    return gap;
  }

 private:
  uint64_t step_;
  uint64_t next_ = 0;
};

void write_text(ByteWriter& out, const std::string& text) {
  out.varint(text.size());
  out.bytes(as_bytes(text));
}

uint8_t* put_varint(uint8_t* at, uint64_t value) {
  while (value >= 0x80) {
    *at++ = static_cast<uint8_t>(value | 0x80);
    value >>= 7;
  }
  *at++ = static_cast<uint8_t>(value);
  return at;
}

void write_whole(ByteWriter& out, const Lane& lane, uint64_t value) {
  if (lane.width == 1) return out.u8(static_cast<uint8_t>(value));
  switch (lane.kind) {
    case LaneKind::kUnsigned:
      return out.varint(value);
    case LaneKind::kSigned:
      return out.varint(zigzag(static_cast<int64_t>(value)));
    case LaneKind::kFloat:
      return lane.width == 4 ? out.u32(static_cast<uint32_t>(value)) : out.u64(value);
  }
}

}  // namespace

void PlainEncoder::encode(const BlockSource& source, Bytes& out) {
  source_ = &source;
  ByteWriter writer(out);
  collect_changed();
  write_gone(writer);
  if (source.form == BlockForm::kRelative) write_changed_rows(writer);
  write_whole_rows(writer);
  if (!changed_.empty()) {
    write_changed_fields();
    writer.bytes(ByteSpan(fields_).first(fields_end_));
  }
  if (!whole_.empty()) write_whole_fields(writer);
}

/// The relative form's rows: those of the change set that lie in the range and differ.
void PlainEncoder::collect_changed() {
  changed_.clear();
  whole_ = source_->rows;
  if (source_->form != BlockForm::kRelative) return;
  const ChangeSet& changes = *source_->changes;
  const auto [begin, end] = places_in_range(changes.indices(), source_->range);
  for (size_t i = begin; i < end; ++i) {
    if (changes.masks()[i] != 0) changed_.push_back(static_cast<uint32_t>(i));
  }
  all_known_changed_ = changed_.size() == changes.known().size();
  whole_ = entered_in_range(*source_);
}

void PlainEncoder::write_gone(ByteWriter& out) {
  const std::span<const Tombstone> gone = gone_of(*source_);
  out.varint(gone.size());
  const bool is_net = source_->form == BlockForm::kNet;
  IndexGaps gaps(is_net ? 0 : 1);
  for (const Tombstone& at : gone) out.varint(gaps.gap(at.entity.index()));
  if (is_net) {
    for (const Tombstone& at : gone) out.varint(at.entity.tag());
  }
  write_bitmap(out, gone.size(), [&](size_t i) { return gone[i].left; });
}

/// Gaps of mostly one byte against one bit for each index of the span: whichever is shorter.
void PlainEncoder::write_changed_rows(ByteWriter& out) {
  const std::span<const uint32_t> indices =
      changed_.empty() ? std::span<const uint32_t>() : source_->changes->indices();
  auto index_of = [&](size_t i) { return indices[changed_[i]]; };
  const size_t count = changed_.size();
  if (count == 0) return out.varint(0);
  const uint32_t first = index_of(0);
  const size_t bytes = (index_of(count - 1) - first) / 8 + 1;
  if (bytes >= count) {
    out.varint(count * 2);
    IndexGaps gaps;
    for (size_t i = 0; i < count; ++i) out.varint(gaps.gap(index_of(i)));
    return;
  }
  out.varint(count * 2 + 1);
  out.varint(first);
  out.varint(bytes);
  Bytes& target = out.target();
  const size_t begin = target.size();
  target.resize(begin + bytes);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t at = index_of(i) - first;
    target[begin + at / 8] |= static_cast<uint8_t>(1u << (at % 8));
  }
}

void PlainEncoder::write_whole_rows(ByteWriter& out) {
  const Table& table = *source_->table;
  out.varint(whole_.size());
  IndexGaps gaps;
  for (const RowIndex row : whole_) out.varint(gaps.gap(table.row(row).entity.index()));
  for (const RowIndex row : whole_) out.varint(table.row(row).entity.tag());
  write_bitmap(out, whole_.size(),
               [&](size_t i) { return table.row(whole_[i]).born > source_->since; });
}

/// Where to write up to `bytes` at the end of fields_; the caller moves fields_end_.
uint8_t* PlainEncoder::room(size_t bytes) {
  if (fields_end_ + bytes > fields_.size()) fields_.resize((fields_end_ + bytes) * 2);
  return fields_.data() + fields_end_;
}

void PlainEncoder::write_changed_fields() {
  fields_end_ = 0;
  const TableLayout& layout = source_->table->layout();
  for (const uint16_t index : layout.replicated) {
    const FieldLayout& field = layout.fields[index];
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      if (source_->table->records().place(lane).is_wide) {
        write_changed_lane<uint64_t>(lane);
      } else {
        write_changed_lane<uint32_t>(lane);
      }
    }
    if (field.text != kNoText) write_changed_text(field);
  }
}

template <class S>
void PlainEncoder::write_changed_lane(uint16_t lane) {
  const std::span<const S> deltas = source_->changes->deltas<S>(lane);
  const uint32_t* at = changed_.data();
  const bool is_dense = all_known_changed_;
  present_count_ = fill_bitmap(changed_.size(), present_,
                               [&](size_t i) { return deltas[is_dense ? i : at[i]] != 0; });
  write_presence();
  if (present_count_ == 0 || is_flag(source_->table->layout().lanes[lane])) return;
  uint8_t* to = room(present_count_ * kVarintBytesMax);
  for_each_bit(present_, [&](size_t i) {
    const S delta = deltas[is_dense ? i : at[i]];
    const S value = zigzag_of(delta);
    if (value < 0x80) {
      *to++ = static_cast<uint8_t>(value);
    } else {
      to = put_varint(to, value);
    }
  });
  fields_end_ = static_cast<size_t>(to - fields_.data());
}

void PlainEncoder::write_changed_text(const FieldLayout& field) {
  const std::span<const RowIndex> known = source_->changes->known();
  const std::span<const uint64_t> masks = source_->changes->masks();
  present_count_ = fill_bitmap(changed_.size(), present_, [&](size_t i) {
    return (masks[changed_[i]] >> field.replicated_bit & 1) != 0;
  });
  write_presence();
  for_each_bit(present_, [&](size_t i) {
    const std::string& text = source_->table->text(known[changed_[i]], field.text);
    uint8_t* to = put_varint(room(text.size() + kVarintBytesMax), text.size());
    std::copy(text.begin(), text.end(), to);
    fields_end_ = static_cast<size_t>(to - fields_.data()) + text.size();
  });
}

void PlainEncoder::write_presence() {
  const size_t count = changed_.size();
  uint8_t* to = room(1 + present_.size() * 8);
  *to = present_count_ == 0 ? kNobody : present_count_ == count ? kEverybody : kBitmap;
  ++fields_end_;
  if (*to != kBitmap) return;
  std::memcpy(to + 1, present_.data(), (count + 7) / 8);
  fields_end_ += (count + 7) / 8;
}

void PlainEncoder::write_whole_fields(ByteWriter& out) {
  const Table& table = *source_->table;
  const TableLayout& layout = table.layout();
  for (const uint16_t index : layout.replicated) {
    const FieldLayout& field = layout.fields[index];
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      for (const RowIndex row : whole_) write_whole(out, layout.lanes[lane], table.lane(row, lane));
    }
    if (field.text == kNoText) continue;
    for (const RowIndex row : whole_) write_text(out, table.text(row, field.text));
  }
}

}  // namespace ecsdb
