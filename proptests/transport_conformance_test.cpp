// One contract for every transport: what the core relies on holds for a simulated link, for TCP and
// for WebSocket alike.
#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sstream>
#include <string>
#include <vector>

#include "transport_under_test.h"

namespace ecsdb::conformance {
namespace {

constexpr Side kClient = Side::kClient;
constexpr Side kServer = Side::kServer;
constexpr uint64_t kMebibyte = 1024 * 1024;
/// More than any system buffers for one connection on loopback.
constexpr uint64_t kFloodBytes = 64 * kMebibyte;

class TransportConformance : public testing::TestWithParam<TransportName> {
 protected:
  void SetUp() override {
    link_ = make_transport(GetParam(), 7);
    ASSERT_TRUE(link_->connect());
  }
  void TearDown() override {
    for (const Side side : kSides) EXPECT_EQ(end(side).breaches, 0u);
  }
  End& end(Side side) { return link_->end(side); }
  bool all_arrived(Side sender) {
    return end(sender).sent_all() && end(other(sender)).received == end(sender).sent;
  }
  void expect_all_arrives(Side sender) {
    EXPECT_TRUE(link_->pump_until([&] { return all_arrived(sender); }))
        << end(sender).sent << " sent, " << end(other(sender)).received << " received";
  }
  void expect_told_once(Side side) {
    EXPECT_TRUE(link_->pump_until([&] { return end(side).closed > 0; }));
    EXPECT_TRUE(link_->pump_until([&] { return link_->finished(); }));
    EXPECT_EQ(end(side).closed, 1u);
  }

  std::unique_ptr<TransportUnderTest> link_;
};

TEST_P(TransportConformance, BytesArriveInOrderBothWays) {
  for (int round = 0; round < 20; ++round) {
    end(kClient).send(static_cast<uint64_t>(round * 997 + 1));
    end(kServer).send(static_cast<uint64_t>(round * 1009 + 1));
    expect_all_arrives(kClient);
    expect_all_arrives(kServer);
  }
}

TEST_P(TransportConformance, OneMebibyteBothWaysAtOnceArrives) {
  end(kClient).send(kMebibyte);
  end(kServer).send(kMebibyte);
  expect_all_arrives(kClient);
  expect_all_arrives(kServer);
}

TEST_P(TransportConformance, AFullLinkAcceptsLessAndSaysWhenThereIsRoom) {
  for (const Side sender : kSides) {
    link_->pause(other(sender), true);
    const uint64_t before = end(sender).short_accepts;
    end(sender).send(kMebibyte);
    uint64_t offered = kMebibyte;
    while (end(sender).short_accepts == before && offered < kFloodBytes) {
      end(sender).send(kMebibyte);
      offered += kMebibyte;
    }
    EXPECT_GT(end(sender).short_accepts, before);
    EXPECT_FALSE(end(sender).sent_all());
    link_->pause(other(sender), false);
    expect_all_arrives(sender);
    EXPECT_GT(end(sender).writables, 0u);
  }
}

TEST_P(TransportConformance, AFullLinkStillCarriesTheOtherDirection) {
  link_->pause(kServer, true);
  end(kClient).send(16 * kMebibyte);
  EXPECT_FALSE(end(kClient).sent_all());
  end(kServer).send(100'000);
  link_->pause(kServer, false);
  expect_all_arrives(kServer);
  expect_all_arrives(kClient);
}

TEST_P(TransportConformance, AGracefulCloseDeliversEverythingSentBefore) {
  end(kClient).send(300'000);
  ASSERT_TRUE(link_->pump_until([&] { return end(kClient).sent_all(); }));
  link_->close(kClient);
  EXPECT_TRUE(link_->pump_until([&] { return end(kServer).closed > 0; }));
  EXPECT_EQ(end(kServer).received, end(kClient).sent);
  expect_told_once(kServer);
}

TEST_P(TransportConformance, AGracefulCloseOfTheServerDeliversEverythingSentBefore) {
  end(kServer).send(300'000);
  ASSERT_TRUE(link_->pump_until([&] { return end(kServer).sent_all(); }));
  link_->close(kServer);
  EXPECT_TRUE(link_->pump_until([&] { return end(kClient).closed > 0; }));
  EXPECT_EQ(end(kClient).received, end(kServer).sent);
  expect_told_once(kClient);
}

TEST_P(TransportConformance, AGoodbyeArrivesWhileThePeerSends) {
  end(kClient).send(200'000);
  end(kServer).send(1000);
  ASSERT_TRUE(link_->pump_until([&] { return end(kServer).sent_all(); }));
  link_->close(kServer);
  expect_told_once(kClient);
  EXPECT_EQ(end(kClient).received, 1000u);
}

/// Closing a socket with bytes unread resets it, which would take from the peer what is still in
/// the sender's buffers.
TEST_P(TransportConformance, ACloseWithUnreadInputDeliversAFullBufferFirst) {
  link_->pause(kClient, true);
  link_->pause(kServer, true);
  end(kClient).send(100'000);
  while (end(kServer).sent_all() && end(kServer).sent < kFloodBytes) end(kServer).send(kMebibyte);
  const uint64_t sent = end(kServer).sent;
  link_->close(kServer);
  link_->pause(kClient, false);
  link_->pause(kServer, false);
  expect_told_once(kClient);
  EXPECT_EQ(end(kClient).received, sent);
}

TEST_P(TransportConformance, AfterACloseOfOnesOwnNothingIsDelivered) {
  end(kServer).send(2 * kMebibyte);
  ASSERT_TRUE(link_->pump_until([&] { return end(kClient).received > 10'000; }));
  link_->close(kClient);
  const uint64_t received = end(kClient).received;
  EXPECT_TRUE(link_->pump_until([&] { return link_->finished(); }));
  EXPECT_EQ(end(kClient).received, received);
  EXPECT_EQ(end(kClient).closed, 0u);
  EXPECT_EQ(end(kServer).closed, 1u);
}

TEST_P(TransportConformance, AResetLosesASuffixOnly) {
  end(kClient).send(2 * kMebibyte);
  end(kServer).send(2 * kMebibyte);
  ASSERT_TRUE(link_->pump_until([&] { return end(kServer).received > 50'000; }));
  link_->reset(kClient);
  expect_told_once(kServer);
  EXPECT_LE(end(kServer).received, end(kClient).sent);
}

TEST_P(TransportConformance, ACloseFromBothSidesEndsQuietly) {
  link_->close(kClient);
  link_->close(kServer);
  EXPECT_TRUE(link_->pump_until([&] { return link_->finished(); }));
  EXPECT_EQ(end(kClient).closed + end(kServer).closed, 0u);
}

TEST_P(TransportConformance, AClosedSideAcceptsNothing) {
  link_->close(kServer);
  expect_told_once(kClient);
  const uint64_t sent = end(kClient).sent;
  end(kClient).send(100);
  end(kServer).send(100);
  EXPECT_EQ(end(kClient).sent, sent);
  EXPECT_EQ(end(kServer).sent, 0u);
}

/// Only the simulator can make the network itself forget a connection.
TEST_P(TransportConformance, AnUnawareSideOfAHalfOpenLinkIsNeverTold) {
  if (!link_->make_half_open(kServer)) return;
  EXPECT_TRUE(link_->pump_until([&] { return end(kClient).closed > 0; }));
  end(kServer).send(kMebibyte);
  EXPECT_FALSE(link_->pump_until([&] { return end(kServer).closed > 0; }));
  EXPECT_FALSE(end(kServer).sent_all());
}

// --- random scripts ---

struct Action {
  enum class Kind : uint8_t { kSend, kPause, kResume, kStep };
  Kind kind;
  Side side;
  uint32_t amount;
};

std::ostream& operator<<(std::ostream& out, const Action& action) {
  static constexpr const char* kNames[] = {"send", "pause", "resume", "step"};
  return out << kNames[static_cast<size_t>(action.kind)] << " "
             << (action.side == kClient ? "client " : "server ") << action.amount;
}

rc::Gen<Action> any_action() {
  return rc::gen::build<Action>(
      rc::gen::set(&Action::kind,
                   rc::gen::element(Action::Kind::kSend, Action::Kind::kSend, Action::Kind::kPause,
                                    Action::Kind::kResume, Action::Kind::kStep)),
      rc::gen::set(&Action::side, rc::gen::element(kClient, kServer)),
      rc::gen::set(&Action::amount, rc::gen::inRange<uint32_t>(1, 200'000)));
}

void act(TransportUnderTest& link, const Action& action) {
  switch (action.kind) {
    case Action::Kind::kSend:
      return link.end(action.side).send(action.amount);
    case Action::Kind::kPause:
      return link.pause(action.side, true);
    case Action::Kind::kResume:
      return link.pause(action.side, false);
    case Action::Kind::kStep:
      for (uint32_t i = 0; i < action.amount % 16; ++i) link.step();
      return;
  }
}

/// Whatever is sent, paused and resumed: all of it arrives, and a close of either side comes last.
void run_script(TransportName name, const std::vector<Action>& script, bool client_closes) {
  const auto link = make_transport(name, script.size());
  RC_ASSERT(link->connect());
  for (const Action& action : script) act(*link, action);
  for (const Side side : kSides) link->pause(side, false);
  RC_ASSERT(link->pump_until([&] {
    return std::all_of(std::begin(kSides), std::end(kSides), [&](Side side) {
      return link->end(side).sent_all() && link->end(other(side)).received == link->end(side).sent;
    });
  }));
  const Side closer = client_closes ? kClient : kServer;
  link->close(closer);
  RC_ASSERT(link->pump_until([&] { return link->finished(); }));
  RC_ASSERT(link->end(other(closer)).closed == 1u);
  for (const Side side : kSides) RC_ASSERT(link->end(side).breaches == 0u);
}

TEST_P(TransportConformance, AnyScriptDeliversEverything) {
  // Parameters fixed here: the suite is the same at every run.
  rc::detail::TestParams params;
  params.seed = 20'240'501;
  params.maxSuccess = 25;
  params.maxSize = 30;
  const auto result = rc::detail::checkTestable(
      [name = GetParam()] {
        const auto script = *rc::gen::container<std::vector<Action>>(any_action());
        run_script(name, script, *rc::gen::arbitrary<bool>());
      },
      rc::detail::TestMetadata{}, params);
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  EXPECT_TRUE(result.is<rc::detail::SuccessResult>()) << text.str();
}

INSTANTIATE_TEST_SUITE_P(All, TransportConformance,
                         testing::Values(TransportName::kSim, TransportName::kSimBadWeather,
                                         TransportName::kTcp, TransportName::kWebSocket),
                         [](const auto& param) {
                           std::ostringstream text;
                           text << param.param;
                           return text.str();
                         });

}  // namespace
}  // namespace ecsdb::conformance
