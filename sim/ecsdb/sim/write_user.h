// The habit of simulated applications to write: to rows that others write, too, in bursts, while
// they are offline, and now and then what they must not.
#pragma once

#include <vector>

#include "ecsdb/base/prng.h"
#include "ecsdb/sim/checkers/own_writes.h"
#include "ecsdb/sim/client_interest.h"

namespace ecsdb::sim {

/// Draws the writes of one client and checks what it is told of them. A stream of its own: what
/// else the client does is the same without it.
class WriteUser {
 public:
  WriteUser(Prng rng, uint32_t client, ViolationLog& violations);

  /// Whether this application writes at all.
  bool is_one() const { return is_one_; }
  /// Now and then until a moment at which others write, too.
  Duration draw_pause(Instant now);
  /// What it asks for when it runs first.
  static std::vector<InterestEntry> first();
  /// A new process.
  void attach(Client& client);
  /// Some writes, now.
  void act(Client& client, const ClientIdentity& identity, const Now& now);

  // Around what the client does; see OwnWrites.
  void begin_step(const Client& client, size_t life, const Now& now);
  void end_step(const Client& client, const Now& now) { checker_.end_step(client, now.steady); }
  void on_input(const Client& client, const Now& now) { checker_.on_input(client, now.steady); }
  void check_at_rest(const Client& client, Instant at) { checker_.check_at_rest(client, at); }

  uint64_t submitted() const { return submitted_; }
  uint64_t unknown() const { return checker_.outcomes(WriteOutcome::Kind::kUnknown); }

 private:
  struct Place {
    uint16_t table = 0;
    EntityId entity;
  };
  bool may_write(const TableDef& table) const;
  /// A row that the client sees, of those that everybody likes best; none if it sees none.
  bool draw_place(const Client& client, Place& place);
  bool add_change(const Client& client, const Place& place, WriteDraft& draft);
  bool add_field(const Client& client, const Place& place, uint16_t field, WriteDraft& draft);
  void note_reset(uint16_t table, EntityId entity);
  void add_birth(const Client& client, WriteDraft& draft);
  static EntityId first_of(const ClientDb& db, const InterestEntry& cell);
  bool add_rivalry(const Client& client, WriteDraft& draft);
  bool add_last_word(const Client& client, WriteDraft& draft);
  void add_misdeed(const Client& client, WriteDraft& draft);
  void burst(Client& client, const Now& now);
  void submit(Client& client, WriteDraft&& draft, const Now& now);

  Prng rng_;
  OwnWrites checker_;
  bool is_one_;
  Duration pause_mean_;
  bool meets_others_ = false;  // next time
  uint64_t submitted_ = 0;
  const ClientIdentity* identity_ = nullptr;  // while it acts
  Instant now_;
  std::vector<OwnWrites::Touched> touched_;  // by the draft
  std::vector<EntityId> born_;               // by this client, provisional
};

}  // namespace ecsdb::sim
