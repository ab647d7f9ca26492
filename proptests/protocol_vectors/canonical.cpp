#include "canonical.h"

#include <utility>

namespace ecsdb::vectors {

CanonicalValue lanes(std::initializer_list<int64_t> values) {
  CanonicalValue out;
  for (const int64_t value : values) out.lanes.lane[out.kind++] = static_cast<uint64_t>(value);
  return out;
}

CanonicalValue text(std::string bytes) {
  CanonicalValue out;
  out.kind = CanonicalValue::kText;
  out.text = std::move(bytes);
  return out;
}

}  // namespace ecsdb::vectors
