// An event's values between an application and the messages that carry them.
#pragma once

#include <span>
#include <vector>

#include "ecsdb/base/result.h"
#include "ecsdb/store/transaction_buffers.h"
#include "ecsdb/wire/event_messages.h"

namespace ecsdb {

/// In the order of the fields. kUnknownField, kTypeMismatch, kValueOutOfRange, kTextTooLong,
/// kBadText, kLimitExceeded (one field twice, or more than kEventBytesMax), each naming the place.
Result<std::vector<EventValue>> make_event_values(const EventDef& def,
                                                  std::span<const FieldValue> values);
/// What a peer has sent: kUnknownField, kNotCanonical (fields do not rise), kLimitExceeded (more
/// than kEventBytesMax), and the codes of check_canonical(), each naming the place.
Status check_event_values(const EventDef& def, std::span<const EventValue> values);
/// Of the field with this place in the event, or its default.
CanonicalValue event_value(const EventDef& def, size_t field, std::span<const EventValue> values);
/// One of each field; those that are not named have their default. Values must have been checked.
std::vector<Value> all_event_values(const EventDef& def, std::span<const EventValue> values);

}  // namespace ecsdb
