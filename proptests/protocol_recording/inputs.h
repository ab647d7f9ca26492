// What happened to the clients of a simulated run, in order.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ecsdb/sim/client_recorder.h"

#include "protocol_vectors/json.h"

namespace ecsdb::vectors {

struct Input {
  enum class Kind : uint8_t { kLaunch, kCall, kOpen, kBytes, kClose, kCut };
  uint32_t client = 0;
  Kind kind = Kind::kLaunch;
  Json what;      // settings of a launch, a call
  Bytes bytes;    // received
  Version cut;    // applied by the simulated client, with the sum of its cells' digests
  Digest digest;  // then
};

/// Keeps what concerns the one link of a client that counts: that which was opened last and not
/// given up by a call.
class InputRecorder final : public sim::ClientRecorder {
 public:
  void on_launch(uint32_t client, const ClientOptions& options) override;
  void on_connect(uint32_t client) override;
  void on_disconnect(uint32_t client) override;
  void on_subscribe(uint32_t client, const std::string& table,
                    const sim::InterestEntry& entry) override;
  void on_unsubscribe(uint32_t client, SubscriptionId id) override;
  void on_connected(uint32_t client, LinkId link) override;
  void on_bytes(uint32_t client, LinkId link, ByteSpan bytes) override;
  void on_closed(uint32_t client, LinkId link) override;
  void on_cut(uint32_t client, ClientDb& db) override;
  void on_event(uint32_t client, const ClientEvent& event) override;

  const std::vector<Input>& inputs() const { return inputs_; }
  /// Faults of clients: there should be none.
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  Input& add(uint32_t client, Input::Kind kind);
  void call(uint32_t client, Json what) { add(client, Input::Kind::kCall).what = std::move(what); }

  std::vector<Input> inputs_;
  std::map<uint32_t, LinkId> links_;  // by client
  std::vector<std::string> problems_;
};

Digest digest_sum(ClientDb& db);

}  // namespace ecsdb::vectors
