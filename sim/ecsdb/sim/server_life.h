// One life of the server: a process from its start to its death, with the database that it began
// empty, and the oracle of the history that it made.
#pragma once

#include <map>
#include <memory>

#include "ecsdb/sim/checkers/authorisation.h"
#include "ecsdb/sim/checkers/bounded_resources.h"
#include "ecsdb/sim/checkers/event_order.h"
#include "ecsdb/sim/checkers/history_agreement.h"
#include "ecsdb/sim/checkers/model_agreement.h"
#include "ecsdb/sim/checkers/no_faults.h"
#include "ecsdb/sim/checkers/policy_model.h"
#include "ecsdb/sim/checkers/session_resume.h"
#include "ecsdb/sim/checkers/write_ledger.h"
#include "ecsdb/sim/scenario.h"
#include "ecsdb/sim/sim_authenticator.h"
#include "ecsdb/sim/virtual_server.h"
#include "ecsdb/sim/workload.h"

namespace ecsdb::sim {

struct ServerLifeOptions {
  ServerOptions server;
  ScenarioSchema schema = ScenarioSchema::kFirst;
  uint32_t entities = 0;
  uint32_t publish_every = 1;  // commits
  uint32_t clients = 1;        // to expect
  bool emits_events = true;
};

/// What it is given outlives it. The oracle stays good when the process is gone: clients show what
/// they have of its history until they have something of the next.
class ServerLife final : public ServerObserver {
 public:
  ServerLife(World& world, SimNetwork& network, const SimAuthenticator& authenticator,
             uint32_t number, ServerLifeOptions options, NoFaults& no_faults,
             ViolationLog& violations);

  // The process.
  /// Fills the empty database, before anybody connects.
  void populate();
  void commit_one();
  /// A commit without a step of its own, if writes of clients wait.
  void decide_writes();
  void publish();
  /// Closes one connection, if there is any. True if there was.
  bool kick(Prng& rng);
  /// Its wall clock is off by so much from now on.
  void set_wall_skew(Duration skew) { world_.set_wall_skew(server_->target(), skew); }
  /// Everything by value.
  void compare_all();
  /// The process is gone; its links have been cut already.
  void end();
  bool running() const { return server_ != nullptr; }
  /// Only while it runs.
  const ReplicationServer& server() const { return server_->server(); }
  /// Until now, or until the end.
  ServerStats stats() const { return running() ? server().stats() : last_stats_; }

  // The oracle.
  uint32_t number() const { return number_; }
  ScenarioSchema which_schema() const { return options_.schema; }
  const Schema& schema() const { return model_.schema(); }
  const Model& model() const { return model_; }
  const Version& published() const { return published_; }
  const PublishedHistory& history() const { return history_; }
  /// With which rights the server took who came over the link; null if it took nobody.
  const ClientIdentity* identity_of(LinkId link) const;
  uint64_t commits() const { return commits_; }
  /// Versions went from what 16 or 32 bits hold to what they do not.
  bool has_wrapped() const;
  uint64_t operations() const { return workload_.operations(); }

  const WriteLedger& ledger() const { return ledger_; }
  const EventBook& events() const { return events_; }
  const ClientEventOrder& client_events() const { return client_events_; }

  SessionResume& sessions() { return sessions_; }
  /// There are cells too large to enter a live connection at once.
  bool stages_cells() const {
    return options_.server.stage_bytes_min < ServerOptions{}.stage_bytes_min;
  }
  /// Nothing after the version can have been forgotten yet.
  bool within_horizon(Version version) const;

  void on_server_event(const ServerEvent& event, LinkId link, Now now) override;
  void on_server_sent(LinkId link, std::span<const ByteSpan> parts, size_t accepted,
                      Now now) override;
  void on_server_received(LinkId link, ByteSpan bytes, Now now) override;
  void on_server_link_gone(LinkId link, Now now) override;
  void on_server_drained(Now now) override { sessions_.on_drained(now.steady); }

 private:
  void transact();
  void emit_events(const Database& db, const Now& now);
  void judge_writes(const Now& now);
  Expected expected_of(const WriteDecision& decision, const Now& now);
  void close_books(Version version, uint64_t first_conflict);

  bool is_tapped(LinkId link) const { return network_.client_of(link) % tap_every_ == 0; }

  World& world_;
  SimNetwork& network_;
  const SimAuthenticator& authenticator_;
  uint32_t number_;
  ServerLifeOptions options_;
  NoFaults& no_faults_;
  ViolationLog& violations_;
  std::unique_ptr<VirtualServer> server_;
  ServerStats last_stats_;
  Model model_;
  PolicyModel policies_;
  WriteLedger ledger_;
  std::map<ClientId, const ClientIdentity*> authors_;  // as they were let in last
  EventBook events_;
  ClientEventOrder client_events_;
  Prng event_rng_;
  ModelAgreement agreement_;
  Workload workload_;
  Version published_;
  PublishedHistory history_;
  TransactionPlan plan_;
  uint64_t commits_ = 0;
  SessionResume sessions_;
  Authorisation authorisation_;
  BoundedResources bounds_;
  Wiretap wiretap_;
  uint32_t tap_every_;  // clients: with many of them some stand for all
  std::map<LinkId, const ClientIdentity*> identities_;
};

}  // namespace ecsdb::sim
