#include "ecsdb/net/server_runner.h"

#include <algorithm>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

namespace ecsdb::net {
namespace {

/// Tag of a connection that never got a link. While `attached`, the server knows the link.
constexpr uint64_t kNoLink = UINT64_MAX;
constexpr Duration kLogFlushPeriod = Duration::seconds(1);
/// Who is served for longer than this goes on after the others: a sync has something to send as
/// soon as the last of it is accepted, and ticks are not to wait for it.
constexpr Duration kTurn = Duration::us(150);
constexpr Duration kBreakMax = Duration::ms(1);

/// Links are numbers of slots. A slot is free again only when the server's events about its last
/// connection have been read, so that these find it.
class ServerRunnerImpl final : public ServerRunner, private ConnectionHandler {
 public:
  ServerRunnerImpl(EventLoop& loop, ReplicationServer& server, const ServerRunnerOptions& options,
                   LogSink& log)
      : loop_(loop),
        server_(server),
        options_(options),
        log_(log),
        server_timer_(loop, [this] { server_.on_timer(loop_.now()); }),
        tick_timer_(loop, [this] { run_tick(); }),
        shutdown_timer_(loop, [this] { abort_all(); }),
        log_timer_(loop, [this] { flush_log(); }),
        turn_timer_(loop, [] {}) {
    hook_ = loop_.add_batch_end([this] { drain(); });
  }
  ~ServerRunnerImpl() override {
    loop_.remove_batch_end(hook_);
    for (const auto& connection : connections_) connection->abandon();
    log_.flush(loop_.now().steady, true);
  }
  ServerRunnerImpl(const ServerRunnerImpl&) = delete;
  ServerRunnerImpl& operator=(const ServerRunnerImpl&) = delete;

  Status listen() {
    auto listener = Listener::open(
        loop_, options_.listen,
        [this](int socket, std::string peer) { on_accepted(socket, std::move(peer)); },
        [this](const std::string& why) { on_turned_away({}, why); });
    if (!listener) return listener.error();
    listener_ = std::move(listener).value();
    port_ = listener_->port();
    return {};
  }

  uint16_t port() const override { return port_; }
  void set_tick(uint32_t hz, std::function<void(const Now&)> tick) override;
  void set_event_handler(std::function<void(const ServerEvent&)> handler) override {
    event_handler_ = std::move(handler);
  }
  void shutdown(std::function<void()> done) override;
  size_t socket_count() const override { return connections_.size(); }
  const ServerRunnerStats& stats() const override { return stats_; }

 private:
  // ConnectionHandler.
  void on_open(Connection& connection) override;
  void on_bytes(Connection& connection, ByteSpan bytes) override;
  void on_writable(Connection& connection) override;
  void on_closed(Connection& connection) override;
  void on_finished(Connection& connection) override;

  void on_accepted(int socket, std::string peer);
  void on_turned_away(const std::string& peer, const std::string& why);
  void run_tick();

  void drain();
  void serve_output(LinkId link);
  void serve_turn();
  void detach(Connection& connection);
  void serve_event(const ServerEvent& event);
  void log_session(const ServerEvent& event);
  void log_rejection(const ServerEvent& event);
  void decide_writes();
  void release_slots();
  void log_finished();
  void log_closed(const Connection& connection);
  void write_log(LogLevel level, std::string_view kind, const LogLine& line);
  void flush_log();
  void abort_all();

  EventLoop& loop_;
  ReplicationServer& server_;
  ServerRunnerOptions options_;
  LogLimiter log_;
  EventLoop::HookId hook_ = 0;
  std::unique_ptr<Listener> listener_;
  uint16_t port_ = 0;

  std::vector<SharedConnection> connections_;  // all sockets, in no order
  std::vector<Connection*> slots_;             // by link; null: free
  std::vector<uint64_t> free_slots_;
  std::vector<uint64_t> released_;          // free once the events have been read
  std::vector<SharedConnection> finished_;  // to be logged and dropped
  std::deque<LinkId> going_on_;             // were served for a turn, and not to their end
  Instant next_turn_;

  LoopTimer server_timer_;
  LoopTimer tick_timer_;
  LoopTimer shutdown_timer_;
  LoopTimer log_timer_;
  LoopTimer turn_timer_;  // ends the loop's wait, nothing else
  std::function<void(const Now&)> tick_;
  Duration tick_period_;
  Instant tick_next_;
  std::function<void(const ServerEvent&)> event_handler_;
  std::function<void()> shutdown_done_;
  bool shutting_down_ = false;
  bool log_flush_due_ = false;
  ServerRunnerStats stats_;
};

const char* session_event_name(ServerEvent::Kind kind) {
  switch (kind) {
    case ServerEvent::Kind::kAuthenticated:
      return "authenticated";
    case ServerEvent::Kind::kSynced:
      return "synced";
    case ServerEvent::Kind::kResumed:
      return "resumed";
    case ServerEvent::Kind::kReset:
      return "reset";
    case ServerEvent::Kind::kReady:
      return "ready";
    case ServerEvent::Kind::kDiverged:
      return "diverged";
    case ServerEvent::Kind::kWriteRejected:
      return "write_rejected";
    case ServerEvent::Kind::kClosed:
      return "closed";
  }
  return "unknown";
}

// --- connections ---

void ServerRunnerImpl::on_accepted(int socket, std::string peer) {
  ++stats_.accepted;
  // Made first in any case: it owns the descriptor.
  const std::string peer_text = peer;
  auto connection =
      Connection::accepted(loop_, socket, std::move(peer), options_.connection, *this);
  connection->tag = kNoLink;
  if (connections_.size() >= options_.sockets_max || shutting_down_) {
    connection->abandon();
    return on_turned_away(peer_text, shutting_down_ ? "shutting down" : "too many sockets");
  }
  connections_.push_back(std::move(connection));
}

void ServerRunnerImpl::on_turned_away(const std::string& peer, const std::string& why) {
  ++stats_.turned_away;
  LogLine line("turned_away");
  line.text("peer", peer).text("code", error_name(ErrorCode::kTooManyConnections));
  line.text("reason", why);
  write_log(LogLevel::kWarn, "turned_away", line);
}

void ServerRunnerImpl::on_open(Connection& connection) {
  ++stats_.opened;
  if (free_slots_.empty()) {
    free_slots_.push_back(slots_.size());
    slots_.push_back(nullptr);
  }
  connection.tag = free_slots_.back();
  connection.attached = true;
  free_slots_.pop_back();
  slots_[connection.tag] = &connection;
  server_.on_connected(LinkId{connection.tag}, loop_.now());
}

void ServerRunnerImpl::on_bytes(Connection& connection, ByteSpan bytes) {
  if (connection.attached) server_.on_bytes(LinkId{connection.tag}, bytes, loop_.now());
}

void ServerRunnerImpl::on_writable(Connection& connection) {
  if (connection.attached) serve_output(LinkId{connection.tag});
}

void ServerRunnerImpl::on_closed(Connection& connection) {
  if (connection.attached) detach(connection);
}

void ServerRunnerImpl::detach(Connection& connection) {
  connection.attached = false;
  server_.on_closed(LinkId{connection.tag}, loop_.now());
  released_.push_back(connection.tag);
}

void ServerRunnerImpl::on_finished(Connection& connection) {
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&](const auto& c) { return c.get() == &connection; });
  ECSDB_CHECK(found != connections_.end());
  finished_.push_back(std::move(*found));
  *found = std::move(connections_.back());
  connections_.pop_back();
}

// --- draining ---

void ServerRunnerImpl::drain() {
  decide_writes();
  while (const auto link = server_.next_ready()) serve_output(*link);
  serve_turn();
  while (const auto event = server_.next_event()) {
    serve_event(*event);
    // Its handler may have had something for clients.
    while (const auto link = server_.next_ready()) serve_output(*link);
  }
  release_slots();
  log_finished();
  server_timer_.arm(server_.next_deadline());
  if (shutting_down_ && connections_.empty() && shutdown_done_) {
    shutdown_timer_.disarm();
    std::exchange(shutdown_done_, nullptr)();
  }
}

void ServerRunnerImpl::serve_output(LinkId link) {
  if (link.value >= slots_.size() || slots_[link.value] == nullptr) return;
  Connection& connection = *slots_[link.value];
  // Closed meanwhile, not yet released; or it has its turn later.
  if (!connection.attached || connection.is_going_on) return;
  const Instant turn_end = loop_.now().steady + kTurn;
  for (bool is_first = true;; is_first = false) {
    const StreamOutput output = server_.output(link);
    const size_t offered = output.bytes();
    const bool close = output.close;
    if (offered > 0 && !is_first && loop_.now().steady >= turn_end) {
      connection.is_going_on = true;
      return going_on_.push_back(link);
    }
    const size_t accepted = offered == 0 ? 0 : connection.offer(output.parts);
    if (accepted > 0) server_.on_sent(link, accepted, loop_.now());
    if (accepted < offered) return;  // on_writable follows
    if (close) break;
    if (offered == 0) return;
  }
  detach(connection);
  // The server's event says why, and the transport may tell the peer.
  while (const auto event = server_.next_event()) serve_event(*event);
  connection.close(connection.info());
}

/// One after the other, as far as a turn goes, once a batch: what the batch has brought comes
/// first. Then as long a break, for others that need the processor: those who receive it, too.
void ServerRunnerImpl::serve_turn() {
  if (going_on_.empty()) return;
  const Instant begin = loop_.now().steady;
  if (begin >= next_turn_) {
    Instant now = begin;
    for (size_t left = going_on_.size(); left > 0 && now < begin + kTurn; --left) {
      const LinkId link = going_on_.front();
      going_on_.pop_front();
      Connection* const connection = slots_[link.value];
      if (connection == nullptr || !std::exchange(connection->is_going_on, false)) continue;
      serve_output(link);
      now = loop_.now().steady;
    }
    next_turn_ = now + std::min(now - begin, kBreakMax);
  }
  if (!going_on_.empty()) turn_timer_.arm(next_turn_);
}

void ServerRunnerImpl::serve_event(const ServerEvent& event) {
  const uint64_t slot = event.link.value;
  Connection* connection = slot < slots_.size() ? slots_[slot] : nullptr;
  switch (event.kind) {
    case ServerEvent::Kind::kAuthenticated:
    case ServerEvent::Kind::kSynced:
    case ServerEvent::Kind::kResumed:
    case ServerEvent::Kind::kReset:
    case ServerEvent::Kind::kReady:
    case ServerEvent::Kind::kDiverged:
      log_session(event);
      break;
    case ServerEvent::Kind::kWriteRejected:
      log_rejection(event);
      break;
    case ServerEvent::Kind::kClosed:
      // A link that broke has its own reason already; the server's is better when it decided.
      if (connection != nullptr && event.code != ErrorCode::kLinkClosed) {
        connection->set_info({event.code, event.reason});
      }
      break;
  }
  if (event_handler_) event_handler_(event);
}

/// How a session goes on; closings are logged with their connection.
void ServerRunnerImpl::log_session(const ServerEvent& event) {
  const char* name = session_event_name(event.kind);
  LogLine line(name);
  line.number("link", event.link.value).number("client", event.client.value);
  line.number("principal", event.principal.value).text("name", event.client_name);
  if (event.database == kSystemDatabase) line.text("database", "system");
  if (event.kind == ServerEvent::Kind::kReset) {
    line.text("reset", std::string(reset_reason_name(event.reset)));
  }
  const bool is_fault = event.kind == ServerEvent::Kind::kDiverged;
  if (is_fault) line.text("reason", event.reason);
  write_log(is_fault ? LogLevel::kWarn : LogLevel::kDebug, name, line);
}

void ServerRunnerImpl::log_rejection(const ServerEvent& event) {
  LogLine line("write_rejected");
  line.number("client", event.client.value).number("principal", event.principal.value);
  line.text("code", error_name(event.code)).text("reason", event.reason);
  write_log(LogLevel::kInfo, error_name(event.code), line);
}

/// Where no tick does.
void ServerRunnerImpl::decide_writes() {
  if (tick_ || !server_.has_writes()) return;
  const Now now = loop_.now();
  server_.commit(server_.begin(now), now);
  server_.publish(now);
}

void ServerRunnerImpl::release_slots() {
  for (const uint64_t slot : released_) {
    slots_[slot] = nullptr;
    free_slots_.push_back(slot);
  }
  released_.clear();
}

void ServerRunnerImpl::log_finished() {
  for (const auto& connection : finished_) log_closed(*connection);
  finished_.clear();
}

void ServerRunnerImpl::log_closed(const Connection& connection) {
  ++stats_.closed;
  stats_.bytes_in += connection.bytes_in();
  stats_.bytes_out += connection.bytes_out();
  const CloseInfo& info = connection.info();
  const auto number = static_cast<unsigned>(info.code);
  const bool is_fault = number >= 100 && number < 500;
  LogLine line("closed");
  if (connection.tag != kNoLink) line.number("link", connection.tag);
  line.text("peer", connection.peer()).text("transport", transport_name(connection.transport()));
  line.text("code", error_name(info.code)).text("reason", info.reason);
  line.number("bytes_in", connection.bytes_in()).number("bytes_out", connection.bytes_out());
  write_log(is_fault ? LogLevel::kWarn : LogLevel::kInfo, error_name(info.code), line);
}

void ServerRunnerImpl::write_log(LogLevel level, std::string_view kind, const LogLine& line) {
  const Instant now = loop_.now().steady;
  log_.write(level, kind, line.line(), now);
  if (std::exchange(log_flush_due_, true)) return;
  log_timer_.arm(now + kLogFlushPeriod);
}

void ServerRunnerImpl::flush_log() {
  const Instant now = loop_.now().steady;
  log_flush_due_ = log_.flush(now);
  if (log_flush_due_) log_timer_.arm(now + kLogFlushPeriod);
}

// --- ticks and the end ---

void ServerRunnerImpl::set_tick(uint32_t hz, std::function<void(const Now&)> tick) {
  ECSDB_CHECK(hz <= 1000);
  tick_ = std::move(tick);
  tick_timer_.disarm();
  if (hz == 0) return;
  tick_period_ = Duration::seconds(1) / hz;
  tick_next_ = loop_.now().steady + tick_period_;
  tick_timer_.arm(tick_next_);
}

void ServerRunnerImpl::run_tick() {
  if (shutting_down_) return;
  const Now now = loop_.now();
  const int64_t missed = (now.steady - tick_next_).ns / tick_period_.ns;
  tick_next_ = tick_next_ + tick_period_ * (missed + 1);
  stats_.ticks_skipped += static_cast<uint64_t>(missed);
  ++stats_.ticks;
  tick_timer_.arm(tick_next_);
  const Duration period = tick_period_;
  const std::function<void(const Now&)> tick = tick_;  // it may replace itself
  tick(now);
  const Now end = loop_.now();
  const Duration took = end.steady - now.steady;
  stats_.tick_longest = std::max(stats_.tick_longest, took);
  if (took <= period && missed == 0) return;
  if (took > period) ++stats_.tick_overruns;
  LogLine line("tick_late");
  line.number("took_us", static_cast<uint64_t>(took.ns / 1000));
  line.number("period_us", static_cast<uint64_t>(period.ns / 1000));
  line.number("skipped", static_cast<uint64_t>(missed));
  write_log(LogLevel::kWarn, "tick_late", line);
}

void ServerRunnerImpl::shutdown(std::function<void()> done) {
  ECSDB_CHECK(!shutting_down_);
  shutting_down_ = true;
  shutdown_done_ = std::move(done);
  listener_->close();
  tick_timer_.disarm();
  server_.shutdown(loop_.now());
  // Those that never said what they speak get no goodbye.
  const auto all = connections_;
  for (const auto& connection : all) {
    if (connection->tag == kNoLink) {
      connection->abort({ErrorCode::kShutdown, "the server is going down"});
    }
  }
  shutdown_timer_.arm(loop_.now().steady + options_.shutdown_timeout);
  loop_.post([] {});  // so that a batch ends, and the hook runs, also when nothing else happens
}

void ServerRunnerImpl::abort_all() {
  const auto all = connections_;
  for (const auto& connection : all) {
    if (connection->attached) detach(*connection);
    connection->abort({ErrorCode::kShutdown, "not closed within the shutdown limit"});
  }
}

}  // namespace

Result<std::unique_ptr<ServerRunner>> ServerRunner::start(EventLoop& loop,
                                                          ReplicationServer& server,
                                                          const ServerRunnerOptions& options,
                                                          LogSink& log) {
  auto runner = std::make_unique<ServerRunnerImpl>(loop, server, options, log);
  ECSDB_TRY(runner->listen());
  return std::unique_ptr<ServerRunner>(std::move(runner));
}

}  // namespace ecsdb::net
