// Hostile peers, on TCP and on WebSocket, beside ten honest clients and a server that commits 60
// times a second. Each attack must end in a logged close; memory, and the honest clients, must not
// notice.
#include <cstdio>
#include <functional>
#include <gtest/gtest.h>
#include <ostream>
#include <sys/resource.h>
#include <unistd.h>

#include "ecsdb/net/test_arena.h"
#include "ecsdb/net/test_raw_peer.h"
#include "ecsdb/wire/frame.h"

namespace ecsdb::net {
namespace {

constexpr TransportKind kTcp = TransportKind::kTcp;
constexpr TransportKind kWebSocket = TransportKind::kWebSocket;
constexpr size_t kHonestClients = 10;
constexpr size_t kMemoryGrowthMax = 8 * 1024 * 1024;
constexpr uint64_t kLagTicksMax = 3;
/// Handshake limits, shortened for the test.
constexpr Duration kPatience = Duration::ms(600);
constexpr Duration kCloseTimeout = Duration::ms(300);
constexpr Duration kTrickle = Duration::ms(50);

size_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  unsigned long total = 0;
  unsigned long resident = 0;
  const int got = file == nullptr ? 0 : std::fscanf(file, "%lu %lu", &total, &resident);
  if (file != nullptr) std::fclose(file);
  return got == 2 ? resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

Bytes random_bytes(size_t size, uint64_t seed) {
  Prng rng(seed);
  Bytes out(size);
  for (uint8_t& byte : out) byte = static_cast<uint8_t>(rng.next());
  return out;
}

Bytes preface() {
  const auto bytes = encode_preface({});
  return Bytes(bytes.begin(), bytes.end());
}

Bytes joined(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Preface and a good authentication.
Bytes handshake() {
  Bytes out = preface();
  Auth auth;
  auth.token = Bytes(as_bytes(kGoodToken).begin(), as_bytes(kGoodToken).end());
  auth.client_name = "attacker";
  append_message(out, MessageType::kAuth, auth);
  return out;
}

/// The start of a frame whose head claims 2 GiB.
Bytes huge_claim() {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(static_cast<uint8_t>(MessageType::kAuth));
  writer.varint(uint64_t{1} << 31);
  writer.varint(0);
  out.resize(out.size() + 4096, 0x55);
  return out;
}

/// A masked WebSocket frame whose header claims 2 GiB.
Bytes huge_websocket_frame() {
  Bytes out = {0x82, 0xff, 0, 0, 0, 0, 0x80, 0, 0, 0, 1, 2, 3, 4};
  out.resize(out.size() + 4096, 0x55);
  return out;
}

/// What an attacker does: told what to send first, then called as the test goes on.
struct Attack {
  const char* name;
  TransportKind transport;
  Bytes bytes;                     // of the stream
  Bytes raw = {};                  // below the framing, and instead of an upgrade
  bool trickles = false;           // a byte now and then
  bool ends_sending = false;       // once all is sent
  std::vector<const char*> codes;  // one of these stands in the log line
};

std::ostream& operator<<(std::ostream& out, const Attack& attack) {
  return out << attack.name << " over " << transport_name(attack.transport);
}

class Attacker {
 public:
  Attacker(uint16_t port, const Attack& attack) : peer_(port, attack.transport), attack_(attack) {
    if (!attack.raw.empty()) {
      peer_.forget_upgrade();
      rest_ = attack.raw;
      is_raw_ = true;
    } else {
      rest_ = attack.bytes;
    }
    if (!attack.trickles) send(rest_.size());
  }

  RawPeer& peer() { return peer_; }
  void pump(Instant now) {
    if (attack_.trickles && now >= next_byte_ && !rest_.empty()) {
      next_byte_ = now + kTrickle;
      send(1);
    }
    peer_.pump();
    if (attack_.ends_sending && rest_.empty() && peer_.sent_all() && !has_ended_) {
      has_ended_ = true;
      peer_.end_sending();
    }
  }

 private:
  void send(size_t count) {
    const ByteSpan bytes = ByteSpan(rest_).first(count);
    if (is_raw_) {
      peer_.send_raw(bytes);
    } else {
      peer_.send(bytes);
    }
    rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(count));
  }

  RawPeer peer_;
  const Attack& attack_;
  Bytes rest_;
  bool is_raw_ = false;
  bool has_ended_ = false;
  Instant next_byte_;
};

std::vector<Attack> attacks() {
  const Bytes noise = random_bytes(1024 * 1024, 11);
  const Bytes preface_and_noise = joined(preface(), noise);
  const Bytes preface_and_claim = joined(preface(), huge_claim());
  Bytes half = handshake();
  half.erase(half.end() - 5, half.end());
  const Bytes late_noise = joined(handshake(), noise);
  const std::string head = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n";
  const Bytes slow_head(head.begin(), head.end());
  const std::string garbage = "GARBAGE " + std::string(20'000, 'x');
  const Bytes http_garbage(garbage.begin(), garbage.end());
  const std::vector<const char*> broken = {"frame_too_large", "frame_malformed", "unknown_message",
                                           "checksum_mismatch"};
  std::vector<Attack> out;
  for (const TransportKind kind : {kTcp, kWebSocket}) {
    out.push_back({"noise", kind, noise, {}, false, false, {"bad_preface"}});
    out.push_back({"noise behind a preface", kind, preface_and_noise, {}, false, false, broken});
    out.push_back({"noise behind a handshake", kind, late_noise, {}, false, false, broken});
    out.push_back(
        {"a claim of 2 GiB", kind, preface_and_claim, {}, false, false, {"frame_too_large"}});
    out.push_back({"half a handshake, then the end", kind, half, {}, false, true, {"link_closed"}});
    out.push_back(
        {"half a handshake, then silence", kind, half, {}, false, false, {"handshake_timeout"}});
    out.push_back(
        {"a handshake byte by byte", kind, handshake(), {}, true, false, {"handshake_timeout"}});
  }
  out.push_back({"silence", kTcp, {}, {}, false, false, {"handshake_timeout"}});
  out.push_back(
      {"an HTTP head byte by byte", kWebSocket, {}, slow_head, true, false, {"handshake_timeout"}});
  out.push_back(
      {"HTTP garbage", kWebSocket, {}, http_garbage, false, false, {"websocket_violation"}});
  return out;
}

TestArenaOptions impatient() {
  TestArenaOptions options;
  options.server.handshake_timeout = kPatience;
  options.server.close_timeout = kCloseTimeout;
  options.runner.connection.open_timeout = kPatience;
  options.runner.connection.close_timeout = kCloseTimeout;
  return options;
}

class Attacks : public testing::TestWithParam<size_t> {};

TEST_P(Attacks, EndInALoggedCloseAndDisturbNobody) {
  const std::vector<Attack> all = attacks();
  const Attack& attack = all[GetParam()];
  SCOPED_TRACE(testing::Message() << attack);
  TestArena arena(impatient());
  arena.start_ticks();
  arena.add_mixed_clients(kHonestClients);
  ASSERT_TRUE(arena.pump_until([&] { return arena.all_live(); }));
  ASSERT_TRUE(arena.pump_ticks(5));
  arena.watch_lag = true;

  std::vector<Attacker> attackers;
  attackers.reserve(4);
  for (int i = 0; i < 4; ++i) attackers.emplace_back(arena.runner->port(), attack);
  const size_t memory_before = resident_bytes();
  size_t memory_peak = 0;
  const auto line_of = [&](Attacker& attacker) {
    return arena.log.find({"event=closed", attacker.peer().log_word()});
  };
  EXPECT_TRUE(arena.pump_until([&] {
    bool all_logged = true;
    for (Attacker& attacker : attackers) {
      attacker.pump(arena.loop.now().steady);
      all_logged = all_logged && !line_of(attacker).empty();
    }
    memory_peak = std::max(memory_peak, resident_bytes());
    return all_logged;
  }));
  for (Attacker& attacker : attackers) {
    const std::string line = line_of(attacker);
    const bool has_code =
        std::any_of(attack.codes.begin(), attack.codes.end(), [&](const char* code) {
          return line.find("code=" + std::string(code) + " ") != std::string::npos;
        });
    EXPECT_TRUE(has_code) << line;
  }
  ASSERT_TRUE(arena.pump_ticks(10));
  EXPECT_LE(memory_peak, memory_before + kMemoryGrowthMax);
  EXPECT_LE(arena.worst_lag, kLagTicksMax);
  arena.expect_undisturbed();
  arena.expect_equal_at_head();
}

INSTANTIATE_TEST_SUITE_P(All, Attacks, testing::Range<size_t>(0, attacks().size()));

/// A frame of the WebSocket layer, not of the stream in it, that claims too much.
TEST(Attack, AWebSocketFrameThatClaimsTwoGibibytesIsRefusedAtItsHeader) {
  TestArena arena(impatient());
  arena.add_mixed_clients(2);
  ASSERT_TRUE(arena.pump_until([&] { return arena.all_live(); }));
  RawPeer peer(arena.runner->port(), kWebSocket);
  peer.send(preface());
  ASSERT_TRUE(arena.pump_until([&] {
    peer.pump();
    return peer.sent_all();
  }));
  peer.send_raw(huge_websocket_frame());
  EXPECT_TRUE(arena.pump_until([&] {
    peer.pump();
    return !arena.log.find({"event=closed", peer.log_word(), "code=frame_too_large"}).empty();
  }));
  arena.expect_undisturbed();
}

TEST(Attack, FiveHundredIdleConnectionsCostNobodyATick) {
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  files.rlim_cur = files.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
  TestArena arena(impatient());
  arena.start_ticks();
  arena.add_mixed_clients(kHonestClients);
  ASSERT_TRUE(arena.pump_until([&] { return arena.all_live(); }));
  arena.watch_lag = true;
  const size_t memory_before = resident_bytes();
  std::vector<RawPeer> idle;
  ASSERT_TRUE(arena.pump_until([&] {
    for (int i = 0; i < 20 && idle.size() < 500; ++i) {
      idle.emplace_back(arena.runner->port(), kTcp);
      if (!idle.back().connected()) ADD_FAILURE() << "connection " << idle.size();
    }
    return idle.size() == 500;
  }));
  EXPECT_TRUE(arena.pump_until([&] { return arena.runner->stats().closed >= 500; }));
  EXPECT_LE(resident_bytes(), memory_before + kMemoryGrowthMax);
  EXPECT_EQ(arena.runner->socket_count(), kHonestClients);
  // Told in full for some, in numbers for the others.
  EXPECT_NE(arena.log.find({"event=closed", "code=handshake_timeout"}), "");
  EXPECT_TRUE(arena.pump_until([&] {
    return !arena.log.find({"event=repeated", "of=handshake_timeout", "count="}).empty();
  }));
  EXPECT_LE(arena.worst_lag, kLagTicksMax);
  arena.expect_undisturbed();
  arena.expect_equal_at_head();
}

}  // namespace
}  // namespace ecsdb::net
