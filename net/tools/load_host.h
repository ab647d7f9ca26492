// What every kind of load run has: a loop, the clients, perhaps a server or a proxy of its own, and
// waits that end.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/exit_code.h"
#include "tools/load_arguments.h"
#include "tools/proxy.h"
#include "tools/server_child.h"

namespace ecsdb {

/// Lines that say by how much a threshold was missed.
using Missed = std::vector<std::string>;

/// Not thread-safe. Destroying it ends what it started.
class LoadHost {
 public:
  static constexpr Duration kSyncPatience = Duration::seconds(30);
  static constexpr Duration kLookAround = Duration::ms(50);  // between looks at input and deadlines

  explicit LoadHost(LoadArguments arguments) : arguments_(std::move(arguments)) {}

  /// Starts all that the arguments ask for and waits for the clients to be live. Anything but
  /// kExitOk: it is over and was reported. Clients may still be missing: see run().all_live().
  int open();
  /// Says goodbye to the server, which a child of ours then leaves, too.
  void close();

  const LoadArguments& arguments() const { return arguments_; }
  net::EventLoop& loop() { return loop_; }
  LoadRun& run() { return *run_; }
  /// With --cut only.
  Proxy& proxy() { return *proxy_; }
  /// The server's process; 0 where it is not known.
  pid_t server_pid() const { return server_ ? server_->pid() : arguments_.server_pid; }
  /// Stops the server's feed, or makes it go on.
  void toggle_feed() const;

  /// Ctrl-C, or no client will ever connect, or our server died.
  bool is_over() const { return is_interrupted_ || has_lost_server_ || run_->failure(); }
  bool is_interrupted() const { return is_interrupted_; }

  /// Serves the loop until `done` or `patience` is over; true if done.
  template <class Done>
  bool wait_for(Duration patience, Done done) {
    const Instant deadline = loop_.now().steady + patience;
    while (!done()) {
      const Duration left = deadline - loop_.now().steady;
      if (left <= Duration{0}) return false;
      loop_.run_batch(std::min(left, kLookAround));
      listen();
    }
    return true;
  }
  /// Serves the loop for so long, or until it is over.
  void wait(Duration time) {
    wait_for(time, [this] { return is_over(); });
  }

  int report(const Error& error) const;
  /// Says on one line why clients are missing, if any are.
  void explain(const LoadFigures& figures) const;
  /// Prints what was missed.
  void explain(const Missed& missed) const;
  int exit_of(const LoadFigures& figures, const Missed& missed = {}) const;

 private:
  int start_server();
  Status start_proxy();
  void listen();

  LoadArguments arguments_;
  net::EventLoop loop_;
  std::optional<ServerChild> server_;
  std::unique_ptr<Proxy> proxy_;
  std::optional<LoadRun> run_;
  bool is_interrupted_ = false;
  bool has_lost_server_ = false;
  bool is_closing_ = false;
};

}  // namespace ecsdb
