#include "ecsdb/server/write_intake.h"

#include <algorithm>
#include <string>
#include <utility>

#include "ecsdb/base/mutant.h"

namespace ecsdb {
namespace {

constexpr uint32_t kQueueRetryMs = 50;

/// What an outcome has that a client can make large.
size_t final_bytes(const Outcome& outcome) {
  size_t bytes = 0;
  for (const FinalValue& final : outcome.finals) bytes += sizeof(final) + final.value.text.size();
  return bytes;
}

uint64_t hash_of(ByteSpan bytes) { return hash128(bytes).low; }

/// The first with such a sequence, or behind all that are lower.
template <class Range, class SequenceOf>
auto find_from(Range& range, uint64_t sequence, SequenceOf&& sequence_of) {
  return std::lower_bound(
      range.begin(), range.end(), sequence,
      [&](const auto& element, uint64_t want) { return sequence_of(element) < want; });
}

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
    record_bytes_ -= final_bytes(records_.front().outcome);
    records_.pop_front();
  }
}

void ClientWrites::on_connected() {
  if (ECSDB_MUTANT(duplicate_unanswered)) return;
  for (Decided& record : records_) untell(record);
}

void ClientWrites::untell(Decided& record) {
  if (!std::exchange(record.is_told, false)) return;
  const uint64_t sequence = record.outcome.sequence;
  told_below_ = untold_ == 0 ? sequence : std::min(told_below_, sequence);
  ++untold_;
}

Result<ClientWrites::Intake> ClientWrites::take(WriteEntry&& entry, Instant now,
                                                WriteRefused& refused) {
  const uint64_t sequence = sequence_of(entry.write);
  if (sequence == 0) return fail(ErrorCode::kFrameMalformed, "a write without a sequence");
  refused = WriteRefused{};
  refused.sequence = sequence;
  if (ECSDB_MUTANT(dedup_by_equality) ? sequence == last_ : sequence <= last_) {
    if (!ECSDB_MUTANT(no_dedup)) return take_again(sequence, hash_of(entry.write), now, refused);
  } else if (sequence != last_ + 1 && !ECSDB_MUTANT(dedup_by_equality)) {
    if (refused_ != 0) return Intake::kPassedOver;
    return fail(ErrorCode::kFrameMalformed, "write " + std::to_string(sequence) + " after " +
                                                std::to_string(last_) +
                                                ": those between are missing");
  }
  if (is_refused(entry, now, refused)) {
    refused_ = sequence;
    return Intake::kRefused;
  }
  refused_ = 0;
  rate_.spend(1, now);
  last_ = sequence;
  const uint64_t hash = hash_of(entry.write);
  queued_bytes_ += entry.write.size();
  queue_.push_back({sequence, entry.expires_ns, hash, std::move(entry.write)});
  ++all_queued_;
  return Intake::kTaken;
}

ClientWrites::Intake ClientWrites::take_again(uint64_t sequence, uint64_t hash, Instant now,
                                              WriteRefused& refused) {
  if (sequence < settled_below_) return Intake::kDuplicate;
  Decided* record = find_record(sequence);
  uint64_t known = hash;
  if (record != nullptr) {
    known = record->hash;
  } else if (const Queued* queued = find_queued(sequence)) {
    known = queued->hash;
  }
  if (ECSDB_MUTANT(queued_twice) && record == nullptr && find_queued(sequence) != nullptr) {
    const Queued again = *find_queued(sequence);
    queued_bytes_ += again.bytes.size();
    queue_.push_back(again);
    ++all_queued_;
    return Intake::kTaken;
  }
  if (known != hash) {
    refused.code = static_cast<uint16_t>(ErrorCode::kWriteReused);
    refused.reason = "sequence " + std::to_string(sequence) + " was another write before";
    return Intake::kRefused;
  }
  // At the rate of new ones: what is told again is paid for once more.
  if (record == nullptr || !rate_.has(1, now) || ECSDB_MUTANT(duplicate_unanswered)) {
    return Intake::kDuplicate;
  }
  rate_.spend(1, now);
  untell(*record);
  return Intake::kDuplicate;
}

bool ClientWrites::is_refused(const WriteEntry& entry, Instant now, WriteRefused& refused) {
  if (!rate_.has(1, now)) {
    refused.code = static_cast<uint16_t>(ErrorCode::kRateLimited);
    refused.reason = "more writes a second than this server allows";
    const Duration wait = rate_.ready_at(now) - now;
    refused.retry_after_ms =
        static_cast<uint32_t>(std::clamp<int64_t>(wait.to_ms() + 1, 1, 60'000));
    return true;
  }
  const bool has_room = queue_.empty() || queued_bytes_ + entry.write.size() <= bytes_max_;
  if (waiting() < waiting_max_ && has_room) return false;
  refused.code = static_cast<uint16_t>(ErrorCode::kQueueFull);
  refused.reason = std::to_string(waiting()) + " writes with " + std::to_string(queued_bytes_) +
                   " bytes wait to be decided or settled";
  refused.retry_after_ms = kQueueRetryMs;
  return true;
}

void ClientWrites::peek(Instant now, Next& next) const {
  ECSDB_CHECK(undecided() > 0);
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
    queued_bytes_ -= queue_.front().bytes.size();
    queue_.pop_front();
    --all_queued_;
    if (ECSDB_MUTANT(rejection_blocks) && decided.outcome.kind == OutcomeKind::kRejected) {
      last_ = decided.outcome.sequence - 1;
      refused_ = decided.outcome.sequence;
    }
    if (decided.outcome.sequence < settled_below_) continue;  // nobody asks any more
    decided.is_told = true;
    const size_t bytes = final_bytes(decided.outcome);
    if (record_bytes_ + bytes <= bytes_max_) {
      record_bytes_ += bytes;
    } else {
      decided.outcome.finals = {};  // the client finds them in the rows
    }
    untell(records_.emplace_back(std::move(decided)));
  }
  decided_.clear();
}

const ClientWrites::Decided* ClientWrites::find(uint64_t sequence) const {
  const auto found = find_from(decided_, sequence,
                               [](const Decided& decided) { return decided.outcome.sequence; });
  if (found != decided_.end() && found->outcome.sequence == sequence) return &*found;
  return const_cast<ClientWrites*>(this)->find_record(sequence);
}

std::deque<ClientWrites::Decided>::iterator ClientWrites::records_from(uint64_t sequence) {
  return find_from(records_, sequence,
                   [](const Decided& record) { return record.outcome.sequence; });
}

ClientWrites::Decided* ClientWrites::find_record(uint64_t sequence) {
  const auto found = records_from(sequence);
  const bool is_there = found != records_.end() && found->outcome.sequence == sequence;
  return is_there ? &*found : nullptr;
}

const ClientWrites::Queued* ClientWrites::find_queued(uint64_t sequence) const {
  const auto found =
      find_from(queue_, sequence, [](const Queued& queued) { return queued.sequence; });
  return found != queue_.end() && found->sequence == sequence ? &*found : nullptr;
}

EntityId ClientWrites::made_by(uint64_t sequence, uint64_t op) const {
  const Decided* decided = find(sequence);
  if (decided == nullptr) return {};
  for (const MadeEntity& made : decided->made) {
    if (made.op == op) return made.entity;
  }
  return {};
}

bool ClientWrites::has_news(Version published) {
  if (untold_ == 0) return false;
  return std::any_of(records_from(told_below_), records_.end(), [&](const Decided& record) {
    return !record.is_told && record.outcome.version <= published;
  });
}

void ClientWrites::take_news(Version published, std::vector<Outcome>& out) {
  if (untold_ == 0) return;
  uint64_t below = last_ + 1;
  for (auto at = records_from(told_below_); at != records_.end(); ++at) {
    if (at->is_told) continue;
    if (at->outcome.version > published) {
      below = std::min(below, at->outcome.sequence);
      continue;
    }
    at->is_told = true;
    --untold_;
    out.push_back(at->outcome);
  }
  told_below_ = below;
}

}  // namespace ecsdb
