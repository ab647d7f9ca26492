#include "ecsdb/wire/messages.h"

#include <algorithm>

namespace ecsdb {

bool Subscription::covers(const CellKey& key) const {
  switch (kind) {
    case SelectorKind::kAll:
      return true;
    case SelectorKind::kKeys:
      return std::find(keys.begin(), keys.end(), key) != keys.end();
    case SelectorKind::kBox: {
      if (keys.size() != 2 || key.kind != CellKey::Kind::kGrid) return false;
      const CellKey& low = keys[0];
      const CellKey& high = keys[1];
      return low.x <= key.x && key.x <= high.x && low.y <= key.y && key.y <= high.y &&
             low.z <= key.z && key.z <= high.z;
    }
  }
  return false;
}

}  // namespace ecsdb
