#include "ecsdb/store/transaction_buffers.h"

namespace ecsdb {
namespace {

constexpr size_t kKeptEntries = 1u << 16;  // memory for so many is always kept
constexpr size_t kKeptTexts = 1u << 10;
constexpr size_t kKeptMarks = 1u << 14;
constexpr uint32_t kSmallInARow = 256;  // transactions before what is more is given back

bool uses_little(size_t used, size_t held, size_t kept) { return held > kept && used < held / 8; }

}  // namespace

void TransactionBuffers::clear() {
  const bool few_entries = uses_little(undo.size(), undo.capacity(), kKeptEntries);
  const bool few_marks = uses_little(marks.size(), marks.capacity(), kKeptMarks);
  const bool few_texts = uses_little(old_text_count, old_texts.size(), kKeptTexts);
  undo.clear();
  destroyed.clear();
  marks.clear();
  removed.clear();
  old_text_count = 0;
  has_removed = false;
  small_in_a_row = few_entries || few_texts || few_marks ? small_in_a_row + 1 : 0;
  if (small_in_a_row < kSmallInARow) return;
  if (few_entries) undo.set_capacity(kKeptEntries);
  if (few_texts) old_texts = {};
  if (few_marks) marks = {};
  small_in_a_row = 0;
}

}  // namespace ecsdb
