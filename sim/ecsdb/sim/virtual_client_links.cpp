// The links of a simulated client, between the shipping client and the simulated network.
#include "ecsdb/base/mutant.h"
#include "ecsdb/sim/link_pump.h"
#include "ecsdb/sim/server_life.h"
#include "ecsdb/sim/virtual_client.h"

namespace ecsdb::sim {

VirtualClient::Line* VirtualClient::find(LinkId link) {
  const auto found = std::find_if(lines_.begin(), lines_.end(),
                                  [&](const Line& line) { return line.link == link; });
  return found == lines_.end() ? nullptr : &*found;
}

void VirtualClient::on_connected(LinkId link, Now now) {
  Line* const line = find(link);
  if (line == nullptr) return;
  if (paused_) return missed_.push_back({Missed::Kind::kConnected, link});
  if (recorder_ != nullptr) recorder_->on_connected(index_, link);
  interest_.on_asking();
  client_->on_connected(line->number, now);
  settle(now);
}

void VirtualClient::on_bytes(LinkId link, ByteSpan bytes, Now now) {
  Line* const line = find(link);
  if (line == nullptr) return;
  if (recorder_ != nullptr) recorder_->on_bytes(index_, link, bytes);
  if (line == &lines_.back()) heard_ = {link, line->life};
  client_->on_bytes(line->number, bytes, now);
  if (ECSDB_MUTANT(read_between)) client_->poll(now);
  atomic_.on_unpolled(client_->db(), now.steady);
  if (uses_writes_) writes_.on_input(*client_, now);
  serve_arrival(now);
  settle(now);
}

void VirtualClient::on_writable(LinkId link, Now now) {
  Line* const line = find(link);
  if (line == nullptr) return;
  if (paused_) return missed_.push_back({Missed::Kind::kWritable, link});
  line->blocked = false;
  settle(now);
}

void VirtualClient::on_closed(LinkId link, LinkEnd end, Now now) {
  Line* const line = find(link);
  if (line == nullptr) return;
  if (paused_) return missed_.push_back({Missed::Kind::kClosed, link, end});
  const LinkId number = line->number;
  lines_.erase(lines_.begin() + (line - lines_.data()));
  if (recorder_ != nullptr) recorder_->on_closed(index_, link);
  client_->on_closed(number, now);
  settle(now);
}

void VirtualClient::dial(LinkId number) {
  const LinkId link = network_.dial(index_, {this, target_});
  lines_.push_back({number, link, lives_.size() - 1, false});
  life().sessions().on_dialled(link, {index_, launches_});
  useless_.on_dial(world_.now());
}

/// True if the line is gone.
bool VirtualClient::pump(size_t at, const Now& now) {
  const Line line = lines_[at];
  const auto output = [&] { return client_->output(line.number, now); };
  if (line.blocked) {
    if (!close_if_given_up(network_, line.link, LinkSide::kClient, output)) return false;
  } else {
    const PumpEnd end =
        pump_link(network_, line.link, LinkSide::kClient, output,
                  [&](size_t accepted) { client_->on_sent(line.number, accepted, now); });
    lines_[at].blocked = end == PumpEnd::kBlocked;
    if (end != PumpEnd::kClosed) return false;
  }
  lines_.erase(lines_.begin() + static_cast<ptrdiff_t>(at));
  if (recorder_ != nullptr) recorder_->on_closed(index_, line.link);
  client_->on_closed(line.number, now);
  return true;
}

/// Drains the client after an input; a line that ends may make more to drain.
void VirtualClient::settle(const Now& now) {
  bool again = true;
  while (again) {
    again = false;
    take_events(now);
    while (const auto number = client_->next_dial()) dial(*number);
    for (size_t i = 0; i < lines_.size();) {
      if (client_->has_output(lines_[i].number) && pump(i, now)) {
        again = true;
      } else {
        ++i;
      }
    }
  }
  arm_timer();
}

void VirtualClient::arm_timer() {
  if (ECSDB_MUTANT(lost_timer) && index_ % 4 == 1) return;
  const Instant deadline = client_->next_deadline();
  if (deadline == Instant::never()) {
    timer_.disarm();
  } else if (deadline != timer_.deadline()) {
    timer_.arm(world_, deadline);
  }
}

}  // namespace ecsdb::sim
