// Sessions whose links open and close in other ways than usual.
#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/wire/frame.h"

#include "advance_play.h"
#include "session_script.h"

namespace ecsdb::vectors {
namespace {

void record_closed_links(Maker& to) {
  Script script(to, "fleet", fleet_schema());
  script.call("connect");
  script.close();
  script.pass(1000);
  script.open();
  script.close();
  script.pass(1000);
  script.open();
  Bytes welcome = welcome_of(fleet_schema());
  welcome.resize(kPrefaceBytes);
  script.server(welcome);
  script.close();
  script.finish("session-closed-early",
                "A link that cannot be opened, one that closes before the server's preface, and "
                "one that closes behind it.");
}

void record_left_early(Maker& to) {
  Script script(to, "fleet", fleet_schema());
  script.call("connect");
  script.close();
  script.call("disconnect");
  script.pass(5000);
  script.call("connect");
  script.call("disconnect");
  script.finish("session-left-early",
                "The application gives up while the client waits before it dials again, of which "
                "there is nothing to report; and while it dials.");
}

void record_behind_goodbye(Maker& to) {
  Script script(to, "fleet", fleet_schema());
  script.call("connect");
  script.open();
  script.server(welcome_of(fleet_schema()));
  Bytes said;
  append_message(said, MessageType::kGoodbye,
                 Goodbye{static_cast<uint16_t>(ErrorCode::kKicked), "out"});
  said.insert(said.end(), 3, 0xff);
  script.server(said);
  script.pass(3000);
  append_message(said, MessageType::kAuthReply, AuthReply());
  script.server(said);
  script.pass(2000);
  script.finish("session-behind-a-goodbye",
                "What comes behind a goodbye is ignored. The server does not close, and is left "
                "after five seconds, for the reason that it gave.");
}

/// The fleet without chat, and a version later.
Schema smaller_fleet() {
  using enum FieldType;
  SchemaBuilder b("fleet", 2);
  b.table(1, "ship").grid("pos", 64).field(1, "pos", kVec2f).precision(0.5);
  b.field(2, "paint", kU8);
  b.table(2, "cargo").codec(CodecTier::kPlain).follow("ship").field(1, "gold", kI64);
  return b.build().value();
}

void record_other_schema(Maker& to) {
  SmallFleet small;
  Script script(to, "fleet", fleet_schema());
  for (const char* table : {"ship", "cargo", "chat"}) script.call("subscribe", table);
  script.call("connect");
  script.open();
  script.server(welcome_of(fleet_schema()));
  Bytes said;
  SubscribeReply accepted{1, {}};
  for (uint32_t id = 1; id <= 3; ++id) accepted.results.push_back({SubscriptionId{id}, 0});
  append_message(said, MessageType::kSubscribeReply, accepted);
  script.server(said);
  for (const Bytes& frame : small.fleet.sync()) script.server(frame);
  script.close();
  script.pass(1000);
  script.open();
  script.server(welcome_of(smaller_fleet()));
  said.clear();
  accepted.request = 2;
  accepted.results.pop_back();
  append_message(said, MessageType::kSubscribeReply, accepted);
  script.server(said);
  small.fleet.drop(kRoom);
  for (const Bytes& frame : small.fleet.sync()) script.server(frame);
  script.finish("session-other-schema",
                "The second connection has another schema: every row leaves and enters, those of "
                "a table that there is no more go without an event.");
}

}  // namespace

void make_link_sessions(Maker& to) {
  record_closed_links(to);
  record_left_early(to);
  record_behind_goodbye(to);
  record_other_schema(to);
}

}  // namespace ecsdb::vectors
