#include "ecsdb/server/realm.h"

#include <algorithm>
#include <map>
#include <utility>

namespace ecsdb {

Realm::Realm(Database database, ServerState& server, uint8_t number)
    : server_(server),
      number_(number),
      db_(std::move(database)),
      blocks_(server.options.block_bytes_max),
      ring_(db_.table_count(), db_.head(), server.options.ring_publishes,
            server.options.ring_bytes),
      catch_up_(db_.table_count()),
      audience_(db_.table_count()),
      events_(server.options.events_max, server.options.events_bytes_max) {
  db_.finish_publish();
}

void Realm::publish(const Now& now) {
  ECSDB_CHECK(!db_.in_transaction());
  begin_publish(now);
  ring_.begin(db_.published(), db_.head(), commit_time_ns_);
  db_.publish([&](CellRef ref, const ChangeSet& changes) { offer_cell(ref, changes); });
  ring_.trim(1);
  sort_offers();
  route_events();
  published_time_ns_ = commit_time_ns_;
  SessionContext with = context();
  const Slots& slots = server_.slots;
  const uint32_t count = slots.size();
  for (uint32_t i = 0; i < count; ++i) {
    // Another session is first each time: the last in the pass is the slowest.
    const uint32_t slot = (first_slot_ + i) % count;
    const Slot& next = slots[(slot + 1) % count];
    if (next.session) next.session->prefetch();
    Session* const session = session_at(slot);
    if (session == nullptr) continue;
    if (follows_[slot] == Follows::kInStep) {
      session->finish_step(with, offers_of(slot), now);
    } else {
      session->miss_step();
    }
    session->pump(with, now);
    settle(slot);
  }
  ring_.trim(0);
  if (count > 0) first_slot_ = (first_slot_ + 1) % count;
}

/// Who takes what of it, while everything still stands at the publish before.
void Realm::begin_publish(const Now& now) {
  ++stats_.publishes;
  blocks_.begin_publish();
  catch_up_.begin_publish();
  steps_.begin_publish();
  offers_.clear();
  const SessionContext before = context();
  const uint32_t count = server_.slots.size();
  follows_.resize(count);
  for (uint32_t slot = 0; slot < count; ++slot) {
    Session* const session = session_at(slot);
    if (session != nullptr && session->interest().follows()) move_areas(slot, *session);
    follows_[slot] = follows_of(session, before, now);
  }
}

Realm::Follows Realm::follows_of(const Session* session, const SessionContext& context,
                                 const Now& now) {
  if (session == nullptr) return Follows::kNot;
  if (session->is_in_step(context, now)) return Follows::kInStep;
  return session->is_near(context) ? Follows::kNear : Follows::kNot;
}

/// Areas that follow an entity go to where it is in the version that is about to be published.
void Realm::move_areas(uint32_t index, Session& session) {
  session.interest().follow_entities(db_, session.identity());
  audience_.apply(index, session.interest().take_changes());
}

/// Encodes one dirty cell for the connections that are in step and hold it.
void Realm::offer_cell(CellRef ref, const ChangeSet& changes) {
  if (db_.cell(ref).published == Version{}) return offer_new_cell(ref);
  std::span<const BlockPart> parts;
  const std::vector<Audience::Listener>& listeners = audience_.of(ref);
  const bool is_wanted =
      std::any_of(listeners.begin(), listeners.end(),
                  [&](const Audience::Listener& l) { return follows_[l.slot] != Follows::kNot; });
  if (is_wanted) parts = blocks_.relative(db_, ref, changes);
  const uint32_t change = ring_.add(ref, parts);
  for (const Audience::Listener& listener : listeners) {
    if (follows_[listener.slot] != Follows::kInStep) continue;
    offers_.push_back({listener.slot, {listener.handle, change}});
  }
}

/// A cell that was never published is first held by those that want it.
void Realm::offer_new_cell(CellRef ref) {
  ring_.add(ref, {});
  for (uint32_t index = 0; index < server_.slots.size(); ++index) {
    Session* const session = session_at(index);
    if (session == nullptr || session->phase() < Session::Phase::kSyncing) continue;
    session->interest().on_cell_created(db_, session->identity(), ref);
    audience_.apply(index, session->interest().take_changes());
  }
}

/// Offers of one session side by side, in the order of the cells.
void Realm::sort_offers() {
  offers_end_.assign(server_.slots.size() + 1, 0);
  for (const Offer& offer : offers_) ++offers_end_[offer.slot + 1];
  for (size_t i = 1; i < offers_end_.size(); ++i) offers_end_[i] += offers_end_[i - 1];
  sorted_offers_.resize(offers_.size());
  for (const Offer& offer : offers_) sorted_offers_[offers_end_[offer.slot]++] = offer.offer;
}

/// Of the last publish.
std::span<const Session::StepOffer> Realm::offers_of(uint32_t slot) const {
  const uint32_t begin = slot == 0 ? 0 : offers_end_[slot - 1];
  return std::span(sorted_offers_).subspan(begin, offers_end_[slot] - begin);
}

void Realm::forget_old_cells() {
  const auto destroyed = db_.trim();
  if (destroyed.empty()) return;
  std::map<uint32_t, std::vector<CellRef>> gone;  // by slot
  for (const auto& [ref, key] : destroyed) {
    for (const Audience::Listener& listener : audience_.of(ref)) {
      gone[listener.slot].push_back(ref);
    }
  }
  for (uint32_t slot = 0; slot < server_.slots.size(); ++slot) {
    Session* const session = session_at(slot);
    if (session == nullptr || !session->interest().has_leaving()) continue;
    gone[slot].clear();
    for (const auto& [ref, key] : destroyed) gone[slot].push_back(ref);
  }
  for (auto& [slot, refs] : gone) {
    std::sort(refs.begin(), refs.end());
    server_.slots[slot].session->interest().on_cells_destroyed(refs);
    settle(slot);
  }
}

void Realm::leave(uint32_t index) {
  Interest& interest = server_.slots[index].session->interest();
  audience_.apply(index, interest.take_changes());
  for (uint32_t handle = 0; handle < interest.handle_end(); ++handle) {
    const Interest::Held& held = interest.at(handle);
    // One that is leaving has been taken back already, and its cell may be gone.
    if (held.state == Interest::State::kFree || held.state == Interest::State::kLeaving) continue;
    audience_.apply(index, {{held.ref, handle, false}});
  }
}

}  // namespace ecsdb
