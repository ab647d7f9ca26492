// Sessions: what of a client outlives its connections, and the tickets that claim them.
//
//   ticket, 44 bytes, little endian: client u64 | number u32 | secret of the session 16 |
//   secret of the number 16
//
// Ticket n stays good until the client is known to have n+1, so that a lost reply locks nobody out.
// Using n before that fences the connection that n+1 was issued on. After that n is refused and the
// session goes on: most likely the network held back a dial that the client has long given up. A
// client that is refused so on the dial it waits for, and knows of no later ticket, knows that
// somebody has copied n and come first; it says so with n, and that ends the session. After the
// "refresh token rotation" of OAuth 2.0 (RFC 6819, section 5.2.2.3), with the acknowledgement and
// the second try added.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ecsdb/server/auth.h"

namespace ecsdb {

/// All sessions of a server, by client id. Bounded: sessions without a connection are forgotten
/// after a time, and beyond a number the oldest first. Not thread-safe.
class SessionTable {
 public:
  struct Limits {
    Duration timeout;  // without a connection
    size_t parked_max = 0;
  };
  explicit SessionTable(Limits limits) : limits_(limits) {}

  /// What a connection shows.
  struct Shown {
    ByteSpan ticket;         // empty: none
    bool is_copied = false;  // the client was refused with it, and has no later one
  };
  /// What became of an authentication.
  struct Admission {
    ClientId client;
    bool is_refused = false;       // the ticket's successor is in use: nobody is admitted
    bool is_resumed = false;       // the ticket's session goes on
    bool rights_changed = false;   // since its last authentication
    bool has_ended = false;        // the ticket's session, since it was copied; a new one begins
    std::optional<LinkId> former;  // the session's connection until now, to be closed
    Bytes ticket;                  // the next one; empty without a source of secrets
  };
  /// A connection was authenticated. A ticket that is unknown, expired, malformed, or of another
  /// principal or database begins a new session.
  Admission admit(LinkId link, const Identity& identity, const Shown& shown, SecretSource* secrets,
                  uint8_t database = kUserDatabase);
  /// The client has the ticket that it was given on this connection.
  void on_ticket_seen(ClientId client, LinkId link);
  /// The connection is gone: if the session is still its own, it waits from now on.
  void on_closed(ClientId client, LinkId link, Instant now);
  /// Forgets sessions that waited for too long; returns how many.
  size_t expire(Instant now);

  /// Clients whose sessions have ended since the last call.
  std::vector<ClientId> take_ended() { return std::exchange(ended_, {}); }

  size_t count() const { return sessions_.size(); }
  /// Without a connection.
  size_t parked_count() const { return parked_count_; }

 private:
  using Secret = std::array<uint8_t, 16>;
  struct Entry {
    uint8_t database = kUserDatabase;
    PrincipalId principal;
    std::vector<std::string> roles;
    std::vector<std::pair<std::string, int64_t>> claims;
    Secret own{};         // in all of its tickets: who shows it has had one
    uint32_t number = 0;  // of the last ticket that the client is known to have; 0: none yet
    Secret current{};
    Secret next{};          // of number + 1
    bool has_next = false;  // it was issued
    std::optional<LinkId> link;
    Instant parked_at;
  };
  struct Parked {
    Instant at;
    uint64_t client;
  };
  enum class Claim : uint8_t { kNone, kGood, kPassed };

  Claim claim(Entry& entry, uint32_t number, ByteSpan own, ByteSpan secret);
  void issue(ClientId client, Entry& entry, SecretSource* secrets, Bytes& ticket);
  void accept_next(Entry& entry);
  void forget(std::map<uint64_t, Entry>::iterator at);

  Limits limits_;
  uint64_t last_client_ = 0;
  std::map<uint64_t, Entry> sessions_;
  std::deque<Parked> parked_;  // oldest first; entries of sessions that came back are stale
  size_t parked_count_ = 0;
  std::vector<ClientId> ended_;
};

}  // namespace ecsdb
