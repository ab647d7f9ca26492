// Sessions that are long, that end, and that a server spoils.
#include "ecsdb/base/hash.h"
#include "ecsdb/schema/canonical.h"
#include "ecsdb/wire/frame.h"

#include "session_script.h"

namespace ecsdb::vectors {
namespace {

void go_live(Recorder& session) {
  session.script().call("subscribe", "ship");
  session.script().call("connect");
  session.open();
}

/// More cells than one frame may name.
void record_many_cells(Maker& to) {
  Recorder session(to, "fleet", fleet_schema());
  std::vector<EntityId> lines;
  session.commit([&](Transaction& tx) {
    for (int64_t room = 0; room < 520; ++room) {
      const FieldValue values[] = {{0, room}, {1, std::string()}};
      lines.push_back(tx.create().value());
      ECSDB_CHECK(tx.insert(kChat, lines.back(), values).ok());
    }
  });
  session.publish();
  session.script().call("subscribe", "chat");
  session.script().call("connect");
  session.open();
  session.change([&](Transaction& tx) { ECSDB_CHECK(tx.destroy(lines[3]).ok()); });
  session.script().call_with(Json::object({{"name", "unsubscribe"}, {"subscription", 1}}));
  session.settle();
  session.script().finish("session-many-cells",
                          "520 cells: a chunk in two frames, and an advance with so many leaves.");
}

void record_goodbyes(Maker& to) {
  Recorder down(to, "fleet", fleet_schema());
  down.add_ship(1, 1, 1);
  down.publish();
  go_live(down);
  down.server().shutdown(down.now());
  down.settle();
  down.script().finish("session-shutdown",
                       "The server goes down and says so: what is shown stays readable.");
  Recorder kicked(to, "fleet", fleet_schema());
  kicked.add_ship(1, 1, 1);
  kicked.publish();
  go_live(kicked);
  kicked.server().disconnect(LinkId{0}, ErrorCode::kKicked, "caf\xc3\xa9", kicked.now());
  kicked.settle();
  kicked.script().finish("session-kicked", "An operator closes the connection.");
  Recorder leaves(to, "fleet", fleet_schema());
  leaves.add_ship(1, 1, 1);
  leaves.publish();
  go_live(leaves);
  leaves.script().call("disconnect");
  leaves.settle();
  leaves.script().finish("session-disconnect", "The client says goodbye and does not dial again.");
}

void record_time(Maker& to) {
  Recorder session(to, "fleet", fleet_schema());
  const EntityId ship = session.add_ship(1, 1, 1);
  session.publish();
  go_live(session);
  session.pass(1000);
  session.add_chat(1, "not subscribed");
  session.publish();
  session.settle();
  session.pass(1000);
  session.set(kShips, ship, "paint", uint64_t{2});
  session.publish();
  session.settle();
  for (int second = 0; second < 6; ++second) session.script().pass(1000);
  session.script().finish(
      "session-silence",
      "Heartbeats; an advance of nothing instead of one, after a commit that changed nothing held; "
      "then the server is silent, and the client gives the link up without a goodbye.");
  Script alone(to, "fleet", fleet_schema());
  alone.call("connect");
  alone.pass(5000);
  alone.pass(1000);
  alone.finish("session-no-answer", "The link is never opened; the client dials again.");
}

// ---- Servers that break the rules ----

Bytes preface_of(uint8_t min, uint8_t max, uint32_t features) {
  const auto bytes = encode_preface({min, max, features});
  return Bytes(bytes.begin(), bytes.end());
}
template <class M>
Bytes message(MessageType type, const M& fields) {
  Bytes out;
  append_message(out, type, fields);
  return out;
}
AuthReply reply_of(const Schema& schema) {
  AuthReply out;
  out.client = ClientId{1};
  out.principal = PrincipalId{1};
  out.schema_fingerprint = schema.fingerprint();
  out.schema_bytes = static_cast<uint32_t>(encode_schema(schema.def()).size());
  out.server_time_ns = 1'000'000'000;
  out.heartbeat_ms = 1000;
  out.frame_head_bytes_max = kFrameHeadBytesMax;
  out.unacked_bytes_max = kUnackedBytesMax;
  out.subscriptions_max = kSubscriptionsMax;
  return out;
}

/// A session whose server says each of these in a step of its own.
void broken(Maker& to, const char* name, const char* note, const std::vector<Bytes>& said,
            bool closes = false) {
  Script script(to, "fleet", fleet_schema());
  script.call("subscribe", "ship");
  script.call("connect");
  script.open();
  for (const Bytes& bytes : said) script.server(bytes);
  if (closes) script.close();
  script.finish(name, note);
}

void break_prefaces(Maker& to) {
  broken(to, "broken-preface", "The server's preface is that of another protocol.",
         {Bytes{'H', 'T', 'T', 'P', '/', '1', '.', '1', ' ', '4', '0', '0', ' ', 'B', 'a', 'd'}});
  broken(to, "broken-protocol-2", "The server chose a protocol that the client does not speak.",
         {preface_of(2, 2, 0)});
  broken(to, "broken-protocol-range", "The server answers with a range instead of a choice.",
         {preface_of(1, 2, 0)});
  broken(to, "broken-feature", "The server chose a feature that the client did not offer.",
         {preface_of(1, 1, 1)});
}

void break_schemas(Maker& to) {
  const Schema schema = fleet_schema();
  const Bytes canonical = encode_schema(schema.def());
  const Bytes preface = preface_of(1, 1, 0);
  const Bytes reply = message(MessageType::kAuthReply, reply_of(schema));
  auto part = [&](uint32_t offset, size_t begin, size_t end) {
    const auto at = canonical.begin();
    return message(MessageType::kSchemaPart,
                   SchemaPart{offset, Bytes(at + static_cast<ptrdiff_t>(begin),
                                            at + static_cast<ptrdiff_t>(end))});
  };
  broken(to, "broken-schema-gap", "The second part of the schema leaves a gap.",
         {preface, reply, part(0, 0, 20), part(21, 21, canonical.size())});
  broken(to, "broken-schema-empty-part", "A part of the schema is empty.",
         {preface, reply, part(0, 0, 0)});
  AuthReply shorter = reply_of(schema);
  shorter.schema_bytes = 30;
  broken(to, "broken-schema-too-long", "The parts are longer than was announced.",
         {preface, message(MessageType::kAuthReply, shorter), part(0, 0, canonical.size())});
  AuthReply none = reply_of(schema);
  none.schema_bytes = 0;
  broken(to, "broken-schema-missing", "No schema comes, and the client does not know it.",
         {preface, message(MessageType::kAuthReply, none)});
  AuthReply other = reply_of(schema);
  other.schema_fingerprint.low ^= 1;
  broken(to, "broken-schema-fingerprint", "The schema is not the one that was announced.",
         {preface, message(MessageType::kAuthReply, other), part(0, 0, canonical.size())});
  Bytes twice = canonical;
  twice.push_back(0);
  AuthReply longer = reply_of(schema);
  longer.schema_fingerprint = hash128(twice);
  longer.schema_bytes = static_cast<uint32_t>(twice.size());
  broken(to, "broken-schema-bytes", "The schema does not decode.",
         {preface, message(MessageType::kAuthReply, longer),
          message(MessageType::kSchemaPart, SchemaPart{0, twice})});
}

void break_order(Maker& to) {
  const Schema schema = fleet_schema();
  const Bytes canonical = encode_schema(schema.def());
  const Bytes preface = preface_of(1, 1, 0);
  const Bytes reply = message(MessageType::kAuthReply, reply_of(schema));
  const Bytes whole = message(MessageType::kSchemaPart, SchemaPart{0, canonical});
  broken(to, "broken-sync-before-auth", "A sync begins before authentication.",
         {preface, message(MessageType::kSyncBegin, SyncBegin{Version{1}, 0, 0})});
  broken(to, "broken-reply-before-schema", "Subscriptions are answered before there is a schema.",
         {preface, reply, message(MessageType::kSubscribeReply, SubscribeReply{1, {}})});
  broken(to, "broken-advance-before-schema", "An advance comes before there is a schema.",
         {preface, reply, message(MessageType::kAdvance, Advance())});
  broken(to, "broken-auth-reply-twice", "Authentication is answered twice.",
         {preface, reply, reply});
  Bytes damaged = reply;
  damaged.back() ^= 1;
  broken(to, "broken-checksum", "A frame's checksum is wrong.", {preface, damaged});
  broken(to, "broken-goodbye-unknown",
         "A goodbye with a code that nobody knows, then the close: reported as link_closed.",
         {preface, reply, whole, message(MessageType::kGoodbye, Goodbye{9999, "what"})}, true);
}

}  // namespace

void make_long_sessions(Maker& to) { record_many_cells(to); }

void make_ended_sessions(Maker& to) {
  record_goodbyes(to);
  record_time(to);
}

void make_broken_sessions(Maker& to) {
  break_prefaces(to);
  break_schemas(to);
  break_order(to);
}

}  // namespace ecsdb::vectors
