#include "ecsdb/net/event_loop.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <string>

#include "ecsdb/net/asio_loop.h"

namespace ecsdb::net {

using boost::system::error_code;

EventLoop::EventLoop() : asio_(std::make_unique<AsioLoop>()) {}
EventLoop::~EventLoop() = default;

Now EventLoop::now() const {
  using std::chrono::duration_cast;
  const auto steady = std::chrono::steady_clock::now().time_since_epoch();
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return Now{Instant{duration_cast<std::chrono::nanoseconds>(steady).count()},
             duration_cast<std::chrono::milliseconds>(wall).count()};
}

void EventLoop::run() {
  while (!stopped()) run_batch(Duration::seconds(3600));
}

size_t EventLoop::run_batch(Duration wait_max) {
  if (stopped()) return 0;
  boost::asio::io_context& io = asio_->io;
  size_t served =
      wait_max.ns > 0 ? io.run_one_for(std::chrono::nanoseconds(wait_max.ns)) : io.poll_one();
  if (served != 0) {
    while (served < kBatchHandlersMax && io.poll_one() != 0) ++served;
  }
  // By index: a hook may add hooks.
  for (size_t i = 0; i < asio_->hooks.size(); ++i) asio_->hooks[i].second();
  return served;
}

void EventLoop::stop() {
  asio_->stopped = true;
  boost::asio::post(asio_->io, [] {});  // ends a wait; the context itself is never stopped
}

bool EventLoop::stopped() const { return asio_->stopped; }

void EventLoop::post(std::function<void()> work) { boost::asio::post(asio_->io, std::move(work)); }

namespace {

void wait_for_signal(AsioLoop& loop) {
  loop.signals.async_wait([&loop](const error_code& error, int number) {
    if (error) return;
    loop.on_signal(number);
    wait_for_signal(loop);
  });
}

}  // namespace

Status EventLoop::on_signals(std::function<void(int)> served) {
  ECSDB_CHECK(!asio_->on_signal);
  for (const int number : {SIGINT, SIGTERM}) {
    error_code error;
    asio_->signals.add(number, error);
    if (error) return fail(ErrorCode::kUsage, "signal handler: " + error.message());
  }
  asio_->on_signal = std::move(served);
  wait_for_signal(*asio_);
  return {};
}

EventLoop::HookId EventLoop::add_batch_end(std::function<void()> hook) {
  asio_->hooks.emplace_back(asio_->next_hook, std::move(hook));
  return asio_->next_hook++;
}

void EventLoop::remove_batch_end(HookId id) {
  std::erase_if(asio_->hooks, [&](const auto& hook) { return hook.first == id; });
}

std::span<uint8_t> EventLoop::read_buffer() { return asio_->read_buffer; }

struct LoopTimer::State {
  State(boost::asio::io_context& io, std::function<void()> call)
      : timer(io), expired(std::move(call)) {}

  boost::asio::steady_timer timer;
  std::function<void()> expired;
  Instant wanted = Instant::never();
  Instant pending = Instant::never();  // when the wait in progress ends
  uint64_t generation = 0;             // of the wait in progress: older ones are void
  bool alive = true;

  static void wait(const std::shared_ptr<State>& self, Instant at) {
    self->pending = at;
    const uint64_t generation = ++self->generation;
    self->timer.expires_at(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(at.ns)));
    self->timer.async_wait([self, generation](const error_code&) {
      if (self->alive && generation == self->generation) on_wait_end(self);
    });
  }

  static void on_wait_end(const std::shared_ptr<State>& self) {
    self->pending = Instant::never();
    const Instant wanted = self->wanted;
    if (wanted == Instant::never()) return;
    const Instant now{std::chrono::duration_cast<std::chrono::nanoseconds>(
                          std::chrono::steady_clock::now().time_since_epoch())
                          .count()};
    if (wanted > now) return wait(self, wanted);
    self->wanted = Instant::never();
    const std::function<void()> call = self->expired;  // outlives the timer if that is destroyed
    call();
  }
};

LoopTimer::LoopTimer(EventLoop& loop, std::function<void()> expired)
    : state_(std::make_shared<State>(loop.asio().io, std::move(expired))) {}

LoopTimer::~LoopTimer() {
  state_->alive = false;
  state_->expired = nullptr;
  state_->timer.cancel();
}

void LoopTimer::arm(Instant at) {
  state_->wanted = at;
  if (at < state_->pending) State::wait(state_, at);
}

void LoopTimer::disarm() { state_->wanted = Instant::never(); }

}  // namespace ecsdb::net
