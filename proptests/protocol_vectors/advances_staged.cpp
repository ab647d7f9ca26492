// Syncs of cells that enter a live connection: staged beside what is held, then held.
#include "ecsdb/wire/frame.h"

#include "advance_play.h"

namespace ecsdb::vectors {
namespace {

constexpr uint32_t kFar = kNextHandle;
constexpr uint32_t kFarCargo = kNextHandle + 1;
constexpr const char* kUnknownHandle = "unknown_handle";
constexpr const char* kUnexpected = "unexpected_message";

template <class M>
Bytes message(MessageType type, const M& head) {
  Bytes out;
  append_message(out, type, head);
  return out;
}

Bytes mark(uint32_t done, uint32_t begun, uint32_t next_index) {
  return message(MessageType::kSyncMark, SyncMark{done, begun, next_index});
}

/// A client that holds the small fleet, and a cell of two more ships and their cargo's, which it
/// does not hold yet: handles kFar and kFarCargo.
struct Staging {
  Staging() {
    dora = small.fleet.add_ship(300, 300, 40, 7);
    emil = small.fleet.add_ship(302, 302, 50);
    small.fleet.net(small.fleet.head());
    frames = small.fleet.sync();
    begun = small.fleet.head();
  }
  void hold() {
    small.fleet.hold(kFar, kShips, CellKey::grid(4, 4));
    small.fleet.hold(kFarCargo, kCargo, CellKey::grid(4, 4));
  }
  void drop() {
    small.fleet.drop(kFar);
    small.fleet.drop(kFarCargo);
  }
  Bytes begin() const { return message(MessageType::kSyncBegin, SyncBegin{begun, 3, 100}); }
  Draft chunk() {
    hold();
    Draft out;
    out.set_span(begun, begun);
    for (const uint32_t handle : {kFar, kFarCargo}) {
      out.head.enters.push_back(small.fleet.enter_of(handle));
      out.blocks.push_back(small.fleet.rows_of(handle));
    }
    drop();
    return out;
  }
  /// The client has everything of the sync but its end.
  void stage() {
    frames.insert(frames.end(), {begin(), chunk().seal(MessageType::kSyncChunk), mark(2, 2, 0)});
  }
  /// Of held cells since the cut, of staged ones since the sync began.
  Draft end(Version cut) {
    Draft out = small.fleet.net(cut);
    out.head.set_flags(true, true, AdvanceKind::kSyncEnd);
    hold();
    for (const uint32_t handle : {kFar, kFarCargo}) {
      const bool is_changed = small.fleet.enter_of(handle).changed > begun;
      if (is_changed) out.blocks.push_back(small.fleet.net_of(handle, begun));
    }
    return out;
  }

  SmallFleet small;
  EntityId dora;
  EntityId emil;
  std::vector<Bytes> frames;
  Version begun;
};

void make_simple(FrameMaker to) {
  Staging staging;
  to.good("staged-begun", "A sync begins on a live connection: nothing is to be seen of it.",
          staging.frames, {staging.begin(), mark(0, 0, 0)});
  staging.stage();
  to.good("staged-complete", "Its cells and rows are there, and still invisible.", {},
          staging.frames);
  const Version cut = staging.small.fleet.head();
  const Draft end = staging.end(cut);
  to.good("staged-end", "It ends without changes: two cells are held, and their rows enter.",
          staging.frames, {end.seal()});
  std::vector<Bytes> setup = staging.frames;
  setup.push_back(end.seal());
  staging.small.fleet.set(kShips, staging.dora, "paint", uint64_t{41});
  staging.small.fleet.set(kShips, staging.small.anna, "paint", uint64_t{12});
  to.good("staged-then-step", "The cells that were staged are in step with the others.", setup,
          {staging.small.fleet.step().seal()});
}

/// Of the first sync of a connection: groups of cells and the marks behind their chunks.
void make_groups(FrameMaker to) {
  SmallFleet small;
  const std::vector<Bytes> sync = small.fleet.sync();
  const Draft all = small.fleet.chunk();
  Draft ships = all;
  ships.head.enters.assign(all.head.enters.begin(), all.head.enters.begin() + 2);
  ships.blocks.assign(all.blocks.begin(), all.blocks.begin() + 2);
  Draft others = all;
  others.head.enters.assign(all.head.enters.begin() + 2, all.head.enters.end());
  others.blocks.assign(all.blocks.begin() + 2, all.blocks.end());
  to.good("sync-in-two-groups", "Ships, then what else there is, each with a mark behind it.", {},
          {sync[0], ships.seal(MessageType::kSyncChunk), mark(2, 2, 0),
           others.seal(MessageType::kSyncChunk), mark(2, 5, 4), mark(5, 5, 0), sync[2]});
  to.good("sync-mark-of-nothing", "Marks may say the same again.", {},
          {sync[0], mark(0, 0, 0), sync[1], mark(0, 0, 0), mark(1, 3, 7), mark(1, 3, 7), sync[2]});
  const std::vector<Bytes> marked = {sync[0], sync[1], mark(2, 4, 5)};
  auto unfit = [&](const char* name, const char* note, const Bytes& bytes) {
    to.bad(name, note, marked, {bytes}, "frame_malformed");
  };
  unfit("sync-mark-takes-back-done", "Two cells were complete, now one is.", mark(1, 4, 5));
  unfit("sync-mark-takes-back-begun", "Four cells were begun, now three are.", mark(2, 3, 5));
  unfit("sync-mark-takes-back-rows", "Rows below index 5 were sent, now those below 4.",
        mark(2, 4, 4));
  unfit("sync-mark-begun-below-done", "Four cells are complete, and three begun.", mark(4, 3, 0));
  unfit("sync-mark-of-six-cells", "The sync has five cells.", mark(2, 6, 5));
  to.bad("sync-mark-before-a-sync", "A mark comes before a sync has begun.", {}, {mark(0, 0, 0)},
         kUnexpected);
  to.bad("sync-mark-when-live", "A mark comes behind the end of the sync.", sync, {mark(0, 0, 0)},
         kUnexpected);
  Draft first = small.fleet.sync_end();
  first.head.set_flags(true, false, AdvanceKind::kSyncEnd);
  to.bad("sync-mark-inside-the-end", "The end has begun, and a mark comes.",
         {sync[0], sync[1], first.seal()}, {mark(5, 5, 0)}, kUnexpected);
}

/// Advances of what is held go on between the chunks.
void make_between(FrameMaker to) {
  Staging staging;
  staging.stage();
  Fleet& fleet = staging.small.fleet;
  fleet.set(kShips, staging.small.anna, "paint", uint64_t{99});
  fleet.set(kShips, staging.dora, "paint", uint64_t{42});
  std::vector<Bytes> setup = staging.frames;
  const Draft step = fleet.step();
  to.good("step-while-staging", "A held ship changes; one that is staged does so unseen.", setup,
          {step.seal()});
  Draft first = step;
  Draft last = step;
  first.head.set_flags(true, false, AdvanceKind::kStep);
  first.blocks.clear();
  last.head.set_flags(false, true, AdvanceKind::kStep);
  Staging other;
  other.frames.push_back(other.begin());
  to.good("staged-chunk-inside-an-advance", "A chunk stands between the frames of an advance.",
          other.frames,
          {first.seal(), other.chunk().seal(MessageType::kSyncChunk), mark(2, 2, 0), last.seal()});
  setup.push_back(step.seal());
  fleet.set(kShips, staging.small.bert, "pos", Vec2f{310, 310});
  fleet.set(kShips, staging.emil, "pos", Vec2f{3, 3});
  const Draft moves = fleet.step();
  to.good(
      "moves-while-staging",
      "A ship leaves to a cell that is staged, and one comes from there: it is held and staged.",
      setup, {moves.seal()});
  setup.push_back(moves.seal());
  const Version cut = fleet.head();
  to.good("staged-end-of-moves", "Each of the two ships is in one cell at the end.", setup,
          {staging.end(cut).seal()});
}

void make_moves_at_the_end(FrameMaker to) {
  Staging staging;
  staging.stage();
  Fleet& fleet = staging.small.fleet;
  const Version cut = fleet.head();
  fleet.set(kShips, staging.small.anna, "pos", Vec2f{310, 310});
  fleet.set(kShips, staging.dora, "pos", Vec2f{70, 1});
  fleet.set(kShips, staging.emil, "paint", uint64_t{51});
  fleet.add_ship(311, 311, 60);
  const Draft end = staging.end(cut);
  to.good(
      "staged-end-with-moves",
      "With the end ships move into a staged cell, out of one, change in one and are made: those "
      "that were held change, the others come into view.",
      staging.frames, {end.seal()});
  Staging other;
  other.stage();
  Fleet& reused = other.small.fleet;
  const Version before = reused.head();
  reused.destroy(other.small.clara);
  const EntityId fred = reused.add_ship(312, 312, 70);
  reused.destroy(other.dora);
  const EntityId gina = reused.add_ship(66, 1, 80);
  ECSDB_CHECK(fred.index() == other.small.clara.index() && gina.index() == other.dora.index());
  to.good("staged-end-with-indices-used-again",
          "Ships go from a held cell and from a staged one, and others with their indices come, "
          "each on the other side.",
          other.frames, {other.end(before).seal()});
}

void make_leaves(FrameMaker to) {
  Staging staging;
  staging.stage();
  const Version cut = staging.small.fleet.head();
  Draft end = staging.end(cut);
  end.head.leaves = {{kFar, 1}, {kFarCargo, 1}};
  to.good("staged-cells-leave", "What was staged is not wanted any more: nobody sees it.",
          staging.frames, {end.seal()});
  Staging other;
  Fleet& fleet = other.small.fleet;
  fleet.hold(kFar, kShips, CellKey::grid(0, 0));
  Draft chunk;
  chunk.set_span(other.begun, other.begun);
  chunk.head.enters = {fleet.enter_of(kFar)};
  chunk.blocks = {fleet.rows_of(kFar)};
  fleet.drop(kFar);
  other.frames.insert(other.frames.end(), {other.begin(), chunk.seal(MessageType::kSyncChunk)});
  fleet.set(kShips, other.small.bert, "paint", uint64_t{29});
  fleet.drop(kHome);
  Draft replaces = fleet.net(other.begun);
  replaces.head.set_flags(true, true, AdvanceKind::kSyncEnd);
  replaces.head.leaves = {{kHome, 1}};
  fleet.hold(kFar, kShips, CellKey::grid(0, 0));
  replaces.blocks.push_back(fleet.net_of(kFar, other.begun));
  to.good("staged-cell-replaces-a-held-one",
          "The same cell under another handle: rows that are as they were are no news.",
          other.frames, {replaces.seal()});
}

/// Messages that a sync beside a live connection forbids.
void reject_between(FrameMaker to) {
  Staging staging;
  Fleet& fleet = staging.small.fleet;
  Draft chunk = staging.chunk();
  std::vector<Bytes> begun = staging.frames;
  begun.push_back(staging.begin());
  Draft held = chunk;
  held.head.enters[0].handle = kHome;
  held.head.enters[0].generation = 2;
  held.blocks[0].handle = kHome;
  held.blocks[0].generation = 2;
  to.bad("staged-handle-is-held", "A cell is staged under the handle of one that is held.", begun,
         {held.seal(MessageType::kSyncChunk)}, kUnknownHandle);
  Draft leaves = chunk;
  leaves.head.leaves = {{kHome, 1}};
  to.bad("staged-chunk-with-leave", "A chunk has no leaves.", begun,
         {leaves.seal(MessageType::kSyncChunk)}, kUnknownHandle);
  staging.stage();
  Draft leave;
  leave.set_span(fleet.head(), fleet.head());
  leave.head.leaves = {{kFar, 1}};
  to.bad("step-leaves-a-staged-cell", "Only the end may leave a cell that is staged.",
         staging.frames, {leave.seal()}, kUnknownHandle);
  leave.head.leaves.clear();
  leave.head.enters = {{kFar, 2, TableId{3}, CellKey::value(1), fleet.head(), 0}};
  to.bad("step-enters-a-staged-handle", "The handle is taken by a cell that is staged.",
         staging.frames, {leave.seal()}, kUnknownHandle);
  std::vector<Bytes> twice = staging.frames;
  twice.push_back(staging.end(fleet.head()).seal());
  staging.drop();
  to.bad("staged-end-twice", "The end of a sync comes again.", twice,
         {staging.end(fleet.head()).seal()}, kUnexpected);
  staging.drop();
  fleet.set(kShips, staging.dora, "paint", uint64_t{43});
  fleet.set(kShips, staging.small.anna, "paint", uint64_t{13});
  staging.hold();
  Draft step = fleet.step();
  to.bad("step-of-a-staged-cell", "A block in step is for a cell that is staged.", staging.frames,
         {step.seal()}, kUnknownHandle);
  Draft first = step;
  first.head.set_flags(true, false, AdvanceKind::kSyncEnd);
  first.blocks.clear();
  std::vector<Bytes> ending = begun;
  ending.push_back(first.seal());
  to.bad("staged-chunk-inside-the-end", "The end of the sync has begun.", ending,
         {chunk.seal(MessageType::kSyncChunk)}, kUnexpected);
}

/// Ends of such a sync that are wrong.
void reject_ends(FrameMaker to) {
  Staging staging;
  Fleet& fleet = staging.small.fleet;
  fleet.set(kShips, staging.small.anna, "paint", uint64_t{13});
  const Bytes step = fleet.step().seal();
  staging.begun = fleet.head();
  staging.frames.push_back(step);
  staging.stage();
  fleet.set(kShips, staging.small.bert, "paint", uint64_t{23});
  staging.frames.push_back(fleet.step().seal());
  const Version cut = fleet.head();
  fleet.set(kShips, staging.dora, "paint", uint64_t{43});
  const Draft good = staging.end(cut);
  to.good("staged-end-from-two-versions",
          "Blocks of the end are net from the cut, and of what is staged from where it began.",
          staging.frames, {good.seal()});
  Draft wrong = good;
  wrong.blocks.back().base = cut;
  to.bad("staged-end-of-the-cut", "A block of a staged cell is from the cut.", staging.frames,
         {wrong.seal()}, "checksum_mismatch");
  wrong = good;
  wrong.set_span(staging.begun, good.head.to());
  to.bad("staged-end-of-the-sync", "The end is from where the sync began, not from the cut.",
         staging.frames, {wrong.seal()}, "wrong_baseline");
  Staging ahead;
  const Version now = ahead.begun;
  ahead.begun = Version{now.value + 5};
  ahead.frames.push_back(ahead.begin());
  Draft early;
  early.head.set_flags(true, true, AdvanceKind::kSyncEnd);
  early.set_span(now, Version{now.value + 4});
  to.bad("staged-end-before-it-began", "It ends below the version of the sync.", ahead.frames,
         {early.seal()}, "wrong_baseline");
}

void reject_rows(FrameMaker to) {
  Staging staging;
  staging.stage();
  Fleet& fleet = staging.small.fleet;
  fleet.set(kShips, staging.emil, "pos", Vec2f{3, 3});
  std::vector<Bytes> setup = staging.frames;
  setup.push_back(fleet.step().seal());
  Draft end = staging.end(fleet.head());
  end.blocks.clear();
  to.bad("staged-row-is-held", "A ship would be held twice: the cell that it left does not say so.",
         setup, {end.seal()}, "duplicate_row");
  Staging other;
  other.stage();
  Fleet& moving = other.small.fleet;
  const Version cut = moving.head();
  moving.set(kShips, other.small.anna, "pos", Vec2f{310, 310});
  Draft twice = other.end(cut);
  std::erase_if(twice.blocks, [](const Draft::Block& block) { return block.handle == kHome; });
  to.bad("staged-block-of-a-held-row", "A ship comes into a staged cell and does not go.",
         other.frames, {twice.seal()}, "duplicate_row");
}

}  // namespace

void make_staged_advances(FrameMaker to) {
  make_groups(to);
  make_simple(to);
  make_between(to);
  make_moves_at_the_end(to);
  make_leaves(to);
  reject_between(to);
  reject_ends(to);
  reject_rows(to);
}

}  // namespace ecsdb::vectors
