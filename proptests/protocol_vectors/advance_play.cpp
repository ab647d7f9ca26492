#include "advance_play.h"

#include "ecsdb/schema/canonical.h"
#include "ecsdb/wire/compress.h"

#include "client_player.h"
#include "groups.h"

namespace ecsdb::vectors {

Bytes welcome_of(const Schema& schema, uint32_t features) {
  Bytes out;
  const auto preface = encode_preface(Preface{.features = features});
  out.insert(out.end(), preface.begin(), preface.end());
  const Bytes canonical = encode_schema(schema.def());
  AuthReply reply;
  reply.client = ClientId{1};
  reply.principal = PrincipalId{1};
  reply.schema_fingerprint = schema.fingerprint();
  reply.schema_bytes = static_cast<uint32_t>(canonical.size());
  reply.server_time_ns = 1'000'000'000;
  reply.heartbeat_ms = 1000;
  reply.frame_head_bytes_max = kFrameHeadBytesMax;
  reply.unacked_bytes_max = kUnackedBytesMax;
  reply.subscriptions_max = kSubscriptionsMax;
  append_message(out, MessageType::kAuthReply, reply);
  append_message(out, MessageType::kSchemaPart, SchemaPart{0, canonical});
  return out;
}

namespace {

/// The same, and the answer to the first subscriptions.
Bytes handshake_of(const Schema& schema, bool compression) {
  Bytes out = welcome_of(schema, compression ? kFeatureZstd : 0);
  SubscribeReply accepted;
  accepted.request = 1;
  for (uint32_t id = 1; id <= schema.table_count(); ++id) {
    accepted.results.push_back({SubscriptionId{id}, 0});
  }
  append_message(out, MessageType::kSubscribeReply, accepted);
  return out;
}

Json server_step(const Bytes& bytes) { return Json::object({{"server", to_hex(bytes)}}); }

void take_all(ClientPlayer& player, const Json& frames) {
  for (const Json& frame : frames.items()) {
    player.take(Json::object({{"server", frame}}));
    player.settle();
  }
}

}  // namespace

Json play_frames(const Group& group, const Json& input) {
  const Result<Schema> schema = group.schema(input.at("schema"));
  if (!schema.ok()) return Json::object({{"problem", schema.error().to_string()}});
  const std::vector<std::string> tables = table_names(*schema);
  ClientPlayer player(input.at("client"), tables);
  for (const std::string& table : tables) {
    player.take(Json::object({{"call", Json::object({{"name", "subscribe"}, {"table", table}})}}));
  }
  player.take(Json::object({{"call", Json::object({{"name", "connect"}})}}));
  player.settle();
  player.take(Json::object({{"open", true}}));
  player.take(server_step(handshake_of(*schema, input.at("client").at("compression").flag())));
  player.settle();
  take_all(player, input.at("setup"));
  if (const auto fault = player.take_fault()) {
    return Json::object({{"problem", "setup: " + fault->to_string()}});
  }
  const Json before = player.visible();
  player.take_row_events();
  Json events = Json::array();
  for (const Json& frame : input.at("frames").items()) {
    player.take(Json::object({{"server", frame}}));
    for (const Json& step : player.settle()) {
      for (const Json& event : step.at("state").at("events").items()) events.add(event);
    }
  }
  const Json after = player.visible();
  if (const auto fault = player.take_fault()) {
    if (before != after) return Json::object({{"problem", "a refused frame changed something"}});
    return error_outcome(*fault, true);
  }
  Json expect = Json::object({{"phase", phase_name(player.phase())}});
  for (const Json::Member& member : after.members()) expect.set(member.first, member.second);
  return expect_outcome(expect.set("events", events));
}

Json FrameMaker::input(const std::vector<Bytes>& setup, const std::vector<Bytes>& frames) {
  auto list = [](const std::vector<Bytes>& items) {
    Json out = Json::array();
    for (const Bytes& item : items) out.add(to_hex(item));
    return out;
  };
  return Json::object({{"schema", "fleet"}, {"setup", list(setup)}, {"frames", list(frames)}});
}

SmallFleet::SmallFleet() {
  anna = fleet.add_ship(1, 1, 10, 500);
  bert = fleet.add_ship(2, 2, 20);
  clara = fleet.add_ship(65, 1, 30, -7);
  line = fleet.add_chat(12, "hello");
  fleet.step();
  fleet.hold(kHome, kShips, CellKey::grid(0, 0));
  fleet.hold(kAway, kShips, CellKey::grid(1, 0));
  fleet.hold(kHomeCargo, kCargo, CellKey::grid(0, 0));
  fleet.hold(kAwayCargo, kCargo, CellKey::grid(1, 0));
  fleet.hold(kRoom, kChat, CellKey::value(12));
}

Step::Step() {
  sync = small.fleet.sync();
  small.fleet.set(kShips, small.anna, "paint", uint64_t{11});
  small.fleet.set(kChat, small.line, "line", std::string("hi"));
  draft = small.fleet.step();
}

const GroupKind& advances_group() {
  static const GroupKind kGroup = {
      "advances", "Frames of syncs and advances, on a client that is past its handshake.",
      [](Maker& to) {
        to.add_schema("fleet", fleet_schema());
        make_cell_advances(FrameMaker(to));
        make_staged_advances(FrameMaker(to));
        make_advance_rejects(FrameMaker(to));
        make_frame_rejects(FrameMaker(to));
      },
      play_frames};
  return kGroup;
}

}  // namespace ecsdb::vectors
