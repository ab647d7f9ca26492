#include "ecsdb/server/write_intake.h"

#include <algorithm>
#include <string>
#include <utility>

#include "ecsdb/base/mutant.h"

namespace ecsdb {
namespace {

constexpr uint32_t kQueueRetryMs = 50;

uint64_t hash_of(ByteSpan bytes) { return hash128(bytes).low; }

/// It stands first in a write, so that a refusal can name what does not decode.
uint64_t sequence_of(ByteSpan write) {
  ByteReader in(write);
  return in.varint();
}

}  // namespace

void ClientWrites::settle(uint64_t below) {
  if (below <= settled_below_) return;
  settled_below_ = below;
  last_ = std::max(last_, below - 1);
  if (refused_ < below) refused_ = 0;
  while (!records_.empty() && records_.front().outcome.sequence < below) {
    if (!records_.front().is_told) --untold_;
    records_.pop_front();
  }
}

void ClientWrites::on_connected() {
  if (ECSDB_MUTANT(duplicate_unanswered)) return;
  for (Decided& record : records_) record.is_told = false;
  untold_ = records_.size();
}

Result<ClientWrites::Intake> ClientWrites::take(const WriteEntry& entry, Instant now,
                                                WriteRefused& refused) {
  const uint64_t sequence = sequence_of(entry.write);
  if (sequence == 0) return fail(ErrorCode::kFrameMalformed, "a write without a sequence");
  refused = WriteRefused{};
  refused.sequence = sequence;
  if (ECSDB_MUTANT(dedup_by_equality) ? sequence == last_ : sequence <= last_) {
    if (!ECSDB_MUTANT(no_dedup)) return take_again(sequence, hash_of(entry.write), refused);
  } else if (sequence != last_ + 1 && !ECSDB_MUTANT(dedup_by_equality)) {
    if (refused_ != 0) return Intake::kPassedOver;
    return fail(ErrorCode::kFrameMalformed, "write " + std::to_string(sequence) + " after " +
                                                std::to_string(last_) +
                                                ": those between are missing");
  }
  if (is_refused(sequence, now, refused)) {
    refused_ = sequence;
    return Intake::kRefused;
  }
  refused_ = 0;
  rate_.spend(1, now);
  last_ = sequence;
  queue_.push_back({sequence, entry.expires_ns, hash_of(entry.write), entry.write});
  return Intake::kTaken;
}

ClientWrites::Intake ClientWrites::take_again(uint64_t sequence, uint64_t hash,
                                              WriteRefused& refused) {
  if (sequence < settled_below_) return Intake::kDuplicate;
  Decided* record = find_record(sequence);
  uint64_t known = hash;
  if (record != nullptr) {
    known = record->hash;
  } else {
    for (const Queued& queued : queue_) {
      if (queued.sequence == sequence) known = queued.hash;
    }
  }
  if (ECSDB_MUTANT(queued_twice) && record == nullptr) {
    const std::deque<Queued> queued = queue_;
    for (const Queued& one : queued) {
      if (one.sequence == sequence) queue_.push_back(one);
    }
  }
  if (known != hash) {
    refused.code = static_cast<uint16_t>(ErrorCode::kWriteReused);
    refused.reason = "sequence " + std::to_string(sequence) + " was another write before";
    return Intake::kRefused;
  }
  if (record != nullptr && record->is_told && !ECSDB_MUTANT(duplicate_unanswered)) {
    record->is_told = false;
    ++untold_;
  }
  return Intake::kDuplicate;
}

bool ClientWrites::is_refused(uint64_t sequence, Instant now, WriteRefused& refused) {
  if (!rate_.has(1, now)) {
    refused.code = static_cast<uint16_t>(ErrorCode::kRateLimited);
    refused.reason = "more writes a second than this server allows";
    const Duration wait = rate_.ready_at(now) - now;
    refused.retry_after_ms =
        static_cast<uint32_t>(std::clamp<int64_t>(wait.to_ms() + 1, 1, 60'000));
    return true;
  }
  if (waiting() < waiting_max_) return false;
  refused.code = static_cast<uint16_t>(ErrorCode::kQueueFull);
  refused.reason = std::to_string(waiting_max_) + " writes wait before " +
                   std::to_string(sequence) + " or are not settled";
  refused.retry_after_ms = kQueueRetryMs;
  return true;
}

void ClientWrites::peek(Instant now, Next& next) const {
  const Queued& queued = queue_[decided_.size()];
  next.is_expired = queued.expires_ns != 0 && static_cast<uint64_t>(now.ns) > queued.expires_ns;
  next.is_whole = decode_message(queued.bytes, next.write).ok();
}

void ClientWrites::decide(Outcome outcome, const std::vector<MadeEntity>& made) {
  const Queued& queued = queue_[decided_.size()];
  decided_.push_back({queued.hash, std::move(outcome), made, false});
}

void ClientWrites::commit() {
  for (Decided& decided : decided_) {
    queue_.pop_front();
    if (ECSDB_MUTANT(rejection_blocks) && decided.outcome.kind == OutcomeKind::kRejected) {
      last_ = decided.outcome.sequence - 1;
      refused_ = decided.outcome.sequence;
    }
    if (decided.outcome.sequence < settled_below_) continue;  // nobody asks any more
    records_.push_back(std::move(decided));
    ++untold_;
  }
  decided_.clear();
}

const ClientWrites::Decided* ClientWrites::find(uint64_t sequence) const {
  for (const Decided& decided : decided_) {
    if (decided.outcome.sequence == sequence) return &decided;
  }
  return const_cast<ClientWrites*>(this)->find_record(sequence);
}

ClientWrites::Decided* ClientWrites::find_record(uint64_t sequence) {
  const auto found = std::lower_bound(
      records_.begin(), records_.end(), sequence,
      [](const Decided& record, uint64_t want) { return record.outcome.sequence < want; });
  const bool is_there = found != records_.end() && found->outcome.sequence == sequence;
  return is_there ? &*found : nullptr;
}

EntityId ClientWrites::made_by(uint64_t sequence, uint64_t op) const {
  const Decided* decided = find(sequence);
  if (decided == nullptr) return {};
  for (const MadeEntity& made : decided->made) {
    if (made.op == op) return made.entity;
  }
  return {};
}

bool ClientWrites::has_news(Version published) const {
  if (untold_ == 0) return false;
  return std::any_of(records_.begin(), records_.end(), [&](const Decided& record) {
    return !record.is_told && record.outcome.version <= published;
  });
}

void ClientWrites::take_news(Version published, std::vector<Outcome>& out) {
  if (untold_ == 0) return;
  for (Decided& record : records_) {
    if (record.is_told || record.outcome.version > published) continue;
    record.is_told = true;
    --untold_;
    out.push_back(record.outcome);
  }
}

}  // namespace ecsdb
