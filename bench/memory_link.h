// One client and a server joined by memory, over links that break and that can be held.
#pragma once

#include <array>
#include <memory>

#include "ecsdb/client/client.h"
#include "ecsdb/server/replication_server.h"
#include "ecsdb/wire/frame.h"

namespace bench {

/// Bytes that a server sent on one connection, by what they are.
struct SentBytes {
  uint64_t total = 0;
  std::array<uint64_t, 256> by_type{};  // MessageType
  uint64_t last_advance = 0;            // of the newest kAdvance frame

  uint64_t of(ecsdb::MessageType type) const { return by_type[static_cast<size_t>(type)]; }
};

/// Time is the caller's and virtual. Not thread-safe.
class MemoryLink {
 public:
  /// `link` is a number of the server's that nobody else uses, nor the 1000 behind it.
  MemoryLink(ecsdb::ReplicationServer& server, uint64_t link, const std::string& table,
             const ecsdb::Now& now);

  ecsdb::Client& client() { return client_; }
  /// Exchanges bytes until nobody has any to say, dialling when the client wants to. While held,
  /// the server's bytes stay with the server.
  ecsdb::Status settle(const ecsdb::Now& now);
  /// While held, nothing is taken from the server, as from a socket that is full.
  void hold(bool held) { is_held_ = held; }
  /// Breaks the connection; both ends learn of it.
  void cut(const ecsdb::Now& now);
  /// What the server has sent since the connection came up or start_count().
  const SentBytes& sent() const { return sent_; }
  void start_count() { sent_ = {}; }

 private:
  void dial(ecsdb::LinkId link, const ecsdb::Now& now);
  ecsdb::Result<size_t> take_from_server(const ecsdb::Now& now);
  size_t take_from_client(const ecsdb::Now& now);
  ecsdb::Status count(ecsdb::ByteSpan bytes);

  ecsdb::ReplicationServer& server_;
  ecsdb::Client client_;
  ecsdb::LinkId server_link_;
  ecsdb::LinkId client_link_;
  bool is_up_ = false;
  bool is_held_ = false;
  ecsdb::FrameReader reader_;
  size_t preface_missing_ = 0;
  ecsdb::Bytes bytes_;
  SentBytes sent_;
};

}  // namespace bench
