#include "tools/load_run.h"

#include <algorithm>
#include <random>

#include "ecsdb/base/check.h"
#include "ecsdb/wire/limits.h"

#include "tools/exit_code.h"

namespace ecsdb {

LoadRun::LoadRun(net::EventLoop& loop, LoadOptions options)
    : loop_(loop), options_(std::move(options)) {
  ECSDB_CHECK(!options_.urls.empty() && options_.clients > 0 && options_.digest_stride > 0);
  net::ClientRunnerCallbacks callbacks;
  callbacks.event = [this](size_t index, const ClientEvent& event) { on_event(index, event); };
  callbacks.polled = [this](size_t index, size_t, const Now&) {
    if (index == 0) return;
    Member& member = members_[index - 1];
    const uint64_t version = client(member).db().cut().value;
    if (member.live && version % options_.digest_stride == 0) check_digest(member);
  };
  runner_ = net::ClientRunner::create(loop_, net::ConnectionOptions{}, std::move(callbacks));
}

Status LoadRun::start() {
  ClientOptions options;
  options.token = options_.token;
  options.name = "load-probe";
  options.reconnect = false;
  const auto probe = runner_->add(Client(std::move(options), Prng(0)), options_.urls[0]);
  if (!probe.ok()) return probe.error();
  runner_->connect(*probe);
  return {};
}

void LoadRun::on_event(size_t index, const ClientEvent& event) {
  if (index == 0) return on_probe_event(event);
  Member& member = members_[index - 1];
  switch (event.kind) {
    case ClientEvent::Kind::kLive:
      member.live = true;
      member.live_at = loop_.now().steady;
      member.syncs_seen = client(member).stats().full_syncs;
      return check_digest(member);
    case ClientEvent::Kind::kClosed:
      member.live = false;
      ++disconnects_;
      digests_.clear();
      last_problem_ = problem_of(index, event);
      return;
    case ClientEvent::Kind::kFault:
      last_problem_ = problem_of(index, event);
      return;
    case ClientEvent::Kind::kSubscribed:
      if (event.code != ErrorCode::kOk) last_problem_ = problem_of(index, event);
      return;
    case ClientEvent::Kind::kConnected:
      member.bytes_at_connect = client(member).stats().bytes_received;
      return;
    case ClientEvent::Kind::kSynced:
      snapshot_bytes_ = std::max(snapshot_bytes_,
                                 client(member).stats().bytes_received - member.bytes_at_connect);
      return;
    case ClientEvent::Kind::kConnecting:
    case ClientEvent::Kind::kSyncing:
    case ClientEvent::Kind::kStale:
    case ClientEvent::Kind::kReset:
    case ClientEvent::Kind::kDiverged:
      return;
  }
}

Error LoadRun::problem_of(size_t index, const ClientEvent& event) const {
  const bool is_lost = event.kind == ClientEvent::Kind::kClosed;
  const std::string& problem = runner_->last_problem(index);
  return fail(event.code, is_lost ? lost_text(event.code, event.reason, problem) : event.reason);
}

void LoadRun::on_probe_event(const ClientEvent& event) {
  if (probe_done_) return;
  if (event.kind == ClientEvent::Kind::kConnected) {
    probe_done_ = true;
    const Schema& schema = runner_->client(0).db().schema();
    for (size_t i = 0; i < std::min(schema.table_count(), kSubscriptionsMax); ++i) {
      tables_.push_back(schema.table(i).name);
    }
    // Not from inside of the runner's callback, which may not gain clients.
    loop_.post([this] {
      runner_->disconnect(0);
      const Status added = add_members();
      if (!added.ok()) failure_ = added.error();
    });
  } else if (event.kind == ClientEvent::Kind::kClosed) {
    probe_done_ = true;
    failure_ = problem_of(0, event);
  }
}

Status LoadRun::add_members() {
  std::random_device random;
  const Prng seed((uint64_t{random()} << 32) | random());
  members_.resize(options_.clients);
  for (size_t i = 0; i < options_.clients; ++i) {
    ClientOptions options;
    options.token = options_.token;
    options.name = "load-" + std::to_string(i);
    options.silence_timeout = options_.silence_timeout;
    Client made(std::move(options), seed.stream("client", i));
    for (const std::string& table : tables_) {
      made.subscribe(table, loop_.now());
      // Once per row, but it is a single comparison for all but the first row of a cut.
      made.on_row(table, [this, i](const RowEvent&) { measure(members_[i]); });
    }
    const auto index = runner_->add(std::move(made), options_.urls[i % options_.urls.size()]);
    if (!index.ok()) return index.error();
    members_[i].index = *index;
    runner_->connect(*index);
  }
  return {};
}

size_t LoadRun::live_count() const {
  return static_cast<size_t>(
      std::count_if(members_.begin(), members_.end(), [](const Member& m) { return m.live; }));
}

void LoadRun::begin() {
  latency_.clear();
  disconnects_ = 0;
  begun_ = loop_.now().steady;
  for (Member& member : members_) {
    member.advances_before = client(member).stats().advances;
    member.bytes_before = client(member).stats().bytes_received;
  }
}

/// One sample for each cut that changed a row here. A full sync is not an advance, so its cut is
/// left out; so are advances without content, which may stand for versions of long ago.
void LoadRun::measure(Member& member) {
  const Client& one = client(member);
  if (one.db().cut() == member.measured) return;
  member.measured = one.db().cut();
  if (one.stats().full_syncs != member.syncs_seen) {
    member.syncs_seen = one.stats().full_syncs;
    return;
  }
  if (!member.is_measured) return;
  const auto committed = static_cast<int64_t>(one.db().commit_time_ns());
  latency_.add(loop_.now().steady - Instant{committed});
}

void LoadRun::check_digest(Member& member) {
  const uint64_t version = client(member).db().cut().value;
  const Digest mine = digest(member.index - 1);
  const auto [held, is_first] = digests_.emplace(version, mine);
  if (!is_first && held->second != mine) ++mismatches_;
  while (digests_.size() > kVersionsKeptMax) digests_.erase(digests_.begin());
}

void LoadRun::check_digests() {
  for (Member& member : members_) {
    if (member.live) check_digest(member);
  }
}

Digest LoadRun::digest(size_t index) {
  ClientDb& db = client(members_[index]).db();
  Digest sum;
  for (size_t handle = 0; handle < db.cells().size(); ++handle) {
    if (db.cells()[handle].held) sum += db.digest(handle);
  }
  return sum;
}

LoadFigures LoadRun::figures(bool final_check) {
  LoadFigures out;
  out.clients = options_.clients;
  out.synced = live_count();
  uint64_t bytes = 0;
  if (final_check) check_digests();
  for (Member& member : members_) {
    const Client& one = client(member);
    out.advances += one.stats().advances - member.advances_before;
    bytes += one.stats().bytes_received - member.bytes_before;
    const uint64_t head = one.server_head().value;
    out.lag = std::max(out.lag, head - std::min(head, one.db().cut().value));
  }
  out.digest_mismatches = mismatches_;
  out.disconnects = disconnects_;
  out.latency = latency_;
  const double seconds = static_cast<double>((loop_.now().steady - begun_).ns) / 1e9;
  const double divisor = seconds * static_cast<double>(options_.clients);
  if (divisor > 0) out.bytes_per_client_per_s = static_cast<double>(bytes) / divisor;
  return out;
}

std::optional<Version> LoadRun::common_version() const {
  if (!all_live()) return std::nullopt;
  const Version version = client(members_[0]).db().cut();
  const bool same = std::all_of(members_.begin(), members_.end(), [&](const Member& member) {
    return client(member).db().cut() == version;
  });
  return same ? std::optional(version) : std::nullopt;
}

void LoadRun::close() {
  for (size_t i = 0; i < runner_->size(); ++i) runner_->disconnect(i);
}

}  // namespace ecsdb
