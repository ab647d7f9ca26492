// Who a connection is, and what it may read.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/time.h"
#include "ecsdb/schema/schema.h"
#include "ecsdb/server/options.h"
#include "ecsdb/store/cells.h"

namespace ecsdb {

/// What the authenticator says of a principal. A value.
struct Identity {
  PrincipalId principal;
  std::string name;
  std::vector<std::string> roles;
  std::vector<std::pair<std::string, int64_t>> claims;
};

/// Turns a token into an identity. A pure rule: called by the server in the middle of an input, it
/// must not call back. The server does not own it; it must outlive the server.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  /// Nothing: the token is refused. The reason goes to the operator's log, never to the peer.
  virtual std::optional<Identity> authenticate(ByteSpan token, const Now& now) const = 0;
};

/// A fixed list of tokens, compared in constant time.
class StaticAuthenticator final : public Authenticator {
 public:
  explicit StaticAuthenticator(std::vector<StaticToken> tokens) : tokens_(std::move(tokens)) {}
  std::optional<Identity> authenticate(ByteSpan token, const Now& now) const override;

 private:
  std::vector<StaticToken> tokens_;
};

/// Accepts every token as the same role-less principal; for examples, tools and loopback servers.
class OpenAuthenticator final : public Authenticator {
 public:
  std::optional<Identity> authenticate(ByteSpan, const Now&) const override {
    return Identity{PrincipalId{1}, "anyone", {}, {}};
  }
};

/// Where the secrets of tickets come from. Called in the middle of an input; must not call back.
class SecretSource {
 public:
  virtual ~SecretSource() = default;
  /// Fills `out` with bytes that nobody can guess.
  virtual void draw(std::span<uint8_t> out) = 0;
};

/// True if the role is one of the principal's, or empty.
bool has_role(const Identity& identity, const std::string& role);
/// True if the cell is the one that the principal's claim of the rule's name gives it.
bool is_claimed(const AccessRule& rule, const Identity& identity, const CellKey& key);
/// True if it has the role that the system database takes.
bool is_admin(const Identity& identity, const ServerOptions& options);
/// True if some rule of the table lets the principal read cells with this key. An empty list lets
/// everyone read.
bool may_read(const TableDef& table, const Identity& identity, const CellKey& key);
/// True if there can be a key for which may_read is true.
bool may_read_some(const TableDef& table, const Identity& identity);

}  // namespace ecsdb
