#include "message_json.h"

#include "rows_json.h"

namespace ecsdb::vectors {
namespace {

struct TypeName {
  MessageType type;
  std::string_view name;
};
constexpr TypeName kTypeNames[] = {
    {MessageType::kAuth, "auth"},
    {MessageType::kSubscribe, "subscribe"},
    {MessageType::kAck, "ack"},
    {MessageType::kClientHeartbeat, "client_heartbeat"},
    {MessageType::kResume, "resume"},
    {MessageType::kRefetch, "refetch"},
    {MessageType::kClientReady, "client_ready"},
    {MessageType::kGoodbye, "goodbye"},
    {MessageType::kWrites, "writes"},
    {MessageType::kClientEvents, "client_events"},
    {MessageType::kAuthReply, "auth_reply"},
    {MessageType::kSchemaPart, "schema_part"},
    {MessageType::kSubscribeReply, "subscribe_reply"},
    {MessageType::kSyncBegin, "sync_begin"},
    {MessageType::kSyncChunk, "sync_chunk"},
    {MessageType::kAdvance, "advance"},
    {MessageType::kServerHeartbeat, "server_heartbeat"},
    {MessageType::kResumeReply, "resume_reply"},
    {MessageType::kSyncMark, "sync_mark"},
    {MessageType::kOutcomes, "outcomes"},
    {MessageType::kWriteRefused, "write_refused"},
    {MessageType::kEvents, "events"},
};

template <class M>
Json fields_json(const M& message);

Json canonical_json(const CanonicalValue& value) {
  Json out = Json::object({{"kind", value.kind}});
  if (value.is_text()) {
    out.set("bytes", to_hex(as_bytes(value.text)));
    return out;
  }
  Json lanes = Json::array();
  for (int i = 0; i < value.kind; ++i) {
    lanes.add(Json(std::to_string(static_cast<int64_t>(value.lanes.lane[i]))));
  }
  if (value.has_value()) out.set("lanes", std::move(lanes));
  return out;
}

/// 64-bit numbers are strings: most readers of JSON hold numbers as floats.
template <class T>
Json part_json(const T& v) {
  if constexpr (std::is_enum_v<T>) {
    return Json(static_cast<unsigned>(v));
  } else if constexpr (std::is_integral_v<T>) {
    if constexpr (sizeof(T) == 8) {
      return Json(std::to_string(v));
    } else {
      return Json(v);
    }
  } else if constexpr (std::is_same_v<T, Fixed32>) {
    return Json(v.value);
  } else if constexpr (std::is_same_v<T, DatabaseId> || std::is_same_v<T, Hash128>) {
    Bytes raw;
    ByteWriter writer(raw);
    writer.u64(v.high);
    writer.u64(v.low);
    return Json(to_hex(raw));
  } else if constexpr (std::is_same_v<T, Digest>) {
    return digest_json(v);
  } else if constexpr (std::is_same_v<T, CellKey>) {
    return key_json(v);
  } else if constexpr (std::is_same_v<T, CanonicalValue>) {
    return canonical_json(v);
  } else if constexpr (WrappedId<T>) {
    return part_json(v.value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return Json(v);
  } else if constexpr (std::is_same_v<T, Bytes>) {
    return Json(to_hex(v));
  } else if constexpr (IsVector<T>::value) {
    Json out = Json::array();
    for (const auto& element : v) out.add(part_json(element));
    return out;
  } else {
    return fields_json(v);
  }
}

template <class M>
Json fields_json(const M& message) {
  Json out = Json::object();
  std::apply([&](const auto&... f) { (out.set(f.name, part_json(message.*(f.pointer))), ...); },
             Describe<M>::fields);
  return out;
}

template <class M>
Result<Json> decoded(ByteSpan head, Bytes& again) {
  M message;
  ECSDB_TRY(decode_message(head, message));
  again.clear();
  ByteWriter writer(again);
  encode_fields(message, writer);
  return fields_json(message);
}

}  // namespace

std::string_view message_name(MessageType type) {
  for (const TypeName& entry : kTypeNames) {
    if (entry.type == type) return entry.name;
  }
  return {};
}

std::optional<MessageType> message_type(std::string_view name) {
  for (const TypeName& entry : kTypeNames) {
    if (entry.name == name) return entry.type;
  }
  return std::nullopt;
}

Result<Json> message_json(MessageType type, ByteSpan head, Bytes& again) {
  switch (type) {
    case MessageType::kAuth:
      return decoded<Auth>(head, again);
    case MessageType::kSubscribe:
      return decoded<Subscribe>(head, again);
    case MessageType::kAck:
      return decoded<Ack>(head, again);
    case MessageType::kClientHeartbeat:
      return decoded<ClientHeartbeat>(head, again);
    case MessageType::kGoodbye:
      return decoded<Goodbye>(head, again);
    case MessageType::kAuthReply:
      return decoded<AuthReply>(head, again);
    case MessageType::kSchemaPart:
      return decoded<SchemaPart>(head, again);
    case MessageType::kSubscribeReply:
      return decoded<SubscribeReply>(head, again);
    case MessageType::kSyncBegin:
      return decoded<SyncBegin>(head, again);
    case MessageType::kSyncChunk:
    case MessageType::kAdvance:
      return decoded<Advance>(head, again);
    case MessageType::kServerHeartbeat:
      return decoded<ServerHeartbeat>(head, again);
    case MessageType::kResume:
      return decoded<Resume>(head, again);
    case MessageType::kRefetch:
      return decoded<Refetch>(head, again);
    case MessageType::kClientReady:
      return decoded<ClientReady>(head, again);
    case MessageType::kResumeReply:
      return decoded<ResumeReply>(head, again);
    case MessageType::kSyncMark:
      return decoded<SyncMark>(head, again);
    case MessageType::kWrites:
      return decoded<Writes>(head, again);
    case MessageType::kOutcomes:
      return decoded<Outcomes>(head, again);
    case MessageType::kWriteRefused:
      return decoded<WriteRefused>(head, again);
    case MessageType::kEvents:
      return decoded<Events>(head, again);
    case MessageType::kClientEvents:
      return decoded<ClientEvents>(head, again);
  }
  return fail(ErrorCode::kUnknownMessage);
}

Result<Json> write_json(ByteSpan bytes, Bytes& again) { return decoded<Write>(bytes, again); }

Result<Json> frame_json(const Frame& frame) {
  Bytes again;
  const Result<Json> fields = message_json(frame.type, frame.head, again);
  if (!fields.ok()) return fields.error();
  Json out = Json::object({{"type", message_name(frame.type)}});
  for (const Json::Member& member : fields->members()) out.set(member.first, member.second);
  return out;
}

}  // namespace ecsdb::vectors
