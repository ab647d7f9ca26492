// Byte streams between a server and its clients, over any transport, for the session suite.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/time.h"

#include "transport_under_test.h"

namespace ecsdb::conformance {

/// Who uses one end of a stream. Called from inside Wires::step() only.
class WireEnd {
 public:
  virtual ~WireEnd() = default;
  virtual void on_open() = 0;
  virtual void on_bytes(ByteSpan bytes) = 0;
  virtual void on_writable() = 0;
  /// Never follows a close() of one's own.
  virtual void on_closed() = 0;
};

/// One end of a stream. Not to be destroyed inside a call of its WireEnd.
class Wire {
 public:
  virtual ~Wire() = default;
  /// Takes a prefix and returns its length; on_writable follows where that is short.
  virtual size_t offer(std::span<const ByteSpan> parts) = 0;
  /// What was taken still arrives.
  virtual void close() = 0;
  /// The stream breaks: the other end learns of it, this one knows; any suffix may be lost.
  virtual void reset() = 0;
  virtual void set_reading(bool reading) = 0;
};

/// All streams of a test and their time, which is virtual for simulated ones. Not thread-safe.
class Wires {
 public:
  /// Makes the server's end of a stream that comes in, and may keep the wire.
  using Accept = std::function<WireEnd*(std::unique_ptr<Wire> wire)>;
  virtual ~Wires() = default;

  virtual Now now() const = 0;
  /// Starts to connect to the one who accepts. `end` outlives the wire.
  virtual std::unique_ptr<Wire> dial(WireEnd& end) = 0;
  /// Lets a little happen, at most until `wake_at`. False when the time of the whole test is over.
  virtual bool step(Instant wake_at) = 0;
};

std::unique_ptr<Wires> make_wires(TransportName name, uint64_t seed, Wires::Accept accept);

}  // namespace ecsdb::conformance
