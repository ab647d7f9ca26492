#include "ecsdb/client/subscriptions.h"

#include <algorithm>
#include <utility>

namespace ecsdb {

SubscriptionId Subscriptions::add(std::string table, SelectorKind kind, std::vector<CellKey> keys) {
  Entry& entry = entries_.emplace_back();
  entry.id = SubscriptionId{++last_id_};
  entry.table = std::move(table);
  entry.kind = kind;
  entry.keys = std::move(keys);
  changed_ = true;
  return entry.id;
}

SubscriptionId Subscriptions::add_area(std::string table, const AreaSpec& spec) {
  const SubscriptionId id = add(std::move(table), spec.kind, {});
  entries_.back().area = spec;
  return id;
}

Subscriptions::Entry* Subscriptions::find(SubscriptionId id) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.id == id; });
  return found == entries_.end() ? nullptr : &*found;
}

void Subscriptions::remove(SubscriptionId id) {
  const Entry* const found = find(id);
  if (found == nullptr) return;
  if (found->state == State::kSent || found->state == State::kAccepted) {
    removed_.push_back(id);
    changed_ = true;
  }
  entries_.erase(entries_.begin() + (found - entries_.data()));
}

void Subscriptions::on_disconnected() {
  removed_.clear();
  for (Entry& entry : entries_) {
    entry.state = State::kNew;
    entry.is_moved = entry.move_is_unanswered = false;
  }
  moved_ = false;
  changed_ = !entries_.empty();
}

/// An entry as the server is told of it. kUnknownTable and what area_in_steps() returns.
Status Subscriptions::describe(const Schema& schema, const Entry& entry, Subscription& out) {
  const auto table = schema.table_index(std::string_view(entry.table));
  if (!table) return fail(ErrorCode::kUnknownTable, "the server's schema has no such table");
  out.id = entry.id;
  out.table = schema.table(*table).id;
  out.kind = entry.kind;
  out.keys = entry.keys;
  if (!entry.area) return {};
  auto shape = area_in_steps(schema, *table, *entry.area);
  if (!shape.ok()) return shape.error();
  const Area& area = shape->area;
  const AreaOptions& options = entry.area->options;
  out.area = {{options.follow, area.center, area.extent, area.margin}};
  if (!options.nearest_first) return {};
  const Area point{SelectorKind::kBall, area.center, {}, 0};
  out.nearest_to = {point.keys(shape->grid.steps, AreaReach::kArea).low};
  return {};
}

Subscribe Subscriptions::take_request(const Schema& schema, std::vector<Refused>& refused) {
  Subscribe request;
  request.remove = std::exchange(removed_, {});
  changed_ = false;
  size_t keys = 0;
  for (Entry& entry : entries_) {
    if (entry.state != State::kNew) continue;
    Subscription wanted;
    const Status status = describe(schema, entry, wanted);
    if (!status.ok()) {
      entry.state = State::kRefused;
      refused.push_back({entry.id, status.error()});
      continue;
    }
    keys += entry.keys.size();
    if (request.add.size() == kSubscriptionsMax || keys > kSubscriptionKeysMax) {
      changed_ = true;  // the rest goes in a request of its own
      break;
    }
    entry.state = State::kSent;
    entry.is_moved = false;
    if (entry.area) entry.sent_center = wanted.area[0].center;
    request.add.push_back(std::move(wanted));
  }
  if (!request.add.empty() || !request.remove.empty()) request.request = ++last_request_;
  return request;
}

bool Subscriptions::on_reply(SubscriptionId id, ErrorCode code) {
  Entry* const entry = find(id);
  if (entry == nullptr) return false;
  if (entry->state == State::kSent) {
    entry->state = code == ErrorCode::kOk ? State::kAccepted : State::kRefused;
    return true;
  }
  if (!std::exchange(entry->move_is_unanswered, false)) return false;
  if (code != ErrorCode::kOk) entry->sent_center.reset();
  if (code == ErrorCode::kRateLimited) entry->is_moved = moved_ = true;
  return false;
}

bool Subscriptions::on_limited(SubscriptionId id) {
  Entry* const entry = find(id);
  if (entry == nullptr || entry->state != State::kSent) return false;
  entry->state = State::kLimited;
  return true;
}

void Subscriptions::ask_again() {
  for (Entry& entry : entries_) {
    if (entry.state != State::kLimited) continue;
    entry.state = State::kNew;
    changed_ = true;
  }
}

Status Subscriptions::move(SubscriptionId id, const AreaPoint& center, const Schema& schema) {
  Entry* const entry = find(id);
  if (entry == nullptr || !entry->area) {
    return fail(ErrorCode::kUnknownSubscription, "no area has the id " + std::to_string(id.value));
  }
  if (!entry->area->options.follow.is_none()) {
    return fail(ErrorCode::kTypeMismatch, entry->table + ": the area follows an entity");
  }
  AreaSpec moved = *entry->area;
  moved.center = center;
  if (const auto table = schema.table_index(std::string_view(entry->table))) {
    const auto shape = area_in_steps(schema, *table, moved);
    if (!shape.ok() && shape.code() == ErrorCode::kValueOutOfRange) return shape.error();
  }
  entry->area = moved;
  entry->is_moved = moved_ = true;
  return {};
}

void Subscriptions::see(SubscriptionId id, const AreaPoint& center) {
  Entry* const entry = find(id);
  if (entry != nullptr && entry->area) entry->area->center = center;
}

bool Subscriptions::has_moves() const {
  return moved_ && std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) {
           return entry.is_moved && !entry.move_is_unanswered && entry.state == State::kAccepted;
         });
}

Subscribe Subscriptions::take_moves(const Schema& schema) {
  Subscribe request;
  moved_ = false;
  for (Entry& entry : entries_) {
    if (!entry.is_moved) continue;
    if (entry.state != State::kAccepted || entry.move_is_unanswered ||
        request.move.size() == kSubscriptionsMax) {
      moved_ = true;
      continue;
    }
    entry.is_moved = false;
    Subscription now;
    if (!describe(schema, entry, now).ok()) continue;
    const GridPoint center = now.area[0].center;
    if (std::exchange(entry.sent_center, center) == center) continue;
    entry.move_is_unanswered = true;
    request.move.push_back({entry.id, center});
  }
  if (!request.move.empty()) request.request = ++last_request_;
  return request;
}

bool Subscriptions::is_settled(SubscriptionId id) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    if (entry.id != id) return false;
    const bool is_still = !entry.is_moved && !entry.move_is_unanswered;
    return entry.state == State::kRefused || (entry.state == State::kAccepted && is_still);
  });
}

bool Subscriptions::none_active() const {
  return std::all_of(entries_.begin(), entries_.end(),
                     [](const Entry& entry) { return entry.state == State::kRefused; });
}

std::string Subscriptions::why_none() const {
  if (entries_.empty()) return "nothing is subscribed";
  return "every subscription was refused: see kSubscribed events";
}

}  // namespace ecsdb
