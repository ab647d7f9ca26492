#include "write_clients.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstdio>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "write_load.h"

namespace bench {

using ecsdb::Client;
using ecsdb::Duration;
using ecsdb::Instant;
using ecsdb::Now;

namespace {

/// Between looks at commands; sockets wake the loop earlier.
constexpr Duration kLookAround = Duration::ms(2);
constexpr size_t kEchoBytes = 64;  // about a frame with one write

double ms_between(Instant begin, Instant end) {
  return static_cast<double>((end - begin).ns) / 1e6;
}

void set_no_delay(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

WriteClients::~WriteClients() {
  if (echo_socket_ >= 0) close(echo_socket_);
}

void WriteClients::run() {
  while (commands_.is_open()) {
    while (const auto line = commands_.next()) on_command(*line);
    if (state_ == State::kJoining) look_for_live();
    if (state_ == State::kPipelining || state_ == State::kDraining) look_for_pipelined();
    if (state_ == State::kShowing && missing_ == 0) write_shown();
    loop_.run_batch(kLookAround);
  }
}

void WriteClients::on_command(const std::string& line) {
  size_t count = 0;
  size_t depth = 0;
  uint16_t port = 0;
  int64_t ms = 0;
  if (std::sscanf(line.c_str(), "add %zu %hu %zu", &count, &port, &depth) == 3) {
    add(count, port, depth);
  } else if (std::sscanf(line.c_str(), "pipeline %ld", &ms) == 1) {
    start_pipeline(Duration::ms(ms));
  } else if (std::sscanf(line.c_str(), "show %hu %zu", &port, &count) == 2) {
    start_show(port, count);
  } else if (line == "sum") {
    say_sum();
  }
}

void WriteClients::give_up(const std::string& why) {
  state_ = State::kIdle;
  commands_.say("failed " + why);
}

// ---- Joining ----

void WriteClients::add(size_t count, uint16_t port, size_t depth) {
  depth_ = depth;
  runner_ = ecsdb::net::ClientRunner::create(
      loop_, {},
      {.polled = [this](size_t index, size_t, const Now&) { on_polled(index); }, .event = nullptr});
  for (size_t i = 0; i < count; ++i) {
    Client client(write_client_options(depth), ecsdb::Prng(i + 1));
    client.subscribe("item", loop_.now());
    const auto added = runner_->add(std::move(client),
                                    {ecsdb::net::TransportKind::kTcp, {"127.0.0.1", port}, "/"});
    ECSDB_CHECK(added.ok());  // a numeric address needs nobody to resolve it
  }
  runner_->client(0).on_outcome(
      [this](const ecsdb::WriteOutcome& outcome) { on_outcome(outcome); });
  for (size_t i = 0; i < count; ++i) runner_->connect(i);
  state_ = State::kJoining;
}

void WriteClients::look_for_live() {
  for (size_t i = 0; i < runner_->size(); ++i) {
    if (runner_->client(i).sync().phase != ecsdb::SyncStatus::Phase::kLive) return;
  }
  items_.clear();
  const ecsdb::ClientDb& db = runner_->client(0).db();
  for (const ecsdb::Row& row : db.table(kItemTable).rows()) items_.push_back(row.entity);
  state_ = State::kIdle;
  commands_.say("live");
}

void WriteClients::on_outcome(const ecsdb::WriteOutcome& outcome) {
  ++decided_;
  if (outcome.kind == ecsdb::WriteOutcome::Kind::kApplied) return;
  give_up("a write: " + outcome.reason);
}

void WriteClients::on_polled(size_t index) {
  if (state_ == State::kPipelining && index == 0) fill_pipeline();
  if (state_ == State::kShowing) look_for_shown(index);
}

// ---- Many writes ----

void WriteClients::start_pipeline(Duration time) {
  state_ = State::kPipelining;
  decided_ = 0;
  started_ = loop_.now().steady;
  end_ = started_ + time;
  started_cpu_ns_ = cpu_time_ns();
  fill_pipeline();
  runner_->touch(0);
}

void WriteClients::fill_pipeline() {
  Client& client = runner_->client(0);
  const Now now = loop_.now();
  for (size_t room = depth_ - client.pending_writes(); room > 0; --room) {
    const ecsdb::EntityId item = items_[next_item_++ % items_.size()];
    last_level_ = last_level_ % kLevelMax + 1;
    const ecsdb::Status status = submit_level(client, kItemTable, item, last_level_, now);
    if (!status.ok()) return give_up(status.error().to_string());
  }
}

void WriteClients::look_for_pipelined() {
  const Instant now = loop_.now().steady;
  if (state_ == State::kPipelining && now >= end_ && decided_ > 0) {
    state_ = State::kDraining;
    pipelined_ = "pipelined " + std::to_string(decided_) + " " +
                 number_text(ms_between(started_, now)) + " " +
                 number_text(static_cast<double>(cpu_time_ns() - started_cpu_ns_) / 1e6);
  }
  if (state_ != State::kDraining || runner_->client(0).pending_writes() > 0) return;
  state_ = State::kIdle;
  commands_.say(pipelined_);
}

// ---- One write at a time ----

void WriteClients::start_show(uint16_t port, size_t count) {
  if (echo_socket_ < 0) {
    echo_socket_ = dial_loopback(port);
    set_no_delay(echo_socket_);
  }
  state_ = State::kShowing;
  shows_wanted_ = count;
  shown_ms_ = echo_ms_ = Samples();
  missing_ = 0;
}

void WriteClients::write_shown() {
  if (shown_ms_.count() > echo_ms_.count() && !echo()) return give_up("the echo");
  if (shown_ms_.count() == shows_wanted_) {
    state_ = State::kIdle;
    return commands_.say("shown " + number_text(shown_ms_.percentile(500)) + " " +
                         number_text(shown_ms_.percentile(990)) + " " +
                         number_text(echo_ms_.percentile(500)) + " " +
                         number_text(echo_ms_.percentile(990)));
  }
  shown_item_ = next_item_++ % items_.size();
  last_level_ = last_level_ % kLevelMax + 1;
  shows_.assign(runner_->size(), false);
  missing_ = runner_->size();
  const Now now = loop_.now();
  started_ = now.steady;
  const ecsdb::Status status =
      submit_level(runner_->client(0), kItemTable, items_[shown_item_], last_level_, now);
  if (!status.ok()) return give_up(status.error().to_string());
  runner_->touch(0);
}

void WriteClients::look_for_shown(size_t index) {
  if (missing_ == 0 || shows_[index] || level(index, shown_item_) != last_level_) return;
  shows_[index] = true;
  if (--missing_ == 0) shown_ms_.add(ms_between(started_, loop_.now().steady));
}

/// The same way there and back without the library.
bool WriteClients::echo() {
  char bytes[kEchoBytes] = {};
  const Instant start = loop_.now().steady;
  if (send(echo_socket_, bytes, sizeof bytes, MSG_NOSIGNAL) != sizeof bytes) return false;
  if (recv(echo_socket_, bytes, sizeof bytes, MSG_WAITALL) != sizeof bytes) return false;
  echo_ms_.add(ms_between(start, loop_.now().steady));
  return true;
}

int64_t WriteClients::level(size_t index, size_t item) const {
  const auto value = runner_->client(index).db().value(kItemTable, items_[item], kLevelField);
  const int64_t* const number = value.ok() ? std::get_if<int64_t>(&*value) : nullptr;
  return number == nullptr ? -1 : *number;
}

void WriteClients::say_sum() {
  int64_t sum = 0;
  for (size_t item = 0; item < items_.size(); ++item) sum += level(0, item);
  commands_.say("sum " + std::to_string(sum));
}

// ---- The echo ----

void serve_echo(int socket) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool listens = bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                       listen(listener, 1) == 0 &&
                       getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (!listens) return;
  CommandSocket(socket).say("port " + std::to_string(ntohs(address.sin_port)));
  const int peer = accept(listener, nullptr, nullptr);
  set_no_delay(peer);
  char bytes[kEchoBytes];
  while (true) {
    const ssize_t got = recv(peer, bytes, sizeof bytes, 0);
    if (got <= 0 || send(peer, bytes, static_cast<size_t>(got), MSG_NOSIGNAL) != got) return;
  }
}

}  // namespace bench
