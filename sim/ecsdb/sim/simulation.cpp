#include "ecsdb/sim/simulation.h"

#include <algorithm>
#include <memory>

#include "ecsdb/base/check.h"
#include "ecsdb/sim/checkers/convergence.h"
#include "ecsdb/sim/scenario.h"
#include "ecsdb/sim/server_life.h"
#include "ecsdb/sim/virtual_client.h"

namespace ecsdb::sim {
namespace {

constexpr Duration kStartSpread = Duration::ms(500);     // of the clients' first dials
constexpr Duration kKickMean = Duration::seconds(10);    // between connections closed by the server
constexpr Duration kClockMean = Duration::seconds(6);    // between jumps of the server's wall clock
constexpr Duration kClockSkew = Duration::seconds(20);   // how far they go, either way
constexpr Duration kBusyMax = Duration::seconds(2);      // that a server does not commit
constexpr Duration kLastCommits = Duration::seconds(1);  // how long commits go on after heal
constexpr Duration kSlice = Duration::seconds(1);
constexpr Duration kConvergenceStep = Duration::ms(100);
constexpr uint32_t kClientsOfBudget = 32;
constexpr uint64_t kRowBytes = 256;  // an upper estimate, for the time of a full sync

WorldOptions world_options(const SimulationOptions& options) {
  WorldOptions out;
  out.seed = options.seed;
  out.permute_ties = Prng(options.seed).stream("ties").chance(1, 2);
  out.trace_log = options.trace_log;
  return out;
}

/// Small send buffers are full during every outage, so that connections miss publishes.
LinkConditions base_conditions(const Weather& weather, Prng rng) {
  constexpr uint32_t kSendBuffers[] = {512, 2 * 1024, 16 * 1024, 256 * 1024};
  LinkConditions out = SimNetwork::conditions_of(weather);
  out.send_buffer_bytes = kSendBuffers[rng.below(4)];
  return out;
}

class Simulation final : public EventTarget, public ProcessFaults {
 public:
  explicit Simulation(const SimulationOptions& options)
      : options_(options),
        weather_(options.weather ? *options.weather : draw_weather(options.seed)),
        world_(world_options(options)),
        target_(world_.add_target(*this)),
        network_(world_, options.clients, base_conditions(weather_, world_.stream("buffers")),
                 *this),
        no_faults_(violations_),
        authenticator_(scenario_identities()),
        rng_(world_.stream("simulation")),
        clock_rng_(world_.stream("server clock")),
        is_busy_(clock_rng_.chance(1, 3)) {
    life_options_.server = scenario_server_options(world_.stream("scenario"));
    // What all clients share is enough for a few of them.
    life_options_.server.total_budget_bytes *= 1 + options.clients / kClientsOfBudget;
    life_options_.server.writes_per_commit_max *= 1 + options.clients / kClientsOfBudget;
    life_options_.entities = options.entities;
    life_options_.clients = options.clients;
    // A recording must mean something to clients that pass events over unread.
    life_options_.emits_events = options.recorder == nullptr;
    life_options_.publish_every = options.publish_every;
    if (options.publish_every == 0) {
      const uint64_t more = rng_.chance(1, 2) ? 24 : 2;
      const bool each = rng_.chance(1, 2);
      life_options_.publish_every = each ? 1 : static_cast<uint32_t>(2 + rng_.below(more));
    }
    begin_life();
  }
  ~Simulation() { world_.remove_target(target_); }

  RunReport run();

  void on_event(uint32_t kind, uint64_t argument, Now now) override;
  void on_crash(uint32_t client, Now) override { clients_[client]->crash(); }
  void on_restart(uint32_t client, Now) override { clients_[client]->restart(); }
  void on_clock_skew(uint32_t client, Duration skew, Now) override {
    world_.set_wall_skew(clients_[client]->target(), skew);
  }
  void on_slow(uint32_t client, Duration delay, Now) override {
    clients_[client]->set_delay(delay);
  }
  void on_pause(uint32_t client, bool paused, Now) override {
    clients_[client]->set_paused(paused);
  }
  void on_rights_change(uint32_t client, int64_t variant, Now) override {
    authenticator_.change(scenario_identity(clients_[client]->principal(), variant));
  }
  void on_server_down(Now) override { life().end(); }
  void on_server_up(bool other_schema, Now) override;

 private:
  enum EventKind : uint32_t { kCommit, kKick, kClock };

  ServerLife& life() { return *lives_.back(); }
  void begin_life();
  void make_clients();
  bool run_until(Instant end);
  void converge();
  Convergence make_convergence();
  RunReport report();

  SimulationOptions options_;
  Weather weather_;
  ViolationLog violations_;
  World world_;
  TargetId target_;
  SimNetwork network_;
  NoFaults no_faults_;
  SimAuthenticator authenticator_;
  ServerLifeOptions life_options_;
  std::vector<std::unique_ptr<ServerLife>> lives_;
  Prng rng_;
  Prng clock_rng_;  // of the server
  bool is_busy_;    // the server, now and then
  std::vector<std::unique_ptr<VirtualClient>> clients_;
  bool calm_ = false;
  bool committing_ = true;
  uint64_t kicks_ = 0;
  bool converged_ = false;
  Duration converged_after_;
  Duration bound_;
};

// --- the server's side ---

void Simulation::begin_life() {
  lives_.push_back(std::make_unique<ServerLife>(world_, network_, authenticator_,
                                                static_cast<uint32_t>(lives_.size()), life_options_,
                                                no_faults_, violations_));
  life().populate();
}

void Simulation::on_server_up(bool other_schema, Now) {
  DatabaseOptions& database = life_options_.server.database;
  Prng rng = world_.stream("database", lives_.size());
  database.id = draw_database_id(rng);
  database.first_version = draw_first_version(rng);
  if (other_schema) {
    const bool was_first = life_options_.schema == ScenarioSchema::kFirst;
    life_options_.schema = was_first ? ScenarioSchema::kSecond : ScenarioSchema::kFirst;
  }
  begin_life();
}

void Simulation::on_event(uint32_t kind, uint64_t, Now now) {
  if (kind == kKick) {
    if (calm_) return;
    world_.schedule(now.steady + Duration{rng_.exponential(kKickMean.ns)}, target_, kKick, 0);
    if (life().running() && life().kick(rng_)) ++kicks_;
    return;
  }
  if (kind == kClock) {
    world_.schedule(now.steady + Duration{clock_rng_.exponential(kClockMean.ns)}, target_, kClock,
                    0);
    const Duration skew{clock_rng_.between(-kClockSkew.ns, kClockSkew.ns)};
    if (life().running()) life().set_wall_skew(skew);
    return;
  }
  if (!committing_) return;
  const int64_t period = Duration::seconds(1).ns / options_.commits_per_second;
  int64_t gap = period / 2 + static_cast<int64_t>(rng_.below(static_cast<uint64_t>(period)));
  // A server that has other things to do: what clients write waits, and comes again.
  if (is_busy_ && !calm_ && clock_rng_.chance(1, 100)) gap += clock_rng_.between(0, kBusyMax.ns);
  world_.schedule(now.steady + Duration{gap}, target_, kCommit, 0);
  if (life().running()) life().commit_one();
}

// --- the run ---

void Simulation::make_clients() {
  const std::vector<ClientIdentity> identities = scenario_identities();
  for (uint32_t i = 0; i < options_.clients; ++i) {
    clients_.push_back(std::make_unique<VirtualClient>(
        ClientSurroundings{world_, network_, lives_, no_faults_, violations_, options_.recorder,
                           i == 0 ? options_.nudge : Nudge::kNone},
        i, identities[i % identities.size()]));
    clients_.back()->start(Instant{} + Duration{rng_.between(0, kStartSpread.ns)});
  }
}

/// False if the run should end: something is wrong already, or the world is stuck.
bool Simulation::run_until(Instant end) {
  while (world_.now() < end) {
    if (!world_.run_until(std::min(end, world_.now() + kSlice))) {
      violations_.add_liveness({"progress", world_.now(), -1,
                                "event target " + std::to_string(world_.stuck_target()),
                                "time passes", "events without end at one instant"});
      return false;
    }
    if (!violations_.safe()) return false;
  }
  return true;
}

Convergence Simulation::make_convergence() {
  uint64_t rows = 0;
  const Model& model = life().model();
  for (uint16_t table = 0; table < model.schema().table_count(); ++table) {
    rows += model.row_count(table);
  }
  return Convergence(convergence_bound(life_options_.server, ClientOptions{}, weather_,
                                       rows * kRowBytes, options_.clients),
                     violations_);
}

void Simulation::converge() {
  const Instant healed = world_.now();
  calm_ = true;
  for (const auto& client : clients_) client->calm_down();
  if (!run_until(healed + kLastCommits)) return;
  committing_ = false;
  if (life().published() != life().model().head()) life().publish();
  Convergence convergence = make_convergence();
  bound_ = convergence.bound();
  while (!convergence.given_up()) {
    if (convergence.reached(life().server(), clients_, healed, world_.now())) {
      converged_ = true;
      converged_after_ = world_.now() - healed;
      life().compare_all();
      for (const auto& client : clients_) client->compare_all();
      return;
    }
    if (!run_until(world_.now() + kConvergenceStep)) return;
    life().decide_writes();
  }
}

RunReport Simulation::run() {
  make_clients();
  network_.start(options_.plan ? *options_.plan
                               : make_fault_plan(weather_, options_.clients, options_.duration,
                                                 world_.stream("faults")));
  world_.schedule(Instant{}, target_, kCommit, 0);
  world_.schedule(Instant{} + Duration{rng_.exponential(kKickMean.ns)}, target_, kKick, 0);
  // Stamps of clients are then ahead of the server's clock, and equal once they are clamped.
  if (clock_rng_.chance(1, 2)) {
    world_.schedule(Instant{} + Duration{clock_rng_.exponential(kClockMean.ns)}, target_, kClock,
                    0);
  }
  const Instant heal_at =
      Instant{} + (options_.plan ? options_.plan->heal_at - Instant{} : options_.duration);
  if (run_until(heal_at)) converge();
  return report();
}

RunReport Simulation::report() {
  RunReport out;
  out.seed = options_.seed;
  out.clients = options_.clients;
  out.weather = weather_.name;
  out.end = world_.now();
  out.converged = converged_;
  out.converged_after = converged_after_;
  out.bound = bound_;
  out.violation_count = violations_.count();
  out.violations = violations_.kept();
  out.violations.insert(out.violations.end(), violations_.stuck().begin(),
                        violations_.stuck().end());
  for (const auto& life : lives_) {
    const ServerStats stats = life->stats();
    out.commits += life->commits();
    out.operations += life->operations();
    out.coverage.add(stats);
    out.coverage.add(life->ledger().conflicts());
    out.coverage[Situation::kClientEvents] += life->client_events().count();
    out.coverage[Situation::kCellMoves] += life->model().cell_moves();
    out.coverage[Situation::kVersionWraps] += life->has_wrapped() ? 1 : 0;
    out.full_syncs += stats.full_syncs;
    out.step_advances += stats.step_advances;
    out.net_advances += stats.net_advances;
  }
  out.kicks = kicks_;
  for (const auto& client : clients_) {
    out.advances += client->totals().advances;
    out.dials += client->totals().dials;
    out.coverage[Situation::kResubscriptions] += client->resubscriptions();
    out.coverage[Situation::kEventsTold] += client->events_told();
    out.coverage[Situation::kEventsMissed] += client->totals().events_missed;
    out.coverage[Situation::kWritesUnknown] += client->writes().unknown();
  }
  out.trace = std::move(world_.trace());
  return out;
}

}  // namespace

RunReport run_simulation(const SimulationOptions& options) {
  ECSDB_CHECK(options.clients > 0 && options.clients <= kClientsMax);
  ECSDB_CHECK(options.entities > 0 && options.entities <= kEntitiesMax);
  ECSDB_CHECK(options.commits_per_second > 0 && options.commits_per_second <= kCommitsPerSecondMax);
  return Simulation(options).run();
}

}  // namespace ecsdb::sim
