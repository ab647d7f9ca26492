// What an open transaction remembers. Its database keeps the memory for the next one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/store/change_marks.h"
#include "ecsdb/store/row_log.h"
#include "ecsdb/store/stack.h"

namespace ecsdb {

/// One field of a dynamic row.
struct FieldValue {
  uint16_t field;  // index in the table's fields (Schema::field_index)
  Value value;
};

/// One step, to be undone last first.
class UndoEntry {
 public:
  enum class What : uint8_t { kCreate, kAppend, kMarkRemoved, kUnmarkRemoved, kLane, kText };

  /// `old` is a lane's value, an entity, or the place of a text; `lane` is one or a text column;
  /// `touch` are the row's touch bits before.
  UndoEntry() = default;
  UndoEntry(What what, uint16_t table, RowIndex row, uint16_t lane, uint64_t old, uint8_t touch)
      : old_(old),
        row_(row),
        lane_(lane),
        rest_(static_cast<uint16_t>(table | static_cast<unsigned>(what) << kTableBits |
                                    unsigned{touch} << (kTableBits + kWhatBits))) {}
  What what() const { return static_cast<What>(rest_ >> kTableBits & ((1u << kWhatBits) - 1)); }
  uint16_t table() const { return rest_ & ((1u << kTableBits) - 1); }
  RowIndex row() const { return row_; }
  uint16_t lane() const { return lane_; }
  uint64_t old() const { return old_; }
  uint8_t touch() const { return static_cast<uint8_t>(rest_ >> (kTableBits + kWhatBits)); }

 private:
  static constexpr unsigned kTableBits = 10;
  static constexpr unsigned kWhatBits = 3;
  static_assert(kTablesMax <= 1u << kTableBits);

  uint64_t old_;  // left undefined by default: batches of entries are filled in later
  RowIndex row_;
  uint16_t lane_;
  uint16_t rest_;  // table, what, touch
};
static_assert(sizeof(UndoEntry) == 16);

/// A mark that a client's write has replaced, to be put back.
struct MarkUndo {
  enum class What : uint8_t { kField, kBirth, kRemoval };
  What what = What::kField;
  uint16_t table = 0;
  uint8_t bit = 0;
  RowIndex row = kNoRow;
  FieldMark field;
  LwwMark lww;
  BirthMark birth;
  EntityId entity;
  std::optional<Removals::Removal> removal;
};

/// A checked field value; `text` is a view of the caller's.
struct StagedField {
  uint16_t field;
  LaneValues lanes;
  std::string_view text;
};

struct TransactionBuffers {
  struct RowRef {
    uint16_t table;
    RowIndex row;
  };

  Stack<UndoEntry> undo;
  std::vector<std::string> old_texts;  // those behind old_text_count are kept for their memory
  size_t old_text_count = 0;
  std::vector<EntityId> destroyed;
  std::vector<MarkUndo> marks;
  bool has_removed = false;         // some row was, and may have been inserted again
  std::vector<RowRef> removed;      // scratch of the commit
  std::vector<StagedField> staged;  // scratch of one operation, as is the next
  std::vector<FieldValue> values;
  uint32_t small_in_a_row = 0;  // transactions that used little of the memory

  bool empty() const { return undo.empty() && destroyed.empty(); }
  /// For the next transaction. Memory that only a rare large one needs is given back in the end.
  void clear();
};

}  // namespace ecsdb
