#include "ecsdb/sim/server_life.h"

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
      agreement_(model_, violations),
      workload_(model_, options_.entities, world.stream("scenario", number)),
      sessions_(options_.server, violations),
      authorisation_(model_.schema(), authenticator, violations),
      bounds_(options_.server, violations),
      wiretap_({&authorisation_, &bounds_}),
      tap_every_(1 + options_.clients / kTappedClients) {}

// --- the process ---

void ServerLife::transact() {
  Transaction transaction = server_->server().begin(server_->now());
  workload_.carry_out(plan_, transaction, model_, world_.now(), violations_);
  if (plan_.dropped) {
    workload_.undo_slots();
    model_.drop();
    return;
  }
  const Version version = server_->server().commit(std::move(transaction), server_->now());
  model_.commit(version);
  ++commits_;
  agreement_.on_commit(server_->server(), world_.now());
}

void ServerLife::publish() {
  published_ = server_->server().publish(server_->now());
  history_.on_publish(server_->server().database());
  server_->drain();
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
