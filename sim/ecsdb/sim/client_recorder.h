// Who is told what happens to clients and what they make of it: for other implementations to
// compare themselves with.
#pragma once

#include "ecsdb/client/client.h"
#include "ecsdb/sim/client_interest.h"

namespace ecsdb::sim {

/// Told of everything before it happens, but of cuts and events. Clients are numbered from 0.
class ClientRecorder {
 public:
  virtual ~ClientRecorder() = default;
  /// A new process of the client; what it held is gone, and so are its links.
  virtual void on_launch(uint32_t client, const ClientOptions& options) = 0;

  // Calls of the application.
  virtual void on_connect(uint32_t client) = 0;
  virtual void on_disconnect(uint32_t client) = 0;
  /// The client numbers its subscriptions from 1 on in each process.
  virtual void on_subscribe(uint32_t client, const std::string& table,
                            const InterestEntry& entry) = 0;
  virtual void on_unsubscribe(uint32_t client, SubscriptionId id) = 0;

  // Links. A link that the client has given up may live on for a while beside a new one.
  virtual void on_connected(uint32_t client, LinkId link) = 0;
  virtual void on_bytes(uint32_t client, LinkId link, ByteSpan bytes) = 0;
  /// Whoever closed it.
  virtual void on_closed(uint32_t client, LinkId link) = 0;

  /// One cut was applied.
  virtual void on_cut(uint32_t client, ClientDb& db) = 0;
  virtual void on_event(uint32_t client, const ClientEvent& event) = 0;
};

}  // namespace ecsdb::sim
