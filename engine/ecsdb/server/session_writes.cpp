// A session's writes: taken in, refused, and told what became of them.
#include <algorithm>
#include <utility>

#include "ecsdb/base/mutant.h"
#include "ecsdb/server/session.h"

namespace ecsdb {
namespace {

constexpr size_t kOutcomeBytesMax = 48 * 1024;  // of one frame, unless a single one has more

size_t bytes_of(const Outcome& outcome) {
  size_t bytes = 64 + outcome.reason.size() + 10 * outcome.made.size();
  for (const FinalValue& final : outcome.finals) bytes += 64 + final.value.text.size();
  return bytes;
}

}  // namespace

Status Session::on_writes(SessionContext& context, ByteSpan head, const Now& now) {
  Writes message;
  ECSDB_TRY(decode_message(head, message));
  WriteRefused refused;
  if (message.client != client_) {
    refused.code = static_cast<uint16_t>(ErrorCode::kOtherClient);
    refused.reason = "this connection is client " + std::to_string(client_.value);
    return refuse_write(context, refused);
  }
  if (context.options.writes_waiting_max == 0 || database_ != kUserDatabase) {
    refused.code = static_cast<uint16_t>(ErrorCode::kNotPermitted);
    refused.reason = database_ == kUserDatabase ? "this server takes no writes of clients"
                                                : "the system database takes no writes";
    return refuse_write(context, refused);
  }
  if (writes_ == nullptr) writes_ = &context.desk.attach(client_, identity_, context.options);
  writes_->settle(message.settled_below);
  for (WriteEntry& entry : message.entries) {
    const auto taken = writes_->take(std::move(entry), now.steady, refused);
    if (!taken.ok()) return taken.error();
    switch (*taken) {
      case ClientWrites::Intake::kTaken:
        ++context.stats.writes_taken;
        break;
      case ClientWrites::Intake::kDuplicate:
        ++context.stats.writes_repeated;
        break;
      case ClientWrites::Intake::kPassedOver:
        ++context.stats.writes_passed_over;
        break;
      case ClientWrites::Intake::kRefused:
        ECSDB_TRY(refuse_write(context, refused));
        break;
    }
  }
  return {};
}

/// Like replies to subscribes, refusals must not fill our memory.
Status Session::refuse_write(SessionContext& context, const WriteRefused& refused) {
  ++context.stats.writes_refused;
  ECSDB_TRY(expect_reply_read("writes"));
  send(MessageType::kWriteRefused, refused);
  replies_end_ = out_.accepted() + out_.bytes();
  return {};
}

bool Session::has_outcomes(const SessionContext& context) const {
  return writes_ != nullptr && writes_->has_news(context.db.published());
}

/// In front of the advance that they belong to; or alone, to who holds nothing.
void Session::send_outcomes(SessionContext& context, bool are_alone) {
  if (writes_ == nullptr) return;
  std::vector<Outcome>& news = context.news;
  news.clear();
  Version until = context.db.published();
  if (ECSDB_MUTANT(outcome_after_effect) && !are_alone) until = sent_cut_;
  writes_->take_news(until, news);
  Outcomes message;
  message.is_alone = are_alone;
  message.outcomes.reserve(std::min(news.size(), kOutcomesPerFrameMax));
  size_t bytes = 0;
  for (Outcome& outcome : news) {
    const size_t more = bytes_of(outcome);
    const bool is_full = message.outcomes.size() == kOutcomesPerFrameMax ||
                         (!message.outcomes.empty() && bytes + more > kOutcomeBytesMax);
    if (is_full) {
      send(MessageType::kOutcomes, message);
      message.outcomes.clear();
      bytes = 0;
    }
    message.outcomes.push_back(std::move(outcome));
    bytes += more;
  }
  if (!message.outcomes.empty()) send(MessageType::kOutcomes, message);
}

/// Who subscribes to nothing gets no advances.
void Session::pump_outcomes(SessionContext& context) {
  if (phase_ != Phase::kReady || resuming_ || !out_.empty()) return;
  if (has_outcomes(context)) send_outcomes(context, true);
}

}  // namespace ecsdb
