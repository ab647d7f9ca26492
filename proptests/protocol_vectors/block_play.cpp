#include "block_play.h"

#include <algorithm>
#include <set>

#include "ecsdb/wire/test_support.h"

#include "rows_json.h"

namespace ecsdb::vectors {
namespace {

constexpr CellIndex kCell = 0;

Json steps_json(const std::vector<Bytes>& blocks) {
  Json out = Json::array();
  for (const Bytes& block : blocks) out.add(to_hex(block));
  return out;
}

/// One cell of a table and what follows it.
class CellPlayer {
 public:
  CellPlayer(const Schema& schema, uint16_t table)
      : def_(schema.table(table)), ref_{table, kCell}, replica_(schema) {}

  /// What the blocks say goes to `said` unless that is null.
  Status apply(const Json& blocks, Json* said) {
    std::vector<wire_test::Sent> sent;
    for (const Json& block : blocks.items()) sent.push_back({ref_, bytes_of(block)});
    std::vector<DecodedBlock> decoded(sent.size());
    for (size_t i = 0; i < sent.size(); ++i) ECSDB_TRY(replica_.decode(sent[i], decoded[i]));
    ECSDB_TRY(check_together(decoded));
    if (said != nullptr) *said = said_json(decoded);
    return replica_.apply(sent);
  }

  void add_state(Json& out) {
    const Table& table = replica_.table(ref_.table);
    std::vector<RowIndex> order;
    for (RowIndex row = 0; row < table.row_count(); ++row) order.push_back(row);
    std::sort(order.begin(), order.end(),
              [&](RowIndex a, RowIndex b) { return table.row(a).entity < table.row(b).entity; });
    Json rows = Json::array();
    for (const RowIndex row : order) rows.add(row_json(def_, table, row));
    out.set("publishes", replica_.history(ref_).publishes());
    out.set("rows", rows);
    out.set("digest", digest_json(replica_.digest(ref_)));
    if (table.has_history()) {
      out.set("history", history_json(def_, table, replica_.history(ref_)));
    }
  }

 private:
  /// Blocks of one step speak of a row once, and a whole row finds its index free. What follows
  /// does not fail.
  Status check_together(const std::vector<DecodedBlock>& blocks) const {
    const Table& table = replica_.table(ref_.table);
    std::set<EntityId> gone;
    std::set<EntityId> changed;
    std::set<uint32_t> coming;
    bool is_once = true;
    for (const DecodedBlock& block : blocks) {
      for (const DecodedBlock::Gone& at : block.gone) is_once &= gone.insert(at.entity).second;
      for (const RowIndex row : block.changed) {
        is_once &= changed.insert(table.row(row).entity).second;
      }
    }
    for (const EntityId entity : changed) is_once &= !gone.contains(entity);
    for (const DecodedBlock& block : blocks) {
      for (const EntityId entity : block.whole) {
        is_once &= coming.insert(entity.index()).second && !changed.contains(entity);
        const RowIndex row = table.find_index(entity.index());
        if (row == kNoRow || table.row(row).entity == entity) continue;
        is_once &= gone.contains(table.row(row).entity);
      }
    }
    if (is_once) return {};
    return fail(ErrorCode::kDuplicateRow, "a row stands in two blocks, or where another is");
  }

  Json said_json(const std::vector<DecodedBlock>& blocks) const {
    const Table& table = replica_.table(ref_.table);
    Json out = Json::object();
    Json gone = Json::array();
    Json whole = Json::array();
    std::vector<std::pair<EntityId, uint64_t>> changes;
    for (const DecodedBlock& block : blocks) {
      if (block.header.form != BlockForm::kRelative) {
        out.set("version", std::to_string(block.header.version.value));
      }
      for (const DecodedBlock::Gone& at : block.gone) {
        gone.add(Json::object({{"entity", std::to_string(at.entity.value)}, {"left", at.left}}));
      }
      for (size_t i = 0; i < block.whole.size(); ++i) {
        whole.add(Json::object({{"entity", std::to_string(block.whole[i].value)},
                                {"inserted", block.inserted[i] != 0}}));
      }
      const std::vector<uint64_t> masks = wire_test::changed_fields(block, table.layout());
      for (size_t i = 0; i < block.changed.size(); ++i) {
        changes.emplace_back(table.row(block.changed[i]).entity, masks[i]);
      }
    }
    std::sort(changes.begin(), changes.end());
    Json changed = Json::array();
    for (const auto& [entity, mask] : changes) {
      changed.add(Json::object({{"entity", std::to_string(entity.value)},
                                {"fields", field_names(def_, table.layout(), mask)}}));
    }
    return out.set("gone", gone).set("changed", changed).set("whole", whole);
  }

  const TableDef& def_;
  CellRef ref_;
  wire_test::Replica replica_;
};

}  // namespace

Json blocks_input(const char* schema, uint16_t table, const BlockSteps& setup,
                  const std::vector<Bytes>& blocks) {
  Json steps = Json::array();
  for (const std::vector<Bytes>& step : setup) steps.add(steps_json(step));
  return Json::object(
      {{"schema", schema}, {"table", table}, {"setup", steps}, {"blocks", steps_json(blocks)}});
}

Json play_blocks(const Group& group, const Json& input) {
  const Result<Schema> schema = group.schema(input.at("schema"));
  if (!schema.ok()) return Json::object({{"problem", schema.error().to_string()}});
  const auto table = schema->table_index(TableId{static_cast<uint16_t>(input.at("table").u64())});
  if (!table) return Json::object({{"problem", "unknown table"}});
  CellPlayer player(*schema, *table);
  for (const Json& step : input.at("setup").items()) {
    const Status status = player.apply(step, nullptr);
    if (!status.ok()) return Json::object({{"problem", "setup: " + status.error().to_string()}});
  }
  Json before = Json::object();
  player.add_state(before);
  Json out = Json::object();
  const Status status = player.apply(input.at("blocks"), &out);
  if (status.ok()) {
    player.add_state(out);
    return expect_outcome(out);
  }
  Json after = Json::object();
  player.add_state(after);
  if (before != after) return Json::object({{"problem", "a refused block changed something"}});
  return error_outcome(status.error(), true);
}

}  // namespace ecsdb::vectors
