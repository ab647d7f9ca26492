// Files of examples/cubes that the server carries inside of itself, so that it runs from anywhere.
#pragma once

#include <string_view>

#include "ecsdb/base/bytes.h"

namespace ecsdb {

/// examples/cubes/slice.bin, in the format of server/cubes_trace.h.
ByteSpan bundled_cubes_slice();
/// examples/cubes/cubes.toml.
std::string_view bundled_cubes_schema();

}  // namespace ecsdb
