// A client and a server that is scripted frame by frame.
#pragma once

#include <gtest/gtest.h>
#include <utility>
#include <vector>

#include "ecsdb/client/client.h"
#include "ecsdb/client/test_fixture.h"
#include "ecsdb/schema/canonical.h"
#include "ecsdb/wire/frame.h"

namespace ecsdb::client_test {

/// A client and the server that the test plays.
class Script {
 public:
  explicit Script(ClientOptions options = {}) : client_(std::move(options), Prng(5)) {}

  Now now() const { return Now{time_, 0}; }
  void dial() {
    client_.connect(now());
    accept();
  }
  /// Takes the link that the client asks for.
  void accept() {
    link_ = client_.next_dial().value();
    client_.on_connected(link_, now());
    preface_seen_ = false;
  }
  void feed(ByteSpan bytes) { client_.on_bytes(link_, bytes, now()); }
  void greet(Preface preface = {}) { feed(encode_preface(preface)); }
  template <class M>
  void send(MessageType type, const M& message) {
    Bytes frame;
    append_message(frame, type, message);
    feed(frame);
  }
  void send_advance(MessageType type, const Advance& head, ByteSpan tail = {}) {
    Bytes head_bytes;
    ByteWriter writer(head_bytes);
    encode_fields(head, writer);
    Bytes frame;
    append_frame(frame, type, head_bytes, tail.size());
    frame.insert(frame.end(), tail.begin(), tail.end());
    feed(frame);
  }
  AuthReply reply_for(const Schema& schema) const {
    AuthReply reply;
    reply.client = ClientId{12};
    reply.schema_fingerprint = schema.fingerprint();
    reply.schema_bytes = static_cast<uint32_t>(encode_schema(schema.def()).size());
    reply.server_time_ns = 77;
    reply.writes_waiting_max = 100;
    return reply;
  }
  void welcome() {
    greet();
    send(MessageType::kAuthReply, reply_for(schema_));
    send(MessageType::kSchemaPart, SchemaPart{0, encode_schema(schema_.def())});
  }
  /// Connected, subscribed, synced to an empty state of version 5.
  void go_live(const char* table = "ship") {
    client_.subscribe(table, now());
    dial();
    welcome();
    send(MessageType::kSyncBegin, SyncBegin{Version{5}, 0, 0});
    send_advance(MessageType::kAdvance, end_of_sync());
    client_.poll(now());
    ASSERT_EQ(client_.sync().phase, SyncStatus::Phase::kLive);
    take_sent();
  }
  static Advance end_of_sync() {
    Advance end;
    end.set_flags(true, true, AdvanceKind::kSyncEnd);
    end.from = Version{5};
    return end;
  }
  static Advance step(uint64_t from, uint64_t to, bool begin = true, bool end = true) {
    Advance advance;
    advance.set_flags(begin, end, AdvanceKind::kStep);
    advance.from = Version{from};
    advance.distance = to - from;
    return advance;
  }
  /// Types of the frames that the client sent since the last call.
  std::vector<MessageType> take_sent() {
    std::vector<MessageType> types;
    sent_.clear();
    while (client_.has_output(link_)) {
      const StreamOutput output = client_.output(link_, now());
      for (const ByteSpan part : output.parts) sent_.insert(sent_.end(), part.begin(), part.end());
      client_.on_sent(link_, output.bytes(), now());
      if (output.close || output.bytes() == 0) break;
    }
    ByteSpan bytes = sent_;
    if (!preface_seen_ && bytes.size() >= kPrefaceBytes) {
      bytes = bytes.subspan(kPrefaceBytes);
      preface_seen_ = true;
    }
    FrameReader reader(FrameLimits{});
    reader.feed(bytes);
    while (true) {
      auto frame = reader.next();
      EXPECT_TRUE(frame.ok());
      if (!frame.ok() || !frame->has_value()) return types;
      types.push_back((*frame)->type);
      last_head_.assign((*frame)->head.begin(), (*frame)->head.end());
    }
  }
  template <class M>
  M last_sent() {
    M message;
    EXPECT_TRUE(decode_message(last_head_, message).ok());
    return message;
  }
  /// Code of the last event of this kind; kOk if there was none.
  ErrorCode code_of(ClientEvent::Kind kind) {
    ErrorCode code = ErrorCode::kOk;
    while (const auto event = client_.next_event()) {
      if (event->kind == kind) code = event->code;
    }
    return code;
  }
  void expect_fault(ErrorCode code) {
    EXPECT_EQ(code_of(ClientEvent::Kind::kFault), code);
    EXPECT_EQ(client_.stats().faults, 1u);
    const auto sent = take_sent();
    ASSERT_FALSE(sent.empty());
    EXPECT_EQ(sent.back(), MessageType::kGoodbye);
    EXPECT_EQ(last_sent<Goodbye>().code, static_cast<uint16_t>(code));
    EXPECT_TRUE(client_.output(link_, now()).close);
  }

  Schema schema_ = harbour().build().value();
  Client client_;
  Instant time_{1'000'000'000};
  LinkId link_;
  Bytes sent_;
  Bytes last_head_;
  bool preface_seen_ = false;
};

}  // namespace ecsdb::client_test
