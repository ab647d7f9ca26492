#include "write_server.h"

#include <algorithm>

#include "write_load.h"

namespace bench {

using ecsdb::Duration;
using ecsdb::ErrorCode;
using ecsdb::fail;
using ecsdb::Instant;
using ecsdb::Result;
using ecsdb::Status;

namespace {

/// Between looks at answers; sockets wake the loop earlier.
constexpr Duration kLookAround = Duration::ms(2);
constexpr Duration kPatience = Duration::seconds(60);

class NoLog final : public ecsdb::net::LogSink {
 public:
  void write(ecsdb::net::LogLevel, std::string_view) override {}
};

}  // namespace

WriteServer::WriteServer(uint64_t rows, size_t depth)
    : rows_(rows),
      depth_(depth),
      log_(std::make_unique<NoLog>()),
      server_(write_schema(), write_server_options(depth), &authenticator_) {}

WriteServer::~WriteServer() = default;

Status WriteServer::start() {
  ecsdb::Transaction tx = server_.begin(loop_.now());
  const auto items = insert_levels(tx, kItemTable, rows_);
  if (!items.ok()) return items.error();
  server_.commit(std::move(tx), loop_.now());
  server_.publish(loop_.now());
  // Before the runner's own, which takes the output to the sockets.
  loop_.add_batch_end([this] { decide(); });
  auto runner = ecsdb::net::ServerRunner::start(loop_, server_, {}, *log_);
  if (!runner.ok()) return runner.error();
  runner_ = std::move(runner).value();
  return {};
}

void WriteServer::decide() {
  if (!server_.has_writes()) return;
  const ecsdb::Now now = loop_.now();
  server_.commit(server_.begin(now), now);
  server_.publish(now);
}

Result<std::string> WriteServer::wait_for(ClientProcess& clients, const std::string& word) {
  const Instant deadline = loop_.now().steady + kPatience;
  while (loop_.now().steady < deadline) {
    while (const auto line = clients.next_line()) {
      if (line->starts_with(word)) return line->substr(std::min(word.size() + 1, line->size()));
      if (line->starts_with("failed")) return fail(ErrorCode::kDigestMismatch, *line);
    }
    loop_.run_batch(kLookAround);
  }
  return fail(ErrorCode::kStalled, "the clients' process did not say '" + word + "' in time");
}

Status WriteServer::join(ClientProcess& clients, uint64_t count) {
  clients.send("add " + std::to_string(count) + " " + std::to_string(port()) + " " +
               std::to_string(depth_));
  const auto live = wait_for(clients, "live");
  return live.ok() ? Status() : Status(live.error());
}

Status WriteServer::compare(ClientProcess& clients) {
  const Instant deadline = loop_.now().steady + kPatience;
  while (!server_.all_caught_up() && loop_.now().steady < deadline) loop_.run_batch(kLookAround);
  clients.send("sum");
  const auto sum = wait_for(clients, "sum");
  if (!sum.ok()) return sum.error();
  int64_t own = 0;
  const ecsdb::Table& items = server_.database().table(kItemTable);
  for (ecsdb::RowIndex row = 0; row < items.row_count(); ++row) {
    own += static_cast<int64_t>(items.lane(row, kLevelField));
  }
  if (*sum == std::to_string(own)) return {};
  return fail(ErrorCode::kDigestMismatch, "items differ: " + *sum + ", " + std::to_string(own));
}

}  // namespace bench
