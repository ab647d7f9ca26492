#include "ecsdb/sim/sim_network.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace ecsdb::sim {
namespace {

constexpr LinkSide kClient = LinkSide::kClient;
constexpr LinkSide kServer = LinkSide::kServer;
constexpr Duration kTick = Duration::ms(50);
constexpr Duration kSilenceMax = Duration::seconds(3);

/// A small client and server that keep a connection each with heartbeats, redial after its end, and
/// drop a peer that is silent: what a product does at least, so that faults meet live links.
class Cluster final : public EventTarget, public ProcessFaults {
 public:
  Cluster(uint64_t seed, uint32_t clients, const LinkConditions& base, bool permute = false)
      : world(WorldOptions{.seed = seed, .permute_ties = permute}),
        network(world, clients, base, *this),
        target(world.add_target(*this)),
        server(*this),
        clients_(clients) {
    network.set_server(LinkEndpoint{&server, target});
    for (uint32_t i = 0; i < clients; ++i) {
      clients_[i] = std::make_unique<Client>(*this, i);
      world.schedule(Instant{} + Duration::us(int64_t{i} * 100), target, i, 0);
    }
  }

  void run(Duration duration) { ASSERT_TRUE(world.run_until(world.now() + duration)); }
  size_t connected() const {
    size_t count = 0;
    for (const auto& client : clients_) count += client->up ? 1 : 0;
    return count;
  }
  uint64_t count(TraceCount counter) const { return world.trace().count(counter); }
  /// Virtual time since the client last heard its server.
  Duration silence(uint32_t client) const { return world.now() - clients_[client]->heard_at; }

  /// The tick of one client, kind is its index: heartbeat both ways, then the watchdogs.
  void on_event(uint32_t kind, uint64_t, Now now) override {
    world.schedule(now.steady + kTick, target, kind, 0);
    Client& client = *clients_[kind];
    if (network.crashed(kind)) return;
    if (!client.dialled) {
      client.link = network.dial(kind, LinkEndpoint{&client, target});
      client.dialled = true;
      client.heard_at = now.steady;
    } else if (client.up) {
      beat(client.link, kClient);
      if (now.steady - client.heard_at > kSilenceMax) client.drop();
    }
    server.serve(kind, now);
  }

  void on_crash(uint32_t client, Now) override {
    EXPECT_TRUE(down.insert(client).second);
    clients_[client]->up = clients_[client]->dialled = false;
  }
  void on_restart(uint32_t client, Now) override { EXPECT_EQ(down.erase(client), 1u); }
  void on_clock_skew(uint32_t client, Duration skew, Now) override { set(skewed, client, skew); }
  void on_slow(uint32_t client, Duration delay, Now) override { set(slow, client, delay); }
  void on_pause(uint32_t client, bool pause, Now) override {
    set(paused, client, Duration{pause ? 1 : 0});
  }
  void on_rights_change(uint32_t, int64_t, Now) override {}
  void on_server_down(Now) override {
    server.peers.clear();
    server_is_down = true;
  }
  void on_server_up(bool, Now) override {
    network.set_server(LinkEndpoint{&server, target});
    server_is_down = false;
  }

 private:
  static void set(std::set<uint32_t>& clients, uint32_t client, Duration value) {
    if (value.ns == 0) {
      clients.erase(client);
    } else {
      clients.insert(client);
    }
  }
  void beat(LinkId link, LinkSide side) {
    const ByteSpan parts[] = {as_bytes("heartbeat of forty bytes, all the same..")};
    network.offer(link, side, parts);
  }

  struct Client final : EndpointHandler {
    Client(Cluster& owner, uint32_t number) : cluster(owner), index(number) {}
    void on_connected(LinkId, Now now) override {
      up = true;
      heard_at = now.steady;
    }
    void on_bytes(LinkId id, ByteSpan, Now now) override {
      EXPECT_EQ(id, link);
      EXPECT_FALSE(cluster.network.crashed(index));
      heard_at = now.steady;
    }
    void on_writable(LinkId, Now) override {}
    void on_closed(LinkId id, LinkEnd, Now) override {
      EXPECT_EQ(id, link);
      EXPECT_FALSE(cluster.network.crashed(index));
      up = false;
      // At once, from inside the callback: the old link must survive that.
      link = cluster.network.dial(index, LinkEndpoint{this, cluster.target});
    }
    void drop() {
      cluster.network.close(link, kClient);
      up = dialled = false;
    }
    Cluster& cluster;
    uint32_t index;
    LinkId link;
    bool dialled = false;
    bool up = false;
    Instant heard_at;
  };

  struct Server final : EndpointHandler {
    explicit Server(Cluster& owner) : cluster(owner) {}
    struct Peer {
      LinkId link;
      uint32_t client;
      Instant heard_at;
    };
    void on_connected(LinkId id, Now now) override {
      peers.push_back(Peer{id, cluster.network.client_of(id), now.steady});
    }
    void on_bytes(LinkId id, ByteSpan, Now now) override {
      const auto peer = find(id);
      ASSERT_NE(peer, peers.end());
      peer->heard_at = now.steady;
    }
    void on_writable(LinkId, Now) override {}
    void on_closed(LinkId id, LinkEnd, Now) override {
      ASSERT_NE(find(id), peers.end());
      peers.erase(find(id));
    }
    std::vector<Peer>::iterator find(LinkId id) {
      return std::find_if(peers.begin(), peers.end(), [id](const Peer& p) { return p.link == id; });
    }
    void serve(uint32_t client, Now now) {
      for (const Peer& peer : peers) {
        if (peer.client != client) continue;
        cluster.beat(peer.link, kServer);
        if (now.steady - peer.heard_at > kSilenceMax) cluster.network.close(peer.link, kServer);
      }
      std::erase_if(peers, [&](const Peer& peer) {
        return peer.client == client && now.steady - peer.heard_at > kSilenceMax;
      });
    }
    Cluster& cluster;
    std::vector<Peer> peers;
  };

 public:
  World world;
  SimNetwork network;
  TargetId target;
  Server server;
  std::set<uint32_t> down;
  std::set<uint32_t> skewed;
  std::set<uint32_t> slow;
  std::set<uint32_t> paused;
  bool server_is_down = false;

 private:
  std::vector<std::unique_ptr<Client>> clients_;
};

FaultEvent fault(FaultKind kind, std::vector<uint32_t> clients, Duration duration,
                 int64_t first = 0) {
  FaultEvent event;
  event.kind = kind;
  event.clients = std::move(clients);
  event.duration = duration;
  event.first = first;
  return event;
}

TEST(SimNetwork, PartitionCutsItsClientsOnlyAndEnds) {
  Cluster cluster(1, 4, LinkConditions{});
  cluster.run(Duration::seconds(1));
  EXPECT_EQ(cluster.connected(), 4u);
  cluster.network.apply(fault(FaultKind::kPartition, {1, 2}, Duration::seconds(2)));
  cluster.run(Duration::ms(1900));
  EXPECT_GT(cluster.silence(1), Duration::ms(1500));
  EXPECT_LT(cluster.silence(0), Duration::ms(200));
  EXPECT_FALSE(cluster.network.calm());
  cluster.run(Duration::ms(200));
  EXPECT_LT(cluster.silence(1), Duration::ms(200));
  EXPECT_TRUE(cluster.network.calm());
  EXPECT_EQ(cluster.count(TraceCount::kPartitions), 1u);
}

TEST(SimNetwork, OverlappingPartitionsLastUntilTheLaterEnd) {
  Cluster cluster(1, 1, LinkConditions{});
  cluster.run(Duration::seconds(1));
  cluster.network.apply(fault(FaultKind::kPartition, {0}, Duration::ms(2500)));
  cluster.run(Duration::ms(500));
  cluster.network.apply(fault(FaultKind::kPartition, {}, Duration::ms(200)));
  cluster.run(Duration::ms(1900));
  EXPECT_GT(cluster.silence(0), Duration::ms(2000));
  cluster.run(Duration::ms(200));
  EXPECT_LT(cluster.silence(0), Duration::ms(200));
}

TEST(SimNetwork, PathFaultsHoldForLaterLinksToo) {
  Cluster cluster(1, 1, LinkConditions{});
  cluster.run(Duration::seconds(1));
  cluster.network.apply(fault(FaultKind::kLatency, {0}, Duration::seconds(5), 400'000));
  cluster.network.apply(fault(FaultKind::kReset, {0}, Duration{}));
  cluster.run(Duration::ms(2200));
  EXPECT_EQ(cluster.count(TraceCount::kResets), 1u);
  EXPECT_EQ(cluster.count(TraceCount::kConnects), 2u);
  const LinkId second{uint64_t{1} << 32 | 1};
  ASSERT_NE(cluster.network.find(second), nullptr);
  EXPECT_EQ(cluster.network.find(second)->conditions().line[1].latency, Duration::ms(400));
  cluster.run(Duration::seconds(4));
  EXPECT_EQ(cluster.network.find(second)->conditions(), LinkConditions{});
}

TEST(SimNetwork, SilentCrashLeavesTheServerWithAHalfOpenLink) {
  Cluster cluster(1, 2, LinkConditions{});
  cluster.run(Duration::seconds(1));
  cluster.network.apply(fault(FaultKind::kClientCrash, {0}, Duration::seconds(1), 1));
  cluster.run(Duration::ms(500));
  EXPECT_EQ(cluster.down, (std::set<uint32_t>{0}));
  EXPECT_EQ(cluster.server.peers.size(), 2u);
  cluster.run(Duration::seconds(1));
  EXPECT_TRUE(cluster.down.empty());
  EXPECT_EQ(cluster.server.peers.size(), 3u);  // the dead one and its successor
  cluster.run(kSilenceMax);
  EXPECT_EQ(cluster.server.peers.size(), 2u);
  EXPECT_EQ(cluster.connected(), 2u);
}

TEST(SimNetwork, ARestartOfTheServerCutsEveryLinkAndRefusesDialsUntilItIsOver) {
  for (const int64_t silent : {0, 1}) {
    Cluster cluster(4, 3, LinkConditions{});
    cluster.run(Duration::seconds(1));
    EXPECT_EQ(cluster.server.peers.size(), 3u);
    cluster.network.apply(fault(FaultKind::kServerRestart, {}, Duration::seconds(2), silent));
    EXPECT_TRUE(cluster.server_is_down);
    EXPECT_FALSE(cluster.network.calm());
    cluster.run(Duration::ms(1500));
    EXPECT_EQ(cluster.server.peers.size(), 0u);
    EXPECT_EQ(cluster.connected(), silent != 0 ? 3u : 0u);  // of a silent death nobody knows yet
    cluster.run(kSilenceMax + Duration::seconds(2));
    EXPECT_FALSE(cluster.server_is_down);
    EXPECT_EQ(cluster.connected(), 3u);
    EXPECT_EQ(cluster.server.peers.size(), 3u);
    EXPECT_EQ(cluster.count(TraceCount::kServerRestarts), 1u);
  }
}

TEST(SimNetwork, HealEventEndsEveryFaultOfItsClients) {
  Cluster cluster(1, 2, LinkConditions{});
  cluster.run(Duration::seconds(1));
  for (size_t kind = 0; kind < kFaultKinds; ++kind) {
    const auto fault_kind = static_cast<FaultKind>(kind);
    if (fault_kind == FaultKind::kHeal || fault_kind == FaultKind::kServerRestart) continue;
    cluster.network.apply(fault(fault_kind, {}, Duration::seconds(1000), 1));
  }
  cluster.run(Duration::seconds(5));
  cluster.network.apply(fault(FaultKind::kHeal, {0}, Duration{}));
  EXPECT_FALSE(cluster.network.calm());
  EXPECT_EQ(cluster.down, (std::set<uint32_t>{1}));
  cluster.network.apply(fault(FaultKind::kHeal, {1}, Duration{}));
  EXPECT_TRUE(cluster.network.calm());
  EXPECT_TRUE(cluster.down.empty() && cluster.skewed.empty() && cluster.slow.empty() &&
              cluster.paused.empty());
  cluster.run(kSilenceMax + Duration::seconds(3));
  EXPECT_EQ(cluster.connected(), 2u);
}

TEST(SimNetwork, AfterHealEveryClientIsConnectedAndEveryLineIsPlain) {
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    Weather weather = *weather_preset("storm");
    const LinkConditions base = SimNetwork::conditions_of(weather);
    Cluster cluster(seed, 8, base, seed % 2 == 0);
    const FaultPlan plan =
        make_fault_plan(weather, 8, Duration::seconds(20), cluster.world.stream("fault_plan"));
    cluster.network.start(plan);
    cluster.run(Duration::seconds(20));
    EXPECT_TRUE(cluster.network.calm());
    EXPECT_TRUE(cluster.down.empty() && cluster.skewed.empty() && cluster.slow.empty() &&
                cluster.paused.empty());
    // A silent half-open link, then a dial, both from just before the heal.
    cluster.run(kSilenceMax + base.connect_timeout + Duration::seconds(1));
    EXPECT_EQ(cluster.connected(), 8u) << seed;
    EXPECT_EQ(cluster.server.peers.size(), 8u) << seed;
    EXPECT_EQ(cluster.network.live_links(), 8u) << seed;
    for (uint32_t client = 0; client < 8; ++client) {
      EXPECT_LT(cluster.silence(client), Duration::seconds(1)) << seed;
    }
  }
}

uint64_t hash_of_run(uint64_t seed, bool permute) {
  const Weather weather = draw_weather(seed);
  Cluster cluster(seed, 6, SimNetwork::conditions_of(weather), permute);
  cluster.network.start(
      make_fault_plan(weather, 6, Duration::seconds(10), cluster.world.stream("fault_plan")));
  cluster.run(Duration::seconds(12));
  return cluster.world.trace().hash();
}

TEST(SimNetwork, SameSeedGivesTheSameTrace) {
  std::set<uint64_t> hashes;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    for (const bool permute : {false, true}) {
      const uint64_t hash = hash_of_run(seed, permute);
      EXPECT_EQ(hash, hash_of_run(seed, permute));
      EXPECT_TRUE(hashes.insert(hash).second);
    }
  }
}

/// What the main run promises: seed 1, 100 clients, 60 seconds.
TEST(SimNetwork, DefaultWeatherOfSeedOneBreaksEnough) {
  const Weather weather = draw_weather(1);
  Cluster cluster(1, 100, SimNetwork::conditions_of(weather));
  cluster.network.start(
      make_fault_plan(weather, 100, Duration::seconds(60), cluster.world.stream("fault_plan")));
  cluster.run(Duration::seconds(60));
  EXPECT_GE(cluster.count(TraceCount::kResets), 100u);
  EXPECT_GE(cluster.count(TraceCount::kPartitions), 20u);
}

}  // namespace
}  // namespace ecsdb::sim
