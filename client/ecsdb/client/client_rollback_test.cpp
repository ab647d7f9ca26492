// A server that has lost what it had shown: the client goes back to a cut that both have.
#include "ecsdb/client/test_compare.h"
#include "ecsdb/client/test_feed.h"
#include "ecsdb/client/test_script.h"

namespace ecsdb::client_test {
namespace {

constexpr DatabaseId kDatabase{7, 7};

/// A client that has followed some advances of a server with an archive, nothing of which is known
/// to be durable but the beginning, and what the client should show after each.
class Rollback : public Script {
 public:
  explicit Rollback(ClientOptions options = {})
      : Script(std::move(options)),
        feed_(port(CodecTier::kPacked, CodecTier::kPlain), 11),
        shadow_(feed_.schema()) {
    schema_ = feed_.schema();
    for (const char* table : {"ship", "cargo", "chat"}) {
      client_.subscribe(table, now());
      client_.on_row(table, [this](const RowEvent& event) { told_.push_back(event); });
    }
    dial();
    welcome_with(Epoch{1}, false);
    const ReceivedAdvance chunk = feed_.first_chunk();
    first_ = feed_.database().published();
    send(MessageType::kSyncBegin, SyncBegin{first_, 0, 0});
    send_advance(MessageType::kSyncChunk, chunk.head, chunk.tail);
    end_sync(first_);
    shadow_.start_sync(first_);
    EXPECT_TRUE(shadow_.apply_chunk(chunk).ok());
    states_.push_back(shadow_);
    heartbeat(Version{1});
    for (int i = 0; i < 8; ++i) {
      steps_.push_back(feed_.next());
      apply(steps_.back());
      steps_.back().apply_to(shadow_);
      states_.push_back(shadow_);
    }
    expect_shown(8);
    told_.clear();
  }

  void welcome_with(Epoch epoch, bool knows_schema = true, DatabaseId id = kDatabase) {
    greet();
    AuthReply reply = reply_for(schema_);
    reply.database_id = id;
    reply.epoch = epoch;
    if (knows_schema) reply.schema_bytes = 0;
    send(MessageType::kAuthReply, reply);
    if (knows_schema) return;
    send(MessageType::kSchemaPart, SchemaPart{0, encode_schema(schema_.def())});
  }
  void end_sync(Version version) {
    Advance end;
    end.set_flags(true, true, AdvanceKind::kSyncEnd);
    end.from = version;
    send_advance(MessageType::kAdvance, end);
    client_.poll(now());
    EXPECT_EQ(client_.sync().phase, SyncStatus::Phase::kLive);
  }
  void heartbeat(Version durable) {
    ServerHeartbeat heartbeat;
    heartbeat.durable = durable;
    send(MessageType::kServerHeartbeat, heartbeat);
  }
  void apply(const FeedStep& step) {
    const Advance& head = step.advance.head;
    if (step.chunk) {
      send(MessageType::kSyncBegin, SyncBegin{head.from, 0, 0});
      send_advance(MessageType::kSyncChunk, step.chunk->head, step.chunk->tail);
    }
    send_advance(MessageType::kAdvance, head, step.advance.tail);
    EXPECT_EQ(client_.poll(now()), 1u);
  }
  /// The link breaks, and the client dials and asks to go on.
  void come_back() {
    client_.on_closed(link_, now());
    time_ = time_ + Duration::seconds(6);
    client_.on_timer(now());
    accept();
  }
  void reply_fork(Epoch epoch, Version version) {
    take_sent();
    send(MessageType::kResumeReply, ResumeReply{ResetReason::kPastFork, epoch, version, false});
  }
  /// Broken off in the epoch of the position and heard of from a server in the next one.
  void lose_after(Version fork) {
    come_back();
    welcome_with(Epoch{2});
    reply_fork(Epoch{1}, fork);
  }
  void expect_shown(size_t state) { expect_same(client_.db(), states_[state]); }
  void expect_resume(Version cut, Epoch epoch) {
    accept();
    const std::vector<MessageType> sent = take_sent();
    ASSERT_FALSE(sent.empty());
    ASSERT_EQ(sent.back(), MessageType::kResume);
    const Resume resume = last_sent<Resume>();
    EXPECT_EQ(resume.cut, cut);
    EXPECT_EQ(resume.epoch, epoch);
    EXPECT_EQ(resume.database_id, kDatabase);
    EXPECT_EQ(resume.sync_version, Version{});
    size_t held = 0;
    for (const HeldCell& cell : client_.db().cells()) held += cell.held ? 1 : 0;
    EXPECT_EQ(resume.cells.size(), held);
  }
  /// The reply led to no other connection, and this one syncs anew.
  void expect_full_sync() {
    EXPECT_EQ(client_.stats().rollbacks, 0u);
    EXPECT_FALSE(client_.next_dial());
    expect_shown(8);
    send(MessageType::kSyncBegin, SyncBegin{Version{1000}, 0, 0});
    end_sync(Version{1000});
    EXPECT_EQ(client_.stats().full_syncs, 2u);
    EXPECT_EQ(client_.stats().faults, 0u);
    EXPECT_EQ(client_.db().cut(), Version{1000});
  }

  Feed feed_;
  Replica shadow_;
  std::vector<Replica> states_;  // after so many steps
  std::vector<FeedStep> steps_;
  Version first_;
  std::vector<RowEvent> told_;
};

TEST(ClientRollback, PastTheForkItGoesBackAndGoesOnFromThere) {
  Rollback t;
  t.lose_after(Version{t.first_.value + 1});
  // Outside of poll() reads do not change; nothing is dialled before.
  t.expect_shown(8);
  EXPECT_EQ(t.take_sent(), std::vector{MessageType::kGoodbye});
  EXPECT_EQ(t.last_sent<Goodbye>().code, static_cast<uint16_t>(ErrorCode::kClientLeft));
  EXPECT_TRUE(t.client_.output(t.link_, t.now()).close);
  t.time_ = t.time_ + Duration::seconds(10);
  t.client_.on_timer(t.now());
  EXPECT_FALSE(t.client_.next_dial());
  EXPECT_EQ(t.client_.poll(t.now(), 0), 0u);
  EXPECT_EQ(t.client_.poll(t.now()), 1u);
  t.expect_shown(0);
  EXPECT_EQ(sorted(t.told_), differences(t.states_[8], t.states_[0]));
  EXPECT_FALSE(t.told_.empty());
  t.expect_resume(t.first_, Epoch{2});
  t.welcome_with(Epoch{2});
  t.send(MessageType::kResumeReply, ResumeReply{});
  for (size_t i = 0; i < t.steps_.size(); ++i) {
    t.apply(t.steps_[i]);
    t.expect_shown(i + 1);
  }
  EXPECT_EQ(t.client_.stats().rollbacks, 1u);
  EXPECT_EQ(t.client_.stats().resets, 1u);
  EXPECT_EQ(t.client_.stats().resumes, 1u);
  EXPECT_EQ(t.client_.stats().full_syncs, 1u);
  EXPECT_EQ(t.client_.stats().faults, 0u);
}

TEST(ClientRollback, ACutBeforeTheForkOnlyGetsItsNewName) {
  Rollback t;
  t.lose_after(t.client_.db().cut());
  EXPECT_EQ(t.client_.poll(t.now()), 1u);
  t.expect_shown(8);
  EXPECT_TRUE(t.told_.empty());
  t.expect_resume(t.client_.db().cut(), Epoch{2});
}

TEST(ClientRollback, WithoutACutThatBothHaveItSyncsAnew) {
  Rollback early;
  early.lose_after(Version{early.first_.value - 1});
  early.expect_full_sync();
  Rollback unknown;
  unknown.lose_after(Version{});
  unknown.expect_full_sync();
  Rollback other_epoch;
  other_epoch.come_back();
  other_epoch.welcome_with(Epoch{3});
  other_epoch.reply_fork(Epoch{2}, other_epoch.first_);
  other_epoch.expect_full_sync();
  Rollback other_database;
  other_database.come_back();
  other_database.welcome_with(Epoch{2}, true, DatabaseId{8, 8});
  other_database.reply_fork(Epoch{1}, other_database.first_);
  other_database.expect_full_sync();
  ClientOptions options;
  options.before_image_bytes_max = 0;
  Rollback nothing_kept(options);
  nothing_kept.lose_after(nothing_kept.first_);
  nothing_kept.expect_full_sync();
}

TEST(ClientRollback, OtherReasonsNameNoFork) {
  Rollback t;
  t.come_back();
  t.welcome_with(Epoch{1});
  t.take_sent();
  t.send(MessageType::kResumeReply,
         ResumeReply{ResetReason::kCellsUnknown, Epoch{1}, t.first_, false});
  t.expect_full_sync();
}

TEST(ClientRollback, TwiceInARowItSyncsAnew) {
  Rollback t;
  t.lose_after(t.client_.db().cut());
  t.client_.poll(t.now());
  t.accept();
  t.welcome_with(Epoch{3});
  t.reply_fork(Epoch{2}, t.client_.db().cut());
  EXPECT_FALSE(t.client_.next_dial());
  t.send(MessageType::kSyncBegin, SyncBegin{Version{1000}, 0, 0});
  t.end_sync(Version{1000});
  EXPECT_EQ(t.client_.stats().rollbacks, 1u);
  EXPECT_EQ(t.client_.stats().full_syncs, 2u);
}

TEST(ClientRollback, DurableVersionsOfAnotherHistorySayNothing) {
  Rollback t;
  t.come_back();
  t.welcome_with(Epoch{2});
  t.heartbeat(Version{100'000});  // before the client knows which history that is
  t.reply_fork(Epoch{1}, t.first_);
  EXPECT_EQ(t.client_.poll(t.now()), 1u);
  t.expect_shown(0);
}

TEST(ClientRollback, PendingWritesStandUponWhatIsGoneBackTo) {
  Rollback t;
  EntityId ship;
  for (const Row& row : t.states_.front().table(kShip).rows()) {
    if (t.states_.back().contains(kShip, row.entity)) ship = row.entity;
  }
  ASSERT_FALSE(ship.is_none());
  const auto predicted = [&](uint16_t field) {
    return t.client_.predicted().value(kShip, ship, field).value();
  };
  WriteDraft draft = t.client_.begin().value();
  ASSERT_TRUE(draft.set(kShip, ship, kPaint, Value{uint64_t{77}}).ok());
  const auto submitted = t.client_.submit(std::move(draft), t.now());
  ASSERT_TRUE(submitted.ok()) << submitted.error().to_string();
  EXPECT_EQ(predicted(kPaint), Value{uint64_t{77}});
  t.lose_after(t.first_);
  EXPECT_EQ(t.client_.poll(t.now()), 1u);
  t.expect_shown(0);
  EXPECT_EQ(predicted(kPaint), Value{uint64_t{77}});
  EXPECT_EQ(predicted(kPos), t.client_.db().value(kShip, ship, kPos).value());
  EXPECT_EQ(t.client_.pending_writes(), 1u);
}

TEST(ClientRollback, WhatIsDurableIsNotGoneBackBehind) {
  Rollback t;
  t.heartbeat(t.client_.db().cut());
  t.lose_after(t.first_);
  t.expect_full_sync();
}

TEST(ClientRollback, WhoConnectsBeforeThePollSyncsAnew) {
  Rollback t;
  t.lose_after(t.first_);
  t.dial();
  EXPECT_EQ(t.take_sent().back(), MessageType::kAuth);
  EXPECT_FALSE(t.last_sent<Auth>().is_resuming);
  EXPECT_EQ(t.client_.poll(t.now()), 0u);
  t.expect_shown(8);
  t.welcome_with(Epoch{2});
  t.expect_full_sync();
}

TEST(ClientRollback, WhoDoesNotReconnectGoesBackAllTheSame) {
  Rollback t;
  t.lose_after(t.first_);
  t.client_.disconnect(t.now());
  EXPECT_EQ(t.client_.poll(t.now()), 1u);
  t.expect_shown(0);
  EXPECT_FALSE(t.client_.next_dial());
  t.client_.connect(t.now());
  t.expect_resume(t.first_, Epoch{2});
}

TEST(ClientRollback, CallbacksMayDisconnect) {
  Rollback t;
  t.client_.on_entity([&](const EntityEvent&) { t.client_.disconnect(t.now()); });
  t.lose_after(t.first_);
  EXPECT_EQ(t.client_.poll(t.now()), 1u);
  t.expect_shown(0);
  EXPECT_FALSE(t.client_.next_dial());
  EXPECT_EQ(t.client_.sync().phase, SyncStatus::Phase::kIdle);
}

}  // namespace
}  // namespace ecsdb::client_test
