#include "ecsdb/client/client_impl.h"

#include <algorithm>
#include <utility>

#include "ecsdb/base/mutant.h"
#include "ecsdb/schema/canonical.h"

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
  const auto preface = encode_preface(Preface{});
  Bytes& own = out_.own();
  own.insert(own.end(), preface.begin(), preface.end());
  out_.own_done();
  Auth auth;
  auth.token.assign(options_.token.begin(), options_.token.end());
  auth.client_name = message_text(options_.name, kClientNameBytesMax);
  auth.database = options_.database;
  if (visible_.table_count() > 0) auth.schema_known = visible_.schema().fingerprint();
  send(MessageType::kAuth, auth);
}

void Client::Impl::on_closed(LinkId link, const Now& now) {
  std::erase_if(leaving_, [&](const Leaving& leaving) { return leaving.link == link; });
  if (!is_current(link)) return;
  Error why = fail(state_ == State::kDialling ? ErrorCode::kConnectFailed : ErrorCode::kLinkClosed);
  if (goodbye_) why = *std::exchange(goodbye_, std::nullopt);
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
  events_.push_back({ClientEvent::Kind::kDisconnected, why.code, std::move(why.context), {}});
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
  last_received_ = now.steady;
  stats_.bytes_received += bytes.size();
  if (state_ == State::kPreface) {
    const Status status = take_preface(bytes);
    if (!status.ok()) return fault(status.error(), now);
    if (state_ == State::kPreface) return;
  }
  reader_.feed(bytes);
  while (is_current(link)) {
    auto frame = reader_.next();
    if (!frame.ok()) return fault(frame.error(), now);
    if (!frame->has_value()) return;
    const Status status = on_frame(**frame, now);
    if (!status.ok()) return fault(status.error(), now);
  }
}

Status Client::Impl::take_preface(ByteSpan& bytes) {
  const size_t n = std::min(bytes.size(), kPrefaceBytes - preface_.size());
  preface_.insert(preface_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n));
  bytes = bytes.subspan(n);
  if (preface_.size() < kPrefaceBytes) return {};
  auto preface = decode_preface(preface_);
  if (!preface.ok()) return preface.error();
  if (preface->protocol_min != kProtocolVersion || preface->protocol_max != kProtocolVersion) {
    return fail(ErrorCode::kProtocolUnsupported, "the server chose a protocol we do not speak");
  }
  consumed_bytes_ += kPrefaceBytes;
  state_ = State::kAuth;
  return {};
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
      break;
    default:
      return fail(ErrorCode::kUnknownMessage,
                  "frame type " + std::to_string(static_cast<int>(frame.type)));
  }
  return fail(ErrorCode::kUnexpectedMessage, "an advance before the connection is ready");
}

Status Client::Impl::on_auth_reply(ByteSpan head) {
  if (state_ != State::kAuth) return fail(ErrorCode::kUnexpectedMessage, "auth_reply");
  ECSDB_TRY(decode_message(head, auth_reply_));
  client_id_ = auth_reply_.client;
  server_time_ns_ = auth_reply_.server_time_ns;
  server_head_ = Version{};
  schema_bytes_.clear();
  state_ = State::kSchema;
  if (auth_reply_.schema_bytes > 0) return {};
  const bool is_ours = visible_.table_count() > 0 &&
                       visible_.schema().fingerprint() == auth_reply_.schema_fingerprint;
  if (!is_ours) return fail(ErrorCode::kSchemaMismatch, "the server sent no schema");
  return use_schema(visible_.schema());
}

Status Client::Impl::on_schema_part(ByteSpan head) {
  if (state_ != State::kSchema) return fail(ErrorCode::kUnexpectedMessage, "schema_part");
  SchemaPart part;
  ECSDB_TRY(decode_message(head, part));
  const size_t end = schema_bytes_.size() + part.bytes.size();
  if (part.offset != schema_bytes_.size() || part.bytes.empty() || end > auth_reply_.schema_bytes) {
    return fail(ErrorCode::kFrameMalformed, "schema_part does not follow the part before");
  }
  schema_bytes_.insert(schema_bytes_.end(), part.bytes.begin(), part.bytes.end());
  if (end < auth_reply_.schema_bytes) return {};
  auto schema = decode_schema(schema_bytes_);
  if (!schema.ok()) return schema.error();
  if (schema->fingerprint() != auth_reply_.schema_fingerprint) {
    return fail(ErrorCode::kSchemaMismatch, "the schema's fingerprint differs from the announced");
  }
  return use_schema(std::move(schema).value());
}

Status Client::Impl::use_schema(Schema schema) {
  const bool is_new =
      visible_.table_count() == 0 || visible_.schema().fingerprint() != schema.fingerprint();
  if (is_new) {
    visible_.reset(std::move(schema));
    callbacks_.on_schema(visible_.schema());
    for (Status (*bind)(TableSet&) : bindings_) {
      const Status status = bind(visible_);
      if (status.ok()) continue;
      wanted_ = false;  // dialling again would not help
      return status;
    }
  }
  state_ = State::kReady;
  ++stats_.connects;
  events_.push_back({ClientEvent::Kind::kConnected, ErrorCode::kOk, {}, {}});
  send_subscriptions();
  return {};
}

void Client::Impl::send_subscriptions() {
  while (state_ == State::kReady && subscriptions_.has_changes()) {
    std::vector<SubscriptionId> unknown;
    const Subscribe request = subscriptions_.take_request(visible_.schema(), unknown);
    for (const SubscriptionId id : unknown) {
      events_.push_back({ClientEvent::Kind::kSubscribed, ErrorCode::kUnknownTable,
                         "the server's schema has no such table", id});
    }
    if (!request.add.empty() || !request.remove.empty()) send(MessageType::kSubscribe, request);
  }
}

Status Client::Impl::on_subscribe_reply(ByteSpan head) {
  if (state_ != State::kReady) return fail(ErrorCode::kUnexpectedMessage, "subscribe_reply");
  SubscribeReply reply;
  ECSDB_TRY(decode_message(head, reply));
  for (const SubscribeResult& result : reply.results) {
    const ErrorCode code = error_is_known(result.code) ? static_cast<ErrorCode>(result.code)
                                                       : ErrorCode::kNotPermitted;
    if (code != ErrorCode::kOk) subscriptions_.on_refused(result.id);
    events_.push_back(
        {ClientEvent::Kind::kSubscribed, code, std::string(error_text(code)), result.id});
  }
  return {};
}

Status Client::Impl::on_sync_begin(ByteSpan head) {
  if (state_ != State::kReady || syncing_ || live_) {
    return fail(ErrorCode::kUnexpectedMessage, "sync_begin");
  }
  SyncBegin begin;
  ECSDB_TRY(decode_message(head, begin));
  syncing_ = true;
  staged_.reset(visible_.schema());
  staged_.set_rows_max(options_.rows_max);
  staged_.start_sync(begin.version);
  progress_.rows_total = begin.rows;
  return {};
}

Status Client::Impl::on_chunk(const Frame& frame) {
  if (!syncing_) return fail(ErrorCode::kUnexpectedMessage, "sync_chunk");
  ReceivedAdvance chunk;
  ECSDB_TRY(decode_message(frame.head, chunk.head));
  chunk.tail.assign(frame.tail.begin(), frame.tail.end());
  ECSDB_TRY(staged_.apply_chunk(chunk));
  progress_.rows_done = staged_.row_count();
  progress_.bytes_done += frame.bytes;
  return {};
}

Status Client::Impl::on_advance(const Frame& frame) {
  Advance head;
  ECSDB_TRY(decode_message(frame.head, head));
  if (!syncing_ && !live_) return fail(ErrorCode::kUnexpectedMessage, "advance before a sync");
  if (head.begin == has_arriving_) {
    return fail(ErrorCode::kFrameMalformed, "an advance begins inside another, or in its middle");
  }
  if (pending_bytes_ + frame.bytes > options_.pending_bytes_max) {
    return fail(ErrorCode::kClientLimit, "more than pending_bytes_max received without poll()");
  }
  if (head.begin) {
    arriving_ = ReceivedAdvance{};
    if (!spare_.empty()) {
      arriving_ = std::move(spare_.back());
      spare_.pop_back();
      arriving_.clear();
    }
    arriving_.head = std::move(head);
  } else {
    Advance& joined = arriving_.head;
    if (head.kind != joined.kind || head.from != joined.from || head.to != joined.to) {
      return fail(ErrorCode::kFrameMalformed, "frames of one advance disagree");
    }
    joined.end = head.end;
    joined.leaves.insert(joined.leaves.end(), head.leaves.begin(), head.leaves.end());
    joined.enters.insert(joined.enters.end(), head.enters.begin(), head.enters.end());
    joined.blocks.insert(joined.blocks.end(), head.blocks.begin(), head.blocks.end());
  }
  arriving_.tail.insert(arriving_.tail.end(), frame.tail.begin(), frame.tail.end());
  arriving_.stream_bytes += frame.bytes;
  pending_bytes_ += frame.bytes;
  has_arriving_ = !arriving_.head.end;
  if (!has_arriving_) {
    server_head_ = std::max(server_head_, arriving_.head.to);
    pending_.push_back(std::move(arriving_));
  }
  return {};
}

// ---- Applying ----

size_t Client::Impl::poll(const Now& now) {
  ECSDB_CHECK(!polling_);
  polling_ = true;
  size_t cuts = 0;
  while (!pending_.empty() && !orphaned_) {
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

Status Client::Impl::apply_next(const Now&) {
  ReceivedAdvance advance = std::move(pending_.front());
  pending_.pop_front();
  pending_bytes_ -= advance.stream_bytes;
  row_events_.clear();
  std::vector<RowEvent>* events = callbacks_.empty() ? nullptr : &row_events_;
  if (syncing_) {
    if (advance.head.kind != AdvanceKind::kSyncEnd) {
      return fail(ErrorCode::kUnexpectedMessage, "an advance in the middle of a full sync");
    }
    ECSDB_TRY(staged_.apply(advance, nullptr));
    visible_.adopt(std::move(staged_), subscriptions_.whole_tables(visible_.schema()), events);
    staged_ = Replica();
    syncing_ = false;
    live_ = true;
    reconnect_.on_success();
    ++stats_.full_syncs;
    events_.push_back({ClientEvent::Kind::kSynced, ErrorCode::kOk, {}, {}});
  } else {
    if (advance.head.kind == AdvanceKind::kSyncEnd) {
      return fail(ErrorCode::kUnexpectedMessage, "the end of a full sync that never began");
    }
    ECSDB_TRY(visible_.apply(advance, events));
#if defined(ECSDB_MUTANTS)
    if (ECSDB_MUTANT(apply_twice) && advance.head.to.value % 64 == 0) {
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
        drop_link(fail(ErrorCode::kConnectFailed, "no answer in time"), false, now);
      }
      return;
    case State::kSchema:
    case State::kReady:
      break;
  }
  if (now.steady >= last_received_ + options_.silence_timeout) {
    return drop_link(fail(ErrorCode::kPeerSilent), false, now);
  }
  if (now.steady < last_sent_ + options_.heartbeat_interval || state_ != State::kReady) return;
  last_sent_ = now.steady;
  if (out_.empty()) send(MessageType::kClientHeartbeat, ClientHeartbeat{server_time_ns_});
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
      return last_received_ + options_.silence_timeout;
    case State::kReady:
      break;
  }
  return std::min(last_received_ + options_.silence_timeout,
                  last_sent_ + options_.heartbeat_interval);
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
      status.phase = live_                    ? SyncStatus::Phase::kLive
                     : subscriptions_.empty() ? SyncStatus::Phase::kNotSubscribed
                                              : SyncStatus::Phase::kSyncing;
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
