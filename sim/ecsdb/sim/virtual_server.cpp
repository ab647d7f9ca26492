#include "ecsdb/sim/virtual_server.h"

#include <utility>

#include "ecsdb/base/check.h"
#include "ecsdb/sim/link_pump.h"

namespace ecsdb::sim {

VirtualServer::VirtualServer(World& world, SimNetwork& network, Schema schema,
                             ServerOptions options, const Authenticator& authenticator,
                             Prng secrets, ServerObserver& observer)
    : world_(world),
      network_(network),
      observer_(observer),
      target_(world.add_target(*this)),
      secrets_(secrets),
      server_(std::move(schema), std::move(options), &authenticator, &secrets_) {
  timer_.bind(target_, kTimer);
  network_.set_server({this, target_});
}

VirtualServer::~VirtualServer() { world_.remove_target(target_); }

std::vector<LinkId> VirtualServer::links() const {
  std::vector<LinkId> out;
  for (size_t i = 0; i < ports_.size(); ++i) {
    if (ports_[i].open) out.push_back(LinkId{i});
  }
  return out;
}

VirtualServer::Port* VirtualServer::find(LinkId link) {
  const uint64_t number = number_of(link).value;
  if (number >= ports_.size()) return nullptr;
  Port& port = ports_[number];
  return port.open && port.link == link ? &port : nullptr;
}

void VirtualServer::on_connected(LinkId link, Now now) {
  const LinkId number = number_of(link);
  if (number.value >= ports_.size()) ports_.resize(number.value + 1);
  ECSDB_CHECK(!ports_[number.value].open);
  ports_[number.value] = Port{link, true, false};
  server_.on_connected(number, now);
  drain();
}

void VirtualServer::on_bytes(LinkId link, ByteSpan bytes, Now now) {
  if (find(link) == nullptr) return;
  observer_.on_server_received(link, bytes, now);
  server_.on_bytes(number_of(link), bytes, now);
  drain();
}

void VirtualServer::on_writable(LinkId link, Now) {
  Port* const port = find(link);
  if (port == nullptr) return;
  port->blocked = false;
  pump(number_of(link));
  drain();
}

void VirtualServer::on_closed(LinkId link, LinkEnd, Now now) {
  Port* const port = find(link);
  if (port == nullptr) return;
  port->open = false;
  server_.on_closed(number_of(link), now);
  drain();
  observer_.on_server_link_gone(link, now);
}

void VirtualServer::on_event(uint32_t, uint64_t argument, Now now) {
  const Instant deadline = timer_.deadline();
  if (!timer_.expired(world_, argument)) return;
  world_.trace().record_timer(now.steady, target_, deadline);
  server_.on_timer(now);
  drain();
}

void VirtualServer::pump(LinkId number) {
  Port& port = ports_[number.value];
  if (!port.open) return;
  const Now at = now();
  StreamOutput offered;
  const auto output = [&] { return offered = server_.output(number); };
  if (port.blocked) {
    if (!close_if_given_up(network_, port.link, LinkSide::kServer, output)) return;
  } else {
    const PumpEnd end =
        pump_link(network_, port.link, LinkSide::kServer, output, [&](size_t accepted) {
          observer_.on_server_sent(port.link, offered.parts, accepted, at);
          server_.on_sent(number, accepted, at);
        });
    port.blocked = end == PumpEnd::kBlocked;
    if (end != PumpEnd::kClosed) return;
  }
  port.open = false;
  server_.on_closed(number, at);
  gone_.push_back(port.link);
}

void VirtualServer::drain() {
  while (const auto ready = server_.next_ready()) pump(*ready);
  const Now at = now();
  while (const auto event = server_.next_event()) {
    const uint64_t number = event->link.value;
    ECSDB_CHECK(number < ports_.size());
    observer_.on_server_event(*event, ports_[number].link, at);
  }
  for (const LinkId link : std::exchange(gone_, {})) observer_.on_server_link_gone(link, at);
  observer_.on_server_drained(at);
  const Instant deadline = server_.next_deadline();
  if (deadline == Instant::never()) {
    timer_.disarm();
  } else if (deadline != timer_.deadline()) {
    timer_.arm(world_, deadline);
  }
}

}  // namespace ecsdb::sim
