#include "ecsdb/sim/checkers/convergence.h"

#include <algorithm>

namespace ecsdb::sim {
namespace {

constexpr int64_t kRoundTrips = 12;  // connect, preface, auth, schema, subscribe, sync, ack
constexpr int64_t kJitterCap = 32;   // longest exponential in means; see Prng::exponential
constexpr uint64_t kLinkOverhead = 256 * 1024;  // bytes of schema, handshake and windows

}  // namespace

Duration convergence_bound(const ServerOptions& server, const ClientOptions& client,
                           const Weather& weather, uint64_t state_bytes) {
  const Duration notice =
      std::max(client.silence_timeout, server.stall_timeout + server.close_timeout) +
      client.heartbeat_interval;
  const Duration retry = client.retry_delay_max * 2;
  const Duration try_again = client.connect_timeout + server.handshake_timeout;
  const Duration trip =
      Duration::us(int64_t{weather.latency_us} + kJitterCap * int64_t{weather.jitter_us});
  const uint64_t rate = weather.bytes_per_second;
  const Duration transfer =
      rate == 0 ? Duration{}
                : Duration::seconds(static_cast<int64_t>((state_bytes + kLinkOverhead) / rate + 1));
  return notice + retry + try_again + trip * (2 * kRoundTrips) + transfer +
         server.heartbeat_interval * 2 + Duration::seconds(1);
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
