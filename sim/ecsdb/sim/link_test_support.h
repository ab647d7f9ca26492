// Two ends and one link, for tests of what a link does to their streams.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>

#include "ecsdb/base/check.h"
#include "ecsdb/base/hash.h"
#include "ecsdb/sim/sim_link.h"

namespace ecsdb::sim {

inline constexpr LinkSide kClient = LinkSide::kClient;
inline constexpr LinkSide kServer = LinkSide::kServer;

/// The byte at an offset of the stream that `side` sends: whatever arrives can be checked by place.
inline uint8_t stream_byte(LinkSide side, uint64_t offset) {
  return static_cast<uint8_t>(mix64(offset * 2 + (side == kServer ? 1 : 0)));
}

inline Instant at_ms(int64_t ms) { return Instant{} + Duration::ms(ms); }

/// One end: sends the stream above as far as it was told to, notes what arrives wrong, and checks
/// that no call comes that the contract forbids.
class End final : public EndpointHandler {
 public:
  End(LinkSide side, World& world) : side_(side), world_(world) {}

  void send(uint64_t count) {
    goal_ += count;
    pump();
  }
  void pump() {
    while (sent < goal_ && link->open(side_)) {
      uint8_t bytes[3000];
      const size_t size = static_cast<size_t>(std::min<uint64_t>(sizeof(bytes), goal_ - sent));
      for (size_t i = 0; i < size; ++i) bytes[i] = stream_byte(side_, sent + i);
      const ByteSpan parts[] = {ByteSpan(bytes, size / 3), ByteSpan(),
                                ByteSpan(bytes + size / 3, size - size / 3)};
      const size_t accepted = link->offer(side_, parts);
      ECSDB_CHECK(accepted <= size);
      sent += accepted;
      if (accepted < size) return;
    }
  }
  void close() {
    gone = true;
    link->close(side_);
  }

  void on_connected(LinkId, Now now) override {
    ECSDB_CHECK(!gone && !connected_at);
    connected_at = now.steady;
    pump();
  }
  void on_bytes(LinkId, ByteSpan bytes, Now) override {
    ECSDB_CHECK(connected_at && !gone);
    ECSDB_CHECK(!bytes.empty());
    for (const uint8_t byte : bytes) {
      if (byte != stream_byte(other_side(side_), received++)) ++wrong;
    }
    ++deliveries;
    if (on_data) on_data();
  }
  void on_writable(LinkId, Now) override {
    ECSDB_CHECK(!gone);
    ++writables;
    pump();
  }
  void on_closed(LinkId, LinkEnd end, Now) override {
    ECSDB_CHECK(!gone);
    gone = true;
    ended = end;
    ended_at = world_.now();
  }

  SimLink* link = nullptr;
  uint64_t sent = 0;
  uint64_t received = 0;
  uint64_t wrong = 0;
  int deliveries = 0;
  int writables = 0;
  bool gone = false;
  std::optional<Instant> connected_at;
  std::optional<LinkEnd> ended;
  Instant ended_at;
  std::function<void()> on_data;

 private:
  LinkSide side_;
  World& world_;
  uint64_t goal_ = 0;
};

inline LinkConditions plain_conditions() {
  LinkConditions out;
  for (LineConditions& line : out.line)
    line = LineConditions{Duration::ms(10), Duration{}, 0, false};
  return out;
}

struct Rig {
  explicit Rig(const LinkConditions& conditions = plain_conditions(), uint64_t seed = 1,
               bool permute = false, bool listening = true)
      : world(WorldOptions{.seed = seed, .permute_ties = permute}),
        clock(world.add_target(no_target)),
        client(kClient, world),
        server(kServer, world),
        link(world, LinkId{1}, {&client, clock}, {listening ? &server : nullptr, clock}, conditions,
             world.stream("link")) {
    client.link = server.link = &link;
  }
  void run(Instant until) { ECSDB_CHECK(world.run_until(until)); }
  void connect() {
    run(world.now() + Duration::ms(100));
    ECSDB_CHECK(link.open(kClient) && link.open(kServer));
  }
  template <class Change>
  void change(Change change) {
    LinkConditions conditions = link.conditions();
    change(conditions);
    link.set_conditions(conditions);
  }
  End& end(LinkSide side) { return side == kClient ? client : server; }
  /// The part of the contract that holds whatever happens.
  bool prefixes_hold() const {
    return client.wrong + server.wrong == 0 && client.received <= server.sent &&
           server.received <= client.sent;
  }

  struct NoTarget final : EventTarget {
    void on_event(uint32_t, uint64_t, Now) override {}
  } no_target;
  World world;
  TargetId clock;
  End client;
  End server;
  SimLink link;
};

}  // namespace ecsdb::sim
