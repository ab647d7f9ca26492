#include "ecsdb/server/replication_server.h"

#include <algorithm>
#include <utility>

#include "ecsdb/base/mutant.h"
#include "ecsdb/server/realm.h"
#include "ecsdb/server/system_database.h"

namespace ecsdb {
namespace {

const ServerOptions& checked(const ServerOptions& options) {
  ECSDB_CHECK(options.heartbeat_interval.ns > 0 && options.stall_timeout.ns > 0);
  ECSDB_CHECK(options.unacked_bytes_max > 0 && options.sync_chunk_bytes > 0);
  ECSDB_CHECK(options.block_bytes_max > 0 && options.block_bytes_max <= kBlockBytesMax);
  return options;
}

const Authenticator& checked(const Authenticator* authenticator) {
  ECSDB_CHECK(authenticator != nullptr);
  return *authenticator;
}

}  // namespace

/// Takes inputs to the sessions that they are for. What is of a database is in realm.h.
class ReplicationServer::Impl {
 public:
  Impl(Database database, const ServerOptions& options, const Authenticator* authenticator,
       SecretSource* secrets)
      : state_(checked(options), checked(authenticator), secrets),
        user_(std::move(database), state_, kUserDatabase),
        system_(SystemDatabase::make(options, user_.db().options().id), state_, kSystemDatabase),
        conflicts_({options.conflicts_max, options.conflicts_bytes_max}) {}

  void on_connected(LinkId link, const Now& now) {
    ECSDB_CHECK(link.value < kLinksMax && !user_.db().in_transaction());
    const uint32_t slot = slots_.open(link, user_, state_.options, now);
    ++user_.stats().links;
    SessionContext context = user_.context();
    if (shutting_down_) {
      slots_[slot].session->close(context, fail(ErrorCode::kShutdown), now);
    } else if (slots_.open_count() > state_.options.connections_max) {
      slots_[slot].session->close(context, fail(ErrorCode::kTooManyConnections), now);
    }
    settle(slot);
  }

  void on_bytes(LinkId link, ByteSpan bytes, const Now& now) {
    ECSDB_CHECK(!user_.db().in_transaction());
    const uint32_t slot = slots_.find(link);
    if (slot == Slots::kNone) return;
    Session& session = *slots_[slot].session;
    SessionContext context = slots_[slot].realm->context();
    if (session.phase() > Session::Phase::kAuth) {
      session.on_bytes(context, bytes, now);
    } else {
      SessionContext system = system_.context();
      context.system = &system;
      session.on_bytes(context, bytes, now);
      if (session.database() != context.database) watch(slot, now);
    }
    settle(slot);
    evict(now);
    forget_ended();
  }

  void on_sent(LinkId link, size_t accepted, const Now& now) {
    ECSDB_CHECK(!user_.db().in_transaction());
    const uint32_t slot = slots_.find(link);
    if (slot == Slots::kNone) return;
    user_.stats().bytes_accepted += accepted;
    SessionContext context = slots_[slot].realm->context();
    slots_[slot].session->on_sent(context, accepted, now);
    settle(slot);
  }

  void on_closed(LinkId link, const Now& now) {
    const uint32_t slot = slots_.find(link);
    if (slot == Slots::kNone) return;
    Session& session = *slots_[slot].session;
    Realm& realm = *slots_[slot].realm;
    ServerEvent event{ServerEvent::Kind::kClosed,
                      link,
                      session.client(),
                      session.identity().principal,
                      session.client_name(),
                      ErrorCode::kLinkClosed,
                      "",
                      ResetReason::kNone,
                      session.database()};
    if (!session.is_open()) {
      event.code = session.closed_why().code;
      event.reason = session.closed_why().context;
    }
    if (static_cast<uint16_t>(event.code) < 200) ++realm.stats().refused;
    if (session.is_syncing()) ++realm.stats().syncs_cut;
    state_.sessions.on_closed(session.client(), link, now.steady);
    state_.events.push_back(std::move(event));
    SessionContext context = realm.context();
    session.leave(context);
    realm.leave(slot);
    slots_.close(slot);
    forget_ended();
    if (&realm == &system_) --watchers_;
  }

  void on_timer(const Now& now) {
    ECSDB_CHECK(!user_.db().in_transaction());
    user_.stats().sessions_expired += state_.sessions.expire(now.steady);
    forget_ended();
    while (const auto slot = slots_.next_due(now.steady)) {
      Session& session = *slots_[*slot].session;
      if (session.deadline(state_.options) <= now.steady) {
        SessionContext context = slots_[*slot].realm->context();
        session.on_timer(context, now);
        session.pump(context, now);
      }
      settle(*slot);
    }
    serve_waiting(now);
    if (is_update_due() && next_update_ <= now.steady) update_system(now);
  }

  Version commit(Transaction&& transaction, const Now& now) {
    WriteDesk& desk = user_.desk();
    const bool decides = desk.is_deciding();
    const Version version = user_.commit(std::move(transaction), now);
    if (!decides) return version;
    for (Conflict& conflict : desk.conflicts()) {
      if (ECSDB_MUTANT(unlogged_win) && conflict.rule == ConflictRule::kNewerWins) continue;
      conflict.number = conflicts_.add(conflict);
    }
    for (const WriteDesk::Resolution& resolution : desk.resolutions()) {
      conflicts_.resolve(resolution.number, resolution.client);
    }
    return version;
  }

  Version publish(const Now& now) {
    publish_realm(user_, now);
    return user_.db().published();
  }

  void disconnect(LinkId link, ErrorCode code, std::string reason, const Now& now) {
    const uint32_t slot = slots_.find(link);
    if (slot == Slots::kNone) return;
    SessionContext context = slots_[slot].realm->context();
    slots_[slot].session->close(context, fail(code, std::move(reason)), now);
    settle(slot);
  }

  void shutdown(const Now& now) {
    shutting_down_ = true;
    for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
      if (!slots_[slot].session) continue;
      SessionContext context = slots_[slot].realm->context();
      slots_[slot].session->close(context, fail(ErrorCode::kShutdown), now);
      settle(slot);
    }
  }

  StreamOutput output(LinkId link) {
    const uint32_t slot = slots_.find(link);
    return slot == Slots::kNone ? StreamOutput{} : slots_[slot].session->output();
  }

  std::optional<ServerEvent> next_event() {
    if (state_.events.empty()) return std::nullopt;
    ServerEvent event = std::move(state_.events.front());
    state_.events.pop_front();
    return event;
  }

  std::optional<ClientMessage> next_client_event() {
    if (state_.client_events.empty()) return std::nullopt;
    ClientMessage event = std::move(state_.client_events.front());
    state_.client_events.pop_front();
    return event;
  }

  Instant next_deadline() const {
    const Instant update = is_update_due() ? next_update_ : Instant::never();
    return std::min({slots_.deadline(), state_.budget.deadline(), update});
  }

  const ServerStats& stats() {
    const ServerStats& system = system_.stats();
    stats_ = user_.stats();
    stats_.blocks_encoded = user_.blocks().blocks_encoded();
    stats_.block_bytes = user_.blocks().block_bytes();
    stats_.authenticated += system.authenticated;
    stats_.fenced += system.fenced;
    stats_.sessions_expired += system.sessions_expired;
    stats_.sessions_killed += system.sessions_killed;
    stats_.tickets_passed += system.tickets_passed;
    stats_.rate_limited += system.rate_limited;
    stats_.refused += system.refused;
    return stats_;
  }

  bool all_caught_up() const {
    for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
      const Slot& at = slots_[slot];
      if (at.session && !at.session->is_caught_up(at.realm->db().published())) return false;
    }
    return true;
  }

 private:
  friend class ReplicationServer;

  void evict(const Now& now) {
    for (const Eviction& eviction : std::exchange(state_.evictions, {})) {
      disconnect(eviction.link, eviction.why.code, eviction.why.context, now);
    }
  }

  /// Of sessions that have ended, what they wrote goes, too.
  void forget_ended() {
    for (const ClientId client : state_.sessions.take_ended()) user_.desk().end(client);
  }

  void settle(uint32_t slot) { slots_[slot].realm->settle(slot); }

  /// Those that wait for the budget of all together, in their order, as far as it goes.
  void serve_waiting(const Now& now) {
    while (const auto link = state_.budget.next(now.steady)) {
      const uint32_t slot = slots_.find(*link);
      SessionContext context = slots_[slot].realm->context();
      slots_[slot].session->pump_turn(context, now);
      settle(slot);
    }
  }

  /// Goes on with a connection that is bound to the system database from now on.
  void watch(uint32_t slot, const Now& now) {
    slots_[slot].realm = &system_;
    // The first finds what is. For the others it has been sampled of late.
    if (watchers_++ == 0 && is_update_due()) update_system(now);
    SessionContext context = system_.context();
    slots_[slot].session->read_frames(context, now);
  }

  /// Somebody looks, and there is something new to see.
  bool is_update_due() const { return watchers_ > 0 && rows_.is_behind(conflicts_); }

  void update_system(const Now& now) {
    next_update_ = now.steady + state_.options.system_interval;
    Transaction change = system_.begin(conflicts_, now);
    rows_.write(change, conflicts_, user_.db().schema());
    system_.commit(std::move(change), now);
    publish_realm(system_, now);
  }

  void publish_realm(Realm& realm, const Now& now) {
    realm.publish(now);
    serve_waiting(now);
    realm.forget_old_cells();
  }

  ServerState state_;
  Slots& slots_ = state_.slots;
  Realm user_;
  Realm system_;
  bool shutting_down_ = false;
  ServerStats stats_;  // as last asked for
  ConflictLog conflicts_;
  SystemDatabase rows_;
  size_t watchers_ = 0;  // connections that are bound to the system database
  Instant next_update_;  // of its rows, at the earliest
};

ReplicationServer::ReplicationServer(Schema schema, ServerOptions options,
                                     const Authenticator* authenticator, SecretSource* secrets)
    : ReplicationServer(Database(std::move(schema), options.database), options, authenticator,
                        secrets) {}

ReplicationServer::ReplicationServer(Database database, ServerOptions options,
                                     const Authenticator* authenticator, SecretSource* secrets)
    : impl_(std::make_unique<Impl>(std::move(database), options, authenticator, secrets)) {}

ReplicationServer::~ReplicationServer() = default;
ReplicationServer::ReplicationServer(ReplicationServer&&) noexcept = default;

void ReplicationServer::on_connected(LinkId link, const Now& now) {
  impl_->on_connected(link, now);
}
void ReplicationServer::on_bytes(LinkId link, ByteSpan bytes, const Now& now) {
  impl_->on_bytes(link, bytes, now);
}
void ReplicationServer::on_sent(LinkId link, size_t accepted, const Now& now) {
  impl_->on_sent(link, accepted, now);
}
void ReplicationServer::on_closed(LinkId link, const Now& now) { impl_->on_closed(link, now); }
void ReplicationServer::on_timer(const Now& now) { impl_->on_timer(now); }

const Database& ReplicationServer::database() const { return impl_->user_.db(); }
const ConflictLog& ReplicationServer::conflicts() const { return impl_->conflicts_; }
ConflictLog& ReplicationServer::mutable_conflicts() { return impl_->conflicts_; }
Database& ReplicationServer::mutable_database() { return impl_->user_.db(); }
Digest ReplicationServer::digest(size_t table, const CellKey& key) {
  return impl_->user_.db().digest(table, key);
}
Transaction ReplicationServer::begin(const Now& now) {
  return impl_->user_.begin(impl_->conflicts_, now);
}
bool ReplicationServer::has_writes() const {
  const WriteDesk& desk = impl_->user_.desk();
  return desk.has_undecided() || desk.is_deciding();  // and perhaps dropped
}
std::span<const WriteDecision> ReplicationServer::decisions() const {
  return impl_->user_.desk().decisions();
}
std::span<const Conflict> ReplicationServer::decided_conflicts() const {
  return impl_->user_.desk().conflicts();
}
Version ReplicationServer::commit(Transaction&& transaction, const Now& now) {
  return impl_->commit(std::move(transaction), now);
}
Status ReplicationServer::emit(uint16_t event, EntityId entity, std::span<const FieldValue> values,
                               const Now&) {
  return impl_->user_.emit(event, entity, values);
}
Version ReplicationServer::publish(const Now& now) { return impl_->publish(now); }
void ReplicationServer::disconnect(LinkId link, ErrorCode code, std::string reason,
                                   const Now& now) {
  impl_->disconnect(link, code, std::move(reason), now);
}
void ReplicationServer::shutdown(const Now& now) { impl_->shutdown(now); }
bool ReplicationServer::closed() const {
  return impl_->shutting_down_ && impl_->slots_.open_count() == 0;
}

std::optional<LinkId> ReplicationServer::next_ready() { return impl_->slots_.next_ready(); }
StreamOutput ReplicationServer::output(LinkId link) { return impl_->output(link); }
std::optional<ServerEvent> ReplicationServer::next_event() { return impl_->next_event(); }
std::optional<ClientMessage> ReplicationServer::next_client_event() {
  return impl_->next_client_event();
}
Instant ReplicationServer::next_deadline() const { return impl_->next_deadline(); }

const ServerStats& ReplicationServer::stats() const { return impl_->stats(); }
size_t ReplicationServer::connection_count() const { return impl_->slots_.open_count(); }
bool ReplicationServer::all_caught_up() const { return impl_->all_caught_up(); }
void ReplicationServer::check_invariants() const {
  impl_->user_.db().check_invariants();
  impl_->system_.db().check_invariants();
}

}  // namespace ecsdb
