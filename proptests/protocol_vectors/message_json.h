// Messages as JSON, from their declarations.
#pragma once

#include <optional>
#include <string_view>

#include "ecsdb/wire/frame.h"
#include "ecsdb/wire/messages.h"

#include "groups.h"
#include "json.h"

namespace ecsdb::vectors {

/// "auth", ...; empty for a number that is no message.
std::string_view message_name(MessageType type);
std::optional<MessageType> message_type(std::string_view name);

/// The fields of a frame's head in JSON. kFrameMalformed, kUnknownMessage. `again` gets what the
/// encoder makes of the message.
Result<Json> message_json(MessageType type, ByteSpan head, Bytes& again);

/// The same of a `write`, which stands as bytes in the message `writes`.
Result<Json> write_json(ByteSpan bytes, Bytes& again);

/// Adds a vector of a message that is accepted; `type` is its name.
template <class M>
void accept_message(Maker& to, const char* name, const char* note, std::string_view type,
                    const M& message) {
  Bytes bytes;
  ByteWriter writer(bytes);
  encode_fields(message, writer);
  to.accept(name, note, Json::object({{"type", type}, {"bytes", to_hex(bytes)}}));
}

/// {"type": ..., fields of the head...}
Result<Json> frame_json(const Frame& frame);

}  // namespace ecsdb::vectors
