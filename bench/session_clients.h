// The client side of the session benchmark: what a ClientProcess runs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ecsdb/net/client_runner.h"

#include "command_socket.h"
#include "measure.h"

namespace bench {

/// Does what lines on a socket say, and answers in lines:
///   add COUNT PORT TABLE   connects clients that subscribe to the table. "live MS BYTES ROWS" once
///                          all are live: from the first connect, and of one of them
///   drop                   forgets all clients. "dropped"
///   begin                  what follows is measured. No answer
///   report                 "report P99_US SAMPLES CLOSED": commit to applied, over the clients
///   that
///                          read, and connections lost since begin
///   stall COUNT            the first clients read nothing from now on. No answer
///   wake                   they read again. "woken MAX_BYTES MEDIAN_BYTES OLD_BYTES" once each
///                          shows what the others show: received until then, and by one of them
///                          before it was past what these had shown when it woke
///   bulk COUNT PORT BYTES  connects plain sockets and reads so much from each. "bulk MS"
class SessionClients {
 public:
  explicit SessionClients(int socket) : commands_(socket) {}
  /// Until the other end of the socket is closed.
  void run();
  /// For ClientProcess.
  static void serve(int socket) { SessionClients(socket).run(); }

 private:
  struct Stalled {
    uint64_t bytes_before = 0;
    uint64_t old_bytes = 0;
    bool is_behind = true;
  };

  void on_command(const std::string& line);
  void say(const std::string& line) { commands_.say(line); }

  void add(size_t count, uint16_t port, const std::string& table);
  void report();
  void stall(size_t count);
  void wake();
  void bulk(size_t count, uint16_t port, uint64_t bytes);
  void on_polled(size_t index, const ecsdb::Now& now);
  void look_for_live();
  uint64_t rows_of(size_t index) const;
  void look_for_woken();
  ecsdb::Version newest_cut() const;
  double ms_since(ecsdb::Instant start) const;

  CommandSocket commands_;
  ecsdb::net::EventLoop loop_;
  std::unique_ptr<ecsdb::net::ClientRunner> runner_;
  bool awaits_live_ = false;
  bool awaits_woken_ = false;
  ecsdb::Instant started_;
  Samples latency_us_;
  uint64_t closed_ = 0;
  std::vector<Stalled> stalled_;  // the first so many clients
  ecsdb::Version woken_at_;       // what the others showed then
};

}  // namespace bench
