// Random changes of a harbour database, for tests that only compare states.
#pragma once

#include <string>
#include <vector>

#include "ecsdb/base/prng.h"
#include "ecsdb/client/test_fixture.h"

namespace ecsdb::client_test {

inline constexpr const char* kTableNames[] = {"ship", "cargo", "chat", "bag"};

/// Inserts, changes, moves and removes rows of every table, and reuses entities often.
class Workload {
 public:
  explicit Workload(Prng random) : random_(random) {}

  void change(Transaction& tx) {
    if (entities_.size() < 5 || (entities_.size() < 40 && random_.chance(1, 4))) {
      entities_.push_back(tx.create().value());
      EXPECT_TRUE(tx.insert(entities_.back(), Ship{place(), 1, "s"}).ok());
      return;
    }
    const size_t at = random_.below(entities_.size());
    const EntityId entity = entities_[at];
    if (!tx.database().exists(entity)) {  // a client has taken it away
      entities_.erase(entities_.begin() + static_cast<ptrdiff_t>(at));
      return;
    }
    switch (random_.below(7)) {
      case 0:
        EXPECT_TRUE(tx.destroy(entity).ok());
        entities_.erase(entities_.begin() + static_cast<ptrdiff_t>(at));
        break;
      case 1:
        EXPECT_TRUE(tx.put(entity, Chat{static_cast<int32_t>(random_.below(4)), text()}).ok());
        break;
      case 2:
        EXPECT_TRUE(tx.put(entity, Bag{PrincipalId{1 + random_.below(3)}, 4}).ok());
        break;
      case 3:
        EXPECT_TRUE(tx.put(entity, Cargo{random_.between(-9, 9)}).ok());
        break;
      case 4:
        if (tx.database().contains<Ship>(entity)) {
          EXPECT_TRUE(tx.remove<Ship>(entity).ok());
          break;
        }
        [[fallthrough]];
      default:
        EXPECT_TRUE(tx.put(entity, Ship{place(), 2, "t"}).ok());
    }
  }
  SubscriptionId subscribe(Client& client, const Now& now) {
    switch (random_.below(3)) {
      case 0:
        return client.subscribe(kTableNames[random_.below(4)], now);
      case 1:
        return client.subscribe_cells("chat", {CellKey::value(random_.between(0, 3))}, now);
      default: {
        const char* table = random_.chance(1, 2) ? "ship" : "cargo";
        const CellKey low = CellKey::grid(random_.between(-3, 0), -3);
        const CellKey high = CellKey::grid(random_.between(0, 3), 3);
        return client.subscribe_box(table, low, high, now);
      }
    }
  }

 private:
  Vec2f place() {
    return {static_cast<float>(random_.between(-150, 150)),
            static_cast<float>(random_.between(-150, 150))};
  }
  std::string text() { return std::string(random_.below(30), 'x'); }

  Prng random_;
  std::vector<EntityId> entities_;
};

/// Fails where the client reported that it could not apply what came. Takes its events.
inline void expect_no_fault(Client& client) {
  while (const auto event = client.next_event()) {
    EXPECT_NE(event->kind, ClientEvent::Kind::kFault)
        << error_name(event->code) << ": " << event->reason;
  }
}

}  // namespace ecsdb::client_test
