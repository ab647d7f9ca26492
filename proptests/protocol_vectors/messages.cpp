// Heads of frames: each message by its fields.
#include "groups.h"
#include "message_json.h"
#include "rows_json.h"

namespace ecsdb::vectors {
namespace {

Json play(const Group&, const Json& input) {
  const std::string& name = input.at("type").text();
  const bool is_write = name == "write";  // bytes inside of a message
  const auto type = message_type(name);
  if (!type && !is_write) return Json::object({{"problem", "unknown type"}});
  const Bytes bytes = bytes_of(input.at("bytes"));
  Bytes again;
  const Result<Json> fields =
      is_write ? write_json(bytes, again) : message_json(*type, bytes, again);
  if (!fields.ok()) return error_outcome(fields.error(), false);
  if (again != bytes) {
    return Json::object({{"problem", "the encoder makes " + to_hex(again) + " of it"}});
  }
  return expect_outcome(*fields);
}

template <class M>
void add(Maker& to, const char* name, const char* note, MessageType type, const M& message) {
  accept_message(to, name, note, message_name(type), message);
}

Hash128 hash(uint64_t high, uint64_t low) { return Hash128{high, low}; }

void make_handshake(Maker& to) {
  Auth auth;
  add(to, "auth-least", "No token, no name, no schema known.", MessageType::kAuth, auth);
  auth.token = {0x74, 0x6f, 0x6b, 0x00, 0xff};
  auth.client_name = "zo\xc3\xab";
  auth.database = 1;
  auth.schema_known = hash(0x0123456789abcdef, 0xfedcba9876543210);
  auth.client_time_ns = ~uint64_t{0};
  auth.ticket = {0x00, 0x6b, 0xff};
  auth.is_resuming = true;
  auth.ticket_is_copied = true;
  add(to, "auth-full", "A token and a ticket of any bytes, a name in UTF-8, the system database.",
      MessageType::kAuth, auth);
  auth = Auth();
  auth.client_name = std::string(kClientNameBytesMax, 'n');
  add(to, "auth-longest-name", "A name of 64 bytes.", MessageType::kAuth, auth);
  auth = Auth();
  auth.ticket.assign(kTicketBytesMax, 0xa5);
  add(to, "auth-longest-ticket", "A ticket of 64 bytes, without anything to resume.",
      MessageType::kAuth, auth);
}

void make_answers(Maker& to) {
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
  reply.echo_ns = 1u << 30;
  reply.ticket.assign(kTicketBytesMax, 0x5a);
  reply.is_resumed = true;
  reply.budget_bytes = ~uint64_t{0};
  reply.client_bytes = 262144;
  reply.client_changes = 32;
  reply.stall_ms = 60000;
  reply.server_wall_ms = 1'764'169'200'123;
  reply.writes_waiting_max = 4294967295u;
  add(to, "auth-reply-full", "The longest schema and the longest ticket that there are.",
      MessageType::kAuthReply, reply);
  SchemaPart part;
  part.offset = 32768;
  part.bytes = {1, 2, 3};
  add(to, "schema-part", "Three bytes of the schema at offset 32768.", MessageType::kSchemaPart,
      part);
  add(to, "schema-part-empty", "The message may be empty; a client refuses it in its place.",
      MessageType::kSchemaPart, SchemaPart());
}

Subscription subscription(uint32_t id, uint16_t table, SelectorKind kind,
                          std::vector<CellKey> keys = {}) {
  Subscription out;
  out.id = SubscriptionId{id};
  out.table = TableId{table};
  out.kind = kind;
  out.keys = std::move(keys);
  return out;
}

void make_subscriptions(Maker& to) {
  Subscribe request;
  add(to, "subscribe-nothing", "Neither adds nor removes nor moves.", MessageType::kSubscribe,
      request);
  request.request = 1;
  request.add = {subscription(1, 1, SelectorKind::kAll)};
  add(to, "subscribe-all", "Every cell of table 1.", MessageType::kSubscribe, request);
  request.request = 4294967295u;
  request.add = {subscription(
      7, 65535, SelectorKind::kKeys,
      {CellKey::one(), CellKey::none(), CellKey::value(-3),
       CellKey::owner(PrincipalId{~uint64_t{0}}), CellKey::grid(-1, 0, 9223372036854775807)})};
  request.remove = {SubscriptionId{3}, SubscriptionId{4294967295u}};
  add(to, "subscribe-keys", "Keys of every kind, and two removals.", MessageType::kSubscribe,
      request);
  request = Subscribe();
  request.request = 2;
  request.add = {
      subscription(2, 1, SelectorKind::kBox, {CellKey::grid(-2, -2, 0), CellKey::grid(2, 2, 0)})};
  add(to, "subscribe-box", "A box from its least to its greatest grid key.",
      MessageType::kSubscribe, request);
  request = Subscribe();
  for (uint32_t i = 0; i < kSubscriptionsMax; ++i) request.remove.push_back(SubscriptionId{i});
  add(to, "subscribe-64-removals", "As many as one message may have.", MessageType::kSubscribe,
      request);
}

void make_areas(Maker& to) {
  Subscribe request;
  request.request = 3;
  request.add = {subscription(4, 1, SelectorKind::kBall)};
  request.add[0].area = {{EntityId{}, {-1000, 250, 0}, {640, 0, 0}, 64}};
  add(to, "subscribe-ball", "A ball of 640 steps around a place, and a margin.",
      MessageType::kSubscribe, request);
  const int64_t least = -9223372036854775807 - 1;
  request.add = {subscription(5, 2, SelectorKind::kRange)};
  request.add[0].area = {
      {EntityId::make(9, 1, 1), {least, 0, 9223372036854775807}, {1, 2, 3}, ~uint64_t{0}}};
  add(to, "subscribe-range", "A box around where an entity is; the numbers are as large as any.",
      MessageType::kSubscribe, request);
  request.add = {subscription(6, 1, SelectorKind::kAll)};
  request.add[0].nearest_to = {CellKey::grid(3, -3)};
  add(to, "subscribe-nearest", "Every cell, those first that are nearest to one.",
      MessageType::kSubscribe, request);
  request = Subscribe();
  request.request = 4;
  request.move = {{SubscriptionId{4}, {7, -7, 0}}, {SubscriptionId{4294967295u}, {0, 0, least}}};
  add(to, "subscribe-moves", "Two new centres.", MessageType::kSubscribe, request);
  request = Subscribe();
  for (uint32_t i = 0; i < kSubscriptionsMax; ++i) request.move.push_back({SubscriptionId{i}, {}});
  add(to, "subscribe-64-moves", "As many as one message may have.", MessageType::kSubscribe,
      request);
}

void make_subscribe_replies(Maker& to) {
  SubscribeReply reply;
  add(to, "subscribe-reply-nothing", "Nothing was asked for.", MessageType::kSubscribeReply, reply);
  reply.request = 2;
  reply.results = {{SubscriptionId{2}, 0}, {SubscriptionId{9}, 202}, {SubscriptionId{10}, 65535}};
  add(to, "subscribe-reply", "One accepted, one refused as not_permitted, one by an unknown code.",
      MessageType::kSubscribeReply, reply);
  reply.results.assign(3 * kSubscriptionsMax, {SubscriptionId{1}, 110});
  add(to, "subscribe-reply-192-results", "As many as one request can ask for.",
      MessageType::kSubscribeReply, reply);
}

void make_flow(Maker& to) {
  add(to, "sync-begin", "A sync that starts at version 5, of 300 rows and about 9000 bytes.",
      MessageType::kSyncBegin, SyncBegin{Version{5}, 300, 9000});
  add(to, "sync-mark",
      "Three cells are complete; of four more, rows of the entity indices 0 to 299 were sent.",
      MessageType::kSyncMark, SyncMark{3, 7, 300});
  add(to, "sync-mark-nothing", "No row has been sent.", MessageType::kSyncMark, SyncMark{});
  add(to, "sync-mark-greatest", "As many cells and indices as can be told.", MessageType::kSyncMark,
      SyncMark{1u << 20, 1u << 20, 4294967295u});
  add(to, "ack-nothing", "Nothing is applied yet.", MessageType::kAck, Ack{});
  add(to, "ack", "Version 2^64 - 1 is a version like others.", MessageType::kAck,
      Ack{Version{~uint64_t{0}}, 1234});
  add(to, "goodbye", "The server goes down.", MessageType::kGoodbye, Goodbye{500, ""});
  add(to, "goodbye-reason", "A code that nobody knows, and a reason.", MessageType::kGoodbye,
      Goodbye{65535, "caf\xc3\xa9"});
}

void make_heartbeats(Maker& to) {
  add(to, "client-heartbeat-zeros", "Nothing was heard of the server.",
      MessageType::kClientHeartbeat, ClientHeartbeat{});
  add(to, "client-heartbeat", "Echoes the server's time of 5 ms ago.",
      MessageType::kClientHeartbeat, ClientHeartbeat{3, 1'000'000'000, 5'000'000});
  add(to, "server-heartbeat-zeros", "Nothing is published yet.", MessageType::kServerHeartbeat,
      ServerHeartbeat{});
  ServerHeartbeat heartbeat{Version{9}, Version{7}, 2'000'000'000, 3, 4'000, {}};
  add(to, "server-heartbeat", "Tells the newest version, the newest durable one, and the time.",
      MessageType::kServerHeartbeat, heartbeat);
  heartbeat.digests = {{0, 1, {}},
                       {1u << 20, 4294967295u, {{1, 0x80000000, 0xffffffff, 0x01020304}}}};
  add(to, "server-heartbeat-digests", "Digests of an empty cell and of another one.",
      MessageType::kServerHeartbeat, heartbeat);
}

void make_resume(Maker& to) {
  Resume resume;
  add(to, "resume-least", "Nothing is held; the last message of its kind.", MessageType::kResume,
      resume);
  resume.database_id = DatabaseId{0x1122334455667788, 0x99aabbccddeeff00};
  resume.epoch = Epoch{3};
  resume.cut = Version{300};
  resume.generation = 4294967295u;
  resume.cells = {{0, 1, TableId{1}, CellKey::grid(1, -1), HeldState::kHeld},
                  {7, 4294967295u, TableId{65535}, CellKey::one(), HeldState::kHeld}};
  add(to, "resume-cells", "Two cells that are held at version 300.", MessageType::kResume, resume);
  resume.is_last = false;
  resume.sync_version = Version{~uint64_t{0}};
  resume.next_index = 4294967295u;
  resume.cells = {
      {1, 1, TableId{1}, CellKey::value(-12), HeldState::kHeld},
      {2, 3, TableId{1}, CellKey::owner(PrincipalId{~uint64_t{0}}), HeldState::kSyncDone},
      {1u << 20, 1, TableId{2}, CellKey::none(), HeldState::kSyncBegun},
      {0, 2, TableId{2}, CellKey::one(), HeldState::kSyncWaits}};
  add(to, "resume-full", "Another one follows; cells of each state, of an unfinished sync, too.",
      MessageType::kResume, resume);
  ResumeReply reply;
  add(to, "resume-reply-zeros", "The client goes on from its cut.", MessageType::kResumeReply,
      reply);
  reply = {ResetReason::kPastFork, Epoch{3}, Version{~uint64_t{0}}, true};
  add(to, "resume-reply-full", "Past the fork; the unfinished sync goes on.",
      MessageType::kResumeReply, reply);
  reply = {ResetReason::kCellsUnknown, Epoch{}, Version{}, false};
  add(to, "resume-reply-greatest-reason", "The reason with the greatest number.",
      MessageType::kResumeReply, reply);
  add(to, "client-ready", "Version 300 is shown.", MessageType::kClientReady,
      ClientReady{Version{300}});
  add(to, "client-ready-zero", "A database that never had a commit is shown, too.",
      MessageType::kClientReady, ClientReady{});
  add(to, "refetch-nothing", "The list may be empty.", MessageType::kRefetch, Refetch{});
  add(to, "refetch", "Two cells.", MessageType::kRefetch,
      Refetch{{{0, 1}, {1u << 20, 4294967295u}}});
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
                                     make_answers(to);
                                     make_subscriptions(to);
                                     make_areas(to);
                                     make_subscribe_replies(to);
                                     make_flow(to);
                                     make_heartbeats(to);
                                     make_resume(to);
                                     make_advances(to);
                                     make_writes(to);
                                     make_event_messages(to);
                                     make_message_rejects(to);
                                   },
                                   play};
  return kGroup;
}

}  // namespace ecsdb::vectors
