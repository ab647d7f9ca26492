// Areas of a client: asking for them, moving them, telling what is inside.
#include <utility>

#include "ecsdb/client/client_impl.h"

namespace ecsdb {

SubscriptionId Client::subscribe_ball(std::string table, const AreaPoint& center, double radius,
                                      const AreaOptions& options, const Now&) {
  return impl_->subscribe_area(std::move(table),
                               {SelectorKind::kBall, center, AreaPoint(radius, 0), options});
}

SubscriptionId Client::subscribe_range(std::string table, const AreaPoint& center,
                                       const AreaPoint& half_edges, const AreaOptions& options,
                                       const Now&) {
  return impl_->subscribe_area(std::move(table),
                               {SelectorKind::kRange, center, half_edges, options});
}

Status Client::move(SubscriptionId id, const AreaPoint& center, const Now& now) {
  ECSDB_TRY(impl_->subscriptions_.move(id, center, impl_->visible_.schema()));
  impl_->areas_.move(id, center);
  impl_->send_moves(now);
  return {};
}

bool Client::is_settled(SubscriptionId id) const { return impl_->subscriptions_.is_settled(id); }

CallbackId Client::on_area(SubscriptionId id, AreaCallback callback) {
  return impl_->callbacks_.add_area(id, std::move(callback));
}

std::span<const EntityId> Client::inside(SubscriptionId id) const {
  return impl_->areas_.inside(id);
}

SubscriptionId Client::Impl::subscribe_area(std::string table, const AreaSpec& spec) {
  const SubscriptionId id = subscriptions_.add_area(table, spec);
  areas_.add(id, std::move(table), spec);
  on_subscriptions_changed();
  return id;
}

/// Half of the changes that the server allows are left to subscriptions that begin and end.
void Client::Impl::send_moves(const Now& now) {
  if (!may_move_areas() || now.steady < moves_at_) return;
  const Subscribe request = subscriptions_.take_moves(schema());
  if (request.move.empty()) return;
  send(MessageType::kSubscribe, request);
  const uint64_t allowed = auth_reply_.client_changes;
  if (allowed == 0) return;
  const auto spacing = Duration::seconds(2).ns / static_cast<int64_t>(allowed);
  moves_at_ = now.steady + Duration{spacing * static_cast<int64_t>(request.move.size())};
}

bool Client::Impl::may_move_areas() const {
  return state_ == State::kReady && !resuming_ && subscriptions_.has_moves();
}

Instant Client::Impl::moves_deadline() const {
  return may_move_areas() ? moves_at_ : Instant::never();
}

void Client::Impl::update_areas(std::span<const RowEvent> events) {
  area_events_.clear();
  if (!areas_.empty()) areas_.update(visible_, events, area_events_);
}

/// Areas that were added or moved show it without waiting for a cut.
void Client::Impl::show_moved_areas() {
  if (!areas_.is_stale()) return;
  update_areas({});
  callbacks_.deliver_areas(area_events_, &orphaned_);
}

}  // namespace ecsdb
