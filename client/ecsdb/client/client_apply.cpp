// Syncs and advances: taking them in, and applying them.
#include <algorithm>
#include <utility>

#include "ecsdb/base/mutant.h"
#include "ecsdb/client/client_impl.h"

namespace ecsdb {

Status Client::Impl::on_sync_begin(ByteSpan head) {
  if (state_ != State::kReady || sync_.active || resuming_) {
    return fail(ErrorCode::kUnexpectedMessage, "sync_begin");
  }
  SyncBegin begin;
  ECSDB_TRY(decode_message(head, begin));
  sync_position_ = {auth_reply_.database_id, auth_reply_.epoch};
  sync_ = SyncUnderWay{};
  sync_.active = true;
  sync_.version = begin.version;
  sync_.rows_total = begin.rows;
  sync_.bytes_total = begin.bytes;
  staged_.reset(schema());
  staged_.set_rows_max(options_.rows_max);
  staged_.set_features(features_);
  staged_.start_sync(begin.version);
  if (live_) return {};
  events_.push_back({ClientEvent::Kind::kSyncing, ErrorCode::kOk, {}, {}});
  return {};
}

/// The advance that ends the sync has come, or a part of it.
bool Client::Impl::is_sync_ending() const {
  if (!live_) return has_arriving_ || !pending_.empty();
  return pending_sync_ends_ > 0 ||
         (has_arriving_ && arriving_.head.kind() == AdvanceKind::kSyncEnd);
}

Status Client::Impl::on_sync_mark(ByteSpan head) {
  if (!sync_.active || is_sync_ending() || resuming_) {
    return fail(ErrorCode::kUnexpectedMessage, "sync_mark");
  }
  SyncMark mark;
  ECSDB_TRY(decode_message(head, mark));
  const bool is_ahead = mark.done > sync_.mark.done ||
                        (mark.done == sync_.mark.done && mark.begun >= sync_.mark.begun &&
                         mark.next_index >= sync_.mark.next_index);
  if (!is_ahead || mark.begun < mark.done || mark.begun > sync_.order.size()) {
    return fail(ErrorCode::kFrameMalformed, "a sync_mark that does not fit the sync");
  }
  sync_.mark = mark;
  return {};
}

Status Client::Impl::on_chunk(const Frame& frame, const Now& now) {
  if (!sync_.active || is_sync_ending() || resuming_) {
    return fail(ErrorCode::kUnexpectedMessage, "sync_chunk");
  }
  Advance head;
  ECSDB_TRY(decode_message(frame.head, head));
  ReceivedAdvance chunk;
  chunk.add(std::move(head), frame.tail, frame.bytes);
  ECSDB_TRY(staged_.apply_chunk(chunk, live_ ? &visible_ : nullptr));
  for (const CellEnter& enter : chunk.head.enters) sync_.order.push_back(enter.handle);
  sync_.add_bytes(frame.bytes, now.steady);
  return {};
}

Status Client::Impl::on_advance(const Frame& frame) {
  Advance head;
  ECSDB_TRY(decode_message(frame.head, head));
  if (resuming_ || (!sync_.active && !live_)) {
    return fail(ErrorCode::kUnexpectedMessage, "advance before a sync");
  }
  if (head.begin() == has_arriving_) {
    return fail(ErrorCode::kFrameMalformed, "an advance begins inside another, or in its middle");
  }
  if (head.begin()) {
    arriving_ = ReceivedAdvance{};
    if (!spare_.empty()) {
      arriving_ = std::move(spare_.back());
      spare_.pop_back();
      arriving_.clear();
    }
    arriving_.outcomes = std::exchange(next_outcomes_, {});
    arriving_.outcome_bytes = std::exchange(outcome_bytes_, 0);
    ECSDB_TRY(take_events(head));
  } else {
    const Advance& begun = arriving_.head;
    if (head.kind() != begun.kind() || head.from != begun.from || head.to() != begun.to() ||
        head.commit_time_ns != begun.commit_time_ns) {
      return fail(ErrorCode::kFrameMalformed, "frames of one advance disagree");
    }
  }
  arriving_.add(std::move(head), frame.tail, frame.bytes);
  has_arriving_ = true;
  ECSDB_TRY(check_received());
  has_arriving_ = !arriving_.head.end();
  if (!has_arriving_) {
    server_head_ = std::max(server_head_, arriving_.head.to());
    ++received_advances_;
    pending_bytes_ += arriving_.memory_bytes();
    pending_sync_ends_ += arriving_.head.kind() == AdvanceKind::kSyncEnd ? 1 : 0;
    pending_.push_back(std::move(arriving_));
  }
  return {};
}

/// What waits for poll() has a bound.
Status Client::Impl::check_received() const {
  const size_t arriving = has_arriving_ ? arriving_.memory_bytes() : 0;
  const size_t bytes = pending_bytes_ + arriving + outcome_bytes_ + lone_bytes_;
  if (bytes <= options_.pending_bytes_max) return {};
  return fail(ErrorCode::kClientLimit, "more than pending_bytes_max received without poll()");
}

// ---- Applying ----

size_t Client::Impl::poll(const Now& now, size_t cuts_max) {
  ECSDB_CHECK(!polling_);
  polling_ = true;
  size_t cuts = 0;
  settle_lone_outcomes(now);
  show_predicted();
  if (fork_ && cuts_max > 0 && !orphaned_) {
    roll_back(now);
    ++cuts;
    show_events();
  }
  while (cuts < cuts_max && !pending_.empty() && !orphaned_) {
    const Status status = apply_next(now);
    if (!status.ok()) {
      fault(status.error(), now);
      break;
    }
    ++cuts;
    report_divergence();
    compare_samples(now);
    show_events();
  }
  if (!orphaned_) show_moved_areas();
  polling_ = false;
  return cuts;
}

/// What the last cut, or the step back to one, has changed.
void Client::Impl::show_events() {
  update_areas(row_events_);
  callbacks_.deliver(visible_, row_events_, &orphaned_);
  if (!orphaned_) callbacks_.deliver_areas(area_events_, &orphaned_);
  if (!orphaned_) show_schema_events();
  if (!orphaned_) show_predicted();
}

/// Back to a cut that the server's history has, too. Up to the fork its versions are those of the
/// history that the server is in now.
void Client::Impl::roll_back(const Now& now) {
  row_events_.clear();
  ECSDB_CHECK(visible_.roll_back(*std::exchange(fork_, std::nullopt), noted_events()));
  position_ = {auth_reply_.database_id, auth_reply_.epoch};
  rebase_noted();
  ++stats_.rollbacks;
  stats_.rows_changed += row_events_.size();
  if (state_ == State::kWaiting) dial(now);
}

/// After a cut; its events are for the application only if it wants any.
void Client::Impl::rebase_noted() {
  rebase(row_events_);
  if (!wants_events()) row_events_.clear();
}

/// A sync is complete: what was staged becomes visible.
void Client::Impl::show_staged(std::vector<RowEvent>* events) {
  if (next_schema_) {
    visible_.replace(std::move(staged_), events);
    next_schema_.reset();
    on_visible_schema();
  } else {
    visible_.adopt(std::move(staged_), events);
  }
  staged_ = Replica();
}

Status Client::Impl::apply_next(const Now& now) {
  ReceivedAdvance advance = std::move(pending_.front());
  pending_.pop_front();
  pending_bytes_ -= advance.memory_bytes();
  row_events_.clear();
  std::vector<RowEvent>* events = noted_events();
  const bool ends_sync = advance.head.kind() == AdvanceKind::kSyncEnd;
  if (ends_sync) --pending_sync_ends_;
  if (ends_sync && !sync_.active) {
    return fail(ErrorCode::kUnexpectedMessage, "the end of a full sync that never began");
  }
  if (!live_) {
    if (!ends_sync) {
      return fail(ErrorCode::kUnexpectedMessage, "an advance in the middle of a full sync");
    }
    ECSDB_TRY(staged_.apply(advance, nullptr));
    show_staged(events);
    on_synced(now);
  } else {
    remember_diverged(advance.head);
    ECSDB_TRY(visible_.apply(advance, events, sync_.active ? &staged_ : nullptr));
#if defined(ECSDB_MUTANTS)
    if (ECSDB_MUTANT(apply_twice) && advance.head.to().value % 64 == 0) {
      ECSDB_TRY(visible_.apply_again(advance));
    }
#endif
    if (ends_sync) drop_sync();
    ++stats_.advances;
  }
  // One step: what a write has done, and that it is pending no more.
  for (const Outcome& outcome : advance.outcomes) settle_write(outcome);
  settle_shown_outcomes();
  rebase_noted();
  stats_.events += advance.events.size();
  stats_.events_missed += advance.events_missed;
  told_events_ = std::move(advance.events);
  ++applied_advances_;
  stats_.rows_changed += row_events_.size();
  consumed_bytes_ += advance.stream_bytes;
  if (spare_.size() < 4) spare_.push_back(std::move(advance));
  return {};
}

/// The first full sync of a connection is applied.
void Client::Impl::on_synced(const Now&) {
  drop_sync();
  live_ = true;
  has_position_ = true;
  has_rolled_back_ = false;
  position_ = {auth_reply_.database_id, auth_reply_.epoch};
  ++stats_.full_syncs;
  events_.push_back({ClientEvent::Kind::kSynced, ErrorCode::kOk, {}, {}});
  become_live();
  ready_due_ = true;
  if (!options_.ready_by_hand) send_ready();
}

void Client::Impl::send_ready() {
  if (state_ != State::kReady || !live_ || !std::exchange(ready_due_, false)) return;
  send(MessageType::kClientReady, ClientReady{visible_.cut()});
}

void Client::Impl::drop_sync() {
  sync_ = SyncUnderWay{};
  staged_ = Replica();
}

SyncStatus Client::Impl::sync() const {
  SyncStatus status;
  status.rows_done = staged_.row_count();
  status.rows_total = sync_.rows_total;
  status.bytes_done = sync_.bytes_done;
  status.bytes_total = sync_.bytes_total;
  status.bytes_per_second = sync_.bytes_per_second;
  if (sync_.bytes_per_second > 0 && sync_.bytes_total >= sync_.bytes_done) {
    const uint64_t left = sync_.bytes_total - sync_.bytes_done;
    status.remaining = Duration::ms(static_cast<int64_t>(left * 1000 / sync_.bytes_per_second));
  }
  switch (state_) {
    case State::kIdle:
      status.phase = SyncStatus::Phase::kIdle;
      status.why_not = "not asked to connect";
      break;
    case State::kWaiting:
    case State::kDialling:
      status.phase = SyncStatus::Phase::kConnecting;
      status.why_not = "not connected";
      break;
    case State::kPreface:
    case State::kAuth:
    case State::kSchema:
      status.phase = SyncStatus::Phase::kHandshake;
      break;
    case State::kReady:
      status.phase = SyncStatus::Phase::kSyncing;
      explain_ready(status);
      break;
  }
  return status;
}

void Client::Impl::explain_ready(SyncStatus& status) const {
  if (live_) {
    status.phase = SyncStatus::Phase::kLive;
    if (ready_due_) status.why_not = "waits for set_ready()";
    if (subscriptions_.none_active()) status.why_not = subscriptions_.why_none();
  } else if (!sync_.active && subscriptions_.none_active()) {
    status.phase = SyncStatus::Phase::kNotSubscribed;
    status.why_not = subscriptions_.why_none();
  } else if (!sync_.active) {
    status.why_not = "waits for the server";
  } else if (auth_reply_.budget_bytes > 0 &&
             last_received_ > sync_.last_chunk_at + Duration::ms(500)) {
    status.why_not = "waits for the server's budget of " +
                     std::to_string(auth_reply_.budget_bytes) + " bytes a second";
  }
}

}  // namespace ecsdb
