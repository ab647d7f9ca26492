// One thread's event loop: sockets, timers, signals and posted work, served in batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "ecsdb/base/result.h"
#include "ecsdb/base/time.h"

namespace ecsdb::net {

/// The Asio objects; seen by the sources of this folder only (asio_loop.h).
struct AsioLoop;

/// Drives everything of one thread. After each batch of ready handlers the batch-end hooks run:
/// there the owners of core machines drain them, once for many inputs. Not thread-safe but for
/// post() and stop(). Handlers must not throw.
class EventLoop {
 public:
  /// Handlers served before the hooks run, at most.
  static constexpr size_t kBatchHandlersMax = 256;
  /// One receive takes at most so much. All connections of a loop share one such buffer.
  static constexpr size_t kReadBufferBytes = 64 * 1024;

  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Reads the clocks: CLOCK_MONOTONIC, which all processes of a host share, and wall time.
  Now now() const;

  /// Serves batches until stop().
  void run();
  /// Waits at most `wait_max` for something to do, then serves one batch and the hooks. Returns the
  /// number of handlers served; 0 after a wait in vain or stop().
  size_t run_batch(Duration wait_max);
  /// Makes run() return after the batch. Thread-safe.
  void stop();
  bool stopped() const;
  /// Runs `work` on the loop's thread, in a batch of its own or another. Thread-safe.
  void post(std::function<void()> work);

  /// Calls `served` for each SIGINT and SIGTERM, which from then on do not end the process. At most
  /// once. kUsage if the system refuses.
  Status on_signals(std::function<void(int)> served);

  using HookId = uint64_t;
  HookId add_batch_end(std::function<void()> hook);
  /// Not from inside a hook.
  void remove_batch_end(HookId id);

  /// Scratch that a handler may use until it returns.
  std::span<uint8_t> read_buffer();
  AsioLoop& asio() { return *asio_; }

 private:
  std::unique_ptr<AsioLoop> asio_;
};

/// A deadline on a loop. Arming it later than it is armed costs nothing: it comes up early, looks
/// at the wanted time and goes to sleep again. Destroying it disarms it. Must be destroyed before
/// or with the loop's handlers.
class LoopTimer {
 public:
  /// `expired` runs on the loop's thread; it may arm, disarm or destroy the timer.
  LoopTimer(EventLoop& loop, std::function<void()> expired);
  ~LoopTimer();
  LoopTimer(const LoopTimer&) = delete;
  LoopTimer& operator=(const LoopTimer&) = delete;

  /// Expires once, at `at` or soon after; an instant in the past means as soon as possible, and
  /// Instant::never() disarms.
  void arm(Instant at);
  void disarm();

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the pending wait, which may outlive this object
};

}  // namespace ecsdb::net
