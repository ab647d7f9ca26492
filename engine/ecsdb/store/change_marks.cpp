#include "ecsdb/store/change_marks.h"

#include <algorithm>

namespace ecsdb {

ChangeMarks::ChangeMarks(const TableDef& def, const TableLayout& layout) {
  if (def.write.empty()) return;
  field_count_ = static_cast<uint32_t>(layout.replicated.size());
  lww_place_.assign(field_count_, kNone);
  lane_bits_.assign(layout.lanes.size(), kNone);
  text_bits_.assign(layout.text_count, kNone);
  for (const uint16_t index : layout.replicated) {
    const FieldLayout& field = layout.fields[index];
    for (uint16_t k = 0; k < field.lane_count; ++k) {
      lane_bits_[field.lane_first + size_t{k}] = field.replicated_bit;
    }
    if (field.text != kNoText) text_bits_[field.text] = field.replicated_bit;
    if (def.fields[index].policy != Policy::kLww) continue;
    lww_place_[field.replicated_bit] = static_cast<uint8_t>(lww_count_++);
  }
}

void ChangeMarks::push() {
  if (!is_kept()) return;
  births_.emplace_back();
  fields_.resize(fields_.size() + field_count_);
  lww_.resize(lww_.size() + lww_count_);
}

void ChangeMarks::swap_erase(RowIndex row) {
  if (!is_kept()) return;
  births_[row] = births_.back();
  births_.pop_back();
  auto erase = [row](auto& marks, size_t each) {
    if (each == 0) return;
    const auto last = marks.end() - static_cast<ptrdiff_t>(each);
    std::copy(last, marks.end(), marks.begin() + static_cast<ptrdiff_t>(size_t{row} * each));
    marks.resize(marks.size() - each);
  };
  erase(fields_, field_count_);
  erase(lww_, lww_count_);
}

void ChangeMarks::insert(RowIndex row, ClientId by, Version version, const LwwMark& lww) {
  births_[row] = {version, by};
  for (uint32_t bit = 0; bit < field_count_; ++bit) {
    fields_[size_t{row} * field_count_ + bit] = {version, by, Version{}};
  }
  for (uint32_t i = 0; i < lww_count_; ++i) lww_[size_t{row} * lww_count_ + i] = lww;
}

const Removals::Removal* Removals::find(uint16_t table, EntityId entity) const {
  const auto found = by_row_.find({table, entity});
  return found == by_row_.end() ? nullptr : &found->second;
}

std::optional<Removals::Removal> Removals::get(uint16_t table, EntityId entity) const {
  const Removal* found = find(table, entity);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

void Removals::add(uint16_t table, EntityId entity, Removal removal) {
  by_row_[{table, entity}] = removal;
  order_.emplace_back(removal.version, Key{table, entity});
}

void Removals::restore(uint16_t table, EntityId entity, const std::optional<Removal>& removal) {
  order_.pop_back();  // what is taken back was the last to be added
  if (removal) {
    by_row_[{table, entity}] = *removal;
  } else {
    by_row_.erase({table, entity});
  }
}

void Removals::trim() {
  while (order_.size() > kKept) {
    const auto& [version, key] = order_.front();
    const auto found = by_row_.find(key);
    if (found != by_row_.end() && found->second.version <= version) by_row_.erase(found);
    order_.pop_front();
  }
}

}  // namespace ecsdb
