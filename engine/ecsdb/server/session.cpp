#include "ecsdb/server/session.h"

#include <utility>

#include "ecsdb/base/mutant.h"

namespace ecsdb {

Session::Session(LinkId link, const ServerOptions& options, const Now& now)
    : link_(link),
      opened_(now.steady),
      reader_({.head_bytes_max = kPreAuthFrameBytesMax, .tail_bytes_max = 0}),
      interest_(options.cells_per_connection_max) {}

void Session::on_bytes(SessionContext& context, ByteSpan bytes, const Now& now) {
  if (!is_open()) return;
  heartbeat_.on_received(now.steady);
  if (phase_ == Phase::kPreface) {
    auto preface = preface_.take(bytes);
    if (!preface.ok()) return close(context, preface.error(), now);
    if (!preface->has_value()) return;
    features_ = context.options.compression ? (*preface)->features & built_in_features() : 0;
    if ((features_ & kFeatureZstd) != 0) context.blocks.compress_from_now_on();
    send_preface(features_, out_);
    phase_ = Phase::kAuth;
  }
  reader_.feed(bytes);
  while (is_open()) {
    auto frame = reader_.next();
    if (!frame.ok()) return close(context, frame.error(), now);
    if (!frame->has_value()) break;
    const Status status = on_frame(context, **frame, now);
    if (!status.ok()) return close(context, status.error(), now);
  }
  pump(context, now);
}

Status Session::on_frame(SessionContext& context, const Frame& frame, const Now& now) {
  const bool authenticated = phase_ != Phase::kAuth;
  switch (frame.type) {
    case MessageType::kAuth:
      if (authenticated) break;
      return on_auth(context, frame.head, now);
    case MessageType::kSubscribe:
      if (!authenticated) break;
      return on_subscribe(context, frame.head, now);
    case MessageType::kAck: {
      if (!authenticated) break;
      Ack ack;
      ECSDB_TRY(decode_message(frame.head, ack));
      const uint64_t unacked = flow_.unacked_bytes();
      const Version cut = flow_.acked_cut();
      ECSDB_TRY(flow_.on_ack(ack, sent_cut_));
      if (flow_.unacked_bytes() < unacked || flow_.acked_cut() > cut) {
        heartbeat_.on_progress(now.steady);
      }
      return {};
    }
    case MessageType::kClientHeartbeat: {
      if (!authenticated) break;
      ClientHeartbeat heartbeat;
      return decode_message(frame.head, heartbeat);
    }
    case MessageType::kGoodbye: {
      Goodbye goodbye;
      ECSDB_TRY(decode_message(frame.head, goodbye));
      out_.clear();
      phase_ = Phase::kClosing;
      closed_why_ = fail(ErrorCode::kClientLeft, goodbye.reason);
      if (goodbye.code != static_cast<uint16_t>(ErrorCode::kClientLeft)) {
        const std::string_view name = error_name(static_cast<ErrorCode>(goodbye.code));
        closed_why_.context = "it says " + std::string(name) + ": " + goodbye.reason;
      }
      close_deadline_ = now.steady;
      return {};
    }
    case MessageType::kResume:
    case MessageType::kRefetch:
    case MessageType::kClientReady:
      break;
    default:
      return fail(ErrorCode::kUnknownMessage,
                  "frame type " + std::to_string(static_cast<int>(frame.type)));
  }
  return fail(ErrorCode::kUnexpectedMessage,
              "frame type " + std::to_string(static_cast<int>(frame.type)) +
                  (authenticated ? " after authentication" : " before authentication"));
}

Status Session::on_auth(SessionContext& context, ByteSpan head, const Now& now) {
  Auth auth;
  ECSDB_TRY(decode_message(head, auth));
  auto identity = context.authenticator.authenticate(auth.token, now);
  if (!identity) return fail(ErrorCode::kAuthFailed, "the token was not accepted");
  if (auth.database != 0) {
    return fail(ErrorCode::kUnknownTable, "this server has no system database");
  }
  identity_ = *std::move(identity);
  client_ = ClientId{++context.next_client};
  client_name_ = auth.client_name;
  reader_.set_limits({.head_bytes_max = kFrameHeadBytesMax, .tail_bytes_max = 0});
  send_auth_reply(context.db, context.options, auth, identity_, client_, now, out_);
  heartbeat_.start(now.steady);
  phase_ = Phase::kReady;
  ++context.stats.authenticated;
  context.events.push_back({ServerEvent::Kind::kAuthenticated, link_, client_, identity_.principal,
                            client_name_, ErrorCode::kOk, identity_.name});
  return {};
}

Status Session::on_subscribe(SessionContext& context, ByteSpan head, const Now&) {
  // A client that asks and does not read the answers must not fill our memory with them.
  if (out_.empty()) replies_waiting_ = 0;
  if (++replies_waiting_ > kRepliesWaitingMax) {
    return fail(ErrorCode::kLimitExceeded, "subscribes without reading the replies");
  }
  Subscribe request;
  ECSDB_TRY(decode_message(head, request));
  SubscribeReply reply;
  reply.request = request.request;
  for (const SubscriptionId id : request.remove) {
    const Status status = interest_.remove_subscription(id);
    reply.results.push_back(
        {id, static_cast<uint16_t>(status.ok() ? ErrorCode::kOk : status.code())});
  }
  if (!request.remove.empty()) interest_.release_unwanted(context.db, identity_);
  for (Subscription& subscription : request.add) {
    const SubscriptionId id = subscription.id;
    const Status status =
        interest_.add_subscription(context.db, identity_, std::move(subscription));
    reply.results.push_back(
        {id, static_cast<uint16_t>(status.ok() ? ErrorCode::kOk : status.code())});
  }
  send(MessageType::kSubscribeReply, reply);
  if (phase_ == Phase::kReady && interest_.has_subscriptions()) start_sync(context);
  return {};
}

void Session::start_sync(SessionContext& context) {
  phase_ = Phase::kSyncing;
  sync_.start(context.db.published());
  send(MessageType::kSyncBegin, SyncBegin{sync_.version(), interest_.row_count(context.db), 0});
  AdvancePlan plan;
  plan.from = plan.to = sync_.version();
  plan.enters = interest_.take_enters(context.db);
  write_advance(plan, MessageType::kSyncChunk, out_);
}

bool Session::has_window(const SessionContext& context) const {
  return flow_.unacked_bytes() + out_.bytes() < context.options.unacked_bytes_max;
}

void Session::pump(SessionContext& context, const Now& now) {
  if (interest_.overflowed()) {
    return close(context,
                 fail(ErrorCode::kLimitExceeded,
                      "more than " + std::to_string(context.options.cells_per_connection_max) +
                          " cells; subscribe to fewer"),
                 now);
  }
  if (phase_ == Phase::kSyncing) pump_sync(context);
  const Database& db = context.db;
  const bool may_advance = out_.empty() && has_window(context) && db.head() == db.published();
  if (!may_advance) return;
  if (phase_ == Phase::kSyncing && sync_.scan_done(db)) {
    send_advance(context, net_plan(context, AdvanceKind::kSyncEnd, sync_.version()), now);
    phase_ = Phase::kLive;
    ++context.stats.full_syncs;
    context.events.push_back({ServerEvent::Kind::kSynced, link_, client_, identity_.principal,
                              client_name_, ErrorCode::kOk, ""});
  } else if (phase_ == Phase::kLive &&
             (effective_cut_ < db.published() || interest_.has_pending())) {
    send_advance(context, net_plan(context, AdvanceKind::kNet, sent_cut_), now);
    ++context.stats.net_advances;
  }
}

void Session::pump_sync(SessionContext& context) {
  while (!sync_.scan_done(context.db) && has_window(context) &&
         out_.bytes() < context.options.sync_chunk_bytes) {
    const AdvancePlan plan = sync_.next_chunk(context.db, interest_, context.blocks, features_,
                                              context.options.sync_chunk_bytes);
    if (!plan.blocks.empty()) write_advance(plan, MessageType::kSyncChunk, out_);
  }
}

/// From `from` to the published version with absolute values: cells that changed, cells that are
/// new to the client, and cells whose history since `from` is forgotten, whole.
AdvancePlan Session::net_plan(SessionContext& context, AdvanceKind kind, Version from) {
  const Database& db = context.db;
  AdvancePlan plan;
  plan.kind = kind;
  plan.from = from;
  for (uint32_t handle = 0; handle < interest_.handle_end(); ++handle) {
    const Interest::Held& held = interest_.at(handle);
    if (held.state != Interest::State::kTold) continue;
    const Cell& cell = db.cell(held.ref);
    if (cell.published <= from) continue;
    if (cell.horizon > from) {
      interest_.enter_again(handle);
    } else {
      plan.add_blocks(handle, held.generation, context.blocks.net(db, held.ref, from), features_);
    }
  }
  add_enters(context, plan, from);
  return plan;
}

void Session::add_enters(SessionContext& context, AdvancePlan& plan, Version since) {
  plan.leaves = interest_.take_leaves();
  plan.enters = interest_.take_enters(context.db);
  for (const CellEnter& enter : plan.enters) {
    const CellRef ref = interest_.at(enter.handle).ref;
    if (context.db.cell(ref).log.count() == 0) continue;
    plan.add_blocks(enter.handle, enter.generation, context.blocks.whole(context.db, ref, since),
                    features_);
  }
}

/// Completes the plan and sends it.
void Session::send_advance(SessionContext& context, AdvancePlan&& plan, const Now& now) {
  plan.to = context.db.published();
  plan.commit_time_ns = context.published_time_ns;
  write_advance(plan, MessageType::kAdvance, out_);
  sent_cut_ = effective_cut_ = plan.to;
  heartbeat_.on_sent(now.steady);
}

bool Session::is_in_step(const SessionContext& context) const {
  if (phase_ != Phase::kLive) return false;
  if (ECSDB_MUTANT(wrong_baseline)) return out_.empty();
  return effective_cut_ == context.db.published() && out_.empty() && has_window(context);
}

void Session::add_step_block(uint32_t handle, const BlockParts& parts) {
  const Interest::Held& held = interest_.at(handle);
  if (held.state != Interest::State::kTold) return;
  for (const BlockPart& part : parts) {
    step_blocks_.push_back({handle, held.generation, part.pick(features_)});
  }
}

void Session::finish_step(SessionContext& context, const Now& now) {
  if (ECSDB_MUTANT(skip_delta) && client_.value % 4 == 1 &&
      context.db.published().value % 64 == 0) {
    step_blocks_.clear();
  }
  if (step_blocks_.empty() && !interest_.has_pending()) {
    effective_cut_ = context.db.published();  // nothing it holds changed
    return;
  }
  AdvancePlan plan;
  plan.kind = AdvanceKind::kStep;
  plan.from = sent_cut_;
  plan.blocks.swap(step_blocks_);
  add_enters(context, plan, effective_cut_);
  send_advance(context, std::move(plan), now);
  plan.blocks.clear();
  plan.blocks.swap(step_blocks_);  // keeps its memory for the next step
  ++context.stats.step_advances;
}

void Session::on_sent(SessionContext& context, size_t accepted, const Now& now) {
  out_.accept(accepted);
  flow_.on_accepted(accepted);
  if (accepted > 0) heartbeat_.on_progress(now.steady);
  if (is_open()) pump(context, now);
}

void Session::on_timer(SessionContext& context, const Now& now) {
  switch (phase_) {
    case Phase::kPreface:
    case Phase::kAuth:
      if (now.steady < opened_ + context.options.handshake_timeout) return;
      return close(context, fail(ErrorCode::kHandshakeTimeout, "not authenticated in time"), now);
    case Phase::kClosing:
      if (now.steady >= close_deadline_) out_.clear();
      return;
    case Phase::kReady:
    case Phase::kSyncing:
    case Phase::kLive:
      break;
  }
  const ErrorCode verdict = heartbeat_.verdict(context.options, is_outstanding(), now.steady);
  if (verdict != ErrorCode::kOk) return close(context, fail(verdict), now);
  if (!heartbeat_.is_due(context.options, now.steady)) return;
  heartbeat_.on_sent(now.steady);
  if (phase_ == Phase::kLive && sent_cut_ < effective_cut_ && out_.empty() &&
      effective_cut_ == context.db.published() && has_window(context)) {
    AdvancePlan nothing;  // the cut moves on although nothing changed
    nothing.from = sent_cut_;
    return send_advance(context, std::move(nothing), now);
  }
  // A heartbeat behind bytes that wait anyway says nothing.
  if (!out_.empty()) return;
  ServerHeartbeat heartbeat;
  heartbeat.head = context.db.published();
  heartbeat.server_time_ns = static_cast<uint64_t>(now.steady.ns);
  send(MessageType::kServerHeartbeat, heartbeat);
}

void Session::close(SessionContext& context, Error why, const Now& now) {
  if (!is_open()) return;
  // Before the preface nothing is said, so that strangers get no reply.
  if (phase_ != Phase::kPreface) {
    send(MessageType::kGoodbye,
         Goodbye{static_cast<uint16_t>(why.code), message_text(why.context, kReasonBytesMax)});
  }
  phase_ = Phase::kClosing;
  closed_why_ = std::move(why);
  close_deadline_ = now.steady + context.options.close_timeout;
}

StreamOutput Session::output() { return StreamOutput{out_.parts(), phase_ == Phase::kClosing}; }

Instant Session::deadline(const ServerOptions& options) const {
  switch (phase_) {
    case Phase::kPreface:
    case Phase::kAuth:
      return opened_ + options.handshake_timeout;
    case Phase::kClosing:
      return out_.empty() ? Instant::never() : close_deadline_;
    case Phase::kReady:
    case Phase::kSyncing:
    case Phase::kLive:
      break;
  }
  return heartbeat_.deadline(options, is_outstanding());
}

bool Session::is_caught_up(Version published) const {
  return phase_ == Phase::kLive && out_.empty() && sent_cut_ == published &&
         flow_.acked_cut() == published;
}

}  // namespace ecsdb
