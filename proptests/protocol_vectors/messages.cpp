// Heads of frames: each message by its fields.
#include "groups.h"
#include "message_json.h"
#include "rows_json.h"

namespace ecsdb::vectors {
namespace {

Json play(const Group&, const Json& input) {
  const auto type = message_type(input.at("type").text());
  if (!type) return Json::object({{"problem", "unknown type"}});
  const Bytes bytes = bytes_of(input.at("bytes"));
  Bytes again;
  const Result<Json> fields = message_json(*type, bytes, again);
  if (!fields.ok()) return error_outcome(fields.error(), false);
  if (again != bytes) {
    return Json::object({{"problem", "the encoder makes " + to_hex(again) + " of it"}});
  }
  return expect_outcome(*fields);
}

template <class M>
void add(Maker& to, const char* name, const char* note, MessageType type, const M& message) {
  Bytes bytes;
  ByteWriter writer(bytes);
  encode_fields(message, writer);
  to.accept(name, note, Json::object({{"type", message_name(type)}, {"bytes", to_hex(bytes)}}));
}

Hash128 hash(uint64_t high, uint64_t low) { return Hash128{high, low}; }

void make_handshake(Maker& to) {
  Auth auth;
  add(to, "auth-least", "No token, no name, no schema known.", MessageType::kAuth, auth);
  auth.token = {0x74, 0x6f, 0x6b, 0x00, 0xff};
  auth.client_name = "zo\xc3\xab";
  auth.database = 1;
  auth.schema_known = hash(0x0123456789abcdef, 0xfedcba9876543210);
  add(to, "auth-full", "A token of any bytes, a name in UTF-8, the system database.",
      MessageType::kAuth, auth);
  auth = Auth();
  auth.client_name = std::string(kClientNameBytesMax, 'n');
  add(to, "auth-longest-name", "A name of 64 bytes.", MessageType::kAuth, auth);
  AuthReply reply;
  add(to, "auth-reply-zeros", "Every field zero.", MessageType::kAuthReply, reply);
  reply.database_id = DatabaseId{0x1122334455667788, 0x99aabbccddeeff00};
  reply.epoch = Epoch{3};
  reply.client = ClientId{70000};
  reply.principal = PrincipalId{~uint64_t{0}};
  reply.schema_fingerprint = hash(1, 2);
  reply.schema_bytes = 1u << 20;
  reply.server_time_ns = 1'000'000'007;
  reply.heartbeat_ms = 1000;
  reply.frame_head_bytes_max = 65536;
  reply.unacked_bytes_max = 262144;
  reply.subscriptions_max = 64;
  add(to, "auth-reply-full", "The longest schema that there is.", MessageType::kAuthReply, reply);
  SchemaPart part;
  part.offset = 32768;
  part.bytes = {1, 2, 3};
  add(to, "schema-part", "Three bytes of the schema at offset 32768.", MessageType::kSchemaPart,
      part);
  add(to, "schema-part-empty", "The message may be empty; a client refuses it in its place.",
      MessageType::kSchemaPart, SchemaPart());
}

void make_subscriptions(Maker& to) {
  Subscribe request;
  add(to, "subscribe-nothing", "Neither adds nor removes.", MessageType::kSubscribe, request);
  request.request = 1;
  request.add.push_back({SubscriptionId{1}, TableId{1}, SelectorKind::kAll, {}});
  add(to, "subscribe-all", "Every cell of table 1.", MessageType::kSubscribe, request);
  request = Subscribe();
  request.request = 4294967295u;
  request.add.push_back(
      {SubscriptionId{7},
       TableId{65535},
       SelectorKind::kKeys,
       {CellKey::one(), CellKey::none(), CellKey::value(-3),
        CellKey::owner(PrincipalId{~uint64_t{0}}), CellKey::grid(-1, 0, 9223372036854775807)}});
  request.remove = {SubscriptionId{3}, SubscriptionId{4294967295u}};
  add(to, "subscribe-keys", "Keys of every kind, and two removals.", MessageType::kSubscribe,
      request);
  request = Subscribe();
  request.request = 2;
  request.add.push_back({SubscriptionId{2},
                         TableId{1},
                         SelectorKind::kBox,
                         {CellKey::grid(-2, -2, 0), CellKey::grid(2, 2, 0)}});
  add(to, "subscribe-box", "A box from its least to its greatest grid key.",
      MessageType::kSubscribe, request);
  request = Subscribe();
  for (uint32_t i = 0; i < kSubscriptionsMax; ++i) request.remove.push_back(SubscriptionId{i});
  add(to, "subscribe-64-removals", "As many as one message may have.", MessageType::kSubscribe,
      request);
  SubscribeReply reply;
  reply.request = 2;
  reply.results = {{SubscriptionId{2}, 0}, {SubscriptionId{9}, 202}, {SubscriptionId{10}, 65535}};
  add(to, "subscribe-reply", "One accepted, one refused as not_permitted, one by an unknown code.",
      MessageType::kSubscribeReply, reply);
}

void make_flow(Maker& to) {
  add(to, "sync-begin", "A sync that starts at version 5, of 300 rows.", MessageType::kSyncBegin,
      SyncBegin{Version{5}, 300, 9000});
  add(to, "ack-nothing", "Nothing is applied yet.", MessageType::kAck, Ack{});
  add(to, "ack", "Version 2^64 - 1 is a version like others.", MessageType::kAck,
      Ack{Version{~uint64_t{0}}, 1234});
  add(to, "client-heartbeat", "Echoes the server's time.", MessageType::kClientHeartbeat,
      ClientHeartbeat{3, 1'000'000'000, 5'000'000});
  add(to, "server-heartbeat", "Tells the newest version and the time.",
      MessageType::kServerHeartbeat,
      ServerHeartbeat{Version{9}, Version{7}, 2'000'000'000, 3, 4'000, {}});
  add(to, "goodbye", "The server goes down.", MessageType::kGoodbye, Goodbye{500, ""});
  add(to, "goodbye-reason", "A code that nobody knows, and a reason.", MessageType::kGoodbye,
      Goodbye{65535, "caf\xc3\xa9"});
}

void make_advances(Maker& to) {
  Advance advance;
  add(to, "advance-empty", "The cut moves by nothing; one frame, in step.", MessageType::kAdvance,
      advance);
  advance.set_flags(true, false, AdvanceKind::kSyncEnd);
  advance.from = Version{300};
  advance.distance = 2;
  advance.commit_time_ns = 1'000'000'000;
  advance.leaves = {{3, 1}, {0, 4294967295u}};
  advance.enters = {{3, 2, TableId{1}, CellKey::grid(1, -1), Version{299}, 7},
                    {1u << 20, 1, TableId{2}, CellKey::one(), Version{0}, 0}};
  advance.blocks = {{3, 10}, {-3, 0}, {2147483647, 196608}, {-2147483647 - 1, 1}};
  advance.tail_checksum = Fixed32{0xdeadbeef};
  add(to, "advance-full", "First frame of the end of a sync: leaves, enters and blocks.",
      MessageType::kAdvance, advance);
  advance = Advance();
  advance.set_flags(false, true, AdvanceKind::kNet);
  add(to, "advance-last-frame", "Last frame of a net advance.", MessageType::kAdvance, advance);
  advance = Advance();
  advance.enters = {{0, 1, TableId{1}, CellKey::value(12), Version{4}, 2}};
  advance.blocks = {{0, 21}};
  add(to, "sync-chunk", "A chunk has the fields of an advance.", MessageType::kSyncChunk, advance);
}

}  // namespace

const GroupKind& messages_group() {
  static const GroupKind kGroup = {"messages", "Heads of frames: each message by its fields.",
                                   [](Maker& to) {
                                     make_handshake(to);
                                     make_subscriptions(to);
                                     make_flow(to);
                                     make_advances(to);
                                     make_message_rejects(to);
                                   },
                                   play};
  return kGroup;
}

}  // namespace ecsdb::vectors
