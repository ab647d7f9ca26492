// What the tests of a client's writes share: a world in which everything may be written.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ecsdb/client/test_fixture.h"

namespace ecsdb::client_test {

inline constexpr Vec2f kHere{10, 10};
inline constexpr Vec2f kThere{100, 100};

/// Everybody may write everything; each policy is that of some field.
inline Schema writable() {
  SchemaDef def = harbour().def();
  for (TableDef& table : def.tables) table.write = {AccessRule{}};
  def.tables[kShip].fields[kPaint].policy = Policy::kLww;
  def.tables[kCargo].fields[0].policy = Policy::kMerge;
  def.tables[kCargo].fields[0].merge_name = "sum";
  def.tables[kChat].fields[kLine].policy = Policy::kMerge;
  def.tables[kChat].fields[kLine].merge_name = "append";
  return Schema::make(std::move(def)).value();
}

class WriteWorld : public World {
 public:
  explicit WriteWorld(ServerOptions options = {}, ClientOptions client_options = {})
      : World(options, std::move(client_options), writable()) {
    client_.on_outcome([this](const WriteOutcome& outcome) { outcomes_.push_back(outcome); });
    for (const char* table : {"ship", "cargo", "chat"}) {
      client_.on_predicted_row(table, [this](const RowEvent& event) {
        predicted_.push_back(std::string(kind_name(event.kind)) + " " +
                             client_.db().schema().table(event.table).name);
      });
    }
  }
  template <class Fill>
  WriteId write(Fill&& fill, const WriteOptions& options = {}) {
    WriteDraft draft = client_.begin().value();
    fill(draft);
    auto id = client_.submit(std::move(draft), options, net_.now());
    EXPECT_TRUE(id.ok());
    return *id;
  }
  WriteId set_gold(EntityId entity, int64_t gold) {
    return write(
        [&](WriteDraft& draft) { EXPECT_TRUE(draft.set(kCargo, entity, 0, Value(gold)).ok()); });
  }
  WriteId set_pos(EntityId entity, Vec2f pos) {
    return write(
        [&](WriteDraft& draft) { EXPECT_TRUE(draft.set(kShip, entity, kPos, Value(pos)).ok()); });
  }
  int64_t predicted_gold(EntityId entity) {
    return client_.predicted().get<Cargo>(entity).value_or(Cargo{-1}).gold;
  }
  /// What is waiting is decided, published and delivered.
  void tick() {
    net_.settle();
    step([](Transaction&) {});
  }
  std::vector<WriteOutcome> take_outcomes() { return std::exchange(outcomes_, {}); }
  Log take_predicted() { return std::exchange(predicted_, {}); }

 private:
  std::vector<WriteOutcome> outcomes_;
  Log predicted_;
};

}  // namespace ecsdb::client_test
