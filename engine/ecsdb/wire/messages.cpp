#include "ecsdb/wire/messages.h"

#include <algorithm>

namespace ecsdb {

std::string message_text(std::string_view text, size_t bytes_max) {
  std::string out;
  while (!text.empty()) {
    size_t n = 1;
    while (n <= 4 && n <= text.size() && !is_utf8(text.substr(0, n))) ++n;
    const bool is_character = n <= 4 && n <= text.size();
    const std::string_view next = is_character ? text.substr(0, n) : "?";
    if (out.size() + next.size() > bytes_max) break;
    out += next;
    text.remove_prefix(is_character ? n : 1);
  }
  return out;
}

std::string_view reset_reason_name(ResetReason reason) {
  switch (reason) {
    case ResetReason::kNone:
      return "none";
    case ResetReason::kOtherDatabase:
      return "other_database";
    case ResetReason::kPastFork:
      return "past_fork";
    case ResetReason::kSchemaBreak:
      return "schema_break";
    case ResetReason::kRightsChanged:
      return "rights_changed";
    case ResetReason::kCellsUnknown:
      return "cells_unknown";
  }
  return "unknown";
}

void TailChecksum::sum_gathered() {
  sum_ = crc32c(ByteSpan(gathered_, used_), sum_);
  used_ = 0;
}

bool Subscription::covers(const CellKey& key) const {
  switch (kind) {
    case SelectorKind::kAll:
      return true;
    case SelectorKind::kKeys:
      return std::binary_search(keys.begin(), keys.end(), key);
    case SelectorKind::kBox: {
      if (keys.size() != 2 || key.kind != CellKey::Kind::kGrid) return false;
      const CellKey& low = keys[0];
      const CellKey& high = keys[1];
      return low.x <= key.x && key.x <= high.x && low.y <= key.y && key.y <= high.y &&
             low.z <= key.z && key.z <= high.z;
    }
    case SelectorKind::kBall:
    case SelectorKind::kRange:
      return false;
  }
  return false;
}

}  // namespace ecsdb
