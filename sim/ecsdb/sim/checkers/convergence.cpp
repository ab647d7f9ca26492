#include "ecsdb/sim/checkers/convergence.h"

#include <algorithm>

namespace ecsdb::sim {
namespace {

constexpr int64_t kRoundTrips = 12;  // connect, preface, auth, schema, subscribe, sync, ack
constexpr int64_t kJitterCap = 32;   // longest exponential in means; see Prng::exponential
constexpr uint64_t kLinkOverhead = 256 * 1024;  // bytes of schema, handshake and windows

/// Bytes at a rate; none if there is no limit.
Duration time_of(uint64_t bytes, uint64_t rate) {
  return rate == 0 ? Duration{} : Duration::seconds(static_cast<int64_t>(bytes / rate + 1));
}

/// What budgets let through late: the debt of an advance that was begun before, a sync that was
/// cut, the sync, and the net delta at its end. Changes of subscriptions: as many as a connection
/// may have, ended and begun, and the longest pauses before asking again.
Duration held_back(const ServerOptions& server, const ClientOptions& client, uint64_t state_bytes,
                   uint64_t clients) {
  const uint64_t bytes = 4 * state_bytes + kLinkOverhead;
  Duration out = time_of(bytes, server.client_budget_bytes) +
                 time_of(bytes * clients, server.total_budget_bytes);
  constexpr uint64_t kChanges = 2 * kSubscriptionsMax;
  if (server.intake_changes > 0 && server.intake_changes_burst < kChanges) {
    const uint64_t changes = kChanges + server.intake_changes_burst;
    out = out + time_of(changes, server.intake_changes) + client.retry_delay_max * 2;
  }
  return out;
}

}  // namespace

Duration convergence_bound(const ServerOptions& server, const ClientOptions& client,
                           const Weather& weather, uint64_t state_bytes, uint64_t clients) {
  const Duration notice =
      std::max(client.silence_timeout, server.stall_timeout + server.close_timeout) +
      client.heartbeat_interval;
  const Duration retry = client.retry_delay_max * 2;
  const Duration try_again = client.connect_timeout + server.handshake_timeout;
  const Duration trip =
      Duration::us(int64_t{weather.latency_us} + kJitterCap * int64_t{weather.jitter_us});
  // A sync gets no more than a window on its way in each round trip.
  const auto windows = static_cast<int64_t>(state_bytes / server.unacked_bytes_max);
  const Duration transfer = time_of(state_bytes + kLinkOverhead, weather.bytes_per_second);
  return notice + retry + try_again + trip * (2 * (kRoundTrips + windows)) + transfer +
         held_back(server, client, state_bytes, clients) + server.heartbeat_interval * 2 +
         Duration::seconds(1);
}

bool Convergence::reached(const ReplicationServer& server,
                          const std::vector<std::unique_ptr<VirtualClient>>& clients,
                          Instant healed, Instant now) {
  std::string why;
  int64_t who = -1;
  // The one that was late last time is asked first: mostly it still is.
  for (size_t i = 0; why.empty() && i < clients.size(); ++i) {
    VirtualClient& client = *clients[(first_ + i) % clients.size()];
    if (auto unfinished = client.unfinished()) {
      who = client.index();
      first_ = client.index();
      why = *std::move(unfinished);
    }
  }
  if (why.empty() && server.connection_count() != clients.size()) {
    why = std::to_string(server.connection_count()) + " connections at the server";
  } else if (why.empty() && !server.all_caught_up()) {
    why = "the server does not know that all have caught up";
  }
  if (why.empty()) return true;
  if (now - healed <= bound_ || given_up_) return false;
  given_up_ = true;
  violations_.add_liveness({"convergence", now, who, "",
                            "every client live and exact at the head within " +
                                std::to_string(bound_.to_ms()) + " ms of heal",
                            why});
  return false;
}

}  // namespace ecsdb::sim
