#include "ecsdb/sim/checkers/change_book.h"

#include <algorithm>

#include "ecsdb/base/check.h"

namespace ecsdb::sim {

const ChangeBook::Row* ChangeBook::find(const RowKey& row) const {
  const auto open = open_.find(row);
  if (open != open_.end()) return &open->second;
  const auto committed = committed_.find(row);
  return committed == committed_.end() ? nullptr : &committed->second;
}

ChangeBook::Row& ChangeBook::open(const RowKey& row) {
  const Row* const known = find(row);
  return open_.try_emplace(row, known == nullptr ? Row{} : *known).first->second;
}

void ChangeBook::note_birth(const RowKey& row, Version version, ClientId writer,
                            const WriteStamp& stamp) {
  Row& noted = open(row);
  noted.born = version;
  noted.author = writer;
  noted.stamp = stamp;
  noted.fields.clear();
}

void ChangeBook::note_change(const RowKey& row, uint16_t field, Version version, ClientId writer) {
  open(row).fields[field].changes[writer] = version;
}

void ChangeBook::note_stamp(const RowKey& row, uint16_t field, const WriteStamp& stamp) {
  open(row).fields[field].stamp = stamp;
}

void ChangeBook::note_removal(const RowKey& row, Version version, ClientId writer) {
  Row& noted = open(row);
  noted.removals[writer] = version;
  noted.last_remover = writer;
}

bool ChangeBook::others_after(const LastChanges& changes, Version after, ClientId writer) {
  return std::any_of(changes.begin(), changes.end(), [&](const auto& change) {
    return change.first != writer && change.second > after;
  });
}

bool ChangeBook::born_by_others(const RowKey& row, Version after, ClientId writer) const {
  const Row* const known = find(row);
  ECSDB_CHECK(known != nullptr);
  return known->author != writer && known->born > after;
}

bool ChangeBook::changed_by_others(const RowKey& row, uint16_t field, Version after,
                                   ClientId writer) const {
  if (born_by_others(row, after, writer)) return true;
  const Row& known = *find(row);
  const auto changed = known.fields.find(field);
  return changed != known.fields.end() && others_after(changed->second.changes, after, writer);
}

WriteStamp ChangeBook::stamp(const RowKey& row, uint16_t field) const {
  const Row* const known = find(row);
  ECSDB_CHECK(known != nullptr);
  const auto changed = known->fields.find(field);
  const bool has_own = changed != known->fields.end() && changed->second.stamp;
  return has_own ? *changed->second.stamp : known->stamp;
}

bool ChangeBook::removed_by_others(const RowKey& row, Version after, ClientId writer) const {
  const Row* const known = find(row);
  return known != nullptr && others_after(known->removals, after, writer);
}

bool ChangeBook::last_removed_by_other(const RowKey& row, Version after, ClientId writer) const {
  const Row* const known = find(row);
  if (known == nullptr || known->removals.empty() || known->last_remover == writer) return false;
  return known->removals.at(known->last_remover) > after;
}

void ChangeBook::commit() {
  for (auto& [key, row] : open_) committed_[key] = std::move(row);
  open_.clear();
}

}  // namespace ecsdb::sim
