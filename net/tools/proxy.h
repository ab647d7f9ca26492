// A TCP proxy on loopback that can break what runs through it.
#pragma once

#include <cstdint>
#include <memory>

#include "ecsdb/base/result.h"
#include "ecsdb/net/address.h"
#include "ecsdb/net/event_loop.h"

namespace ecsdb {

/// Forwards every connection made to its port to one target, both ways, and holds at most 16 KiB a
/// direction: who reads slowly is felt at the other end. It moves bytes and knows no protocol.
/// Runs on the loop's thread; the loop outlives it, and destroying it closes everything.
class Proxy {
 public:
  /// Listens on a port of the system's choice. The target's name is resolved now, which may block.
  /// kConnectFailed if that fails, kUsage if it cannot listen.
  static Result<std::unique_ptr<Proxy>> start(net::EventLoop& loop, const net::HostPort& target);
  virtual ~Proxy() = default;

  virtual uint16_t port() const = 0;

  /// Resets all connections at both ends and, until heal(), each new one at once.
  virtual void reset() = 0;
  /// Until heal() nothing is forwarded and no end is told of the other's: bytes wait, as those that
  /// TCP would send again. New connections come up and hear nothing.
  virtual void black_hole() = 0;
  /// Forwards again. What waited in a black hole goes on, but for new connections that were given
  /// up meanwhile: on a network that is gone they would never have come up.
  virtual void heal() = 0;

  /// Connections that are not closed yet at both ends.
  virtual size_t connection_count() const = 0;
};

}  // namespace ecsdb
