// The server around the databases that it serves.
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "ecsdb/server/slots.h"

namespace ecsdb {

/// What all connections share, whatever database they are of.
struct ServerState {
  ServerState(ServerOptions server_options, const Authenticator& accepts, SecretSource* source)
      : options(std::move(server_options)),
        authenticator(accepts),
        secrets(source),
        budget(options),
        sessions({options.session_timeout, options.sessions_max}) {}

  const ServerOptions options;
  const Authenticator& authenticator;
  SecretSource* const secrets;  // may be null
  TotalBudget budget;
  SessionTable sessions;
  Slots slots;
  std::deque<ServerEvent> events;
  std::deque<ClientMessage> client_events;
  std::vector<Eviction> evictions;
};

}  // namespace ecsdb
