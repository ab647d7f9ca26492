// Writes of several clients in any order of delivery, and what they show until they are decided.
#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <rapidcheck.h>
#include <string>

#include "ecsdb/client/client.h"
#include "ecsdb/client/test_loopback.h"
#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/server/replication_server.h"

#include "property.h"

namespace ecsdb::properties {
namespace {

// Fields of the one table, by index.
enum Fields : uint16_t { kSum, kLow, kHigh, kFlags, kLast, kOwn, kFieldCount };
constexpr size_t kClients = 3;
constexpr size_t kItems = 4;

Schema items() {
  return SchemaBuilder("items")
      .table(1, "item")
      .write("")
      .field(1, "sum", FieldType::kI64)
      .merge("sum")
      .field(2, "low", FieldType::kI64)
      .merge("min")
      .field(3, "high", FieldType::kI64)
      .merge("max")
      .bits_field(4, "flags", 16)
      .merge("union")
      .field(5, "last", FieldType::kI64)
      .lww()
      .field(6, "own", FieldType::kI64)
      .build()
      .value();
}

class CountingSecrets final : public SecretSource {
 public:
  void draw(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = ++last_;
  }

 private:
  uint8_t last_ = 0;
};

using ItemRow = std::map<uint16_t, int64_t>;
using Items = std::map<EntityId, ItemRow>;

Items items_of(const TableSet& set) {
  Items out;
  const Table& table = set.table(0);
  for (RowIndex row = 0; row < table.row_count(); ++row) {
    ItemRow& item = out[table.row(row).entity];
    for (uint16_t field = 0; field < kFieldCount; ++field) {
      item[field] = static_cast<int64_t>(table.field_value(row, field).lanes.lane[0]);
    }
  }
  return out;
}

Value value_of(uint16_t field, int64_t value) {
  if (field == kFlags) return Value(BitSet{static_cast<uint64_t>(value)});
  return Value(value);
}

/// One operation as its writer means it.
struct Deed {
  WriteOpKind kind = WriteOpKind::kSet;
  EntityId entity;
  ItemRow values;
  ItemRow bases;  // what it saw there
};

/// A client and what the test knows of its writes.
struct Author {
  explicit Author(uint64_t seed) : client(ClientOptions{}, Prng(seed)) {
    client.on_outcome([this](const WriteOutcome& outcome) {
      RC_ASSERT(pending.erase(outcome.id.value) == 1u);
      ++ends;
      for (const WriteOutcome::Made& one : outcome.made) made[one.provisional] = one.entity;
    });
  }
  EntityId resolve(EntityId entity) const {
    const auto found = made.find(entity);
    return found == made.end() ? entity : found->second;
  }

  Client client;
  std::map<uint64_t, std::vector<Deed>> pending;  // by write, in order
  std::map<EntityId, EntityId> made;
  size_t submitted = 0;
  size_t ends = 0;
};

int64_t merged(uint16_t field, int64_t base, int64_t shown, int64_t mine) {
  if (shown == base || field > kFlags) return mine;
  if (field == kFlags) return shown | mine;
  if (field == kSum) return shown + (mine - base);
  if (mine == base) return shown;
  return field == kLow ? std::min(shown, mine) : std::max(shown, mine);
}

/// What pending writes make of a state: written apart from the client.
void replay(const std::vector<Deed>& deeds, const Author& author, Items& state) {
  for (const Deed& deed : deeds) {
    const EntityId entity = author.resolve(deed.entity);
    const auto row = state.find(entity);
    switch (deed.kind) {
      case WriteOpKind::kSpawn:
        break;
      case WriteOpKind::kDespawn:
      case WriteOpKind::kRemove:
        state.erase(entity);
        break;
      case WriteOpKind::kPut:
        if (row != state.end()) break;
        for (uint16_t field = 0; field < kFieldCount; ++field) state[entity][field] = 0;
        for (const auto& [field, value] : deed.values) state[entity][field] = value;
        break;
      case WriteOpKind::kSet:
        if (row == state.end()) break;
        for (const auto& [field, value] : deed.values) {
          const auto base = deed.bases.find(field);
          int64_t& shown = row->second[field];
          shown = merged(field, base == deed.bases.end() ? shown : base->second, shown, value);
        }
        break;
    }
  }
}

Items predicted_items(const Author& author) {
  Items state = items_of(author.client.db());
  for (const auto& [id, deeds] : author.pending) replay(deeds, author, state);
  return state;
}

class Shop {
 public:
  explicit Shop(size_t writes_per_commit)
      : server_(items(), options(writes_per_commit), &open_, &secrets_), net_(server_) {
    Transaction tx = server_.begin(net_.now());
    for (size_t i = 0; i < kItems; ++i) {
      entities_.push_back(tx.create().value());
      RC_ASSERT(tx.insert(0, entities_.back(), {}).ok());
    }
    server_.commit(std::move(tx), net_.now());
    server_.publish(net_.now());
    for (size_t i = 0; i < kClients; ++i) {
      authors_.push_back(std::make_unique<Author>(i + 1));
      Client& client = authors_.back()->client;
      net_.add(&client);
      client.subscribe("item", net_.now());
      client.connect(net_.now());
    }
    net_.settle();
  }
  static ServerOptions options(size_t writes_per_commit) {
    ServerOptions options;
    options.writes_per_commit_max = writes_per_commit;
    options.writes_waiting_max = 6;
    options.write_rate = 50;
    options.write_burst = 10;
    return options;
  }

  Author& author(size_t index) { return *authors_[index]; }
  EntityId item(size_t index) const { return entities_[index]; }
  Items state() const { return items_of(server_.database()); }

  void submit(Author& author, std::vector<Deed> deeds, WriteDraft draft) {
    for (const Deed& deed : deeds) {
      std::vector<FieldValue> values;
      for (const auto& [field, value] : deed.values)
        values.push_back({field, value_of(field, value)});
      switch (deed.kind) {
        case WriteOpKind::kSpawn:
          break;
        case WriteOpKind::kDespawn:
          draft.despawn(deed.entity);
          break;
        case WriteOpKind::kPut:
          RC_ASSERT(draft.put(0, deed.entity, values).ok());
          break;
        case WriteOpKind::kSet:
          RC_ASSERT(draft.set(0, deed.entity, values).ok());
          break;
        case WriteOpKind::kRemove:
          draft.remove(0, deed.entity);
          break;
      }
    }
    const auto id = author.client.submit(std::move(draft), net_.now());
    RC_ASSERT(id.ok());
    author.pending[id->value] = std::move(deeds);
    ++author.submitted;
  }
  /// One client's link carries something, or all that it has.
  void carry(size_t index, bool all) {
    for (size_t i = 0; i < kClients; ++i) net_.hold(i, i != index);
    all ? net_.settle() : net_.pass(1);
    for (size_t i = 0; i < kClients; ++i) net_.hold(i, false);
  }
  void cut(size_t index) { net_.cut(index); }
  void pass_time() { net_.advance(Duration::ms(500)); }
  template <class Change>
  void commit(Change&& change, bool publishes) {
    Transaction tx = server_.begin(net_.now());
    change(tx);
    server_.commit(std::move(tx), net_.now());
    if (publishes) server_.publish(net_.now());
  }
  /// What each client shows is what it holds and the replay of what is pending.
  void check_overlays() {
    for (const auto& author : authors_) {
      author->client.poll(net_.now());
      const PredictedDb& shown = author->client.predicted();
      const Items expected = predicted_items(*author);
      RC_ASSERT(shown.entities(0).size() == expected.size());
      for (const auto& [entity, row] : expected) {
        for (const auto& [field, value] : row) {
          const auto found = shown.value(0, entity, field);
          RC_ASSERT(found.ok());
          RC_ASSERT(*found == value_of(field, value));
        }
      }
      RC_ASSERT(author->client.pending_writes() == author->pending.size());
    }
  }
  /// Everything is delivered and decided.
  void finish() {
    const auto is_done = [](const auto& author) { return author->pending.empty(); };
    for (int i = 0; i < 400; ++i) {
      pass_time();
      commit([](Transaction&) {}, true);
      net_.settle();
      if (std::all_of(authors_.begin(), authors_.end(), is_done)) break;
    }
    for (int i = 0; i < 20; ++i) pass_time();  // who has no link yet gets one
    const Items all = state();
    for (const auto& author : authors_) {
      RC_ASSERT(author->pending.empty());
      RC_ASSERT(author->ends == author->submitted);
      RC_ASSERT(author->client.stats().faults == 0u);
      RC_ASSERT(items_of(author->client.db()) == all);
    }
    RC_ASSERT(!server_.has_writes());
    server_.check_invariants();
    check_overlays();
  }

 private:
  OpenAuthenticator open_;
  CountingSecrets secrets_;
  ReplicationServer server_;
  Loopback net_;
  std::vector<EntityId> entities_;
  std::vector<std::unique_ptr<Author>> authors_;
};

/// Some operations on what the client shows, or on what others may have removed.
void write_something(Shop& shop, Author& author) {
  WriteDraft draft = author.client.begin().value();
  Items shown = predicted_items(author);
  std::vector<Deed> deeds;
  for (uint64_t left = 1 + draw_below(3); left > 0; --left) {
    Deed deed;
    deed.kind = static_cast<WriteOpKind>(draw_below(8) < 5 ? 3 : draw_below(5));
    deed.entity = shop.item(draw_below(kItems));
    if (!shown.empty() && draw_below(3) > 0) {
      deed.entity =
          std::next(shown.begin(), static_cast<ptrdiff_t>(draw_below(shown.size())))->first;
    }
    if (deed.kind == WriteOpKind::kSpawn) {
      deed.entity = draft.spawn();
      deeds.push_back(deed);
      deed.kind = WriteOpKind::kPut;
    }
    if (deed.kind == WriteOpKind::kPut || deed.kind == WriteOpKind::kSet) {
      for (uint64_t fields = draw_below(4); fields > 0; --fields) {
        const uint16_t field = static_cast<uint16_t>(draw_below(kFieldCount));
        const int64_t value = static_cast<int64_t>(draw_below(50));
        deed.values[field] = field == kFlags ? value : value - 25;
      }
    }
    const auto row = shown.find(author.resolve(deed.entity));
    if (row != shown.end()) deed.bases = row->second;
    replay({deed}, author, shown);
    deeds.push_back(deed);
  }
  shop.submit(author, std::move(deeds), std::move(draft));
}

void change_something(Shop& shop, Transaction& tx) {
  const EntityId entity = shop.item(draw_below(kItems));
  const uint16_t field = static_cast<uint16_t>(draw_below(kFieldCount));
  const Value value = value_of(field, static_cast<int64_t>(draw_below(50)));
  if (!tx.database().contains(0, entity)) return;
  RC_ASSERT(tx.set(0, entity, field, value).ok());
  if (draw_below(10) == 0) RC_ASSERT(tx.remove(0, entity).ok());
}

TEST(WritesProperty, ClientsAndServerEndAlikeAndShowTheirPendingWritesUntilThen) {
  check_property(41, 250, [] {
    Shop shop(1 + draw_below(8));
    for (uint64_t left = 10 + draw_below(60); left > 0; --left) {
      const size_t index = draw_below(kClients);
      const uint64_t act = draw_below(12);
      if (act < 4) write_something(shop, shop.author(index));
      if (act >= 4 && act < 7) shop.carry(index, act == 6);
      if (act == 7) shop.commit([&](Transaction& tx) { change_something(shop, tx); }, true);
      if (act == 8) shop.commit([](Transaction&) {}, draw_below(2) == 0);
      if (act == 9) shop.cut(index);
      if (act == 10) shop.pass_time();
      shop.check_overlays();
    }
    shop.finish();
  });
}

/// A write of one field of one item, which others may write as well.
struct Plan {
  size_t author = 0;
  size_t item = 0;
  uint16_t field = 0;
  int64_t by = 0;
};

/// Submits all of a plan on one base, and delivers it in an order that is drawn.
Items play(const std::vector<Plan>& plan) {
  Shop shop(1 + draw_below(4));
  for (const Plan& step : plan) {
    Author& author = shop.author(step.author);
    Deed deed;
    deed.entity = shop.item(step.item);
    deed.bases = predicted_items(author)[deed.entity];
    const int64_t base = deed.bases[step.field];
    const int64_t more = step.field == kFlags ? base | (1 << step.by) : base + step.by;
    deed.values[step.field] = step.field == kLow ? base - step.by : more;
    shop.submit(author, {deed}, author.client.begin().value());
  }
  for (uint64_t left = draw_below(40); left > 0; --left) {
    const size_t index = draw_below(kClients);
    const uint64_t act = draw_below(8);
    if (act < 4) shop.carry(index, act == 3);
    if (act == 4 || act == 5) shop.commit([](Transaction&) {}, act == 4);
    if (act == 6) shop.cut(index);
    if (act == 7) shop.pass_time();
    shop.check_overlays();
  }
  shop.finish();
  return shop.state();
}

// Sums, extremes, and of those that are written over each other the newest: whatever comes first.
TEST(WritesProperty, WhatCommutesDoesNotDependOnTheOrder) {
  check_property(43, 150, [] {
    std::vector<Plan> plan;
    for (uint64_t left = 1 + draw_below(12); left > 0; --left) {
      plan.push_back({draw_below(kClients), draw_below(2), static_cast<uint16_t>(draw_below(kOwn)),
                      static_cast<int64_t>(1 + draw_below(9))});
    }
    const Items one = play(plan);
    const Items two = play(plan);
    RC_ASSERT(one == two);
  });
}

}  // namespace
}  // namespace ecsdb::properties
