#include "ecsdb/sim/write_user.h"

#include <algorithm>
#include <utility>

#include "ecsdb/sim/scenario.h"
#include "ecsdb/sim/workload_values.h"

namespace ecsdb::sim {
namespace {

constexpr size_t kBornMax = 32;
constexpr EntityId kPeople[] = {EntityId::make(1, 1, 1), EntityId::make(7, 1, 1)};
constexpr uint64_t kBurstMax = 6;
constexpr Duration kMeeting = Duration::ms(250);  // between moments at which many write

/// A little more or less, of what may be summed up.
Value nearby(const Value& value, Prng& rng) {
  const int64_t by = rng.between(-3, 4);
  if (const auto* number = std::get_if<int64_t>(&value)) {
    return Value(static_cast<int64_t>(static_cast<uint64_t>(*number) + static_cast<uint64_t>(by)));
  }
  if (const auto* number = std::get_if<uint64_t>(&value)) {
    return Value(by < 0 && *number < 3 ? *number : *number + static_cast<uint64_t>(by));
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return Value(*number + static_cast<double>(by) * 0.25);
  }
  return value;
}

}  // namespace

WriteUser::WriteUser(Prng rng, uint32_t client, ViolationLog& violations)
    : rng_(rng), checker_(client, violations), is_one_(rng_.chance(1, 2)) {
  pause_mean_ = Duration::ms(rng_.between(60, 900));
}

Duration WriteUser::draw_pause(Instant now) {
  const Duration pause{rng_.exponential(pause_mean_.ns)};
  meets_others_ = rng_.chance(1, 3);
  if (!meets_others_) return pause;
  const int64_t then = (now + pause).ns / kMeeting.ns * kMeeting.ns + kMeeting.ns;
  return Instant{then} - now;
}

void WriteUser::attach(Client& client) {
  checker_.forget();
  born_.clear();
  const Client* const of = &client;
  client.on_outcome(
      [this, of](const WriteOutcome& outcome) { checker_.on_outcome(*of, outcome, now_); });
}

void WriteUser::begin_step(const Client& client, size_t life, const Now& now) {
  now_ = now.steady;
  checker_.begin_step(client, life);
}

/// Mostly so: now and then it tries what it must not.
bool WriteUser::may_write(const TableDef& table) const {
  return std::any_of(table.write.begin(), table.write.end(), [&](const AccessRule& rule) {
    const auto& roles = identity_->roles;
    return rule.role.empty() || std::find(roles.begin(), roles.end(), rule.role) != roles.end();
  });
}

/// Low numbers are the likeliest: few rows, which everybody writes.
bool WriteUser::draw_place(const Client& client, Place& place) {
  const ClientDb& db = client.db();
  if (db.table_count() == 0) return false;
  if (!born_.empty() && rng_.chance(1, 8)) {
    place.entity = born_[rng_.below(born_.size())];
    for (place.table = 0; place.table < db.table_count(); ++place.table) {
      if (client.predicted().contains(place.table, place.entity)) return true;
    }
  }
  for (int tries = 0; tries < 4; ++tries) {
    place.table = static_cast<uint16_t>(rng_.below(db.table_count()));
    const auto rows = db.table(place.table).rows();
    if (rows.empty()) continue;
    if (!may_write(db.schema().table(place.table)) && !rng_.chance(1, 16)) continue;
    EntityId best = rows[rng_.below(rows.size())].entity;
    for (int draw = 0; draw < 5; ++draw) {
      best = std::min(best, rows[rng_.below(rows.size())].entity);
    }
    place.entity = best;
    return true;
  }
  return false;
}

bool WriteUser::add_field(const Client& client, const Place& place, uint16_t field,
                          WriteDraft& draft) {
  const Schema& schema = client.db().schema();
  const FieldDef& def = schema.table(place.table).fields[field];
  if (def.server_only) return false;
  Value value = draw_value(schema, place.table, field, kPeople, rng_);
  const auto shown = client.predicted().value(place.table, place.entity, field);
  if (def.policy == Policy::kMerge && shown.ok()) {
    if (def.merge_name == "sum") value = nearby(*shown, rng_);
    if (def.merge_name == "append") {
      value = *shown;
      if (auto* text = std::get_if<std::string>(&value)) *text += rng_.chance(1, 2) ? "a" : "b";
    }
  }
  if (!draft.set(place.table, place.entity, field, value).ok()) return false;
  // What is shown is the canonical value.
  const auto canonical = to_canonical(def, value);
  touched_.push_back({place.table, place.entity, field, from_canonical(def, *canonical),
                      def.policy == Policy::kMerge});
  return true;
}

bool WriteUser::add_change(const Client& client, const Place& place, WriteDraft& draft) {
  const size_t fields = client.db().schema().table(place.table).fields.size();
  bool has_any = false;
  const uint64_t count = 1 + rng_.below(2);
  for (uint64_t i = 0; i < count; ++i) {
    has_any |= add_field(client, place, static_cast<uint16_t>(rng_.below(fields)), draft);
  }
  return has_any;
}

/// What all writers ask for.
std::vector<InterestEntry> WriteUser::first() {
  const CellKey square = CellKey::grid(0, 0, 0);
  return {{kShipTable, InterestEntry::Kind::kKeys, {square}},
          {kHullTable, InterestEntry::Kind::kKeys, {square}},
          {kChatTable, InterestEntry::Kind::kKeys, {CellKey::value(0)}}};
}

/// The first row of a cell; none if it is not held, or empty.
EntityId WriteUser::first_of(const ClientDb& db, const InterestEntry& at) {
  EntityId best;
  for (const HeldCell& cell : db.cells()) {
    if (!cell.held || cell.table != at.table || cell.key != at.keys.front()) continue;
    for (const RowIndex row : db.table(at.table).rows_of(cell.log)) {
      const EntityId entity = db.table(at.table).row(row).entity;
      if (best.is_none() || entity < best) best = entity;
    }
  }
  return best;
}

/// A field of a row that all of them want.
bool WriteUser::add_rivalry(const Client& client, WriteDraft& draft) {
  const ClientDb& db = client.db();
  const std::vector<InterestEntry> shared = first();
  const InterestEntry& at = shared[rng_.below(shared.size())];
  if (at.table >= db.table_count() || !may_write(db.schema().table(at.table))) return false;
  const EntityId entity = first_of(db, at);
  if (entity.is_none()) return false;
  const size_t fields = db.schema().table(at.table).fields.size();
  return add_field(client, {at.table, entity}, static_cast<uint16_t>(rng_.below(fields)), draft);
}

/// The one field that all of them write when they meet, in the same millisecond.
bool WriteUser::add_last_word(const Client& client, WriteDraft& draft) {
  const InterestEntry room{kChatTable, InterestEntry::Kind::kKeys, {CellKey::value(0)}};
  const ClientDb& db = client.db();
  const EntityId entity = first_of(db, room);
  if (entity.is_none() || !may_write(db.schema().table(kChatTable))) return false;
  const auto mood = db.schema().field_index(kChatTable, "mood");
  return mood && add_field(client, {kChatTable, entity}, *mood, draft);
}

void WriteUser::note_reset(uint16_t table, EntityId entity) {
  OwnWrites::Touched reset;
  reset.table = table;
  reset.entity = entity;
  reset.is_reset = true;
  touched_.push_back(std::move(reset));
}

/// An entity, which later writes may name before the server has seen any of it.
void WriteUser::add_birth(const Client& client, WriteDraft& draft) {
  const Schema& schema = client.db().schema();
  const EntityId entity = draft.spawn();
  uint16_t table = 0;
  do {
    table = static_cast<uint16_t>(rng_.below(schema.table_count()));
  } while (!may_write(schema.table(table)) && !rng_.chance(1, 16));
  if (draft.put(table, entity, draw_row(schema, table, kPeople, rng_)).ok()) {
    if (born_.size() == kBornMax) born_.erase(born_.begin());
    born_.push_back(entity);
  }
}

/// Rows that are not there, tables that it may not write, entities that never were.
void WriteUser::add_misdeed(const Client& client, WriteDraft& draft) {
  const Schema& schema = client.db().schema();
  const uint16_t table = static_cast<uint16_t>(rng_.below(schema.table_count()));
  // One after the other: arguments are drawn in whichever order the compiler likes.
  const auto reuse = static_cast<uint16_t>(1 + rng_.below(2));
  const EntityId nobody = EntityId::make(static_cast<uint32_t>(rng_.below(400)), 1, reuse);
  note_reset(OwnWrites::kEveryTable, nobody);
  switch (rng_.below(4)) {
    case 0:
      draft.remove(table, nobody);
      return;
    case 1:
      draft.despawn(nobody);
      return;
    case 2:
      if (draft.put(table, nobody, draw_row(schema, table, kPeople, rng_)).ok()) return;
      break;
    default:
      if (draft.set(table, nobody, draw_change(schema, table, kPeople, rng_)).ok()) return;
      break;
  }
  draft.despawn(nobody);
}

void WriteUser::submit(Client& client, WriteDraft&& draft, const Now& now) {
  WriteOptions options;
  if (rng_.chance(1, 8)) options.deadline = Duration::ms(rng_.between(20, 4'000));
  if (rng_.chance(1, 64)) options.level = AckLevel::kDurable;
  const auto id = client.submit(std::move(draft), options, now);
  if (!id.ok()) return;  // the queue is full: it is offline
  ++submitted_;
  checker_.on_submitted(client, *id, std::exchange(touched_, {}), now.steady);
}

/// Several writes of one field, of which none waits for the one before.
void WriteUser::burst(Client& client, const Now& now) {
  Place place;
  if (!draw_place(client, place)) return;
  const size_t fields = client.db().schema().table(place.table).fields.size();
  const uint16_t field = static_cast<uint16_t>(rng_.below(fields));
  const uint64_t count = 2 + rng_.below(kBurstMax - 1);
  for (uint64_t i = 0; i < count; ++i) {
    touched_.clear();
    WriteDraft draft = client.begin().value();
    if (!add_field(client, place, field, draft)) return;
    submit(client, std::move(draft), now);
  }
}

void WriteUser::act(Client& client, const ClientIdentity& identity, const Now& now) {
  identity_ = &identity;
  auto draft = client.begin();
  if (!draft.ok()) return;
  touched_.clear();
  if (std::exchange(meets_others_, false) && add_last_word(client, *draft)) {
    return submit(client, *std::move(draft), now);
  }
  const uint64_t what = rng_.below(20);
  Place place;
  if (what < 4) return burst(client, now);
  if (what < 6) {
    add_birth(client, *draft);
  } else if (what == 6) {
    add_misdeed(client, *draft);
  } else if (what < 11) {
    if (!add_rivalry(client, *draft)) return;
  } else if (!draw_place(client, place)) {
    return;
  } else if (what == 11) {
    draft->remove(place.table, place.entity);
    note_reset(place.table, place.entity);
  } else if (what == 12 && !born_.empty()) {
    const EntityId entity = born_[rng_.below(born_.size())];
    draft->despawn(entity);
    note_reset(OwnWrites::kEveryTable, entity);
  } else {
    const uint64_t rows = 1 + rng_.below(2);
    bool has_any = add_change(client, place, *draft);
    for (uint64_t i = 1; i < rows; ++i) {
      if (draw_place(client, place)) has_any |= add_change(client, place, *draft);
    }
    if (!has_any) return;
  }
  submit(client, *std::move(draft), now);
}

}  // namespace ecsdb::sim
