#include "session_script.h"

#include <algorithm>

#include "groups.h"

namespace ecsdb::vectors {
namespace {

void run_step(ClientPlayer& player, const Json& given, Json& steps) {
  steps.add(given);
  player.take(given);
  for (Json& step : player.settle()) steps.add(std::move(step));
}

ServerOptions server_options(const RecorderOptions& options) {
  ServerOptions out;
  out.database.id = DatabaseId{0x1020304050607080, 0x90a0b0c0d0e0f000};
  out.database.epoch = Epoch{4};
  out.sync_chunk_bytes = options.sync_chunk_bytes;
  out.compression = options.compression;
  return out;
}

}  // namespace

Json play_session(const Group& group, const Json& input) {
  const Result<Schema> schema = group.schema(input.at("schema"));
  if (!schema.ok()) return Json::object({{"problem", schema.error().to_string()}});
  ClientPlayer player(input.at("client"), table_names(*schema));
  Json steps = Json::array();
  for (const Json& step : input.at("steps").items()) run_step(player, step, steps);
  return Json::object({{"steps", steps}});
}

Script::Script(Maker& to, const char* schema_name, const Schema& schema, Json settings)
    : to_(to),
      schema_name_(schema_name),
      settings_(std::move(settings)),
      player_(settings_, table_names(schema)) {}

void Script::step(const Json& given) { run_step(player_, given, steps_); }

void Script::finish(const char* name, const char* note) {
  Json input = Json::object();
  if (needs_zstd_) input.set("needs", "zstd").set("library", true);
  if (settings_.at("resume").flag()) input.set("needs", "resume");
  input.set("schema", schema_name_).set("client", settings_).set("steps", steps_);
  to_.accept(name, note, input_of(input));
  const Json& played = to_.group().vectors.back();
  if (played.at("steps") != steps_) to_.problem(std::string(name) + ": it plays otherwise");
}

Recorder::Recorder(Maker& to, const char* schema_name, const Schema& schema,
                   RecorderOptions options, Json settings)
    : script_(to, schema_name, schema, std::move(settings)),
      server_(schema, server_options(options),
              options.authenticator != nullptr ? options.authenticator : &open_),
      piece_bytes_(options.piece_bytes) {}

void Recorder::open_without_settling() {
  link_ = LinkId{next_link_++};
  is_up_ = true;
  server_.on_connected(link_, now_);
  script_.open();
  to_server();
}

void Recorder::to_server() {
  const Bytes sent = script_.take_sent();
  if (is_up_ && !sent.empty()) server_.on_bytes(link_, sent, now_);
  if (is_up_ && !script_.is_open()) {
    is_up_ = false;
    server_.on_closed(link_, now_);
  }
}

bool Recorder::deliver(bool flip) {
  while (server_.next_ready()) {
  }
  if (!is_up_) return false;
  const StreamOutput output = server_.output(link_);
  Bytes bytes;
  for (const ByteSpan part : output.parts) bytes.insert(bytes.end(), part.begin(), part.end());
  const bool closes = output.close;
  server_.on_sent(link_, bytes.size(), now_);
  if (flip && !bytes.empty()) bytes.back() ^= 1;
  for (size_t at = 0; at < bytes.size() && script_.is_open(); at += piece_bytes_) {
    const size_t n = std::min(piece_bytes_, bytes.size() - at);
    const auto begin = bytes.begin() + static_cast<ptrdiff_t>(at);
    script_.server(Bytes(begin, begin + static_cast<ptrdiff_t>(n)));
  }
  to_server();
  if (closes && is_up_) cut();
  return !bytes.empty() || closes;
}

void Recorder::settle() {
  to_server();
  while (deliver()) {
  }
}

void Recorder::cut() {
  is_up_ = false;
  server_.on_closed(link_, now_);
  script_.close();
}

void Recorder::pass(int64_t ms) {
  now_.steady = now_.steady + Duration::ms(ms);
  server_.on_timer(now_);
  script_.pass(ms);
  settle();
}

EntityId Recorder::add_ship(float x, float y, uint64_t paint, int64_t gold) {
  EntityId entity;
  commit([&](Transaction& tx) {
    entity = tx.create().value();
    const FieldValue values[] = {{0, Vec2f{x, y}}, {1, paint}};
    ECSDB_CHECK(tx.insert(kShips, entity, values).ok());
    const FieldValue cargo{0, gold};
    if (gold != 0) ECSDB_CHECK(tx.insert(kCargo, entity, std::span(&cargo, 1)).ok());
  });
  return entity;
}

EntityId Recorder::add_chat(int64_t room, const std::string& line) {
  EntityId entity;
  commit([&](Transaction& tx) {
    entity = tx.create().value();
    const FieldValue values[] = {{0, room}, {1, line}};
    ECSDB_CHECK(tx.insert(kChat, entity, values).ok());
  });
  return entity;
}

void Recorder::set(uint16_t table, EntityId entity, const char* field, Value value) {
  commit([&](Transaction& tx) {
    const uint16_t index = server_.database().schema().field_index(table, field).value();
    ECSDB_CHECK(tx.set(table, entity, index, std::move(value)).ok());
  });
}

const GroupKind& sessions_group() {
  static const GroupKind kGroup = {"sessions", "Sessions from the first connection to some end.",
                                   [](Maker& to) {
                                     make_sessions(to);
                                     make_long_sessions(to);
                                     make_ended_sessions(to);
                                     make_broken_sessions(to);
                                     make_link_sessions(to);
                                   },
                                   play_session};
  return kGroup;
}

}  // namespace ecsdb::vectors
