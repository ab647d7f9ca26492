// Values in canonical form, as messages about writes and events carry them.
#pragma once

#include <initializer_list>
#include <string>

#include "ecsdb/schema/canonical_value.h"

namespace ecsdb::vectors {

CanonicalValue lanes(std::initializer_list<int64_t> values);
CanonicalValue text(std::string bytes);

}  // namespace ecsdb::vectors
