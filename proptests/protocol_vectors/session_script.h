// Sessions: what happens to a client from its first connection on, step by step, and what it does.
#pragma once

#include <string>
#include <vector>

#include "ecsdb/server/replication_server.h"

#include "client_player.h"
#include "fleet.h"

namespace ecsdb::vectors {

Json play_session(const Group& group, const Json& input);

/// A client and the steps so far.
class Script {
 public:
  Script(Maker& to, const char* schema_name, const Schema& schema, Json settings = Json::object());

  void step(const Json& given);
  void call(const char* name) { call_with(Json::object({{"name", name}})); }
  void call(const char* name, const char* table) {
    call_with(Json::object({{"name", name}, {"table", table}}));
  }
  void call_with(Json what) { step(Json::object({{"call", std::move(what)}})); }
  void open() { step(Json::object({{"open", true}})); }
  void server(const Bytes& bytes) { step(Json::object({{"server", to_hex(bytes)}})); }
  void close() { step(Json::object({{"close", true}})); }
  void pass(int64_t ms) { step(Json::object({{"time_ms", ms}})); }
  void finish(const char* name, const char* note);
  void needs_zstd() { needs_zstd_ = true; }

  Bytes take_sent() { return player_.take_sent(); }
  bool is_open() const { return player_.is_open(); }

 private:
  Maker& to_;
  Json schema_name_;
  Json settings_;
  ClientPlayer player_;
  Json steps_ = Json::array();
  bool needs_zstd_ = false;
};

struct RecorderOptions {
  size_t sync_chunk_bytes = 32 * 1024;
  size_t piece_bytes = 1u << 20;  // of what is delivered at once
  bool compression = false;
  const Authenticator* authenticator = nullptr;  // null: everybody is let in
};

/// A real server at the other end of the script's link.
class Recorder {
 public:
  Recorder(Maker& to, const char* schema_name, const Schema& schema, RecorderOptions options = {},
           Json settings = Json::object());

  Script& script() { return script_; }
  ReplicationServer& server() { return server_; }
  /// Opens the link that the client has dialled, and delivers.
  void open() {
    open_without_settling();
    settle();
  }
  void open_without_settling();
  /// Delivers until nobody has anything to say.
  void settle();
  /// Delivers what the server has to say now, once; false if that is nothing. `flip`: spoils the
  /// last byte.
  bool deliver(bool flip = false);
  void cut();
  void pass(int64_t ms);
  void publish() { server_.publish(now()); }
  /// Commits one change.
  template <class Change>
  void commit(Change&& change) {
    Transaction tx = server_.begin(now());
    change(tx);
    server_.commit(std::move(tx), now());
  }
  /// The same, published and delivered.
  template <class Change>
  void change(Change&& what) {
    commit(what);
    publish();
    settle();
  }
  EntityId add_ship(float x, float y, uint64_t paint, int64_t gold = 0);
  EntityId add_chat(int64_t room, const std::string& line);
  void set(uint16_t table, EntityId entity, const char* field, Value value);
  Now now() const { return now_; }

 private:
  void to_server();

  OpenAuthenticator open_;
  Script script_;
  ReplicationServer server_;
  Now now_{Instant{1'000'000'000}, 0};
  LinkId link_{0};
  bool is_up_ = false;
  uint64_t next_link_ = 0;
  size_t piece_bytes_;
};

void make_sessions(Maker& to);
void make_long_sessions(Maker& to);
void make_ended_sessions(Maker& to);
void make_broken_sessions(Maker& to);
void make_link_sessions(Maker& to);

}  // namespace ecsdb::vectors
