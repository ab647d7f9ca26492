#include "tools/load_host.h"

#include <cstdio>
#include <signal.h>

namespace ecsdb {
namespace {

constexpr Duration kStartPatience = Duration::seconds(10);
constexpr Duration kClosePatience = Duration::seconds(2);

}  // namespace

int LoadHost::open() {
  const Status signals = loop_.on_signals([this](int) { is_interrupted_ = true; });
  if (!signals.ok()) return report(signals.error());
  if (arguments_.load.urls.empty()) {
    const int started = start_server();
    if (started != kExitOk) return started;
  }
  if (arguments_.cut) {
    const Status started = start_proxy();
    if (!started.ok()) return report(started.error());
  }
  run_.emplace(loop_, arguments_.load);
  const Status started = run_->start();
  if (!started.ok()) return report(started.error());
  wait_for(kSyncPatience, [this] { return run_->all_live() || is_over(); });
  if (run_->failure()) return report(*run_->failure());
  run_->begin();
  return kExitOk;
}

int LoadHost::start_server() {
  auto server =
      ServerChild::start({"--tick-hz", std::to_string(arguments_.tick_hz), "--log-level", "error"});
  if (!server.ok()) {
    std::fprintf(stderr, "ecsdb load: %s\n", server.error().context.c_str());
    return kExitConnect;
  }
  server_.emplace(std::move(server).value());
  wait_for(kStartPatience,
           [this] { return server_->port() != 0 || is_interrupted_ || has_lost_server_; });
  if (is_interrupted_) return kExitInterrupted;
  if (server_->port() == 0) {
    std::fprintf(stderr, "ecsdb load: the server did not start\n");
    return kExitConnect;
  }
  set_urls(arguments_, {net::TransportKind::kTcp, {"127.0.0.1", server_->port()}, "/"});
  return kExitOk;
}

Status LoadHost::start_proxy() {
  auto proxy = Proxy::start(loop_, arguments_.load.urls[0].at);
  if (!proxy.ok()) return proxy.error();
  proxy_ = std::move(proxy).value();
  for (net::StreamUrl& url : arguments_.load.urls) url.at = {"127.0.0.1", proxy_->port()};
  return {};
}

void LoadHost::listen() {
  if (!server_) return;
  server_->listen();
  if (has_lost_server_ || is_closing_ || !server_->poll_exit()) return;
  has_lost_server_ = true;
  std::fprintf(stderr, "ecsdb load: the server ended too early\n");
}

void LoadHost::toggle_feed() const { kill(server_pid(), SIGUSR1); }

int LoadHost::report(const Error& error) const {
  const auto& urls = arguments_.load.urls;
  const std::string at = urls.empty() ? std::string() : net::url_text(urls[0]) + ": ";
  std::fprintf(stderr, "ecsdb load: %s%s\n", at.c_str(), close_text(error).c_str());
  return exit_of_close(error.code);
}

void LoadHost::explain(const LoadFigures& figures) const {
  if (figures.synced == figures.clients) return;
  const std::string why = run_->last_problem() ? close_text(*run_->last_problem())
                          : is_interrupted_    ? "interrupted"
                                               : "no full sync in time";
  std::fprintf(stderr, "ecsdb load: %s: %zu of %zu clients are not synced; last problem: %s\n",
               net::url_text(arguments_.load.urls[0]).c_str(), figures.clients - figures.synced,
               figures.clients, why.c_str());
}

void LoadHost::explain(const Missed& missed) const {
  for (const std::string& line : missed) {
    std::fprintf(stderr, "ecsdb load: missed: %s\n", line.c_str());
  }
}

int LoadHost::exit_of(const LoadFigures& figures, const Missed& missed) const {
  if (figures.digest_mismatches > 0) return kExitDivergence;
  if (is_interrupted_) return kExitInterrupted;
  if (!missed.empty()) return kExitThreshold;
  return figures.synced == figures.clients ? kExitOk : kExitLiveness;
}

void LoadHost::close() {
  is_closing_ = true;
  run_->close();
  wait_for(kClosePatience, [this] { return run_->closed(); });
}

}  // namespace ecsdb
