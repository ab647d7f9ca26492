#include "transport_under_test.h"

#include <algorithm>
#include <vector>

#include "ecsdb/base/check.h"
#include "ecsdb/base/hash.h"
#include "ecsdb/net/connection.h"
#include "ecsdb/net/event_loop.h"
#include "ecsdb/net/listener.h"
#include "ecsdb/sim/sim_link.h"
#include "ecsdb/sim/world.h"

namespace ecsdb::conformance {
namespace {

constexpr size_t kOfferBytesMax = 160 * 1024;  // more than one WebSocket frame
constexpr size_t kPartsMax = 64;
constexpr Duration kDeadline = Duration::seconds(20);  // real time for sockets, virtual otherwise

}  // namespace

std::ostream& operator<<(std::ostream& out, TransportName name) {
  static constexpr const char* kNames[] = {"Sim", "SimBadWeather", "Tcp", "WebSocket"};
  return out << kNames[static_cast<size_t>(name)];
}

uint8_t stream_byte(Side side, uint64_t offset) {
  if (offset == 0) return 0xEC;
  return static_cast<uint8_t>(mix64(offset * 2 + static_cast<uint64_t>(side)));
}

// --- one end ---

void End::pump() {
  while (is_usable() && sent < goal_) {
    const size_t size = static_cast<size_t>(std::min<uint64_t>(kOfferBytesMax, goal_ - sent));
    Bytes bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = stream_byte(side_, sent + i);
    std::vector<ByteSpan> parts;
    ByteSpan rest(bytes);
    while (!rest.empty() && parts.size() + 1 < kPartsMax) {
      const size_t cut = static_cast<size_t>(rng_.below(rest.size() + 1));
      parts.push_back(rest.first(rng_.chance(1, 3) ? std::min<size_t>(cut, 3) : cut));
      rest = rest.subspan(parts.back().size());
    }
    if (!rest.empty()) parts.push_back(rest);
    const size_t accepted = offer_(parts);
    if (accepted > size) ++breaches;
    sent += accepted;
    if (accepted == size) continue;
    ++short_accepts;
    owed_writable_ = true;
    return;
  }
}

void End::on_open() {
  if (open || left || closed > 0) ++breaches;
  open = true;
  pump();
}

void End::on_bytes(ByteSpan bytes) {
  if (!is_usable() || bytes.empty()) ++breaches;
  for (const uint8_t byte : bytes) {
    if (byte != stream_byte(other(side_), received++)) ++breaches;
  }
  ++deliveries;
}

void End::on_writable() {
  if (!is_usable() || !owed_writable_) ++breaches;
  owed_writable_ = false;
  ++writables;
  pump();
}

void End::on_closed() {
  if (left || closed > 0) ++breaches;
  ++closed;
}

bool TransportUnderTest::pump_until(const std::function<bool()>& reached) {
  while (!reached()) {
    if (!step()) return reached();
  }
  return true;
}

bool TransportUnderTest::connect() {
  end(Side::kClient).send(1);
  return pump_until([&] {
    return end(Side::kClient).open && end(Side::kServer).open && end(Side::kServer).received == 1;
  });
}

namespace {

// --- simulated ---

class SimTransport final : public TransportUnderTest {
 public:
  SimTransport(uint64_t seed, bool bad_weather)
      : world_(sim::WorldOptions{.seed = seed}),
        client_(*this, Side::kClient),
        server_(*this, Side::kServer) {
    if (bad_weather) {
      conditions_.short_accepts = conditions_.split_bytes = true;
      for (sim::LineConditions& line : conditions_.line) line.bytes_per_second = 4'000'000;
    }
    link_ = std::make_unique<sim::SimLink>(
        world_, LinkId{1}, sim::LinkEndpoint{&client_, client_.target},
        sim::LinkEndpoint{&server_, server_.target}, conditions_, world_.stream("link"));
  }

  End& end(Side side) override { return adapter(side).end; }
  void close(Side side) override {
    end(side).left = true;
    link_->close(sim_side(side));
  }
  void reset(Side side) override {
    end(side).left = true;
    link_->abort(sim_side(side));
  }
  void pause(Side side, bool paused) override {
    conditions_.reader_stalled[static_cast<size_t>(side)] = paused;
    link_->set_conditions(conditions_);
  }
  bool make_half_open(Side unaware) override {
    link_->half_open(sim_side(unaware));
    return true;
  }
  bool step() override { return world_.now() < Instant{} + kDeadline && world_.step(); }
  bool finished() const override { return link_->finished(); }

 private:
  struct Adapter final : sim::EndpointHandler, sim::EventTarget {
    Adapter(SimTransport& owner, Side side)
        : target(owner.world_.add_target(*this)),
          end(side, owner.world_.stream("end", static_cast<uint64_t>(side)),
              [&owner, side](std::span<const ByteSpan> parts) {
                return owner.link_->offer(sim_side(side), parts);
              }) {}
    void on_event(uint32_t, uint64_t, Now) override {}
    void on_connected(LinkId, Now) override { end.on_open(); }
    void on_bytes(LinkId, ByteSpan bytes, Now) override { end.on_bytes(bytes); }
    void on_writable(LinkId, Now) override { end.on_writable(); }
    void on_closed(LinkId, sim::LinkEnd, Now) override { end.on_closed(); }

    sim::TargetId target;
    End end;
  };
  static sim::LinkSide sim_side(Side side) { return static_cast<sim::LinkSide>(side); }
  Adapter& adapter(Side side) { return side == Side::kClient ? client_ : server_; }

  sim::World world_;
  sim::LinkConditions conditions_;
  std::unique_ptr<sim::SimLink> link_;
  Adapter client_;
  Adapter server_;
};

// --- sockets ---

class SocketTransport final : public TransportUnderTest {
 public:
  SocketTransport(uint64_t seed, net::TransportKind kind)
      : client_(*this, Side::kClient, Prng(seed).stream("client")),
        server_(*this, Side::kServer, Prng(seed).stream("server")) {
    auto listener = net::Listener::open(
        server_.loop, {},
        [this](int socket, std::string peer) {
          server_.connection =
              net::Connection::accepted(server_.loop, socket, std::move(peer), options_, server_);
        },
        [](const std::string&) {});
    ECSDB_CHECK(listener.ok());
    listener_ = std::move(listener).value();
    client_.connection = net::Connection::dial(
        client_.loop, {"127.0.0.1", listener_->port(), kind, "localhost", "/"}, options_, client_);
    deadline_ = client_.loop.now().steady + kDeadline;
  }
  ~SocketTransport() override {
    for (Adapter* adapter : {&client_, &server_}) {
      if (adapter->connection) adapter->connection->abandon();
    }
  }

  End& end(Side side) override { return adapter(side).end; }
  void close(Side side) override {
    end(side).left = true;
    adapter(side).connection->close({ErrorCode::kClientLeft, "the test is done"});
  }
  void reset(Side side) override {
    end(side).left = true;
    adapter(side).connection->abort({ErrorCode::kClientLeft, "the test resets"});
  }
  void pause(Side side, bool paused) override { adapter(side).paused = paused; }
  bool make_half_open(Side) override { return false; }
  bool step() override {
    for (Adapter* adapter : {&client_, &server_}) {
      if (!adapter->paused) adapter->loop.run_batch(Duration::us(100));
    }
    return client_.loop.now().steady < deadline_;
  }
  bool finished() const override { return client_.finished == 1 && server_.finished == 1; }

 private:
  struct Adapter final : net::ConnectionHandler {
    Adapter(SocketTransport& owner, Side side, Prng rng)
        : end(side, rng, [&owner, side](std::span<const ByteSpan> parts) {
            return owner.adapter(side).connection->offer(parts);
          }) {}
    void on_open(net::Connection&) override { end.on_open(); }
    void on_bytes(net::Connection&, ByteSpan bytes) override { end.on_bytes(bytes); }
    void on_writable(net::Connection&) override { end.on_writable(); }
    void on_closed(net::Connection&) override { end.on_closed(); }
    void on_finished(net::Connection&) override { ++finished; }

    net::EventLoop loop;
    net::SharedConnection connection;
    End end;
    int finished = 0;
    bool paused = false;
  };
  Adapter& adapter(Side side) { return side == Side::kClient ? client_ : server_; }

  net::ConnectionOptions options_;
  Adapter client_;
  Adapter server_;
  std::unique_ptr<net::Listener> listener_;
  Instant deadline_;
};

}  // namespace

std::unique_ptr<TransportUnderTest> make_transport(TransportName name, uint64_t seed) {
  switch (name) {
    case TransportName::kSim:
      return std::make_unique<SimTransport>(seed, false);
    case TransportName::kSimBadWeather:
      return std::make_unique<SimTransport>(seed, true);
    case TransportName::kTcp:
      return std::make_unique<SocketTransport>(seed, net::TransportKind::kTcp);
    case TransportName::kWebSocket:
      return std::make_unique<SocketTransport>(seed, net::TransportKind::kWebSocket);
  }
  return nullptr;
}

}  // namespace ecsdb::conformance
