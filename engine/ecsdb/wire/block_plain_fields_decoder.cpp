// Columns of changed and of whole rows.
#include <algorithm>
#include <numeric>
#include <utility>

#include "ecsdb/wire/block_lanes.h"
#include "ecsdb/wire/block_plain.h"

namespace ecsdb {

Error PlainDecoder::bad_field(uint16_t field, ErrorCode code, const char* what) const {
  return fail(code, "field " + target_->def->fields[field].name + ": " + what);
}

/// Fills present_, which has the right size; where nobody is, it says nothing. Every row present
/// takes at least `bytes_each` bytes.
Status PlainDecoder::read_presence(uint16_t index, size_t bytes_each) {
  group_ = *in_;
  const size_t count = out_->changed.size();
  const uint8_t presence = in_->u8();
  if (!in_->ok() || presence > kBitmap) {
    return bad_field(index, ErrorCode::kFrameMalformed, "presence");
  }
  present_count_ = 0;
  if (presence == kNobody) return {};
  if (presence == kEverybody) {
    std::fill(present_.begin(), present_.end(), ~uint64_t{0});
    if (count % 64 != 0) present_.back() >>= 64 - count % 64;
    present_count_ = count;
  } else {
    const ByteSpan bytes = in_->bytes((count + 7) / 8);
    const bool is_whole = in_->ok() && (count % 8 == 0 || bytes.back() >> (count % 8) == 0);
    if (!is_whole) return bad_field(index, ErrorCode::kFrameMalformed, "presence bitmap");
    std::memcpy(present_.data(), bytes.data(), bytes.size());
    for (const uint64_t word : present_) present_count_ += count_bits(word);
    if (present_count_ == 0 || present_count_ == count) {
      return bad_field(index, ErrorCode::kNotCanonical, "presence bitmap says none or all");
    }
  }
  if (present_count_ * bytes_each > in_->left()) {
    in_->fail();
    return bad_field(index, ErrorCode::kFrameMalformed, "cut short");
  }
  for (size_t word = 0; word < present_.size(); ++word) anywhere_[word] |= present_[word];
  return {};
}

Status PlainDecoder::read_changed_fields() {
  const Table& table = *target_->table;
  const TableLayout& layout = table.layout();
  out_->make_room_for_changed(layout);
  refill(present_, (out_->changed.size() + 63) / 64);
  refill(anywhere_, present_.size());
  for (const uint16_t index : layout.replicated) {
    const FieldLayout& field = layout.fields[index];
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      ECSDB_TRY(read_presence(index, layout.lanes[lane].is_flag ? 0 : 1));
      if (present_count_ == 0) continue;
      ECSDB_TRY(table.records().place(lane).is_wide ? read_changed_lane<uint64_t>(index, lane)
                                                    : read_changed_lane<uint32_t>(index, lane));
    }
    if (field.text != kNoText) ECSDB_TRY(read_changed_text(index));
  }
  size_t count = 0;
  for (const uint64_t word : anywhere_) count += count_bits(word);
  if (count == out_->changed.size()) return {};
  return fail(ErrorCode::kNotCanonical, "a changed row without a change");
}

/// Numbers, and what they are added to, brought together so that many are added at once: the loops
/// over kTogether are of a fixed length, which the compiler makes vectors of.
template <class S>
struct PlainDecoder::Addends {
  static constexpr size_t kTogether = 4;
  /// As many as one word of a bitmap may add. They fit twice.
  static constexpr size_t kFull = 64;

  S before[2 * kFull + kTogether];
  S number[2 * kFull + kTogether];
  size_t count = 0;
  S zeros[kTogether] = {};  // how many numbers were, those that pad included
  size_t padding = 0;
  S misfits[kTogether] = {};

  void put(S old_value, S change) {
    before[count] = old_value;
    number[count] = change;
    ++count;
  }
  /// Appends the sums to `out`, which has room for kTogether more, and begins anew.
  template <bool is_float, class T>
  uint64_t* add_up(SlotRange<S> range, uint64_t* out) {
    for (size_t k = 0; k < kTogether; ++k) before[count + k] = number[count + k] = 0;
    for (size_t i = 0; i < count; i += kTogether) {
      S sum[kTogether];
      for (size_t k = 0; k < kTogether; ++k) {
        sum[k] = add_delta(is_float, before[i + k], unzigzag_of(number[i + k]));
      }
      for (size_t k = 0; k < kTogether; ++k) zeros[k] += number[i + k] == 0;
      for (size_t k = 0; k < kTogether; ++k) misfits[k] |= range.contains(sum[k]) ? 0 : 1;
      for (size_t k = 0; k < kTogether; ++k) out[i + k] = slot_value<T>(sum[k]);
    }
    padding += (kTogether - count % kTogether) % kTogether;
    return out + std::exchange(count, 0);
  }
  bool fits() const {
    return std::all_of(misfits, misfits + kTogether, [](S misfit) { return misfit == 0; });
  }
  size_t zero_count() const { return std::accumulate(zeros, zeros + kTogether, S{0}) - padding; }
};

template <class S>
Status PlainDecoder::read_changed_lane(uint16_t index, uint16_t lane) {
  LaneChanges& changes = out_->lane_changes[lane];
  changes.make_room(present_count_ + Addends<S>::kTogether);
  if (target_->table->layout().lanes[lane].is_flag) {
    const RowIndex* rows = out_->changed.data();
    for_each_bit(present_,
                 [&](size_t i) { changes.add(i, 1 - target_->table->lane(rows[i], lane)); });
    return {};
  }
  NumberColumn<S> numbers;
  ECSDB_TRY(read_column(index, present_count_, numbers));
  changes.count = present_count_;
  const bool is_float = target_->table->layout().lanes[lane].kind == LaneKind::kFloat;
  const Added added = target_->table->column(lane).visit([&]<class T>(const T* values) {
    if constexpr ((sizeof(T) == 8) != (sizeof(S) == 8)) {
      ECSDB_CHECK(false);  // wide slots are those of wide lanes
      return Added{};
    } else {
      if constexpr (std::is_same_v<T, S>) {
        if (is_float) return add_numbers<true>(values, numbers, lane);
      }
      return add_numbers<false>(values, numbers, lane);
    }
  });
  if (added.zeros != exceptions_.size()) {
    return bad_field(index, ErrorCode::kNotCanonical, "a change to the same value");
  }
  if (!added.fits) {
    return bad_field(index, ErrorCode::kValueOutOfRange, "residual leaves the range");
  }
  return {};
}

/// The new values of a lane of the rows in present_.
template <bool is_float, class T, class S>
PlainDecoder::Added PlainDecoder::add_numbers(const T* values, NumberColumn<S> numbers,
                                              uint16_t lane) {
  const SlotRange<S> range = slot_range<T, S>(target_->table->layout().lanes[lane]);
  LaneChanges& changes = out_->lane_changes[lane];
  const RowIndex* const rows = out_->changed.data();
  uint32_t* const at = changes.at.data();
  uint64_t* to = changes.values.data();
  Addends<S> some;
  size_t n = 0;
  for (size_t word = 0; word < present_.size(); ++word) {
    for_each_bit(std::span(present_).subspan(word, 1), [&](size_t bit) {
      const size_t place = word * 64 + bit;
      at[n] = static_cast<uint32_t>(place);
      some.put(static_cast<S>(values[rows[place]]), numbers[n++]);
    });
    if (some.count >= some.kFull) to = some.template add_up<is_float, T>(range, to);
  }
  some.template add_up<is_float, T>(range, to);
  Added added{some.fits(), some.zero_count()};
  for (const Exception& exception : exceptions_) {
    const S before = static_cast<S>(values[rows[at[exception.place]]]);
    const S now = add_delta(is_float, before, unzigzag_of(static_cast<S>(exception.number)));
    added.fits &= range.contains(now);
    changes.values[exception.place] = slot_value<T>(now);
  }
  return added;
}

/// So many numbers of a fixed width, with exceptions_, which are zero among them.
template <class S>
Status PlainDecoder::read_column(uint16_t index, size_t count, NumberColumn<S>& out) {
  group_ = *in_;
  const unsigned width = in_->u8();
  if (!in_->ok() || width == 0 || width > sizeof(S)) {
    return bad_field(index, ErrorCode::kFrameMalformed, "width of a column");
  }
  const S fits = static_cast<S>(~S{0}) >> (8 * (sizeof(S) - width));
  exceptions_.clear();
  uint64_t place = 0;
  for (uint64_t left = in_->varint_up_to(count); left > 0; --left, ++place) {
    place += in_->varint_up_to(count);
    const uint64_t number = in_->varint_up_to(static_cast<S>(~S{0}));
    if (place >= count) in_->fail();
    if (!in_->ok()) break;
    if (number <= fits) {
      return bad_field(index, ErrorCode::kNotCanonical, "an exception that is none");
    }
    exceptions_.push_back({place, number});
  }
  const ByteSpan bytes = in_->bytes(count * width);
  if (!in_->ok()) return bad_field(index, ErrorCode::kFrameMalformed, "cut short");
  out = {bytes.data(), width, fits};
  if (in_->left() + width < sizeof(S)) {  // the last number is loaded with what comes after it
    refill(padded_, bytes.size() + sizeof(S));
    std::copy(bytes.begin(), bytes.end(), padded_.begin());
    out.at = padded_.data();
  }
  for (const Exception& exception : exceptions_) {
    if (out[exception.place] != 0) {
      return bad_field(index, ErrorCode::kNotCanonical, "an exception that is none");
    }
  }
  return {};
}

Status PlainDecoder::read_changed_text(uint16_t index) {
  const FieldLayout& field = target_->table->layout().fields[index];
  ECSDB_TRY(read_presence(index, 1));
  if (present_count_ == 0) return {};
  TextChanges& changes = out_->text_changes[field.text];
  changes.at.resize(present_count_);
  if (changes.values.size() < present_count_) changes.values.resize(present_count_);
  for_each_bit(present_, [&](size_t i) { changes.at[changes.count++] = static_cast<uint32_t>(i); });
  for (size_t i = 0; i < changes.count; ++i) ECSDB_TRY(read_text(index, changes.values[i]));
  return {};
}

Status PlainDecoder::read_whole_fields() {
  const TableLayout& layout = target_->table->layout();
  out_->make_room_for_whole(layout);
  for (const uint16_t index : layout.replicated) {
    const FieldLayout& field = layout.fields[index];
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
      ECSDB_TRY(target_->table->records().place(lane).is_wide
                    ? read_whole_lane<uint64_t>(index, lane)
                    : read_whole_lane<uint32_t>(index, lane));
    }
    if (field.text == kNoText) continue;
    ECSDB_TRY(begin_column(index));
    std::vector<std::string>& column = out_->texts[field.text];
    column.resize(out_->whole.size());
    for (std::string& text : column) ECSDB_TRY(read_text(index, text));
  }
  return {};
}

template <class S>
Status PlainDecoder::read_whole_lane(uint16_t index, uint16_t lane) {
  NumberColumn<S> numbers;
  ECSDB_TRY(read_column(index, out_->whole.size(), numbers));
  const Lane def = target_->table->layout().lanes[lane];
  const bool is_signed = def.kind == LaneKind::kSigned;
  std::vector<uint64_t>& column = out_->lanes[lane];
  column.resize(out_->whole.size());
  bool fits = true;
  const auto put = [&](size_t i, S number) {
    const S slot = is_signed ? unzigzag_of(number) : number;
    column[i] = is_signed ? slot_value<std::make_signed_t<S>>(slot) : slot;
    fits &= lane_fits(def, column[i]);
  };
  for (size_t i = 0; i < column.size(); ++i) put(i, numbers[i]);
  for (const Exception& exception : exceptions_) {
    put(exception.place, static_cast<S>(exception.number));
  }
  return fits ? Status{} : bad_field(index, ErrorCode::kValueOutOfRange, "value");
}

/// A value takes at least a byte, so this bounds what the column is about to take in memory.
Status PlainDecoder::begin_column(uint16_t index) {
  group_ = *in_;
  if (out_->whole.size() <= in_->left()) return {};
  in_->fail();
  return bad_field(index, ErrorCode::kFrameMalformed, "cut short");
}

Status PlainDecoder::read_text(uint16_t index, std::string& text) {
  const FieldDef& field = target_->def->fields[index];
  const uint64_t size = in_->varint();
  if (size > field.bytes_max) {
    return bad_field(index, ErrorCode::kTextTooLong, "longer than the schema allows");
  }
  text = as_text(in_->bytes(size));
  if (!in_->ok()) return bad_field(index, ErrorCode::kFrameMalformed, "cut short");
  if (!text_is_canonical(field, text)) return bad_field(index, ErrorCode::kBadText, "not UTF-8");
  return {};
}

}  // namespace ecsdb
