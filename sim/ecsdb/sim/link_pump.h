// Moves bytes from a sans-I/O machine to a simulated link: the one part of a driver that server and
// client share.
#pragma once

#include "ecsdb/sim/sim_network.h"
#include "ecsdb/wire/stream_output.h"

namespace ecsdb::sim {

/// How a pass over a link's output ended.
enum class PumpEnd : uint8_t {
  kDry,      // the machine has nothing more to send
  kBlocked,  // the link is full: go on when it is writable
  kClosed,   // the machine wanted the link closed, and it is
};

/// For a link that is known to be full: only asks whether the machine has given it up meanwhile,
/// and closes it then. True if it did.
template <class Output>
bool close_if_given_up(SimNetwork& network, LinkId link, LinkSide side, Output&& output) {
  const StreamOutput out = output();
  if (!out.close || out.bytes() > 0) return false;
  network.close(link, side);
  return true;
}

/// Offers what the machine has until it is dry or the link is full. `output()` gives a StreamOutput
/// and `on_sent(accepted)` reports to the machine; the caller reports a close.
template <class Output, class OnSent>
PumpEnd pump_link(SimNetwork& network, LinkId link, LinkSide side, Output&& output,
                  OnSent&& on_sent) {
  while (true) {
    const StreamOutput out = output();
    const size_t offered = out.bytes();
    const bool close = out.close;
    if (offered > 0) {
      const size_t accepted = network.offer(link, side, out.parts);
      on_sent(accepted);
      if (accepted < offered) return PumpEnd::kBlocked;
    }
    if (close) {
      network.close(link, side);
      return PumpEnd::kClosed;
    }
    if (offered == 0) return PumpEnd::kDry;
  }
}

}  // namespace ecsdb::sim
