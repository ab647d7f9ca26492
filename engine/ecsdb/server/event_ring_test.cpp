#include "ecsdb/server/event_ring.h"

#include <gtest/gtest.h>

namespace ecsdb {
namespace {

EventRing::Emitted emitted(uint16_t id, bool in_transaction = false) {
  EventRing::Emitted out;
  out.entry.event = EventId{id};
  out.in_transaction = in_transaction;
  return out;
}

EventRing::Item item(size_t bytes) { return {Version{1}, EventRing::kNoTable, {}, Bytes(bytes)}; }

std::vector<std::pair<int, int>> taken(EventRing& ring) {
  std::vector<std::pair<int, int>> out;
  for (const auto& event : ring.take_committed()) {
    out.emplace_back(event.entry.event.value, static_cast<int>(event.entry.version.value));
  }
  return out;
}

TEST(EventRing, OnlyWhatIsCommittedIsTaken) {
  EventRing ring(8, 8000);
  EXPECT_TRUE(ring.emit(emitted(1)).ok());
  EXPECT_TRUE(taken(ring).empty());
  ring.on_begin();
  EXPECT_TRUE(ring.emit(emitted(2, true)).ok());
  ring.on_commit(Version{5});
  EXPECT_TRUE(ring.emit(emitted(3)).ok());
  ring.on_begin();
  EXPECT_TRUE(ring.emit(emitted(4, true)).ok());  // and the transaction is dropped
  EXPECT_EQ(taken(ring), (std::vector<std::pair<int, int>>{{1, 5}, {2, 5}}));
  ring.on_begin();
  ring.on_commit(Version{6});
  EXPECT_EQ(taken(ring), (std::vector<std::pair<int, int>>{{3, 6}}));
  EXPECT_TRUE(taken(ring).empty());
}

TEST(EventRing, KeepsTheNewestUpToANumber) {
  EventRing ring(3, 1 << 20);
  for (uint64_t i = 0; i < 5; ++i) EXPECT_EQ(ring.push(item(1)), i);
  EXPECT_EQ(ring.begin(), 2u);
  EXPECT_EQ(ring.end(), 5u);
}

TEST(EventRing, KeepsTheNewestUpToSoManyBytes) {
  const size_t each = sizeof(EventRing::Item) + 100;
  EventRing ring(100, 3 * each);
  for (int i = 0; i < 5; ++i) ring.push(item(100));
  EXPECT_EQ(ring.end() - ring.begin(), 3u);
  EXPECT_EQ(ring.bytes(), 3 * each);
  ring.push(item(5 * each));  // the newest stays, whatever its size
  EXPECT_EQ(ring.end() - ring.begin(), 1u);
}

TEST(EventRing, RefusesMoreThanItCouldKeep) {
  EventRing few(2, 1 << 20);
  EXPECT_TRUE(few.emit(emitted(1)).ok());
  EXPECT_TRUE(few.emit(emitted(2)).ok());
  EXPECT_EQ(few.emit(emitted(3)).code(), ErrorCode::kQueueFull);
  EventRing small(100, 2 * sizeof(EventRing::Item));
  EXPECT_TRUE(small.emit(emitted(1)).ok());
  EXPECT_EQ(small.emit(emitted(2)).code(), ErrorCode::kQueueFull);
  small.on_begin();
  small.on_commit(Version{1});
  EXPECT_EQ(taken(small).size(), 1u);
  EXPECT_TRUE(small.emit(emitted(2)).ok());
}

}  // namespace
}  // namespace ecsdb
