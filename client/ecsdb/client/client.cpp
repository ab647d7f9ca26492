#include "ecsdb/client/client.h"

#include <algorithm>
#include <utility>

#include "ecsdb/client/client_impl.h"

namespace ecsdb {

Client::Client(ClientOptions options, Prng rng)
    : impl_(std::make_unique<Impl>(std::move(options), rng)) {}

Client::~Client() {
  if (impl_ && impl_->is_polling()) impl_.release()->orphan();  // poll() deletes it
}

Client::Client(Client&&) noexcept = default;

void Client::on_connected(LinkId link, const Now& now) { impl_->on_connected(link, now); }
void Client::on_bytes(LinkId link, ByteSpan bytes, const Now& now) {
  impl_->on_bytes(link, bytes, now);
}
void Client::on_sent(LinkId link, size_t accepted, const Now& now) {
  impl_->on_sent(link, accepted, now);
}
void Client::on_closed(LinkId link, const Now& now) { impl_->on_closed(link, now); }
void Client::on_timer(const Now& now) { impl_->on_timer(now); }
void Client::connect(const Now& now) { impl_->connect(now); }
void Client::disconnect(const Now& now) { impl_->disconnect(now); }

SubscriptionId Client::subscribe(std::string table, const Now&) {
  const SubscriptionId id = impl_->subscriptions_.add(std::move(table), SelectorKind::kAll, {});
  impl_->on_subscriptions_changed();
  return id;
}

SubscriptionId Client::subscribe_cells(std::string table, std::vector<CellKey> keys, const Now&) {
  ECSDB_CHECK(keys.size() <= kSubscriptionKeysMax);
  const SubscriptionId id =
      impl_->subscriptions_.add(std::move(table), SelectorKind::kKeys, std::move(keys));
  impl_->on_subscriptions_changed();
  return id;
}

SubscriptionId Client::subscribe_box(std::string table, CellKey low, CellKey high, const Now&) {
  const SubscriptionId id =
      impl_->subscriptions_.add(std::move(table), SelectorKind::kBox, {low, high});
  impl_->on_subscriptions_changed();
  return id;
}

void Client::unsubscribe(SubscriptionId id, const Now&) {
  impl_->subscriptions_.remove(id);
  impl_->areas_.remove(id);
  impl_->on_subscriptions_changed();
}

void Client::set_ready(const Now&) { impl_->send_ready(); }

CallbackId Client::on_row(std::string table, RowCallback callback) {
  return impl_->callbacks_.add_row(std::move(table), EntityId{}, std::move(callback));
}
CallbackId Client::on_row(std::string table, EntityId entity, RowCallback callback) {
  return impl_->callbacks_.add_row(std::move(table), entity, std::move(callback));
}
CallbackId Client::on_entity(EntityCallback callback) {
  return impl_->callbacks_.add_entity(EntityId{}, std::move(callback));
}
CallbackId Client::on_entity(EntityId entity, EntityCallback callback) {
  return impl_->callbacks_.add_entity(entity, std::move(callback));
}
void Client::remove_callback(CallbackId id) {
  impl_->callbacks_.remove(id);
  impl_->predicted_callbacks_.remove(id);
}

size_t Client::poll(const Now& now, size_t cuts_max) {
  Impl* impl = impl_.get();
  const size_t cuts = impl->poll(now, cuts_max);
  if (impl->is_orphaned()) delete impl;  // a callback destroyed *this
  return cuts;
}

const ClientDb& Client::db() const { return impl_->visible_; }
ClientDb& Client::db() { return impl_->visible_; }
SyncStatus Client::sync() const { return impl_->sync(); }
const ClientStats& Client::stats() const { return impl_->stats_; }
Version Client::server_head() const { return impl_->server_head_; }
DatabaseId Client::database_id() const { return impl_->database_id(); }
ClientId Client::client_id() const { return impl_->client_id_; }
Duration Client::round_trip() const { return impl_->clock_.round_trip(); }
uint64_t Client::server_time_ns(const Now& now) const {
  if (!impl_->clock_.is_known()) return 0;
  return static_cast<uint64_t>(std::max<int64_t>(impl_->clock_.at(now.steady), 0));
}

std::optional<LinkId> Client::next_dial() { return impl_->next_dial(); }
bool Client::has_output(LinkId link) const { return impl_->has_output(link); }
StreamOutput Client::output(LinkId link, const Now& now) { return impl_->output(link, now); }
std::optional<ClientEvent> Client::next_event() {
  if (impl_->events_.empty()) return std::nullopt;
  ClientEvent event = std::move(impl_->events_.front());
  impl_->events_.pop_front();
  return event;
}
Instant Client::next_deadline() const { return impl_->next_deadline(); }
void Client::add_binding(Status (*binder)(TableSet&)) { impl_->add_binding(binder); }

}  // namespace ecsdb
