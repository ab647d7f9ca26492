#include "session_wires.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "ecsdb/base/check.h"
#include "ecsdb/net/connection.h"
#include "ecsdb/net/event_loop.h"
#include "ecsdb/net/listener.h"
#include "ecsdb/sim/sim_link.h"
#include "ecsdb/sim/world.h"

namespace ecsdb::conformance {
namespace {

constexpr Duration kSimDeadline = Duration::seconds(600);
constexpr Duration kSocketDeadline = Duration::seconds(30);

// --- simulated ---

class SimWires;

class SimWire final : public Wire {
 public:
  SimWire(sim::SimLink& link, sim::LinkSide side) : link_(link), side_(side) {}
  size_t offer(std::span<const ByteSpan> parts) override { return link_.offer(side_, parts); }
  void close() override { link_.close(side_); }
  void reset() override { link_.abort(side_); }
  void set_reading(bool reading) override {
    sim::LinkConditions conditions = link_.conditions();
    conditions.reader_stalled[static_cast<size_t>(side_)] = !reading;
    link_.set_conditions(conditions);
  }

 private:
  sim::SimLink& link_;
  sim::LinkSide side_;
};

class SimWires final : public Wires {
 public:
  SimWires(uint64_t seed, bool bad_weather, Accept accept)
      : world_(sim::WorldOptions{.seed = seed}), accept_(std::move(accept)) {
    if (!bad_weather) return;
    conditions_.short_accepts = conditions_.split_bytes = true;
    for (sim::LineConditions& line : conditions_.line) line.bytes_per_second = 4'000'000;
  }

  Now now() const override { return {world_.now(), 0}; }
  std::unique_ptr<Wire> dial(WireEnd& end) override {
    links_.push_back(std::make_unique<Link>(*this, links_.size() + 1, end));
    return std::make_unique<SimWire>(links_.back()->link, sim::LinkSide::kClient);
  }
  bool step(Instant wake_at) override {
    if (world_.now() >= Instant{} + kSimDeadline) return false;
    if (world_.next_event_at() <= wake_at) return world_.step();
    return wake_at != Instant::never() && world_.run_until(wake_at);
  }

 private:
  /// A link and its two handlers, of which the server's waits for the link to stand.
  struct Link {
    struct Handler final : sim::EndpointHandler, sim::EventTarget {
      Handler(SimWires& wires, Link& owner, WireEnd* used_by)
          : target(wires.world_.add_target(*this)), all(wires), link(owner), end(used_by) {}
      void on_event(uint32_t, uint64_t, Now) override {}
      void on_connected(LinkId, Now) override {
        if (end == nullptr) {
          end = all.accept_(std::make_unique<SimWire>(link.link, sim::LinkSide::kServer));
        }
        end->on_open();
      }
      void on_bytes(LinkId, ByteSpan bytes, Now) override { end->on_bytes(bytes); }
      void on_writable(LinkId, Now) override { end->on_writable(); }
      void on_closed(LinkId, sim::LinkEnd, Now) override {
        if (end != nullptr) end->on_closed();
      }

      sim::TargetId target;
      SimWires& all;
      Link& link;
      WireEnd* end;
    };

    Link(SimWires& wires, uint64_t number, WireEnd& end)
        : client(wires, *this, &end),
          server(wires, *this, nullptr),
          link(wires.world_, LinkId{number}, sim::LinkEndpoint{&client, client.target},
               sim::LinkEndpoint{&server, server.target}, wires.conditions_,
               wires.world_.stream("link", number)) {}

    Handler client;
    Handler server;
    sim::SimLink link;
  };

  sim::World world_;
  sim::LinkConditions conditions_;
  Accept accept_;
  std::vector<std::unique_ptr<Link>> links_;
};

// --- sockets ---

class SocketWire final : public Wire, private net::ConnectionHandler {
 public:
  explicit SocketWire(WireEnd* end) : end_(end) {}
  ~SocketWire() override {
    if (connection_) connection_->abandon();
  }
  void use(net::SharedConnection connection) { connection_ = std::move(connection); }
  void belong_to(WireEnd* end) { end_ = end; }
  net::ConnectionHandler& handler() { return *this; }

  size_t offer(std::span<const ByteSpan> parts) override {
    return connection_ ? connection_->offer(parts) : 0;
  }
  void close() override {
    if (connection_) connection_->close({ErrorCode::kClientLeft, "the test is done"});
  }
  void reset() override {
    if (connection_) connection_->abort({ErrorCode::kClientLeft, "the test resets"});
  }
  void set_reading(bool reading) override {
    if (connection_) connection_->set_reading(reading);
  }

 private:
  void on_open(net::Connection&) override { end_->on_open(); }
  void on_bytes(net::Connection&, ByteSpan bytes) override { end_->on_bytes(bytes); }
  void on_writable(net::Connection&) override { end_->on_writable(); }
  void on_closed(net::Connection&) override { end_->on_closed(); }
  void on_finished(net::Connection&) override { connection_.reset(); }

  WireEnd* end_;
  net::SharedConnection connection_;
};

class SocketWires final : public Wires {
 public:
  SocketWires(net::TransportKind kind, Accept accept)
      : kind_(kind), accept_(std::move(accept)), deadline_(loop_.now().steady + kSocketDeadline) {
    auto listener = net::Listener::open(
        loop_, {},
        [this](int socket, std::string peer) {
          auto wire = std::make_unique<SocketWire>(nullptr);
          SocketWire& made = *wire;
          made.belong_to(accept_(std::move(wire)));
          made.use(
              net::Connection::accepted(loop_, socket, std::move(peer), options_, made.handler()));
        },
        [](const std::string&) {});
    ECSDB_CHECK(listener.ok());
    listener_ = std::move(listener).value();
  }

  Now now() const override { return loop_.now(); }
  std::unique_ptr<Wire> dial(WireEnd& end) override {
    auto wire = std::make_unique<SocketWire>(&end);
    wire->use(net::Connection::dial(loop_,
                                    {"127.0.0.1", listener_->port(), kind_, "localhost", "/"},
                                    options_, wire->handler()));
    return wire;
  }
  bool step(Instant wake_at) override {
    constexpr Duration kStepMax = Duration::ms(1);
    const Instant start = loop_.now().steady;
    const Duration wait = wake_at < start + kStepMax ? wake_at - start : kStepMax;
    loop_.run_batch(std::max(wait, Duration{0}));
    return start < deadline_;
  }

 private:
  net::TransportKind kind_;
  Accept accept_;
  net::EventLoop loop_;
  net::ConnectionOptions options_;
  Instant deadline_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace

std::unique_ptr<Wires> make_wires(TransportName name, uint64_t seed, Wires::Accept accept) {
  switch (name) {
    case TransportName::kSim:
      return std::make_unique<SimWires>(seed, false, std::move(accept));
    case TransportName::kSimBadWeather:
      return std::make_unique<SimWires>(seed, true, std::move(accept));
    case TransportName::kTcp:
      return std::make_unique<SocketWires>(net::TransportKind::kTcp, std::move(accept));
    case TransportName::kWebSocket:
      return std::make_unique<SocketWires>(net::TransportKind::kWebSocket, std::move(accept));
  }
  return nullptr;
}

}  // namespace ecsdb::conformance
