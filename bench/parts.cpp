#include "parts.h"

#include <string>

namespace bench {

ecsdb::Status run_parts(std::span<const Part> parts, const Options& options, Report& report) {
  const std::string wanted = options.text("part", "");
  bool is_known = wanted.empty();
  for (const Part& part : parts) {
    if (!wanted.empty() && wanted != part.name) continue;
    is_known = true;
    ECSDB_TRY(part.measure(options, report));
  }
  if (is_known) return {};
  return ecsdb::fail(ecsdb::ErrorCode::kUsage, "there is no --part " + wanted);
}

}  // namespace bench
