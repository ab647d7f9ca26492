// What the tests of the server share: a schema with rules, a server, and peers that speak the
// protocol frame by frame.
#pragma once

#include <deque>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "ecsdb/base/hash.h"
#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/server/conflict_log.h"
#include "ecsdb/server/replication_server.h"
#include "ecsdb/wire/block_codec.h"
#include "ecsdb/wire/frame.h"

namespace ecsdb {

/// What tests reach into a server for.
struct ServerTestPeer {
  static ConflictLog& conflicts(ReplicationServer& server) { return server.mutable_conflicts(); }
};

}  // namespace ecsdb

namespace ecsdb::server_test {

enum Tables : uint16_t { kUnit, kTail, kRoom, kPurse, kSecret };

/// Grid cells of 10, a follower, cells by value and by owner with read rules, one for admins.
inline Schema yard() {
  return SchemaBuilder("yard")
      .table(1, "unit")
      .grid("pos", 10)
      .field(1, "pos", FieldType::kVec2f)
      .precision(1)
      .field(2, "hits", FieldType::kU32)
      .table(2, "tail")
      .follow("unit")
      .field(1, "length", FieldType::kU32)
      .table(3, "room")
      .by("number")
      .read("guest", AccessRule::Where::kCellIsClaim, "room")
      .read("admin")
      .field(1, "number", FieldType::kI32)
      .text(2, "line", 2000)
      .table(4, "purse")
      .owner("who")
      .read("", AccessRule::Where::kOwnerIsMe)
      .field(1, "who", FieldType::kPrincipal)
      .field(2, "gold", FieldType::kU32)
      .table(5, "secret")
      .read("admin")
      .field(1, "code", FieldType::kU32)
      .build()
      .value();
}

/// Secrets that anybody can guess.
class CountingSecrets final : public SecretSource {
 public:
  void draw(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = ++last_;
  }

 private:
  uint8_t last_ = 0;
};

inline StaticAuthenticator tokens() {
  return StaticAuthenticator({
      {"guest token", "gus", PrincipalId{7}, {"guest"}, {{"room", 3}}},
      {"admin token", "ada", PrincipalId{8}, {"admin"}, {}},
  });
}

/// A server on a clock that stands still unless moved.
struct Bench {
  explicit Bench(ServerOptions options = {}, Schema schema = yard())
      : authenticator(tokens()), server(std::move(schema), options, &authenticator, &secrets) {}

  Now now() const { return Now{time, 0}; }
  void pass(Duration by) {
    time = time + by;
    server.on_timer(now());
  }
  template <class Change>
  void commit(Change&& change) {
    Transaction tx = server.begin(now());
    change(tx);
    server.commit(std::move(tx), now());
  }
  template <class Change>
  void step(Change&& change) {
    commit(change);
    server.publish(now());
  }
  EntityId add_unit(float x, float y) {
    EntityId entity;
    step([&](Transaction& tx) {
      entity = tx.create().value();
      const FieldValue pos{0, Vec2f{x, y}};
      EXPECT_TRUE(tx.insert(kUnit, entity, std::span(&pos, 1)).ok());
    });
    return entity;
  }
  void hit(EntityId entity, uint64_t hits) {
    step([&](Transaction& tx) { EXPECT_TRUE(tx.set(kUnit, entity, 1, hits).ok()); });
  }
  EntityId add_line(int64_t room, std::string text) {
    EntityId entity;
    step([&](Transaction& tx) {
      entity = tx.create().value();
      const FieldValue values[] = {{0, room}, {1, std::move(text)}};
      EXPECT_TRUE(tx.insert(kRoom, entity, values).ok());
    });
    return entity;
  }
  /// The last kClosed event; takes all events.
  std::optional<ServerEvent> closed() {
    std::optional<ServerEvent> found;
    while (auto event = server.next_event()) {
      if (event->kind == ServerEvent::Kind::kClosed) found = *std::move(event);
    }
    return found;
  }

  Instant time{1'000'000'000};
  StaticAuthenticator authenticator;
  CountingSecrets secrets;
  ReplicationServer server;
};

/// One frame as it came.
struct Received {
  MessageType type;
  Bytes head;
  Bytes tail;

  template <class M>
  M as() const {
    M message;
    EXPECT_TRUE(decode_message(head, message).ok());
    return message;
  }
};

/// A client by hand. It consumes and acknowledges at once unless told not to.
class Peer {
 public:
  Peer(Bench& bench, uint64_t link) : bench_(bench), link_{link}, reader_(limits()) {
    bench_.server.on_connected(link_, bench_.now());
  }

  void set_acks(bool acks) { acks_ = acks; }
  /// Bytes the link takes in one receive(); 0: it is full.
  void set_accepts(size_t bytes) { accepts_ = bytes; }
  bool is_closed() const { return closed_; }
  LinkId link() const { return link_; }
  uint64_t consumed() const { return consumed_; }
  Version cut() const { return cut_; }

  void feed(ByteSpan bytes) { bench_.server.on_bytes(link_, bytes, bench_.now()); }
  template <class M>
  void send(MessageType type, const M& message) {
    Bytes frame;
    append_message(frame, type, message);
    feed(frame);
  }
  void greet() { feed(encode_preface(Preface{})); }
  void authenticate(std::string_view token = "guest token", uint8_t database = kUserDatabase) {
    Auth auth;
    auth.database = database;
    auth.token.assign(token.begin(), token.end());
    auth.client_name = "peer";
    send(MessageType::kAuth, auth);
  }
  /// Subscribes and returns the reply's code.
  ErrorCode subscribe(Subscription subscription) {
    Subscribe request;
    request.add = {std::move(subscription)};
    return ask(request);
  }
  ErrorCode subscribe(uint16_t table_id) {
    Subscription s;
    s.id = SubscriptionId{++last_id_};
    s.table = TableId{table_id};
    return subscribe(s);
  }
  ErrorCode unsubscribe(uint32_t id) {
    Subscribe request;
    request.remove = {SubscriptionId{id}};
    return ask(request);
  }
  ErrorCode ask(const Subscribe& request) {
    send(MessageType::kSubscribe, request);
    receive();
    for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
      if (frame->type != MessageType::kSubscribeReply) continue;
      return static_cast<ErrorCode>(frame->as<SubscribeReply>().results.at(0).code);
    }
    ADD_FAILURE() << "no subscribe reply";
    return ErrorCode::kOk;
  }
  /// Everything up to a live subscription of these table ids.
  void go_live(std::vector<uint16_t> tables, std::string_view token = "guest token",
               uint8_t database = kUserDatabase) {
    greet();
    authenticate(token, database);
    for (const uint16_t table : tables) EXPECT_EQ(subscribe(table), ErrorCode::kOk);
    receive();
    take();
  }

  /// Takes what the server offers until it offers nothing more.
  void receive() {
    size_t room = accepts_;
    for (int round = 0; round < 100'000 && !closed_; ++round) {
      while (bench_.server.next_ready()) {
      }
      const StreamOutput output = bench_.server.output(link_);
      const Bytes bytes = take_bytes(output, room);
      room -= bytes.size();
      const bool closes = output.close && bytes.size() == output.bytes();
      bench_.server.on_sent(link_, bytes.size(), bench_.now());
      parse(bytes);
      if (closes) close();
      if (bytes.empty()) return;
      if (says_ready_ && !closed_ && std::exchange(synced_, false)) say_ready();
      if (acks_ && !closed_) ack(cut_, consumed_);
    }
  }
  void set_says_ready(bool says) { says_ready_ = says; }
  void say_ready() { send(MessageType::kClientReady, ClientReady{cut_}); }
  void ack(Version cut, uint64_t bytes) { send(MessageType::kAck, Ack{cut, bytes}); }
  void ack_all() { ack(cut_, consumed_); }
  void close() {
    closed_ = true;
    bench_.server.on_closed(link_, bench_.now());
  }
  /// The frames since the last call.
  std::vector<Received> take() { return {std::exchange(frames_, {})}; }
  /// Those that are advances.
  std::vector<std::pair<Advance, Bytes>> take_advances() {
    std::vector<std::pair<Advance, Bytes>> advances;
    for (Received& frame : take()) {
      if (frame.type != MessageType::kAdvance) continue;
      advances.emplace_back(frame.as<Advance>(), std::move(frame.tail));
    }
    return advances;
  }
  /// Code and reason of the goodbye among the frames, if there is one.
  std::optional<Goodbye> goodbye() const {
    for (const Received& frame : frames_) {
      if (frame.type == MessageType::kGoodbye) return frame.as<Goodbye>();
    }
    return std::nullopt;
  }

 private:
  static FrameLimits limits() { return {kFrameHeadBytesMax, kFrameTailBytesMax}; }
  static Bytes take_bytes(const StreamOutput& output, size_t max) {
    Bytes bytes;
    for (const ByteSpan part : output.parts) {
      const size_t n = std::min(part.size(), max - bytes.size());
      bytes.insert(bytes.end(), part.begin(), part.begin() + static_cast<ptrdiff_t>(n));
    }
    return bytes;
  }
  void parse(ByteSpan bytes) {
    consumed_ += bytes.size();
    if (preface_left_ > 0) {
      const size_t n = std::min(preface_left_, bytes.size());
      preface_left_ -= n;
      bytes = bytes.subspan(n);
    }
    reader_.feed(bytes);
    while (true) {
      auto frame = reader_.next();
      ASSERT_TRUE(frame.ok());
      if (!frame->has_value()) return;
      const Frame& f = **frame;
      frames_.push_back(
          {f.type, Bytes(f.head.begin(), f.head.end()), Bytes(f.tail.begin(), f.tail.end())});
      if (f.type != MessageType::kAdvance) continue;
      const Advance advance = frames_.back().as<Advance>();
      if (!advance.end()) continue;
      cut_ = advance.to();
      synced_ |= advance.kind() == AdvanceKind::kSyncEnd;
    }
  }

  Bench& bench_;
  LinkId link_;
  FrameReader reader_;
  std::vector<Received> frames_;
  size_t preface_left_ = kPrefaceBytes;
  size_t accepts_ = 1u << 30;
  uint64_t consumed_ = 0;
  Version cut_;
  uint32_t last_id_ = 0;
  bool acks_ = true;
  bool says_ready_ = true;
  bool synced_ = false;  // and did not say so yet
  bool closed_ = false;
};

/// Handles of an advance's blocks, in the order of its tail.
inline std::vector<uint32_t> handles_of(const Advance& advance) {
  std::vector<uint32_t> handles;
  uint32_t handle = 0;
  for (const BlockEntry& entry : advance.blocks) {
    handles.push_back(handle += static_cast<uint32_t>(entry.step));
  }
  return handles;
}

inline Subscription of_keys(uint32_t id, uint16_t table, std::vector<CellKey> keys) {
  Subscription s;
  s.id = SubscriptionId{id};
  s.table = TableId{table};
  s.kind = SelectorKind::kKeys;
  s.keys = std::move(keys);
  return s;
}

}  // namespace ecsdb::server_test
