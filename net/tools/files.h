// Reading whole files, with errors that name them.
#pragma once

#include <string>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/result.h"

namespace ecsdb {

/// kFileUnreadable with the name and the system's reason; also if the file is larger than
/// `bytes_max`.
Result<Bytes> read_file(const std::string& path, size_t bytes_max);

}  // namespace ecsdb
