// Many clients that come at once, and what a plain copy of the same bytes takes.
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ecsdb/net/listener.h"

#include "measure.h"
#include "session.h"
#include "session_clients.h"
#include "session_server.h"

namespace bench {
namespace {

using ecsdb::Result;
using ecsdb::Status;

/// Writes the same bytes to everyone who connects, one after the other.
class BulkServer {
 public:
  BulkServer(ecsdb::net::EventLoop& loop, uint64_t bytes) : bytes_(bytes, 'x') {
    auto listener = ecsdb::net::Listener::open(
        loop, {}, [this](int socket, const std::string&) { serve(socket); },
        [](const std::string&) {});
    ECSDB_CHECK(listener.ok());  // any free loopback port
    listener_ = std::move(listener).value();
  }
  uint16_t port() const { return listener_->port(); }

 private:
  void serve(int socket) const {
    fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) & ~O_NONBLOCK);
    for (size_t sent = 0; sent < bytes_.size();) {
      const ssize_t count = send(socket, bytes_.data() + sent, bytes_.size() - sent, MSG_NOSIGNAL);
      if (count <= 0 && errno != EINTR) break;
      sent += count > 0 ? static_cast<size_t>(count) : 0;
    }
    close(socket);
  }

  std::string bytes_;
  std::unique_ptr<ecsdb::net::Listener> listener_;
};

Result<SessionServer::Joined> join(SessionServer& server, ClientProcess& clients, uint64_t count,
                                   uint64_t rows) {
  const auto joined = server.join(clients, count, "many", rows);
  ECSDB_TRY(server.drop(clients));
  return joined;
}

Result<double> copy(SessionServer& server, BulkServer& bulk, ClientProcess& clients, uint64_t bytes,
                    uint64_t count) {
  clients.send("bulk " + std::to_string(count) + " " + std::to_string(bulk.port()) + " " +
               std::to_string(bytes));
  const auto answer = server.wait_for(clients, "bulk");
  if (!answer.ok()) return answer.error();
  return std::strtod(answer->c_str(), nullptr);
}

}  // namespace

Status measure_join(const Options& options, Report& report) {
  const uint64_t clients_count = options.number("join-clients", 16, 4);
  const uint64_t rounds = options.number("rounds", 15, 2);
  auto clients = ClientProcess::start(SessionClients::serve);
  if (!clients.ok()) return clients.error();
  SessionLoad load;
  load.many = options.number("join-rows", 10'000, 500);
  load.seed = options.number("seed", 1, 1);
  SessionServer server(load);
  ECSDB_TRY(server.start());
  const auto first =
      join(server, *clients, clients_count, load.many);  // warms up; tells how much to copy
  if (!first.ok()) return first.error();
  BulkServer bulk(server.loop(), first->bytes);
  Samples ours;
  Samples plain;
  for (uint64_t i = 0; i < rounds; ++i) {
    const auto copied = copy(server, bulk, *clients, first->bytes, clients_count);
    if (!copied.ok()) return copied.error();
    const auto joined = join(server, *clients, clients_count, load.many);
    if (!joined.ok()) return joined.error();
    plain.add(*copied);
    ours.add(joined->ms);
  }
  report.count("join_clients", clients_count);
  report.count("join_rows", load.many);
  report.count("join_bytes_per_client", first->bytes);
  report.number("join16_ms", ours.median());
  report.number("join16_min_ms", ours.min());
  report.number("join16_copy_ms", plain.median());
  report.number("join16_to_copy_ratio", median_ratio(ours, plain));
  return {};
}

}  // namespace bench
