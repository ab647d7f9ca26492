#include "ecsdb/client/overlay.h"

#include <algorithm>
#include <iterator>
#include <list>

#include "ecsdb/client/predicted_changes.h"
#include "ecsdb/client/test_replica.h"

namespace ecsdb::client_test {
namespace {

bool is_same(const RowEvent& a, const RowEvent& b) {
  return a.kind == b.kind && a.table == b.table && a.entity == b.entity && a.changed == b.changed;
}

/// Random writes upon a replica that others change meanwhile, decided in any order. After each step
/// the overlay must hold what an overlay has that is made from nothing, and what it tells of the
/// step must be what a comparison of everything tells.
class OverlayTest : public ReplicaTest {
 protected:
  struct Pending {
    WriteId id;
    std::vector<WriteDraft::Op> ops;
  };

  OverlayTest() {
    for (const EntityId entity : {anna_, boris_, clara_}) known_.push_back(entity);
    known_.push_back(EntityId::make(77, 3, 1));  // nobody holds it
  }

  EntityId resolve(EntityId entity) const {
    const auto found = made_.find(entity);
    return found == made_.end() ? entity : found->second;
  }
  EntityId any_known() { return known_[rng_.below(known_.size())]; }

  void add_op(WriteDraft& draft) {
    const EntityId entity = any_known();
    const uint64_t paint = rng_.below(4);
    switch (rng_.below(8)) {
      case 0:
        known_.push_back(draft.spawn());
        return;
      case 1:
        return draft.despawn(entity);
      case 2:
        return draft.remove(kShip, entity);
      case 3: {
        const FieldValue values[] = {{kPaint, paint}, {kName, std::string("new")}};
        EXPECT_TRUE(draft.put(kShip, entity, values).ok());
        return;
      }
      case 4: {
        const FieldValue values[] = {{0, int64_t{3}}};
        EXPECT_TRUE(draft.put(kCargo, entity, values).ok());
        return;
      }
      case 5:
        EXPECT_TRUE(draft.set(kCargo, entity, 0, int64_t{4}).ok());
        return;
      default:
        EXPECT_TRUE(draft.set(kShip, entity, kPaint, paint).ok());
    }
  }

  void submit() {
    WriteDraft draft(replica_, provisional_end_);
    for (uint64_t ops = 1 + rng_.below(3); ops > 0; --ops) add_op(draft);
    Pending& write = pending_.emplace_back();
    write.id = WriteId{++last_write_};
    write.ops = std::move(draft).take_ops();
    const Overlay::Rows before = overlay_.rows();
    std::vector<Overlay::Shown> shown;
    for (WriteDraft::Op& op : write.ops) {
      overlay_.show(replica_, merges_, op, resolve(op.entity), shown);
    }
    if (rng_.below(8) == 0) {
      overlay_.take_back(std::move(shown));
      EXPECT_EQ(overlay_.rows(), before);
      pending_.pop_back();
      return;
    }
    for (const WriteDraft::Op& op : write.ops) overlay_.keep(write.id, op, resolve(op.entity));
  }

  /// A write is decided, or given up; what it has spawned has ids then, and perhaps rows.
  void decide() {
    if (pending_.empty()) return;
    auto at = pending_.begin();
    if (rng_.below(3) == 0) std::advance(at, rng_.below(pending_.size()));
    for (const WriteDraft::Op& op : at->ops) {
      if (op.kind != WriteOpKind::kSpawn) continue;
      const EntityId entity = add(kHere);
      overlay_.rename(replica_, op.entity, resolve(op.entity), entity);
      made_[op.entity] = entity;
    }
    for (const WriteDraft::Op& op : at->ops) {
      overlay_.drop(replica_, at->id, op, resolve(op.entity));
    }
    gone_.splice(gone_.end(), pending_, at);
  }
  void forget_made() {
    if (made_.empty()) return;
    const auto [provisional, entity] = *made_.begin();
    overlay_.rename(replica_, provisional, entity, provisional);
    made_.erase(provisional);
  }
  void change_confirmed() {
    const EntityId entity = resolve(any_known());
    if (!db_.contains(kShip, entity)) return;
    if (rng_.below(5) == 0) {
      commit([&](Transaction& tx) { EXPECT_TRUE(tx.destroy(entity).ok()); });
    } else {
      paint(entity, rng_.below(4));
    }
  }

  void step() {
    const Overlay::Rows before = overlay_.rows();
    if (rng_.below(2) == 0) decide();
    if (rng_.below(2) == 0) change_confirmed();
    if (rng_.below(10) == 0) forget_made();
    std::vector<RowEvent> events;
    ASSERT_TRUE(replica_.apply(ReplicaTest::step().seal(), &events).ok());
    for (const RowEvent& event : events) overlay_.touch(event.entity);
    Overlay::Changes changes;
    overlay_.refresh(replica_, merges_, &changes);
    gone_.clear();
    expect_replayed();
    expect_tells_all(before, std::move(changes), events);
  }

  void expect_replayed() {
    Overlay fresh;
    for (const Pending& write : pending_) {
      for (const WriteDraft::Op& op : write.ops) {
        fresh.keep(write.id, op, resolve(op.entity));
        fresh.touch(resolve(op.entity));
      }
    }
    fresh.refresh(replica_, merges_, nullptr);
    ASSERT_EQ(overlay_.rows(), fresh.rows());
    ASSERT_EQ(overlay_.is_idle(), fresh.is_idle());
  }
  void expect_tells_all(const Overlay::Rows& before, Overlay::Changes changes,
                        std::span<const RowEvent> events) {
    Overlay::Changes all{before, {}};
    for (const auto& [key, row] : overlay_.rows()) all.made.push_back(key);
    std::vector<RowEvent> told;
    std::vector<RowEvent> expected;
    predicted_changes(replica_, std::move(changes), overlay_, made_, events, told);
    predicted_changes(replica_, std::move(all), overlay_, made_, events, expected);
    ASSERT_TRUE(std::equal(told.begin(), told.end(), expected.begin(), expected.end(), is_same));
  }

  Prng rng_{1};
  MergeSet merges_;
  Overlay overlay_;
  std::list<Pending> pending_;
  std::list<Pending> gone_;  // operations stay where they are until refresh()
  std::map<EntityId, EntityId> made_;
  std::vector<EntityId> known_;
  uint32_t provisional_end_ = 1;
  uint64_t last_write_ = 0;
};

TEST_F(OverlayTest, HoldsWhatAReplayOfThePendingWritesMakes) {
  for (int i = 0; i < 3'000 && !HasFatalFailure(); ++i) {
    while (pending_.size() < 12 && rng_.below(3) > 0) submit();
    step();
    if (known_.size() > 30) known_.erase(known_.begin() + 4);
  }
  EXPECT_GT(last_write_, 1'000u);
}

TEST_F(OverlayTest, OperationOnARowThatIsNotHeldShowsOnceItIs) {
  EntityId entity;
  commit([&](Transaction& tx) { entity = tx.create().value(); });
  uint32_t provisional_end = 1;
  WriteDraft draft(replica_, provisional_end);
  EXPECT_TRUE(draft.set(kShip, entity, kPaint, uint64_t{9}).ok());
  const std::vector<WriteDraft::Op> ops = std::move(draft).take_ops();
  overlay_.keep(WriteId{1}, ops[0], entity);
  overlay_.touch(entity);
  overlay_.refresh(replica_, merges_, nullptr);
  EXPECT_TRUE(overlay_.empty());
  commit([&](Transaction& tx) { EXPECT_TRUE(tx.insert(entity, Ship{kHere, 1, "s"}).ok()); });
  expect_applies(ReplicaTest::step());
  overlay_.touch(entity);
  overlay_.refresh(replica_, merges_, nullptr);
  ASSERT_NE(overlay_.find(kShip, entity), nullptr);
  EXPECT_EQ(overlay_.find(kShip, entity)->fields[kPaint].lanes.lane[0], 9u);
}

}  // namespace
}  // namespace ecsdb::client_test
