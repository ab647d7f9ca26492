// Why a client cannot go on from what it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ecsdb {

/// Of a position, as resume_reply tells it.
enum class ResetReason : uint8_t {
  kNone = 0,
  kOtherDatabase = 1,
  kPastFork = 2,
  kSchemaBreak = 3,
  kRightsChanged = 4,
  kCellsUnknown = 5,
};

inline constexpr size_t kResetReasons = 6;
/// Stable snake_case name, for logs and JSON.
std::string_view reset_reason_name(ResetReason reason);

}  // namespace ecsdb
