#include "ecsdb/store/transaction_buffers.h"

namespace ecsdb {
namespace {

constexpr size_t kKeptEntries = 1u << 16;  // memory for so many is always kept
constexpr uint32_t kSmallInARow = 256;     // transactions before what is more is given back

}  // namespace

void TransactionBuffers::clear() {
  const bool is_small = undo.capacity() > kKeptEntries && undo.size() < undo.capacity() / 8;
  undo.clear();
  destroyed.clear();
  removed.clear();
  old_text_count = 0;
  has_removed = false;
  small_in_a_row = is_small ? small_in_a_row + 1 : 0;
  if (small_in_a_row < kSmallInARow) return;
  undo.set_capacity(kKeptEntries);
  old_texts = {};
  small_in_a_row = 0;
}

}  // namespace ecsdb
