#include "ecsdb/sim/fault_plan.h"

#include <gtest/gtest.h>
#include <string>

namespace ecsdb::sim {
namespace {

TEST(FaultPlan, TextOfAPlanParsesToTheSamePlan) {
  FaultPlan plan;
  plan.heal_at = Instant{60'000'000'001};
  for (size_t kind = 0; kind < kFaultKinds; ++kind) {
    FaultEvent event;
    event.at = Instant{static_cast<int64_t>(kind) * 1'000'000'007};
    event.kind = static_cast<FaultKind>(kind);
    const bool is_of_clients = event.kind != FaultKind::kServerRestart;
    if (kind % 2 == 0 && is_of_clients) event.clients = {0, 7, 99};
    if (event.kind == FaultKind::kClockSkew) event.first = -250;
    if (event.kind == FaultKind::kBandwidth) event.first = 65'536;
    if (event.kind == FaultKind::kLinkCut) event.first = 777;
    if (event.kind == FaultKind::kLatency) event.second = 1'234;
    const bool lasts = event.kind != FaultKind::kReset && event.kind != FaultKind::kHeal &&
                       event.kind != FaultKind::kHalfOpen && event.kind != FaultKind::kRightsChange;
    if (lasts) event.duration = Duration{3'000'000'001};
    plan.events.push_back(event);
  }
  const std::string text = plan.to_text();
  const Result<FaultPlan> parsed = fault_plan_from_text(text);
  ASSERT_TRUE(parsed.ok()) << parsed.error().to_string();
  EXPECT_EQ(*parsed, plan);
  EXPECT_EQ(parsed->to_text(), text);
  EXPECT_TRUE(check_fault_plan(plan, 100).ok());
  EXPECT_EQ(check_fault_plan(plan, 99).code(), ErrorCode::kValueOutOfRange);
}

TEST(FaultPlan, TextMayBeWrittenByHand) {
  const Result<FaultPlan> plan = fault_plan_from_text(
      "# two clients are cut off\r\n"
      "\n"
      "  heal_at 10\n"
      "1.5 partition clients=1,3 for=2.25\n"
      "2 reset\n"
      "2 stall_reader side=1 clients=0 for=0.5");
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  ASSERT_EQ(plan->events.size(), 3u);
  EXPECT_EQ(plan->events[0].at, Instant{1'500'000'000});
  EXPECT_EQ(plan->events[0].duration, Duration{2'250'000'000});
  EXPECT_EQ(plan->events[0].clients, (std::vector<uint32_t>{1, 3}));
  EXPECT_TRUE(plan->events[1].clients.empty());
  EXPECT_EQ(plan->events[2].first, 1);
}

TEST(FaultPlan, MalformedTextIsRefusedWithItsLine) {
  const struct {
    const char* text;
    ErrorCode code;
    const char* mentions;
  } cases[] = {
      {"", ErrorCode::kSyntax, "heal_at"},
      {"1.0 reset\n", ErrorCode::kSyntax, "line 1"},
      {"heal_at ten\n", ErrorCode::kSyntax, "line 1"},
      {"heal_at 10\n1.0 explode\n", ErrorCode::kSyntax, "line 2"},
      {"heal_at 10\n1.0 reset for=1\n", ErrorCode::kSyntax, "for=1"},
      {"heal_at 10\n1.0000000001 reset\n", ErrorCode::kSyntax, "line 2"},
      {"heal_at 10\n-1 reset\n", ErrorCode::kSyntax, "line 2"},
      {"heal_at 10\n1 partition clients=2,1 for=1\n", ErrorCode::kSyntax, "clients=2,1"},
      {"heal_at 10\n1 partition clients= for=1\n", ErrorCode::kSyntax, "clients="},
      {"heal_at 10\n1 partition direction=3 for=1\n", ErrorCode::kValueOutOfRange, "direction"},
      {"heal_at 10\n1 bandwidth bytes_per_second=0 for=1\n", ErrorCode::kValueOutOfRange,
       "bytes_per_second"},
      {"heal_at 10\n1 latency latency_us=99999999999 for=1\n", ErrorCode::kValueOutOfRange,
       "latency_us"},
      {"heal_at 10\n9 partition for=1.000000001\n", ErrorCode::kValueOutOfRange, "after heal"},
      {"heal_at 10\n1 server_restart clients=2 for=1\n", ErrorCode::kValueOutOfRange, "no clients"},
      {"heal_at 10\n1 rights_change variant=6\n", ErrorCode::kValueOutOfRange, "variant"},
      {"heal_at 10\n11 reset\n", ErrorCode::kValueOutOfRange, "after heal"},
      {"heal_at 10\n2 reset\n1 reset\n", ErrorCode::kValueOutOfRange, "out of order"},
  };
  for (const auto& c : cases) {
    const Result<FaultPlan> plan = fault_plan_from_text(c.text);
    ASSERT_FALSE(plan.ok()) << c.text;
    EXPECT_EQ(plan.code(), c.code) << c.text;
    EXPECT_NE(plan.error().context.find(c.mentions), std::string::npos)
        << c.text << " -> " << plan.error().context;
  }
}

}  // namespace
}  // namespace ecsdb::sim
