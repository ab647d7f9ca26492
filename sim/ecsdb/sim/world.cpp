#include "ecsdb/sim/world.h"

#include "ecsdb/base/check.h"
#include "ecsdb/base/hash.h"

namespace ecsdb::sim {
namespace {

constexpr size_t kHeapArity = 4;
constexpr size_t kHeapReserve = 4096;

}  // namespace

World::World(const WorldOptions& options)
    : seed_(options.seed),
      root_(options.seed),
      wall_origin_ms_(options.wall_origin_ms),
      trace_(options.trace_log) {
  if (options.permute_ties) tie_salt_ = root_.stream("ties").next() | 1;
  heap_.reserve(kHeapReserve);
}

Now World::now_of(TargetId target) const {
  ECSDB_CHECK(target < targets_.size());
  return Now{now_, wall_origin_ms_ + now_.ns / 1'000'000 + targets_[target].skew_ms};
}

TargetId World::add_target(EventTarget& target) {
  ECSDB_CHECK(targets_.size() < UINT32_MAX);
  targets_.push_back(Target{&target, 0});
  return static_cast<TargetId>(targets_.size() - 1);
}

void World::remove_target(TargetId target) {
  ECSDB_CHECK(target < targets_.size() && targets_[target].target != nullptr);
  targets_[target].target = nullptr;
}

void World::set_wall_skew(TargetId target, Duration skew) {
  ECSDB_CHECK(target < targets_.size());
  targets_[target].skew_ms = skew.to_ms();
}

void World::schedule(Instant at, TargetId target, uint32_t kind, uint64_t argument) {
  ECSDB_CHECK(target < targets_.size());
  ECSDB_CHECK(at != Instant::never());
  const uint64_t sequence = sequence_++;
  // mix64 is a bijection, so permuted orders stay unique.
  const uint64_t order = tie_salt_ == 0 ? sequence : mix64(sequence ^ tie_salt_);
  const Event event{at < now_ ? now_ : at, order, target, kind, argument};
  size_t hole = heap_.size();
  heap_.push_back(event);
  while (hole > 0) {
    const size_t parent = (hole - 1) / kHeapArity;
    if (!event.before(heap_[parent])) break;
    heap_[hole] = heap_[parent];
    hole = parent;
  }
  heap_[hole] = event;
}

World::Event World::pop() {
  const Event top = heap_.front();
  const Event last = heap_.back();
  heap_.pop_back();
  const size_t size = heap_.size();
  if (size == 0) return top;
  size_t hole = 0;
  while (true) {
    const size_t first = hole * kHeapArity + 1;
    if (first >= size) break;
    const size_t end = first + kHeapArity < size ? first + kHeapArity : size;
    size_t best = first;
    for (size_t child = first + 1; child < end; ++child) {
      if (heap_[child].before(heap_[best])) best = child;
    }
    if (!heap_[best].before(last)) break;
    heap_[hole] = heap_[best];
    hole = best;
  }
  heap_[hole] = last;
  return top;
}

bool World::step() {
  if (heap_.empty()) return false;
  const Event event = pop();
  ECSDB_CHECK(event.at >= now_);
  now_ = event.at;
  last_target_ = event.target;
  EventTarget* const target = targets_[event.target].target;
  if (target == nullptr) return true;
  trace_.add(TraceCount::kEvents);
  trace_.record(TraceKind::kEvent, now_, (uint64_t{event.kind} << 32) | event.target,
                event.argument);
  target->on_event(event.kind, event.argument, now_of(event.target));
  return true;
}

bool World::run_until(Instant end) {
  ECSDB_CHECK(end >= now_ && end != Instant::never());
  uint64_t at_this_instant = 0;
  Instant instant = now_;
  while (!heap_.empty() && heap_.front().at <= end) {
    step();
    if (now_ != instant) {
      instant = now_;
      at_this_instant = 0;
    }
    if (++at_this_instant > kEventsPerInstantMax) return false;
  }
  now_ = end;
  return true;
}

void Timer::arm(World& world, Instant at) {
  ECSDB_CHECK(at != Instant::never());
  deadline_ = at < world.now() ? world.now() : at;
  if (pending_ <= deadline_) return;
  pending_ = deadline_;
  world.schedule(deadline_, target_, kind_, ++generation_);
}

bool Timer::expired(World& world, uint64_t argument) {
  if (argument != generation_) return false;
  pending_ = Instant::never();
  if (!armed()) return false;
  if (deadline_ > world.now()) {
    arm(world, deadline_);
    return false;
  }
  disarm();
  return true;
}

}  // namespace ecsdb::sim
