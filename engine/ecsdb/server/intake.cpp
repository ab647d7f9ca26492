#include "ecsdb/server/intake.h"

#include <string>

namespace ecsdb {

Status Intake::on_bytes(size_t bytes, const ServerOptions& options, Instant now) {
  if (!bytes_.is_limited()) return {};
  if (bytes <= options.intake_burst && bytes_.has(bytes, now)) {
    bytes_.spend(bytes, now);
    return {};
  }
  return fail(ErrorCode::kLimitExceeded,
              "more than " + std::to_string(options.intake_bytes) + " bytes a second, and " +
                  std::to_string(options.intake_burst) + " at once; send less");
}

bool Intake::admit(const Subscribe& request, Instant now) {
  const size_t begun = request.add.size() + request.move.size();
  const bool is_let = begun == 0 || changes_.has(begun, now);
  changes_.spend(request.remove.size() + (is_let ? begun : 0), now);
  return is_let;
}

bool Intake::admit_refetch(Instant now) {
  const bool is_let = changes_.has(1, now);
  if (is_let) changes_.spend(1, now);
  return is_let;
}

bool Intake::admit_event(Instant now) {
  const bool is_let = events_.has(1, now);
  if (is_let) events_.spend(1, now);
  return is_let;
}

}  // namespace ecsdb
