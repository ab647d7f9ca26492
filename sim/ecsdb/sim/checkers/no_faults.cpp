#include "ecsdb/sim/checkers/no_faults.h"

#include <string>

namespace ecsdb::sim {
namespace {

/// What an end of the connection may say when the network is at fault, or when it just leaves.
bool is_innocent(ErrorCode code) {
  const auto number = static_cast<uint16_t>(code);
  return number == 0 || (number >= 500 && number < 600) || code == ErrorCode::kHandshakeTimeout;
}

/// A dial that its client gave up, held back by the network until a later one was at work. If the
/// client waits for it after all, it is told, and that is a fault of its own.
bool is_late_dial(const ServerEvent& event) {
  return event.code == ErrorCode::kTicketReused && event.client == ClientId{};
}

std::string text(ErrorCode code, const std::string& reason) {
  return std::string(error_name(code)) + (reason.empty() ? "" : ": " + reason);
}

}  // namespace

void NoFaults::on_server_event(const ServerEvent& event, Instant at) {
  if (event.kind != ServerEvent::Kind::kClosed) return;
  if (is_innocent(event.code) || is_late_dial(event)) return;
  violations_.add({"no_faults", at, -1, "connection of " + event.client_name,
                   "no connection closed for a peer's fault", text(event.code, event.reason)});
}

void NoFaults::on_client_event(uint32_t client, const ClientEvent& event, Instant at) {
  if (event.kind != ClientEvent::Kind::kFault && is_innocent(event.code)) return;
  violations_.add({"no_faults", at, client, "", "no fault of the replica or the protocol",
                   text(event.code, event.reason)});
}

}  // namespace ecsdb::sim
