// The client side of the writes benchmark: what its ClientProcesses run.
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
///   add COUNT PORT DEPTH  connects clients that subscribe to the items, and let the first have so
///                         many writes on their way. "live" once all are
///   pipeline MS           the first one writes for so long, as much as it may; when all is
///                         decided, "pipelined WRITES MS CPU_MS": decided in the time, and CPU time
///                         of this process meanwhile
///   show PORT COUNT       so many times, the first one writes and waits until all show it, and
///   then
///                         sends as many bytes to the plain socket there and waits for them to come
///                         back. "shown P50_MS P99_MS ECHO_P50_MS ECHO_P99_MS"
///   sum                   "sum LEVELS", of all items that the first one holds
/// A write that is not applied: "failed WHY".
class WriteClients {
 public:
  explicit WriteClients(int socket) : commands_(socket) {}
  ~WriteClients();
  WriteClients(const WriteClients&) = delete;
  WriteClients& operator=(const WriteClients&) = delete;
  /// Until the other end of the socket is closed.
  void run();
  /// For ClientProcess.
  static void serve(int socket) { WriteClients(socket).run(); }

 private:
  enum class State : uint8_t { kIdle, kJoining, kPipelining, kDraining, kShowing };

  void on_command(const std::string& line);
  void add(size_t count, uint16_t port, size_t depth);
  void look_for_live();
  void on_polled(size_t index);
  void on_outcome(const ecsdb::WriteOutcome& outcome);
  void give_up(const std::string& why);

  void start_pipeline(ecsdb::Duration time);
  void fill_pipeline();
  void look_for_pipelined();
  void start_show(uint16_t port, size_t count);
  void write_shown();
  void look_for_shown(size_t index);
  bool echo();
  int64_t level(size_t index, size_t item) const;
  void say_sum();

  CommandSocket commands_;
  ecsdb::net::EventLoop loop_;
  std::unique_ptr<ecsdb::net::ClientRunner> runner_;
  State state_ = State::kIdle;
  size_t depth_ = 0;
  std::vector<ecsdb::EntityId> items_;
  size_t next_item_ = 0;
  int64_t last_level_ = 0;
  uint64_t decided_ = 0;

  ecsdb::Instant started_;
  ecsdb::Instant end_;
  int64_t started_cpu_ns_ = 0;
  std::string pipelined_;  // the answer, once all is decided

  size_t shown_item_ = 0;
  std::vector<bool> shows_;  // by client
  size_t missing_ = 0;       // clients that do not show the write yet
  size_t shows_wanted_ = 0;  // writes
  Samples shown_ms_;
  Samples echo_ms_;
  int echo_socket_ = -1;
};

/// Sends back what comes on one connection to a port of its choice, which it says first: "port N".
/// For ClientProcess.
void serve_echo(int socket);

}  // namespace bench
