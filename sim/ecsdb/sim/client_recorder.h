// Who is told what clients receive and what they make of it: for other implementations to compare
// themselves with.
#pragma once

#include "ecsdb/client/client.h"

namespace ecsdb::sim {

class ClientRecorder {
 public:
  virtual ~ClientRecorder() = default;
  /// A new process of the client; what it held is gone.
  virtual void on_launch(uint32_t client, const ClientOptions& options) = 0;
  virtual void on_connected(uint32_t client) = 0;
  virtual void on_bytes(uint32_t client, ByteSpan bytes) = 0;
  /// One cut was applied.
  virtual void on_cut(uint32_t client, ClientDb& db) = 0;
  virtual void on_event(uint32_t client, const ClientEvent& event) = 0;
};

}  // namespace ecsdb::sim
