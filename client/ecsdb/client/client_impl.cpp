#include "ecsdb/client/client_impl.h"

#include <algorithm>
#include <utility>

#include "ecsdb/base/mutant.h"

namespace ecsdb {

Client::Impl::Impl(ClientOptions options, Prng rng)
    : options_(std::move(options)),
      reconnect_({options_.retry_delay_min, options_.retry_delay_max, options_.retry_delay_clean},
                 rng.stream("reconnect")),
      reader_(FrameLimits{}) {
  visible_.set_rows_max(options_.rows_max);
}

// ---- Links ----

void Client::Impl::connect(const Now& now) {
  wanted_ = true;
  if (state_ == State::kIdle || state_ == State::kWaiting) dial(now);
}

void Client::Impl::dial(const Now& now) {
  state_ = State::kDialling;
  out_ = Outbox();  // what an earlier link did not take is void
  link_ = LinkId{link_.value + 1};
  dial_pending_ = true;
  dialled_at_ = now.steady;
  retry_at_ = Instant::never();
  ++stats_.dials;
}

std::optional<LinkId> Client::Impl::next_dial() {
  if (!std::exchange(dial_pending_, false)) return std::nullopt;
  return link_;
}

void Client::Impl::on_connected(LinkId link, const Now& now) {
  if (!is_current(link) || state_ != State::kDialling) return;
  state_ = State::kPreface;
  last_sent_ = last_received_ = now.steady;
  out_ = Outbox();
  preface_.clear();
  reader_ = FrameReader({kFrameHeadBytesMax, kFrameTailBytesMax});
  consumed_bytes_ = acked_bytes_ = 0;
  acked_cut_ = Version{};
  goodbye_.reset();
  live_ = syncing_ = has_arriving_ = false;
  pending_.clear();
  pending_bytes_ = 0;
  progress_ = SyncStatus{};
  subscriptions_.on_disconnected();
  send_hello();
}

void Client::Impl::on_closed(LinkId link, const Now& now) {
  std::erase_if(leaving_, [&](const Leaving& leaving) { return leaving.link == link; });
  if (!is_current(link)) return;
  Error why = fail(state_ == State::kDialling ? ErrorCode::kConnectFailed : ErrorCode::kLinkClosed);
  if (goodbye_) why = *goodbye_;
  after_close(std::move(why), now);
}

void Client::Impl::drop_link(Error why, bool tell, const Now& now) {
  // A link that the driver was never asked for needs no closing either.
  if (!dial_pending_) leaving_.push_back({link_, Outbox(), Instant::never()});
  if (tell && state_ > State::kDialling) {
    send(MessageType::kGoodbye,
         Goodbye{static_cast<uint16_t>(why.code), message_text(why.context, kReasonBytesMax)});
    leaving_.back().out = std::exchange(out_, Outbox());
    leaving_.back().close_at = now.steady + options_.close_timeout;
  }
  dial_pending_ = false;
  after_close(std::move(why), now);
}

void Client::Impl::after_close(Error why, const Now& now) {
  const bool clean = why.code == ErrorCode::kShutdown || why.code == ErrorCode::kKicked;
  state_ = State::kIdle;
  goodbye_.reset();
  syncing_ = live_ = false;
  pending_.clear();
  pending_bytes_ = 0;
  has_arriving_ = false;
  if (wanted_ && options_.reconnect) {
    state_ = State::kWaiting;
    retry_at_ = now.steady + reconnect_.on_closed(clean);
  } else {
    wanted_ = false;
  }
  events_.push_back({ClientEvent::Kind::kClosed, why.code, std::move(why.context), {}});
}

void Client::Impl::disconnect(const Now& now) {
  wanted_ = false;
  retry_at_ = Instant::never();
  if (state_ == State::kWaiting) state_ = State::kIdle;
  if (state_ != State::kIdle) drop_link(fail(ErrorCode::kClientLeft), true, now);
}

void Client::Impl::fault(Error why, const Now& now) {
  ++stats_.faults;
  events_.push_back({ClientEvent::Kind::kFault, why.code, why.context, {}});
  drop_link(std::move(why), true, now);
}

// ---- Input ----

void Client::Impl::on_bytes(LinkId link, ByteSpan bytes, const Now& now) {
  if (!is_current(link) || state_ == State::kDialling) return;
  if (goodbye_) return;  // nothing follows it
  last_received_ = now.steady;
  stats_.bytes_received += bytes.size();
  if (state_ == State::kPreface) {
    const Status status = take_preface(bytes);
    if (!status.ok()) return fault(status.error(), now);
    if (state_ == State::kPreface) return;
  }
  reader_.feed(bytes);
  while (is_current(link) && !goodbye_) {
    auto frame = reader_.next();
    if (!frame.ok()) return fault(frame.error(), now);
    if (!frame->has_value()) return;
    const Status status = on_frame(**frame, now);
    if (!status.ok()) return fault(status.error(), now);
  }
}

Status Client::Impl::on_frame(const Frame& frame, const Now&) {
  if (frame.type == MessageType::kAdvance && state_ == State::kReady) return on_advance(frame);
  consumed_bytes_ += frame.bytes;
  if (!frame.tail.empty() && frame.type != MessageType::kSyncChunk) {
    return fail(ErrorCode::kFrameMalformed, "a tail behind a message that has none");
  }
  switch (frame.type) {
    case MessageType::kAuthReply:
      return on_auth_reply(frame.head);
    case MessageType::kSchemaPart:
      return on_schema_part(frame.head);
    case MessageType::kSubscribeReply:
      return on_subscribe_reply(frame.head);
    case MessageType::kSyncBegin:
      return on_sync_begin(frame.head);
    case MessageType::kSyncChunk:
      return on_chunk(frame);
    case MessageType::kServerHeartbeat: {
      ServerHeartbeat heartbeat;
      ECSDB_TRY(decode_message(frame.head, heartbeat));
      server_head_ = std::max(server_head_, heartbeat.head);
      server_time_ns_ = heartbeat.server_time_ns;
      return {};
    }
    case MessageType::kGoodbye: {
      Goodbye goodbye;
      ECSDB_TRY(decode_message(frame.head, goodbye));
      goodbye_ = fail(goodbye.code != 0 && error_is_known(goodbye.code)
                          ? static_cast<ErrorCode>(goodbye.code)
                          : ErrorCode::kLinkClosed,
                      goodbye.reason);
      return {};
    }
    case MessageType::kAdvance:
    case MessageType::kResumeReply:
    case MessageType::kSyncMark:
      break;
    default:
      return fail(ErrorCode::kUnknownMessage,
                  "frame type " + std::to_string(static_cast<int>(frame.type)));
  }
  return fail(ErrorCode::kUnexpectedMessage, "an advance before the connection is ready");
}

Status Client::Impl::on_sync_begin(ByteSpan head) {
  if (state_ != State::kReady || syncing_ || live_) {
    return fail(ErrorCode::kUnexpectedMessage, "sync_begin");
  }
  SyncBegin begin;
  ECSDB_TRY(decode_message(head, begin));
  syncing_ = true;
  staged_.reset(schema());
  staged_.set_rows_max(options_.rows_max);
  staged_.set_features(features_);
  staged_.start_sync(begin.version);
  whole_tables_ = subscriptions_.whole_tables(schema());
  progress_.rows_total = begin.rows;
  return {};
}

Status Client::Impl::on_chunk(const Frame& frame) {
  // The advance that ends the sync may have begun, or be here and not applied yet.
  if (!syncing_ || has_arriving_ || !pending_.empty()) {
    return fail(ErrorCode::kUnexpectedMessage, "sync_chunk");
  }
  Advance head;
  ECSDB_TRY(decode_message(frame.head, head));
  ReceivedAdvance chunk;
  chunk.add(std::move(head), frame.tail, frame.bytes);
  ECSDB_TRY(staged_.apply_chunk(chunk));
  progress_.rows_done = staged_.row_count();
  progress_.bytes_done += frame.bytes;
  return {};
}

Status Client::Impl::on_advance(const Frame& frame) {
  Advance head;
  ECSDB_TRY(decode_message(frame.head, head));
  if (!syncing_ && !live_) return fail(ErrorCode::kUnexpectedMessage, "advance before a sync");
  if (head.begin() == has_arriving_) {
    return fail(ErrorCode::kFrameMalformed, "an advance begins inside another, or in its middle");
  }
  if (pending_bytes_ + frame.bytes > options_.pending_bytes_max) {
    return fail(ErrorCode::kClientLimit, "more than pending_bytes_max received without poll()");
  }
  if (head.begin()) {
    arriving_ = ReceivedAdvance{};
    if (!spare_.empty()) {
      arriving_ = std::move(spare_.back());
      spare_.pop_back();
      arriving_.clear();
    }
  } else {
    const Advance& begun = arriving_.head;
    if (head.kind() != begun.kind() || head.from != begun.from || head.to() != begun.to() ||
        head.commit_time_ns != begun.commit_time_ns) {
      return fail(ErrorCode::kFrameMalformed, "frames of one advance disagree");
    }
  }
  arriving_.add(std::move(head), frame.tail, frame.bytes);
  pending_bytes_ += frame.bytes;
  has_arriving_ = !arriving_.head.end();
  if (!has_arriving_) {
    server_head_ = std::max(server_head_, arriving_.head.to());
    pending_.push_back(std::move(arriving_));
  }
  return {};
}

// ---- Applying ----

size_t Client::Impl::poll(const Now& now, size_t cuts_max) {
  ECSDB_CHECK(!polling_);
  polling_ = true;
  size_t cuts = 0;
  while (cuts < cuts_max && !pending_.empty() && !orphaned_) {
    const Status status = apply_next(now);
    if (!status.ok()) {
      fault(status.error(), now);
      break;
    }
    ++cuts;
    callbacks_.deliver(visible_, row_events_, &orphaned_);
  }
  polling_ = false;
  return cuts;
}

/// A sync is complete: what was staged becomes visible.
void Client::Impl::show_staged(std::vector<RowEvent>* events) {
  if (next_schema_) {
    visible_.replace(std::move(staged_), events);
    next_schema_.reset();
    on_visible_schema();
  } else {
    // A subscription that has ended since the sync began covers no longer what is missing.
    const std::vector<bool> whole_now = subscriptions_.whole_tables(schema());
    for (size_t t = 0; t < whole_now.size(); ++t)
      whole_tables_[t] = whole_tables_[t] && whole_now[t];
    visible_.adopt(std::move(staged_), whole_tables_, events);
  }
  staged_ = Replica();
}

Status Client::Impl::apply_next(const Now&) {
  ReceivedAdvance advance = std::move(pending_.front());
  pending_.pop_front();
  pending_bytes_ -= advance.stream_bytes;
  row_events_.clear();
  std::vector<RowEvent>* events = callbacks_.empty() ? nullptr : &row_events_;
  if (syncing_) {
    if (advance.head.kind() != AdvanceKind::kSyncEnd) {
      return fail(ErrorCode::kUnexpectedMessage, "an advance in the middle of a full sync");
    }
    ECSDB_TRY(staged_.apply(advance, nullptr));
    show_staged(events);
    syncing_ = false;
    live_ = true;
    reconnect_.on_success();
    ++stats_.full_syncs;
    events_.push_back({ClientEvent::Kind::kSynced, ErrorCode::kOk, {}, {}});
    events_.push_back({ClientEvent::Kind::kLive, ErrorCode::kOk, {}, {}});
  } else {
    if (advance.head.kind() == AdvanceKind::kSyncEnd) {
      return fail(ErrorCode::kUnexpectedMessage, "the end of a full sync that never began");
    }
    ECSDB_TRY(visible_.apply(advance, events));
#if defined(ECSDB_MUTANTS)
    if (ECSDB_MUTANT(apply_twice) && advance.head.to().value % 64 == 0) {
      ECSDB_TRY(visible_.apply_again(advance));
    }
#endif
    ++stats_.advances;
  }
  stats_.rows_changed += row_events_.size();
  consumed_bytes_ += advance.stream_bytes;
  if (spare_.size() < 4) spare_.push_back(std::move(advance));
  return {};
}

// ---- Output and time ----

/// Bytes consumed or a cut applied that the server was not told of.
bool Client::Impl::ack_is_due() const {
  return state_ == State::kReady && (consumed_bytes_ != acked_bytes_ || ack_cut() != acked_cut_);
}

bool Client::Impl::has_output(LinkId link) const {
  if (is_current(link)) return !out_.empty() || ack_is_due();
  return std::any_of(leaving_.begin(), leaving_.end(),
                     [&](const Leaving& leaving) { return leaving.link == link; });
}

StreamOutput Client::Impl::output(LinkId link, const Now&) {
  for (Leaving& leaving : leaving_) {
    if (leaving.link == link) return StreamOutput{leaving.out.parts(), true};
  }
  if (!is_current(link) || state_ == State::kDialling) return {};
  // One ack stands for everything up to it: none is added while another waits.
  if (ack_is_due() && out_.empty()) {
    acked_bytes_ = consumed_bytes_;
    acked_cut_ = ack_cut();
    send(MessageType::kAck, Ack{acked_cut_, acked_bytes_});
  }
  return StreamOutput{out_.parts(), false};
}

void Client::Impl::on_sent(LinkId link, size_t accepted, const Now& now) {
  stats_.bytes_sent += accepted;
  for (Leaving& leaving : leaving_) {
    if (leaving.link == link) return leaving.out.accept(accepted);
  }
  if (!is_current(link)) return;
  out_.accept(accepted);
  if (accepted > 0) last_sent_ = now.steady;
}

/// A link that is full and stays so would be kept for ever by a goodbye that it does not take.
void Client::Impl::end_goodbyes(const Now& now) {
  for (Leaving& leaving : leaving_) {
    if (now.steady < leaving.close_at) continue;
    leaving.out = Outbox();
    leaving.close_at = Instant::never();
  }
}

void Client::Impl::on_timer(const Now& now) {
  end_goodbyes(now);
  switch (state_) {
    case State::kIdle:
      return;
    case State::kWaiting:
      if (now.steady >= retry_at_) dial(now);
      return;
    case State::kDialling:
    case State::kPreface:
    case State::kAuth:
      if (now.steady >= dialled_at_ + options_.connect_timeout) {
        drop_link(goodbye_.value_or(fail(ErrorCode::kConnectFailed, "no answer in time")), false,
                  now);
      }
      return;
    case State::kSchema:
    case State::kReady:
      break;
  }
  if (now.steady >= last_received_ + silence_timeout()) {
    return drop_link(goodbye_.value_or(fail(ErrorCode::kPeerSilent)), false, now);
  }
  if (now.steady < last_sent_ + options_.heartbeat_interval || state_ != State::kReady) return;
  last_sent_ = now.steady;
  if (!out_.empty()) return;
  ClientHeartbeat heartbeat;
  heartbeat.echo_ns = server_time_ns_;
  send(MessageType::kClientHeartbeat, heartbeat);
}

Instant Client::Impl::next_deadline() const {
  Instant at = state_deadline();
  for (const Leaving& leaving : leaving_) at = std::min(at, leaving.close_at);
  return at;
}

Instant Client::Impl::state_deadline() const {
  switch (state_) {
    case State::kIdle:
      return Instant::never();
    case State::kWaiting:
      return retry_at_;
    case State::kDialling:
    case State::kPreface:
    case State::kAuth:
      return dialled_at_ + options_.connect_timeout;
    case State::kSchema:
      return last_received_ + silence_timeout();
    case State::kReady:
      break;
  }
  return std::min(last_received_ + silence_timeout(), last_sent_ + options_.heartbeat_interval);
}

SyncStatus Client::Impl::sync() const {
  SyncStatus status = progress_;
  switch (state_) {
    case State::kIdle:
      status.phase = SyncStatus::Phase::kIdle;
      break;
    case State::kWaiting:
    case State::kDialling:
      status.phase = SyncStatus::Phase::kConnecting;
      break;
    case State::kPreface:
    case State::kAuth:
    case State::kSchema:
      status.phase = SyncStatus::Phase::kHandshake;
      break;
    case State::kReady:
      status.phase = SyncStatus::Phase::kSyncing;
      if (live_) {
        status.phase = SyncStatus::Phase::kLive;
      } else if (!syncing_ && subscriptions_.none_active()) {
        status.phase = SyncStatus::Phase::kNotSubscribed;
      }
      break;
  }
  return status;
}

void Client::Impl::add_binding(Status (*bind)(TableSet&)) {
  bindings_.push_back(bind);
  if (visible_.table_count() == 0) return;
  const Status status = bind(visible_);
  if (status.ok()) return;
  events_.push_back({ClientEvent::Kind::kFault, status.code(), status.error().context, {}});
}

}  // namespace ecsdb
