// The shipping server on simulated links: a driver without decisions.
#pragma once

#include <memory>
#include <vector>

#include "ecsdb/server/replication_server.h"
#include "ecsdb/sim/sim_network.h"

namespace ecsdb::sim {

/// Told of what passes between a server and its links, as it happens. Links are the network's.
class ServerObserver {
 public:
  virtual void on_server_event(const ServerEvent& event, LinkId link, Now now) = 0;
  /// The link took a prefix of the parts.
  virtual void on_server_sent(LinkId link, std::span<const ByteSpan> parts, size_t accepted,
                              Now now) = 0;
  /// Before the server is told.
  virtual void on_server_received(LinkId link, ByteSpan bytes, Now now) = 0;
  /// The server knows the link no longer.
  virtual void on_server_link_gone(LinkId link, Now now) = 0;
  /// The server has been drained after something that happened.
  virtual void on_server_drained(Now now) = 0;

 protected:
  ~ServerObserver() = default;
};

/// Secrets of tickets: guessed by nobody in the simulation either, and the same in every run.
class SimSecrets final : public SecretSource {
 public:
  explicit SimSecrets(Prng rng) : rng_(rng) {}
  void draw(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(rng_.next());
  }

 private:
  Prng rng_;
};

/// Accepts every connection of the network. The world, the network, the authenticator and the
/// observer outlive it.
class VirtualServer final : public EventTarget, public EndpointHandler {
 public:
  VirtualServer(World& world, SimNetwork& network, Schema schema, ServerOptions options,
                const Authenticator& authenticator, Prng secrets, ServerObserver& observer);
  ~VirtualServer();
  VirtualServer(const VirtualServer&) = delete;
  VirtualServer& operator=(const VirtualServer&) = delete;

  ReplicationServer& server() { return server_; }
  const ReplicationServer& server() const { return server_; }
  Now now() const { return world_.now_of(target_); }
  /// Whose clock it reads.
  TargetId target() const { return target_; }
  /// Sends what the server has to send and arms its timer: after commands to server().
  void drain();
  /// Links that the server knows of, by number.
  std::vector<LinkId> links() const;

  void on_event(uint32_t kind, uint64_t argument, Now now) override;
  void on_connected(LinkId link, Now now) override;
  void on_bytes(LinkId link, ByteSpan bytes, Now now) override;
  void on_writable(LinkId link, Now now) override;
  void on_closed(LinkId link, LinkEnd end, Now now) override;

 private:
  enum EventKind : uint32_t { kTimer };
  struct Port {
    LinkId link;  // of the network
    bool open = false;
    bool blocked = false;
  };
  /// The server numbers links by the network's slots, which are reused after both ends are done.
  static LinkId number_of(LinkId link) { return LinkId{link.value & 0xffffffffu}; }
  Port* find(LinkId link);
  void pump(LinkId number);

  World& world_;
  SimNetwork& network_;
  ServerObserver& observer_;
  TargetId target_;
  Timer timer_;
  SimSecrets secrets_;
  ReplicationServer server_;
  std::vector<Port> ports_;   // by the server's link number
  std::vector<LinkId> gone_;  // links that it closed, to be told of after their events
};

}  // namespace ecsdb::sim
