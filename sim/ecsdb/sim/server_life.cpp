#include "ecsdb/sim/server_life.h"

#include "ecsdb/server/conflict_log.h"

namespace ecsdb::sim {
namespace {

constexpr uint32_t kTappedClients = 64;  // about so many, whose streams are read along

}  // namespace

ServerLife::ServerLife(World& world, SimNetwork& network, const SimAuthenticator& authenticator,
                       uint32_t number, ServerLifeOptions options, NoFaults& no_faults,
                       ViolationLog& violations)
    : world_(world),
      network_(network),
      authenticator_(authenticator),
      number_(number),
      options_(std::move(options)),
      no_faults_(no_faults),
      violations_(violations),
      server_(std::make_unique<VirtualServer>(world, network, scenario_schema(options_.schema),
                                              options_.server, authenticator,
                                              world.stream("secrets", number), *this)),
      model_(scenario_schema(options_.schema), options_.server.database.first_version),
      policies_(model_),
      ledger_(violations),
      client_events_(violations),
      event_rng_(world.stream("events", number)),
      agreement_(model_, violations),
      workload_(model_, options_.entities, world.stream("scenario", number)),
      sessions_(options_.server, violations),
      authorisation_(model_.schema(), authenticator, violations),
      bounds_(options_.server, violations),
      wiretap_({&authorisation_, &bounds_}),
      tap_every_(1 + options_.clients / kTappedClients) {}

// --- the process ---

void ServerLife::transact() {
  const Now now = server_->now();
  ReplicationServer& server = server_->server();
  policies_.set_wall_ms(static_cast<uint64_t>(now.wall_ms));
  Transaction transaction = server.begin(now);
  judge_writes(now);
  workload_.carry_out(plan_, transaction, model_, world_.now(), violations_);
  emit_events(transaction.database(), now);
  if (plan_.dropped) {
    events_.drop();
    workload_.undo_slots();
    model_.drop();
    ledger_.on_dropped();
    return;
  }
  const uint64_t first_conflict = server.conflicts().end_number();
  const Version version = server.commit(std::move(transaction), now);
  model_.commit(version);
  events_.commit(version);
  while (const auto message = server.next_client_event()) {
    client_events_.on_event(*message, world_.now());
  }
  close_books(version, first_conflict);
  ++commits_;
  agreement_.on_commit(server, world_.now());
}

/// Some, in the open transaction: of a ship, to everyone, or to a principal with a bag or without.
void ServerLife::emit_events(const Database& db, const Now& now) {
  if (!options_.emits_events || !event_rng_.chance(1, 4)) return;
  const uint64_t count = 1 + event_rng_.below(3);
  for (uint64_t i = 0; i < count; ++i) {
    static constexpr ScenarioEvent kEvents[] = {kNewsEvent, kNewsEvent, kBoomEvent, kWhisperEvent};
    const ScenarioEvent event = kEvents[event_rng_.below(std::size(kEvents))];
    const auto ships = db.table(kShipTable).rows();
    if (event == kBoomEvent && ships.empty()) continue;
    std::vector<FieldValue> values = {{0, Value{events_.next_serial()}}};
    EntityId entity;
    if (event == kBoomEvent) entity = ships[event_rng_.below(ships.size())].entity;
    if (event == kWhisperEvent) {
      values.push_back({1, Value{PrincipalId{1 + event_rng_.below(kPrincipals)}}});
    }
    const Status emitted = server_->server().emit(event, entity, values, now);
    if (emitted.ok()) events_.emit(event, entity, event == kNewsEvent);
    if (emitted.ok() || emitted.code() == ErrorCode::kQueueFull) continue;
    violations_.add(
        {"event_order", world_.now(), -1, "emit", "taken", emitted.error().to_string()});
  }
}

/// What the transaction begins with: the model decides the same writes.
void ServerLife::judge_writes(const Now& now) {
  for (const WriteDecision& decision : server_->server().decisions()) {
    ledger_.on_decided(decision.client, decision.settled_below, decision.outcome,
                       expected_of(decision, now), world_.now());
  }
}

Expected ServerLife::expected_of(const WriteDecision& decision, const Now& now) {
  Expected late;
  late.kind = OutcomeKind::kExpired;
  late.code = ErrorCode::kWriteExpired;
  Expected rejected;
  rejected.kind = OutcomeKind::kRejected;
  rejected.code = ErrorCode::kFrameMalformed;
  const bool is_late =
      decision.expires_ns != 0 && static_cast<uint64_t>(now.steady.ns) > decision.expires_ns;
  if (is_late) return late;
  Write write;
  if (!decode_message(decision.write, write).ok()) return rejected;
  const auto author = authors_.find(decision.client);
  if (author == authors_.end()) return rejected;
  const ServerOptions& options = options_.server;
  const DecisionTime time{model_.head().next(), published_, static_cast<uint64_t>(now.wall_ms),
                          static_cast<uint64_t>(options.stamp_skew.to_ms()),
                          options.database.epoch};
  return policies_.decide(write, decision.client, *author->second, time, decision.outcome.made);
}

/// What the log of conflicts has of the commit.
void ServerLife::close_books(Version version, uint64_t first_conflict) {
  const ConflictLog& log = server_->server().conflicts();
  std::vector<Conflict> conflicts;
  for (uint64_t number = first_conflict; number < log.end_number(); ++number) {
    if (const Conflict* conflict = log.find(number)) conflicts.push_back(*conflict);
  }
  ledger_.on_committed(version, conflicts, world_.now());
}

void ServerLife::populate() {
  plan_ = TransactionPlan{};
  while (workload_.plan_population(plan_)) {
    transact();
    plan_ = TransactionPlan{};
  }
  publish();
}

void ServerLife::commit_one() {
  plan_ = TransactionPlan{};
  workload_.plan_step(plan_);
  transact();
  if (model_.head().value % options_.publish_every == 0) publish();
}

void ServerLife::decide_writes() {
  if (!running() || !server().has_writes()) return;
  plan_ = TransactionPlan{};
  transact();
  publish();
}

void ServerLife::publish() {
  published_ = server_->server().publish(server_->now());
  history_.on_publish(server_->server().database());
  server_->drain();
}

bool ServerLife::kick(Prng& rng) {
  const std::vector<LinkId> links = server_->links();
  if (links.empty()) return false;
  server_->server().disconnect(links[rng.below(links.size())], ErrorCode::kKicked,
                               "an operator closed it", server_->now());
  server_->drain();
  return true;
}

void ServerLife::compare_all() { agreement_.compare_all(server_->server(), world_.now()); }

void ServerLife::end() {
  last_stats_ = server().stats();
  server_.reset();
}

bool ServerLife::has_wrapped() const {
  const uint64_t first = options_.server.database.first_version.value;
  const auto passed = [&](uint64_t end) { return first < end && model_.head().value >= end; };
  return passed(uint64_t{1} << 16) || passed(uint64_t{1} << 32);
}

// --- what passes ---

void ServerLife::on_server_event(const ServerEvent& event, LinkId link, Now now) {
  if (event.kind == ServerEvent::Kind::kAuthenticated) {
    identities_[link] = &authenticator_.of(event.principal);
    authors_[event.client] = identities_[link];
    sessions_.on_authenticated(link, event.client, now.steady);
  }
  no_faults_.on_server_event(event, now.steady);
}

void ServerLife::on_server_sent(LinkId link, std::span<const ByteSpan> parts, size_t accepted,
                                Now now) {
  if (is_tapped(link)) wiretap_.on_server_sent(link, parts, accepted, now.steady);
}

void ServerLife::on_server_received(LinkId link, ByteSpan bytes, Now now) {
  if (is_tapped(link)) wiretap_.on_server_received(link, bytes, now.steady);
}

void ServerLife::on_server_link_gone(LinkId link, Now now) {
  wiretap_.on_link_gone(link);
  sessions_.on_link_gone(link, now.steady);
}

bool ServerLife::within_horizon(Version version) const {
  const DatabaseOptions& options = options_.server.database;
  if (options.tombstones_max < DatabaseOptions{}.tombstones_max) return false;
  return model_.head().value - version.value <= options.horizon_versions_max;
}

const ClientIdentity* ServerLife::identity_of(LinkId link) const {
  const auto found = identities_.find(link);
  return found == identities_.end() ? nullptr : found->second;
}

}  // namespace ecsdb::sim
