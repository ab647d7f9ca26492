#include "ecsdb/sim/virtual_client.h"

#include <algorithm>
#include <utility>

#include "ecsdb/base/mutant.h"
#include "ecsdb/sim/link_pump.h"
#include "ecsdb/sim/scenario.h"

namespace ecsdb::sim {
namespace {

constexpr Duration kFrame = Duration::ms(16);            // of clients that poll once a frame
constexpr Duration kChangeMean = Duration::seconds(12);  // between changes of subscriptions
constexpr Duration kStayMean = Duration::seconds(25);    // before leaving
constexpr Duration kAwayMean = Duration::seconds(2);
constexpr size_t kEntriesMax = 10;
/// Every table that some server may have, by index.
const Schema& kAllTables = scenario_schema(ScenarioSchema::kSecond);

void add_stats(ClientStats& sum, const ClientStats& stats) {
  sum.dials += stats.dials;
  sum.connects += stats.connects;
  sum.full_syncs += stats.full_syncs;
  sum.advances += stats.advances;
  sum.bytes_received += stats.bytes_received;
  sum.bytes_sent += stats.bytes_sent;
  sum.faults += stats.faults;
  sum.rows_changed += stats.rows_changed;
  sum.events_missed += stats.events_missed;
}

}  // namespace

VirtualClient::VirtualClient(ClientSurroundings around, uint32_t index, ClientIdentity identity)
    : world_(around.world),
      network_(around.network),
      lives_(around.lives),
      no_faults_(around.no_faults),
      recorder_(around.recorder),
      nudge_(around.nudge),
      index_(index),
      target_(world_.add_target(*this)),
      rng_(world_.stream("client", index)),
      interest_(lives_.back()->schema(), std::move(identity)),
      rng_shouts_(world_.stream("client shouts", index)),
      areas_(lives_.back()->model(), interest_, world_.stream("client areas", index), index,
             around.violations),
      writes_(world_.stream("client writes", index), index, around.violations),
      uses_writes_(writes_.is_one() && recorder_ == nullptr),
      uses_areas_(areas_.is_one() && recorder_ == nullptr),
      prefix_(lives_.back()->model(), interest_, index, around.violations),
      history_(lives_.back()->history(), index, around.violations),
      monotonic_(index, around.violations),
      atomic_(index, around.violations),
      useless_(index, around.violations),
      shadow_(index, around.violations),
      events_(index, around.violations) {
  timer_.bind(target_, kTimer);
  poll_timer_.bind(target_, kPoll);
  habit_delay_ = rng_.chance(1, 4) ? kFrame : Duration{};
  if (nudge_ == Nudge::kApply) habit_delay_.ns += 1;
  restless_ = rng_.chance(1, 2);
  traveller_ = rng_.chance(1, 8);
  watched_ = rng_.chance(1, 8);
}

VirtualClient::~VirtualClient() { world_.remove_target(target_); }

void VirtualClient::start(Instant at) { world_.schedule(at, target_, kStart, 0); }

// --- the process ---

ClientOptions VirtualClient::client_options() const {
  ClientOptions options = scenario_client_options(interest_.identity(), index_);
  // A recording must mean something to clients that cannot resume, too.
  options.resume = recorder_ == nullptr;
  if (nudge_ == Nudge::kByte) options.name.back() = '!';
  if (nudge_ == Nudge::kTimer) options.heartbeat_interval.ns += 1;
  return options;
}

void VirtualClient::launch(const Now& now) {
  if (recorder_ != nullptr) recorder_->on_launch(index_, client_options());
  client_ = std::make_unique<Client>(client_options(),
                                     world_.stream("client jitter", index_).stream("", launches_));
  std::vector<InterestEntry> wanted;
  for (const ClientInterest::Entry& entry : interest_.entries()) {
    if (!entry.removed) wanted.push_back(entry.what);
  }
  if (launches_++ == 0) {
    // Everybody sees the clock, so that everybody has something to be live for.
    wanted.push_back({kClockTable, InterestEntry::Kind::kAll, {}});
    const uint64_t count = 1 + rng_.below(5);
    for (uint64_t i = 0; i < count; ++i) {
      wanted.push_back(draw_interest(interest_.identity(), rng_));
    }
    if (uses_writes_) {
      for (InterestEntry& entry : WriteUser::first()) wanted.push_back(std::move(entry));
    }
    if (uses_areas_) {
      for (InterestEntry& area : areas_.first()) wanted.push_back(std::move(area));
    }
  }
  interest_.forget();
  areas_.forget();
  prefix_.forget();
  monotonic_.forget();
  useless_.on_launch(client_options());
  if (watched_) shadow_.attach(*client_, kAllTables);
  if (uses_writes_) writes_.attach(*client_);
  listen();
  atomic_.on_polled(client_->db());
  for (InterestEntry& entry : wanted) subscribe(std::move(entry), now);
  away_ = false;
  connect(now);
  settle(now);
}

void VirtualClient::crash() {
  if (!running()) return;
  add_stats(past_, client_->stats());
  client_.reset();
  lines_.clear();
  timer_.disarm();
  poll_timer_.disarm();
  paused_ = missed_timer_ = missed_poll_ = false;
  missed_.clear();
}

void VirtualClient::restart() {
  if (!running()) launch(now());
}

ClientStats VirtualClient::totals() const {
  ClientStats sum = past_;
  if (client_) add_stats(sum, client_->stats());
  return sum;
}

void VirtualClient::connect(const Now& now) {
  if (recorder_ != nullptr) recorder_->on_connect(index_);
  useless_.on_connect();
  client_->connect(now);
}

// --- habits ---

void VirtualClient::set_delay(Duration delay) { fault_delay_ = delay; }

void VirtualClient::set_paused(bool paused) {
  if (!running() || paused_ == paused) return;
  paused_ = paused;
  useless_.on_paused();
  if (paused) return;
  const Now at = now();
  for (const Missed& missed : std::exchange(missed_, {})) {
    if (missed.kind == Missed::Kind::kConnected) on_connected(missed.link, at);
    if (missed.kind == Missed::Kind::kWritable) on_writable(missed.link, at);
    if (missed.kind == Missed::Kind::kClosed) on_closed(missed.link, missed.end, at);
  }
  if (std::exchange(missed_timer_, false)) client_->on_timer(at);
  if (std::exchange(missed_poll_, false)) poll(at);
  settle(at);
}

/// True if the process stands still: timers are noted, the application does it later.
bool VirtualClient::defer(uint32_t kind, uint64_t argument, const Now& now) {
  constexpr Duration kLater = Duration::ms(50);
  if (!paused_) return false;
  if (kind == kTimer) {
    missed_timer_ |= timer_.expired(world_, argument);
  } else if (kind == kPoll) {
    missed_poll_ |= poll_timer_.expired(world_, argument);
  } else {
    world_.schedule(now.steady + kLater, target_, kind, argument);
  }
  return true;
}

void VirtualClient::calm_down() {
  calm_ = true;
  if (!running() || !away_) return;
  away_ = false;
  connect(now());
  settle(now());
}

void VirtualClient::arm_habits() {
  const Instant at = world_.now();
  if (restless_) {
    world_.schedule(at + Duration{rng_.exponential(kChangeMean.ns)}, target_, kChange, 0);
  }
  if (traveller_) {
    world_.schedule(at + Duration{rng_.exponential(kStayMean.ns)}, target_, kLeave, 0);
  }
  if (uses_areas_) world_.schedule(at + areas_.draw_pause(), target_, kArea, 0);
  if (uses_writes_) world_.schedule(at + writes_.draw_pause(at), target_, kWrite, 0);
}

void VirtualClient::subscribe(InterestEntry entry, const Now& now) {
  const std::string& table = kAllTables.table(entry.table).name;
  if (recorder_ != nullptr) recorder_->on_subscribe(index_, table, entry);
  SubscriptionId id;
  switch (entry.kind) {
    case InterestEntry::Kind::kAll:
      id = client_->subscribe(table, now);
      break;
    case InterestEntry::Kind::kKeys:
      id = client_->subscribe_cells(table, entry.keys, now);
      break;
    case InterestEntry::Kind::kBox:
      id = client_->subscribe_box(table, entry.keys[0], entry.keys[1], now);
      break;
    case InterestEntry::Kind::kBall:
    case InterestEntry::Kind::kRange:
      id = areas_.subscribe(*client_, entry, now);
      break;
  }
  interest_.add(id, std::move(entry));
}

void VirtualClient::unsubscribe(SubscriptionId id, const Now& now) {
  interest_.remove(id);
  areas_.on_unsubscribed(id);
  if (recorder_ != nullptr) recorder_->on_unsubscribe(index_, id);
  client_->unsubscribe(id, now);
}

void VirtualClient::use_areas(const Now& now) {
  AreaUser::Act act = areas_.act(*client_, now);
  if (act.ended.value != 0) unsubscribe(act.ended, now);
  if (act.begun) subscribe(*std::move(act.begun), now);
}

/// Ends a subscription and makes another: the first, to the clock, stays.
void VirtualClient::change_subscriptions(const Now& now) {
  ++resubscriptions_;
  std::vector<SubscriptionId> present;
  for (const ClientInterest::Entry& entry : interest_.entries()) {
    if (!entry.removed) present.push_back(entry.id);
  }
  if (present.size() > 1 && (present.size() > kEntriesMax || rng_.chance(2, 3))) {
    unsubscribe(present[1 + rng_.below(present.size() - 1)], now);
  }
  subscribe(draw_interest(interest_.identity(), rng_), now);
}

void VirtualClient::on_event(uint32_t kind, uint64_t argument, Now now) {
  if (defer(kind, argument, now)) return;
  switch (kind) {
    case kStart:
      if (!running() && !network_.crashed(index_)) launch(now);
      return arm_habits();
    case kTimer: {
      const Instant deadline = timer_.deadline();
      if (!timer_.expired(world_, argument)) return;
      world_.trace().record_timer(now.steady, target_, deadline);
      client_->on_timer(now);
      return settle(now);
    }
    case kPoll:
      if (!poll_timer_.expired(world_, argument)) return;
      poll(now);
      return settle(now);
    case kChange:
      if (calm_) return;
      world_.schedule(now.steady + Duration{rng_.exponential(kChangeMean.ns)}, target_, kChange, 0);
      if (!running()) return;
      change_subscriptions(now);
      return settle(now);
    case kArea:
      if (calm_) return;
      world_.schedule(now.steady + areas_.draw_pause(), target_, kArea, 0);
      if (!running()) return;
      use_areas(now);
      return settle(now);
    case kWrite:
      if (calm_) return;
      if (running()) writes_.act(*client_, interest_.identity(), now);
      if (running() && rng_shouts_.chance(1, 4)) shout(now);
      world_.schedule(now.steady + writes_.draw_pause(now.steady), target_, kWrite, 0);
      if (running()) settle(now);
      return;
    case kLeave:
      if (calm_) return;
      world_.schedule(now.steady + Duration{rng_.exponential(kAwayMean.ns)}, target_, kReturn, 0);
      if (!running()) return;
      away_ = true;
      if (recorder_ != nullptr) recorder_->on_disconnect(index_);
      client_->disconnect(now);
      return settle(now);
    default:
      break;
  }
  if (calm_) return;
  world_.schedule(now.steady + Duration{rng_.exponential(kStayMean.ns)}, target_, kLeave, 0);
  if (!running() || !away_) return;
  away_ = false;
  connect(now);
  settle(now);
}

// --- what it is told ---

void VirtualClient::take_events(const Now& now) {
  while (const auto event = client_->next_event()) {
    if (!is_expected(*event)) no_faults_.on_client_event(index_, *event, now.steady);
    if (recorder_ != nullptr) recorder_->on_event(index_, *event);
    if (event->kind == ClientEvent::Kind::kReset) check_reset(*event, now);
    useless_.on_event(*event, now.steady);
    take_event(*event);
  }
  areas_.on_events(*client_, life().published());
}

/// A refusal of a table that only the other schema has, or of which nothing may be read.
bool VirtualClient::is_expected(const ClientEvent& event) const {
  if (event.kind != ClientEvent::Kind::kSubscribed) return false;
  const ClientIdentity* const identity =
      lines_.empty() ? nullptr : life().identity_of(lines_.back().link);
  const Schema& schema = life().schema();
  for (const ClientInterest::Entry& entry : interest_.entries()) {
    if (entry.id != event.subscription) continue;
    if (event.code == ErrorCode::kUnknownTable) return entry.what.table >= schema.table_count();
    return event.code == ErrorCode::kNotPermitted && identity != nullptr &&
           !identity_may_read_some(schema.table(entry.what.table), *identity);
  }
  return false;
}

/// What was held, or was on its way, against what the server can have.
void VirtualClient::check_reset(const ClientEvent& event, const Now& now) {
  const Version cut = client_->db().cut();
  const ServerLife& held = *lives_[shown_.life];
  NoUselessWork::Position position;
  position.same_database = cut != Version{} && shown_.life == lines_.back().life;
  position.same_schema = cut != Version{} && held.which_schema() == life().which_schema();
  position.within_horizon = position.same_database && held.within_horizon(cut);
  useless_.on_reset(event.reset, position, now.steady);
}

void VirtualClient::take_event(const ClientEvent& event) {
  switch (event.kind) {
    case ClientEvent::Kind::kConnected:
      if (life().which_schema() != lives_[shown_.life]->which_schema()) useless_.on_other_schema();
      if (client_options().resume) life().sessions().on_ticket_received(lines_.back().link);
      return interest_.on_connected();
    case ClientEvent::Kind::kSubscribed:
      if (event.code == ErrorCode::kUnknownTable) {
        return interest_.on_unknown_table(event.subscription);
      }
      return interest_.on_reply(event.subscription, event.code, life().published());
    case ClientEvent::Kind::kSynced:
      monotonic_.on_announced();
      return interest_.on_synced(life().published());
    case ClientEvent::Kind::kClosed:
    case ClientEvent::Kind::kFault:
      return interest_.on_disconnected();
    case ClientEvent::Kind::kReset:
    case ClientEvent::Kind::kSyncing:
      return monotonic_.on_announced();
    case ClientEvent::Kind::kLive:
      // After a sync that is known already; else it goes on from where it was.
      return interest_.on_live(life().published());
    case ClientEvent::Kind::kConnecting:
    case ClientEvent::Kind::kStale:
    case ClientEvent::Kind::kDiverged:
      return;
  }
}

// --- applying ---

void VirtualClient::serve_arrival(const Now& now) {
  const Duration delay = std::max(habit_delay_, fault_delay_);
  if (delay.ns == 0 && !poll_timer_.armed()) return poll(now);
  if (!poll_timer_.armed()) poll_timer_.arm(world_, now.steady + delay);
}

/// Applies all that has arrived, cut by cut: what an application that polls for everything at once
/// never sees is checked and traced too.
void VirtualClient::poll(const Now& now) {
  shadow_.begin_poll(lives_[heard_.life]->model(), now.steady);
  take_events(now);  // of what came before the cuts
  while (poll_step(now)) {
    take_events(now);  // what the cut means must be known before it is looked at
    check_cut(now);
  }
  areas_.on_polled(*client_, now.steady);
  interest_.see(lives_[shown_.life]->model(), client_->db().cut());
  atomic_.on_polled(client_->db());
}

void VirtualClient::listen() {
  events_.forget();
  for (const char* name : {"boom", "news", "whisper"}) {
    client_->on_event(name, [this](const Event& event) {
      events_.on_event(lives_[heard_.life]->events(), heard_.link, event, client_->db().cut(),
                       client_->stats().events_missed, polled_at_);
    });
  }
}

/// To the server, if it is there: it is never told again.
void VirtualClient::shout(const Now& now) {
  const FieldValue serial{0, Value{++shouts_}};
  const Status sent = client_->send_event(kShoutEvent, EntityId{}, std::span(&serial, 1), now);
  if (!sent.ok()) --shouts_;
}

bool VirtualClient::poll_step(const Now& now) {
  polled_at_ = now.steady;
  if (event_life_ != heard_.life) events_.forget();
  event_life_ = heard_.life;
  events_.begin_step(client_->db().cut());
  if (uses_writes_) writes_.begin_step(*client_, heard_.life, now);
  const bool has_cut = client_->poll(now, 1) > 0;
  if (uses_writes_) writes_.end_step(*client_, now);
  return has_cut;
}

void VirtualClient::check_cut(const Now& now) {
  ClientDb& db = client_->db();
  if (shown_.link != heard_.link) {
    const ServerLife& life = *lives_[heard_.life];
    if (shown_.life != heard_.life) monotonic_.on_other_history(now.steady);
    if (const ClientIdentity* identity = life.identity_of(heard_.link)) {
      interest_.show(life.schema(), *identity);
    }
    prefix_.show(life.model(), life.stages_cells());
    areas_.show(life.model());
    history_.show(life.history());
    shown_ = heard_;
  }
  if (recorder_ != nullptr) recorder_->on_cut(index_, db);
  const ServerLife& life = *lives_[shown_.life];
  interest_.follow(life.model(), db.cut(), life.published());
  interest_.see(life.model(), db.cut());
  interest_.on_cut(db.cut());
  areas_.on_polled(*client_, now.steady);
  monotonic_.on_cut(db.cut(), life.published(), now.steady);
  history_.on_cut(db, now.steady);
  world_.trace().record_apply(now.steady, index_, prefix_.on_cut(db, now.steady));
  if (watched_) shadow_.on_polled(now.steady);
}

std::optional<std::string> VirtualClient::unfinished() {
  if (!running()) return "its process is not running";
  if (client_->sync().phase != SyncStatus::Phase::kLive) {
    return "it is not live but in phase " + std::to_string(static_cast<int>(client_->sync().phase));
  }
  const Version published = lives_.back()->published();
  if (shown_.life != lives_.size() - 1) return "it shows what an earlier server had";
  if (client_->db().cut() != published) {
    return "its cut is version " + std::to_string(client_->db().cut().value) + " of " +
           std::to_string(published.value);
  }
  if (client_->pending_writes() > 0) {
    return std::to_string(client_->pending_writes()) + " writes that are not decided";
  }
  if (lines_.size() != 1) return std::to_string(lines_.size()) + " links that it does not let go";
  return prefix_.difference_at_head(client_->db());
}

void VirtualClient::compare_all() {
  prefix_.compare_all(client_->db(), world_.now());
  if (uses_writes_) writes_.check_at_rest(*client_, world_.now());
  if (watched_) shadow_.compare_all(world_.now());
}

}  // namespace ecsdb::sim
