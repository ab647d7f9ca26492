#include "ecsdb/sim/sim_pipe.h"

#include <gtest/gtest.h>
#include <string>

namespace ecsdb::sim {
namespace {

constexpr Duration kLatency = Duration::ms(10);
constexpr size_t kAll = 1'000'000;

Instant at_ms(int64_t ms) { return Instant{} + Duration::ms(ms); }

std::string take_all(SimPipe& pipe, Instant now) {
  std::string out;
  for (ByteSpan piece = pipe.arrived(now, kAll); !piece.empty(); piece = pipe.arrived(now, kAll)) {
    out += as_text(piece);
    pipe.take(piece.size());
  }
  return out;
}

TEST(SimPipe, BytesArriveInOrderAlthoughLaterOnesAreFaster) {
  SimPipe pipe;
  pipe.push(as_bytes("slow"), at_ms(0), Duration::ms(50), 0);
  pipe.push(as_bytes("fast"), at_ms(1), Duration::ms(1), 0);
  EXPECT_EQ(pipe.next_due(), at_ms(50));
  EXPECT_EQ(take_all(pipe, at_ms(49)), "");
  EXPECT_EQ(take_all(pipe, at_ms(50)), "slowfast");
  EXPECT_EQ(pipe.next_due(), Instant::never());
}

TEST(SimPipe, RingGrowsAndWrapsWithoutLoss) {
  SimPipe pipe;
  std::string sent;
  std::string got;
  for (int i = 0; i < 400; ++i) {
    const std::string text(static_cast<size_t>(i * 37 % 501), static_cast<char>('a' + i % 26));
    sent += text;
    pipe.push(as_bytes(text), at_ms(i), kLatency, 0);
    if (i % 3 != 0) continue;
    const ByteSpan piece = pipe.arrived(at_ms(i), 700);
    got += as_text(piece);
    pipe.take(piece.size());
  }
  got += take_all(pipe, at_ms(1000));
  EXPECT_EQ(got, sent);
  EXPECT_EQ(pipe.outstanding(), 0u);
}

TEST(SimPipe, HastenedBytesKeepTheirOrder) {
  SimPipe pipe;
  const std::string bulk(50'000, 'x');
  pipe.push(as_bytes(bulk), at_ms(0), kLatency, 1000);
  pipe.push(as_bytes("tail"), at_ms(0), kLatency, 1000);
  EXPECT_EQ(take_all(pipe, at_ms(100)), "");
  pipe.hasten(at_ms(110), at_ms(100));
  pipe.push(as_bytes("next"), at_ms(100), kLatency, 0);
  EXPECT_EQ(take_all(pipe, at_ms(109)), "");
  EXPECT_EQ(take_all(pipe, at_ms(110)), bulk + "tailnext");
}

TEST(SimPipe, SeveredPipeDeliversThePrefixOnlyAndNothingNew) {
  SimPipe pipe;
  pipe.push(as_bytes("abcd"), at_ms(0), kLatency, 0);
  pipe.push(as_bytes("efgh"), at_ms(1), kLatency, 0);
  pipe.sever(6);
  pipe.push(as_bytes("ijkl"), at_ms(2), kLatency, 0);
  EXPECT_EQ(pipe.deliverable(), 6u);
  EXPECT_EQ(pipe.outstanding(), 12u);
  pipe.sever(kAll);  // a later break revives nothing
  EXPECT_EQ(pipe.deliverable(), 6u);
  EXPECT_EQ(take_all(pipe, at_ms(100)), "abcdef");
  EXPECT_EQ(pipe.outstanding(), 6u);
}

TEST(SimPipe, SeverAlsoLosesWhatArrivedButWasNotRead) {
  SimPipe pipe;
  pipe.push(as_bytes("abcd"), at_ms(0), kLatency, 0);
  pipe.push(as_bytes("efgh"), at_ms(50), kLatency, 0);
  EXPECT_EQ(pipe.arrived(at_ms(20), kAll).size(), 4u);
  pipe.sever(2);
  EXPECT_EQ(take_all(pipe, at_ms(100)), "ab");
  EXPECT_EQ(pipe.next_due(), Instant::never());
}

TEST(SimPipe, EndFollowsTheLastByteAndIsLostWithIt) {
  SimPipe pipe;
  pipe.push(as_bytes("abcd"), at_ms(0), Duration::ms(80), 0);
  pipe.finish(LinkEnd::kPeerClosed, at_ms(1), kLatency);
  EXPECT_FALSE(pipe.ended(at_ms(100)));
  SimPipe broken = pipe;
  EXPECT_EQ(take_all(pipe, at_ms(80)), "abcd");
  EXPECT_TRUE(pipe.ended(at_ms(80)));
  broken.sever(0);
  EXPECT_FALSE(broken.ended(at_ms(1000)));
}

TEST(SimPipe, ResetEndCannotFollowABreakOfTheLine) {
  SimPipe pipe;
  pipe.push(as_bytes("abcd"), at_ms(0), kLatency, 0);
  SimPipe broken = pipe;
  pipe.sever_and_finish(1, LinkEnd::kReset, at_ms(0), kLatency);
  EXPECT_EQ(take_all(pipe, at_ms(10)), "a");
  EXPECT_TRUE(pipe.ended(at_ms(10)));
  EXPECT_EQ(pipe.end_reason(), LinkEnd::kReset);
  broken.sever(0);
  broken.sever_and_finish(1, LinkEnd::kReset, at_ms(0), kLatency);
  EXPECT_FALSE(broken.ended(at_ms(1000)));
}

}  // namespace
}  // namespace ecsdb::sim
