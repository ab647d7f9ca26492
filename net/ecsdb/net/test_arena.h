// What the tests on real sockets share: a server that commits 60 times a second, honest clients
// that are watched, and a log that can be searched. All on one loop of one thread.
#pragma once

#include <algorithm>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "ecsdb/base/prng.h"
#include "ecsdb/net/client_runner.h"
#include "ecsdb/net/server_runner.h"
#include "ecsdb/schema/schema_builder.h"

namespace ecsdb::net {

struct Unit {
  int32_t x = 0;
  uint16_t hp = 0;
  std::string name;
};

}  // namespace ecsdb::net

template <>
struct ecsdb::Bind<ecsdb::net::Unit> {
  static constexpr const char* table = "unit";
  static constexpr auto fields = std::make_tuple(ecsdb::member("x", &ecsdb::net::Unit::x),
                                                 ecsdb::member("hp", &ecsdb::net::Unit::hp),
                                                 ecsdb::member("name", &ecsdb::net::Unit::name));
};

namespace ecsdb::net {

inline constexpr const char* kGoodToken = "sesame";
inline constexpr uint32_t kTickHz = 60;

class CapturedLog final : public LogSink {
 public:
  void write(LogLevel, std::string_view line) override { lines.emplace_back(line); }
  /// The first line that has all of the words; empty if there is none.
  std::string find(std::initializer_list<std::string> words) const {
    for (const std::string& line : lines) {
      const bool has_all = std::all_of(words.begin(), words.end(), [&](const std::string& word) {
        return line.find(word) != std::string::npos;
      });
      if (has_all) return line;
    }
    return {};
  }

  std::vector<std::string> lines;
};

inline Schema unit_schema() {
  return SchemaBuilder("arena")
      .table(1, "unit")
      .field(1, "x", FieldType::kI32)
      .field(2, "hp", FieldType::kU16)
      .text(3, "name", 16)
      .build()
      .value();
}

struct TestArenaOptions {
  ServerOptions server;
  ServerRunnerOptions runner;
  size_t entities = 50;
};

class TestArena {
 public:
  explicit TestArena(TestArenaOptions options = {})
      : auth({StaticToken{kGoodToken, "tester", PrincipalId{1}, {}, {}}}),
        server(unit_schema(), options.server, &auth) {
    ECSDB_CHECK(server.bind<Unit>().ok());
    auto started = ServerRunner::start(loop, server, options.runner, log);
    ECSDB_CHECK(started.ok());
    runner = std::move(started).value();
    clients = ClientRunner::create(
        loop, options.runner.connection,
        {.polled = {}, .event = [this](size_t index, const ClientEvent& event) {
           if (event.kind == ClientEvent::Kind::kClosed) last_code[index] = event.code;
         }});
    fill(options.entities);
  }

  void start_ticks() {
    runner->set_tick(kTickHz, [this](const Now& now) { tick(now); });
  }
  void tick(const Now& now) {
    for (size_t i = 0; i < clients->size() && watch_lag; ++i) {
      const uint64_t head = server.database().head().value;
      worst_lag = std::max(worst_lag, head - clients->client(i).db().cut().value);
    }
    Transaction change = server.begin(now);
    for (int i = 0; i < 10; ++i) {
      const EntityId entity = entities[rng.below(entities.size())];
      const auto x = static_cast<int32_t>(rng.below(10'000));
      ECSDB_CHECK(change.set(entity, Unit{x, static_cast<uint16_t>(x % 100), "unit"}).ok());
    }
    server.commit(std::move(change), now);
    server.publish(now);
    ++ticks;
  }

  StreamUrl url(TransportKind kind) const { return {kind, {"127.0.0.1", runner->port()}, "/"}; }
  /// Adds a client that subscribes to everything and starts to connect.
  size_t add_client(TransportKind kind, const std::string& token = kGoodToken) {
    ClientOptions options;
    options.token = token;
    options.name = "honest";
    Client client(options, Prng(100 + clients->size()));
    client.subscribe("unit", loop.now());
    last_code.push_back(ErrorCode::kOk);
    const size_t index = clients->add(std::move(client), url(kind)).value();
    clients->connect(index);
    return index;
  }
  void add_mixed_clients(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      add_client(i % 2 == 0 ? TransportKind::kTcp : TransportKind::kWebSocket);
    }
  }

  template <class Reached>
  bool pump_until(Reached&& reached, Duration limit = Duration::seconds(20)) {
    const Instant end = loop.now().steady + limit;
    while (!reached()) {
      if (loop.now().steady > end) return false;
      loop.run_batch(Duration::ms(1));
    }
    return true;
  }
  bool pump_ticks(uint64_t count) {
    const uint64_t end = ticks + count;
    return pump_until([&] { return ticks >= end; });
  }
  bool is_live(size_t index) const {
    return clients->client(index).sync().phase == SyncStatus::Phase::kLive;
  }
  bool all_live() const {
    for (size_t i = 0; i < clients->size(); ++i) {
      if (!is_live(i)) return false;
    }
    return true;
  }
  /// Ends the ticks, lets all clients come to the head, and compares their digests with the
  /// server's.
  void expect_equal_at_head() {
    runner->set_tick(0, nullptr);
    const Version head = server.database().head();
    EXPECT_TRUE(pump_until([&] {
      for (size_t i = 0; i < clients->size(); ++i) {
        if (clients->client(i).db().cut() != head) return false;
      }
      return true;
    })) << "not all clients came to the head";
    for (size_t i = 0; i < clients->size(); ++i) expect_equal(clients->client(i).db());
  }
  void expect_equal(ClientDb& db) {
    EXPECT_EQ(db.cut(), server.database().head());
    size_t held = 0;
    for (size_t handle = 0; handle < db.cells().size(); ++handle) {
      const HeldCell& cell = db.cells()[handle];
      if (!cell.held) continue;
      ++held;
      EXPECT_TRUE(db.digest(handle) == server.digest(cell.table, cell.key)) << "cell " << handle;
    }
    EXPECT_EQ(held, 1u);
  }
  /// No client was ever disconnected.
  void expect_undisturbed() {
    for (size_t i = 0; i < clients->size(); ++i) {
      EXPECT_EQ(clients->client(i).stats().connects, 1u) << "client " << i;
      EXPECT_EQ(clients->client(i).stats().faults, 0u) << "client " << i;
      EXPECT_TRUE(is_live(i)) << "client " << i;
    }
  }

  EventLoop loop;
  CapturedLog log;
  StaticAuthenticator auth;
  ReplicationServer server;
  std::unique_ptr<ServerRunner> runner;
  std::unique_ptr<ClientRunner> clients;
  std::vector<EntityId> entities;
  std::vector<ErrorCode> last_code;  // by client: of the last disconnect
  Prng rng{5};
  uint64_t ticks = 0;
  uint64_t worst_lag = 0;  // versions that a client stood behind the head when a tick began
  bool watch_lag = false;

 private:
  void fill(size_t count) {
    Transaction change = server.begin(loop.now());
    for (size_t i = 0; i < count; ++i) {
      entities.push_back(change.create().value());
      ECSDB_CHECK(change.insert(entities.back(), Unit{static_cast<int32_t>(i), 100, "unit"}).ok());
    }
    server.commit(std::move(change), loop.now());
    server.publish(loop.now());
  }
};

}  // namespace ecsdb::net
