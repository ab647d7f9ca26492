// A client's writes: taking them, sending them, and showing what they do.
#include <algorithm>
#include <set>
#include <utility>

#include "ecsdb/base/mutant.h"
#include "ecsdb/client/client_impl.h"
#include "ecsdb/client/predicted_changes.h"

namespace ecsdb {
namespace {

constexpr int64_t kWallMsMax = (int64_t{1} << (64 - kStampCounterBits)) - 1;  // of a stamp

size_t memory_of(const Outcome& outcome) {
  size_t bytes = sizeof(outcome) + outcome.reason.size() + outcome.made.size() * sizeof(EntityId);
  for (const FinalValue& final : outcome.finals) bytes += sizeof(final) + final.value.text.size();
  return bytes;
}

}  // namespace

Result<WriteDraft> Client::begin() const { return impl_->begin_write(); }

Result<WriteId> Client::submit(WriteDraft&& draft, const WriteOptions& options, const Now& now) {
  return impl_->submit(std::move(draft), options, now);
}

Result<WriteId> Client::submit(WriteDraft&& draft, const Now& now) {
  return impl_->submit(std::move(draft), WriteOptions{}, now);
}

const PredictedDb& Client::predicted() const { return impl_->predicted_; }
EntityId Client::entity(EntityId entity) const { return impl_->predicted_.entity(entity); }
WriteState Client::write_state(WriteId id) const { return impl_->writes_.state(id); }
size_t Client::pending_writes() const { return impl_->writes_.all().size(); }

CallbackId Client::on_outcome(OutcomeCallback callback) {
  return impl_->callbacks_.add_outcome(std::nullopt, std::move(callback));
}
CallbackId Client::on_outcome(WriteId write, OutcomeCallback callback) {
  return impl_->callbacks_.add_outcome(write, std::move(callback));
}
CallbackId Client::on_field(std::string table, std::string field, RowCallback callback) {
  return impl_->callbacks_.add_field(std::move(table), std::move(field), std::move(callback));
}
CallbackId Client::on_predicted_row(std::string table, RowCallback callback) {
  return impl_->predicted_callbacks_.add_row(std::move(table), EntityId{}, std::move(callback));
}
CallbackId Client::on_predicted_row(std::string table, EntityId entity, RowCallback callback) {
  return impl_->predicted_callbacks_.add_row(std::move(table), entity, std::move(callback));
}

// ---- Submitting ----

Result<WriteDraft> Client::Impl::begin_write() {
  if (visible_.table_count() == 0) {
    return fail(ErrorCode::kUnknownTable, "no schema is known yet: connect first");
  }
  return WriteDraft(visible_, provisional_end_);
}

Result<WriteId> Client::Impl::submit(WriteDraft&& draft, const WriteOptions& options,
                                     const Now& now) {
  if (!draft.is_current()) {
    return fail(ErrorCode::kSchemaMismatch, "a draft for the schema before");
  }
  ECSDB_TRY(draft.unknown());
  if (state_ == State::kReady && auth_reply_.writes_waiting_max == 0) {
    return fail(ErrorCode::kNotPermitted, "this server takes no writes of clients");
  }
  PendingWrite write;
  write.ops = std::move(draft).take_ops();
  write.level = options.level;
  write.resolves = options.resolves;
  constexpr Duration kForEver = Duration::seconds(1'000'000'000);
  const bool has_deadline = options.deadline != Duration{} && options.deadline < kForEver;
  if (has_deadline) write.deadline = now.steady + options.deadline;
  write.base = has_position_ ? visible_.cut() : Version{};
  write.epoch = has_position_ ? position_.epoch : auth_reply_.epoch;
  write.stamp = stamp(now);
  shown_.clear();
  for (WriteDraft::Op& op : write.ops) {
    overlay_.show(visible_, options_.merges, op, predicted_.entity(op.entity), shown_);
  }
  auto id = writes_.add(std::move(write));
  if (!id.ok()) {
    overlay_.take_back(std::move(shown_));
    return id;
  }
  for (const WriteDraft::Op& op : writes_.all().back().ops) {
    overlay_.keep(*id, op, predicted_.entity(op.entity));
  }
  if (predicted_callbacks_.has_rows()) tell_shown();
  return id;
}

/// What the write that was submitted shows.
void Client::Impl::tell_shown() {
  Overlay::Changes changes;
  std::set<Overlay::Key> known;
  for (Overlay::Shown& row : shown_) {
    if (!known.insert(row.key).second) continue;  // it was shown by an earlier operation
    changes.made.push_back(row.key);
    if (row.before) changes.before.emplace(row.key, *std::move(row.before));
  }
  predicted_changes(visible_, std::move(changes), overlay_, writes_.made(), {}, predicted_events_);
}

/// The server's wall clock as it was when it let this connection in, and the time since; one more
/// than the last at the least.
uint64_t Client::Impl::stamp(const Now& now) {
  int64_t wall_ms = now.wall_ms;
  if (wall_known_) wall_ms = wall_ms_ + (now.steady - wall_at_).to_ms();
  const uint64_t own = static_cast<uint64_t>(std::clamp<int64_t>(wall_ms, 0, kWallMsMax))
                       << kStampCounterBits;
  last_stamp_ = std::max(own, last_stamp_ + (last_stamp_ < UINT64_MAX ? 1 : 0));
  return last_stamp_;
}

// ---- Sending ----

/// A schema that is to become the visible one makes them void.
bool Client::Impl::writes_are_due() const {
  return state_ == State::kReady && !next_schema_ && out_.bytes() < kWriteBytesWaiting &&
         writes_.is_due(auth_reply_.writes_waiting_max);
}

/// In no more bytes than half of what the server lets a client send.
void Client::Impl::send_writes(const Now& now) {
  while (writes_are_due()) {
    if (!write_pace_.has_any(now.steady)) {
      return writes_.put_off(write_pace_.ready_at(now.steady));
    }
    Writes message;
    message.client = client_id_;
    writes_.take(message, visible_.schema(), auth_reply_.writes_waiting_max,
                 [&](Instant deadline) -> uint64_t {
                   if (deadline == Instant::never() || !clock_.is_known()) return 0;
                   return static_cast<uint64_t>(std::max<int64_t>(clock_.at(deadline), 1));
                 });
    if (message.entries.empty()) return;
    const size_t before = out_.bytes();
    send(MessageType::kWrites, message);
    write_pace_.spend(out_.bytes() - before, now.steady);
  }
}

/// With nothing else to say, so that the server need not keep old decisions for ever.
void Client::Impl::send_settled() {
  if (!writes_.is_settle_due() || next_schema_ || client_id_ == ClientId{}) return;
  Writes message;
  message.client = client_id_;
  message.settled_below = writes_.tell_settled();
  send(MessageType::kWrites, message);
}

/// Whether what was sent to another connection can be gone on with.
void Client::Impl::begin_write_session(ClientId before, const Now& now) {
  wall_known_ = true;
  wall_ms_ = static_cast<int64_t>(std::min<uint64_t>(auth_reply_.server_wall_ms, kWallMsMax));
  wall_at_ = now.steady;
  constexpr uint64_t kBurst = 32 * 1024;  // what every server takes at once
  write_pace_ = auth_reply_.client_bytes == 0
                    ? TokenBucket()
                    : TokenBucket(std::max<uint64_t>(1, auth_reply_.client_bytes / 2), kBurst);
  const bool is_same_database = !write_database_ || *write_database_ == auth_reply_.database_id;
  const bool is_same_schema = visible_.table_count() == 0 ||
                              visible_.schema().fingerprint() == auth_reply_.schema_fingerprint;
  write_database_ = auth_reply_.database_id;
  const bool goes_on =
      auth_reply_.is_resumed && before == client_id_ && is_same_database && is_same_schema;
  const ErrorCode why = !is_same_database ? ErrorCode::kWriteLost
                        : !is_same_schema ? ErrorCode::kSchemaMismatch
                                          : ErrorCode::kSessionExpired;
  writes_.on_session(goes_on, is_same_database && is_same_schema, why, told_);
  if (auth_reply_.writes_waiting_max == 0) {  // this server takes none
    writes_.on_session(false, false, ErrorCode::kNotPermitted, told_);
  }
}

// ---- What the server says ----

Status Client::Impl::on_outcomes(ByteSpan head) {
  if (state_ != State::kReady || has_arriving_) {
    return fail(ErrorCode::kUnexpectedMessage, "outcomes");
  }
  Outcomes message;
  ECSDB_TRY(decode_message(head, message));
  std::vector<Outcome>& to = message.is_alone ? lone_outcomes_ : next_outcomes_;
  if (ECSDB_MUTANT(overlay_dropped_at_ack)) {
    for (const Outcome& outcome : message.outcomes) settle_write(outcome);
    rebuild_overlay();
  }
  size_t& bytes = message.is_alone ? lone_bytes_ : outcome_bytes_;
  for (const Outcome& outcome : message.outcomes) bytes += memory_of(outcome);
  std::move(message.outcomes.begin(), message.outcomes.end(), std::back_inserter(to));
  return check_received();
}

Status Client::Impl::on_write_refused(ByteSpan head, const Now& now) {
  if (state_ != State::kReady) return fail(ErrorCode::kUnexpectedMessage, "write_refused");
  WriteRefused refused;
  ECSDB_TRY(decode_message(head, refused));
  writes_.on_refused(refused, now.steady, told_);
  return {};
}

void Client::Impl::settle_write(const Outcome& outcome) {
  if (auto told = writes_.on_outcome(outcome, visible_.schema())) told_.push_back(*std::move(told));
}

// ---- Showing ----

/// Outcomes that count by themselves, deadlines, and writes that were given up: a step without a
/// cut.
void Client::Impl::settle_lone_outcomes(const Now& now) {
  settle_shown_outcomes();
  writes_.expire(now.steady, told_);
  if (!told_.empty()) rebase({});
  // A schema that only own writes were in the way of.
  if (!next_schema_ || visible_.row_count() > 0) return;
  visible_.reset(*std::exchange(next_schema_, std::nullopt));
  on_visible_schema();
}

/// Those whose effects are shown, or never will be, since nothing is subscribed.
void Client::Impl::settle_shown_outcomes() {
  const bool waits = !subscriptions_.none_active();
  std::erase_if(lone_outcomes_, [&](const Outcome& outcome) {
    if (waits && (!live_ || outcome.version > visible_.cut())) return false;
    settle_write(outcome);
    return true;
  });
  if (lone_outcomes_.empty()) lone_bytes_ = 0;
}

/// The confirmed state or the pending writes have changed.
void Client::Impl::rebase(std::span<const RowEvent> events) {
  const bool tells = predicted_callbacks_.has_rows();
  settle_overlay();
  if (overlay_.is_idle()) {
    if (tells) predicted_events_.insert(predicted_events_.end(), events.begin(), events.end());
    return;
  }
  for (const RowEvent& event : events) overlay_.touch(event.entity);
  Overlay::Changes changes;
  overlay_.refresh(visible_, options_.merges, tells ? &changes : nullptr);
  if (!tells) return;
  predicted_changes(visible_, std::move(changes), overlay_, writes_.made(), events,
                    predicted_events_);
}

/// Tells the overlay which writes are pending no more. Entities first: it knows them by the ids
/// that they go by.
void Client::Impl::settle_overlay() {
  const PendingWrites::Settled settled = writes_.take_settled();
  for (const PendingWrites::Settled::Renamed& entity : settled.renamed) {
    overlay_.rename(visible_, entity.provisional, entity.from, entity.to);
    predicted_callbacks_.rename(entity.from, entity.to);
  }
  for (const PendingWrite& write : settled.gone) {
    for (const WriteDraft::Op& op : write.ops) {
      overlay_.drop(visible_, write.id, op, predicted_.entity(op.entity));
    }
  }
}

void Client::Impl::rebuild_overlay() {
  overlay_.clear();
  writes_.take_settled();
  for (const PendingWrite& write : writes_.all()) {
    for (const WriteDraft::Op& op : write.ops) {
      const EntityId entity = predicted_.entity(op.entity);
      overlay_.keep(write.id, op, entity);
      overlay_.touch(entity);
    }
  }
  overlay_.refresh(visible_, options_.merges, nullptr);
}

/// After the rows' own callbacks: what they see is what the outcome tells of.
void Client::Impl::show_predicted() {
  callbacks_.deliver_outcomes(std::exchange(told_, {}), &orphaned_);
  if (orphaned_) return;
  predicted_callbacks_.deliver(visible_, std::exchange(predicted_events_, {}), &orphaned_);
}

}  // namespace ecsdb
