// The commonest values on their way into a lane, with what that takes looked up beforehand.
#pragma once

#include <cstdint>

#include "ecsdb/schema/canonical.h"

namespace ecsdb {

/// What |steps| of a precision may reach, as a double that is one too many.
inline double limit_of_steps(FieldType type) {
  return type == FieldType::kF64 ? 9223372036854775808.0 : 2147483648.0;
}

/// floor() of a value that an int64_t holds; the standard one is a call into the C library.
inline int64_t floor_of(double value) {
  const int64_t whole = static_cast<int64_t>(value);
  return whole - (static_cast<double>(whole) > value ? 1 : 0);
}

/// Steps of a precision; false if they are not within `limit`, and for NaN.
inline bool steps_of(double value, double precision, double limit, int64_t& steps) {
  const double exact = value / precision + 0.5;
  if (!(exact >= -limit && exact < limit)) return false;
  steps = floor_of(exact);
  return true;
}

/// What try_to_lanes does, in a few instructions, for integers and for floats in steps of a
/// precision. A value type.
class LaneCodec {
 public:
  explicit LaneCodec(const FieldDef& def);

  /// False if the value is refused, or if it is for try_to_lanes to say.
  bool encode(const Value& value, uint64_t& lane) const {
    switch (kind_) {
      case Kind::kOther:
        break;
      case Kind::kUnsigned:
        if (const auto* v = std::get_if<uint64_t>(&value)) {
          lane = *v;
          return *v <= static_cast<uint64_t>(max_);
        }
        break;
      case Kind::kSigned:
        if (const auto* v = std::get_if<int64_t>(&value)) {
          lane = static_cast<uint64_t>(*v);
          return *v <= max_ && *v >= -max_ - 1;
        }
        break;
      case Kind::kSteps:
        if (const auto* v = std::get_if<double>(&value)) {
          int64_t steps = 0;
          const bool fits = steps_of(*v, precision_, limit_, steps);
          lane = static_cast<uint64_t>(steps);
          return fits;
        }
        break;
    }
    return false;
  }

 private:
  enum class Kind : uint8_t { kOther, kUnsigned, kSigned, kSteps };

  Kind kind_ = Kind::kOther;
  int64_t max_ = 0;  // of kUnsigned as its bits
  double precision_ = 0;
  double limit_ = 0;
};

}  // namespace ecsdb
