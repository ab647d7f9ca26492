#include "ecsdb/server/replication_server.h"

#include <algorithm>
#include <map>
#include <utility>

#include "ecsdb/base/mutant.h"
#include "ecsdb/server/deadlines.h"
#include "ecsdb/server/session.h"

namespace ecsdb {
namespace {

constexpr uint32_t kNoSlot = 0xffffffff;

/// Who is to be sent a cell's blocks: session slot and the cell's handle there.
struct Listener {
  uint32_t slot;
  uint32_t handle;
};

/// Listeners of every cell, so that a publish costs what it sends.
class Audience {
 public:
  explicit Audience(size_t tables) : by_table_(tables) {}

  void apply(uint32_t slot, const std::vector<Interest::Change>& changes) {
    for (const Interest::Change& change : changes) {
      std::vector<Listener>& listeners = of(change.ref);
      if (change.held) {
        listeners.push_back({slot, change.handle});
        continue;
      }
      if (ECSDB_MUTANT(old_generation)) continue;
      const auto found = std::find_if(listeners.begin(), listeners.end(), [&](const Listener& l) {
        return l.slot == slot && l.handle == change.handle;
      });
      if (found == listeners.end()) continue;
      *found = listeners.back();
      listeners.pop_back();
    }
  }
  std::vector<Listener>& of(CellRef ref) {
    auto& cells = by_table_[ref.table];
    if (ref.cell >= cells.size()) cells.resize(ref.cell + 1);
    return cells[ref.cell];
  }

 private:
  std::vector<std::vector<std::vector<Listener>>> by_table_;
};

}  // namespace

class ReplicationServer::Impl {
 public:
  Impl(Database database, ServerOptions server_options, const Authenticator* authenticator,
       SecretSource* secrets)
      : db_(std::move(database)),
        options_(std::move(server_options)),
        authenticator_(authenticator),
        secrets_(secrets),
        blocks_(options_.block_bytes_max),
        ring_(db_.table_count(), db_.head(), options_.ring_publishes, options_.ring_bytes),
        catch_up_(db_.table_count()),
        budget_(options_),
        sessions_({options_.session_timeout, options_.sessions_max}),
        audience_(db_.table_count()) {
    ECSDB_CHECK(authenticator != nullptr);
    ECSDB_CHECK(options_.heartbeat_interval.ns > 0 && options_.stall_timeout.ns > 0);
    ECSDB_CHECK(options_.unacked_bytes_max > 0 && options_.sync_chunk_bytes > 0);
    ECSDB_CHECK(options_.block_bytes_max > 0 && options_.block_bytes_max <= kBlockBytesMax);
    db_.finish_publish();
  }

  void on_connected(LinkId link, const Now& now) {
    ECSDB_CHECK(link.value < kLinksMax && !db_.in_transaction());
    if (link.value >= slot_of_.size()) slot_of_.resize(link.value + 1, kNoSlot);
    ECSDB_CHECK(slot_of_[link.value] == kNoSlot);
    uint32_t slot = static_cast<uint32_t>(slots_.size());
    if (free_slots_.empty()) {
      slots_.emplace_back();
    } else {
      slot = free_slots_.back();
      free_slots_.pop_back();
    }
    slot_of_[link.value] = slot;
    Slot& at = slots_[slot];
    at.session.emplace(link, options_, now);
    ++at.incarnation;
    at.in_ready = false;
    at.timer = Instant::never();
    ++open_;
    ++stats_.links;
    SessionContext context = make_context();
    if (shutting_down_) {
      at.session->close(context, fail(ErrorCode::kShutdown), now);
    } else if (open_ > options_.connections_max) {
      at.session->close(context, fail(ErrorCode::kTooManyConnections), now);
    }
    settle(slot);
  }

  void on_bytes(LinkId link, ByteSpan bytes, const Now& now) {
    ECSDB_CHECK(!db_.in_transaction());
    const uint32_t slot = find(link);
    if (slot == kNoSlot) return;
    SessionContext context = make_context();
    slots_[slot].session->on_bytes(context, bytes, now);
    settle(slot);
    evict(now);
  }

  void on_sent(LinkId link, size_t accepted, const Now& now) {
    ECSDB_CHECK(!db_.in_transaction());
    const uint32_t slot = find(link);
    if (slot == kNoSlot) return;
    stats_.bytes_accepted += accepted;
    SessionContext context = make_context();
    slots_[slot].session->on_sent(context, accepted, now);
    settle(slot);
  }

  void on_closed(LinkId link, const Now& now) {
    const uint32_t slot = find(link);
    if (slot == kNoSlot) return;
    Session& session = *slots_[slot].session;
    ServerEvent event{ServerEvent::Kind::kClosed,
                      link,
                      session.client(),
                      session.identity().principal,
                      session.client_name(),
                      ErrorCode::kLinkClosed,
                      ""};
    if (!session.is_open()) {
      event.code = session.closed_why().code;
      event.reason = session.closed_why().context;
    }
    if (static_cast<uint16_t>(event.code) < 200) ++stats_.refused;
    if (session.is_syncing()) ++stats_.syncs_cut;
    sessions_.on_closed(session.client(), link, now.steady);
    events_.push_back(std::move(event));
    SessionContext context = make_context();
    session.leave(context);
    Interest& interest = session.interest();
    audience_.apply(slot, interest.take_changes());
    for (uint32_t handle = 0; handle < interest.handle_end(); ++handle) {
      const Interest::Held& held = interest.at(handle);
      // One that is leaving has been taken back already, and its cell may be gone.
      if (held.state == Interest::State::kFree || held.state == Interest::State::kLeaving) continue;
      audience_.apply(slot, {{held.ref, handle, false}});
    }
    slots_[slot].session.reset();
    slot_of_[link.value] = kNoSlot;
    free_slots_.push_back(slot);
    --open_;
  }

  void on_timer(const Now& now) {
    ECSDB_CHECK(!db_.in_transaction());
    stats_.sessions_expired += sessions_.expire(now.steady);
    while (deadlines_.earliest() != nullptr && deadlines_.earliest()->at <= now.steady) {
      const Deadlines::Entry entry = deadlines_.pop();
      Slot& slot = slots_[entry.slot];
      if (!slot.session || slot.incarnation != entry.incarnation || slot.timer != entry.at) {
        continue;
      }
      slot.timer = Instant::never();
      if (slot.session->deadline(options_) <= now.steady) {
        SessionContext context = make_context();
        slot.session->on_timer(context, now);
        slot.session->pump(context, now);
      }
      settle(entry.slot);
    }
    serve_waiting(now);
  }

  Version commit(Transaction&& transaction, const Now& now) {
    ECSDB_CHECK(&transaction.database() == &db_);
    commit_time_ns_ = static_cast<uint64_t>(now.steady.ns);
    return std::move(transaction).commit();
  }

  Version publish(const Now& now) {
    ECSDB_CHECK(!db_.in_transaction());
    ++stats_.publishes;
    blocks_.begin_publish();
    catch_up_.begin_publish();
    steps_.begin_publish();
    const SessionContext before = make_context();
    const uint32_t count = static_cast<uint32_t>(slots_.size());
    follows_.resize(count);
    for (uint32_t slot = 0; slot < count; ++slot) {
      if (slots_[slot].session && slots_[slot].session->interest().follows()) move_areas(slot);
      follows_[slot] = follows_of(slots_[slot].session, before, now);
    }
    offers_.clear();
    ring_.begin(db_.published(), db_.head(), commit_time_ns_);
    db_.publish([&](CellRef ref, const ChangeSet& changes) { offer_cell(ref, changes); });
    ring_.trim(1);
    sort_offers();
    published_time_ns_ = commit_time_ns_;
    SessionContext context = make_context();
    for (uint32_t i = 0; i < count; ++i) {
      // Another session is first each time: the last in the pass is the slowest.
      const uint32_t slot = (first_slot_ + i) % count;
      const Slot& next = slots_[(slot + 1) % count];
      if (next.session) next.session->prefetch();
      if (!slots_[slot].session) continue;
      Session& session = *slots_[slot].session;
      if (follows_[slot] == Follows::kInStep) {
        session.finish_step(context, offers_of(slot), now);
      } else {
        session.miss_step();
      }
      session.pump(context, now);
      settle(slot);
    }
    ring_.trim(0);
    if (count > 0) first_slot_ = (first_slot_ + 1) % count;
    serve_waiting(now);
    forget_old_cells();
    return db_.published();
  }

  void disconnect(LinkId link, ErrorCode code, std::string reason, const Now& now) {
    const uint32_t slot = find(link);
    if (slot == kNoSlot) return;
    SessionContext context = make_context();
    slots_[slot].session->close(context, fail(code, std::move(reason)), now);
    settle(slot);
  }

  void shutdown(const Now& now) {
    shutting_down_ = true;
    for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
      if (!slots_[slot].session) continue;
      SessionContext context = make_context();
      slots_[slot].session->close(context, fail(ErrorCode::kShutdown), now);
      settle(slot);
    }
  }

  std::optional<LinkId> next_ready() {
    while (!ready_.empty()) {
      const uint32_t slot = ready_.front();
      ready_.pop_front();
      slots_[slot].in_ready = false;
      if (slots_[slot].session && slots_[slot].session->wants_output()) {
        return slots_[slot].session->link();
      }
    }
    return std::nullopt;
  }

  StreamOutput output(LinkId link) {
    const uint32_t slot = find(link);
    return slot == kNoSlot ? StreamOutput{} : slots_[slot].session->output();
  }

  bool all_caught_up() const {
    return std::all_of(slots_.begin(), slots_.end(), [&](const Slot& slot) {
      return !slot.session || slot.session->is_caught_up(db_.published());
    });
  }

  Database db_;
  ServerOptions options_;
  const Authenticator* authenticator_;
  SecretSource* secrets_;  // may be null
  ServerStats stats_;
  std::deque<ServerEvent> events_;
  CellBlocks blocks_;
  PublishRing ring_;
  CatchUp catch_up_;
  AdvanceWriter writer_;
  StepWriter steps_;
  std::vector<StepEntry> entries_;  // scratch of sessions
  TotalBudget budget_;
  Deadlines deadlines_;
  size_t open_ = 0;
  bool shutting_down_ = false;

 private:
  struct Slot {
    std::optional<Session> session;
    uint32_t incarnation = 0;
    bool in_ready = false;
    Instant timer = Instant::never();  // of its entry in deadlines_
  };

  /// What a connection takes of the next publish.
  enum class Follows : uint8_t {
    kNot,
    kNear,    // nothing, but perhaps later
    kInStep,  // the blocks of its cells
  };
  static Follows follows_of(const std::optional<Session>& session, const SessionContext& context,
                            const Now& now) {
    if (!session) return Follows::kNot;
    if (session->is_in_step(context, now)) return Follows::kInStep;
    return session->is_near(context) ? Follows::kNear : Follows::kNot;
  }
  struct Offer {
    uint32_t slot;
    Session::StepOffer offer;
  };

  SessionContext make_context() {
    return SessionContext{db_,     blocks_,   ring_,    catch_up_,       writer_,
                          steps_,  entries_,  options_, *authenticator_, stats_,
                          events_, sessions_, secrets_, evictions_,      published_time_ns_,
                          budget_};
  }
  uint32_t find(LinkId link) const {
    return link.value < slot_of_.size() ? slot_of_[link.value] : kNoSlot;
  }

  void evict(const Now& now) {
    for (const Eviction& eviction : std::exchange(evictions_, {})) {
      disconnect(eviction.link, eviction.why.code, eviction.why.context, now);
    }
  }

  /// After any input of a session: audience, ready list and timer follow its state.
  void settle(uint32_t index) {
    Slot& slot = slots_[index];
    audience_.apply(index, slot.session->interest().take_changes());
    if (slot.session->wants_output() && !slot.in_ready) {
      slot.in_ready = true;
      ready_.push_back(index);
    }
    const Instant deadline = slot.session->deadline(options_);
    if (deadline < slot.timer) {
      slot.timer = deadline;
      deadlines_.add(deadline, index, slot.incarnation);
    }
  }

  /// Those that wait for the budget of all together, in their order, as far as it goes.
  void serve_waiting(const Now& now) {
    while (const auto link = budget_.next(now.steady)) {
      const uint32_t slot = find(*link);
      SessionContext context = make_context();
      slots_[slot].session->pump_turn(context, now);
      settle(slot);
    }
  }

  /// Areas that follow an entity go to where it is in the version that is about to be published.
  void move_areas(uint32_t index) {
    Session& session = *slots_[index].session;
    session.interest().follow_entities(db_, session.identity());
    audience_.apply(index, session.interest().take_changes());
  }

  /// Encodes one dirty cell for the connections that are in step and hold it; a cell that was never
  /// published is first held by those that want it.
  void offer_cell(CellRef ref, const ChangeSet& changes) {
    const bool is_new = db_.cell(ref).published == Version{};
    if (is_new) {
      ring_.add(ref, {});
      for (uint32_t index = 0; index < slots_.size(); ++index) {
        Slot& slot = slots_[index];
        if (!slot.session || slot.session->phase() < Session::Phase::kSyncing) continue;
        slot.session->interest().on_cell_created(db_, slot.session->identity(), ref);
        audience_.apply(index, slot.session->interest().take_changes());
      }
      return;
    }
    std::span<const BlockPart> parts;
    const std::vector<Listener>& listeners = audience_.of(ref);
    const bool is_wanted = std::any_of(listeners.begin(), listeners.end(), [&](const Listener& l) {
      return follows_[l.slot] != Follows::kNot;
    });
    if (is_wanted) parts = blocks_.relative(db_, ref, changes);
    const uint32_t change = ring_.add(ref, parts);
    for (const Listener& listener : listeners) {
      if (follows_[listener.slot] != Follows::kInStep) continue;
      offers_.push_back({listener.slot, {listener.handle, change}});
    }
  }

  /// Offers of one session side by side, in the order of the cells.
  void sort_offers() {
    offers_end_.assign(slots_.size() + 1, 0);
    for (const Offer& offer : offers_) ++offers_end_[offer.slot + 1];
    for (size_t i = 1; i < offers_end_.size(); ++i) offers_end_[i] += offers_end_[i - 1];
    sorted_offers_.resize(offers_.size());
    for (const Offer& offer : offers_) sorted_offers_[offers_end_[offer.slot]++] = offer.offer;
  }
  /// Of the last publish.
  std::span<const Session::StepOffer> offers_of(uint32_t slot) const {
    const uint32_t begin = slot == 0 ? 0 : offers_end_[slot - 1];
    return std::span(sorted_offers_).subspan(begin, offers_end_[slot] - begin);
  }

  void forget_old_cells() {
    const auto destroyed = db_.trim();
    if (destroyed.empty()) return;
    std::map<uint32_t, std::vector<CellRef>> gone;  // by slot
    for (const auto& [ref, key] : destroyed) {
      for (const Listener& listener : audience_.of(ref)) gone[listener.slot].push_back(ref);
    }
    for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
      if (!slots_[slot].session || !slots_[slot].session->interest().has_leaving()) continue;
      gone[slot].clear();
      for (const auto& [ref, key] : destroyed) gone[slot].push_back(ref);
    }
    for (auto& [slot, refs] : gone) {
      std::sort(refs.begin(), refs.end());
      slots_[slot].session->interest().on_cells_destroyed(refs);
      settle(slot);
    }
  }

  SessionTable sessions_;
  std::vector<Eviction> evictions_;
  uint64_t commit_time_ns_ = 0;
  uint64_t published_time_ns_ = 0;
  Audience audience_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  std::vector<uint32_t> slot_of_;  // by link
  std::deque<uint32_t> ready_;
  std::vector<Follows> follows_;  // by slot, during a publish
  std::vector<Offer> offers_;
  std::vector<Session::StepOffer> sorted_offers_;
  std::vector<uint32_t> offers_end_;  // in sorted_offers_, by slot
  uint32_t first_slot_ = 0;

  friend class ReplicationServer;
};

ReplicationServer::ReplicationServer(Schema schema, ServerOptions options,
                                     const Authenticator* authenticator, SecretSource* secrets)
    : ReplicationServer(Database(std::move(schema), options.database), options, authenticator,
                        secrets) {}

ReplicationServer::ReplicationServer(Database database, ServerOptions options,
                                     const Authenticator* authenticator, SecretSource* secrets)
    : impl_(std::make_unique<Impl>(std::move(database), std::move(options), authenticator,
                                   secrets)) {}

ReplicationServer::~ReplicationServer() = default;
ReplicationServer::ReplicationServer(ReplicationServer&&) noexcept = default;

void ReplicationServer::on_connected(LinkId link, const Now& now) {
  impl_->on_connected(link, now);
}
void ReplicationServer::on_bytes(LinkId link, ByteSpan bytes, const Now& now) {
  impl_->on_bytes(link, bytes, now);
}
void ReplicationServer::on_sent(LinkId link, size_t accepted, const Now& now) {
  impl_->on_sent(link, accepted, now);
}
void ReplicationServer::on_closed(LinkId link, const Now& now) { impl_->on_closed(link, now); }
void ReplicationServer::on_timer(const Now& now) { impl_->on_timer(now); }

const Database& ReplicationServer::database() const { return impl_->db_; }
Database& ReplicationServer::mutable_database() { return impl_->db_; }
Digest ReplicationServer::digest(size_t table, const CellKey& key) {
  return impl_->db_.digest(table, key);
}
Transaction ReplicationServer::begin() { return impl_->db_.begin(); }
Version ReplicationServer::commit(Transaction&& transaction, const Now& now) {
  return impl_->commit(std::move(transaction), now);
}
Version ReplicationServer::publish(const Now& now) { return impl_->publish(now); }
void ReplicationServer::disconnect(LinkId link, ErrorCode code, std::string reason,
                                   const Now& now) {
  impl_->disconnect(link, code, std::move(reason), now);
}
void ReplicationServer::shutdown(const Now& now) { impl_->shutdown(now); }
bool ReplicationServer::closed() const { return impl_->shutting_down_ && impl_->open_ == 0; }

std::optional<LinkId> ReplicationServer::next_ready() { return impl_->next_ready(); }
StreamOutput ReplicationServer::output(LinkId link) { return impl_->output(link); }
std::optional<ServerEvent> ReplicationServer::next_event() {
  if (impl_->events_.empty()) return std::nullopt;
  ServerEvent event = std::move(impl_->events_.front());
  impl_->events_.pop_front();
  return event;
}
Instant ReplicationServer::next_deadline() const {
  const auto* earliest = impl_->deadlines_.earliest();
  return std::min(earliest == nullptr ? Instant::never() : earliest->at, impl_->budget_.deadline());
}

const ServerStats& ReplicationServer::stats() const {
  impl_->stats_.blocks_encoded = impl_->blocks_.blocks_encoded();
  impl_->stats_.block_bytes = impl_->blocks_.block_bytes();
  return impl_->stats_;
}
size_t ReplicationServer::connection_count() const { return impl_->open_; }
bool ReplicationServer::all_caught_up() const { return impl_->all_caught_up(); }
void ReplicationServer::check_invariants() const { impl_->db_.check_invariants(); }

}  // namespace ecsdb
