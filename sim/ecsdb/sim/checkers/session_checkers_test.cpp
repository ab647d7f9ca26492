// The checkers of sessions: each is quiet on what is right and speaks up on what is not.
#include <gtest/gtest.h>

#include "ecsdb/sim/checkers/authorisation.h"
#include "ecsdb/sim/checkers/bounded_resources.h"
#include "ecsdb/sim/checkers/no_useless_work.h"
#include "ecsdb/sim/checkers/session_resume.h"
#include "ecsdb/sim/scenario.h"

namespace ecsdb::sim {
namespace {

const LinkId kLink{7};
const LinkId kNewer{8};

Instant at_ms(int64_t ms) { return Instant{} + Duration::ms(ms); }

// --- I13 ---

class SessionResumeTest : public testing::Test {
 protected:
  SessionResumeTest() {
    checker_.on_dialled(kLink, {1, 1});
    checker_.on_dialled(kNewer, {1, 1});
    checker_.on_authenticated(kLink, ClientId{5}, at_ms(0));
  }

  static ServerOptions options() {
    ServerOptions out;
    out.session_timeout = Duration::seconds(10);
    return out;
  }

  ViolationLog violations_;
  SessionResume checker_{options(), violations_};
};

TEST_F(SessionResumeTest, QuietWhereASessionGoesOnAndTheOlderConnectionEnds) {
  checker_.on_ticket_received(kLink);
  checker_.on_authenticated(kNewer, ClientId{5}, at_ms(100));
  checker_.on_drained(at_ms(100));
  checker_.on_link_gone(kLink, at_ms(200));
  checker_.on_drained(at_ms(60'000));
  EXPECT_TRUE(violations_.safe());
}

TEST_F(SessionResumeTest, SeesAnOlderConnectionThatGoesOn) {
  checker_.on_authenticated(kNewer, ClientId{5}, at_ms(100));
  checker_.on_drained(at_ms(2100));
  EXPECT_TRUE(violations_.safe());  // it may take so long to say goodbye
  checker_.on_drained(at_ms(2101));
  EXPECT_EQ(violations_.count(), 1u);
}

TEST_F(SessionResumeTest, SeesASessionThatIsGivenToAnotherProcess) {
  checker_.on_dialled(LinkId{9}, {2, 1});
  checker_.on_link_gone(kLink, at_ms(50));
  checker_.on_authenticated(LinkId{9}, ClientId{5}, at_ms(100));
  EXPECT_EQ(violations_.count(), 1u);
}

TEST_F(SessionResumeTest, SeesASessionThatIsLostBeforeItsTime) {
  checker_.on_ticket_received(kLink);
  checker_.on_link_gone(kLink, at_ms(1000));
  checker_.on_authenticated(kNewer, ClientId{6}, at_ms(10'999));
  EXPECT_EQ(violations_.count(), 1u);
}

TEST_F(SessionResumeTest, ASessionMayExpireAndOneWithoutATicketMayBeForgotten) {
  checker_.on_link_gone(kLink, at_ms(1000));
  checker_.on_authenticated(kNewer, ClientId{6}, at_ms(1100));
  EXPECT_TRUE(violations_.safe());  // the ticket never came
  checker_.on_ticket_received(kNewer);
  checker_.on_link_gone(kNewer, at_ms(1200));
  checker_.on_dialled(LinkId{9}, {1, 1});
  checker_.on_authenticated(LinkId{9}, ClientId{7}, at_ms(11'200));
  EXPECT_TRUE(violations_.safe());
}

// --- I14 and I17, over the wiretap ---

/// Two ends that say what they are told to.
class TappedTest : public testing::Test {
 protected:
  TappedTest() {
    // Rooms are for guests who claim them; the first principal claims room 0.
    client_says(preface());
    Auth auth;
    const ByteSpan token = as_bytes(rights_.of(PrincipalId{1}).token);
    auth.token.assign(token.begin(), token.end());
    client_says(frame(MessageType::kAuth, auth));
    server_says(preface());
  }
  static Bytes preface() {
    const auto bytes = encode_preface(Preface{});
    return Bytes(bytes.begin(), bytes.end());
  }
  static ServerOptions narrow() {
    ServerOptions out;
    out.unacked_bytes_max = 1000;
    out.ring_misses = 2;
    return out;
  }
  template <class M>
  static Bytes frame(MessageType type, const M& message) {
    Bytes out;
    append_message(out, type, message);
    return out;
  }
  static Advance entering(int64_t room, uint32_t handle) {
    Advance advance;
    const TableId table = scenario_schema().table(kChatTable).id;
    advance.enters.push_back({handle, 1, table, CellKey::value(room), Version{1}, 1});
    return advance;
  }
  static Advance block_of(uint32_t handle) {
    Advance advance;
    advance.blocks.push_back({static_cast<int32_t>(handle), 0});
    return advance;
  }
  void server_says(const Bytes& bytes) {
    // In two parts, of which one is cut: as links take them.
    const ByteSpan parts[] = {ByteSpan(bytes).first(bytes.size() / 3),
                              ByteSpan(bytes).subspan(bytes.size() / 3)};
    tap_.on_server_sent(kLink, parts, bytes.size() - 1, kNow_);
    const ByteSpan rest[] = {ByteSpan(bytes).last(1)};
    tap_.on_server_sent(kLink, rest, 1, kNow_);
  }
  void client_says(const Bytes& bytes) { tap_.on_server_received(kLink, bytes, kNow_); }

  const Instant kNow_{};
  ViolationLog violations_;
  SimAuthenticator rights_{scenario_identities()};
  Authorisation authorisation_{scenario_schema(), rights_, violations_};
  BoundedResources bounds_{narrow(), violations_};
  Wiretap tap_{{&authorisation_, &bounds_}};
};

TEST_F(TappedTest, QuietOnCellsThatMayBeRead) {
  server_says(frame(MessageType::kSyncChunk, entering(0, 3)));
  server_says(frame(MessageType::kAdvance, block_of(3)));
  EXPECT_TRUE(violations_.safe());
}

TEST_F(TappedTest, SeesAnEnterOfACellThatMayNotBeRead) {
  server_says(frame(MessageType::kSyncChunk, entering(1, 3)));
  EXPECT_EQ(violations_.count(), 1u);
  EXPECT_EQ(violations_.kept()[0].invariant, "authorisation");
}

TEST_F(TappedTest, SeesAnEventOfACellThatMayNotBeRead) {
  EventEntry entry;
  entry.event = scenario_schema().def().events[kNewsEvent].id;
  server_says(frame(MessageType::kEvents, Events{0, {entry}}));
  EXPECT_TRUE(violations_.safe());  // for everyone
  entry.event = scenario_schema().def().events[kWhisperEvent].id;
  EventValue to;
  to.field = FieldId{2};
  to.value.kind = 1;
  to.value.lanes.lane[0] = 2;
  entry.values = {to};
  server_says(frame(MessageType::kEvents, Events{0, {entry}}));
  EXPECT_EQ(violations_.count(), 1u);
}

TEST_F(TappedTest, SeesABlockOfACellThatNeverEnteredOrThatTheClientMadeUp) {
  server_says(frame(MessageType::kAdvance, block_of(4)));
  EXPECT_EQ(violations_.count(), 1u);
  Resume resume;
  resume.cells.push_back(
      {4, 1, scenario_schema().table(kChatTable).id, CellKey::value(2), HeldState::kHeld});
  client_says(frame(MessageType::kResume, resume));
  server_says(frame(MessageType::kAdvance, block_of(4)));
  EXPECT_EQ(violations_.count(), 2u);
}

TEST_F(TappedTest, RightsAreThoseOfTheTokenWhenItWasShown) {
  rights_.change(scenario_identity(PrincipalId{1}, 1));
  server_says(frame(MessageType::kSyncChunk, entering(0, 3)));
  EXPECT_TRUE(violations_.safe());
  tap_.on_link_gone(kLink);
  server_says(preface());
  server_says(frame(MessageType::kSyncChunk, entering(0, 3)));  // nobody has shown one
  EXPECT_EQ(violations_.count(), 1u);
}

TEST_F(TappedTest, SeesAnAdvanceThatIsBuiltBeyondTheWindow) {
  SchemaPart part;
  part.bytes.assign(1100, 0);
  server_says(frame(MessageType::kSchemaPart, part));  // the handshake is not held back
  EXPECT_TRUE(violations_.safe());
  server_says(frame(MessageType::kAdvance, Advance{}));
  EXPECT_EQ(violations_.count(), 1u);
  EXPECT_EQ(violations_.kept()[0].invariant, "bounded_resources");
  client_says(frame(MessageType::kAck, Ack{Version{}, 1100}));
  server_says(frame(MessageType::kAdvance, Advance{}));
  EXPECT_EQ(violations_.count(), 1u);
}

// --- I16 ---

class NoUselessWorkTest : public testing::Test {
 protected:
  using Kind = ClientEvent::Kind;
  NoUselessWorkTest() { checker_.on_launch(ClientOptions{}); }
  void tell(Kind kind, int64_t ms, ErrorCode code = ErrorCode::kOk) {
    checker_.on_event({kind, code, "", {}}, at_ms(ms));
  }

  ViolationLog violations_;
  NoUselessWork checker_{3, violations_};
};

TEST_F(NoUselessWorkTest, QuietOnABackOffThatDoublesUpToItsBound) {
  int64_t at = 0;
  int64_t delay = 100;
  for (int i = 0; i < 12; ++i) {
    tell(Kind::kClosed, at, ErrorCode::kLinkClosed);
    at += delay;
    checker_.on_dial(at_ms(at));
    delay = std::min<int64_t>(delay * 2, 5000);
  }
  tell(Kind::kClosed, at, ErrorCode::kKicked);
  checker_.on_dial(at_ms(at + 1000));
  EXPECT_TRUE(violations_.safe());
}

TEST_F(NoUselessWorkTest, SeesADialThatComesTooSoonOrTooLate) {
  tell(Kind::kClosed, 0, ErrorCode::kLinkClosed);
  checker_.on_dial(at_ms(49));
  EXPECT_EQ(violations_.count(), 1u);
  tell(Kind::kClosed, 1000, ErrorCode::kLinkClosed);
  checker_.on_dial(at_ms(1201));
  EXPECT_EQ(violations_.count(), 2u);
  tell(Kind::kLive, 2000);
  tell(Kind::kClosed, 3000, ErrorCode::kLinkClosed);
  checker_.on_paused();
  checker_.on_dial(at_ms(9000));
  EXPECT_EQ(violations_.count(), 2u);
}

TEST_F(NoUselessWorkTest, SeesAFullSyncThatNothingAskedFor) {
  tell(Kind::kSyncing, 0);
  tell(Kind::kSyncing, 10);  // the first was cut and could not be gone on with
  tell(Kind::kSynced, 20);
  EXPECT_TRUE(violations_.safe());
  tell(Kind::kSyncing, 30);
  EXPECT_EQ(violations_.count(), 1u);
  tell(Kind::kReset, 40);
  tell(Kind::kSyncing, 50);
  tell(Kind::kSynced, 60);
  checker_.on_other_schema();
  tell(Kind::kSyncing, 70);
  EXPECT_EQ(violations_.count(), 1u);
}

TEST_F(NoUselessWorkTest, SeesAResetThatIsNotTrue) {
  tell(Kind::kSynced, 0);
  checker_.on_reset(ResetReason::kOtherDatabase, {.same_database = false}, at_ms(1));
  checker_.on_reset(ResetReason::kSchemaBreak, {.same_schema = false}, at_ms(1));
  checker_.on_reset(ResetReason::kCellsUnknown, {.within_horizon = false}, at_ms(1));
  checker_.on_reset(ResetReason::kRightsChanged, {}, at_ms(1));
  EXPECT_TRUE(violations_.safe());
  checker_.on_reset(ResetReason::kOtherDatabase, {}, at_ms(1));
  checker_.on_reset(ResetReason::kSchemaBreak, {}, at_ms(1));
  checker_.on_reset(ResetReason::kCellsUnknown, {}, at_ms(1));
  checker_.on_reset(ResetReason::kPastFork, {}, at_ms(1));
  EXPECT_EQ(violations_.count(), 4u);
}

}  // namespace
}  // namespace ecsdb::sim
