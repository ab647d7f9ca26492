// The client against a server that says anything at all: reads show whole cuts and are sound, a
// fault changes nothing, events add up to the rows, and what the client says is sound too.
//
//   input: a script; the tag says what a record is, see Step
#include <map>
#include <optional>
#include <set>

#include "harbour_talk.h"
#include "table_checks.h"

namespace ecsdb::fuzz {
namespace {

enum class Step : uint8_t {
  kTruth,  // count u8: so many frames of what the server really sent next
  kSkip,   // count u8: so many frames of the truth are left out
  kRaw,    // bytes of the stream
  // Frames: the record is the head.
  kAuthReply,
  kSchemaPart,
  kSubscribeReply,
  kSyncBegin,
  kServerHeartbeat,
  kGoodbye,
  kAnyFrame,  // type u8 | head
  // Frames with a tail: head length u16 | head | tail. Mended: lengths and base version are right.
  kSyncChunk,
  kAdvance,
  kMendedChunk,
  kMendedAdvance,
  kTime,     // ms u16
  kCommand,  // u8, see command()
  kPieces,   // sizes of the pieces in which the stream comes from here on
  // Frames again: the record is the head.
  kResumeReply,
  kSyncMark,
  kOutcomes,
  kWriteRefused,
  kEvents,
};
constexpr size_t kSteps = 22;
constexpr size_t kRecordsMax = 60;
constexpr uint64_t kRowsMax = 1000;

ClientOptions client_options() {
  ClientOptions options;
  options.rows_max = kRowsMax;
  options.pending_bytes_max = 1u << 20;
  return options;
}

class ClientUnderTest {
 public:
  ClientUnderTest() {
    for (const char* table : client_test::kTableNames) {
      client_.on_row(table, [this](const RowEvent& event) { on_row(event); });
      client_.on_predicted_row(table, [this](const RowEvent& event) {
        ECSDB_CHECK(event.table < client_.db().table_count());
      });
    }
    client_.on_entity([this](const EntityEvent& event) { on_entity(event); });
    client_.on_outcome([this](const WriteOutcome& outcome) { on_outcome(outcome); });
    for (const char* event : {"boom", "call", "gong"}) {
      client_.on_event(event, [this](const Event& told) { on_told(told); });
    }
    for (const char* table : {"ship", "chat", "bag"}) client_.subscribe(table, now_);
    client_.connect(now_);
    pump();
  }

  void run(const Record& record) {
    Input in(record.bytes);
    const Step step = static_cast<Step>(record.tag % kSteps);
    is_honest_ &= step == Step::kTruth || step == Step::kPieces;
    switch (step) {
      case Step::kTruth:
        for (size_t n = 1 + in.u8() % 64; n > 0; --n) {
          is_quick_ = n > 1;
          if (!is_quick_) seen_ = state_of(client_.db());
          if (const Said* said = next_truth()) say_truth(*said);
        }
        is_quick_ = false;
        break;
      case Step::kSkip:
        for (size_t n = 1 + in.u8() % 64; n > 0; --n) next_truth();
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
      case Step::kSyncChunk:
      case Step::kMendedChunk:
        say_with_tail(MessageType::kSyncChunk, record.bytes, step == Step::kMendedChunk);
        break;
      case Step::kAdvance:
      case Step::kMendedAdvance:
        say_with_tail(MessageType::kAdvance, record.bytes, step == Step::kMendedAdvance);
        break;
      case Step::kTime:
        now_.steady = now_.steady + Duration::ms(in.u16());
        client_.on_timer(now_);
        break;
      case Step::kCommand:
        command(in);
        break;
      case Step::kPieces:
        pieces_ = Pieces(in.take(15));
        break;
      default:
        say({false, type_of(step), record.bytes, {}});
    }
    pump();
    if (is_honest_) ECSDB_CHECK(client_.stats().faults == 0);
  }

 private:
  static MessageType type_of(Step step) {
    switch (step) {
      case Step::kAuthReply:
        return MessageType::kAuthReply;
      case Step::kSchemaPart:
        return MessageType::kSchemaPart;
      case Step::kSubscribeReply:
        return MessageType::kSubscribeReply;
      case Step::kSyncBegin:
        return MessageType::kSyncBegin;
      case Step::kServerHeartbeat:
        return MessageType::kServerHeartbeat;
      case Step::kResumeReply:
        return MessageType::kResumeReply;
      case Step::kSyncMark:
        return MessageType::kSyncMark;
      case Step::kOutcomes:
        return MessageType::kOutcomes;
      case Step::kWriteRefused:
        return MessageType::kWriteRefused;
      case Step::kEvents:
        return MessageType::kEvents;
      default:
        return MessageType::kGoodbye;
    }
  }
  const Said* next_truth() {
    const auto& server = harbour_talk().server;
    return truth_ < server.size() ? &server[truth_++] : nullptr;
  }
  void say_truth(const Said& said) {
    Outcomes outcomes;
    const bool is_of_writes = !said.is_preface && said.type == MessageType::kOutcomes;
    if (is_of_writes && decode_message(said.head, outcomes).ok()) {
      for (const Outcome& outcome : outcomes.outcomes) write_up_to(outcome.sequence);
    }
    say(said);
  }
  void say(const Said& said) {
    if (said.head.size() > kFrameHeadBytesMax || said.tail.size() > kFrameTailBytesMax) return;
    Bytes bytes;
    append_said(bytes, said);
    hear(bytes);
  }
  void say_with_tail(MessageType type, ByteSpan bytes, bool is_mended) {
    Said said = split(type, bytes);
    const Version cut = client_.db().cut();
    // The base of what a sync puts together is not to be seen: there, only lengths are mended.
    const bool is_live = client_.sync().phase == SyncStatus::Phase::kLive;
    if (is_mended) mend_lengths(said, is_live ? &cut : nullptr);
    say(said);
  }
  /// Nothing but poll() changes what is to be read, except that the first schema comes.
  void hear(ByteSpan bytes) {
    pieces_.cut(bytes, [&](const Bytes& piece) {
      if (is_up_) heard_ += piece.size();
      client_.on_bytes(link_, piece, now_);
      if (polls_) poll();
      pump();
      return true;
    });
    if (!is_quick_) ECSDB_CHECK(state_of(client_.db()) == seen_);
  }
  void poll() {
    while (true) {
      const Hash128 schema = client_.db().schema().fingerprint();
      const uint64_t faults = client_.stats().faults;
      touched_.clear();
      if (client_.poll(now_, 1) == 0) {
        ECSDB_CHECK(touched_.empty());
        return;
      }
      ECSDB_CHECK(client_.stats().faults == faults);
      const bool is_new = !(client_.db().schema().fingerprint() == schema);
      if (is_quick_ && !is_new) continue;
      seen_ = state_of(client_.db());
      check_db(client_.db());
      ECSDB_CHECK(rows_held() <= kRowsMax);
      check_events(is_new);
    }
  }
  uint64_t rows_held() {
    uint64_t rows = 0;
    for (size_t t = 0; t < client_.db().table_count(); ++t)
      rows += client_.db().table(t).row_count();
    return rows;
  }
  void on_row(const RowEvent& event) {
    ECSDB_CHECK(event.table < client_.db().table_count());
    auto& rows = rows_[event.table];
    const bool is_there = client_.db().contains(event.table, event.entity);
    switch (event.kind) {
      case RowEventKind::kInsert:
      case RowEventKind::kEnter:
        ECSDB_CHECK(rows.insert(event.entity).second && is_there);
        break;
      case RowEventKind::kChange:
        ECSDB_CHECK(rows.contains(event.entity) && is_there && event.changed != 0);
        break;
      case RowEventKind::kRemove:
      case RowEventKind::kLeave:
        ECSDB_CHECK(rows.erase(event.entity) == 1 && !is_there);
        break;
    }
    touched_.insert(event.entity);
  }
  void on_entity(const EntityEvent& event) {
    ECSDB_CHECK(touched_.contains(event.entity));
    if (event.kind == EntityEventKind::kGone) {
      ECSDB_CHECK(entities_.erase(event.entity) == 1);
    } else {
      const bool is_new = entities_.insert(event.entity).second;
      ECSDB_CHECK(is_new == (event.kind == EntityEventKind::kAppeared));
    }
  }
  /// Another schema has other tables: what was held under the old ones is counted anew.
  void check_events(bool is_new_schema) {
    ClientDb& db = client_.db();
    std::map<uint16_t, std::set<EntityId>> rows;
    std::set<EntityId> entities;
    for (uint16_t t = 0; t < db.table_count(); ++t) {
      for (const Row& row : db.table(t).rows()) {
        rows[t].insert(row.entity);
        entities.insert(row.entity);
      }
    }
    if (is_new_schema) {
      rows_ = rows;
      entities_ = entities;
      knows_all_ = false;
    }
    if (!knows_all_) return;
    std::erase_if(rows_, [](const auto& table) { return table.second.empty(); });
    ECSDB_CHECK(rows_ == rows && entities_ == entities);
  }
  /// Open ones once, then one that is final.
  void on_outcome(const WriteOutcome& outcome) {
    ECSDB_CHECK(outcome.id.value >= 1 && outcome.id.value <= written_);
    ECSDB_CHECK(!outcome.is_open || outcome.kind == WriteOutcome::Kind::kUnknown);
    ECSDB_CHECK((outcome.is_open ? open_ : decided_).insert(outcome.id).second);
    ECSDB_CHECK(!outcome.is_open || !decided_.contains(outcome.id));
  }
  void on_told(const Event& event) {
    ECSDB_CHECK(event.event < client_.db().schema().def().events.size());
    ECSDB_CHECK(event.version <= client_.db().cut());
    const EventDef& def = client_.db().schema().def().events[event.event];
    ECSDB_CHECK(event.values.size() == def.fields.size());
  }
  /// The writes that the real client had made by then.
  void write_up_to(uint64_t number) {
    while (written_ < number && write()) {
    }
  }
  bool write() {
    if (!client_.db().schema().table_index("ship")) return false;
    const bool is_loud = client_.db().schema().fingerprint() == loud_harbour().fingerprint();
    if (!is_loud || !client_.submit(draft_of_talk(client_, written_ + 1, ship_), now_).ok()) {
      return false;
    }
    ++written_;
    pump();
    return true;
  }
  void command(Input& in) {
    const unsigned what = in.u8();
    switch (what % 10) {
      case 0:
        client_.on_closed(link_, now_);
        is_up_ = false;
        break;
      case 1:
        client_.disconnect(now_);
        break;
      case 2:
        client_.connect(now_);
        break;
      case 3:
        last_ = client_.subscribe(client_test::kTableNames[in.below(4)], now_);
        break;
      case 4:
        last_ = client_.subscribe_box("ship", CellKey::grid(-1, -1), CellKey::grid(1, 1), now_);
        break;
      case 5:
        client_.unsubscribe(last_, now_);
        break;
      case 6:
        polls_ = !polls_;
        if (polls_) poll();
        ECSDB_CHECK(state_of(client_.db()) == seen_);
        break;
      case 7:
        accepts_ = in.u8();
        break;
      case 8:
        write();
        break;
      case 9: {
        const FieldValue n{1, int64_t{3}};
        const Status sent = client_.send_event(kGong, EntityId{}, std::span(&n, 1), now_);
        ECSDB_CHECK(sent.ok() || sent.code() != ErrorCode::kTypeMismatch || !is_honest_);
        break;
      }
    }
  }
  /// What the client wants done: links, events, bytes that can be read.
  void pump() {
    while (client_.next_event()) {
    }
    if (is_up_ && client_.has_output(link_)) take_output();
    const auto dial = client_.next_dial();
    if (!dial) return;
    if (is_up_) client_.on_closed(link_, now_);
    link_ = *dial;
    is_up_ = true;
    truth_ = heard_ = 0;
    said_ = Listener();
    client_.on_connected(link_, now_);
    take_output();
  }
  void take_output() {
    const StreamOutput output = client_.output(link_, now_);
    ECSDB_CHECK(output.parts.size() <= kOutputPartsMax);
    Bytes bytes;
    for (const ByteSpan part : output.parts) bytes.insert(bytes.end(), part.begin(), part.end());
    if (accepts_ != 0) bytes.resize(std::min(bytes.size(), accepts_));
    std::vector<Said> frames;
    said_.hear(bytes, frames);
    for (const Said& said : frames) {
      if (!said.is_preface) check_said(said);
    }
    const bool closes = output.close && bytes.size() == output.bytes();
    client_.on_sent(link_, bytes.size(), now_);
    if (!closes) return;
    client_.on_closed(link_, now_);
    is_up_ = false;
  }
  void check_said(const Said& said) {
    ECSDB_CHECK(said.tail.empty());
    if (said.type != MessageType::kAck) return;
    Ack ack;
    ECSDB_CHECK(decode_message(said.head, ack).ok());
    ECSDB_CHECK(ack.bytes <= heard_ && ack.cut <= client_.db().cut());
  }

  Client client_{client_options(), Prng(1)};
  Now now_{Instant{1'000'000'000}, 0};
  LinkId link_;
  bool is_up_ = false;
  bool polls_ = true;
  size_t accepts_ = 0;     // bytes that the link takes at once; 0: all
  DbState seen_;           // after the last cut
  bool is_quick_ = false;  // in the middle of the truth: looked at when it is over
  bool is_honest_ = true;  // nothing but the truth has come
  size_t truth_ = 0;
  uint64_t heard_ = 0;  // bytes of this connection
  Pieces pieces_;
  Listener said_;
  SubscriptionId last_;
  std::map<uint16_t, std::set<EntityId>> rows_;  // by table, as the events tell
  std::set<EntityId> entities_;
  std::set<EntityId> touched_;  // by this cut
  uint64_t written_ = 0;
  EntityId ship_;
  std::set<WriteId> open_;
  std::set<WriteId> decided_;
  bool knows_all_ = true;  // false once there are tables without a callback
};

}  // namespace
}  // namespace ecsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ecsdb::fuzz::Script script = ecsdb::fuzz::parse_script(ecsdb::ByteSpan(data, size));
  ecsdb::fuzz::ClientUnderTest client;
  for (size_t i = 0; i < std::min(script.size(), ecsdb::fuzz::kRecordsMax); ++i) {
    client.run(script[i]);
  }
  return 0;
}
