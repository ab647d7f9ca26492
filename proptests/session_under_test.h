// A server and its clients over any transport, driven through their public interfaces alone.
#pragma once

#include <memory>
#include <vector>

#include "ecsdb/client/client.h"
#include "ecsdb/server/replication_server.h"

#include "session_wires.h"

namespace ecsdb::conformance {

/// Not thread-safe. All waiting is pumping with a deadline.
class SessionUnderTest {
 public:
  SessionUnderTest(TransportName name, Schema schema, const ServerOptions& options);
  ~SessionUnderTest();

  ReplicationServer& server() { return server_; }
  Now now() const { return wires_->now(); }
  /// A client that is not connecting yet; commands to it take effect with the next pump.
  size_t add_client(const ClientOptions& options = {});
  Client& client(size_t index) { return clients_[index]->client; }
  /// What the client has told so far.
  const std::vector<ClientEvent>& events(size_t index) const { return clients_[index]->events; }

  /// Breaks the client's connection; both ends learn of it.
  void cut(size_t index);
  /// While false the client's socket is not read.
  void set_reading(size_t index, bool reading);

  /// One version, published.
  template <class Change>
  void commit(Change change) {
    Transaction tx = server_.begin(now());
    change(tx);
    server_.commit(std::move(tx), now());
    server_.publish(now());
    drain();
  }
  /// True as soon as `reached` holds; false if it does not before the test's time is over.
  template <class Reached>
  bool pump_until(Reached reached) {
    drain();
    while (!reached()) {
      if (!step()) return reached();
    }
    return true;
  }
  /// Lets so much time pass.
  void pump_for(Duration time) {
    const Instant end = now().steady + time;
    drain();
    while (now().steady < end && step(end)) {
    }
  }

  bool is_live(size_t index) { return client(index).sync().phase == SyncStatus::Phase::kLive; }
  /// Live at the published version with the server's digests.
  bool is_equal(size_t index);

 private:
  struct ClientEnd final : WireEnd {
    ClientEnd(SessionUnderTest& owner, Client made) : all(owner), client(std::move(made)) {}
    void on_open() override { client.on_connected(link, all.now()); }
    void on_bytes(ByteSpan bytes) override { client.on_bytes(link, bytes, all.now()); }
    void on_writable() override {}  // it is drained after each step
    void on_closed() override {
      is_up = false;
      client.on_closed(link, all.now());
    }

    SessionUnderTest& all;
    Client client;
    LinkId link;
    std::unique_ptr<Wire> wire;
    bool is_up = false;  // dialled, and not closed
    bool reads = true;
    std::vector<ClientEvent> events;
  };
  struct ServerEnd final : WireEnd {
    ServerEnd(SessionUnderTest& owner, LinkId number, std::unique_ptr<Wire> made)
        : all(owner), link(number), wire(std::move(made)) {}
    void on_open() override { all.server_.on_connected(link, all.now()); }
    void on_bytes(ByteSpan bytes) override { all.server_.on_bytes(link, bytes, all.now()); }
    void on_writable() override { is_full = false; }
    void on_closed() override {
      is_up = false;
      all.server_.on_closed(link, all.now());
    }

    SessionUnderTest& all;
    LinkId link;
    std::unique_ptr<Wire> wire;
    bool is_up = true;
    bool is_full = false;
  };

  bool step(Instant wake_at_most = Instant::never());
  void drain();
  void drain_client(ClientEnd& end);
  void drain_server();
  void dial(ClientEnd& end, LinkId link);

  /// Tickets of a test need not be secret.
  class Numbers final : public SecretSource {
   public:
    void draw(std::span<uint8_t> out) override {
      for (uint8_t& byte : out) byte = static_cast<uint8_t>(rng_.below(256));
    }

   private:
    Prng rng_{11};
  };

  OpenAuthenticator authenticator_;
  Numbers secrets_;
  ReplicationServer server_;
  std::vector<std::unique_ptr<ClientEnd>> clients_;
  std::vector<std::unique_ptr<ServerEnd>> accepted_;  // by link
  std::vector<std::unique_ptr<Wire>> left_;           // wires of the clients' earlier links
  std::unique_ptr<Wires> wires_;                      // goes before all that it calls
};

}  // namespace ecsdb::conformance
