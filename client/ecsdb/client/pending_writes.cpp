#include "ecsdb/client/pending_writes.h"

#include <algorithm>
#include <utility>

#include "ecsdb/base/mutant.h"

namespace ecsdb {
namespace {

size_t memory_of(const PendingWrite& write) {
  size_t bytes = sizeof(write);
  for (const WriteDraft::Op& op : write.ops) {
    bytes += sizeof(op);
    for (const WriteDraft::Field& field : op.fields) {
      // Once as it is, and once as it is sent.
      bytes += sizeof(field) + 2 * (field.base.text.size() + field.value.text.size());
    }
  }
  return bytes;
}

/// Of a write as it is numbered, at the most: which numbers it will hold is not known yet.
size_t wire_bytes_max(const PendingWrite& write) {
  constexpr size_t kHead = 5 * 10 + 1 + 2 * 3;  // five numbers, the level, two counts
  constexpr size_t kOp = 1 + 3 + 2 * 10 + 2;    // kind, table, whose entity, count of fields
  size_t bytes = kHead + write.ops.size() * kOp;
  for (const WriteDraft::Op& op : write.ops) {
    for (const WriteDraft::Field& field : op.fields) {
      bytes += 3 + canonical_value_bytes(field.base) + canonical_value_bytes(field.value);
    }
  }
  return bytes;
}

}  // namespace

Status PendingWrites::check(const PendingWrite& write) const {
  if (write.ops.empty() && write.resolves == 0) {
    return fail(ErrorCode::kLimitExceeded, "a write without operations");
  }
  // No server takes more: it would end this connection and every later one.
  const size_t bytes = wire_bytes_max(write);
  if (write.ops.size() > kWriteOpsMax || bytes > kWriteBytesMax) {
    return fail(ErrorCode::kLimitExceeded,
                std::to_string(write.ops.size()) + " operations in " + std::to_string(bytes) +
                    " bytes; a write has at most " + std::to_string(kWriteOpsMax) + " in " +
                    std::to_string(kWriteBytesMax) + ", with what its fields were before");
  }
  for (const WriteDraft::Op& op : write.ops) {
    if (op.kind != WriteOpKind::kSpawn) continue;
    if (!spawns_.contains(op.entity) && !made_.contains(op.entity)) continue;
    return fail(ErrorCode::kWriteReused, "a copy of a draft that was submitted makes its entities");
  }
  return {};
}

Result<WriteId> PendingWrites::add(PendingWrite write) {
  ECSDB_TRY(check(write));
  const size_t bytes = memory_of(write);
  if (writes_.size() >= limits_.writes_max || bytes_ + bytes > limits_.bytes_max) {
    return fail(ErrorCode::kQueueFull, std::to_string(writes_.size()) +
                                           " writes are pending; submit again when some are "
                                           "decided, or raise writes_pending_max");
  }
  write.id = WriteId{++last_id_};
  bytes_ += bytes;
  for (uint32_t i = 0; i < write.ops.size(); ++i) {
    if (write.ops[i].kind == WriteOpKind::kSpawn) spawns_[write.ops[i].entity] = {write.id, 0, i};
  }
  if (write.deadline != Instant::never()) deadlines_.insert({write.deadline, write.id});
  writes_.push_back(std::move(write));
  return WriteId{last_id_};
}

WriteState PendingWrites::state(WriteId id) const {
  if (id.value == 0 || id.value > last_id_) return WriteState::kNone;
  const auto at =
      std::lower_bound(writes_.begin(), writes_.end(), id,
                       [](const PendingWrite& write, WriteId want) { return write.id < want; });
  if (at == writes_.end() || at->id != id) return WriteState::kDone;
  if (at->is_late) return WriteState::kLate;
  return at->sequence == 0 ? WriteState::kQueued : WriteState::kSent;
}

void PendingWrites::forget(std::deque<PendingWrite>::iterator at) {
  bytes_ -= memory_of(*at);
  for (const WriteDraft::Op& op : at->ops) {
    if (op.kind == WriteOpKind::kSpawn) spawns_.erase(op.entity);
  }
  unsend(*at);
  forget_reference(*at);
  if (at->deadline != Instant::never()) deadlines_.erase({at->deadline, at->id});
  settled_.gone.push_back(std::move(*at));
  writes_.erase(at);
}

void PendingWrites::forget_reference(PendingWrite& write) {
  const auto referred = referred_.find(std::exchange(write.refers_to, 0));
  if (referred != referred_.end() && --referred->second == 0) referred_.erase(referred);
}

void PendingWrites::unsend(PendingWrite& write) {
  if (std::exchange(write.is_sent, false)) --sent_;
}

WriteOutcome PendingWrites::outcome_of(const PendingWrite& write, WriteOutcome::Kind kind,
                                       ErrorCode code) {
  WriteOutcome outcome;
  outcome.id = write.id;
  outcome.kind = kind;
  outcome.code = code;
  outcome.reason = std::string(error_text(code));
  return outcome;
}

// ---- Connections ----

void PendingWrites::on_session(bool goes_on, bool keeps_unsent, ErrorCode code,
                               std::vector<WriteOutcome>& outcomes) {
  if (goes_on) return;
  for (auto at = writes_.begin(); at != writes_.end();) {
    const bool was_sent = at->sequence != 0;
    if (!was_sent && keeps_unsent) {
      ++at;
      continue;
    }
    outcomes.push_back(outcome_of(
        *at, was_sent ? WriteOutcome::Kind::kUnknown : WriteOutcome::Kind::kRejected, code));
    const size_t index = static_cast<size_t>(at - writes_.begin());
    forget(at);
    at = writes_.begin() + static_cast<ptrdiff_t>(index);
  }
  last_sequence_ = skipped_ = 0;
  told_below_ = 1;
}

/// Of the one that was numbered last.
void PendingWrites::take_number_back(PendingWrite& write) {
  ECSDB_CHECK(write.sequence == last_sequence_);
  write.sequence = 0;
  --last_sequence_;
  forget_reference(write);
  write.bytes.clear();
  for (const WriteDraft::Op& op : write.ops) {
    if (op.kind == WriteOpKind::kSpawn) spawns_[op.entity].sequence = 0;
  }
}

void PendingWrites::on_disconnected() {
  for (PendingWrite& write : writes_) unsend(write);
  retry_at_ = Instant::never();
  if (ECSDB_MUTANT(queue_truncated)) {
    while (writes_.size() > 1) forget(writes_.end() - 1);
  }
}

bool PendingWrites::is_in_order() {
  return !ECSDB_MUTANT(resend_reversed) && !ECSDB_MUTANT(rejection_stays);
}

/// Puts them in the order that they are to be sent in, which they are in already.
void PendingWrites::put_in_order() {
  if (ECSDB_MUTANT(resend_reversed)) {
    std::sort(writes_.begin(), writes_.end(), [](const PendingWrite& a, const PendingWrite& b) {
      return a.sequence != 0 && b.sequence != 0 ? a.sequence > b.sequence : a.id < b.id;
    });
  }
}

size_t PendingWrites::first_unsent() const { return is_in_order() ? sent_ : 0; }

/// Behind a number that is given up: the server knows of that only once all before it are settled.
bool PendingWrites::is_held(const PendingWrite& write) const {
  const bool is_behind = write.sequence == 0 || write.sequence > skipped_;
  return skipped_ != 0 && is_behind && settled_below() <= skipped_;
}

/// The server counts what is not settled, which may be more than what is not decided.
bool PendingWrites::has_room(const PendingWrite& write, size_t window) const {
  if (sent_ >= std::min(window, window_)) return false;
  return write.sequence != 0 || last_sequence_ + 1 - settled_below() < window;
}

bool PendingWrites::is_due(size_t window) const {
  if (retry_at_ != Instant::never()) return false;
  for (size_t i = first_unsent(); i < writes_.size(); ++i) {
    const PendingWrite& write = writes_[i];
    if (!write.is_sent) return !is_held(write) && has_room(write, window);
  }
  return false;
}

/// References to what is before a number that is given up are given up with it, or those behind it
/// would wait for ever.
uint64_t PendingWrites::settled_below() const {
  uint64_t below = last_sequence_ + 1;
  const uint64_t referred = referred_.empty() ? below : referred_.begin()->first;
  for (const PendingWrite& write : writes_) {
    if (write.sequence != 0) below = std::min(below, write.sequence);
    if (is_in_order()) break;  // the first has the lowest
  }
  if (below <= skipped_) return std::min(below, referred);
  return std::max(std::min(below, referred), skipped_ + 1);
}

// ---- Numbering ----

void PendingWrites::number(PendingWrite& write, const Schema& schema) {
  write.sequence = ++last_sequence_;
  Write& message = message_;
  message.ops.clear();
  message.fields.clear();
  message.sequence = write.sequence;
  message.epoch = write.epoch;
  message.base = write.base;
  message.stamp = write.stamp;
  message.level = write.level;
  message.resolves = write.resolves;
  for (const WriteDraft::Op& op : write.ops) {
    WriteOp& out = message.ops.emplace_back();
    out.kind = op.kind;
    if (op.kind == WriteOpKind::kSpawn) {
      spawns_[op.entity].sequence = write.sequence;
      continue;
    }
    name_entity(op.entity, write, out);
    if (op.kind == WriteOpKind::kDespawn) continue;
    const TableDef& table = schema.table(op.table);
    out.table = table.id;
    out.field_count = static_cast<uint32_t>(op.fields.size());
    for (const WriteDraft::Field& field : op.fields) {
      message.fields.push_back({table.fields[field.field].id, field.base, field.value});
    }
  }
  if (write.refers_to != 0) ++referred_[write.refers_to];
  encoded_.clear();
  ByteWriter out(encoded_);
  encode_fields(message, out);
  write.bytes = encoded_;  // no larger than they are
}

/// By its id if that is known, else by the write that makes it. One that nothing makes any more is
/// unknown to the server as well.
void PendingWrites::name_entity(EntityId entity, PendingWrite& write, WriteOp& op) const {
  op.entity = entity.value;
  if (!is_provisional(entity)) return;
  if (const auto made = made_.find(entity); made != made_.end()) {
    op.entity = made->second.value;
    return;
  }
  const auto spawn = spawns_.find(entity);
  if (spawn == spawns_.end() || spawn->second.sequence == 0) return;
  op.made_by = spawn->second.sequence;
  op.entity = spawn->second.op;
  if (op.made_by == write.sequence) return;
  write.refers_to = write.refers_to == 0 ? op.made_by : std::min(write.refers_to, op.made_by);
}

// ---- What the server says ----

std::deque<PendingWrite>::iterator PendingWrites::find(uint64_t sequence) {
  if (sequence == 0) return writes_.end();
  if (!is_in_order()) {
    return std::find_if(writes_.begin(), writes_.end(),
                        [&](const PendingWrite& write) { return write.sequence == sequence; });
  }
  const auto at = std::partition_point(
      writes_.begin(), writes_.end(),
      [&](const PendingWrite& write) { return write.sequence != 0 && write.sequence < sequence; });
  return at != writes_.end() && at->sequence == sequence ? at : writes_.end();
}

void PendingWrites::on_refused(const WriteRefused& refused, Instant now,
                               std::vector<WriteOutcome>& outcomes) {
  const auto at = find(refused.sequence);
  if (at == writes_.end()) return;
  const uint64_t sequence = at->sequence;
  if (refused.retry_after_ms > 0) {
    retry_at_ = now + Duration::ms(refused.retry_after_ms);
  } else {
    const ErrorCode code = error_is_known(refused.code) ? static_cast<ErrorCode>(refused.code)
                                                        : ErrorCode::kNotPermitted;
    WriteOutcome outcome = outcome_of(*at, WriteOutcome::Kind::kRejected, code);
    if (!refused.reason.empty()) outcome.reason = refused.reason;
    outcomes.push_back(std::move(outcome));
    forget(at);
    skipped_ = std::max(skipped_, sequence);
  }
  for (PendingWrite& write : writes_) {
    if (write.sequence >= sequence) unsend(write);  // they were passed over
  }
  if (refused.retry_after_ms > 0) window_ = std::max<size_t>(1, sent_ / 2);
}

std::optional<WriteOutcome> PendingWrites::on_outcome(const Outcome& outcome,
                                                      const Schema& schema) {
  const auto at = find(outcome.sequence);
  if (at == writes_.end()) return std::nullopt;
  if (window_ < SIZE_MAX) ++window_;
  WriteOutcome out;
  out.id = at->id;
  out.kind = static_cast<WriteOutcome::Kind>(outcome.kind);
  out.version = outcome.version;
  out.code = error_is_known(outcome.code) ? static_cast<ErrorCode>(outcome.code)
                                          : ErrorCode::kNotPermitted;
  out.reason = outcome.reason;
  size_t spawn = 0;
  for (const WriteDraft::Op& op : at->ops) {
    if (op.kind != WriteOpKind::kSpawn || spawn == outcome.made.size()) continue;
    const EntityId entity = outcome.made[spawn++];
    out.made.push_back({op.entity, entity});
    made_order_.push_back(op.entity);
    rename(op.entity, entity);
  }
  for (; made_order_.size() > kMadeMax; made_order_.pop_front()) {
    rename(made_order_.front(), made_order_.front());
    made_.erase(made_order_.front());
  }
  for (const FinalValue& final : outcome.finals) {
    if (final.op >= at->ops.size()) continue;
    const uint16_t table = at->ops[final.op].table;
    if (table >= schema.table_count()) continue;
    const std::vector<FieldDef>& fields = schema.table(table).fields;
    for (uint16_t i = 0; i < fields.size(); ++i) {
      if (fields[i].id != final.field || !check_canonical(fields[i], final.value).ok()) continue;
      out.finals.push_back({final.op, table, i, from_canonical(fields[i], final.value)});
    }
  }
  if (ECSDB_MUTANT(rejection_stays) && out.kind == WriteOutcome::Kind::kRejected) {
    at->sequence = ~uint64_t{0};
    return out;
  }
  forget(at);
  return out;
}

/// From what it has gone by until now.
void PendingWrites::rename(EntityId provisional, EntityId to) {
  EntityId& made = made_.try_emplace(provisional, provisional).first->second;
  settled_.renamed.push_back({provisional, std::exchange(made, to), to});
}

void PendingWrites::expire(Instant now, std::vector<WriteOutcome>& outcomes) {
  if (deadlines_.empty() || now < deadlines_.begin()->first) return;
  for (size_t i = 0; i < writes_.size();) {
    PendingWrite& write = writes_[i];
    if (write.is_late || now < write.deadline) {
      ++i;
      continue;
    }
    write.is_late = true;
    deadlines_.erase({write.deadline, write.id});
    const bool never_left = write.sequence == 0;
    WriteOutcome outcome =
        outcome_of(write, never_left ? WriteOutcome::Kind::kExpired : WriteOutcome::Kind::kUnknown,
                   ErrorCode::kWriteExpired);
    outcome.is_open = !never_left;
    outcomes.push_back(std::move(outcome));
    if (never_left) {
      forget(writes_.begin() + static_cast<ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
}

Instant PendingWrites::next_deadline() const {
  return deadlines_.empty() ? retry_at_ : std::min(retry_at_, deadlines_.begin()->first);
}

}  // namespace ecsdb
