// The client's side of a handshake: preface, auth, schema, subscriptions.
#include <algorithm>
#include <iterator>
#include <utility>

#include "ecsdb/client/client_impl.h"
#include "ecsdb/schema/canonical.h"

namespace ecsdb {

/// What is held, complete or in part, is of the database that the server last was, in the schema
/// that is known.
bool Client::Impl::may_resume() const {
  return options_.resume && !fork_ && (has_position_ || sync_.active) && !next_schema_ &&
         visible_.table_count() > 0;
}

void Client::Impl::send_hello(const Now& now) {
  const uint32_t features = options_.compression ? built_in_features() : 0;
  const auto preface = encode_preface(Preface{.features = features});
  Bytes& own = out_.own();
  own.insert(own.end(), preface.begin(), preface.end());
  out_.own_done();
  Auth auth;
  auth.token.assign(options_.token.begin(), options_.token.end());
  auth.client_name = message_text(options_.name, kClientNameBytesMax);
  auth.database = options_.database;
  if (visible_.table_count() > 0) auth.schema_known = visible_.schema().fingerprint();
  auth.client_time_ns = static_cast<uint64_t>(now.steady.ns);
  if (options_.resume) {
    auth.ticket = ticket_;
    auth.ticket_is_copied = ticket_is_copied_;
  }
  if (!may_resume()) {
    has_position_ = false;
    fork_.reset();
    drop_sync();
  }
  resuming_ = auth.is_resuming = may_resume();
  refused_.clear();
  send(MessageType::kAuth, auth);
  if (!resuming_) return;
  add_subscribes();
  send_resume();
}

/// Position and cells. Rows that came after the last sync_mark come again.
void Client::Impl::send_resume() {
  Resume resume;
  const Position& position = has_position_ ? position_ : sync_position_;
  const bool has_sync = sync_.active && position.database_id == sync_position_.database_id &&
                        position.epoch == sync_position_.epoch;
  if (!has_sync) drop_sync();
  resume.database_id = position.database_id;
  resume.epoch = position.epoch;
  resume.generation = std::max(visible_.generation_max(), staged_.generation_max());
  std::vector<ResumeCell> cells;
  auto add = [&](const Replica& from, uint32_t handle, HeldState state) {
    const HeldCell& cell = from.cells()[handle];
    cells.push_back({handle, cell.generation, schema().table(cell.table).id, cell.key, state});
  };
  if (has_position_) {
    resume.cut = visible_.cut();
    for (uint32_t handle = 0; handle < visible_.cells().size(); ++handle) {
      if (visible_.cells()[handle].held) add(visible_, handle, HeldState::kHeld);
    }
  }
  if (has_sync) {
    resume.sync_version = sync_.version;
    resume.next_index = sync_.mark.next_index;
    const std::span<const uint32_t> order(sync_.order);
    staged_.drop_rows_from(order.subspan(sync_.mark.done, sync_.mark.begun - sync_.mark.done),
                           sync_.mark.next_index);
    staged_.drop_rows_from(order.subspan(sync_.mark.begun), 0);
    for (size_t i = 0; i < order.size(); ++i) {
      add(staged_, order[i],
          i < sync_.mark.done    ? HeldState::kSyncDone
          : i < sync_.mark.begun ? HeldState::kSyncBegun
                                 : HeldState::kSyncWaits);
    }
  }
  size_t at = 0;
  do {
    const size_t n = std::min(kCellsPerFrameMax, cells.size() - at);
    resume.cells.assign(cells.begin() + static_cast<ptrdiff_t>(at),
                        cells.begin() + static_cast<ptrdiff_t>(at + n));
    at += n;
    resume.is_last = at == cells.size();
    send(MessageType::kResume, resume);
  } while (at < cells.size());
}

Status Client::Impl::on_resume_reply(ByteSpan head, const Now& now) {
  if (state_ != State::kReady || !resuming_) {
    return fail(ErrorCode::kUnexpectedMessage, "resume_reply");
  }
  ResumeReply reply;
  ECSDB_TRY(decode_message(head, reply));
  resuming_ = false;
  if (reply.reason == ResetReason::kNone && schema_is_other_) {
    return fail(ErrorCode::kSchemaMismatch, "a resume that goes on under another schema");
  }
  if (!reply.keeps_sync || reply.reason != ResetReason::kNone) drop_sync();
  if (reply.reason == ResetReason::kNone) {
    if (sync_.active) ++stats_.syncs_resumed;
    if (has_position_) {
      live_ = true;
      has_rolled_back_ = false;
      ++stats_.resumes;
      become_live();
    }
  } else {
    ++stats_.resets;
    ClientEvent event{ClientEvent::Kind::kReset,
                      ErrorCode::kOk,
                      std::string(reset_reason_name(reply.reason)),
                      {}};
    event.reset = reply.reason;
    events_.push_back(std::move(event));
    if (may_roll_back(reply)) {
      leave_to_roll_back(reply.fork_version, now);
      return {};
    }
    has_position_ = false;
    if (schema_is_other_ || reply.reason == ResetReason::kSchemaBreak) {
      subscriptions_.on_disconnected();
      refused_.clear();
    }
  }
  report_refused();
  send_subscriptions();
  return {};
}

/// A cut is kept that the server's history has, too. Once in a row, so that a server that forgets
/// again and again costs no more than a full sync each time.
bool Client::Impl::may_roll_back(const ResumeReply& reply) const {
  return reply.reason == ResetReason::kPastFork && reply.fork_version != Version{} &&
         !schema_is_other_ && has_position_ && reply.fork_epoch == position_.epoch &&
         auth_reply_.database_id == position_.database_id && !has_rolled_back_ &&
         visible_.can_roll_back(reply.fork_version);
}

/// On this connection a full sync would follow. The next one waits for poll(), outside of which
/// reads do not change.
void Client::Impl::leave_to_roll_back(Version fork, const Now& now) {
  fork_ = fork;
  has_rolled_back_ = true;
  drop_link(fail(ErrorCode::kClientLeft, "goes back to version " + std::to_string(fork.value)),
            true, now);
  if (state_ == State::kWaiting) retry_at_ = Instant::never();
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
  const uint32_t ours = options_.compression ? built_in_features() : 0;
  if ((preface->features & ~ours) != 0) {
    return fail(ErrorCode::kProtocolUnsupported, "the server chose a feature we do not have");
  }
  features_ = preface->features;
  visible_.set_features(features_);
  consumed_bytes_ += kPrefaceBytes;
  state_ = State::kAuth;
  return {};
}

Status Client::Impl::on_auth_reply(ByteSpan head, const Now& now) {
  if (state_ != State::kAuth) return fail(ErrorCode::kUnexpectedMessage, "auth_reply");
  ECSDB_TRY(decode_message(head, auth_reply_));
  const ClientId before = std::exchange(client_id_, auth_reply_.client);
  begin_write_session(before, now);
  ticket_ = auth_reply_.ticket;
  ticket_is_copied_ = false;
  clock_.forget();
  clock_.on_time(auth_reply_.server_time_ns, auth_reply_.echo_ns, 0, now.steady);
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

/// The schema of this connection. One that differs from the visible rows' waits until the sync is
/// complete, so that reads never change outside poll().
Status Client::Impl::use_schema(Schema schema) {
  next_schema_.reset();
  const bool is_first = visible_.table_count() == 0;
  schema_is_other_ = !is_first && visible_.schema().fingerprint() != schema.fingerprint();
  if (is_first || schema_is_other_) {
    TableSet probe(schema, false);
    for (Status (*bind)(TableSet&) : bindings_) {
      const Status status = bind(probe);
      if (status.ok()) continue;
      wanted_ = false;  // dialling again would not help
      return status;
    }
    if (visible_.row_count() == 0 && overlay_.empty()) {
      visible_.reset(std::move(schema));
      on_visible_schema();
    } else {
      next_schema_ = std::move(schema);
    }
  }
  state_ = State::kReady;
  ++stats_.connects;
  events_.push_back({ClientEvent::Kind::kConnected, ErrorCode::kOk, {}, {}});
  send_subscriptions();
  return {};
}

void Client::Impl::on_visible_schema() {
  callbacks_.on_schema_changed();
  predicted_callbacks_.on_schema_changed();
  // What was written was written for the schema before, and so was what it showed.
  predicted_events_.clear();
  writes_.on_session(false, false, ErrorCode::kSchemaMismatch, told_);
  rebuild_overlay();
  areas_.on_schema_changed();
  for (Status (*bind)(TableSet&) : bindings_) {
    // use_schema() has tried it, unless it was bound since then: that one reads as unbound.
    const Status status = bind(visible_);
    if (status.ok()) continue;
    events_.push_back({ClientEvent::Kind::kFault, status.code(), status.error().context, {}});
  }
}

void Client::Impl::send_subscriptions() {
  if (subscribes_are_due()) add_subscribes();
}

void Client::Impl::add_subscribes() {
  while (subscriptions_.has_changes()) {
    std::vector<Subscriptions::Refused> refused;
    const Subscribe request = subscriptions_.take_request(schema(), refused);
    std::move(refused.begin(), refused.end(), std::back_inserter(refused_));
    if (!resuming_) report_refused();
    if (!request.add.empty() || !request.remove.empty()) send(MessageType::kSubscribe, request);
  }
}

/// Once the server's schema is known: a resume is written with the one that is held.
void Client::Impl::report_refused() {
  for (Subscriptions::Refused& one : std::exchange(refused_, {})) {
    events_.push_back(
        {ClientEvent::Kind::kSubscribed, one.why.code, std::move(one.why.context), one.id});
  }
}

Status Client::Impl::on_subscribe_reply(ByteSpan head, const Now& now) {
  if (state_ != State::kReady) return fail(ErrorCode::kUnexpectedMessage, "subscribe_reply");
  SubscribeReply reply;
  ECSDB_TRY(decode_message(head, reply));
  bool is_limited = false;
  for (const SubscribeResult& result : reply.results) {
    const ErrorCode code = error_is_known(result.code) ? static_cast<ErrorCode>(result.code)
                                                       : ErrorCode::kNotPermitted;
    if (code == ErrorCode::kRateLimited && subscriptions_.on_limited(result.id)) {
      is_limited = true;
      continue;
    }
    if (!subscriptions_.on_reply(result.id, code)) continue;  // ended meanwhile
    reask_.on_success();
    events_.push_back(
        {ClientEvent::Kind::kSubscribed, code, std::string(error_text(code)), result.id});
  }
  if (is_limited) reask_at_ = std::min(reask_at_, now.steady + reask_.on_closed(false));
  return {};
}

}  // namespace ecsdb
