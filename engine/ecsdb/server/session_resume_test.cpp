// Going on from what a client holds, frame by frame.
#include <gtest/gtest.h>

#include "ecsdb/server/test_peer.h"

namespace ecsdb::server_test {
namespace {

/// The guest's rights may be changed between connections.
class ChangingRights final : public Authenticator {
 public:
  std::optional<Identity> authenticate(ByteSpan, const Now&) const override { return identity; }
  Identity identity{PrincipalId{7}, "gus", {"guest"}, {{"room", 3}}};
};

class ResumeTest : public ::testing::Test {
 protected:
  explicit ResumeTest(ServerOptions options = {}) : bench_(options) {}

  static ResumeCell held(uint32_t handle, CellKey key, uint16_t table = 1) {
    return {handle, 1, TableId{table}, key, HeldState::kHeld};
  }
  Resume position(std::vector<ResumeCell> cells) const {
    Resume resume;
    resume.database_id = bench_.server.database().options().id;
    resume.epoch = bench_.server.database().options().epoch;
    resume.cut = cut_;
    resume.generation = 1;
    resume.cells = std::move(cells);
    return resume;
  }
  /// Connects, asks for the units and says what it holds; the answer.
  ResetReason resume(Peer& peer, const Resume& resume, bool knows_schema = true) {
    peer.greet();
    Auth auth;
    auth.token = {'g', 'u', 'e', 's', 't', ' ', 't', 'o', 'k', 'e', 'n'};
    auth.is_resuming = true;
    auth.ticket = ticket_;
    if (knows_schema) auth.schema_known = bench_.server.database().schema().fingerprint();
    peer.send(MessageType::kAuth, auth);
    Subscribe request;
    request.add = {subscription_};
    peer.send(MessageType::kSubscribe, request);
    peer.send(MessageType::kResume, resume);
    peer.receive();
    frames_ = peer.take();
    for (const Received& frame : frames_) {
      if (frame.type == MessageType::kAuthReply) ticket_ = frame.as<AuthReply>().ticket;
      if (frame.type == MessageType::kResumeReply) return frame.as<ResumeReply>().reason;
    }
    ADD_FAILURE() << "no resume_reply";
    return ResetReason::kNone;
  }
  size_t count(MessageType type) const {
    return static_cast<size_t>(std::count_if(frames_.begin(), frames_.end(),
                                             [&](const Received& f) { return f.type == type; }));
  }
  /// Two units in two cells, and a client that has seen them go by.
  void begin() {
    near_ = bench_.add_unit(5, 5);
    far_ = bench_.add_unit(95, 5);
    cut_ = bench_.server.database().published();
  }
  std::vector<ResumeCell> both() const {
    return {held(0, CellKey::grid(0, 0)), held(1, CellKey::grid(9, 0))};
  }

  Bench bench_;
  EntityId near_;
  EntityId far_;
  Version cut_;
  Bytes ticket_;
  Subscription subscription_{SubscriptionId{1}, TableId{1}, SelectorKind::kAll, {}, {}, {}};
  std::vector<Received> frames_;
};

TEST_F(ResumeTest, OnlyWhatChangedComes) {
  begin();
  bench_.hit(near_, 5);
  Peer peer(bench_, 1);
  EXPECT_EQ(resume(peer, position(both())), ResetReason::kNone);
  EXPECT_EQ(count(MessageType::kSyncBegin), 0u);
  ASSERT_EQ(count(MessageType::kAdvance), 1u);
  for (const Received& frame : frames_) {
    if (frame.type != MessageType::kAdvance) continue;
    EXPECT_EQ(frame.as<Advance>().from, cut_);
    EXPECT_EQ(frame.as<Advance>().kind(), AdvanceKind::kNet);
    EXPECT_EQ(handles_of(frame.as<Advance>()), (std::vector<uint32_t>{0}));
  }
  bench_.hit(far_, 6);
  peer.receive();
  ASSERT_EQ(peer.take_advances().size(), 1u);  // live at once
  EXPECT_EQ(bench_.server.stats().resumes, 1u);
}

TEST_F(ResumeTest, NothingChangedMeansNoAdvanceButDigests) {
  begin();
  Peer peer(bench_, 1);
  EXPECT_EQ(resume(peer, position(both())), ResetReason::kNone);
  EXPECT_EQ(count(MessageType::kAdvance), 0u);
  ASSERT_EQ(frames_.back().type, MessageType::kServerHeartbeat);
  const auto digests = frames_.back().as<ServerHeartbeat>().digests;
  ASSERT_EQ(digests.size(), 2u);
  EXPECT_EQ(digests[1].digest, bench_.server.digest(kUnit, CellKey::grid(9, 0)));
}

TEST_F(ResumeTest, CellsOutsideOfTheSubscriptionsAreLeftAndNewOnesEnter) {
  begin();
  subscription_ = of_keys(1, 1, {CellKey::grid(0, 0)});
  Peer peer(bench_, 1);
  EXPECT_EQ(resume(peer, position({held(1, CellKey::grid(9, 0))})), ResetReason::kNone);
  ASSERT_EQ(count(MessageType::kAdvance), 1u);
  for (const Received& frame : frames_) {
    if (frame.type != MessageType::kAdvance) continue;
    const Advance advance = frame.as<Advance>();
    ASSERT_EQ(advance.leaves.size(), 1u);
    EXPECT_EQ(advance.leaves[0].handle, 1u);
    ASSERT_EQ(advance.enters.size(), 1u);
    EXPECT_EQ(advance.enters[0].key, CellKey::grid(0, 0));
    EXPECT_EQ(advance.enters[0].generation, 2u);
  }
}

TEST_F(ResumeTest, OtherDatabaseAndPositionsOfTheFuture) {
  begin();
  Resume other = position(both());
  other.database_id.low ^= 1;
  Resume late = position(both());
  late.cut = cut_.next();
  Resume epoch = position(both());
  epoch.epoch = Epoch{2};
  const std::pair<Resume, ResetReason> cases[] = {{other, ResetReason::kOtherDatabase},
                                                  {late, ResetReason::kPastFork},
                                                  {epoch, ResetReason::kPastFork}};
  uint64_t link = 0;
  for (const auto& [position, reason] : cases) {
    Peer peer(bench_, ++link);
    EXPECT_EQ(resume(peer, position), reason);
    EXPECT_EQ(count(MessageType::kSyncBegin), 1u);  // what was asked for stands
    EXPECT_EQ(bench_.server.stats().resets[static_cast<size_t>(reason)], link == 3 ? 2u : 1u);
  }
}

TEST_F(ResumeTest, OtherSchemaIgnoresWhatWasAskedForInTheOldOne) {
  begin();
  Peer peer(bench_, 1);
  EXPECT_EQ(resume(peer, position(both()), false), ResetReason::kSchemaBreak);
  EXPECT_EQ(count(MessageType::kSubscribeReply), 0u);
  EXPECT_EQ(count(MessageType::kSyncBegin), 0u);
  EXPECT_EQ(peer.subscribe(1), ErrorCode::kOk);
  frames_ = peer.take();
  EXPECT_EQ(count(MessageType::kSyncBegin), 1u);
}

TEST_F(ResumeTest, ImpossibleCellsAreUnknown) {
  begin();
  const std::vector<ResumeCell> lists[] = {
      {held(0, CellKey::grid(0, 0)), held(0, CellKey::grid(9, 0))},
      {held(1u << 19, CellKey::grid(0, 0))},
      {held(0, CellKey::value(3))},
      {held(0, CellKey::one(), 99)},
      {{0, 9, TableId{1}, CellKey::grid(0, 0), HeldState::kHeld}},
  };
  uint64_t link = 0;
  for (const auto& cells : lists) {
    Peer peer(bench_, ++link);
    EXPECT_EQ(resume(peer, position(cells)), ResetReason::kCellsUnknown) << link;
    EXPECT_EQ(count(MessageType::kSyncBegin), 1u);
    bench_.hit(near_, link);
    peer.receive();
    EXPECT_FALSE(peer.is_closed());
  }
}

TEST_F(ResumeTest, NobodyElsesResumeIsExpected) {
  begin();
  Peer peer(bench_, 1);
  peer.go_live({1});
  peer.send(MessageType::kResume, position(both()));
  peer.receive();
  EXPECT_EQ(peer.goodbye()->code, static_cast<uint16_t>(ErrorCode::kUnexpectedMessage));
}

TEST_F(ResumeTest, FramesOfOneResumeMustAgree) {
  begin();
  Peer peer(bench_, 1);
  peer.greet();
  Auth auth;
  auth.token = {'g', 'u', 'e', 's', 't', ' ', 't', 'o', 'k', 'e', 'n'};
  auth.is_resuming = true;
  peer.send(MessageType::kAuth, auth);
  Resume part = position({held(0, CellKey::grid(0, 0))});
  part.is_last = false;
  peer.send(MessageType::kResume, part);
  part.cut = Version{1};
  peer.send(MessageType::kResume, part);
  peer.receive();
  EXPECT_EQ(peer.goodbye()->code, static_cast<uint16_t>(ErrorCode::kFrameMalformed));
}

class TrimmedResumeTest : public ResumeTest {
 protected:
  static ServerOptions forgetful() {
    ServerOptions options;
    options.database.tombstones_max = 0;
    return options;
  }
  TrimmedResumeTest() : ResumeTest(forgetful()) {}
};

TEST_F(TrimmedResumeTest, FewLostCellsAreReplacedManyAreUnknown) {
  const EntityId stays = bench_.add_unit(45, 5);
  bench_.add_unit(46, 5);
  begin();
  bench_.add_unit(6, 5);
  bench_.step([&](Transaction& tx) { EXPECT_TRUE(tx.remove(kUnit, near_).ok()); });
  Peer peer(bench_, 1);
  auto cells = both();
  cells.push_back(held(2, CellKey::grid(4, 0)));
  EXPECT_EQ(resume(peer, position(cells)), ResetReason::kNone);
  for (const Received& frame : frames_) {
    if (frame.type != MessageType::kAdvance) continue;
    EXPECT_EQ(frame.as<Advance>().leaves.size(), 1u);
    EXPECT_EQ(frame.as<Advance>().enters.size(), 1u);
  }
  bench_.step([&](Transaction& tx) { EXPECT_TRUE(tx.remove(kUnit, stays).ok()); });
  Peer other(bench_, 2);
  EXPECT_EQ(resume(other, position(cells)), ResetReason::kCellsUnknown);
}

TEST(ResumeRights, ChangedRightsVoidWhatIsHeld) {
  ChangingRights rights;
  CountingSecrets secrets;
  ReplicationServer server(yard(), {}, &rights, &secrets);
  Bytes ticket;
  auto dial = [&](uint64_t link) {
    const Now now{Instant{1'000'000'000}, 0};
    server.on_connected(LinkId{link}, now);
    Bytes hello;
    const auto preface = encode_preface(Preface{});
    hello.assign(preface.begin(), preface.end());
    Auth auth;
    auth.ticket = ticket;
    auth.is_resuming = true;
    auth.schema_known = server.database().schema().fingerprint();
    append_message(hello, MessageType::kAuth, auth);
    Resume resume;
    resume.database_id = server.database().options().id;
    resume.epoch = server.database().options().epoch;
    append_message(hello, MessageType::kResume, resume);
    server.on_bytes(LinkId{link}, hello, now);
    Bytes said;
    for (const ByteSpan part : server.output(LinkId{link}).parts) {
      said.insert(said.end(), part.begin(), part.end());
    }
    FrameReader reader({kFrameHeadBytesMax, kFrameTailBytesMax});
    reader.feed(ByteSpan(said).subspan(kPrefaceBytes));
    ResumeReply reply;
    for (auto frame = reader.next(); frame.ok() && frame->has_value(); frame = reader.next()) {
      AuthReply auth_reply;
      if ((*frame)->type == MessageType::kAuthReply) {
        EXPECT_TRUE(decode_message((*frame)->head, auth_reply).ok());
        ticket = auth_reply.ticket;
      } else if ((*frame)->type == MessageType::kResumeReply) {
        EXPECT_TRUE(decode_message((*frame)->head, reply).ok());
      }
    }
    return reply.reason;
  };
  EXPECT_EQ(dial(1), ResetReason::kCellsUnknown);  // it holds nothing yet
  rights.identity.claims = {{"room", 4}};
  EXPECT_EQ(dial(2), ResetReason::kRightsChanged);
  EXPECT_EQ(server.stats().fenced, 1u);
}

}  // namespace
}  // namespace ecsdb::server_test
