#include "ecsdb/sim/sim_network.h"

#include <algorithm>

#include "ecsdb/base/check.h"

namespace ecsdb::sim {
namespace {

constexpr size_t kSlotsOfKind = 2;

uint32_t slot_of(LinkId link) { return static_cast<uint32_t>(link.value); }
uint32_t generation_of(LinkId link) { return static_cast<uint32_t>(link.value >> 32); }

bool breaks_links(FaultKind kind) {
  return kind == FaultKind::kReset || kind == FaultKind::kHalfOpen;
}

}  // namespace

SimNetwork::SimNetwork(World& world, uint32_t clients, const LinkConditions& base,
                       ProcessFaults& process_faults)
    : world_(world),
      base_(base),
      process_faults_(process_faults),
      target_(world.add_target(*this)),
      link_rng_(world.stream("links")),
      paths_(clients) {}

SimNetwork::~SimNetwork() { world_.remove_target(target_); }

LinkConditions SimNetwork::conditions_of(const Weather& weather) {
  LinkConditions out;
  for (LineConditions& line : out.line) {
    line.latency = Duration::us(weather.latency_us);
    line.jitter = Duration::us(weather.jitter_us);
    line.bytes_per_second = weather.bytes_per_second;
  }
  return out;
}

// --- links ---

LinkId SimNetwork::dial(uint32_t client, LinkEndpoint endpoint) {
  ECSDB_CHECK(client < paths_.size() && !paths_[client].crashed);
  sweep(client);
  if (free_slots_.empty()) {
    free_slots_.push_back(checked_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t index = free_slots_.back();
  free_slots_.pop_back();
  Slot& slot = slots_[index];
  const LinkId id{(uint64_t{++slot.generation} << 32) | index};
  slot.client = client;
  slot.link = std::make_unique<SimLink>(world_, id, endpoint, server_, conditions_now(client),
                                        link_rng_.stream("link", dials_++));
  paths_[client].links.push_back(id);
  return id;
}

void SimNetwork::sweep(uint32_t client) {
  std::vector<LinkId>& links = paths_[client].links;
  const auto gone = [this](LinkId id) {
    Slot& slot = slots_[slot_of(id)];
    if (!slot.link->finished() || slot.link->in_callback()) return false;
    slot.link.reset();
    free_slots_.push_back(slot_of(id));
    return true;
  };
  links.erase(std::remove_if(links.begin(), links.end(), gone), links.end());
}

SimLink* SimNetwork::find(LinkId link) {
  if (slot_of(link) >= slots_.size()) return nullptr;
  const Slot& slot = slots_[slot_of(link)];
  return slot.generation == generation_of(link) ? slot.link.get() : nullptr;
}

size_t SimNetwork::offer(LinkId link, LinkSide side, std::span<const ByteSpan> parts) {
  SimLink* const found = find(link);
  return found == nullptr ? 0 : found->offer(side, parts);
}

void SimNetwork::close(LinkId link, LinkSide side) {
  SimLink* const found = find(link);
  if (found != nullptr) found->close(side);
}

uint32_t SimNetwork::client_of(LinkId link) const {
  ECSDB_CHECK(slot_of(link) < slots_.size());
  ECSDB_CHECK(slots_[slot_of(link)].generation == generation_of(link));
  return slots_[slot_of(link)].client;
}

size_t SimNetwork::live_links() const {
  size_t live = 0;
  for (const Slot& slot : slots_) live += slot.link && !slot.link->finished() ? 1 : 0;
  return live;
}

// --- faults ---

void SimNetwork::start(const FaultPlan& plan) {
  ECSDB_CHECK(!started_);
  ECSDB_CHECK(check_fault_plan(plan, static_cast<uint32_t>(paths_.size())).ok());
  started_ = true;
  plan_ = plan;
  if (!plan_.events.empty()) world_.schedule(plan_.events[0].at, target_, kNextFault, 0);
  world_.schedule(plan_.heal_at, target_, kHealAll, 0);
}

void SimNetwork::on_event(uint32_t kind, uint64_t argument, Now) {
  if (kind == kFaultEnds) {
    end_due_faults(static_cast<uint32_t>(argument));
  } else if (kind == kHealAll) {
    for (uint32_t client = 0; client < paths_.size(); ++client) heal(client);
    bring_server_up();
  } else if (kind == kServerUp) {
    bring_server_up();
  } else {
    const size_t next = static_cast<size_t>(argument);
    if (next + 1 < plan_.events.size()) {
      world_.schedule(plan_.events[next + 1].at, target_, kNextFault, next + 1);
    }
    apply(plan_.events[next]);
  }
}

void SimNetwork::apply(const FaultEvent& event) {
  if (event.kind == FaultKind::kServerRestart) return take_server_down(event);
  if (event.kind == FaultKind::kPartition || event.kind == FaultKind::kHeal) count(event.kind);
  for (const uint32_t client : event.clients) apply_to(client, event);
  if (!event.clients.empty()) return;
  for (uint32_t client = 0; client < paths_.size(); ++client) apply_to(client, event);
}

void SimNetwork::apply_to(uint32_t client, const FaultEvent& event) {
  ECSDB_CHECK(client < paths_.size());
  world_.trace().record(TraceKind::kFault, world_.now(), static_cast<uint64_t>(event.kind), client);
  if (event.kind == FaultKind::kHeal) {
    heal(client);
  } else if (event.kind == FaultKind::kRightsChange) {
    count(event.kind);
    process_faults_.on_rights_change(client, event.first, world_.now_of(target_));
  } else if (breaks_links(event.kind)) {
    break_links(client, event);
  } else {
    begin(client, event);
  }
}

void SimNetwork::break_links(uint32_t client, const FaultEvent& event) {
  for (const LinkId id : paths_[client].links) {
    SimLink& link = *slots_[slot_of(id)].link;
    if (link.finished()) continue;
    count(event.kind);
    if (event.kind == FaultKind::kReset) {
      link.reset();
      continue;
    }
    switch (static_cast<HalfOpenMode>(event.first)) {
      case HalfOpenMode::kClientUnaware:
        link.half_open(LinkSide::kClient);
        break;
      case HalfOpenMode::kServerUnaware:
        link.half_open(LinkSide::kServer);
        break;
      case HalfOpenMode::kToServerLost:
        link.lose_direction(LinkSide::kClient);
        break;
      case HalfOpenMode::kToClientLost:
        link.lose_direction(LinkSide::kServer);
        break;
    }
  }
}

void SimNetwork::begin(uint32_t client, const FaultEvent& event) {
  if (event.duration.ns == 0) return;
  if (event.kind == FaultKind::kPartition) {
    if (event.first != 2) begin_slot(client, event, 0);
    if (event.first != 1) begin_slot(client, event, 1);
  } else {
    if (event.kind == FaultKind::kClientCrash && paths_[client].crashed) return;
    begin_slot(client, event, event.kind == FaultKind::kStallReader ? size_t(event.first) : 0);
    count(event.kind);
  }
  world_.schedule(world_.now() + event.duration, target_, kFaultEnds, client);
  const Now now = world_.now_of(target_);
  switch (event.kind) {
    case FaultKind::kClientCrash:
      return crash(client, event.first != 0);
    case FaultKind::kClockSkew:
      return process_faults_.on_clock_skew(client, Duration::ms(event.first), now);
    case FaultKind::kSlowClient:
      return process_faults_.on_slow(client, Duration::us(event.first), now);
    case FaultKind::kClientPause:
      process_faults_.on_pause(client, true, now);
      return refresh(client);
    default:
      return refresh(client);
  }
}

void SimNetwork::begin_slot(uint32_t client, const FaultEvent& event, size_t slot) {
  ActiveFault& active = paths_[client].active[static_cast<size_t>(event.kind)][slot];
  active.until = std::max(active.until, world_.now() + event.duration);
  active.first = event.first;
  active.second = event.second;
}

void SimNetwork::crash(uint32_t client, bool silent) {
  Path& path = paths_[client];
  path.crashed = true;
  for (const LinkId id : path.links) {
    SimLink& link = *slots_[slot_of(id)].link;
    if (silent) {
      link.vanish(LinkSide::kClient);
    } else {
      link.abort(LinkSide::kClient);
    }
  }
  process_faults_.on_crash(client, world_.now_of(target_));
}

void SimNetwork::take_server_down(const FaultEvent& event) {
  if (server_down_ || event.duration.ns == 0) return;
  server_down_ = true;
  other_schema_ = event.second != 0;
  count(event.kind);
  world_.trace().record(TraceKind::kFault, world_.now(), static_cast<uint64_t>(event.kind),
                        static_cast<uint64_t>(event.first * 2 + event.second));
  for (const Slot& slot : slots_) {
    if (!slot.link) continue;
    if (event.first != 0) {
      slot.link->vanish(LinkSide::kServer);
    } else {
      slot.link->abort(LinkSide::kServer);
    }
  }
  server_ = LinkEndpoint{};
  process_faults_.on_server_down(world_.now_of(target_));
  world_.schedule(world_.now() + event.duration, target_, kServerUp, 0);
}

void SimNetwork::bring_server_up() {
  if (!server_down_) return;
  server_down_ = false;
  process_faults_.on_server_up(other_schema_, world_.now_of(target_));
}

void SimNetwork::end_due_faults(uint32_t client) {
  bool line_changed = false;
  for (size_t kind = 0; kind < kFaultKinds; ++kind) {
    for (size_t slot = 0; slot < kSlotsOfKind; ++slot) {
      ActiveFault& active = paths_[client].active[kind][slot];
      if (active.until == Instant{} || active.until > world_.now()) continue;
      active = ActiveFault{};
      line_changed = true;
      end_fault(client, static_cast<FaultKind>(kind));
    }
  }
  if (line_changed) refresh(client);
}

void SimNetwork::end_fault(uint32_t client, FaultKind kind) {
  const Now now = world_.now_of(target_);
  if (kind == FaultKind::kClientCrash) {
    paths_[client].crashed = false;
    process_faults_.on_restart(client, now);
  } else if (kind == FaultKind::kClockSkew) {
    process_faults_.on_clock_skew(client, Duration{}, now);
  } else if (kind == FaultKind::kSlowClient) {
    process_faults_.on_slow(client, Duration{}, now);
  } else if (kind == FaultKind::kClientPause) {
    process_faults_.on_pause(client, false, now);
  }
}

void SimNetwork::heal(uint32_t client) {
  for (auto& kind : paths_[client].active) {
    for (ActiveFault& active : kind) {
      if (active.until != Instant{}) active.until = std::min(active.until, world_.now());
    }
  }
  end_due_faults(client);
}

bool SimNetwork::calm() const {
  if (server_down_) return false;
  for (const Path& path : paths_) {
    for (const auto& kind : path.active) {
      for (const ActiveFault& active : kind) {
        if (active.until != Instant{}) return false;
      }
    }
  }
  return true;
}

void SimNetwork::refresh(uint32_t client) {
  const LinkConditions conditions = conditions_now(client);
  for (const LinkId id : paths_[client].links) {
    slots_[slot_of(id)].link->set_conditions(conditions);
  }
}

LinkConditions SimNetwork::conditions_now(uint32_t client) const {
  const Path& path = paths_[client];
  const auto active = [&path](FaultKind kind, size_t slot) -> const ActiveFault* {
    const ActiveFault& fault = path.active[static_cast<size_t>(kind)][slot];
    return fault.until == Instant{} ? nullptr : &fault;
  };
  LinkConditions out = base_;
  for (size_t side = 0; side < 2; ++side) {
    LineConditions& line = out.line[side];
    line.blocked |= active(FaultKind::kPartition, side) != nullptr;
    out.reader_stalled[side] |= active(FaultKind::kStallReader, side) != nullptr;
    if (const ActiveFault* fault = active(FaultKind::kLatency, 0)) {
      line.latency = Duration::us(fault->first);
      line.jitter = Duration::us(fault->second);
    }
    if (const ActiveFault* fault = active(FaultKind::kBandwidth, 0)) {
      line.bytes_per_second = static_cast<uint64_t>(fault->first);
    }
  }
  out.reader_stalled[0] |= active(FaultKind::kClientPause, 0) != nullptr;
  if (const ActiveFault* fault = active(FaultKind::kLinkCut, 0)) {
    out.cut_after_bytes = static_cast<uint32_t>(fault->first);
  }
  out.short_accepts |= active(FaultKind::kShortAccepts, 0) != nullptr;
  out.split_bytes |= active(FaultKind::kSplitBytes, 0) != nullptr;
  return out;
}

void SimNetwork::count(FaultKind kind) {
  const auto counter = [kind]() -> TraceCount {
    switch (kind) {
      case FaultKind::kReset:
        return TraceCount::kResets;
      case FaultKind::kPartition:
        return TraceCount::kPartitions;
      case FaultKind::kHeal:
        return TraceCount::kHeals;
      case FaultKind::kHalfOpen:
        return TraceCount::kHalfOpens;
      case FaultKind::kStallReader:
        return TraceCount::kStalls;
      case FaultKind::kLatency:
        return TraceCount::kLatencyChanges;
      case FaultKind::kBandwidth:
        return TraceCount::kBandwidthLimits;
      case FaultKind::kClientCrash:
        return TraceCount::kClientCrashes;
      case FaultKind::kClockSkew:
        return TraceCount::kClockSkews;
      case FaultKind::kSlowClient:
        return TraceCount::kSlowClients;
      case FaultKind::kClientPause:
        return TraceCount::kClientPauses;
      case FaultKind::kServerRestart:
        return TraceCount::kServerRestarts;
      case FaultKind::kRightsChange:
        return TraceCount::kRightsChanges;
      default:
        return TraceCount::kCount_;
    }
  };
  if (counter() != TraceCount::kCount_) world_.trace().add(counter());
}

}  // namespace ecsdb::sim
