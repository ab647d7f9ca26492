#include "inputs.h"

#include "protocol_vectors/rows_json.h"

namespace ecsdb::vectors {

Digest digest_sum(ClientDb& db) {
  Digest sum;
  for (size_t handle = 0; handle < db.cells().size(); ++handle) {
    if (db.cells()[handle].held) sum += db.digest(handle);
  }
  return sum;
}

Input& InputRecorder::add(uint32_t client, Input::Kind kind) {
  Input& input = inputs_.emplace_back();
  input.client = client;
  input.kind = kind;
  return input;
}

void InputRecorder::on_launch(uint32_t client, const ClientOptions& options) {
  links_.erase(client);
  add(client, Input::Kind::kLaunch).what = Json::object({{"token", options.token},
                                                         {"name", options.name},
                                                         {"database", options.database},
                                                         {"compression", options.compression}});
}

void InputRecorder::on_connect(uint32_t client) {
  call(client, Json::object({{"name", "connect"}}));
}

void InputRecorder::on_disconnect(uint32_t client) {
  links_.erase(client);
  call(client, Json::object({{"name", "disconnect"}}));
}

void InputRecorder::on_subscribe(uint32_t client, const std::string& table,
                                 const sim::InterestEntry& entry) {
  static constexpr const char* kNames[] = {"subscribe", "subscribe_cells", "subscribe_box"};
  ECSDB_CHECK(!entry.area);  // those who replay know none
  Json what = Json::object({{"name", kNames[static_cast<size_t>(entry.kind)]}, {"table", table}});
  if (entry.kind != sim::InterestEntry::Kind::kAll) {
    Json keys = Json::array();
    for (const CellKey& key : entry.keys) keys.add(key_json(key));
    what.set("keys", std::move(keys));
  }
  call(client, std::move(what));
}

void InputRecorder::on_unsubscribe(uint32_t client, SubscriptionId id) {
  call(client, Json::object({{"name", "unsubscribe"}, {"subscription", id.value}}));
}

void InputRecorder::on_connected(uint32_t client, LinkId link) {
  if (links_.contains(client)) add(client, Input::Kind::kClose);
  links_[client] = link;
  add(client, Input::Kind::kOpen);
}

void InputRecorder::on_bytes(uint32_t client, LinkId link, ByteSpan bytes) {
  const auto found = links_.find(client);
  if (found == links_.end() || found->second != link) return;
  add(client, Input::Kind::kBytes).bytes.assign(bytes.begin(), bytes.end());
}

void InputRecorder::on_closed(uint32_t client, LinkId link) {
  const auto found = links_.find(client);
  if (found == links_.end() || found->second != link) return;
  links_.erase(found);
  add(client, Input::Kind::kClose);
}

void InputRecorder::on_cut(uint32_t client, ClientDb& db) {
  Input& input = add(client, Input::Kind::kCut);
  input.cut = db.cut();
  input.digest = digest_sum(db);
}

void InputRecorder::on_event(uint32_t client, const ClientEvent& event) {
  if (event.kind != ClientEvent::Kind::kFault) return;
  problems_.push_back("client " + std::to_string(client) + ": " + event.reason);
}

}  // namespace ecsdb::vectors
