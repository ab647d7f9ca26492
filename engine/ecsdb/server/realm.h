// A database that the server serves, what is encoded of it, and who is sent what.
#pragma once

#include <span>
#include <vector>

#include "ecsdb/server/audience.h"
#include "ecsdb/server/event_ring.h"
#include "ecsdb/server/server_state.h"

namespace ecsdb {

/// Its connections are those whose slots name it. Stays where it was made. Not thread-safe.
class Realm {
 public:
  /// `server` must outlive it. `number`: how connections name the database.
  Realm(Database database, ServerState& server, uint8_t number);
  Realm(const Realm&) = delete;
  Realm& operator=(const Realm&) = delete;

  Database& db() { return db_; }
  const Database& db() const { return db_; }
  ServerStats& stats() { return stats_; }
  const CellBlocks& blocks() const { return blocks_; }
  /// What its sessions work with.
  SessionContext context() {
    return SessionContext{db_,
                          blocks_,
                          ring_,
                          catch_up_,
                          writer_,
                          steps_,
                          entries_,
                          server_.options,
                          server_.authenticator,
                          stats_,
                          server_.events,
                          server_.sessions,
                          server_.secrets,
                          server_.evictions,
                          published_time_ns_,
                          server_.budget,
                          desk_,
                          news_,
                          events_,
                          server_.client_events,
                          number_};
  }

  /// Decides the clients' writes that wait, and leaves the rest to the caller.
  Transaction begin(const ConflictLog& conflicts, const Now& now);
  WriteDesk& desk() { return desk_; }
  Version commit(Transaction&& transaction, const Now& now);
  /// See ReplicationServer.
  Status emit(uint16_t event, EntityId entity, std::span<const FieldValue> values);
  /// Encodes what changed and offers it to every connection that is ready for it.
  void publish(const Now& now);
  /// Forgets cells that are gone, after a publish.
  void forget_old_cells();
  /// After any input of a session: audience, ready list and timer follow its state.
  void settle(uint32_t index) {
    audience_.apply(index, server_.slots[index].session->interest().take_changes());
    server_.slots.refresh(index, server_.options);
  }
  /// Takes a session that is about to go out of the audience.
  void leave(uint32_t index);

 private:
  /// What a connection takes of the next publish.
  enum class Follows : uint8_t {
    kNot,
    kNear,    // nothing, but perhaps later
    kInStep,  // the blocks of its cells
  };
  struct Offer {
    uint32_t slot;
    Session::StepOffer offer;
  };

  /// The session in a slot, if there is one of this database.
  Session* session_at(uint32_t index) {
    Slot& slot = server_.slots[index];
    return slot.session && slot.realm == this ? &*slot.session : nullptr;
  }
  void count(const WriteDecision& decision);
  static Follows follows_of(const Session* session, const SessionContext& context, const Now& now);
  void begin_publish(const Now& now);
  void move_areas(uint32_t index, Session& session);
  void offer_cell(CellRef ref, const ChangeSet& changes);
  void offer_new_cell(CellRef ref);
  void sort_offers();
  std::optional<CellKey> cell_of(uint16_t table, EntityId entity) const;
  CellKey place_of(const EventDef& def, uint16_t table, std::span<const EventValue> values) const;
  void route_events();
  std::span<const Session::StepOffer> offers_of(uint32_t slot) const;

  ServerState& server_;
  uint8_t number_;
  Database db_;
  ServerStats stats_;
  CellBlocks blocks_;
  PublishRing ring_;
  CatchUp catch_up_;
  AdvanceWriter writer_;
  StepWriter steps_;
  std::vector<StepEntry> entries_;  // scratch of sessions
  Audience audience_;
  WriteDesk desk_;
  std::vector<Outcome> news_;  // scratch of sessions
  EventRing events_;
  uint64_t commit_time_ns_ = 0;
  uint64_t published_time_ns_ = 0;
  std::vector<Follows> follows_;  // by slot, during a publish
  std::vector<Offer> offers_;
  std::vector<Session::StepOffer> sorted_offers_;
  std::vector<uint32_t> offers_end_;  // in sorted_offers_, by slot
  uint32_t first_slot_ = 0;
};

}  // namespace ecsdb
