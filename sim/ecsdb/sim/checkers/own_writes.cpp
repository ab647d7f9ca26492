#include "ecsdb/sim/checkers/own_writes.h"

#include <utility>

namespace ecsdb::sim {
namespace {

std::string shown_text(const Client& client, uint16_t table, EntityId entity, uint16_t field) {
  const PredictedDb& shown = client.predicted();
  if (table >= shown.schema().table_count()) return "no table";
  const auto value = shown.value(table, entity, field);
  if (!value.ok()) return "no row";
  return format_value(shown.schema(), shown.schema().table(table).fields[field], *value);
}

}  // namespace

void OwnWrites::forget() {
  pending_.clear();
  shown_.clear();
  last_decided_ = WriteId{};
  last_version_ = Version{};
}

void OwnWrites::report(const char* invariant, Instant at, std::string where, std::string expected,
                       std::string got) {
  violations_.add({invariant, at, client_, std::move(where), std::move(expected), std::move(got)});
}

void OwnWrites::on_submitted(const Client& client, WriteId id, std::vector<Touched> touched,
                             Instant at) {
  pending_[id] = std::move(touched);
  check_shown(client, at);
  look(client);
}

void OwnWrites::begin_step(const Client& client, size_t life) {
  if (life != life_) last_version_ = Version{};
  life_ = life;
  was_live_ = client.sync().phase == SyncStatus::Phase::kLive;
  cut_before_ = client.db().cut();
}

void OwnWrites::on_outcome(const Client& client, const WriteOutcome& outcome, Instant at) {
  const std::string where = "write " + std::to_string(outcome.id.value);
  ++outcomes_[static_cast<size_t>(outcome.kind)];
  if (!pending_.contains(outcome.id)) {
    return report("exactly_once", at, where, "one outcome of each write", "another one");
  }
  if (outcome.is_open) return;
  pending_.erase(outcome.id);
  if (outcome.version == Version{}) return;  // not decided by a server
  if (outcome.id <= last_decided_ || outcome.version < last_version_) {
    report("causal_order", at, where,
           "decided after write " + std::to_string(last_decided_.value) + " at version " +
               std::to_string(last_version_.value),
           "version " + std::to_string(outcome.version.value));
  }
  last_decided_ = outcome.id;
  last_version_ = outcome.version;
  const Version cut = client.db().cut();
  const bool is_one_step = outcome.version <= cut && (!was_live_ || outcome.version > cut_before_);
  if (is_one_step) return;
  report("read_your_writes", at, where,
         "its outcome, of version " + std::to_string(outcome.version.value) +
             ", in the same step as its effect",
         "in the step from version " + std::to_string(cut_before_.value) + " to " +
             std::to_string(cut.value));
}

void OwnWrites::end_step(const Client& client, Instant at) {
  check_shown(client, at);
  look(client);
}

/// What the last pending write of a field wants is there, if the row is.
void OwnWrites::check_shown(const Client& client, Instant at) {
  std::map<Shown, const Touched*> last;
  for (const auto& [id, touched] : pending_) {
    for (const Touched& one : touched) {
      const EntityId entity = client.entity(one.entity);
      if (!one.is_reset) {
        last[{one.table, entity, one.field}] = &one;
        continue;
      }
      std::erase_if(last, [&](const auto& item) {
        return item.first.entity == entity &&
               (one.table == kEveryTable || one.table == item.first.table);
      });
    }
  }
  const Schema& schema = client.predicted().schema();
  for (const auto& [place, touched] : last) {
    if (touched->is_merged || place.table >= schema.table_count()) continue;
    const std::string got = shown_text(client, place.table, place.entity, place.field);
    if (got == "no row") continue;
    const FieldDef& def = schema.table(place.table).fields[place.field];
    const std::string expected = format_value(schema, def, touched->value);
    if (got == expected) continue;
    report("read_your_writes", at,
           schema.table(place.table).name + "." + def.name + ", entity " +
               std::to_string(place.entity.value),
           expected + ", as written last", got);
  }
}

void OwnWrites::look(const Client& client) {
  shown_.clear();
  for (const auto& [id, touched] : pending_) {
    for (const Touched& one : touched) {
      if (one.is_reset) continue;
      shown_[{one.table, one.entity, one.field}] =
          shown_text(client, one.table, one.entity, one.field);
    }
  }
}

void OwnWrites::on_input(const Client& client, Instant at) {
  for (const auto& [place, before] : shown_) {
    const std::string now = shown_text(client, place.table, place.entity, place.field);
    if (now == before) continue;
    report("read_your_writes", at,
           "table " + std::to_string(place.table) + ", entity " +
               std::to_string(place.entity.value) + ", field " + std::to_string(place.field),
           before + ", until poll()", now);
  }
}

void OwnWrites::check_at_rest(const Client& client, Instant at) {
  const PredictedDb& shown = client.predicted();
  if (!pending_.empty() || client.pending_writes() != 0) {
    report("read_your_writes", at, "", "no write pending",
           std::to_string(pending_.size()) + " without an outcome, " +
               std::to_string(client.pending_writes()) + " in the client's queue");
  }
  for (uint16_t table = 0; table < shown.schema().table_count(); ++table) {
    const std::vector<EntityId> entities = shown.entities(table);
    if (entities.size() != client.db().table(table).row_count()) {
      report("read_your_writes", at, shown.schema().table(table).name,
             std::to_string(client.db().table(table).row_count()) + " rows, as confirmed",
             std::to_string(entities.size()));
    }
    for (const EntityId entity : entities) {
      for (uint16_t field = 0; field < shown.schema().table(table).fields.size(); ++field) {
        const auto confirmed = client.db().value(table, entity, field);
        const auto value = shown.value(table, entity, field);
        const FieldDef& def = shown.schema().table(table).fields[field];
        if (confirmed.ok() && value.ok() &&
            format_value(shown.schema(), def, *confirmed) ==
                format_value(shown.schema(), def, *value)) {
          continue;
        }
        report("read_your_writes", at,
               shown.schema().table(table).name + "." + def.name + ", entity " +
                   std::to_string(entity.value),
               "what is confirmed", shown_text(client, table, entity, field));
      }
    }
  }
}

}  // namespace ecsdb::sim
