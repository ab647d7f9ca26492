// A benchmark of several parts, which `--part NAME` runs alone.
#pragma once

#include <span>
#include <string_view>

#include "options.h"
#include "report.h"

namespace bench {

/// One part: adds its figures to the report.
struct Part {
  std::string_view name;
  ecsdb::Status (*measure)(const Options& options, Report& report);
};

/// Runs the one that `--part` names, else all in their order, up to the first that fails. kUsage
/// when there is no such part.
ecsdb::Status run_parts(std::span<const Part> parts, const Options& options, Report& report);

}  // namespace bench
