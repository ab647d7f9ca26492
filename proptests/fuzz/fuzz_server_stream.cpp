// The server against a client that says anything at all: it stays sound, what it answers is a
// stream that a client can follow, down to the digests, and another client sees what it should.
//
//   input: a script; the tag says what a record is, see Step
#include <optional>

#include "harbour_talk.h"
#include "table_checks.h"

namespace ecsdb::fuzz {
namespace {

enum class Step : uint8_t {
  kTruth,  // count u8: so many frames of what a client really said next; acks are mended
  kSkip,   // count u8: so many frames of the truth are left out
  kRaw,    // bytes of the stream
  // Frames: the record is the head.
  kAuth,
  kSubscribe,
  kAck,
  kClientHeartbeat,
  kGoodbye,
  kAnyFrame,   // type u8 | head
  kWithTail,   // type u8 | head length u16 | head | tail
  kMendedAck,  // of everything that was read
  kChange,     // count u8, commits and a publish; above 127 without
  kRead,       // u16: bytes that are read at most from here on at once; 0: all
  kTime,       // ms u16
  kClose,
  kPieces,     // sizes of the pieces in which the stream comes from here on
  kNeighbour,  // a well-behaved client comes and catches up
  // Frames again: the record is the head.
  kResume,
  kRefetch,
  kClientReady,
  kWrites,
  kClientEvents,
};
constexpr size_t kSteps = 22;
constexpr size_t kRecordsMax = 60;
constexpr size_t kVisitsMax = 2;  // they are dear
constexpr LinkId kNeighbourLink{1};

ServerOptions server_options() {
  ServerOptions options;
  options.sync_chunk_bytes = 300;
  options.unacked_bytes_max = 2000;
  options.connections_max = 2;
  return options;
}

void bind_all(ReplicationServer& server) {
  ECSDB_CHECK(server.bind<client_test::Ship>().ok() && server.bind<client_test::Cargo>().ok());
  ECSDB_CHECK(server.bind<client_test::Chat>().ok() && server.bind<client_test::Bag>().ok());
}

/// Where every input starts.
struct Start {
  Bytes snapshot;
  client_test::Workload workload;
};
const Start& start() {
  auto make = [] {
    const OpenAuthenticator open;
    ReplicationServer server(loud_harbour(), {}, &open);
    bind_all(server);
    client_test::Workload workload{Prng(5)};
    for (size_t i = 0; i < 25; ++i) {
      Transaction tx = server.begin(Now{});
      workload.change(tx);
      server.commit(std::move(tx), Now{});
    }
    server.publish(Now{});
    return Start{server.database().snapshot(), workload};
  };
  static const Start kStart = make();
  return kStart;
}

Bytes gather(const StreamOutput& output, size_t bytes_max) {
  Bytes bytes;
  for (const ByteSpan part : output.parts) bytes.insert(bytes.end(), part.begin(), part.end());
  if (bytes_max != 0) bytes.resize(std::min(bytes.size(), bytes_max));
  return bytes;
}

/// A client that is told everything that the server says, and whose own words nobody hears.
class Follower {
 public:
  explicit Follower(const Now& now) : client_(ClientOptions{}, Prng(1)) {
    client_.connect(now);
    link_ = client_.next_dial().value();
    client_.on_connected(link_, now);
  }
  /// Outcomes of writes that it has not made say nothing to it.
  void hear(ByteSpan bytes, const Now& now) {
    client_.on_bytes(link_, bytes, now);
    client_.poll(now);
    while (const auto event = client_.next_event()) {
      if (event->kind != ClientEvent::Kind::kFault) continue;
      // The schema was not sent, because the peer said that it knew it.
      ECSDB_CHECK(event->code == ErrorCode::kSchemaMismatch);
    }
  }
  ClientDb& db() { return client_.db(); }

 private:
  Client client_;
  LinkId link_;
};

void check_same(ReplicationServer& server, ClientDb& db) {
  if (db.cut() != server.database().published() || db.cut() != server.database().head()) return;
  for (size_t handle = 0; handle < db.cells().size(); ++handle) {
    const HeldCell& cell = db.cells()[handle];
    if (cell.held) ECSDB_CHECK(db.digest(handle) == server.digest(cell.table, cell.key));
  }
}

class ServerUnderTest {
 public:
  ServerUnderTest()
      : server_(Database::restore(start().snapshot).value(), server_options(), &open_),
        workload_(start().workload) {
    bind_all(server_);
  }

  void run(const Record& record) {
    Input in(record.bytes);
    switch (const Step step = static_cast<Step>(record.tag % kSteps)) {
      case Step::kTruth:
        for (size_t n = 1 + in.u8() % 64; n > 0; --n) say_truth();
        break;
      case Step::kSkip:
        truth_ += 1 + in.u8() % 64;
        break;
      case Step::kRaw:
        hear(record.bytes);
        break;
      case Step::kAnyFrame: {
        const auto type = static_cast<MessageType>(in.u8());
        const ByteSpan head = in.rest();
        say({false, type, Bytes(head.begin(), head.end()), {}});
        break;
      }
      case Step::kWithTail: {
        const auto type = static_cast<MessageType>(in.u8());
        say(split(type, in.rest()));
        break;
      }
      case Step::kMendedAck:
        say_ack();
        break;
      case Step::kChange:
        change(in.u8());
        break;
      case Step::kRead:
        reads_ = in.u16();
        break;
      case Step::kTime:
        now_.steady = now_.steady + Duration::ms(in.u16());
        server_.on_timer(now_);
        break;
      case Step::kClose:
        close();
        break;
      case Step::kPieces:
        pieces_ = Pieces(in.take(15));
        break;
      case Step::kNeighbour:
        if (++visits_ <= kVisitsMax) visit();
        break;
      default:
        say({false, type_of(step), record.bytes, {}});
    }
    pump();
    server_.check_invariants();
  }

 private:
  static MessageType type_of(Step step) {
    switch (step) {
      case Step::kAuth:
        return MessageType::kAuth;
      case Step::kSubscribe:
        return MessageType::kSubscribe;
      case Step::kAck:
        return MessageType::kAck;
      case Step::kClientHeartbeat:
        return MessageType::kClientHeartbeat;
      case Step::kResume:
        return MessageType::kResume;
      case Step::kRefetch:
        return MessageType::kRefetch;
      case Step::kClientReady:
        return MessageType::kClientReady;
      case Step::kWrites:
        return MessageType::kWrites;
      case Step::kClientEvents:
        return MessageType::kClientEvents;
      default:
        return MessageType::kGoodbye;
    }
  }
  void say_truth() {
    const auto& client = harbour_talk().client;
    if (truth_ >= client.size()) return;
    const Said& said = client[truth_++];
    if (!said.is_preface && said.type == MessageType::kAck) return say_ack();
    say(said);
  }
  void say_ack() {
    Said said{false, MessageType::kAck, {}, {}};
    ByteWriter writer(said.head);
    encode_fields(Ack{follower_ ? follower_->db().cut() : Version{}, read_}, writer);
    say(said);
  }
  void say(const Said& said) {
    Bytes bytes;
    append_said(bytes, said);
    hear(bytes);
  }
  void hear(ByteSpan bytes) {
    if (!follower_) open();
    pieces_.cut(bytes, [&](const Bytes& piece) {
      server_.on_bytes(link_, piece, now_);
      pump();
      return true;
    });
  }
  void open() {
    link_ = LinkId{2 + (++links_) % 3};
    follower_.emplace(now_);
    read_ = 0;
    server_.on_connected(link_, now_);
  }
  void close() {
    if (!follower_) return;
    server_.on_closed(link_, now_);
    follower_.reset();
  }
  void change(unsigned what) {
    for (unsigned n = 1 + what % 4; n > 0; --n) {
      Transaction tx = server_.begin(now_);
      workload_.change(tx);
      if (what % 16 > 11) emit_some(server_, events_, now_);
      server_.commit(std::move(tx), now_);
    }
    if (what < 128) server_.publish(now_);
  }
  /// Reads what the link is offered.
  void pump() {
    while (server_.next_ready()) {
    }
    while (server_.next_event()) {
    }
    while (const auto event = server_.next_client_event()) check_client_event(*event);
    size_t room = reads_ == 0 ? ~size_t{0} : reads_;
    while (follower_ && room > 0) {
      const StreamOutput output = server_.output(link_);
      ECSDB_CHECK(output.parts.size() <= kOutputPartsMax);
      const Bytes bytes = gather(output, room);
      room -= bytes.size();
      read_ += bytes.size();
      const bool closes = output.close && bytes.size() == output.bytes();
      server_.on_sent(link_, bytes.size(), now_);
      follower_->hear(bytes, now_);
      check_same(server_, follower_->db());
      if (closes) close();
      if (bytes.empty()) return;
    }
  }
  static void check_client_event(const ClientMessage& event) {
    ECSDB_CHECK(event.event == kGong && event.values.size() == 2);
    ECSDB_CHECK(std::get<std::string>(event.values[0]).size() <= 30);
  }
  /// Lets another client come, see everything and go.
  void visit() {
    Client client(ClientOptions{}, Prng(2));
    for (const char* table : client_test::kTableNames) client.subscribe(table, now_);
    client.connect(now_);
    const LinkId link = client.next_dial().value();
    server_.on_connected(kNeighbourLink, now_);
    client.on_connected(link, now_);
    server_.publish(now_);
    for (bool moves = true; moves;) {
      const Bytes asked = gather(client.output(link, now_), 0);
      client.on_sent(link, asked.size(), now_);
      server_.on_bytes(kNeighbourLink, asked, now_);
      const Bytes said = gather(server_.output(kNeighbourLink), 0);
      server_.on_sent(kNeighbourLink, said.size(), now_);
      client.on_bytes(link, said, now_);
      client.poll(now_);
      moves = !asked.empty() || !said.empty();
    }
    ECSDB_CHECK(client.sync().phase == SyncStatus::Phase::kLive);
    ECSDB_CHECK(client.stats().faults == 0);
    ECSDB_CHECK(client.db().cut() == server_.database().head());
    check_same(server_, client.db());
    server_.on_closed(kNeighbourLink, now_);
  }

  OpenAuthenticator open_;
  ReplicationServer server_;
  client_test::Workload workload_;
  Prng events_{6};
  Now now_{Instant{1'000'000'000}, 0};
  LinkId link_;
  uint64_t links_ = 0;
  size_t visits_ = 0;
  std::optional<Follower> follower_;  // while there is a connection
  size_t reads_ = 0;
  size_t truth_ = 0;
  uint64_t read_ = 0;  // bytes of this connection
  Pieces pieces_;
};

}  // namespace
}  // namespace ecsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ecsdb::fuzz::Script script = ecsdb::fuzz::parse_script(ecsdb::ByteSpan(data, size));
  ecsdb::fuzz::ServerUnderTest server;
  for (size_t i = 0; i < std::min(script.size(), ecsdb::fuzz::kRecordsMax); ++i) {
    server.run(script[i]);
  }
  return 0;
}
