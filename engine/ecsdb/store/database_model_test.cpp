// Random transactions against a model of maps that knows nothing of columns, logs or slots. A
// twin database, restored from snapshots along the way, gets the same operations and must stay
// equal in every byte.
#include <algorithm>
#include <cmath>
#include <deque>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <tuple>

#include "ecsdb/base/prng.h"
#include "ecsdb/store/test_support.h"

namespace ecsdb::store_test {
namespace {

using RowName = std::pair<uint16_t, EntityId>;
using CellName = std::pair<uint16_t, CellKey>;

struct ModelRow {
  std::vector<Value> values;
  Version changed;
  Version born;
  CellKey key;
  bool touched = false;
  bool operator==(const ModelRow&) const = default;
};

struct ModelTombstone {
  Version version;
  CellName cell;
  EntityId entity;
  bool left;
  bool shown;
};

struct ModelCell {
  Version changed, published, published_before, horizon;
};

class Model {
 public:
  Model(const Schema& schema, const DatabaseOptions& options)
      : forgotten(schema.table_count()), schema_(schema), options_(options) {}

  std::set<EntityId> entities;
  std::map<RowName, ModelRow> rows;
  std::map<CellName, ModelCell> cells;
  std::deque<ModelTombstone> tombstones;
  std::map<RowName, ModelRow> shown;  // rows as the last publish showed them
  Version head, published;
  std::vector<Version> forgotten;  // by table

  std::vector<Value> defaults(uint16_t table) const {
    std::vector<Value> out;
    for (const FieldDef& field : schema_.table(table).fields) {
      const bool is_text = field.type == FieldType::kStr;
      out.push_back(is_text ? from_text(field, default_text(field))
                            : from_lanes(field, default_lanes(field)));
    }
    return out;
  }

  void begin() {
    before_rows_ = rows;
    before_entities_ = entities;
  }
  void drop() {
    rows = before_rows_;
    entities = before_entities_;
  }
  void commit() {
    head = head.next();
    for (const auto& [name, row] : before_rows_) {
      if (rows.contains(name)) continue;
      bury({name.first, row.key}, name.second, false);
      shown.erase(name);
    }
    for (auto& [name, row] : rows) place(name, row);
  }
  /// A row that is inserted again in the transaction that removed it is still the old row.
  void restore_row(const RowName& name, ModelRow& row) const {
    const auto before = before_rows_.find(name);
    if (before == before_rows_.end()) return;
    row.changed = before->second.changed;
    row.born = before->second.born;
    row.key = before->second.key;
  }
  void publish() {
    for (auto& [name, cell] : cells) {
      if (cell.changed <= published) continue;
      cell.published_before = cell.published;
      cell.published = head;
    }
    shown = rows;
    published = head;
  }
  std::vector<CellName> trim() {
    std::vector<CellName> destroyed;
    while (!tombstones.empty() &&
           (tombstones.size() > options_.tombstones_max ||
            tombstones.front().version.value + options_.horizon_versions_max < head.value)) {
      const Version version = tombstones.front().version;
      while (!tombstones.empty() && tombstones.front().version == version) {
        const CellName name = tombstones.front().cell;
        tombstones.pop_front();
        if (cells.contains(name)) forget(name, version, destroyed);
      }
    }
    return destroyed;
  }
  Digest digest(const CellName& cell) const {
    Digest sum;
    for (const auto& [name, row] : rows) {
      if (name.first == cell.first && row.key == cell.second) sum += row_digest(name, row);
    }
    return sum;
  }

 private:
  void forget(const CellName& name, Version version, std::vector<CellName>& destroyed) {
    cells[name].horizon = version;
    for (const auto& [row_name, row] : rows) {
      if (row_name.first == name.first && row.key == name.second) return;
    }
    for (const ModelTombstone& left : tombstones) {
      if (left.cell == name && left.version != version) return;
    }
    destroyed.push_back(name);
    forgotten[name.first] = std::max(forgotten[name.first], version);
    cells.erase(name);
  }
  CellKey key_of(const RowName& name, const ModelRow& row) const {
    switch (name.first) {
      case kShip: {
        const Vec2f pos = std::get<Vec2f>(row.values[kPos]);
        return CellKey::grid(static_cast<int64_t>(std::floor(pos.x / 64)),
                             static_cast<int64_t>(std::floor(pos.y / 64)));
      }
      case kHull: {
        const auto ship = rows.find({kShip, name.second});
        return ship == rows.end() ? CellKey::none() : key_of(ship->first, ship->second);
      }
      case kChat:
        return CellKey::value(std::get<int64_t>(row.values[kRoom]));
      case kBag:
        return CellKey::owner(std::get<PrincipalId>(row.values[kPilot]));
      default:
        return CellKey::one();
    }
  }
  void bury(const CellName& cell, EntityId entity, bool left) {
    const auto last = shown.find({cell.first, entity});
    const bool is_shown = last != shown.end() && last->second.key == cell.second;
    tombstones.push_back({head, cell, entity, left, is_shown});
    cells[cell].changed = head;
  }
  void place(const RowName& name, ModelRow& row) {
    const CellKey key = key_of(name, row);
    const auto before = before_rows_.find(name);
    const bool is_new = before == before_rows_.end();
    if (!is_new && before->second.key != key) {
      bury({name.first, before->second.key}, name.second, true);
    }
    const bool changes = is_new || row.touched || before->second.key != key;
    row.key = key;
    row.touched = false;
    if (!changes) return;
    if (is_new) row.born = head;
    row.changed = head;
    const auto [cell, is_first] = cells.try_emplace({name.first, key});
    if (is_first) cell->second.horizon = forgotten[name.first];
    cell->second.changed = head;
  }
  Digest row_digest(const RowName& name, const ModelRow& row) const {
    const TableDef& table = schema_.table(name.first);
    RowHasher hasher;
    const uint64_t entity = name.second.value;
    hasher.add(RowHasher::entity_place(table.id, false), static_cast<uint32_t>(entity));
    hasher.add(RowHasher::entity_place(table.id, true), static_cast<uint32_t>(entity >> 32));
    for (size_t f = 0; f < table.fields.size(); ++f) {
      const FieldDef& field = table.fields[f];
      if (field.server_only) continue;
      uint32_t position = 0;
      auto add = [&](uint64_t word) {
        const auto place = RowHasher::place(table.id, field.id, position++);
        hasher.add(place, static_cast<uint32_t>(word));
      };
      if (field.type == FieldType::kStr) {
        const auto text = RowHasher::text_words(as_bytes(std::get<std::string>(row.values[f])));
        for (const uint32_t word : text) add(word);
        continue;
      }
      const LaneValues lanes = to_lanes(field, row.values[f]).value();
      const bool is_wide = field.type == FieldType::kI64 || field.type == FieldType::kU64 ||
                           field.type == FieldType::kPrincipal;
      add(lanes.lane[0]);
      if (is_wide) add(lanes.lane[0] >> 32);
      if (field.type == FieldType::kVec2f) add(lanes.lane[1]);
    }
    return hasher.finish();
  }

  Schema schema_;
  DatabaseOptions options_;
  std::map<RowName, ModelRow> before_rows_;
  std::set<EntityId> before_entities_;
};

/// Drives the model, a database and its twin.
class Driver {
 public:
  explicit Driver(uint64_t seed)
      : random_(seed), db_(arena(options())), twin_(db_), model_(db_.schema(), options()) {}

  static DatabaseOptions options() {
    DatabaseOptions out = arena_options();
    out.horizon_versions_max = 40;
    out.tombstones_max = 60;
    out.entities_max = 48;
    return out;
  }

  void step() {
    {
      Transaction change = db_.begin();
      Transaction twin_change = twin_.begin();
      model_.begin();
      for (uint64_t left = random_.below(6); left > 0; --left) operate(change, twin_change);
      verify_reads();
      if (random_.chance(1, 4)) {
        model_.drop();
      } else {
        model_.commit();
        ASSERT_EQ(std::move(change).commit(), model_.head);
        std::move(twin_change).commit();
      }
    }
    db_.check_invariants();
    verify_cells();
    verify_baseline();
    if (random_.chance(1, 3)) publish();
  }

 private:
  void publish() {
    db_.finish_publish();
    twin_.finish_publish();
    model_.publish();
    if (random_.chance(1, 2)) {
      std::vector<CellName> destroyed;
      for (const auto& [ref, key] : db_.trim()) destroyed.push_back({ref.table, key});
      ASSERT_EQ(destroyed.size(), twin_.trim().size());
      std::vector<CellName> expected = model_.trim();
      std::sort(destroyed.begin(), destroyed.end());
      std::sort(expected.begin(), expected.end());
      ASSERT_EQ(destroyed, expected);
    }
    db_.check_invariants();
    verify_cells();
    verify_baseline();
    const Bytes bytes = db_.snapshot();
    ASSERT_EQ(bytes, twin_.snapshot());
    if (!random_.chance(1, 8)) return;
    Result<Database> restored = Database::restore(bytes, &db_.schema());
    ASSERT_TRUE(restored.ok()) << restored.error().to_string();
    twin_ = std::move(restored).value();
    twin_.check_invariants();
    ASSERT_EQ(bytes, twin_.snapshot());
    for (const auto& [name, cell] : model_.cells) {
      ASSERT_EQ(twin_.digest(name.first, name.second), db_.digest(name.first, name.second));
    }
  }

  EntityId pick() {
    if (model_.entities.empty() || random_.chance(1, 20)) {
      return EntityId::make(static_cast<uint32_t>(random_.below(50)), 3, 1);
    }
    auto at = model_.entities.begin();
    std::advance(at, static_cast<ptrdiff_t>(random_.below(model_.entities.size())));
    return *at;
  }
  Value random_value(uint16_t table, uint16_t field) {
    const FieldDef& def = db_.schema().table(table).fields[field];
    switch (def.type) {
      case FieldType::kVec2f:
        return Vec2f{static_cast<float>(random_.between(-200, 200)) * 0.5f,
                     static_cast<float>(random_.between(-60, 60)) * 0.5f};
      case FieldType::kI64:
      case FieldType::kI32:
        return random_.between(-2, 2);
      case FieldType::kF64:
        return static_cast<double>(random_.below(4));
      case FieldType::kStr:
        return std::string(random_.below(5), 'x');
      case FieldType::kEnum:
        return EnumValue{static_cast<uint8_t>(random_.below(3))};
      case FieldType::kPrincipal:
        return PrincipalId{random_.below(3) + (uint64_t{1} << 63)};
      default:
        return random_.below(4);
    }
  }
  std::vector<FieldValue> random_values(uint16_t table) {
    std::vector<FieldValue> out;
    for (uint16_t f = 0; f < db_.schema().table(table).fields.size(); ++f) {
      if (random_.chance(1, 2)) out.push_back({f, random_value(table, f)});
    }
    return out;
  }
  void apply(uint16_t table, ModelRow& row, const std::vector<FieldValue>& values) {
    for (const FieldValue& given : values) {
      if (row.values[given.field] == given.value) continue;
      row.values[given.field] = given.value;
      if (!db_.schema().table(table).fields[given.field].server_only) row.touched = true;
    }
  }

  void operate(Transaction& change, Transaction& twin_change) {
    const EntityId entity = pick();
    const uint16_t table = static_cast<uint16_t>(random_.below(5));
    const uint64_t what = random_.below(20);
    if (what < 4) return create(change, twin_change);
    if (what < 5) return destroy(change, twin_change, entity);
    if (what < 11) return insert(change, twin_change, table, entity);
    if (what < 17) return set(change, twin_change, table, entity);
    const Status status = change.remove(table, entity);
    ASSERT_EQ(code(twin_change.remove(table, entity)), code(status));
    ASSERT_EQ(status.ok(), model_.rows.erase({table, entity}) == 1);
  }
  void create(Transaction& change, Transaction& twin_change) {
    const Result<EntityId> entity = change.create();
    const Result<EntityId> twin_entity = twin_change.create();
    ASSERT_EQ(entity.code(), twin_entity.code());
    if (!entity.ok()) return;
    ASSERT_EQ(*entity, *twin_entity);
    ASSERT_TRUE(model_.entities.insert(*entity).second);
    ASSERT_TRUE(ever_.insert(*entity).second);  // no id is given twice
  }
  void destroy(Transaction& change, Transaction& twin_change, EntityId entity) {
    const Status status = change.destroy(entity);
    ASSERT_EQ(code(twin_change.destroy(entity)), code(status));
    ASSERT_EQ(status.ok(), model_.entities.erase(entity) == 1);
    for (uint16_t table = 0; table < 5; ++table) model_.rows.erase({table, entity});
  }
  void insert(Transaction& change, Transaction& twin_change, uint16_t table, EntityId entity) {
    const std::vector<FieldValue> values = random_values(table);
    const Status status = change.insert(table, entity, values);
    ASSERT_EQ(code(twin_change.insert(table, entity, values)), code(status));
    ErrorCode expected = ErrorCode::kOk;
    if (model_.rows.contains({table, entity})) expected = ErrorCode::kRowExists;
    if (!model_.entities.contains(entity)) expected = ErrorCode::kUnknownEntity;
    ASSERT_EQ(code(status), expected);
    if (!status.ok()) return;
    ModelRow& row = model_.rows[{table, entity}];
    row.values = model_.defaults(table);
    model_.restore_row({table, entity}, row);
    row.touched = true;
    apply(table, row, values);
  }
  void set(Transaction& change, Transaction& twin_change, uint16_t table, EntityId entity) {
    std::vector<FieldValue> values = random_values(table);
    const bool is_bad = table == kShip && random_.chance(1, 6);
    if (is_bad) values.push_back({kName, std::string(25, 'y')});
    // The two databases may take different ways in.
    const bool one_by_one = values.size() == 1 && random_.chance(1, 2);
    const Status status = one_by_one ? change.set(table, entity, values[0].field, values[0].value)
                                     : change.set(table, entity, values);
    ASSERT_EQ(code(twin_change.set(table, entity, values)), code(status));
    const auto row = model_.rows.find({table, entity});
    ErrorCode expected = is_bad ? ErrorCode::kTextTooLong : ErrorCode::kOk;
    if (row == model_.rows.end()) expected = ErrorCode::kRowMissing;
    ASSERT_EQ(code(status), expected);
    if (status.ok()) apply(table, row->second, values);
  }
  static ErrorCode code(const Status& status) {
    return status.ok() ? ErrorCode::kOk : status.error().code;
  }

  /// What reads show, which inside a transaction includes its changes.
  void verify_reads() {
    for (const auto& [name, row] : model_.rows) {
      for (uint16_t f = 0; f < row.values.size(); ++f) {
        const Result<Value> value = db_.value(name.first, name.second, f);
        ASSERT_TRUE(value.ok());
        ASSERT_EQ(*value, row.values[f]);
      }
    }
    for (uint16_t table = 0; table < 5; ++table) {
      for (const Row& row : db_.table(table).rows()) {
        ASSERT_EQ(db_.contains(table, row.entity), model_.rows.contains({table, row.entity}));
      }
    }
    for (const EntityId entity : ever_) {
      ASSERT_EQ(db_.exists(entity), model_.entities.contains(entity));
    }
  }
  void verify_cells() {
    verify_reads();
    ASSERT_EQ(db_.head(), model_.head);
    ASSERT_EQ(db_.published(), model_.published);
    size_t cells = 0;
    for (uint16_t table = 0; table < 5; ++table) {
      cells += db_.cells(table).count();
      ASSERT_EQ(db_.cells(table).forgotten(), model_.forgotten[table]);
    }
    ASSERT_EQ(cells, model_.cells.size());
    for (const auto& [name, row] : model_.rows) {
      const Row& actual = row_of(db_, name.first, name.second);
      ASSERT_EQ(actual.changed, row.changed);
      ASSERT_EQ(born_of(db_, name.first, name.second), row.born);
      ASSERT_EQ(db_.cells(name.first).at(actual.cell).key, row.key);
    }
    for (const auto& [name, cell] : model_.cells) verify_cell(name, cell);
  }
  void verify_cell(const CellName& name, const ModelCell& cell) {
    const Cell* actual = find_cell(db_, name.first, name.second);
    ASSERT_NE(actual, nullptr);
    ASSERT_EQ(actual->changed, cell.changed);
    ASSERT_EQ(actual->published, cell.published);
    ASSERT_EQ(actual->published_before, cell.published_before);
    ASSERT_EQ(actual->horizon, cell.horizon);
    if (random_.chance(1, 3)) {  // not always, so that dirty rows pile up
      ASSERT_EQ(db_.digest(name.first, name.second), model_.digest(name));
    }
    using Grave = std::tuple<Version, EntityId, bool, bool>;
    std::vector<Grave> expected, found;
    for (const ModelTombstone& t : model_.tombstones) {
      if (t.cell != name) continue;
      expected.emplace_back(t.version, t.entity, t.left, t.shown);
    }
    for (const Tombstone& t : actual->tombstones) {
      found.emplace_back(t.version, t.entity, t.left, t.shown);
    }
    std::sort(expected.begin(), expected.end());
    std::sort(found.begin(), found.end());
    ASSERT_EQ(found, expected);
  }
  void verify_baseline() {
    for (const auto& [name, row] : model_.rows) {
      const Row& actual = row_of(db_, name.first, name.second);
      const auto shown = model_.shown.find(name);
      ASSERT_EQ(actual.published_cell != kNoCell, shown != model_.shown.end());
      if (shown == model_.shown.end()) continue;
      ASSERT_EQ(db_.cells(name.first).at(actual.published_cell).key, shown->second.key);
      const Table& table = db_.table(name.first);
      const RowIndex at = table.find(name.second);
      for (const uint16_t f : table.layout().replicated) {
        const FieldDef& def = db_.schema().table(name.first).fields[f];
        const FieldLayout& layout = table.layout().fields[f];
        const Value& value = shown->second.values[f];
        if (layout.text != kNoText) {
          ASSERT_EQ(table.baseline_text(at, layout.text), std::get<std::string>(value));
          continue;
        }
        const LaneValues lanes = to_lanes(def, value).value();
        for (uint16_t k = 0; k < layout.lane_count; ++k) {
          const uint16_t lane = static_cast<uint16_t>(layout.lane_first + k);
          ASSERT_EQ(table.baseline_lane(at, lane), lanes.lane[k]);
        }
      }
    }
  }

  Prng random_;
  Database db_;
  Database twin_;
  Model model_;
  std::set<EntityId> ever_;
};

void run(uint64_t seed) {
  SCOPED_TRACE(seed);
  Driver driver(seed);
  for (int i = 0; i < 600; ++i) {
    driver.step();
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << "step " << i;
  }
}

TEST(DatabaseModel, RandomTransactionsAgreeWithMapsAndTwin) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    run(seed);
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace ecsdb::store_test
