#include "ecsdb/client/client_impl.h"

#include <algorithm>
#include <utility>

#include "ecsdb/base/mutant.h"

namespace ecsdb {

Client::Impl::Impl(ClientOptions options, Prng rng)
    : writes_({options.writes_pending_max, options.write_bytes_max}),
      options_(std::move(options)),
      reconnect_({options_.retry_delay_min, options_.retry_delay_max, options_.retry_delay_clean},
                 rng.stream("reconnect")),
      reask_({options_.retry_delay_min, options_.retry_delay_max, Duration{}},
             rng.stream("subscriptions")),
      reader_(FrameLimits{}) {
  visible_.set_rows_max(options_.rows_max);
  visible_.before_images().set_bytes_max(options_.resume ? options_.before_image_bytes_max : 0);
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
  events_.push_back({ClientEvent::Kind::kConnecting, ErrorCode::kOk, {}, {}});
}

/// What has arrived and was not applied goes with its connection.
void Client::Impl::drop_arrived() {
  live_ = has_arriving_ = false;
  pending_.clear();
  pending_bytes_ = pending_sync_ends_ = 0;
  next_outcomes_.clear();
  lone_outcomes_.clear();
  next_events_.clear();
  next_events_missed_ = 0;
  outcome_bytes_ = lone_bytes_ = 0;
  samples_.clear();
  received_advances_ = applied_advances_ = 0;
}

void Client::Impl::become_stale() {
  if (!std::exchange(shows_live_, false)) return;
  events_.push_back({ClientEvent::Kind::kStale, ErrorCode::kOk, {}, {}});
}

void Client::Impl::become_live() {
  if (std::exchange(shows_live_, true)) return;
  events_.push_back({ClientEvent::Kind::kLive, ErrorCode::kOk, {}, {}});
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
  drop_arrived();
  diverged_.clear();
  visible_.before_images().on_connected();
  areas_.for_each_sighting(
      [&](SubscriptionId id, const AreaPoint& at) { subscriptions_.see(id, at); });
  subscriptions_.on_disconnected();
  moves_at_ = now.steady;
  reask_at_ = Instant::never();
  send_hello(now);
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
  if (why.code == ErrorCode::kTicketReused) {
    // The ticket that this connection showed was refused, or else its session has ended.
    ticket_is_copied_ = state_ == State::kAuth && !ticket_.empty();
    if (!ticket_is_copied_) ticket_.clear();
  }
  state_ = State::kIdle;
  goodbye_.reset();
  become_stale();
  if (sync_.active) ++stats_.syncs_cut;
  writes_.on_disconnected();
#if defined(ECSDB_MUTANTS)
  if (ECSDB_MUTANT(version_at_sync_start) && sync_.active && !live_ && !next_schema_) {
    visible_.adopt(std::move(staged_), nullptr);
    has_position_ = true;
    position_ = sync_position_;
    drop_sync();
  }
#endif
  if (!std::exchange(has_faulted_, false) && live_) reconnect_.on_success();
  live_ = ready_due_ = false;
  drop_arrived();
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

/// What is held may be wrong: it is not gone on from.
void Client::Impl::fault(Error why, const Now& now) {
  ++stats_.faults;
  has_position_ = false;
  drop_sync();
  has_faulted_ = true;
  events_.push_back({ClientEvent::Kind::kFault, why.code, why.context, {}});
  drop_link(std::move(why), true, now);
}

// ---- Input ----

void Client::Impl::on_bytes(LinkId link, ByteSpan bytes, const Now& now) {
  if (!is_current(link) || state_ == State::kDialling) return;
  if (goodbye_) return;  // nothing follows it
  last_received_ = now.steady;
  if (live_) become_live();
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

Status Client::Impl::on_frame(const Frame& frame, const Now& now) {
  if (frame.type == MessageType::kAdvance && state_ == State::kReady) return on_advance(frame);
  consumed_bytes_ += frame.bytes;
  if (!frame.tail.empty() && frame.type != MessageType::kSyncChunk) {
    return fail(ErrorCode::kFrameMalformed, "a tail behind a message that has none");
  }
  switch (frame.type) {
    case MessageType::kAuthReply:
      return on_auth_reply(frame.head, now);
    case MessageType::kSchemaPart:
      return on_schema_part(frame.head);
    case MessageType::kSubscribeReply:
      ECSDB_TRY(on_subscribe_reply(frame.head, now));
      send_moves(now);
      return {};
    case MessageType::kSyncBegin:
      return on_sync_begin(frame.head);
    case MessageType::kSyncChunk:
      return on_chunk(frame, now);
    case MessageType::kSyncMark:
      return on_sync_mark(frame.head);
    case MessageType::kResumeReply:
      ECSDB_TRY(on_resume_reply(frame.head, now));
      send_moves(now);
      return {};
    case MessageType::kServerHeartbeat:
      return on_server_heartbeat(frame.head, now);
    case MessageType::kOutcomes:
      return on_outcomes(frame.head);
    case MessageType::kEvents:
      return on_events(frame.head);
    case MessageType::kWriteRefused:
      return on_write_refused(frame.head, now);
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
      break;
    default:
      return fail(ErrorCode::kUnknownMessage,
                  "frame type " + std::to_string(static_cast<int>(frame.type)));
  }
  return fail(ErrorCode::kUnexpectedMessage, "an advance before the connection is ready");
}

// ---- Output and time ----

/// Bytes consumed or a cut applied that the server was not told of.
bool Client::Impl::ack_is_due() const {
  return state_ == State::kReady && (consumed_bytes_ != acked_bytes_ || ack_cut() != acked_cut_);
}

bool Client::Impl::has_output(LinkId link) const {
  if (is_current(link)) {
    return !out_.empty() || subscribes_are_due() || writes_are_due() || ack_is_due();
  }
  return std::any_of(leaving_.begin(), leaving_.end(),
                     [&](const Leaving& leaving) { return leaving.link == link; });
}

StreamOutput Client::Impl::output(LinkId link, const Now& now) {
  for (Leaving& leaving : leaving_) {
    if (leaving.link == link) return StreamOutput{leaving.out.parts(), true};
  }
  if (!is_current(link) || state_ == State::kDialling) return {};
  send_subscriptions();
  send_writes(now);
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
  writes_.on_time(now.steady);
  writes_.expire(now.steady, told_);  // shown and told by poll()
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
  if (now.steady >= last_received_ + stale_timeout()) become_stale();
  send_moves(now);
  if (state_ != State::kReady) return;
  if (now.steady >= reask_at_) {
    reask_at_ = Instant::never();
    subscriptions_.ask_again();
    send_subscriptions();
  }
  if (now.steady < last_sent_ + options_.heartbeat_interval) return;
  last_sent_ = now.steady;
  if (out_.empty()) send_settled();
  if (out_.empty()) send(MessageType::kClientHeartbeat, clock_.heartbeat(now.steady));
}

Instant Client::Impl::next_deadline() const {
  Instant at = std::min(state_deadline(), writes_.next_deadline());
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
  Instant at = std::min({last_received_ + silence_timeout(),
                         last_sent_ + options_.heartbeat_interval, moves_deadline(), reask_at_});
  if (shows_live_) at = std::min(at, last_received_ + stale_timeout());
  return at;
}

void Client::Impl::add_binding(Status (*bind)(TableSet&)) {
  bindings_.push_back(bind);
  if (visible_.table_count() == 0) return;
  const Status status = bind(visible_);
  if (status.ok()) return;
  events_.push_back({ClientEvent::Kind::kFault, status.code(), status.error().context, {}});
}

}  // namespace ecsdb
