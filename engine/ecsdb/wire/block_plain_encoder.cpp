#include <algorithm>
#include <utility>

#include "ecsdb/wire/block_lanes.h"
#include "ecsdb/wire/block_plain.h"

namespace ecsdb {
namespace {

constexpr size_t kVarintBytesMax = 10;
constexpr size_t kGapBytesMax = 4;
static_assert(kEntityIndexMax <= 1u << 28);

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

uint8_t* put_varint(uint8_t* at, uint64_t value) {
  while (value >= 0x80) {
    *at++ = static_cast<uint8_t>(value | 0x80);
    value >>= 7;
  }
  *at++ = static_cast<uint8_t>(value);
  return at;
}

}  // namespace

/// How many numbers take how many bytes. They are counted in loops of a fixed length, which the
/// compiler makes vectors of.
template <class S>
class PlainEncoder::NumberSizes {
 public:
  static constexpr size_t kTogether = 4;

  /// Zigzags the numbers, if they are signed, and counts them. Behind them is room for kTogether
  /// more, which is written.
  void take(std::span<S> numbers, bool is_signed) {
    // Sums by place pay only where there are some.
    numbers.size() < 2 * kTogether ? take_few(numbers, is_signed) : take_many(numbers, is_signed);
  }
  /// Numbers of more than so many bytes.
  size_t beyond(unsigned width) const { return beyond_[width]; }
  /// Of a column of so many numbers, see the header.
  unsigned best_width(size_t numbers) const {
    unsigned best = sizeof(S);
    size_t least = numbers * sizeof(S);
    for (unsigned width = sizeof(S) - 1; width > 0; --width) {
      const size_t bytes = numbers * width + kExceptionBytes * beyond_[width];
      if (bytes > least) continue;
      least = bytes;
      best = width;
    }
    return best;
  }

 private:
  static constexpr size_t kExceptionBytes = 8;

  void take_few(std::span<S> numbers, bool is_signed) {
    for (S& number : numbers) {
      if (is_signed) number = zigzag_of(number);
      for (unsigned width = 1; width < sizeof(S); ++width) {
        beyond_[width] += number >> (8 * width) != 0;
      }
    }
  }
  void take_many(std::span<S> numbers, bool is_signed) {
    std::fill_n(numbers.data() + numbers.size(), kTogether, S{0});
    S within[sizeof(S)][kTogether] = {};  // by width
    for (size_t i = 0; i < numbers.size(); i += kTogether) {
      S* const some = numbers.data() + i;
      if (is_signed) {
        for (size_t k = 0; k < kTogether; ++k) some[k] = zigzag_of(some[k]);
      }
      for (unsigned width = 1; width < sizeof(S); ++width) {
        for (size_t k = 0; k < kTogether; ++k) within[width][k] += some[k] >> (8 * width) == 0;
      }
    }
    const size_t padded = (numbers.size() + kTogether - 1) / kTogether * kTogether;
    for (unsigned width = 1; width < sizeof(S); ++width) {
      beyond_[width] = padded;
      for (const S count : within[width]) beyond_[width] -= count;
    }
  }

  size_t beyond_[sizeof(S) + 1] = {};
};

void PlainEncoder::encode(const BlockSource& source, Bytes& out) {
  source_ = &source;
  ByteWriter writer(out);
  fields_end_ = 0;
  select_rows();
  write_gone(writer);
  if (source.form == BlockForm::kRelative) write_changed_rows(writer);
  write_whole_rows(writer);
  if (count_ > 0) write_changed_fields();
  if (!whole_.empty()) write_whole_fields();
  writer.bytes(ByteSpan(fields_).first(fields_end_));
}

/// The relative form's rows: those of the change set that lie in the range.
void PlainEncoder::select_rows() {
  first_ = count_ = 0;
  whole_ = source_->rows;
  if (source_->form != BlockForm::kRelative) return;
  const auto [first, last] = places_in_range(source_->changes->indices(), source_->range);
  first_ = first;
  count_ = last - first;
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
  const std::span<const uint32_t> indices = source_->changes->indices().subspan(first_, count_);
  const size_t count = indices.size();
  if (count == 0) return out.varint(0);
  const uint32_t first = indices.front();
  const size_t bytes = (indices.back() - first) / 8 + 1;
  if (bytes >= count) {
    out.varint(count * 2);
    IndexGaps gaps;
    uint8_t* const begin = room(count * kGapBytesMax);
    uint8_t* to = begin;
    for (const uint32_t index : indices) to = put_varint(to, gaps.gap(index));
    return out.bytes(ByteSpan(begin, to));
  }
  out.varint(count * 2 + 1);
  out.varint(first);
  out.varint(bytes);
  uint8_t* const bits = room(bytes);
  std::fill_n(bits, bytes, uint8_t{0});
  for (const uint32_t index : indices) {
    const uint32_t at = index - first;
    bits[at / 8] |= static_cast<uint8_t>(1u << (at % 8));
  }
  out.bytes(ByteSpan(bits, bytes));
}

void PlainEncoder::write_whole_rows(ByteWriter& out) {
  const Table& table = *source_->table;
  out.varint(whole_.size());
  IndexGaps gaps;
  for (const RowIndex row : whole_) out.varint(gaps.gap(table.row(row).entity.index()));
  for (const RowIndex row : whole_) out.varint(table.row(row).entity.tag());
  write_bitmap(out, whole_.size(),
               [&](size_t i) { return table.born(whole_[i]) > source_->since; });
}

void PlainEncoder::grow(size_t bytes) { fields_.resize(2 * bytes); }

void PlainEncoder::write_changed_fields() {
  const TableLayout& layout = source_->table->layout();
  for (const uint16_t index : layout.replicated) {
    const FieldLayout& field = layout.fields[index];
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      if (source_->table->records().place(lane).is_wide) {
        write_changed_lane<uint64_t>(lane, wide_);
      } else {
        write_changed_lane<uint32_t>(lane, narrow_);
      }
    }
    if (field.text != kNoText) write_changed_text(field);
  }
}

template <class S>
void PlainEncoder::write_changed_lane(uint16_t lane, std::vector<S>& numbers) {
  const S* deltas = source_->changes->deltas<S>(lane).data() + first_;
  present_count_ = take_bits(source_->changes->bits(lane), first_, count_, present_);
  write_presence();
  if (present_count_ == 0 || source_->table->layout().lanes[lane].is_flag) return;
  const std::span<S> column = room_for(numbers, present_count_);
  S* to = column.data();
  for_each_bit(present_, [&](size_t i) { *to++ = deltas[i]; });
  write_column(column, true);
}

/// Numbers that NumberSizes takes.
template <class S>
std::span<S> PlainEncoder::room_for(std::vector<S>& numbers, size_t count) {
  make_room(numbers, count + NumberSizes<S>::kTogether);
  numbers.resize(numbers.capacity());
  return std::span(numbers).first(count);
}

template <class S>
void PlainEncoder::write_column(std::span<S> numbers, bool is_signed) {
  NumberSizes<S> sizes;
  sizes.take(numbers, is_signed);
  const unsigned width = sizes.best_width(numbers.size());
  uint8_t* to = room(1);
  *to = static_cast<uint8_t>(width);
  ++fields_end_;
  const S most = static_cast<S>(~S{0} >> (8 * (sizeof(S) - width)));
  take_exceptions(numbers, most, sizes.beyond(width));
  to = room(numbers.size() * width + sizeof(S));
  for (const S number : numbers) {
    std::memcpy(to, &number, sizeof(S));
    to += width;
  }
  fields_end_ = static_cast<size_t>(to - fields_.data());
}

/// So many of the numbers are above `most`: writes them, and puts zeros in their places.
template <class S>
void PlainEncoder::take_exceptions(std::span<S> numbers, S most, size_t count) {
  uint8_t* to = put_varint(room(kVarintBytesMax * (1 + 2 * count)), count);
  if (count > 0) {
    exceptions_.resize(count + 1);  // the place behind them takes what is none
    size_t found = 0;
    for (size_t i = 0; i < numbers.size(); ++i) {
      exceptions_[found] = static_cast<uint32_t>(i);
      found += numbers[i] > most;
    }
  }
  IndexGaps gaps;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t at = exceptions_[i];
    to = put_varint(put_varint(to, gaps.gap(at)), std::exchange(numbers[at], S{0}));
  }
  fields_end_ = static_cast<size_t>(to - fields_.data());
}

void PlainEncoder::write_text(const std::string& text) {
  uint8_t* to = put_varint(room(text.size() + kVarintBytesMax), text.size());
  std::copy(text.begin(), text.end(), to);
  fields_end_ = static_cast<size_t>(to - fields_.data()) + text.size();
}

void PlainEncoder::write_changed_text(const FieldLayout& field) {
  const std::span<const RowIndex> known = source_->changes->known().subspan(first_, count_);
  const std::span<const uint64_t> masks = source_->changes->masks().subspan(first_, count_);
  present_count_ = fill_bitmap(
      count_, present_, [&](size_t i) { return (masks[i] >> field.replicated_bit & 1) != 0; });
  write_presence();
  for_each_bit(present_, [&](size_t i) { write_text(source_->table->text(known[i], field.text)); });
}

void PlainEncoder::write_presence() {
  uint8_t* to = room(1 + present_.size() * 8);
  *to = present_count_ == 0 ? kNobody : present_count_ == count_ ? kEverybody : kBitmap;
  ++fields_end_;
  if (*to != kBitmap) return;
  std::memcpy(to + 1, present_.data(), (count_ + 7) / 8);
  fields_end_ += (count_ + 7) / 8;
}

void PlainEncoder::write_whole_fields() {
  const Table& table = *source_->table;
  const TableLayout& layout = table.layout();
  for (const uint16_t index : layout.replicated) {
    const FieldLayout& field = layout.fields[index];
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      if (table.records().place(lane).is_wide) {
        write_whole_lane<uint64_t>(lane, wide_);
      } else {
        write_whole_lane<uint32_t>(lane, narrow_);
      }
    }
    if (field.text == kNoText) continue;
    for (const RowIndex row : whole_) write_text(table.text(row, field.text));
  }
}

template <class S>
void PlainEncoder::write_whole_lane(uint16_t lane, std::vector<S>& numbers) {
  const Table& table = *source_->table;
  const bool is_signed = table.layout().lanes[lane].kind == LaneKind::kSigned;
  const std::span<S> column = room_for(numbers, whole_.size());
  S* to = column.data();
  for (const RowIndex row : whole_) *to++ = static_cast<S>(table.lane(row, lane));
  write_column(column, is_signed);
}

}  // namespace ecsdb
