#include "session_clients.h"

#include <algorithm>
#include <cstdio>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {

using ecsdb::Client;
using ecsdb::ClientEvent;
using ecsdb::Duration;
using ecsdb::Instant;
using ecsdb::Now;

namespace {

/// Between looks at commands; sockets wake the loop earlier.
constexpr Duration kLookAround = Duration::ms(2);
/// Clients hold out without a byte while they do not read.
constexpr Duration kSilence = Duration::seconds(3600);

}  // namespace

void SessionClients::run() {
  while (commands_.is_open()) {
    while (const auto line = commands_.next()) on_command(*line);
    if (awaits_live_) look_for_live();
    if (awaits_woken_) look_for_woken();
    loop_.run_batch(kLookAround);
  }
}

void SessionClients::on_command(const std::string& line) {
  size_t count = 0;
  uint16_t port = 0;
  unsigned long long bytes = 0;
  char table[64];
  if (std::sscanf(line.c_str(), "add %zu %hu %63s", &count, &port, table) == 3) {
    add(count, port, table);
  } else if (std::sscanf(line.c_str(), "stall %zu", &count) == 1) {
    stall(count);
  } else if (std::sscanf(line.c_str(), "bulk %zu %hu %llu", &count, &port, &bytes) == 3) {
    bulk(count, port, bytes);
  } else if (line == "begin") {
    latency_us_ = Samples();
    closed_ = 0;
  } else if (line == "report") {
    report();
  } else if (line == "wake") {
    wake();
  } else if (line == "drop") {
    runner_.reset();
    stalled_.clear();
    say("dropped");
  }
}

double SessionClients::ms_since(Instant start) const {
  return static_cast<double>((loop_.now().steady - start).ns) / 1e6;
}

void SessionClients::add(size_t count, uint16_t port, const std::string& table) {
  runner_ = ecsdb::net::ClientRunner::create(
      loop_, {},
      {.polled = [this](size_t index, size_t, const Now& now) { on_polled(index, now); },
       .event =
           [this](size_t, const ClientEvent& event) {
             closed_ += event.kind == ClientEvent::Kind::kClosed ? 1 : 0;
           }});
  for (size_t i = 0; i < count; ++i) {
    ecsdb::ClientOptions options;
    options.silence_timeout = kSilence;
    Client client(options, ecsdb::Prng(i + 1));
    client.subscribe(table, loop_.now());
    const auto added = runner_->add(std::move(client),
                                    {ecsdb::net::TransportKind::kTcp, {"127.0.0.1", port}, "/"});
    ECSDB_CHECK(added.ok());  // a numeric address needs nobody to resolve it
  }
  started_ = loop_.now().steady;
  for (size_t i = 0; i < count; ++i) runner_->connect(i);
  awaits_live_ = true;
}

void SessionClients::look_for_live() {
  for (size_t i = 0; i < runner_->size(); ++i) {
    if (runner_->client(i).sync().phase != ecsdb::SyncStatus::Phase::kLive) return;
  }
  awaits_live_ = false;
  say("live " + number_text(ms_since(started_)) + " " +
      std::to_string(runner_->client(0).stats().bytes_received) + " " + std::to_string(rows_of(0)));
}

uint64_t SessionClients::rows_of(size_t index) const {
  const ecsdb::ClientDb& db = runner_->client(index).db();
  uint64_t rows = 0;
  for (size_t table = 0; table < db.schema().table_count(); ++table) {
    rows += db.table(table).row_count();
  }
  return rows;
}

void SessionClients::on_polled(size_t index, const Now& now) {
  if (index < stalled_.size()) return;
  const auto committed = static_cast<int64_t>(runner_->client(index).db().commit_time_ns());
  latency_us_.add(static_cast<double>(now.steady.ns - committed) / 1e3);
}

void SessionClients::report() {
  say("report " + number_text(latency_us_.percentile(990)) + " " +
      std::to_string(latency_us_.count()) + " " + std::to_string(closed_));
}

void SessionClients::stall(size_t count) {
  stalled_.assign(count, Stalled{});
  for (size_t i = 0; i < count; ++i) runner_->set_reading(i, false);
}

void SessionClients::wake() {
  for (size_t i = 0; i < stalled_.size(); ++i) {
    stalled_[i].bytes_before = runner_->client(i).stats().bytes_received;
    runner_->set_reading(i, true);
  }
  awaits_woken_ = true;
  woken_at_ = newest_cut();
}

/// Of those that were never stalled.
ecsdb::Version SessionClients::newest_cut() const {
  ecsdb::Version newest;
  for (size_t i = stalled_.size(); i < runner_->size(); ++i) {
    newest = std::max(newest, runner_->client(i).db().cut());
  }
  return newest;
}

void SessionClients::look_for_woken() {
  const ecsdb::Version newest = newest_cut();
  bool all_there = true;
  for (size_t i = 0; i < stalled_.size(); ++i) {
    Stalled& one = stalled_[i];
    if (!one.is_behind) continue;
    const Client& client = runner_->client(i);
    const uint64_t received = client.stats().bytes_received - one.bytes_before;
    if (client.db().cut() < woken_at_) one.old_bytes = received;
    one.is_behind = client.db().cut() < newest;
    if (!one.is_behind) one.bytes_before = received;
    all_there = all_there && !one.is_behind;
  }
  if (!all_there) return;
  awaits_woken_ = false;
  Samples bytes;
  Samples old;
  for (const Stalled& one : stalled_) {
    bytes.add(static_cast<double>(one.bytes_before));
    old.add(static_cast<double>(one.old_bytes));
  }
  stalled_.clear();
  say("woken " + number_text(bytes.percentile(1000)) + " " + number_text(bytes.median()) + " " +
      number_text(old.percentile(1000)));
}

void SessionClients::bulk(size_t count, uint16_t port, uint64_t bytes) {
  const Instant start = loop_.now().steady;
  std::vector<pollfd> waiting;
  std::vector<uint64_t> missing(count, bytes);
  for (size_t i = 0; i < count; ++i) waiting.push_back({dial_loopback(port), POLLIN, 0});
  std::vector<char> buffer(ecsdb::net::EventLoop::kReadBufferBytes);
  size_t open = count;
  while (open > 0 && poll(waiting.data(), waiting.size(), -1) > 0) {
    for (size_t i = 0; i < count; ++i) {
      if (waiting[i].revents == 0) continue;
      const ssize_t got = recv(waiting[i].fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      missing[i] -= std::min(missing[i], got > 0 ? static_cast<uint64_t>(got) : missing[i]);
      if (missing[i] > 0) continue;
      close(waiting[i].fd);
      waiting[i].fd = -1;
      --open;
    }
  }
  say("bulk " + number_text(ms_since(start)));
}

}  // namespace bench
