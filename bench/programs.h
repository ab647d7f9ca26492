// The benchmarks, one a file.
#pragma once

#include <span>
#include <string_view>

#include "ecsdb/base/result.h"

#include "options.h"
#include "report.h"

namespace bench {

struct Program {
  std::string_view name;
  std::string_view summary;
  std::span<const OptionSpec> options;
  /// kUsage for options that do not go together, kFileUnreadable, kDigestMismatch when a replica
  /// does not show what the server has; other errors are bugs.
  ecsdb::Status (*run)(const Options& options, Report& report);
};

extern const Program kStoreProgram;
extern const Program kCodecProgram;
extern const Program kFanoutProgram;
extern const Program kSyncProgram;
extern const Program kSessionProgram;
extern const Program kWritesProgram;

}  // namespace bench
