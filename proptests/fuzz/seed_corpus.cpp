// Writes where each target may start from: usage `fuzz-seeds SOURCES OUT`, OUT/<target>/<hash>.
// Everything is made in code, but the texts of examples/cubes, which are read from SOURCES.
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "ecsdb/base/hash.h"
#include "ecsdb/net/http_upgrade.h"
#include "ecsdb/net/websocket_filter.h"
#include "ecsdb/schema/canonical.h"
#include "ecsdb/toml/test_schemas.h"
#include "ecsdb/wire/compress.h"

#include "harbour_talk.h"
#include "zoo_world.h"

namespace ecsdb::fuzz {
namespace {

namespace files = std::filesystem;

class Seeds {
 public:
  Seeds(files::path sources, files::path out)
      : sources_(std::move(sources)), out_(std::move(out)) {}

  void write(const std::string& target, ByteSpan bytes) {
    files::create_directories(out_ / target);
    const Hash128 hash = hash128(bytes);
    char name[40];
    std::snprintf(name, sizeof(name), "%016llx%016llx", static_cast<unsigned long long>(hash.high),
                  static_cast<unsigned long long>(hash.low));
    std::ofstream file(out_ / target / name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  void write(const std::string& target, std::initializer_list<uint8_t> choices, ByteSpan bytes) {
    Bytes all(choices);
    all.insert(all.end(), bytes.begin(), bytes.end());
    write(target, all);
  }
  std::string text(const char* path) const {
    std::ifstream file(sources_ / path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

 private:
  files::path sources_;
  files::path out_;
};

/// Number of the message in fuzz_messages.cpp; none of a preface.
int message_number(const Said& said) {
  switch (said.type) {
    case MessageType::kAuth:
      return 0;
    case MessageType::kAuthReply:
      return 1;
    case MessageType::kSchemaPart:
      return 2;
    case MessageType::kSubscribe:
      return 3;
    case MessageType::kSubscribeReply:
      return 4;
    case MessageType::kSyncBegin:
      return 5;
    case MessageType::kSyncChunk:
    case MessageType::kAdvance:
      return 6;
    case MessageType::kAck:
      return 7;
    case MessageType::kClientHeartbeat:
      return 8;
    case MessageType::kServerHeartbeat:
      return 9;
    case MessageType::kGoodbye:
      return 10;
    case MessageType::kResume:
      return 11;
    case MessageType::kRefetch:
      return 12;
    case MessageType::kClientReady:
      return 13;
    case MessageType::kResumeReply:
      return 14;
    case MessageType::kSyncMark:
      return 15;
    case MessageType::kWrites:
      return 17;
    case MessageType::kOutcomes:
      return 19;
    case MessageType::kWriteRefused:
      return 20;
    case MessageType::kEvents:
      return 21;
    case MessageType::kClientEvents:
      return 22;
  }
  return 16;
}

template <class M>
void write_message(Seeds& seeds, int number, const M& message) {
  Bytes bytes;
  ByteWriter writer(bytes);
  encode_fields(message, writer);
  seeds.write("messages", {static_cast<uint8_t>(number)}, bytes);
}

Resume some_resume() {
  Resume resume;
  resume.database_id = {1, 2};
  resume.epoch = Epoch{1};
  resume.cut = Version{52};
  resume.sync_version = Version{50};
  resume.next_index = 3;
  resume.generation = 2;
  resume.cells = {{0, 1, TableId{1}, CellKey::grid(0, -1), HeldState::kHeld},
                  {1, 1, TableId{3}, CellKey::value(2), HeldState::kSyncDone},
                  {4, 2, TableId{2}, CellKey::none(), HeldState::kSyncBegun}};
  return resume;
}

void write_messages_of_writes(Seeds& seeds) {
  CanonicalValue place;
  place.kind = 2;
  place.lanes = {{5, ~uint64_t{0}}};
  CanonicalValue name;
  name.kind = CanonicalValue::kText;
  name.text = "an";
  Write write;
  write.sequence = 3;
  write.base = Version{52};
  write.ops = {{WriteOpKind::kSpawn, {}, 0, 0, 0}, {WriteOpKind::kSet, TableId{1}, 0, 7, 2}};
  write.fields = {{FieldId{1}, {}, place}, {FieldId{2}, name, name}};
  write_message(seeds, 17, Writes{ClientId{1}, 2, {{0, {1, 2, 3}}}});
  write_message(seeds, 18, write);
  Outcomes outcomes;
  outcomes.outcomes = {{3, OutcomeKind::kMerged, Version{53}, 650, "r", {EntityId{7}}, {}}};
  outcomes.outcomes[0].finals = {{1, FieldId{1}, place}};
  write_message(seeds, 19, outcomes);
  write_message(seeds, 20, WriteRefused{3, 658, "full", 250});
  const std::vector<EventValue> values = {{FieldId{1}, place}, {FieldId{2}, name}};
  write_message(seeds, 21, Events{2, {{EventId{1}, EntityId{7}, Version{53}, values}}});
  write_message(seeds, 22, ClientEvents{{{EventId{1}, EntityId{7}, values}}});
}

/// What nobody says in the recorded conversation.
void write_rare_messages(Seeds& seeds) {
  Auth auth;
  auth.ticket = {1, 2, 3};
  auth.is_resuming = true;
  write_message(seeds, 0, auth);
  Subscribe request;
  for (const SelectorKind kind : {SelectorKind::kBall, SelectorKind::kRange}) {
    Subscription& subscription = request.add.emplace_back();
    subscription.kind = kind;
    subscription.area = {{EntityId::make(1, 1, 1), {-5, 6, 0}, {70, 0, 0}, 8}};
    subscription.nearest_to = {CellKey::grid(1, 1)};
  }
  request.move = {{SubscriptionId{1}, {7, -8, 9}}};
  write_message(seeds, 3, request);
  ServerHeartbeat heartbeat;
  heartbeat.digests = {{3, 1, {{1, 2, 3, 0xffffffff}}}, {4, 2, {}}};
  write_message(seeds, 9, heartbeat);
  write_message(seeds, 11, some_resume());
  write_message(seeds, 12, Refetch{{{0, 1}, {7, 3}}});
  write_message(seeds, 13, ClientReady{Version{52}});
  write_message(seeds, 14, ResumeReply{ResetReason::kPastFork, Epoch{1}, Version{50}, false});
  write_message(seeds, 15, SyncMark{1, 2, 300});
  write_messages_of_writes(seeds);
}

void write_messages(Seeds& seeds) {
  const Talk& talk = harbour_talk();
  for (const auto* side : {&talk.server, &talk.client}) {
    for (const Said& said : *side) {
      if (said.is_preface) continue;
      seeds.write("messages", {static_cast<uint8_t>(message_number(said))}, said.head);
    }
  }
  Subscribe request;
  for (const CellKey& key : {CellKey::one(), CellKey::value(-5), CellKey::owner(PrincipalId{7}),
                             CellKey::grid(1, -2), CellKey::grid(1, 2, 3)}) {
    Subscription& subscription = request.add.emplace_back();
    subscription.kind = SelectorKind::kKeys;
    subscription.keys = {key};
  }
  Bytes bytes;
  ByteWriter writer(bytes);
  encode_fields(request, writer);
  seeds.write("messages", {3}, bytes);
  seeds.write("messages", {16}, as_bytes("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 \xff"));
}

void write_frames(Seeds& seeds) {
  const Talk& talk = harbour_talk();
  Bytes stream;
  for (size_t i = 0; i < 8; ++i) append_said(stream, talk.client[i]);
  seeds.write("frame_reader", {1, 0}, stream);
  seeds.write("frame_reader", {3, 3, 1, 7, 30}, stream);
  stream.clear();
  for (const Said& said : talk.server) {
    if (!said.is_preface && said.type != MessageType::kSchemaPart) append_said(stream, said);
    if (stream.size() > 1500) break;
  }
  seeds.write("frame_reader", {0, 0}, stream);
  seeds.write("frame_reader", {8, 2, 1, 100}, stream);
  seeds.write("frame_reader", {4, 1, 1}, stream);
}

void write_blocks(Seeds& seeds, const char* target, CodecTier tier) {
  ZooWorld world(tier);
  const auto& cells = zoo_state(tier).cells;
  Script all;
  for (size_t step = 0; step < 4; ++step) {
    for (const auto& sent : world.step()) {
      const auto at = std::find(cells.begin(), cells.end(), sent.ref);
      if (at == cells.end()) continue;
      const Record record{static_cast<uint8_t>(at - cells.begin()), sent.bytes};
      if (step == 0) seeds.write(target, write_script({record}));
      if (all.size() < 8) all.push_back(record);
    }
  }
  seeds.write(target, write_script(all));
  for (const CellRef ref : world.cells()) {
    for (const BlockForm form : {BlockForm::kRows, BlockForm::kNet}) {
      const Bytes block = wire_test::pick(world.db(), ref, form, Version{8}).encode();
      // As a cell that is new, and as one that is there.
      const uint8_t fresh = static_cast<uint8_t>(cells.size() - 3 + ref.table);
      const auto at = std::find(cells.begin(), cells.end(), ref);
      seeds.write(target, write_script({{fresh, block}}));
      if (at == cells.end()) continue;
      seeds.write(target, write_script({{static_cast<uint8_t>(at - cells.begin()), block}}));
    }
  }
}

Record frame_record(uint8_t tag, const Said& said) { return {tag, join(said)}; }

/// The truth up to each frame, then that frame as a record that can be changed, then more truth.
void write_server_words(Seeds& seeds) {
  const auto& server = harbour_talk().server;
  uint8_t parts = 0;
  for (uint8_t at = 0; at < server.size(); ++at) {
    const Said& said = server[at];
    Record record;
    const bool is_chunk = !said.is_preface && said.type == MessageType::kSyncChunk;
    const bool is_part = is_chunk || (!said.is_preface && said.type == MessageType::kAdvance);
    if (said.is_preface) {
      record = {2, said.head};
    } else if (is_part) {
      record = frame_record(is_chunk ? 12 : 13, said);
    } else {
      static constexpr uint8_t kTags[] = {9, 3, 4,  9,  5, 6, 9, 9,  9,  7,  8, 9,
                                          9, 9, 17, 18, 9, 9, 9, 19, 20, 21, 9};
      record = {kTags[message_number(said)], said.head};
      if (record.tag == 9) continue;
    }
    Script script;
    if (at > 0) script.push_back({0, {static_cast<uint8_t>(at - 1)}});
    script.push_back(record);
    script.push_back({1, {0}});
    script.push_back({0, {5}});
    seeds.write("client_stream", write_script(script));
    if (!is_part) continue;
    script.clear();
    if (parts > 0) script.push_back({0, {static_cast<uint8_t>(parts - 1)}});
    script.push_back(frame_record(is_chunk ? 3 : 4, said));
    script.push_back({5, {0}});
    script.push_back({0, {5}});
    seeds.write("sync_chunks", write_script(script));
    ++parts;
  }
  seeds.write("client_stream", write_script({{0, {63}},
                                             {0, {63}},
                                             {15, {1}},
                                             {14, {0xff, 0x20}},
                                             {15, {2}},
                                             {0, {20}},
                                             {15, {0}},
                                             {14, {0, 2}}}));
  seeds.write("client_stream",
              write_script({{0, {2}}, {17, {0, 0, 0, 0}}, {0, {1}}, {18, {0, 1, 3}}, {0, {63}}}));
  seeds.write(
      "client_stream",
      write_script(
          {{16, {1, 30}}, {0, {15}}, {15, {6}}, {0, {63}}, {15, {6}}, {15, {3, 1}}, {15, {5}}}));
}

void write_client_words(Seeds& seeds) {
  const auto& client = harbour_talk().client;
  const Record change{11, {1}};
  const Record ack{10, {}};
  Script all = {{0, {1}}, change};
  for (uint8_t at = 0; at < client.size(); ++at) {
    const Said& said = client[at];
    if (said.is_preface) continue;
    static constexpr uint8_t kTags[] = {3,  8,  8, 4, 8, 8,  8, 5, 6, 8, 7, 17,
                                        18, 19, 8, 8, 8, 20, 8, 8, 8, 8, 21};
    const Record record{kTags[message_number(said)], said.head};
    if (said.type == MessageType::kAck && at > 12) continue;
    Script script;
    if (at > 0) script.push_back({0, {static_cast<uint8_t>(at - 1)}});
    script.push_back(record);
    for (uint8_t i = 0; i < 3; ++i) script.insert(script.end(), {change, ack});
    script.push_back({16, {}});
    seeds.write("server_stream", write_script(script));
  }
  Bytes resume;
  ByteWriter writer(resume);
  encode_fields(some_resume(), writer);
  seeds.write("server_stream", write_script({{0, {0}},
                                             {17, resume},
                                             {0, {5}},
                                             change,
                                             ack,
                                             {18, {1, 0, 1}},
                                             change,
                                             {19, {53}},
                                             ack,
                                             {16, {}}}));
  for (uint8_t i = 0; i < 12; ++i) all.insert(all.end(), {{11, {i}}, ack, {0, {0}}});
  all.push_back({16, {}});
  seeds.write("server_stream", write_script(all));
  seeds.write("server_stream", write_script({{15, {1, 20}},
                                             {12, {100, 0}},
                                             {0, {3}},
                                             {11, {130}},
                                             {11, {3}},
                                             ack,
                                             {13, {0xff, 8}},
                                             {14, {}},
                                             {0, {5}},
                                             {13, {0xff, 0xff}}}));
}

void write_texts(Seeds& seeds) {
  const std::string cubes = seeds.text("examples/cubes/cubes.toml");
  seeds.write("schema_toml", {0}, as_bytes(cubes));
  seeds.write("schema_toml", {1}, as_bytes(seeds.text("examples/cubes/server.toml")));
  for (const std::string_view text : {toml_test::kTidepool, toml_test::kEverything}) {
    seeds.write("schema_toml", {0}, as_bytes(text));
  }
  for (const Schema& schema :
       {wire_test::zoo_schema(CodecTier::kPacked), client_test::harbour().build().value(),
        client_test::harbour(7).build().value()}) {
    seeds.write("schema_codec", encode_schema(schema.def()));
  }
}

void write_web(Seeds& seeds) {
  const auto client = UpgradeClient::create("127.0.0.1", "/", {1, 2}).value();
  UpgradeServerOptions options;
  UpgradeServer server(options);
  server.on_bytes(as_bytes(client.request()));
  seeds.write("http_upgrade", {0, 0}, as_bytes(client.request()));
  seeds.write("http_upgrade", {0, 2, 5, 40}, as_bytes(client.request()));
  seeds.write("http_upgrade", {1, 2, 9, 0}, as_bytes(server.response()));
  seeds.write("http_upgrade", {1, 0}, as_bytes("HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n"));
  seeds.write("http_upgrade", {2, 0, 9}, as_bytes("localhost/a/b?c=d"));

  WebSocketFilter sender = WebSocketFilter::client(Prng(1), {});
  WebSocketScratch scratch;
  Bytes frames;
  for (const size_t size : {size_t{5}, size_t{125}, size_t{126}, size_t{300}}) {
    const Bytes content(size, 'x');
    const ByteSpan parts[] = {content};
    Bytes frame;
    for (const ByteSpan part : sender.output(parts, scratch)) {
      frame.insert(frame.end(), part.begin(), part.end());
    }
    sender.on_sent(frame.size());
    frames.insert(frames.end(), frame.begin(), frame.end());
  }
  seeds.write("websocket_filter", {0, 0}, frames);
  seeds.write("websocket_filter", {2, 3, 1, 50, 0}, frames);
  seeds.write("websocket_filter", {3, 0}, frames);
  const Bytes of_server = {0x02, 3,   'a',  'b', 'c',  0x89, 1,   'p', 0x80, 2,
                           'd',  'e', 0x88, 5,   0x03, 0xe9, 'b', 'y', 'e'};
  seeds.write("websocket_filter", {1, 2, 1, 4}, of_server);
}

void write_snapshot(Seeds& seeds, const Database& db) {
  const Bytes snapshot = db.snapshot();
  seeds.write("snapshot_restore", ByteSpan(snapshot).first(snapshot.size() - 16));
}

/// Small, so that they fit an input: of two units and a room with every type of field, and of a
/// harbour with histories and tombstones.
void write_snapshots(Seeds& seeds) {
  Prng random(9);
  for (const CodecTier tier : {CodecTier::kPlain, CodecTier::kPacked}) {
    Database zoo(wire_test::zoo_schema(tier), {});
    write_snapshot(seeds, zoo);
    for (size_t step = 0; step < 3; ++step) {
      Transaction tx = zoo.begin();
      for (const uint16_t table : {wire_test::kUnit, wire_test::kUnit, wire_test::kRoom}) {
        const EntityId entity = tx.create().value();
        const auto& fields = zoo.schema().table(table).fields;
        std::vector<FieldValue> values;
        for (uint16_t f = 0; f < fields.size(); ++f) {
          values.push_back({f, wire_test::random_value(fields[f], random)});
        }
        ECSDB_CHECK(tx.insert(table, entity, values).ok());
        if (step == 2) ECSDB_CHECK(tx.destroy(entity).ok());
      }
      std::move(tx).commit();
      wire_test::publish_blocks(zoo);
      if (step != 1) write_snapshot(seeds, zoo);
    }
  }
  const OpenAuthenticator open;
  ReplicationServer server(client_test::harbour().build().value(), {}, &open);
  ECSDB_CHECK(server.bind<client_test::Ship>().ok() && server.bind<client_test::Cargo>().ok());
  ECSDB_CHECK(server.bind<client_test::Chat>().ok() && server.bind<client_test::Bag>().ok());
  client_test::Workload workload{Prng(5)};
  for (size_t step = 1; step <= 40; ++step) {
    Transaction tx = server.begin(Now{});
    workload.change(tx);
    server.commit(std::move(tx), Now{});
    server.publish(Now{});
    if (step % 8 == 0) write_snapshot(seeds, server.database());
  }
}

void write_compressed(Seeds& seeds) {
  Bytes content;
  for (const Said& said : harbour_talk().server) append_said(content, said);
  for (const size_t size : {size_t{600}, size_t{3000}}) {
    Bytes packed;
    if (!Compressor().compress(ByteSpan(content).first(size), packed)) continue;
    for (uint8_t limit = 0; limit < 6; ++limit) seeds.write("decompress", {limit}, packed);
  }
  Bytes packed;
  if (Compressor().compress(Bytes(5000, 7), packed)) seeds.write("decompress", {0}, packed);
}

}  // namespace
}  // namespace ecsdb::fuzz

int main(int argc, char** argv) {
  namespace fuzz = ecsdb::fuzz;
  if (argc != 3) {
    std::fprintf(stderr, "usage: fuzz-seeds SOURCES OUT\n");
    return 2;
  }
  fuzz::Seeds seeds(argv[1], argv[2]);
  fuzz::write_messages(seeds);
  fuzz::write_rare_messages(seeds);
  fuzz::write_frames(seeds);
  fuzz::write_blocks(seeds, "block_plain", ecsdb::CodecTier::kPlain);
  fuzz::write_blocks(seeds, "block_packed", ecsdb::CodecTier::kPacked);
  fuzz::write_server_words(seeds);
  fuzz::write_client_words(seeds);
  fuzz::write_texts(seeds);
  fuzz::write_web(seeds);
  fuzz::write_snapshots(seeds);
  fuzz::write_compressed(seeds);
  return 0;
}
