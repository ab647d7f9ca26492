#include "ecsdb/wire/block_plain.h"

#include <algorithm>

namespace ecsdb {
namespace {

enum Presence : uint8_t { kNobody = 0, kEverybody = 1, kBitmap = 2 };

// ---- Encoding ----

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

uint64_t residual(const Lane& lane, uint64_t now, uint64_t before) {
  if (lane.kind == LaneKind::kFloat) return now ^ before;
  return zigzag(static_cast<int64_t>(now - before));
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

void write_text(ByteWriter& out, const std::string& text) {
  out.varint(text.size());
  out.bytes(as_bytes(text));
}

class Encoder {
 public:
  Encoder(const BlockSource& source, ByteWriter& out)
      : source_(source), table_(*source.table), layout_(source.table->layout()), out_(out) {}

  void run() {
    write_gone();
    sort_rows();
    if (source_.header.form == BlockForm::kRelative) write_indices(changed_);
    write_indices(whole_);
    for (const RowIndex row : whole_) out_.varint(table_.row(row).entity.tag());
    write_bitmap(out_, whole_.size(),
                 [&](size_t i) { return table_.born(whole_[i]) > source_.since; });
    if (!changed_.empty()) write_changed_fields();
    if (!whole_.empty()) write_whole_fields();
  }

 private:
  void write_gone() {
    out_.varint(source_.gone.size());
    const bool is_net = source_.header.form == BlockForm::kNet;
    IndexGaps gaps(is_net ? 0 : 1);
    for (const Tombstone& gone : source_.gone) out_.varint(gaps.gap(gone.entity.index()));
    if (is_net) {
      for (const Tombstone& gone : source_.gone) out_.varint(gone.entity.tag());
    }
    write_bitmap(out_, source_.gone.size(), [&](size_t i) { return source_.gone[i].left; });
  }
  /// A row that the base did not show in this cell is whole; one whose fields are all as in the
  /// base is left out.
  void sort_rows() {
    for (const RowIndex row : source_.rows) {
      const Row& r = table_.row(row);
      if (source_.header.form != BlockForm::kRelative || r.published_cell != r.cell) {
        whole_.push_back(row);
      } else if (const uint64_t mask = change_mask(row); mask != 0) {
        changed_.push_back(row);
        masks_.push_back(mask);
      }
    }
  }
  uint64_t change_mask(RowIndex row) const {
    uint64_t mask = 0;
    for (const uint16_t index : layout_.replicated) {
      const FieldLayout& field = layout_.fields[index];
      bool differs = field.text != kNoText &&
                     table_.text(row, field.text) != table_.baseline_text(row, field.text);
      for (uint16_t k = 0; k < field.lane_count; ++k) {
        const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
        differs |= table_.lane(row, lane) != table_.baseline_lane(row, lane);
      }
      if (differs) mask |= uint64_t{1} << field.replicated_bit;
    }
    return mask;
  }
  void write_indices(const std::vector<RowIndex>& rows) {
    out_.varint(rows.size());
    IndexGaps gaps;
    for (const RowIndex row : rows) out_.varint(gaps.gap(table_.row(row).entity.index()));
  }
  void write_changed_fields() {
    for (const uint16_t index : layout_.replicated) {
      const FieldLayout& field = layout_.fields[index];
      const uint64_t bit = uint64_t{1} << field.replicated_bit;
      const size_t present = static_cast<size_t>(
          std::count_if(masks_.begin(), masks_.end(), [&](uint64_t m) { return (m & bit) != 0; }));
      const Presence presence = present == 0                 ? kNobody
                                : present == changed_.size() ? kEverybody
                                                             : kBitmap;
      out_.u8(presence);
      if (presence == kBitmap) {
        write_bitmap(out_, masks_.size(), [&](size_t i) { return (masks_[i] & bit) != 0; });
      }
      if (presence == kNobody) continue;
      for (uint16_t k = 0; k < field.lane_count; ++k) {
        const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
        for (size_t i = 0; i < changed_.size(); ++i) {
          if ((masks_[i] & bit) == 0) continue;
          out_.varint(residual(layout_.lanes[lane], table_.lane(changed_[i], lane),
                               table_.baseline_lane(changed_[i], lane)));
        }
      }
      if (field.text == kNoText) continue;
      for (size_t i = 0; i < changed_.size(); ++i) {
        if ((masks_[i] & bit) != 0) write_text(out_, table_.text(changed_[i], field.text));
      }
    }
  }
  void write_whole_fields() {
    for (const uint16_t index : layout_.replicated) {
      const FieldLayout& field = layout_.fields[index];
      for (uint16_t k = 0; k < field.lane_count; ++k) {
        const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
        for (const RowIndex row : whole_) {
          write_whole(out_, layout_.lanes[lane], table_.lane(row, lane));
        }
      }
      if (field.text == kNoText) continue;
      for (const RowIndex row : whole_) write_text(out_, table_.text(row, field.text));
    }
  }

  const BlockSource& source_;
  const Table& table_;
  const TableLayout& layout_;
  ByteWriter& out_;
  std::vector<RowIndex> changed_;
  std::vector<uint64_t> masks_;
  std::vector<RowIndex> whole_;
};

// ---- Decoding ----

Error malformed(const char* what) { return fail(ErrorCode::kFrameMalformed, what); }

/// Reads a bitmap into `set(i, bit)`; false if it is cut short or has unused bits set.
template <class Set>
bool read_bitmap(ByteReader& in, size_t count, Set&& set) {
  const ByteSpan bytes = in.bytes((count + 7) / 8);
  if (!in.ok()) return false;
  for (size_t i = 0; i < count; ++i) set(i, (bytes[i / 8] >> (i % 8) & 1) != 0);
  return count % 8 == 0 || bytes.back() >> (count % 8) == 0;
}

class Decoder {
 public:
  Decoder(ByteReader& in, const TableDef& def, const Table& current, CellIndex cell,
          DecodedBlock& out)
      : in_(in),
        def_(def),
        current_(current),
        layout_(current.layout()),
        cell_(cell),
        out_(out),
        is_relative_(out.header.form == BlockForm::kRelative) {}

  Status run() {
    const Status status = read_body();
    if (!status.ok() && !in_.ok()) in_ = group_;  // where it ran out, for the error's context
    return status;
  }

 private:
  Status read_body() {
    ECSDB_TRY(read_gone());
    out_.entities.clear();
    out_.masks.clear();
    out_.changed = 0;
    rows_.clear();
    if (is_relative_) ECSDB_TRY(read_changed());
    ECSDB_TRY(read_whole());
    ECSDB_TRY(check_groups());
    out_.lanes.resize(layout_.lanes.size());
    out_.texts.resize(layout_.text_count);
    if (out_.changed > 0) ECSDB_TRY(read_changed_fields());
    if (out_.whole() > 0) ECSDB_TRY(read_whole_fields());
    return {};
  }
  /// Entity indices of one group; every one takes at least a byte, so the count is bounded by what
  /// is left before anything is allocated.
  Status read_indices(std::vector<uint32_t>& indices, uint32_t step = 1) {
    group_ = in_;
    const uint64_t count = in_.varint_up_to(in_.left());
    if (!in_.ok()) return malformed("row count is larger than the block");
    indices.clear();
    uint64_t next = 0;
    for (uint64_t i = 0; i < count; ++i) {
      next += in_.varint_up_to(kEntityIndexMax);
      if (!in_.ok() || next >= kEntityIndexMax) return malformed("entity index out of range");
      indices.push_back(static_cast<uint32_t>(next));
      next += step;
    }
    return {};
  }
  Status held_row(uint32_t index, RowIndex& row) {
    row = current_.find_index(index);
    if (row != kNoRow && current_.row(row).cell == cell_) return {};
    return fail(ErrorCode::kUnknownRow, "entity index " + std::to_string(index));
  }
  Status read_gone() {
    ECSDB_TRY(read_indices(indices_, out_.header.form == BlockForm::kNet ? 0 : 1));
    if (out_.header.form == BlockForm::kRows && !indices_.empty()) {
      return malformed("removals in a block of rows");
    }
    out_.gone.clear();
    for (const uint32_t index : indices_) {
      EntityId entity;
      if (is_relative_) {
        RowIndex row = kNoRow;
        ECSDB_TRY(held_row(index, row));
        entity = current_.row(row).entity;
      } else {
        entity = EntityId{(uint64_t{index} << 32) | in_.varint_up_to(0xffffffff)};
        if (!in_.ok() || entity.reuse() == 0) return malformed("entity tag");
        if (!out_.gone.empty() && entity <= out_.gone.back().entity) {
          return fail(ErrorCode::kNotCanonical, "removals out of order");
        }
      }
      out_.gone.push_back({entity, false});
    }
    if (!read_bitmap(in_, out_.gone.size(), [&](size_t i, bool v) { out_.gone[i].left = v; })) {
      return malformed("bitmap of removals");
    }
    return {};
  }
  Status read_changed() {
    ECSDB_TRY(read_indices(indices_));
    for (const uint32_t index : indices_) {
      RowIndex row = kNoRow;
      ECSDB_TRY(held_row(index, row));
      rows_.push_back(row);
      out_.entities.push_back(current_.row(row).entity);
    }
    out_.changed = indices_.size();
    out_.masks.assign(out_.changed, 0);
    return {};
  }
  Status read_whole() {
    ECSDB_TRY(read_indices(indices_));
    for (const uint32_t index : indices_) {
      const uint64_t tag = in_.varint_up_to(0xffffffff);
      if (!in_.ok() || (tag & 0xffff) == 0) return malformed("entity tag");
      out_.entities.push_back(EntityId{(uint64_t{index} << 32) | tag});
    }
    out_.inserted.assign(indices_.size(), false);
    if (!read_bitmap(in_, indices_.size(), [&](size_t i, bool v) { out_.inserted[i] = v; })) {
      return malformed("bitmap of inserts");
    }
    return {};
  }
  /// No row is in two groups. That a new row's index is free must be seen over all blocks of an
  /// advance: the one that had it may go in another part.
  Status check_groups() const {
    for (size_t i = 0; i < out_.changed; ++i) {
      if (is_gone(out_.entities[i])) return duplicate(out_.entities[i]);
    }
    for (size_t i = out_.changed; i < out_.entities.size(); ++i) {
      const EntityId entity = out_.entities[i];
      if (is_gone(entity) || is_changed(entity.index())) return duplicate(entity);
    }
    return {};
  }
  bool is_gone(EntityId entity) const {
    auto is_before = [](const DecodedBlock::Gone& gone, EntityId e) { return gone.entity < e; };
    const auto at = std::lower_bound(out_.gone.begin(), out_.gone.end(), entity, is_before);
    return at != out_.gone.end() && at->entity == entity;
  }
  bool is_changed(uint32_t index) const {
    auto is_before = [](EntityId entity, uint32_t i) { return entity.index() < i; };
    const auto end = out_.entities.begin() + static_cast<ptrdiff_t>(out_.changed);
    const auto at = std::lower_bound(out_.entities.begin(), end, index, is_before);
    return at != end && at->index() == index;
  }
  static Error duplicate(EntityId entity) {
    return fail(ErrorCode::kDuplicateRow, "entity index " + std::to_string(entity.index()));
  }
  Error bad_field(uint16_t field, ErrorCode code, const char* what) const {
    return fail(code, "field " + def_.fields[field].name + ": " + what);
  }
  Status read_presence(uint16_t index, uint64_t bit, size_t& present) {
    group_ = in_;
    const uint8_t presence = in_.u8();
    if (!in_.ok() || presence > kBitmap)
      return bad_field(index, ErrorCode::kFrameMalformed, "presence");
    present = 0;
    if (presence == kEverybody) {
      for (uint64_t& mask : out_.masks) mask |= bit;
      present = out_.changed;
    } else if (presence == kBitmap) {
      const bool whole = read_bitmap(in_, out_.changed, [&](size_t i, bool v) {
        out_.masks[i] |= v ? bit : 0;
        present += v;
      });
      if (!whole) return bad_field(index, ErrorCode::kFrameMalformed, "presence bitmap");
      if (present == 0 || present == out_.changed) {
        return bad_field(index, ErrorCode::kNotCanonical, "presence bitmap says none or all");
      }
    }
    if (present > in_.left()) {
      in_.fail();
      return bad_field(index, ErrorCode::kFrameMalformed, "cut short");
    }
    return {};
  }
  Status read_changed_fields() {
    for (const uint16_t index : layout_.replicated) {
      const FieldLayout& field = layout_.fields[index];
      const uint64_t bit = uint64_t{1} << field.replicated_bit;
      size_t present = 0;
      ECSDB_TRY(read_presence(index, bit, present));
      if (present == 0) continue;
      for (uint16_t k = 0; k < field.lane_count; ++k) {
        const uint16_t lane = static_cast<uint16_t>(field.lane_first + k);
        std::vector<uint64_t>& column = out_.lanes[lane];
        column.resize(out_.entities.size());
        for (size_t i = 0; i < out_.changed; ++i) {
          if ((out_.masks[i] & bit) == 0) continue;
          column[i] = add_residual(layout_.lanes[lane], current_.lane(rows_[i], lane));
          if (!fits(layout_.lanes[lane], column[i])) {
            return bad_field(index, ErrorCode::kValueOutOfRange, "residual leaves the range");
          }
        }
      }
      if (field.text != kNoText) {
        std::vector<std::string>& column = out_.texts[field.text];
        column.resize(out_.entities.size());
        for (size_t i = 0; i < out_.changed; ++i) {
          if ((out_.masks[i] & bit) != 0) ECSDB_TRY(read_text(index, column[i]));
        }
      }
      if (!in_.ok()) return bad_field(index, ErrorCode::kFrameMalformed, "cut short");
    }
    for (const uint64_t mask : out_.masks) {
      if (mask == 0) return fail(ErrorCode::kNotCanonical, "a changed row without a change");
    }
    return {};
  }
  uint64_t add_residual(const Lane& lane, uint64_t before) {
    const uint64_t raw = in_.varint();
    if (lane.kind == LaneKind::kFloat) return before ^ raw;
    return before + static_cast<uint64_t>(unzigzag(raw));
  }
  static bool fits(const Lane& lane, uint64_t value) {
    switch (lane.kind) {
      case LaneKind::kUnsigned:
        return value <= lane.max;
      case LaneKind::kFloat:
        return lane.width == 8 || value <= 0xffffffff;
      case LaneKind::kSigned: {
        if (lane.width == 8) return true;
        const int64_t half = int64_t{1} << (8 * lane.width - 1);
        const int64_t v = static_cast<int64_t>(value);
        return -half <= v && v < half;
      }
    }
    return false;
  }
  Status read_whole_fields() {
    const size_t count = out_.entities.size();
    for (const uint16_t index : layout_.replicated) {
      const FieldLayout& field = layout_.fields[index];
      for (uint16_t k = 0; k < field.lane_count; ++k) {
        const uint16_t at = static_cast<uint16_t>(field.lane_first + k);
        const Lane& lane = layout_.lanes[at];
        ECSDB_TRY(begin_column(index));
        std::vector<uint64_t>& column = out_.lanes[at];
        column.resize(count);
        for (size_t i = out_.changed; i < count; ++i) {
          column[i] = read_whole_value(lane);
          if (!fits(lane, column[i])) {
            return bad_field(index, ErrorCode::kValueOutOfRange, "value");
          }
        }
      }
      if (field.text != kNoText) {
        ECSDB_TRY(begin_column(index));
        std::vector<std::string>& column = out_.texts[field.text];
        column.resize(count);
        for (size_t i = out_.changed; i < count; ++i) ECSDB_TRY(read_text(index, column[i]));
      }
      if (!in_.ok()) return bad_field(index, ErrorCode::kFrameMalformed, "cut short");
    }
    return {};
  }
  /// A value takes at least a byte, so this bounds what the column is about to take in memory.
  Status begin_column(uint16_t index) {
    if (!in_.ok()) return bad_field(index, ErrorCode::kFrameMalformed, "cut short");
    group_ = in_;
    if (out_.whole() <= in_.left()) return {};
    return bad_field(index, ErrorCode::kFrameMalformed, "cut short");
  }
  uint64_t read_whole_value(const Lane& lane) {
    if (lane.width == 1) {
      const uint8_t raw = in_.u8();
      return lane.kind == LaneKind::kSigned
                 ? static_cast<uint64_t>(static_cast<int64_t>(static_cast<int8_t>(raw)))
                 : raw;
    }
    switch (lane.kind) {
      case LaneKind::kUnsigned:
        return in_.varint();
      case LaneKind::kSigned:
        return static_cast<uint64_t>(unzigzag(in_.varint()));
      case LaneKind::kFloat:
        return lane.width == 4 ? in_.u32() : in_.u64();
    }
    return 0;
  }
  Status read_text(uint16_t index, std::string& text) {
    const FieldDef& field = def_.fields[index];
    const uint64_t size = in_.varint();
    if (size > field.bytes_max) {
      return bad_field(index, ErrorCode::kTextTooLong, "longer than the schema allows");
    }
    text = as_text(in_.bytes(size));
    if (!in_.ok()) return bad_field(index, ErrorCode::kFrameMalformed, "cut short");
    if (!text_is_canonical(field, text)) return bad_field(index, ErrorCode::kBadText, "not UTF-8");
    return {};
  }

  ByteReader& in_;
  ByteReader group_ = in_;  // at the start of the group or column that is being read
  const TableDef& def_;
  const Table& current_;
  const TableLayout& layout_;
  CellIndex cell_;
  DecodedBlock& out_;
  bool is_relative_;
  std::vector<uint32_t> indices_;
  std::vector<RowIndex> rows_;  // of the changed rows, in `current_`
};

}  // namespace

void encode_plain(const BlockSource& source, ByteWriter& out) { Encoder(source, out).run(); }

Status decode_plain(ByteReader& in, const TableDef& def, const Table& current, CellIndex cell,
                    DecodedBlock& out) {
  return Decoder(in, def, current, cell, out).run();
}

}  // namespace ecsdb
