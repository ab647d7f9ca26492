#include "ecsdb/sim/sim_link.h"

#include <gtest/gtest.h>

#include "ecsdb/sim/link_test_support.h"

namespace ecsdb::sim {
namespace {

// --- connecting ---

TEST(SimLink, ConnectTakesOneRoundTripAndTheServerHearsLater) {
  Rig rig;
  rig.run(at_ms(200));
  EXPECT_EQ(rig.client.connected_at, at_ms(20));
  EXPECT_EQ(rig.server.connected_at, at_ms(30));
}

TEST(SimLink, ConnectWithoutListenerIsRefused) {
  Rig rig(plain_conditions(), 1, false, false);
  rig.run(at_ms(200));
  EXPECT_EQ(rig.client.ended, LinkEnd::kRefused);
  EXPECT_FALSE(rig.server.connected_at.has_value());
  EXPECT_TRUE(rig.link.finished());
}

TEST(SimLink, ConnectUnderPartitionTimesOut) {
  LinkConditions conditions = plain_conditions();
  conditions.line[1].blocked = true;
  Rig rig(conditions);
  rig.run(Instant{} + Duration::seconds(10));
  EXPECT_EQ(rig.client.ended, LinkEnd::kTimedOut);
  EXPECT_EQ(rig.client.ended_at, Instant{} + conditions.connect_timeout);
  EXPECT_TRUE(rig.link.finished());
}

TEST(SimLink, ConnectGoesOnWhenThePartitionEnds) {
  Rig rig;
  rig.run(at_ms(5));
  rig.change([](LinkConditions& c) { c.line[0].blocked = true; });
  rig.run(at_ms(1000));
  EXPECT_FALSE(rig.client.connected_at.has_value());
  rig.change([](LinkConditions& c) { c.line[0].blocked = false; });
  rig.run(at_ms(1100));
  EXPECT_EQ(rig.client.connected_at, at_ms(1020));
  EXPECT_EQ(rig.server.connected_at, at_ms(1030));
}

TEST(SimLink, AcceptHeldByAPartitionHappensAfterItWithTheBytes) {
  Rig rig;
  rig.client.send(100);
  rig.run(at_ms(25));  // the client is connected, the server not yet
  rig.change([](LinkConditions& c) { c.line[0].blocked = true; });
  rig.run(at_ms(500));
  EXPECT_FALSE(rig.server.connected_at.has_value());
  rig.change([](LinkConditions& c) { c.line[0].blocked = false; });
  rig.run(at_ms(600));
  EXPECT_TRUE(rig.server.connected_at.has_value());
  EXPECT_EQ(rig.server.received, 100u);
}

TEST(SimLink, EndBeforeTheAnswerIsNeverHeardByTheServer) {
  for (const int way : {0, 1, 2, 3, 4}) {
    Rig rig;
    rig.run(at_ms(way == 4 ? 25 : 5));
    if (way == 0) rig.client.close();
    if (way == 1 || way == 4) rig.link.reset();
    if (way == 2) rig.client.gone = true, rig.link.abort(kClient);
    if (way == 3) rig.client.gone = true, rig.link.vanish(kClient);
    rig.run(Instant{} + Duration::seconds(10));
    EXPECT_TRUE(rig.client.gone);
    EXPECT_TRUE(way == 4 || !rig.server.connected_at.has_value());
    EXPECT_EQ(rig.server.connected_at.has_value(), rig.server.gone);
    EXPECT_TRUE(rig.link.finished()) << way;
  }
}

// --- the stream ---

TEST(SimLink, BytesArriveAfterTheLatencyAndAreJoined) {
  Rig rig;
  rig.connect();
  rig.client.send(6000);
  rig.run(at_ms(109));
  EXPECT_EQ(rig.server.received, 0u);
  rig.run(at_ms(110));
  EXPECT_EQ(rig.server.received, 6000u);
  EXPECT_TRUE(rig.prefixes_hold());
}

TEST(SimLink, BandwidthSpreadsBytesOverTime) {
  LinkConditions conditions = plain_conditions();
  conditions.line[0].bytes_per_second = 40'960;
  Rig rig(conditions);
  rig.connect();
  rig.client.send(40'960);
  rig.run(at_ms(100 + 10 + 500));
  EXPECT_NEAR(static_cast<double>(rig.server.received), 20'480, 4096);
  rig.run(at_ms(100 + 10 + 1000));
  EXPECT_EQ(rig.server.received, 40'960u);
}

TEST(SimLink, LiftedBandwidthLimitHurriesWhatWaits) {
  LinkConditions conditions = plain_conditions();
  conditions.line[0].bytes_per_second = 1000;
  Rig rig(conditions);
  rig.connect();
  rig.client.send(100'000);
  rig.run(at_ms(1000));
  rig.change([](LinkConditions& c) { c.line[0].bytes_per_second = 0; });
  rig.run(at_ms(1010));
  EXPECT_EQ(rig.server.received, 100'000u);
  EXPECT_TRUE(rig.prefixes_hold());
}

TEST(SimLink, FullBufferPushesBackAndRoomIsAnnounced) {
  LinkConditions conditions = plain_conditions();
  conditions.send_buffer_bytes = 10'000;
  conditions.reader_stalled[1] = true;
  Rig rig(conditions);
  rig.connect();
  rig.client.send(50'000);
  rig.run(at_ms(1000));
  EXPECT_EQ(rig.client.sent, 10'000u);
  EXPECT_EQ(rig.client.writables, 0);
  rig.change([](LinkConditions& c) { c.reader_stalled[1] = false; });
  rig.run(at_ms(2000));
  EXPECT_EQ(rig.client.sent, 50'000u);
  EXPECT_GE(rig.client.writables, 4);
  EXPECT_EQ(rig.server.received, 50'000u);
}

TEST(SimLink, ShortAcceptsAreAlwaysFollowedByWritable) {
  LinkConditions conditions = plain_conditions();
  conditions.short_accepts = true;
  Rig rig(conditions);
  rig.connect();
  rig.client.send(200'000);
  rig.server.send(100'000);
  rig.run(Instant{} + Duration::seconds(5));
  EXPECT_EQ(rig.server.received, 200'000u);
  EXPECT_EQ(rig.client.received, 100'000u);
  EXPECT_GT(rig.world.trace().count(TraceCount::kShortAccepts), 20u);
}

TEST(SimLink, SplitsCutAnywhereAndKeepEveryByte) {
  LinkConditions conditions = plain_conditions();
  conditions.split_bytes = true;
  Rig rig(conditions);
  rig.connect();
  rig.client.send(20'000);
  rig.run(at_ms(1000));
  EXPECT_EQ(rig.server.received, 20'000u);
  EXPECT_GT(rig.server.deliveries, 5);
  EXPECT_TRUE(rig.prefixes_hold());
}

TEST(SimLink, PartitionHoldsBytesAndHealBringsThemInOrder) {
  Rig rig;
  rig.connect();
  rig.client.send(1000);
  rig.run(at_ms(105));
  rig.change([](LinkConditions& c) { c.line[0].blocked = true; });
  rig.client.send(1000);
  rig.server.send(10);  // the other direction goes on
  rig.run(at_ms(5000));
  EXPECT_EQ(rig.server.received, 0u);
  EXPECT_EQ(rig.client.received, 10u);
  rig.change([](LinkConditions& c) { c.line[0].blocked = false; });
  rig.client.send(1000);
  rig.run(at_ms(5009));
  EXPECT_EQ(rig.server.received, 2000u);
  rig.run(at_ms(5010));
  EXPECT_EQ(rig.server.received, 3000u);
  EXPECT_TRUE(rig.prefixes_hold());
}

/// A queue that is released while newer bytes have a shorter way must not be overtaken by them.
TEST(SimLink, LiftingABlockOnAFasterLineKeepsTheOrder) {
  LinkConditions slow = plain_conditions();
  slow.line[0] = LineConditions{Duration::ms(800), Duration::ms(100), 20'000, false};
  Rig rig(slow);
  rig.run(Instant{} + Duration::seconds(5));
  rig.client.send(5000);
  rig.run(Instant{} + Duration::ms(5100));
  rig.change([](LinkConditions& c) { c.line[0].blocked = true; });
  rig.client.send(5000);
  rig.run(Instant{} + Duration::ms(5200));
  rig.change([](LinkConditions& c) { c.line[0] = LineConditions{Duration::ms(1), {}, 0, false}; });
  for (int i = 0; i < 20; ++i) {
    rig.client.send(500);
    rig.run(rig.world.now() + Duration::us(100));
    EXPECT_TRUE(rig.prefixes_hold());
  }
  rig.run(rig.world.now() + Duration::ms(20));
  EXPECT_EQ(rig.server.received, 20'000u);
  EXPECT_TRUE(rig.prefixes_hold());
}

// --- ends ---

TEST(SimLink, GracefulCloseComesAfterAllBytes) {
  for (const bool split : {false, true}) {
    LinkConditions conditions = plain_conditions();
    conditions.split_bytes = split;
    Rig rig(conditions);
    rig.connect();
    rig.client.send(30'000);
    rig.client.close();
    rig.run(at_ms(2000));
    EXPECT_EQ(rig.server.received, 30'000u);
    EXPECT_EQ(rig.server.ended, LinkEnd::kPeerClosed);
    EXPECT_TRUE(rig.link.finished());
  }
}

TEST(SimLink, NothingIsDeliveredAfterALocalClose) {
  Rig rig;
  rig.connect();
  rig.server.send(1000);
  rig.client.send(1000);
  rig.run(at_ms(105));
  rig.client.close();  // End checks that no call follows
  rig.server.send(1000);
  rig.run(at_ms(1000));
  EXPECT_EQ(rig.client.received, 0u);
  EXPECT_EQ(rig.server.received, 1000u);
  EXPECT_EQ(rig.server.ended, LinkEnd::kPeerClosed);
}

TEST(SimLink, CloseInsideADeliveryStopsIt) {
  LinkConditions conditions = plain_conditions();
  conditions.split_bytes = true;
  Rig rig(conditions);
  rig.connect();
  rig.server.on_data = [&rig] { rig.server.close(); };
  rig.client.send(100'000);
  rig.run(at_ms(1000));
  EXPECT_EQ(rig.server.deliveries, 1);
  EXPECT_EQ(rig.client.ended, LinkEnd::kPeerClosed);
}

TEST(SimLink, ResetTellsBothSidesAndLosesASuffixOnly) {
  uint64_t lost = 0;
  bool apart = false;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Rig rig(plain_conditions(), seed);
    rig.connect();
    rig.client.send(10'000);
    rig.server.send(10'000);
    rig.run(at_ms(105));
    rig.link.reset();
    rig.run(at_ms(5000));
    EXPECT_EQ(rig.client.ended, LinkEnd::kReset);
    EXPECT_EQ(rig.server.ended, LinkEnd::kReset);
    apart |= rig.client.ended_at != rig.server.ended_at;
    lost += rig.client.sent - rig.server.received;
    EXPECT_TRUE(rig.prefixes_hold());
    EXPECT_TRUE(rig.link.finished());
  }
  EXPECT_GT(lost, 0u);
  EXPECT_TRUE(apart);
}

TEST(SimLink, CutBreaksItAfterExactlySoManyBytes) {
  for (const bool split : {false, true}) {
    LinkConditions conditions = plain_conditions();
    conditions.split_bytes = split;
    conditions.cut_after_bytes = 777;
    Rig rig(conditions);
    rig.connect();
    rig.client.send(5000);
    rig.server.send(700);
    rig.run(at_ms(300));
    EXPECT_EQ(rig.client.received, 700u);
    EXPECT_EQ(rig.server.received, 5000u);
    rig.server.send(10'000);
    rig.run(at_ms(2000));
    EXPECT_EQ(rig.client.received, 777u);
    EXPECT_EQ(rig.client.ended, LinkEnd::kReset);
    EXPECT_EQ(rig.server.ended, LinkEnd::kReset);
    EXPECT_EQ(rig.world.trace().count(TraceCount::kLinkCuts), 1u);
    EXPECT_TRUE(rig.link.finished());
  }
}

TEST(SimLink, SecondResetRevivesNothing) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Rig rig(plain_conditions(), seed);
    rig.connect();
    rig.client.send(1000);
    rig.link.reset();
    const uint64_t deliverable = rig.link.pipe(kClient).deliverable();
    rig.client.send(1000);  // accepted by a side that does not know yet
    EXPECT_EQ(rig.link.pipe(kClient).deliverable(), deliverable);
    rig.link.reset();
    EXPECT_LE(rig.link.pipe(kClient).deliverable(), deliverable);
    rig.change([](LinkConditions& c) { c.line[0].blocked = true; });
    rig.link.lose_direction(kClient);
    rig.change([](LinkConditions& c) { c.line[0].blocked = false; });
    rig.run(at_ms(5000));
    EXPECT_LE(rig.server.received, deliverable);
    EXPECT_TRUE(rig.prefixes_hold());
    EXPECT_EQ(rig.server.ended, LinkEnd::kReset);
  }
}

TEST(SimLink, HalfOpenSideNeverLearnsAndFillsItsBuffer) {
  for (const LinkSide unaware : {kClient, kServer}) {
    Rig rig;
    rig.connect();
    rig.link.half_open(unaware);
    rig.end(unaware).send(1'000'000);
    rig.run(Instant{} + Duration::seconds(60));
    EXPECT_EQ(rig.end(other_side(unaware)).ended, LinkEnd::kReset);
    EXPECT_FALSE(rig.end(unaware).gone);
    EXPECT_EQ(rig.end(unaware).sent, rig.link.conditions().send_buffer_bytes);
    EXPECT_EQ(rig.end(other_side(unaware)).received, 0u);
    EXPECT_FALSE(rig.link.finished());
    rig.end(unaware).close();
    EXPECT_TRUE(rig.link.finished());
  }
}

TEST(SimLink, LostDirectionIsSilentAndTheOtherGoesOn) {
  Rig rig;
  rig.connect();
  rig.link.lose_direction(kClient);
  rig.client.send(5000);
  rig.server.send(5000);
  rig.run(at_ms(5000));
  EXPECT_EQ(rig.server.received, 0u);
  EXPECT_EQ(rig.client.received, 5000u);
  EXPECT_FALSE(rig.client.gone || rig.server.gone);
  rig.client.close();  // the news is lost as well
  rig.run(at_ms(9000));
  EXPECT_FALSE(rig.server.gone);
  rig.server.close();
  EXPECT_TRUE(rig.link.finished());
}

TEST(SimLink, AbortIsAResetForThePeerAndVanishIsSilence) {
  Rig aborted;
  aborted.connect();
  aborted.client.send(1000);
  aborted.client.gone = true;
  aborted.link.abort(kClient);
  aborted.run(at_ms(1000));
  EXPECT_EQ(aborted.server.ended, LinkEnd::kReset);
  EXPECT_TRUE(aborted.prefixes_hold());
  Rig vanished;
  vanished.connect();
  vanished.client.gone = true;
  vanished.link.vanish(kClient);
  vanished.server.send(1000);
  vanished.run(Instant{} + Duration::seconds(60));
  EXPECT_FALSE(vanished.server.gone);
  EXPECT_FALSE(vanished.link.finished());
}

TEST(SimLink, StalledReaderLearnsOfAResetWhenItReadsAgain) {
  LinkConditions conditions = plain_conditions();
  conditions.reader_stalled[0] = true;
  Rig rig(conditions);
  rig.connect();
  rig.link.reset();
  rig.run(at_ms(5000));
  EXPECT_TRUE(rig.server.gone);
  EXPECT_FALSE(rig.client.gone);
  rig.change([](LinkConditions& c) { c.reader_stalled[0] = false; });
  rig.run(at_ms(5001));
  EXPECT_EQ(rig.client.ended, LinkEnd::kReset);
}

TEST(SimLink, LargerBufferIsAnnouncedAsRoom) {
  LinkConditions conditions = plain_conditions();
  conditions.send_buffer_bytes = 1000;
  conditions.reader_stalled[1] = true;
  Rig rig(conditions);
  rig.connect();
  rig.client.send(5000);
  rig.change([](LinkConditions& c) { c.send_buffer_bytes = 100'000; });
  rig.run(at_ms(200));
  EXPECT_EQ(rig.client.sent, 5000u);
}

TEST(SimLink, CloseThatIsLostOnItsWayIsNeverHeard) {
  Rig rig;
  rig.connect();
  rig.client.send(1000);
  rig.client.close();
  rig.link.lose_direction(kClient);
  rig.run(at_ms(5000));
  EXPECT_FALSE(rig.server.gone);
  EXPECT_TRUE(rig.prefixes_hold());
}

TEST(SimLink, NoCallFollowsACloseWhateverChangesLater) {
  LinkConditions conditions = plain_conditions();
  conditions.send_buffer_bytes = 1000;
  Rig rig(conditions);
  rig.connect();
  rig.client.send(5000);
  rig.server.send(5000);
  rig.client.close();
  rig.change([](LinkConditions& c) { c.send_buffer_bytes = 100'000; });
  rig.change([](LinkConditions& c) { c.reader_stalled[0] = true; });
  rig.link.reset();
  rig.change([](LinkConditions& c) { c.reader_stalled[0] = false; });
  rig.run(at_ms(5000));
  EXPECT_EQ(rig.client.writables, 0);
}

}  // namespace
}  // namespace ecsdb::sim
