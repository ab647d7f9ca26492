// A client's pending writes against a server's intake, over links that lose what is on its way.
#include "ecsdb/client/pending_writes.h"

#include <deque>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck.h>
#include <set>

#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/server/write_intake.h"

#include "property.h"

namespace ecsdb::properties {
namespace {

/// Both ends and the link between them, and what was seen on it.
class WriteLink {
 public:
  WriteLink() : schema_(make_schema()), writes_({64, 1u << 20}) {
    options_.writes_waiting_max = 1 + draw_below(8);
    options_.write_rate = draw_below(2) == 0 ? 0 : 20;
    options_.write_burst = 3;
    begin_session();
  }

  void act() {
    switch (draw_below(12)) {
      case 0:
      case 1:
      case 2:
        return submit();
      case 3:
      case 4:
        return take();
      case 5:
      case 6:
        return to_server();
      case 7:
        return decide(1 + draw_below(4));
      case 8:
      case 9:
        return to_client();
      case 10:
        return pass(Duration::ms(static_cast<int64_t>(draw_below(200))));
      case 11:
        return draw_below(4) == 0 ? lose_connection(draw_below(4) == 0) : to_client();
    }
  }
  /// Until nothing is left to do.
  void finish() {
    for (int i = 0; i < 2'000 && !writes_.empty(); ++i) {
      take();
      to_server();
      decide(4);
      to_client();
      pass(Duration::ms(60));
    }
    RC_ASSERT(writes_.empty());
    RC_ASSERT(ends_.size() == submitted_);
    for (const auto& [id, count] : ends_) RC_ASSERT(count == 1u);
    RC_ASSERT(decided_ + lost_ + given_up_ >= submitted_);
  }

 private:
  struct Reply {
    bool is_refusal = false;
    WriteRefused refused;
    Outcome outcome;
  };

  static Schema make_schema() {
    return SchemaBuilder("w")
        .table(1, "t")
        .write("")
        .field(1, "n", FieldType::kU32)
        .build()
        .value();
  }
  Instant now() const { return now_; }
  void pass(Duration by) {
    now_ = now_ + by;
    writes_.on_time(now_);
  }
  void begin_session() {
    server_.emplace(ClientId{++sessions_}, Identity{}, options_, queued_);
    bytes_.clear();
    numbered_.clear();
    settled_below_ = 0;
    skipped_ = 0;
    begin_connection();
  }
  void begin_connection() {
    sent_ = 0;
    to_server_.clear();
    to_client_.clear();
    server_->on_connected();
  }

  /// One that makes an entity, or puts a row to one that was made.
  void submit() {
    PendingWrite write;
    WriteDraft::Op op;
    op.kind = WriteOpKind::kSpawn;
    op.entity = EntityId::make(++provisional_, 0, 1);
    if (provisional_ > 1 && draw_below(2) == 0) {
      op.kind = WriteOpKind::kPut;
      op.entity = EntityId::make(1 + static_cast<uint32_t>(draw_below(provisional_)), 0, 1);
    }
    write.ops.push_back(op);
    write.stamp = ++stamp_;
    if (writes_.add(std::move(write)).ok()) ++submitted_;
  }

  /// Puts on the link what is due, and looks at it.
  void take() {
    if (draw_below(4) == 0 && writes_.is_settle_due()) {
      Writes settled;
      settled.settled_below = writes_.tell_settled();
      check_message(settled);
      to_server_.push_back(std::move(settled));
    }
    while (writes_.is_due(options_.writes_waiting_max)) {
      Writes message;
      writes_.take(message, schema_, options_.writes_waiting_max,
                   [](Instant) { return uint64_t{0}; });
      check_message(message);
      if (message.entries.empty()) return;
      to_server_.push_back(std::move(message));
    }
  }
  void check_message(const Writes& message) {
    RC_ASSERT(message.settled_below >= settled_below_);
    settled_below_ = message.settled_below;
    for (const WriteEntry& entry : message.entries) {
      Write write;
      RC_ASSERT(decode_message(entry.write, write).ok());
      RC_ASSERT(write.sequence > sent_);
      RC_ASSERT(write.sequence - settled_below_ < options_.writes_waiting_max);
      // Those between are decided, or were refused for ever.
      for (uint64_t between = sent_ + 1; between < write.sequence; ++between) {
        RC_ASSERT(!numbered_.contains(between));
        RC_ASSERT(bytes_.contains(between));
      }
      sent_ = write.sequence;
      const auto [known, is_new] = bytes_.emplace(write.sequence, entry.write);
      RC_ASSERT(known->second == entry.write);
      if (is_new) numbered_[write.sequence] = write;
    }
    for (const auto& [sequence, write] : numbered_) {
      RC_ASSERT(message.settled_below <= sequence);
      const uint64_t made_by = write.ops[0].made_by;
      if (made_by > skipped_) RC_ASSERT(message.settled_below <= made_by);
    }
  }

  void to_server() {
    if (to_server_.empty()) return;
    Writes message = std::move(to_server_.front());
    to_server_.pop_front();
    server_->settle(message.settled_below);
    for (const WriteEntry& entry : message.entries) {
      Reply reply;
      reply.is_refusal = true;
      const auto taken = server_->take(WriteEntry(entry), now(), reply.refused);
      RC_ASSERT(taken.ok());
      if (*taken != ClientWrites::Intake::kRefused) continue;
      RC_ASSERT(reply.refused.retry_after_ms > 0u);
      if (draw_below(6) == 0) reply.refused.retry_after_ms = 0;
      to_client_.push_back(std::move(reply));
    }
  }
  void decide(uint64_t writes) {
    for (; writes > 0 && server_->undecided() > 0; --writes) {
      Write write;
      ClientWrites::Next next{write};
      server_->peek(now(), next);
      RC_ASSERT(next.is_whole);
      RC_ASSERT(decided_sequences_.emplace(sessions_, write.sequence).second);
      ++decided_;
      Outcome outcome;
      outcome.sequence = write.sequence;
      std::vector<MadeEntity> made;
      if (write.ops[0].kind == WriteOpKind::kSpawn) {
        made.push_back({0, EntityId::make(++entities_, 1, 1)});
        outcome.made.push_back(made[0].entity);
      }
      server_->decide(outcome, made);
    }
    server_->commit();
    std::vector<Outcome> news;
    server_->take_news(Version{1}, news);
    for (Outcome& outcome : news) {
      Reply& reply = to_client_.emplace_back();
      reply.outcome = std::move(outcome);
    }
  }
  void to_client() {
    if (to_client_.empty()) return;
    const Reply reply = std::move(to_client_.front());
    to_client_.pop_front();
    if (reply.is_refusal) return refuse(reply.refused);
    numbered_.erase(reply.outcome.sequence);
    if (auto told = writes_.on_outcome(reply.outcome, schema_)) ++ends_[told->id];
  }
  void refuse(const WriteRefused& refused) {
    std::vector<WriteOutcome> told;
    writes_.on_refused(refused, now(), told);
    if (refused.retry_after_ms == 0 && numbered_.erase(refused.sequence) > 0) {
      skipped_ = std::max(skipped_, refused.sequence);
      ++given_up_;
    }
    sent_ = std::min(sent_, refused.sequence - 1);
    for (const WriteOutcome& outcome : told) ++ends_[outcome.id];
  }
  void lose_connection(bool loses_session) {
    writes_.on_disconnected();
    std::vector<WriteOutcome> told;
    writes_.on_session(!loses_session, true, ErrorCode::kSessionExpired, told);
    RC_ASSERT(loses_session || told.empty());
    for (const WriteOutcome& outcome : told) {
      RC_ASSERT(outcome.kind == WriteOutcome::Kind::kUnknown);
      ++ends_[outcome.id];
      ++lost_;
    }
    loses_session ? begin_session() : begin_connection();
  }

  Schema schema_;
  ServerOptions options_;
  PendingWrites writes_;
  size_t queued_ = 0;
  std::optional<ClientWrites> server_;
  std::deque<Writes> to_server_;
  std::deque<Reply> to_client_;
  Instant now_{1'000'000'000};
  uint32_t provisional_ = 0;
  uint32_t entities_ = 0;
  uint64_t stamp_ = 0;
  // Of the session.
  uint64_t sessions_ = 0;
  std::map<uint64_t, Bytes> bytes_;     // by sequence
  std::map<uint64_t, Write> numbered_;  // and neither decided nor given up, as the client knows
  uint64_t settled_below_ = 0;
  uint64_t skipped_ = 0;
  uint64_t sent_ = 0;  // the last sequence, of the connection
  // Of all of them.
  std::set<std::pair<uint64_t, uint64_t>> decided_sequences_;
  std::map<WriteId, int> ends_;
  size_t submitted_ = 0;
  size_t decided_ = 0;
  size_t lost_ = 0;
  size_t given_up_ = 0;
};

TEST(PendingWritesProperty, EachIsNumberedOnceAndDecidedOnce) {
  check_property(31, 1'500, [] {
    WriteLink link;
    for (uint64_t left = 20 + draw_below(150); left > 0; --left) link.act();
    link.finish();
  });
}

}  // namespace
}  // namespace ecsdb::properties
