// The shipping server on simulated links: a driver without decisions.
#pragma once

#include <memory>
#include <vector>

#include "ecsdb/server/replication_server.h"
#include "ecsdb/sim/checkers/no_faults.h"
#include "ecsdb/sim/sim_network.h"

namespace ecsdb::sim {

/// Accepts every connection of the network. The world, the network and the checker outlive it.
class VirtualServer final : public EventTarget, public EndpointHandler {
 public:
  VirtualServer(World& world, SimNetwork& network, Schema schema, ServerOptions options,
                std::vector<StaticToken> tokens, NoFaults& no_faults);
  ~VirtualServer();
  VirtualServer(const VirtualServer&) = delete;
  VirtualServer& operator=(const VirtualServer&) = delete;

  ReplicationServer& server() { return server_; }
  const ReplicationServer& server() const { return server_; }
  Now now() const { return world_.now_of(target_); }
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
  NoFaults& no_faults_;
  TargetId target_;
  Timer timer_;
  StaticAuthenticator authenticator_;
  ReplicationServer server_;
  std::vector<Port> ports_;  // by the server's link number
};

}  // namespace ecsdb::sim
