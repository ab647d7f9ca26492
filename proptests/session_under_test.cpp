#include "session_under_test.h"

#include <algorithm>
#include <utility>

namespace ecsdb::conformance {

SessionUnderTest::SessionUnderTest(TransportName name, Schema schema, const ServerOptions& options)
    : server_(std::move(schema), options, &authenticator_, &secrets_) {
  wires_ = make_wires(name, 7, [this](std::unique_ptr<Wire> wire) {
    const LinkId link{accepted_.size()};
    accepted_.push_back(std::make_unique<ServerEnd>(*this, link, std::move(wire)));
    return accepted_.back().get();
  });
}

SessionUnderTest::~SessionUnderTest() {
  // Wires before what they are made of.
  left_.clear();
  for (const auto& end : clients_) end->wire.reset();
  for (const auto& end : accepted_) end->wire.reset();
}

size_t SessionUnderTest::add_client(const ClientOptions& options) {
  const size_t index = clients_.size();
  clients_.push_back(std::make_unique<ClientEnd>(*this, Client(options, Prng(index + 1))));
  return index;
}

void SessionUnderTest::dial(ClientEnd& end, LinkId link) {
  if (std::exchange(end.is_up, false)) end.wire->close();
  if (end.wire) left_.push_back(std::move(end.wire));
  end.link = link;
  end.is_up = true;
  end.wire = wires_->dial(end);
  end.wire->set_reading(end.reads);
}

void SessionUnderTest::cut(size_t index) {
  ClientEnd& end = *clients_[index];
  if (!std::exchange(end.is_up, false)) return;
  end.wire->reset();
  end.client.on_closed(end.link, now());
}

void SessionUnderTest::set_reading(size_t index, bool reading) {
  ClientEnd& end = *clients_[index];
  end.reads = reading;
  if (end.is_up) end.wire->set_reading(reading);
}

bool SessionUnderTest::is_equal(size_t index) {
  ClientDb& db = client(index).db();
  if (!is_live(index) || db.cut() != server_.database().published()) return false;
  for (size_t handle = 0; handle < db.cells().size(); ++handle) {
    const HeldCell& cell = db.cells()[handle];
    if (cell.held && db.digest(handle) != server_.digest(cell.table, cell.key)) return false;
  }
  return true;
}

bool SessionUnderTest::step(Instant wake_at_most) {
  Instant wake_at = std::min(wake_at_most, server_.next_deadline());
  for (const auto& end : clients_) wake_at = std::min(wake_at, end->client.next_deadline());
  const bool goes_on = wires_->step(wake_at);
  if (server_.next_deadline() <= now().steady) server_.on_timer(now());
  for (const auto& end : clients_) {
    if (end->client.next_deadline() <= now().steady) end->client.on_timer(now());
  }
  drain();
  return goes_on;
}

void SessionUnderTest::drain() {
  for (const auto& end : clients_) drain_client(*end);
  drain_server();
}

void SessionUnderTest::drain_client(ClientEnd& end) {
  end.client.poll(now());
  while (end.is_up) {
    const StreamOutput output = end.client.output(end.link, now());
    const size_t offered = output.bytes();
    const bool close = output.close;
    const size_t taken = offered == 0 ? 0 : end.wire->offer(output.parts);
    if (taken > 0) end.client.on_sent(end.link, taken, now());
    if (close) {
      end.is_up = false;
      end.wire->close();
      end.client.on_closed(end.link, now());
    }
    if (taken == 0) break;
  }
  if (const auto link = end.client.next_dial()) dial(end, *link);
  while (const auto event = end.client.next_event()) end.events.push_back(*event);
}

void SessionUnderTest::drain_server() {
  while (server_.next_ready()) {  // everyone is asked anyway
  }
  for (const auto& end : accepted_) {
    while (end->is_up && !end->is_full) {
      const StreamOutput output = server_.output(end->link);
      const size_t offered = output.bytes();
      const bool close = output.close;
      const size_t taken = offered == 0 ? 0 : end->wire->offer(output.parts);
      if (taken > 0) server_.on_sent(end->link, taken, now());
      end->is_full = taken < offered;
      if (close) {
        end->is_up = false;
        end->wire->close();
        server_.on_closed(end->link, now());
      }
      if (offered == 0) break;
    }
  }
  while (server_.next_event()) {
  }
}

}  // namespace ecsdb::conformance
