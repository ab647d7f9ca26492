#include "harbour_talk.h"

#include <utility>

namespace ecsdb::fuzz {
namespace {

using client_test::World;

constexpr size_t kStepsBefore = 52;
constexpr size_t kSteps = 24;
constexpr uint64_t kWrites = 6;
constexpr LinkId kServerLink{5};

Said said_of(const Frame& frame) {
  return {false, frame.type, Bytes(frame.head.begin(), frame.head.end()),
          Bytes(frame.tail.begin(), frame.tail.end())};
}

ServerOptions small_chunks() {
  ServerOptions options;
  options.sync_chunk_bytes = 200;
  return options;
}

Schema make_loud_harbour() {
  SchemaDef def = client_test::harbour().build()->def();
  for (TableDef& table : def.tables) table.write = {AccessRule{}};
  def.tables[0].fields[1].policy = Policy::kLww;    // the ship's paint
  def.tables[1].fields[0].policy = Policy::kMerge;  // gold
  def.tables[1].fields[0].merge_name = "sum";
  SchemaBuilder events("events");
  events.event(1, "boom").follow("ship").field(1, "power", FieldType::kU16);
  events.event(2, "call").follow("chat").at("room").field(1, "room", FieldType::kI32);
  events.event(3, "gong").write("").text(1, "line", 30).field(2, "n", FieldType::kI64);
  def.events = events.def().events;
  return Schema::make(std::move(def)).value();
}

/// Carries bytes between a server and a client, and keeps them.
class Recorder {
 public:
  Recorder() : server_(loud_harbour(), small_chunks(), &open_) {
    ECSDB_CHECK(server_.bind<client_test::Ship>().ok() && server_.bind<client_test::Cargo>().ok());
    ECSDB_CHECK(server_.bind<client_test::Chat>().ok() && server_.bind<client_test::Bag>().ok());
    World::bind(client_);
  }

  Talk record() {
    for (size_t i = 0; i < kStepsBefore; ++i) commit();
    server_.publish(now_);
    for (const char* table : {"ship", "chat", "bag"}) client_.subscribe(table, now_);
    client_.connect(now_);
    settle();
    SubscriptionId box;
    for (size_t i = 0; i < kSteps; ++i) {
      if (i == 8)
        box = client_.subscribe_box("cargo", CellKey::grid(-3, -3), CellKey::grid(3, 3), now_);
      if (i == 16) client_.unsubscribe(box, now_);
      if (i % 4 == 2) write();
      if (i % 8 == 3) send_gong(i);
      commit();
      server_.publish(now_);
      if (i % 6 == 5) continue;  // the next one finds bytes on their way: a net delta
      settle();
    }
    pass(Duration::seconds(2));  // heartbeats
    const ServerStats& stats = server_.stats();
    ECSDB_CHECK(stats.writes_applied > 0 && stats.writes_merged > 0 && stats.writes_rejected > 0);
    client_.disconnect(now_);
    settle();
    server_.shutdown(now_);
    return std::move(talk_);
  }

 private:
  void commit() {
    Transaction tx = server_.begin(now_);
    for (int i = 0; i < 3; ++i) workload_.change(tx);
    if (events_.chance(1, 3)) emit_some(server_, events_, now_);
    server_.commit(std::move(tx), now_);
    now_.steady = now_.steady + Duration::ms(10);
  }
  /// Once, the server changes the gold behind the writer's back.
  void write() {
    ECSDB_CHECK(client_.submit(draft_of_talk(client_, ++writes_, ship_), now_).ok());
    if (writes_ == 4) {
      Transaction tx = server_.begin(now_);
      ECSDB_CHECK(tx.set(client_test::kCargo, client_.entity(ship_), 0, Value{int64_t{50}}).ok());
      server_.commit(std::move(tx), now_);
    }
    settle();
  }
  void send_gong(size_t step) {
    const FieldValue n{1, static_cast<int64_t>(step)};
    ECSDB_CHECK(client_.send_event(kGong, EntityId{}, std::span(&n, 1), now_).ok());
  }
  void pass(Duration by) {
    now_.steady = now_.steady + by;
    server_.on_timer(now_);
    client_.on_timer(now_);
    settle();
  }
  void settle() {
    while (to_server() || to_client()) {
    }
  }
  bool to_server() {
    if (const auto link = client_.next_dial()) {
      client_link_ = *link;
      server_.on_connected(kServerLink, now_);
      client_.on_connected(*link, now_);
    }
    const Bytes bytes = gather(client_.output(client_link_, now_));
    client_.on_sent(client_link_, bytes.size(), now_);
    server_.on_bytes(kServerLink, bytes, now_);
    of_client_.hear(bytes, talk_.client);
    return !bytes.empty();
  }
  bool to_client() {
    while (server_.next_ready()) {
    }
    const Bytes bytes = gather(server_.output(kServerLink));
    server_.on_sent(kServerLink, bytes.size(), now_);
    client_.on_bytes(client_link_, bytes, now_);
    client_.poll(now_);
    of_server_.hear(bytes, talk_.server);
    return !bytes.empty();
  }
  static Bytes gather(const StreamOutput& output) {
    Bytes bytes;
    for (const ByteSpan part : output.parts) bytes.insert(bytes.end(), part.begin(), part.end());
    return bytes;
  }

  OpenAuthenticator open_;
  ReplicationServer server_;
  Client client_{ClientOptions{}, Prng(1)};
  client_test::Workload workload_{Prng(3)};
  Prng events_{4};
  uint64_t writes_ = 0;
  EntityId ship_;
  Now now_{Instant{1'000'000'000}, 0};
  LinkId client_link_;
  Listener of_server_;
  Listener of_client_;
  Talk talk_;
};

}  // namespace

void Listener::hear(ByteSpan bytes, std::vector<Said>& out) {
  if (bytes.empty()) return;
  if (preface_.size() < kPrefaceBytes) {
    const size_t n = std::min(bytes.size(), kPrefaceBytes - preface_.size());
    preface_.insert(preface_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n));
    bytes = bytes.subspan(n);
    if (preface_.size() < kPrefaceBytes) return;
    ECSDB_CHECK(decode_preface(preface_).ok());
    out.push_back({true, {}, preface_, {}});
  }
  reader_.feed(bytes);
  while (true) {
    const auto frame = reader_.next();
    ECSDB_CHECK(frame.ok());
    if (!frame->has_value()) return;
    out.push_back(said_of(**frame));
  }
}

const Schema& loud_harbour() {
  static const Schema kSchema = make_loud_harbour();
  return kSchema;
}

WriteDraft draft_of_talk(Client& client, uint64_t number, EntityId& ship) {
  WriteDraft draft = client.begin().value();
  const FieldValue gold{0, Value{static_cast<int64_t>(number)}};
  if (number == 1) {
    ship = draft.spawn();
    const FieldValue values[] = {{client_test::kPos, Value{Vec2f{5, 5}}},
                                 {client_test::kName, Value{std::string("mine")}}};
    ECSDB_CHECK(draft.put(client_test::kShip, ship, values).ok());
    ECSDB_CHECK(draft.put(client_test::kCargo, ship, std::span(&gold, 1)).ok());
  } else if (number == 2) {  // there is one already
    ECSDB_CHECK(draft.put(client_test::kCargo, ship, std::span(&gold, 1)).ok());
  } else if (number >= kWrites) {
    draft.despawn(ship);
  } else {
    ECSDB_CHECK(draft.set(client_test::kShip, ship, client_test::kPaint, Value{number}).ok());
    ECSDB_CHECK(draft.set(client_test::kCargo, ship, std::span(&gold, 1)).ok());
  }
  return draft;
}

void emit_some(ReplicationServer& server, Prng& random, const Now& now) {
  const auto event = static_cast<LoudEvent>(random.below(3));
  const auto ships = server.database().table(client_test::kShip).rows();
  EntityId entity;
  if (event == kBoom) {
    if (ships.empty()) return;
    entity = ships[random.below(ships.size())].entity;
  }
  FieldValue value{0, Value{random.below(100)}};
  if (event == kCall) value.value = Value{random.between(-2, 5)};
  if (event == kGong) value.value = Value{std::string("dong")};
  const Status emitted = server.emit(event, entity, std::span(&value, 1), now);
  ECSDB_CHECK(emitted.ok() || emitted.code() == ErrorCode::kQueueFull);
}

const Talk& harbour_talk() {
  static const Talk kTalk = Recorder().record();
  return kTalk;
}

void append_said(Bytes& stream, const Said& said) {
  if (said.is_preface) {
    stream.insert(stream.end(), said.head.begin(), said.head.end());
    return;
  }
  append_frame(stream, said.type, said.head, said.tail.size());
  stream.insert(stream.end(), said.tail.begin(), said.tail.end());
}

Bytes join(const Said& said) {
  Bytes out;
  ByteWriter writer(out);
  writer.u16(checked_cast<uint16_t>(said.head.size()));
  writer.bytes(said.head);
  writer.bytes(said.tail);
  return out;
}

Said split(MessageType type, ByteSpan bytes) {
  Input in(bytes);
  const ByteSpan head = in.take(in.u16());
  const ByteSpan tail = in.rest();
  return {false, type, Bytes(head.begin(), head.end()), Bytes(tail.begin(), tail.end())};
}

void mend_lengths(Said& said, const Version* from) {
  Advance head;
  if (!decode_message(said.head, head).ok()) return;
  if (from != nullptr) head.from = *from;
  size_t before = 0;
  for (const BlockEntry& entry : head.blocks) before += entry.bytes;
  if (!head.blocks.empty()) {
    BlockEntry& last = head.blocks.back();
    before -= last.bytes;
    if (before <= said.tail.size() && said.tail.size() - before <= kBlockBytesHardMax) {
      last.bytes = static_cast<uint32_t>(said.tail.size() - before);
    }
  }
  said.head.clear();
  ByteWriter writer(said.head);
  encode_fields(head, writer);
}

}  // namespace ecsdb::fuzz
