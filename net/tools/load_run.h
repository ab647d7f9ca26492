// Many clients in one process that mirror everything, check each other's digests and measure.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ecsdb/base/hash.h"
#include "ecsdb/net/client_runner.h"

#include "tools/latency_histogram.h"

namespace ecsdb {

struct LoadOptions {
  size_t clients = 1;
  std::vector<net::StreamUrl> urls;  // at least one; client i uses the i-th, round and round
  std::string token;
  /// Digests are compared at versions that this divides, and at the end.
  uint64_t digest_stride = 1;
  /// ClientOptions::silence_timeout: longer than any time in which a client shall not read.
  Duration silence_timeout = ClientOptions{}.silence_timeout;
};

/// What a run found, since begin().
struct LoadFigures {
  size_t clients = 0;
  size_t synced = 0;  // of them, live now
  uint64_t digest_mismatches = 0;
  uint64_t advances = 0;  // applied, summed over the clients
  uint64_t disconnects = 0;
  double bytes_per_client_per_s = 0;
  uint64_t lag = 0;          // versions behind the newest published one, the worst client's
  LatencyHistogram latency;  // commit to applied, one sample an advance and client
};

/// The clients of one process. A first connection learns the names of the tables; then every client
/// subscribes to all of them at once, so that any two clients at one version hold the same cells.
/// Clock: commit times are on the server's steady clock, so latencies mean something only if the
/// server runs on this host. Runs on the loop's thread; the loop outlives it.
class LoadRun {
 public:
  LoadRun(net::EventLoop& loop, LoadOptions options);

  /// Starts to connect. kConnectFailed if a name cannot be resolved.
  Status start();
  /// Why the first connection failed, or a client never will connect; the run is then over.
  const std::optional<Error>& failure() const { return failure_; }
  /// Why a client lost its connection or failed last; nothing if none did.
  const std::optional<Error>& last_problem() const { return last_problem_; }
  /// Clients whose replica is synced and whose link is up.
  size_t live_count() const;
  bool all_live() const { return live_count() == options_.clients; }

  /// Sets all counts to zero: what follows is measured.
  void begin();
  /// `final_check` compares each client's digest now, whatever the stride says.
  LoadFigures figures(bool final_check);

  /// The version that all clients are at, if they are live and at one version.
  std::optional<Version> common_version() const;
  /// Of all cells that the client holds.
  Digest digest(size_t client);
  /// Compares every client's digest now, whatever the stride says.
  void check_digests();

  // One client, by its number below LoadOptions::clients.
  const ClientStats& stats(size_t client) const {
    return runner_->client(index_of(client)).stats();
  }
  Version cut(size_t client) const { return runner_->client(index_of(client)).db().cut(); }
  bool is_live(size_t client) const { return members_[client].live; }
  /// When it came to be live last.
  Instant live_at(size_t client) const { return members_[client].live_at; }
  /// See ClientRunner::set_reading().
  void set_reading(size_t client, bool reading) { runner_->set_reading(index_of(client), reading); }
  /// Whether its latencies count; they do at first.
  void set_measured(size_t client, bool counts) { members_[client].is_measured = counts; }
  /// Bytes of the largest full sync so far.
  uint64_t snapshot_bytes() const { return snapshot_bytes_; }

  /// Says goodbye. closed() once all sockets are closed.
  void close();
  bool closed() const { return runner_->socket_count() == 0; }

 private:
  struct Member {
    size_t index = 0;  // in the runner
    bool live = false;
    Instant live_at;
    bool is_measured = true;
    uint64_t syncs_seen = 0;
    Version measured;  // the cut that was measured last
    uint64_t advances_before = 0;
    uint64_t bytes_before = 0;
    uint64_t bytes_at_connect = 0;  // received before a sync can begin
  };

  Status add_members();
  void on_event(size_t index, const ClientEvent& event);
  /// What the event says and, if the connection failed, what the socket said.
  Error problem_of(size_t index, const ClientEvent& event) const;
  void on_probe_event(const ClientEvent& event);
  void measure(Member& member);
  void check_digest(Member& member);
  size_t index_of(size_t client) const { return members_[client].index; }
  Client& client(const Member& member) { return runner_->client(member.index); }
  const Client& client(const Member& member) const { return runner_->client(member.index); }

  static constexpr size_t kVersionsKeptMax = 1024;

  net::EventLoop& loop_;
  LoadOptions options_;
  std::unique_ptr<net::ClientRunner> runner_;
  std::vector<Member> members_;  // member i is the runner's client i + 1: client 0 is the probe
  std::vector<std::string> tables_;
  std::optional<Error> failure_;
  std::optional<Error> last_problem_;
  bool probe_done_ = false;
  // By version, the first client's that got there. Forgotten when a connection is lost: whoever
  // answers the next one may be a new server, whose versions start anew.
  std::map<uint64_t, Digest> digests_;
  uint64_t mismatches_ = 0;
  uint64_t disconnects_ = 0;  // since begin()
  uint64_t snapshot_bytes_ = 0;
  LatencyHistogram latency_;
  Instant begun_;
};

}  // namespace ecsdb
