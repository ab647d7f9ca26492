// One server and many clients joined by memory, each side's work callable and measurable alone.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "ecsdb/client/client.h"
#include "ecsdb/server/replication_server.h"

namespace bench {

/// CPU nanoseconds spent in each side's machine. What the pump itself does is in neither, except
/// that taking the server's output includes the copy, as a socket's send would.
struct PumpTimes {
  double server_output = 0;   // output, copy, on_sent
  double server_input = 0;    // on_bytes: acks, mostly
  double client_receive = 0;  // on_bytes
  double client_poll = 0;     // poll
};

/// Links are numbered by client and never break; a machine that closes one is an error. Time is
/// virtual and moves by advance_time() only.
class Pump {
 public:
  explicit Pump(ecsdb::ReplicationServer& server) : server_(server) {}

  ecsdb::Now now() const { return ecsdb::Now{time_, 0}; }
  void advance_time(ecsdb::Duration by) { time_ = time_ + by; }

  /// Connects a new client that subscribes to the table; settle() takes it live.
  ecsdb::Client& add_client(const std::string& table, ecsdb::ClientOptions options = {});
  size_t client_count() const { return ends_.size(); }
  ecsdb::Client& client(size_t index) { return *ends_[index].client; }
  /// Drops the client added last, on both sides.
  void remove_last();

  /// Takes everything that the server offers now; returns the bytes.
  size_t take_server_output();
  /// Some bytes of one link.
  struct Segment {
    size_t link;
    size_t begin;
    size_t bytes;
  };
  /// What take_server_output() took and deliver() has not handed on, oldest first.
  std::span<const Segment> taken() const { return taken_; }
  ecsdb::ByteSpan bytes_of(const Segment& segment) const {
    return ecsdb::ByteSpan(wire_).subspan(segment.begin, segment.bytes);
  }
  /// Hands what was taken to the clients and lets each apply it.
  void deliver();
  /// Hands what the clients have to say to the server; returns the bytes.
  size_t return_client_output();
  /// Timers of both sides.
  void run_timers();
  /// Until nobody has anything to say. kLinkClosed if a machine closed a link.
  ecsdb::Status settle();

  PumpTimes& times() { return times_; }

 private:
  struct End {
    std::unique_ptr<ecsdb::Client> client;
    ecsdb::LinkId client_link;
  };

  ecsdb::ReplicationServer& server_;
  ecsdb::Instant time_{1'000'000'000};
  std::vector<End> ends_;
  ecsdb::Bytes wire_;
  std::vector<Segment> taken_;
  std::vector<ecsdb::Bytes> from_clients_;
  bool closed_ = false;
  PumpTimes times_;
};

/// kDigestMismatch unless every client is live at the published version with the server's digests;
/// kStalled if one is not live.
ecsdb::Status verify_clients(ecsdb::ReplicationServer& server, Pump& pump);

}  // namespace bench
