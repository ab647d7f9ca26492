// Sessions with a real server, recorded.
#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/wire/compress.h"

#include "session_script.h"

namespace ecsdb::vectors {
namespace {

Json keys_call(const char* name, const char* table, std::initializer_list<Json> keys) {
  return Json::object({{"name", name}, {"table", table}, {"keys", Json::array(keys)}});
}
Json value_key(const char* value) {
  return Json::object({{"kind", "value"}, {"numbers", Json::array({value})}});
}
Json grid_key(const char* x, const char* y) {
  return Json::object({{"kind", "grid"}, {"numbers", Json::array({x, y, "0"})}});
}

void connect(Recorder& session) {
  session.script().call("connect");
  session.open();
}

void subscribe_all(Recorder& session) {
  for (const char* table : {"ship", "cargo", "chat"}) session.script().call("subscribe", table);
}

/// A full sync in chunks, changes while it goes on, then deltas.
void record_sync(Maker& to) {
  Recorder session(to, "fleet", fleet_schema(), {.sync_chunk_bytes = 40});
  std::vector<EntityId> ships;
  for (int i = 0; i < 6; ++i) {
    const float x = static_cast<float>(i * 20);
    ships.push_back(session.add_ship(x, 5, static_cast<uint64_t>(i), i % 2 == 0 ? 100 + i : 0));
  }
  session.publish();
  subscribe_all(session);
  connect(session);
  session.set(kShips, ships[5], "paint", uint64_t{55});
  session.publish();
  session.settle();
  session.change([&](Transaction& tx) { ECSDB_CHECK(tx.destroy(ships[0]).ok()); });
  session.set(kShips, ships[1], "paint", uint64_t{11});
  session.set(kCargo, ships[2], "gold", int64_t{-1});
  session.publish();
  session.settle();
  session.pass(1000);
  session.pass(1000);
  session.script().finish("session-sync-and-deltas",
                          "A full sync in chunks, deltas, a heartbeat of each side.");
}

void record_changes_in_sync(Maker& to) {
  Recorder session(to, "fleet", fleet_schema(), {.sync_chunk_bytes = 24});
  std::vector<EntityId> ships;
  for (int i = 0; i < 5; ++i) ships.push_back(session.add_ship(static_cast<float>(i), 5, 1));
  session.publish();
  subscribe_all(session);
  session.script().call("connect");
  session.open_without_settling();
  for (int round = 0; session.deliver(); ++round) {
    if (round == 3) session.set(kShips, ships[0], "paint", uint64_t{100});
    if (round == 4)
      session.commit([&](Transaction& tx) { ECSDB_CHECK(tx.destroy(ships[1]).ok()); });
    if (round == 5) ships.push_back(session.add_ship(3, 3, 9, 77));
    session.publish();
  }
  session.set(kShips, ships[5], "paint", uint64_t{10});
  session.publish();
  session.settle();
  session.script().finish(
      "session-changes-during-a-sync",
      "Commits go on while the scan does; its end mends what it saw too early.");
}

void record_resubscribe(Maker& to) {
  Recorder session(to, "fleet", fleet_schema());
  session.add_ship(1, 1, 1, 10);
  const EntityId mover = session.add_ship(130, 1, 2);
  session.add_chat(1, "one");
  session.add_chat(2, "two");
  session.publish();
  session.script().call_with(keys_call("subscribe_cells", "chat", {value_key("1")}));
  session.script().call_with(
      keys_call("subscribe_box", "ship", {grid_key("0", "0"), grid_key("1", "1")}));
  connect(session);
  session.script().call_with(
      keys_call("subscribe_cells", "chat", {value_key("2"), value_key("3")}));
  session.settle();
  session.script().call_with(Json::object({{"name", "unsubscribe"}, {"subscription", 1}}));
  session.settle();
  session.add_chat(3, "three");
  session.publish();
  session.settle();
  session.set(kShips, mover, "pos", Vec2f{70, 1});
  session.publish();
  session.settle();
  session.set(kShips, mover, "pos", Vec2f{200, 1});
  session.publish();
  session.settle();
  session.script().call("subscribe", "ship");
  session.settle();
  session.script().call_with(Json::object({{"name", "unsubscribe"}, {"subscription", 2}}));
  session.settle();
  session.script().finish("session-resubscribe",
                          "Cells enter and leave as subscriptions come and go, and as a cell is "
                          "made; a ship comes into "
                          "the box and goes.");
}

void record_moves(Maker& to) {
  Recorder session(to, "fleet", fleet_schema());
  const EntityId anna = session.add_ship(1, 1, 1, 10);
  session.add_ship(70, 1, 2, 20);
  session.publish();
  subscribe_all(session);
  connect(session);
  session.set(kShips, anna, "pos", Vec2f{80, 1});
  session.publish();
  session.settle();
  session.set(kShips, anna, "pos", Vec2f{200, 200});
  session.publish();
  session.settle();
  session.change([&](Transaction& tx) { ECSDB_CHECK(tx.remove(kShips, anna).ok()); });
  session.script().finish("session-moves",
                          "A ship moves between held cells, into a new cell, and goes; its cargo "
                          "follows, in the end to the cell of those that follow nobody.");
}

void record_fault(Maker& to) {
  Recorder session(to, "fleet", fleet_schema());
  const EntityId anna = session.add_ship(1, 1, 1, 10);
  const EntityId bert = session.add_ship(2, 2, 2);
  session.publish();
  subscribe_all(session);
  connect(session);
  session.set(kShips, anna, "paint", uint64_t{5});
  session.publish();
  session.deliver(true);
  session.commit([&](Transaction& tx) { ECSDB_CHECK(tx.destroy(bert).ok()); });
  session.set(kShips, anna, "paint", uint64_t{6});
  session.publish();
  session.pass(1000);
  session.open();
  session.set(kShips, anna, "paint", uint64_t{7});
  session.publish();
  session.settle();
  session.script().finish(
      "session-fault-and-resync",
      "A damaged block: the client says goodbye, dials again, knows the schema, and syncs anew; "
      "what it shows stays as it was until then, and only differences are told.");
}

void record_reconnect(Maker& to) {
  Recorder session(to, "fleet", fleet_schema());
  const EntityId anna = session.add_ship(1, 1, 1);
  session.publish();
  session.script().call("subscribe", "ship");
  connect(session);
  session.cut();
  session.set(kShips, anna, "paint", uint64_t{2});
  session.publish();
  session.pass(1000);
  session.open();
  session.script().finish("session-schema-known",
                          "The link closes; on the next one the client names the schema that it "
                          "has, and the server sends none.");
}

Json resuming() { return Json::object({{"resume", true}}); }

void record_resume(Maker& to) {
  Recorder session(to, "fleet", fleet_schema(), {}, resuming());
  const EntityId anna = session.add_ship(1, 1, 1, 10);
  const EntityId bert = session.add_ship(130, 1, 2);
  session.publish();
  subscribe_all(session);
  connect(session);
  session.cut();
  session.set(kShips, anna, "paint", uint64_t{2});
  session.change([&](Transaction& tx) { ECSDB_CHECK(tx.destroy(bert).ok()); });
  session.publish();
  session.pass(1000);
  session.open();
  session.set(kShips, anna, "paint", uint64_t{3});
  session.publish();
  session.settle();
  session.script().finish("session-resumes",
                          "The link closes; on the next one the client says what it holds, without "
                          "waiting, and gets what it missed.");
}

void record_unfinished_sync(Maker& to) {
  Recorder session(to, "fleet", fleet_schema(), {.sync_chunk_bytes = 24}, resuming());
  for (int i = 0; i < 5; ++i) session.add_ship(static_cast<float>(i), 5, 1);
  session.publish();
  session.script().call("subscribe", "ship");
  session.script().call("connect");
  session.open_without_settling();
  for (int round = 0; round < 5; ++round) session.deliver();
  session.cut();
  session.pass(1000);
  session.open();
  session.script().finish("session-resumes-a-sync",
                          "The link closes in the middle of the first sync, which goes on with the "
                          "next one.");
}

void record_pieces(Maker& to) {
  Recorder session(to, "fleet", fleet_schema(), {.piece_bytes = 50});
  const EntityId anna = session.add_ship(1, 1, 1, 10);
  session.add_ship(2, 2, 2);
  session.publish();
  subscribe_all(session);
  connect(session);
  session.set(kShips, anna, "pos", Vec2f{100, 100});
  session.publish();
  session.settle();
  session.script().finish("session-in-pieces",
                          "The stream comes in pieces of 50 bytes, which know nothing of frames: "
                          "an ack counts whole frames.");
}

void record_behind(Maker& to) {
  Recorder session(to, "fleet", fleet_schema());
  const EntityId anna = session.add_ship(1, 1, 1);
  session.publish();
  subscribe_all(session);
  connect(session);
  for (uint64_t paint = 10; paint < 14; ++paint) {
    session.set(kShips, anna, "paint", paint);
    session.publish();
  }
  session.settle();
  session.set(kShips, anna, "paint", uint64_t{20});
  session.publish();
  session.settle();
  session.script().finish("session-behind",
                          "While one advance waits three more versions are published: they come as "
                          "one net advance, and the next is in step again.");
}

void record_compression(Maker& to) {
  if ((built_in_features() & kFeatureZstd) == 0) return;
  Recorder session(to, "fleet", fleet_schema(), {.compression = true},
                   Json::object({{"compression", true}}));
  session.script().needs_zstd();
  const std::string line = "the same words again and again, ";
  const EntityId chat = session.add_chat(1, line + line + line);
  for (int i = 0; i < 8; ++i) session.add_chat(1, line + line + std::to_string(i));
  session.publish();
  session.script().call("subscribe", "chat");
  connect(session);
  session.set(kChat, chat, "line",
              line + line + line + line + line + line + line + line + line + line + line + line +
                  line + line + line + line + line + line);
  session.publish();
  session.settle();
  session.script().finish("session-compression",
                          "Both sides take compressed blocks: the chat's come so.");
}

/// A table that only admins read.
Schema guarded_schema() {
  return SchemaBuilder("guarded")
      .table(1, "open")
      .field(1, "n", FieldType::kU8)
      .table(2, "secret")
      .read("admin")
      .field(1, "n", FieldType::kU8)
      .build()
      .value();
}

void record_refused(Maker& to) {
  to.add_schema("guarded", guarded_schema());
  const StaticAuthenticator tokens({{"open sesame", "ali", PrincipalId{40}, {"guest"}, {}}});
  Recorder session(to, "guarded", guarded_schema(), {.authenticator = &tokens},
                   Json::object({{"token", "open sesame"}, {"name", "player"}}));
  session.commit([](Transaction& tx) {
    for (uint16_t table = 0; table < 2; ++table) {
      ECSDB_CHECK(tx.insert(table, tx.create().value(), {}).ok());
    }
  });
  session.publish();
  session.script().call("subscribe", "secret");
  session.script().call("subscribe", "nowhere");
  connect(session);
  session.script().call("subscribe", "open");
  session.settle();
  session.script().finish("session-refused-subscriptions",
                          "One subscription is not permitted, one names a table that the schema "
                          "lacks and is never sent, the third is accepted.");
  Recorder stranger(to, "guarded", guarded_schema(), {.authenticator = &tokens},
                    Json::object({{"token", "guess"}}));
  stranger.script().call("subscribe", "open");
  connect(stranger);
  stranger.script().finish("session-auth-refused",
                           "The token is not accepted: a goodbye with auth_failed.");
}

Json unsubscribe_call(int subscription) {
  return Json::object({{"name", "unsubscribe"}, {"subscription", subscription}});
}

void record_ended_subscriptions(Maker& to) {
  Recorder session(to, "guarded", guarded_schema());
  session.script().call("subscribe", "open");
  session.script().call("subscribe", "secret");
  session.script().call("subscribe", "open");
  session.script().call_with(unsubscribe_call(1));
  connect(session);
  session.script().call("subscribe", "nowhere");
  session.script().call_with(unsubscribe_call(2));
  session.script().call_with(unsubscribe_call(4));
  session.script().call("subscribe", "open");
  session.script().call_with(unsubscribe_call(5));
  session.settle();
  session.script().call("subscribe", "secret");
  session.settle();
  session.cut();
  session.pass(1000);
  session.open();
  session.script().finish(
      "session-ended-subscriptions",
      "Subscriptions that end: before a connection, refused, of a table that there is not, and "
      "before the answer, which is not told then; only the last is sent. On another connection "
      "those that have not ended are made anew, also the refused one.");
}

}  // namespace

void make_sessions(Maker& to) {
  to.add_schema("fleet", fleet_schema());
  record_sync(to);
  record_changes_in_sync(to);
  record_resubscribe(to);
  record_moves(to);
  record_fault(to);
  record_reconnect(to);
  record_resume(to);
  record_unfinished_sync(to);
  record_pieces(to);
  record_behind(to);
  record_compression(to);
  record_refused(to);
  record_ended_subscriptions(to);
}

}  // namespace ecsdb::vectors
