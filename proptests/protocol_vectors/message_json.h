// Messages as JSON, from their declarations.
#pragma once

#include <optional>
#include <string_view>

#include "ecsdb/wire/frame.h"
#include "ecsdb/wire/messages.h"

#include "json.h"

namespace ecsdb::vectors {

/// "auth", ...; empty for a number that is no message.
std::string_view message_name(MessageType type);
std::optional<MessageType> message_type(std::string_view name);

/// The fields of a frame's head in JSON. kFrameMalformed, kUnknownMessage. `again` gets what the
/// encoder makes of the message.
Result<Json> message_json(MessageType type, ByteSpan head, Bytes& again);

/// {"type": ..., fields of the head...}
Result<Json> frame_json(const Frame& frame);

}  // namespace ecsdb::vectors
