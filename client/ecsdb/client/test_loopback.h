// A server and clients joined by memory, for tests: every byte offered is delivered at once, or in
// small pieces.
#pragma once

#include <algorithm>
#include <gtest/gtest.h>
#include <memory>
#include <vector>

#include "ecsdb/client/client.h"
#include "ecsdb/server/replication_server.h"

namespace ecsdb {

/// Time stands still unless advance() moves it. Links are numbered in the order they are made.
class Loopback {
 public:
  explicit Loopback(ReplicationServer& server) : server_(server) {}

  Now now() const { return Now{time_, 0}; }
  void set_piece_bytes(size_t bytes) { piece_bytes_ = bytes; }
  void set_poll(bool poll) { poll_ = poll; }

  size_t add(Client* client) {
    ends_.push_back({client, {}, {}, false});
    return ends_.size() - 1;
  }
  void forget(size_t index) { ends_[index].client = nullptr; }
  /// Both sides learn that the link is gone.
  void cut(size_t index) {
    End& end = ends_[index];
    if (!end.up) return;
    end.up = false;
    server_.on_closed(end.server_link, now());
    if (end.client != nullptr) end.client->on_closed(end.client_link, now());
  }
  void hold(size_t index, bool held) { ends_[index].held = held; }

  /// Delivers until nobody has anything to say.
  void settle() {
    for (int round = 0; round < 100'000; ++round) {
      bool moved = false;
      for (size_t i = 0; i < ends_.size(); ++i) moved |= step(i);
      if (!moved) return;
    }
    FAIL() << "the loopback does not come to rest";
  }
  /// Delivers what is offered now, and what that leads to, so many times.
  void pass(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      for (size_t i = 0; i < ends_.size(); ++i) step(i);
    }
  }
  /// Passes time in short steps, so that heartbeats come when they are due.
  void advance(Duration by) {
    const Instant end_at = time_ + by;
    while (time_ < end_at) {
      time_ = std::min(end_at, time_ + Duration::ms(500));
      server_.on_timer(now());
      for (End& end : ends_) {
        if (end.client != nullptr) end.client->on_timer(now());
      }
      settle();
    }
  }

 private:
  struct End {
    Client* client;
    LinkId client_link;
    LinkId server_link;
    bool up = false;
    bool held = false;
  };

  bool step(size_t index) {
    End& end = ends_[index];
    if (end.client == nullptr) return false;
    bool moved = false;
    if (const auto link = end.client->next_dial()) {
      while (end.up && !end.held && to_server(index)) {
      }
      drop_old_link(end);
      end.client_link = *link;
      end.server_link = LinkId{next_link_++};
      end.up = true;
      server_.on_connected(end.server_link, now());
      end.client->on_connected(*link, now());
      moved = true;
    }
    while (server_.next_ready()) {
    }
    if (!end.up || end.held) return moved;
    moved |= to_server(index) || to_client(index);
    return moved;
  }
  /// A client that dials again has given its last link up, whether or not it told the server.
  void drop_old_link(End& end) {
    if (!end.up) return;
    end.up = false;
    server_.on_closed(end.server_link, now());
    end.client->on_closed(end.client_link, now());
  }
  bool to_server(size_t index) {
    End& end = ends_[index];
    if (!end.client->has_output(end.client_link)) return false;
    const StreamOutput output = end.client->output(end.client_link, now());
    const Bytes bytes = take(output);
    const bool closes = output.close && bytes.size() == output.bytes();
    end.client->on_sent(end.client_link, bytes.size(), now());
    server_.on_bytes(end.server_link, bytes, now());
    if (closes) cut(index);
    return !bytes.empty() || closes;
  }
  bool to_client(size_t index) {
    End& end = ends_[index];
    if (!end.up) return true;
    const StreamOutput output = server_.output(end.server_link);
    const Bytes bytes = take(output);
    const bool closes = output.close && bytes.size() == output.bytes();
    server_.on_sent(end.server_link, bytes.size(), now());
    if (!bytes.empty()) end.client->on_bytes(end.client_link, bytes, now());
    if (poll_ && end.client != nullptr) end.client->poll(now());
    if (closes) cut(index);
    return !bytes.empty() || closes;
  }
  Bytes take(const StreamOutput& output) const {
    Bytes bytes;
    for (const ByteSpan part : output.parts) {
      const size_t n = std::min(part.size(), piece_bytes_ - bytes.size());
      bytes.insert(bytes.end(), part.begin(), part.begin() + static_cast<ptrdiff_t>(n));
      if (bytes.size() == piece_bytes_) break;
    }
    return bytes;
  }

  ReplicationServer& server_;
  Instant time_{1'000'000'000};
  std::vector<End> ends_;
  uint64_t next_link_ = 0;
  size_t piece_bytes_ = 1u << 30;
  bool poll_ = true;
};

/// Fails the test where the client's cells differ from the server's at its cut.
inline void expect_same_state(ReplicationServer& server, Client& client) {
  ClientDb& db = client.db();
  ASSERT_EQ(db.cut(), server.database().published());
  for (size_t handle = 0; handle < db.cells().size(); ++handle) {
    const HeldCell& cell = db.cells()[handle];
    if (!cell.held) continue;
    EXPECT_EQ(db.digest(handle), server.digest(cell.table, cell.key))
        << "table " << cell.table << " cell " << cell.key.to_string();
  }
}

}  // namespace ecsdb
