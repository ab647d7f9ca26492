// Heartbeats of the server, and the digests in them.
#include <algorithm>

#include "ecsdb/client/client_impl.h"

namespace ecsdb {
namespace {

/// Samples that wait for advances to be applied; more are not needed.
constexpr size_t kSamplesWaitingMax = 16;

}  // namespace

Status Client::Impl::on_server_heartbeat(ByteSpan head, const Now& now) {
  ServerHeartbeat heartbeat;
  ECSDB_TRY(decode_message(head, heartbeat));
  server_head_ = std::max(server_head_, heartbeat.head);
  clock_.on_time(heartbeat.server_time_ns, heartbeat.echo_ns, heartbeat.echo_age_ns, now.steady);
  // Before a resume is answered, the server's versions may be of another history.
  if (live_) visible_.before_images().on_durable(heartbeat.durable, visible_.cut());
  if (heartbeat.digests.empty() || !live_ || samples_.size() == kSamplesWaitingMax) return {};
  samples_.push_back({received_advances_, std::move(heartbeat.digests)});
  if (polling_) return {};
  compare_samples(now);
  return {};
}

/// Those whose advances are applied.
void Client::Impl::compare_samples(const Now& now) {
  std::vector<CellName> wrong;
  while (!samples_.empty() && samples_.front().after <= applied_advances_ && live_) {
    const Samples samples = std::move(samples_.front());
    samples_.pop_front();
    if (samples.after < applied_advances_) continue;  // of a state that is gone
    for (const DigestSample& sample : samples.digests) compare_digest(sample, wrong, now);
  }
  for (size_t at = 0; at < wrong.size() && live_; at += kCellsPerFrameMax) {
    const size_t n = std::min(kCellsPerFrameMax, wrong.size() - at);
    const auto begin = wrong.begin() + static_cast<ptrdiff_t>(at);
    send(MessageType::kRefetch, Refetch{{begin, begin + static_cast<ptrdiff_t>(n)}});
  }
}

void Client::Impl::compare_digest(const DigestSample& sample, std::vector<CellName>& wrong,
                                  const Now& now) {
  if (!live_ || sample.handle >= visible_.cells().size()) return;
  const HeldCell& cell = visible_.cells()[sample.handle];
  if (!cell.held || cell.generation != sample.generation) return;
  ++stats_.digests_compared;
  if (visible_.digest(sample.handle) == sample.digest) return;
  ++stats_.divergences;
  for (const DivergedCell& known : diverged_) {
    if (known.table != cell.table || known.key != cell.key) continue;
    if (!known.is_replaced) return;  // on its way
    return fault(fail(ErrorCode::kDigestMismatch,
                      "table " + visible_.schema().table(cell.table).name + ", cell " +
                          cell.key.to_string() + " differs again after it was fetched anew"),
                 now);
  }
  diverged_.push_back({sample.handle, sample.generation, cell.table, cell.key, false, false, {}});
  wrong.push_back({sample.handle, sample.generation});
}

/// A diverged cell is about to be replaced: its rows are kept to be compared.
void Client::Impl::remember_diverged(const Advance& head) {
  for (DivergedCell& cell : diverged_) {
    if (cell.is_replaced) continue;
    const bool leaves = std::any_of(head.leaves.begin(), head.leaves.end(), [&](const auto& leave) {
      return leave.handle == cell.handle && leave.generation == cell.generation;
    });
    if (!leaves) continue;
    cell.is_replaced = true;
    cell.remember(visible_);
  }
}

void Client::Impl::report_divergence() {
  // One that left for good is of no interest any more.
  std::erase_if(diverged_, [&](const DivergedCell& cell) {
    return cell.is_replaced && !cell.is_reported && !cell.is_held(visible_);
  });
  for (DivergedCell& cell : diverged_) {
    if (!cell.is_replaced || cell.is_reported) continue;
    cell.is_reported = true;
    events_.push_back(
        {ClientEvent::Kind::kDiverged, ErrorCode::kDigestMismatch, cell.difference(visible_), {}});
    cell.rows.clear();
  }
}

}  // namespace ecsdb
