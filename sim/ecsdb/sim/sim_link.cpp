#include "ecsdb/sim/sim_link.h"

#include <algorithm>

#include "ecsdb/base/check.h"

namespace ecsdb::sim {
namespace {

constexpr LinkSide kClient = LinkSide::kClient;
constexpr LinkSide kServer = LinkSide::kServer;
/// What one read of a real socket would return at most.
constexpr size_t kReadBytesMax = 64 * 1024;
constexpr Duration kSplitGap = Duration::us(100);
constexpr Duration kWritableGap = Duration::us(200);

}  // namespace

std::string_view link_end_name(LinkEnd end) {
  switch (end) {
    case LinkEnd::kPeerClosed:
      return "peer_closed";
    case LinkEnd::kReset:
      return "reset";
    case LinkEnd::kRefused:
      return "refused";
    case LinkEnd::kTimedOut:
      return "timed_out";
  }
  return "unknown";
}

SimLink::SimLink(World& world, LinkId id, LinkEndpoint client, LinkEndpoint server,
                 const LinkConditions& conditions, Prng rng)
    : world_(world),
      id_(id),
      endpoints_{client, server},
      conditions_(conditions),
      rng_(rng),
      target_(world.add_target(*this)) {
  ECSDB_CHECK(client.handler != nullptr);
  for (uint32_t kind = 0; kind < kTimers; ++kind) timers_[kind].bind(target_, kind);
  timers_[kTimeout].arm(world_, world_.now() + conditions_.connect_timeout);
  start_handshake();
}

SimLink::~SimLink() {
  ECSDB_CHECK(callback_depth_ == 0);
  world_.remove_target(target_);
}

Duration SimLink::sample_latency(LinkSide sender) {
  const LineConditions& line = conditions_.line[index(sender)];
  if (line.jitter.ns == 0) return line.latency;
  return line.latency + Duration{rng_.exponential(line.jitter.ns)};
}

// --- connecting ---

void SimLink::start_handshake() {
  // A request or its answer that meets a partition is lost; both go out again when it ends.
  if (conditions_.line[0].blocked || conditions_.line[1].blocked) {
    timer(kConnect, kClient).disarm();
    return;
  }
  if (timer(kConnect, kClient).armed()) return;
  // Two statements: the order of the draws must not be the compiler's choice.
  const Duration request = sample_latency(kClient);
  const Duration answer = sample_latency(kServer);
  timer(kConnect, kClient).arm(world_, world_.now() + request + answer);
}

void SimLink::finish_handshake(LinkSide side) {
  if (state_[index(side)] != State::kConnecting) return;
  if (side == kClient) {
    if (endpoints_[index(kServer)].handler == nullptr) return end_side(kClient, LinkEnd::kRefused);
    timers_[kTimeout].disarm();
    answered_ = true;
    if (!conditions_.line[index(kClient)].blocked && !pipes_[index(kClient)].severed()) {
      const Instant accepted_at = world_.now() + sample_latency(kClient);
      pipes_[index(kClient)].set_floor(accepted_at);
      timer(kConnect, kServer).arm(world_, accepted_at);
    }
  } else if (conditions_.line[index(kClient)].blocked) {
    return settle();  // goes on in set_conditions(), if it can
  }
  state_[index(side)] = State::kOpen;
  if (side == kClient) world_.trace().add(TraceCount::kConnects);
  world_.trace().record(TraceKind::kConnected, world_.now(), subject(side), 0);
  const LinkEndpoint& endpoint = endpoints_[index(side)];
  ++callback_depth_;
  endpoint.handler->on_connected(id_, world_.now_of(endpoint.clock));
  --callback_depth_;
  schedule_delivery(side);
}

// --- sending ---

size_t SimLink::offer(LinkSide side, std::span<const ByteSpan> parts) {
  ECSDB_CHECK(!delivering_[index(side)]);
  if (!open(side)) return 0;
  SimPipe& pipe = pipes_[index(side)];
  size_t offered = 0;
  for (const ByteSpan part : parts) offered += part.size();
  const uint64_t limit = conditions_.send_buffer_bytes;
  const uint64_t room = pipe.outstanding() < limit ? limit - pipe.outstanding() : 0;
  size_t accepted = static_cast<size_t>(std::min<uint64_t>(offered, room));
  if (conditions_.short_accepts && accepted > 0 && rng_.chance(1, 2)) {
    const size_t shorter = static_cast<size_t>(rng_.below(accepted));
    timer(kWritable, side)
        .arm(world_, world_.now() + Duration{1 + rng_.exponential(kWritableGap.ns)});
    world_.trace().add(TraceCount::kShortAccepts);
    accepted = shorter;
  }
  if (accepted < offered) wants_room_[index(side)] = true;
  if (accepted == 0) return 0;
  const Duration latency = sample_latency(side);
  size_t left = accepted;
  for (const ByteSpan part : parts) {
    const size_t size = std::min(part.size(), left);
    pipe.push(part.first(size), world_.now(), latency,
              conditions_.line[index(side)].bytes_per_second);
    left -= size;
  }
  schedule_delivery(other_side(side));
  return accepted;
}

void SimLink::note_room(LinkSide sender) {
  if (!open(sender)) return;
  const uint64_t outstanding = pipes_[index(sender)].outstanding();
  if (!wants_room_[index(sender)] || outstanding > conditions_.send_buffer_bytes / 2) return;
  if (!timer(kWritable, sender).armed()) timer(kWritable, sender).arm(world_, world_.now());
}

// --- delivering ---

bool SimLink::held(LinkSide receiver) const {
  return state_[index(receiver)] != State::kOpen || conditions_.reader_stalled[index(receiver)] ||
         conditions_.line[index(other_side(receiver))].blocked;
}

void SimLink::schedule_delivery(LinkSide receiver) {
  const Instant due = pipes_[index(other_side(receiver))].next_due();
  if (due == Instant::never() || held(receiver)) {
    timer(kDeliver, receiver).disarm();
    return;
  }
  timer(kDeliver, receiver).arm(world_, due);
}

size_t SimLink::piece_size(size_t available) {
  if (!conditions_.split_bytes) return available;
  const size_t bound = rng_.chance(1, 2) ? std::min<size_t>(available, 16) : available;
  const size_t size = 1 + static_cast<size_t>(rng_.below(bound));
  if (size < available) world_.trace().add(TraceCount::kSplits);
  return size;
}

/// True once the client has got as many bytes as it may.
bool SimLink::break_if_due() {
  SimPipe& pipe = pipes_[index(kServer)];
  if (broken_ || pipe.taken() < conditions_.cut_after_bytes) return broken_;
  broken_ = true;
  world_.trace().add(TraceCount::kLinkCuts);
  pipe.sever(0);
  reset();
  return true;
}

void SimLink::deliver_piece(LinkSide receiver, ByteSpan piece) {
  const LinkEndpoint& endpoint = endpoints_[index(receiver)];
  pipes_[index(other_side(receiver))].take(piece.size());
  world_.trace().record_bytes(world_.now(), subject(receiver), piece);
  const size_t sender = index(other_side(receiver));
  delivering_[sender] = true;
  ++callback_depth_;
  endpoint.handler->on_bytes(id_, piece, world_.now_of(endpoint.clock));
  --callback_depth_;
  delivering_[sender] = false;
}

void SimLink::deliver(LinkSide receiver) {
  const LinkSide sender = other_side(receiver);
  SimPipe& pipe = pipes_[index(sender)];
  const bool may_break = receiver == kClient && conditions_.cut_after_bytes > 0;
  while (!held(receiver)) {
    if (may_break && break_if_due()) break;
    ByteSpan arrived = pipe.arrived(world_.now(), kReadBytesMax);
    if (arrived.empty()) break;
    if (may_break) {
      const uint64_t left = conditions_.cut_after_bytes - pipe.taken();
      arrived = arrived.first(static_cast<size_t>(std::min<uint64_t>(arrived.size(), left)));
    }
    deliver_piece(receiver, arrived.first(piece_size(arrived.size())));
    if (conditions_.split_bytes && rng_.chance(1, 2) && pipe.deliverable() > 0) {
      // The rest waits a little. Only the reader is late: the queue stays as it is.
      note_room(sender);
      const Duration gap{1 + rng_.exponential(kSplitGap.ns)};
      if (!held(receiver)) timer(kDeliver, receiver).arm(world_, world_.now() + gap);
      return;
    }
  }
  note_room(sender);
  if (!held(receiver) && pipe.ended(world_.now())) return end_side(receiver, pipe.end_reason());
  schedule_delivery(receiver);
}

// --- ending ---

/// The side's own part is over: what still comes its way is dropped and nothing calls it again.
void SimLink::leave(LinkSide side) {
  state_[index(side)] = State::kClosed;
  pipes_[index(other_side(side))].sever(0);
  learn_pending_[index(side)] = false;
  timer(kDeliver, side).disarm();
  timer(kWritable, side).disarm();
  timer(kLearn, side).disarm();
  timer(kConnect, side).disarm();
  if (side == kClient) timers_[kTimeout].disarm();
  settle();
}

/// The server's part is over if the client's request can no longer reach it.
void SimLink::settle() {
  if (state_[index(kServer)] != State::kConnecting || timer(kConnect, kServer).armed()) return;
  if (state_[index(kClient)] == State::kConnecting) return;
  if (answered_ && !pipes_[index(kClient)].severed()) return;
  state_[index(kServer)] = State::kClosed;
  timer(kLearn, kServer).disarm();
  learn_pending_[index(kServer)] = false;
}

void SimLink::end_side(LinkSide side, LinkEnd reason) {
  ECSDB_CHECK(state_[index(side)] != State::kClosed);
  const bool was_connecting = state_[index(side)] == State::kConnecting;
  leave(side);
  if (was_connecting && side == kServer) return;  // it never heard of this link
  world_.trace().add(was_connecting ? TraceCount::kConnectFailures : TraceCount::kCloses);
  world_.trace().record(TraceKind::kClosed, world_.now(), subject(side),
                        static_cast<uint64_t>(reason));
  const LinkEndpoint& endpoint = endpoints_[index(side)];
  ++callback_depth_;
  endpoint.handler->on_closed(id_, reason, world_.now_of(endpoint.clock));
  --callback_depth_;
}

void SimLink::close(LinkSide side) {
  if (state_[index(side)] == State::kClosed) return;
  const bool was_open = open(side);
  leave(side);
  if (!was_open) return;
  pipes_[index(side)].finish(LinkEnd::kPeerClosed, world_.now(), sample_latency(side));
  schedule_delivery(other_side(side));
}

void SimLink::lose_suffix(LinkSide sender) {
  SimPipe& pipe = pipes_[index(sender)];
  pipe.sever(rng_.below(pipe.deliverable() + 1));
  settle();
}

void SimLink::abort(LinkSide side) {
  if (state_[index(side)] == State::kClosed) return;
  leave(side);
  SimPipe& pipe = pipes_[index(side)];
  const uint64_t keep = rng_.below(pipe.deliverable() + 1);
  pipe.sever_and_finish(keep, LinkEnd::kReset, world_.now(), sample_latency(side));
  settle();
  schedule_delivery(other_side(side));
}

void SimLink::vanish(LinkSide side) {
  if (state_[index(side)] == State::kClosed) return;
  leave(side);
  lose_direction(side);
}

void SimLink::learn_later(LinkSide side) {
  if (state_[index(side)] == State::kClosed || timer(kLearn, side).armed()) return;
  const Duration delay{rng_.exponential(2 * conditions_.line[index(other_side(side))].latency.ns)};
  timer(kLearn, side).arm(world_, world_.now() + delay);
}

void SimLink::learn(LinkSide side) {
  if (conditions_.reader_stalled[index(side)]) {
    learn_pending_[index(side)] = true;  // goes on in set_conditions()
    return;
  }
  end_side(side, LinkEnd::kReset);
}

void SimLink::reset() {
  lose_suffix(kClient);
  lose_suffix(kServer);
  learn_later(kClient);
  learn_later(kServer);
}

void SimLink::half_open(LinkSide unaware) {
  lose_suffix(kClient);
  lose_suffix(kServer);
  learn_later(other_side(unaware));
}

void SimLink::lose_direction(LinkSide sender) {
  lose_suffix(sender);
  schedule_delivery(other_side(sender));
}

// --- conditions and events ---

void SimLink::set_conditions(const LinkConditions& conditions) {
  const LinkConditions old = conditions_;
  conditions_ = conditions;
  for (const LinkSide sender : {kClient, kServer}) {
    const LineConditions& was = old.line[index(sender)];
    const LineConditions& is = conditions_.line[index(sender)];
    const bool faster = was.bytes_per_second != 0 &&
                        (is.bytes_per_second == 0 || is.bytes_per_second > was.bytes_per_second);
    // What waits for a slow line is sent again on the better one.
    if (faster || is.latency < was.latency) {
      pipes_[index(sender)].hasten(world_.now() + sample_latency(sender), world_.now());
    }
  }
  for (const LinkSide side : {kClient, kServer}) {
    if (learn_pending_[index(side)] && !conditions_.reader_stalled[index(side)]) {
      learn_pending_[index(side)] = false;
      timer(kLearn, side).arm(world_, world_.now());
    }
    note_room(side);
    schedule_delivery(side);
  }
  if (state_[index(kClient)] == State::kConnecting) {
    start_handshake();
  } else if (state_[index(kServer)] == State::kConnecting &&
             !conditions_.line[index(kClient)].blocked && !pipes_[index(kClient)].severed() &&
             !timer(kConnect, kServer).armed()) {
    timer(kConnect, kServer).arm(world_, world_.now() + sample_latency(kClient));
  }
}

void SimLink::on_event(uint32_t kind, uint64_t argument, Now) {
  ECSDB_CHECK(kind < kTimers);
  if (!timers_[kind].expired(world_, argument)) return;
  if (kind == kTimeout) {
    if (state_[index(kClient)] == State::kConnecting) end_side(kClient, LinkEnd::kTimedOut);
    return;
  }
  const LinkSide side = (kind & 1) == 0 ? kClient : kServer;
  switch (kind & ~uint32_t{1}) {
    case kDeliver:
      return deliver(side);
    case kLearn:
      return learn(side);
    case kConnect:
      return finish_handshake(side);
    default:
      break;
  }
  wants_room_[index(side)] = false;
  const LinkEndpoint& endpoint = endpoints_[index(side)];
  ++callback_depth_;
  endpoint.handler->on_writable(id_, world_.now_of(endpoint.clock));
  --callback_depth_;
}

}  // namespace ecsdb::sim
