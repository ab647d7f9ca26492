#include "ecsdb/server/session.h"

#include <algorithm>
#include <utility>

#include "ecsdb/base/mutant.h"

namespace ecsdb {

Session::Session(LinkId link, const ServerOptions& options, const Now& now)
    : link_(link),
      opened_(now.steady),
      reader_({.head_bytes_max = kPreAuthFrameBytesMax, .tail_bytes_max = 0}),
      interest_(options.cells_per_connection_max),
      throttle_(link, options),
      intake_(options) {}

void Session::on_bytes(SessionContext& context, ByteSpan bytes, const Now& now) {
  if (!is_open()) return;
  heartbeat_.on_received(now.steady);
  const Status taken = intake_.on_bytes(bytes.size(), context.options, now.steady);
  if (!taken.ok()) return close(context, taken.error(), now);
  if (phase_ == Phase::kPreface) {
    auto preface = preface_.take(bytes);
    if (!preface.ok()) return close(context, preface.error(), now);
    if (!preface->has_value()) return;
    features_ = context.options.compression ? (*preface)->features & built_in_features() : 0;
    send_preface(features_, out_);
    phase_ = Phase::kAuth;
  }
  reader_.feed(bytes);
  read_frames(context, now);
}

void Session::read_frames(SessionContext& context, const Now& now) {
  while (is_open() && database_ == context.database) {
    auto frame = reader_.next();
    if (!frame.ok()) return close(context, frame.error(), now);
    if (!frame->has_value()) break;
    const Status status = on_frame(context, **frame, now);
    if (!status.ok()) return close(context, status.error(), now);
  }
  if (database_ != context.database) return;
  // Once for all that came together: it looks at every cell.
  if (std::exchange(is_less_wanted_, false)) interest_.release_unwanted(context.db, identity_);
  pump(context, now);
}

Status Session::on_frame(SessionContext& context, const Frame& frame, const Now& now) {
  const bool authenticated = phase_ != Phase::kAuth;
  const int type = static_cast<int>(frame.type);
  switch (frame.type) {
    case MessageType::kGoodbye:
      return on_goodbye(frame.head, now);
    case MessageType::kAuth:
      if (authenticated) break;
      return on_auth(context, frame.head, now);
    case MessageType::kSubscribe:
    case MessageType::kAck:
    case MessageType::kClientHeartbeat:
    case MessageType::kResume:
    case MessageType::kRefetch:
    case MessageType::kClientReady:
    case MessageType::kWrites:
    case MessageType::kClientEvents:
      if (!authenticated) break;
      return on_message(context, frame, now);
    default:
      return fail(ErrorCode::kUnknownMessage, "frame type " + std::to_string(type));
  }
  return fail(ErrorCode::kUnexpectedMessage,
              "frame type " + std::to_string(type) +
                  (authenticated ? " after authentication" : " before authentication"));
}

Status Session::on_message(SessionContext& context, const Frame& frame, const Now& now) {
  switch (frame.type) {
    case MessageType::kSubscribe:
      return on_subscribe(context, frame.head, now);
    case MessageType::kAck:
      return on_ack(context, frame.head, now);
    case MessageType::kClientHeartbeat:
      return on_client_heartbeat(frame.head, now);
    case MessageType::kResume:
      return on_resume(context, frame.head, now);
    case MessageType::kRefetch:
      return on_refetch(context, frame.head, now);
    case MessageType::kWrites:
      return on_writes(context, frame.head, now);
    case MessageType::kClientEvents:
      return on_client_events(context, frame.head, now);
    default:
      return on_client_ready(context, frame.head);
  }
}

Status Session::on_goodbye(ByteSpan head, const Now& now) {
  Goodbye goodbye;
  ECSDB_TRY(decode_message(head, goodbye));
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

Status Session::on_ack(SessionContext& context, ByteSpan head, const Now& now) {
  Ack ack;
  ECSDB_TRY(decode_message(head, ack));
  const uint64_t unacked = flow_.unacked_bytes();
  const Version cut = flow_.acked_cut();
  ECSDB_TRY(flow_.on_ack(ack, sent_cut_, now.steady));
  if (flow_.unacked_bytes() < unacked) {
    link_rate_.on_acked(flow_.unacked_bytes(), context.options, now.steady);
  }
  if (flow_.unacked_bytes() < unacked || flow_.acked_cut() > cut) {
    heartbeat_.on_progress(now.steady);
  }
  if (!ticket_seen_ && ack.bytes >= ticket_end_) {
    ticket_seen_ = true;
    context.sessions.on_ticket_seen(client_, link_);
  }
  return {};
}

Status Session::on_client_ready(SessionContext& context, ByteSpan head) {
  ClientReady ready;
  ECSDB_TRY(decode_message(head, ready));
  if (phase_ != Phase::kLive) {
    return fail(ErrorCode::kUnexpectedMessage, "client_ready before a sync");
  }
  const bool was_ready = std::exchange(client_ready_, true);
  // Who watches the server takes no part in what it serves.
  if (!was_ready && database_ == kUserDatabase) tell(context, ServerEvent::Kind::kReady);
  return {};
}

void Session::tell(SessionContext& context, ServerEvent::Kind kind, std::string reason,
                   ResetReason reset) {
  context.events.push_back({kind, link_, client_, identity_.principal, client_name_, ErrorCode::kOk,
                            std::move(reason), reset, database_});
}

Status Session::on_auth(SessionContext& context, ByteSpan head, const Now& now) {
  Auth auth;
  ECSDB_TRY(decode_message(head, auth));
  auto identity = context.authenticator.authenticate(auth.token, now);
  if (!identity) return fail(ErrorCode::kAuthFailed, "the token was not accepted");
  if (auth.database == kUserDatabase) return admit(context, auth, *std::move(identity), now);
  if (!is_admin(*identity, context.options)) {
    return fail(ErrorCode::kNotPermitted, "the system database takes tokens with the role " +
                                              context.options.admin_role + " only");
  }
  database_ = kSystemDatabase;
  return admit(*context.system, auth, *std::move(identity), now);
}

/// Into a session of the database that the context is of.
Status Session::admit(SessionContext& context, const Auth& auth, Identity identity,
                      const Now& now) {
  context.stats.sessions_expired += context.sessions.expire(now.steady);
  SessionTable::Admission admission = context.sessions.admit(
      link_, identity, {auth.ticket, auth.ticket_is_copied}, context.secrets, context.database);
  if (admission.is_refused) {
    ++context.stats.tickets_passed;
    return fail(ErrorCode::kTicketReused, "a later one of its session is in use");
  }
  if (admission.has_ended) {
    ++context.stats.sessions_killed;
    if (admission.former) {
      context.evictions.push_back(
          {*admission.former, fail(ErrorCode::kTicketReused, "the session has ended")});
    }
  } else if (admission.former) {
    ++context.stats.fenced;
    context.evictions.push_back({*admission.former, fail(ErrorCode::kFenced)});
  }
  identity_ = std::move(identity);
  client_ = admission.client;
  client_name_ = auth.client_name;
  rights_changed_ = admission.rights_changed;
#if defined(ECSDB_MUTANTS)
  if (ECSDB_MUTANT(credit_leak) && admission.is_resumed) flow_.leak(64 * 1024);
#endif
  reader_.set_limits({.head_bytes_max = kFrameHeadBytesMax, .tail_bytes_max = 0});
  send_auth_reply(context.db, context.options, auth, identity_, admission, now, out_);
  ticket_end_ = out_.accepted() + out_.bytes();
  heartbeat_.start(now.steady);
  phase_ = Phase::kReady;
  if (context.desk.find(client_) != nullptr) {
    writes_ = &context.desk.attach(client_, identity_, context.options);
    writes_->on_connected();
  }
  resuming_ = auth.is_resuming;
  schema_is_other_ = auth.schema_known != context.db.schema().fingerprint();
  if (resuming_) interest_.start_import(0);
  ++context.stats.authenticated;
  if ((features_ & kFeatureZstd) != 0) context.blocks.compress_from_now_on();
  tell(context, ServerEvent::Kind::kAuthenticated, identity_.name);
  return {};
}

/// A client that asks and does not read the answers must not fill our memory with them.
Status Session::expect_reply_read(const char* what) {
  if (out_.accepted() >= replies_end_) replies_waiting_ = 0;
  if (++replies_waiting_ <= kRepliesWaitingMax) return {};
  return fail(ErrorCode::kLimitExceeded, std::string(what) + " without reading the replies");
}

Status Session::on_subscribe(SessionContext& context, ByteSpan head, const Now& now) {
  ECSDB_TRY(expect_reply_read("subscribes"));
  Subscribe request;
  ECSDB_TRY(decode_message(head, request));
  if (resuming_ && schema_is_other_) return {};  // its table ids are of another schema
  const bool is_let = intake_.admit(request, now.steady);
  if (!is_let) context.stats.rate_limited += request.add.size() + request.move.size();
  SubscribeReply reply;
  reply.request = request.request;
  auto answer = [&](SubscriptionId id, const Status& status) {
    reply.results.push_back(
        {id, static_cast<uint16_t>(status.ok() ? ErrorCode::kOk : status.code())});
  };
  for (const SubscriptionId id : request.remove) {
    const Status status = interest_.remove_subscription(id);
    is_less_wanted_ |= status.ok();
    answer(id, status);
  }
  for (Subscription& subscription : request.add) {
    const SubscriptionId id = subscription.id;
    answer(id, is_let ? interest_.add_subscription(context.db, identity_, std::move(subscription))
                      : Status(fail(ErrorCode::kRateLimited)));
  }
  for (const SubscriptionMove& move : request.move) {
    answer(move.id, is_let ? interest_.move_area(move.id, move.center)
                           : Status(fail(ErrorCode::kRateLimited)));
  }
  if (is_let && !request.move.empty()) interest_.settle_areas(context.db, identity_);
  send(MessageType::kSubscribeReply, reply);
  replies_end_ = out_.accepted() + out_.bytes();
  if (phase_ == Phase::kReady && !resuming_ && interest_.has_subscriptions()) {
    start_sync(context);
  }
  return {};
}

bool Session::has_window(const SessionContext& context) const {
  return ECSDB_MUTANT(no_window) ||
         flow_.unacked_bytes() + out_.bytes() < link_rate_.window_bytes(context.options);
}

/// A client that has taken in nothing for longer than a round trip does not read: what it is sent
/// now, it would have to read through later on, and by then it is old.
bool Session::is_held_back(const Now& now) const {
  constexpr Duration kPatience = Duration::ms(100);
  return flow_.silence(now.steady) > kPatience + link_rate_.round_trip() * 2;
}

void Session::pump(SessionContext& context, const Now& now) {
  if (!is_open()) return;
  if (interest_.overflowed()) {
    return close(context,
                 fail(ErrorCode::kLimitExceeded,
                      "more than " + std::to_string(context.options.cells_per_connection_max) +
                          " cells; subscribe to fewer"),
                 now);
  }
  count_written(context, now);
  if (sync_.active()) pump_sync(context, now);
  pump_outcomes(context);
  const Database& db = context.db;
  const bool may_advance = out_.empty() && has_window(context) && db.head() == db.published();
  if (!may_advance || (phase_ != Phase::kSyncing && phase_ != Phase::kLive)) return;
  const bool sync_ends = sync_.active() && sync_.scan_done();
  const bool is_behind = effective_cut_ < db.published();
  const bool has_work = sync_ends || is_behind || interest_.has_leaves() ||
                        !interest_.pending().empty() || has_outcomes(context) || has_events();
  if (has_work && !throttle_.admit(context.budget, now.steady)) return;
  if (sync_ends) return finish_sync(context, now);
  if (phase_ != Phase::kLive || !client_ready_ || interest_.has_replaced()) return;
  if (is_held_back(now)) return;
  if (needs_sync(context) && !interest_.has_leaves()) {
    // A client takes chunks in as they come, but advances when its application asks for them: the
    // sync must not name a handle of which an advance tells that is still on its way. One that left
    // the cut where it was needs another one behind it to tell that it is applied.
    if (is_advance_applied()) {
      replace_trimmed(context);
      start_sync(context);
      if (interest_.has_replaced()) return;
    } else if (advance_moved_ || !is_behind) {
      return;
    }
  }
  // Outcomes belong to the advance with what they have done, and events behind rows that are as new
  // as they are: a chain of several advances would part them.
  const bool has_more = has_outcomes(context) || has_events();
  if (has_news(context) || has_more || (is_behind && interest_.has_skipped())) {
    AdvancePlan plan = net_plan(context, AdvanceKind::kNet, sent_cut_);
    count_conflated(context);
    send_advance(context, plan, now);
    ++context.stats.net_advances;
  } else if (is_behind) {
    catch_up(context, now);
    count_written(context, now);
  }
  if (digests_due_ && may_sample(context)) send_digests(context, now);
}

void Session::pump_turn(SessionContext& context, const Now& now) {
  count_written(context, now);
  throttle_.take_turn(context.budget);
  pump(context, now);
  throttle_.end_turn(context.budget);
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
    if (cell.horizon > from && !ECSDB_MUTANT(stale_resume)) {
      ++context.stats.cells_trimmed;
      interest_.enter_again(handle);
    } else {
      plan.add_blocks(handle, held.generation, context.blocks.net(db, held.ref, from), features_);
    }
  }
  add_enters(context, plan, from);
  return plan;
}

/// What leaves and what enters at once. Cells that are too large for that wait for a sync.
void Session::add_enters(SessionContext& context, AdvancePlan& plan, Version since) {
  plan.leaves = interest_.take_leaves();
  plan.enters = interest_.take_enters(context.db, pending_is_large(context));
  for (const CellEnter& enter : plan.enters) {
    const CellRef ref = interest_.at(enter.handle).ref;
    if (context.db.cell(ref).log.count() == 0) continue;
    plan.add_blocks(enter.handle, enter.generation, context.blocks.whole(context.db, ref, since),
                    features_);
  }
}

/// Completes the plan and sends it.
void Session::send_advance(SessionContext& context, AdvancePlan& plan, const Now& now) {
  plan.to = context.db.published();
  plan.commit_time_ns = context.published_time_ns;
  send_outcomes(context, false);
  send_events(context);
  context.writer.write(plan, MessageType::kAdvance, out_);
  effective_cut_ = plan.to;
  on_advance_written(plan.to, now);
  count_written(context, now);
}

bool Session::is_in_step(const SessionContext& context, const Now& now) const {
  if (phase_ != Phase::kLive || !client_ready_ || interest_.has_replaced()) return false;
  if (ECSDB_MUTANT(wrong_baseline)) return out_.empty();
  return effective_cut_ == context.db.published() && out_.empty() && has_window(context) &&
         !is_held_back(now) && !needs_sync(context) &&
         throttle_.is_open(context.budget, now.steady);
}

void Session::finish_step(SessionContext& context, std::span<const StepOffer> offers,
                          const Now& now) {
  const bool skips =
      ECSDB_MUTANT(skip_delta) && client_.value % 4 == 1 && context.db.published().value % 64 == 0;
  if (skips) offers = {};
  std::vector<StepEntry>& entries = context.entries;
  entries.clear();
  if (interest_.overflowed()) return;  // pump() closes it
  for (const StepOffer& offer : offers) {
    const Interest::Held& held = interest_.at(offer.handle);
    if (held.state != Interest::State::kTold) continue;
    entries.push_back({offer.handle, held.generation, offer.change});
  }
  const StepWriter::Step step{context.ring.newest_sequence(), sent_cut_, features_, entries};
  if (has_news(context)) {
    AdvancePlan& plan = context.steps.plan(context.ring, step);
    add_enters(context, plan, effective_cut_);
    send_advance(context, plan, now);
    ++context.stats.step_advances;
    return;
  }
  effective_cut_ = context.db.published();
  interest_.forget_skipped();
  if (entries.empty() && !has_outcomes(context) && !has_events()) return;  // nothing changed
  send_outcomes(context, false);
  send_events(context);
  context.steps.write(context.ring, step, context.writer, out_);
  on_advance_written(effective_cut_, now);
  ++context.stats.step_advances;
}

void Session::on_sent(SessionContext& context, size_t accepted, const Now& now) {
  out_.accept(accepted);
  flow_.on_accepted(accepted, now.steady);
  if (accepted > 0) {
    link_rate_.on_accepted(accepted, context.options, now.steady);
    heartbeat_.on_progress(now.steady);
  }
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
  on_live_timer(context, now);
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
  return std::min(heartbeat_.deadline(options, is_outstanding()), throttle_.deadline());
}

bool Session::is_caught_up(Version published) const {
  return phase_ == Phase::kLive && client_ready_ && !sync_.active() && out_.empty() &&
         sent_cut_ == published && flow_.acked_cut() == published;
}

}  // namespace ecsdb
