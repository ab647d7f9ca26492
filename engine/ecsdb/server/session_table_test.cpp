#include "ecsdb/server/session_table.h"

#include <gtest/gtest.h>

#include "ecsdb/server/test_peer.h"

namespace ecsdb::server_test {
namespace {

class SessionTableTest : public ::testing::Test {
 protected:
  SessionTable::Admission admit(uint64_t link, const Bytes& ticket = {}, bool is_copied = false) {
    return table_.admit(LinkId{link}, gus_, {ticket, is_copied}, &secrets_);
  }
  void close(ClientId client, uint64_t link) { table_.on_closed(client, LinkId{link}, now_); }

  Identity gus_{PrincipalId{7}, "gus", {"guest"}, {{"room", 3}}};
  CountingSecrets secrets_;
  SessionTable table_{{Duration::seconds(60), 3}};
  Instant now_{1'000'000'000};
};

TEST_F(SessionTableTest, TicketGoesOnWithTheSession) {
  const auto first = admit(1);
  EXPECT_FALSE(first.is_resumed);
  EXPECT_EQ(first.client, ClientId{1});
  close(first.client, 1);
  EXPECT_EQ(table_.parked_count(), 1u);
  const auto second = admit(2, first.ticket);
  EXPECT_TRUE(second.is_resumed);
  EXPECT_EQ(second.client, first.client);
  EXPECT_FALSE(second.former);
  EXPECT_NE(second.ticket, first.ticket);
  EXPECT_EQ(table_.parked_count(), 0u);
}

TEST_F(SessionTableTest, LostReplyLocksNobodyOut) {
  const auto first = admit(1);
  table_.on_ticket_seen(first.client, LinkId{1});
  for (uint64_t link = 2; link < 10; ++link) {  // none of these replies arrives
    const auto again = admit(link, first.ticket);
    EXPECT_TRUE(again.is_resumed);
    EXPECT_EQ(again.former, LinkId{link - 1});
  }
}

TEST_F(SessionTableTest, ReplyThatArrivedWithoutAnAckIsGoodToo) {
  const auto first = admit(1);
  table_.on_ticket_seen(first.client, LinkId{1});
  const auto second = admit(2, first.ticket);
  const auto third = admit(3, second.ticket);
  EXPECT_TRUE(third.is_resumed);
  EXPECT_EQ(third.former, LinkId{2});
  EXPECT_TRUE(admit(4, first.ticket).is_refused);  // showing the second was as good as an ack
}

TEST_F(SessionTableTest, DialThatComesLateIsRefusedAndHarmsNobody) {
  const auto first = admit(1);
  table_.on_ticket_seen(first.client, LinkId{1});
  const auto second = admit(2, first.ticket);
  table_.on_ticket_seen(second.client, LinkId{2});
  const auto late = admit(3, first.ticket);
  EXPECT_TRUE(late.is_refused);
  EXPECT_FALSE(late.former || late.has_ended);
  EXPECT_EQ(late.client, ClientId{});
  EXPECT_TRUE(table_.take_ended().empty());
  const auto third = admit(4, second.ticket);
  EXPECT_TRUE(third.is_resumed);
  EXPECT_EQ(third.former, LinkId{2});
}

TEST_F(SessionTableTest, TicketThatWasCopiedEndsTheSession) {
  const auto first = admit(1);
  table_.on_ticket_seen(first.client, LinkId{1});
  const auto thief = admit(2, first.ticket);
  table_.on_ticket_seen(thief.client, LinkId{2});
  EXPECT_TRUE(admit(3, first.ticket).is_refused);
  const auto owner = admit(4, first.ticket, true);
  EXPECT_TRUE(owner.has_ended);
  EXPECT_FALSE(owner.is_resumed || owner.is_refused);
  EXPECT_EQ(owner.former, LinkId{2});
  EXPECT_NE(owner.client, first.client);
  EXPECT_EQ(table_.take_ended(), std::vector{first.client});
  EXPECT_EQ(table_.count(), 1u);
  EXPECT_FALSE(admit(5, thief.ticket).is_resumed);
}

TEST_F(SessionTableTest, TicketIsKnownToBePassedHoweverOldItIs) {
  const auto first = admit(1);
  table_.on_ticket_seen(first.client, LinkId{1});
  auto thief = admit(2, first.ticket);
  for (uint64_t link = 3; link < 8; ++link) thief = admit(link, thief.ticket);
  EXPECT_TRUE(admit(8, first.ticket).is_refused);
  const auto owner = admit(9, first.ticket, true);
  EXPECT_TRUE(owner.has_ended);
  EXPECT_EQ(owner.former, LinkId{7});
  EXPECT_FALSE(admit(10, thief.ticket).is_resumed);
}

TEST_F(SessionTableTest, NumbersBesideTheirRangeProveNothing) {
  const auto first = admit(1);  // nobody has acknowledged its ticket
  for (const uint32_t number : {0u, 0xffffffffu, 1u, 2u}) {
    Bytes forged;
    ByteWriter out(forged);
    out.u64(first.client.value);
    out.u32(number);
    forged.resize(first.ticket.size());
    const auto attack = admit(2 + number, forged, true);
    EXPECT_FALSE(attack.has_ended || attack.former || attack.is_resumed) << number;
  }
}

TEST_F(SessionTableTest, OnlyATicketThatWasPassedCanEndASession) {
  const auto first = admit(1);
  const auto again = admit(2, first.ticket, true);
  EXPECT_TRUE(again.is_resumed);
  EXPECT_FALSE(again.has_ended);
  EXPECT_FALSE(admit(3, Bytes(first.ticket.size()), true).has_ended);
}

TEST_F(SessionTableTest, OthersTicketsAndDamagedOnesBeginNewSessions) {
  const auto first = admit(1);
  const Identity other{PrincipalId{8}, "ada", {"admin"}, {}};
  EXPECT_FALSE(table_.admit(LinkId{2}, other, {first.ticket}, &secrets_).is_resumed);
  for (size_t i = 0; i < first.ticket.size(); ++i) {
    Bytes damaged = first.ticket;
    damaged[i] ^= 1;
    const auto admission = admit(10 + i, damaged);
    EXPECT_FALSE(admission.is_resumed || admission.is_refused || admission.former) << i;
  }
  EXPECT_FALSE(admit(3, Bytes(first.ticket.begin(), first.ticket.end() - 1)).is_resumed);
  EXPECT_EQ(admit(4, first.ticket).former, LinkId{1});  // and the session is unharmed
}

TEST_F(SessionTableTest, ChangedRightsAreNoticed) {
  const auto first = admit(1);
  EXPECT_FALSE(admit(2, first.ticket).rights_changed);
  gus_.claims = {{"room", 4}};
  EXPECT_TRUE(admit(3, first.ticket).rights_changed);
  EXPECT_FALSE(admit(4, first.ticket).rights_changed);
}

TEST_F(SessionTableTest, WaitingSessionsExpire) {
  const auto first = admit(1);
  close(first.client, 1);
  now_ = now_ + Duration::seconds(59);
  EXPECT_EQ(table_.expire(now_), 0u);
  const auto second = admit(2, first.ticket);
  EXPECT_TRUE(second.is_resumed);
  now_ = now_ + Duration::seconds(100);
  EXPECT_EQ(table_.expire(now_), 0u);  // it has a connection
  close(second.client, 2);
  now_ = now_ + Duration::seconds(60);
  EXPECT_EQ(table_.expire(now_), 1u);
  EXPECT_FALSE(admit(3, second.ticket).is_resumed);
}

TEST_F(SessionTableTest, OldestWaitingSessionGoesFirstBeyondTheNumber) {
  std::vector<SessionTable::Admission> all;
  for (uint64_t i = 0; i < 5; ++i) all.push_back(admit(i));
  for (uint64_t i = 0; i < 5; ++i) close(all[i].client, i);
  EXPECT_EQ(table_.parked_count(), 3u);
  EXPECT_FALSE(admit(10, all[1].ticket).is_resumed);
  EXPECT_TRUE(admit(11, all[2].ticket).is_resumed);
}

TEST_F(SessionTableTest, EndOfAFencedConnectionParksNothing) {
  const auto first = admit(1);
  admit(2, first.ticket);
  close(first.client, 1);
  EXPECT_EQ(table_.parked_count(), 0u);
  EXPECT_EQ(table_.count(), 1u);
}

TEST_F(SessionTableTest, WithoutSecretsNothingOutlivesAConnection) {
  const auto first = table_.admit(LinkId{1}, gus_, {}, nullptr);
  EXPECT_TRUE(first.ticket.empty());
  close(first.client, 1);
  EXPECT_EQ(table_.count(), 0u);
  EXPECT_EQ(table_.parked_count(), 0u);
}

}  // namespace
}  // namespace ecsdb::server_test
