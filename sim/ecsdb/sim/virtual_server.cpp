#include "ecsdb/sim/virtual_server.h"

#include "ecsdb/base/check.h"
#include "ecsdb/sim/link_pump.h"

namespace ecsdb::sim {

VirtualServer::VirtualServer(World& world, SimNetwork& network, Schema schema,
                             ServerOptions options, std::vector<StaticToken> tokens,
                             NoFaults& no_faults)
    : world_(world),
      network_(network),
      no_faults_(no_faults),
      target_(world.add_target(*this)),
      authenticator_(std::move(tokens)),
      server_(std::move(schema), std::move(options), &authenticator_) {
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
  const auto output = [&] { return server_.output(number); };
  if (port.blocked) {
    if (!close_if_given_up(network_, port.link, LinkSide::kServer, output)) return;
  } else {
    const PumpEnd end = pump_link(network_, port.link, LinkSide::kServer, output,
                                  [&](size_t accepted) { server_.on_sent(number, accepted, at); });
    port.blocked = end == PumpEnd::kBlocked;
    if (end != PumpEnd::kClosed) return;
  }
  port.open = false;
  server_.on_closed(number, at);
}

void VirtualServer::drain() {
  while (const auto ready = server_.next_ready()) pump(*ready);
  while (const auto event = server_.next_event()) no_faults_.on_server_event(*event, world_.now());
  const Instant deadline = server_.next_deadline();
  if (deadline == Instant::never()) {
    timer_.disarm();
  } else if (deadline != timer_.deadline()) {
    timer_.arm(world_, deadline);
  }
}

}  // namespace ecsdb::sim
