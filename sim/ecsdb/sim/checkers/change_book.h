// Who changed what, and when: what the reference model of write decisions knows of every row beside
// its values.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "ecsdb/sim/checkers/model.h"

namespace ecsdb::sim {

/// What the last writer of a lww field won with. Compared in this order.
struct WriteStamp {
  uint64_t time = 0;  // milliseconds times 65536, plus a counter
  ClientId client;    // zero: the server's own step
  uint64_t sequence = 0;
  uint64_t op = 0;
  auto operator<=>(const WriteStamp&) const = default;
};

/// A change of the open transaction counts as soon as it is noted, with the version that is being
/// made. Writer zero is the server's own step.
class ChangeBook {
 public:
  using RowKey = Model::RowKey;

  /// A new incarnation of the row: all of its fields have changed.
  void note_birth(const RowKey& row, Version version, ClientId writer, const WriteStamp& stamp);
  void note_change(const RowKey& row, uint16_t field, Version version, ClientId writer);
  void note_stamp(const RowKey& row, uint16_t field, const WriteStamp& stamp);
  void note_removal(const RowKey& row, Version version, ClientId writer);

  // Of a row that exists.
  bool born_by_others(const RowKey& row, Version after, ClientId writer) const;
  bool changed_by_others(const RowKey& row, uint16_t field, Version after, ClientId writer) const;
  WriteStamp stamp(const RowKey& row, uint16_t field) const;
  // Of one that does not, or did not once.
  /// Any removal of it.
  bool removed_by_others(const RowKey& row, Version after, ClientId writer) const;
  /// The last removal.
  bool last_removed_by_other(const RowKey& row, Version after, ClientId writer) const;

  void commit();
  void drop() { open_.clear(); }

 private:
  using LastChanges = std::map<ClientId, Version>;  // each writer's last
  struct Field {
    LastChanges changes;  // since the birth
    std::optional<WriteStamp> stamp;
  };
  struct Row {
    // Of the present incarnation.
    Version born;
    ClientId author;
    WriteStamp stamp;
    std::map<uint16_t, Field> fields;  // that changed since
    // Of all incarnations.
    LastChanges removals;
    ClientId last_remover;
  };
  using Rows = std::map<RowKey, Row>;

 public:
  /// The notes of the open transaction. A value.
  using Savepoint = Rows;
  Savepoint save() const { return open_; }
  void restore(Savepoint savepoint) { open_ = std::move(savepoint); }

 private:
  static bool others_after(const LastChanges& changes, Version after, ClientId writer);
  const Row* find(const RowKey& row) const;
  Row& open(const RowKey& row);

  Rows committed_;
  Rows open_;  // rows that the transaction changed, with all that is known of them
};

}  // namespace ecsdb::sim
