// Syncs and advances that a client takes.
#include "ecsdb/wire/compress.h"
#include "ecsdb/wire/frame.h"

#include "advance_play.h"

namespace ecsdb::vectors {
namespace {

void make_syncs(FrameMaker to) {
  SmallFleet small;
  const std::vector<Bytes> sync = small.fleet.sync();
  to.good("sync-begun", "A sync has begun; nothing can be read yet.", {}, {sync[0]});
  to.good("sync-chunk-taken", "The chunk is in, but the sync has not ended.", {},
          {sync[0], sync[1]});
  to.good("sync", "A whole sync: begin, one chunk, end.", {}, sync);
  Draft enters = small.fleet.chunk();
  Draft first = enters;
  Draft second = enters;
  first.blocks.resize(2);
  second.head.enters.clear();
  second.blocks.erase(second.blocks.begin(), second.blocks.begin() + 2);
  to.good("sync-in-two-chunks", "Enters and two blocks, then the others.", {},
          {sync[0], first.seal(MessageType::kSyncChunk), second.seal(MessageType::kSyncChunk),
           sync[2]});
  const Version begun = small.fleet.head();
  small.fleet.set(kShips, small.bert, "paint", uint64_t{21});
  small.fleet.remove(kCargo, small.clara);
  Draft end = small.fleet.net(begun);
  end.head.set_flags(true, true, AdvanceKind::kSyncEnd);
  to.good("sync-ends-with-changes", "What changed since the scan began comes with its end.", {},
          {sync[0], sync[1], end.seal()});
  Draft marked = enters;
  marked.head.set_flags(false, false, AdvanceKind::kStep);
  marked.head.commit_time_ns = 1;
  to.good("sync-chunk-marked", "First, last and the time of the commit mean nothing in a chunk.",
          {}, {sync[0], marked.seal(MessageType::kSyncChunk), sync[2]});
  Draft nothing;
  nothing.set_span(begun, begun);
  to.good("sync-empty", "A sync of no cells.", {},
          {sync[0], nothing.seal(MessageType::kSyncChunk), sync[2]});
}

void make_steps(FrameMaker to) {
  SmallFleet small;
  const std::vector<Bytes> sync = small.fleet.sync();
  small.fleet.set(kShips, small.anna, "paint", uint64_t{11});
  small.fleet.set(kChat, small.line, "line", std::string("hello again"));
  const Draft change = small.fleet.step();
  to.good("step", "Two cells change in step; their handles are told by steps.", sync,
          {change.seal()});
  Draft backwards = change;
  std::swap(backwards.blocks[0], backwards.blocks[1]);
  to.good("step-backwards", "Blocks may stand in any order of handles.", sync, {backwards.seal()});
  std::vector<Bytes> setup = sync;
  setup.push_back(change.seal());
  small.fleet.remove(kShips, small.bert);
  small.fleet.set(kShips, small.anna, "pos", Vec2f{3, 3});
  to.good("step-removal", "A row is removed, another changes.", setup, {small.fleet.step().seal()});
  Draft nothing;
  nothing.set_span(change.head.to(), Version{change.head.to().value + 3});
  to.good("step-of-nothing", "The cut moves by three versions that changed nothing held.", setup,
          {nothing.seal()});
  nothing.set_span(change.head.to(), change.head.to());
  to.good("step-to-the-same-version", "An advance may end where it starts.", setup,
          {nothing.seal()});
}

void make_moves(FrameMaker to) {
  SmallFleet small;
  const std::vector<Bytes> sync = small.fleet.sync();
  small.fleet.set(kShips, small.anna, "pos", Vec2f{70, 1});
  to.good("move-between-cells",
          "A ship moves from one held cell to another, and its cargo follows: changes, no leave.",
          sync, {small.fleet.step().seal()});
  SmallFleet other;
  const std::vector<Bytes> other_sync = other.fleet.sync();
  other.fleet.set(kShips, other.anna, "pos", Vec2f{300, 300});
  to.good("move-out-of-sight", "A ship moves to a cell that is not held: it leaves.", other_sync,
          {other.fleet.step().seal()});
  SmallFleet third;
  const std::vector<Bytes> third_sync = third.fleet.sync();
  third.fleet.set(kShips, third.clara, "pos", Vec2f{300, 300});
  const Version before = third.fleet.head();
  Draft draft = third.fleet.step();
  third.fleet.hold(kNextHandle, kShips, CellKey::grid(4, 4));
  draft.head.enters.push_back(third.fleet.enter_of(kNextHandle));
  draft.blocks.push_back(third.fleet.rows_of(kNextHandle));
  ECSDB_CHECK(before == third.fleet.head());
  to.good("move-to-a-cell-that-enters", "The cell that a ship moves to enters in the same advance.",
          third_sync, {draft.seal()});
  SmallFleet fourth;
  const std::vector<Bytes> fourth_sync = fourth.fleet.sync();
  fourth.fleet.destroy(fourth.bert);
  const EntityId dora = fourth.fleet.add_ship(66, 5, 40);
  ECSDB_CHECK(dora.index() == fourth.bert.index());
  to.good("index-used-again-elsewhere",
          "An entity goes from one cell, and one with its index comes into another.", fourth_sync,
          {fourth.fleet.step().seal()});
}

void make_enters(FrameMaker to) {
  SmallFleet small;
  const std::vector<Bytes> sync = small.fleet.sync();
  Draft leave;
  leave.set_span(small.fleet.head(), small.fleet.head());
  leave.head.leaves = {{kHome, 1}, {kHomeCargo, 1}};
  to.good("cells-leave", "Two cells are no longer held: their rows leave.", sync, {leave.seal()});
  Draft again = leave;
  again.head.leaves = {{kHome, 1}};
  small.fleet.hold(kHome, kShips, CellKey::grid(0, 0), 2);
  again.head.enters.push_back(small.fleet.enter_of(kHome));
  again.blocks.push_back(small.fleet.rows_of(kHome));
  to.good("cell-enters-anew",
          "A cell leaves and enters in one advance: rows that are equal are no news.", sync,
          {again.seal()});
  SmallFleet other;
  const std::vector<Bytes> other_sync = other.fleet.sync();
  other.fleet.set(kShips, other.anna, "paint", uint64_t{99});
  other.fleet.remove(kShips, other.bert);
  Draft replaced = other.fleet.step();
  replaced.blocks.clear();
  other.fleet.hold(kHome, kShips, CellKey::grid(0, 0), 2);
  replaced.head.leaves = {{kHome, 1}};
  replaced.head.enters.push_back(other.fleet.enter_of(kHome));
  replaced.blocks.push_back(other.fleet.rows_of(kHome));
  to.good("cell-replaced",
          "The same while rows have changed: a row that is missing leaves, one that differs "
          "changes.",
          other_sync, {replaced.seal()});
  Draft other_cell;
  other_cell.set_span(small.fleet.head(), small.fleet.head());
  other_cell.head.leaves = {{kRoom, 1}};
  small.fleet.hold(kRoom, kShips, CellKey::grid(0, 0), 7);
  small.fleet.drop(kHome);
  other_cell.head.leaves.push_back({kHome, 1});
  other_cell.head.enters.push_back(small.fleet.enter_of(kRoom));
  other_cell.blocks.push_back(small.fleet.rows_of(kRoom));
  to.good("handle-given-to-another-table", "A handle that was given back names another table.",
          sync, {other_cell.seal()});
  SmallFleet third;
  const std::vector<Bytes> third_sync = third.fleet.sync();
  third.fleet.remove(kChat, third.fleet.add_chat(13, "gone"));
  Draft none_enters;
  none_enters.set_span(small.fleet.head(), small.fleet.head());
  none_enters.head.enters = {{kNextHandle, 1, TableId{2}, CellKey::none(), small.fleet.head(), 3}};
  to.good("cell-of-none-enters", "Cargo of those that have no ship, of whom there are none.", sync,
          {none_enters.seal()});
  none_enters.head.enters = {
      {kNextHandle, 1, TableId{3}, CellKey::value(int64_t{1} << 40), small.fleet.head(), 3},
      {kNextHandle + 1, 1, TableId{1}, CellKey::grid(int64_t{-1} << 40, 0), small.fleet.head(), 3}};
  to.good("cells-that-no-row-can-have-enter",
          "A room beyond the 32 bits of its field, and a square beyond all positions: of a key "
          "only the kind is checked, and the z of a square.",
          sync, {none_enters.seal()});
  Draft empty = third.fleet.step();
  third.fleet.hold(kNextHandle, kChat, CellKey::value(13));
  empty.head.enters.push_back(third.fleet.enter_of(kNextHandle));
  to.good("empty-cell-enters", "A cell without rows enters without a block.", third_sync,
          {empty.seal()});
}

void make_net(FrameMaker to) {
  SmallFleet small;
  const std::vector<Bytes> sync = small.fleet.sync();
  const Version cut = small.fleet.head();
  for (uint64_t paint = 40; paint < 43; ++paint) {
    small.fleet.set(kShips, small.anna, "paint", paint);
    small.fleet.step();
  }
  small.fleet.set(kShips, small.bert, "pos", Vec2f{100, 1});
  small.fleet.remove(kCargo, small.anna);
  small.fleet.add_ship(5, 5, 50);
  const Draft net = small.fleet.net(cut);
  to.good("net-advance", "Absolute values of what changed in the versions that were missed.", sync,
          {net.seal()});
  std::vector<Bytes> setup = sync;
  setup.push_back(net.seal());
  small.fleet.set(kShips, small.anna, "paint", uint64_t{200});
  to.good("step-after-net", "Who took the net advance is in step.", setup,
          {small.fleet.step().seal()});
}

void make_frames(FrameMaker to) {
  SmallFleet small;
  const std::vector<Bytes> sync = small.fleet.sync();
  small.fleet.set(kShips, small.anna, "pos", Vec2f{70, 1});
  small.fleet.set(kChat, small.line, "line", std::string("bye"));
  const Draft whole = small.fleet.step();
  Draft first = whole;
  Draft middle = whole;
  Draft last = whole;
  first.head.set_flags(true, false, AdvanceKind::kStep);
  first.head.leaves = {{kRoom, 1}};
  first.blocks.clear();
  middle.head.set_flags(false, false, AdvanceKind::kStep);
  middle.blocks.assign(whole.blocks.begin(), whole.blocks.begin() + 2);
  last.head.set_flags(false, true, AdvanceKind::kStep);
  last.blocks.assign(whole.blocks.begin() + 2, whole.blocks.end() - 1);
  to.good("advance-in-three-frames",
          "Leaves, then blocks, then the others: handles start anew in each frame, and all is "
          "applied at once.",
          sync, {first.seal(), middle.seal(), last.seal()});
  to.good("advance-without-its-end", "As long as the last frame has not come nothing changes.",
          sync, {first.seal(), middle.seal()});
  Bytes heartbeat;
  append_message(heartbeat, MessageType::kServerHeartbeat,
                 ServerHeartbeat{Version{9}, {}, 77, 0, 0, {}});
  to.good("heartbeat-inside-an-advance", "A heartbeat may stand between the frames.", sync,
          {first.seal(), heartbeat, middle.seal(), last.seal()});
}

void make_digests(FrameMaker to) {
  SmallFleet small;
  const std::vector<Bytes> sync = small.fleet.sync();
  ServerHeartbeat heartbeat;
  heartbeat.head = small.fleet.head();
  for (const uint32_t handle : {kHome, kAwayCargo}) {
    heartbeat.digests.push_back(
        {handle, small.fleet.generation(handle), small.fleet.digest(handle)});
  }
  heartbeat.digests.push_back({kAway, 2, {}});
  heartbeat.digests.push_back({kNextHandle, 1, {}});
  Bytes bytes;
  append_message(bytes, MessageType::kServerHeartbeat, heartbeat);
  to.good("heartbeat-with-digests",
          "Those of two held cells are right. Another generation, and a cell that is not held, are "
          "passed over.",
          sync, {bytes});
}

void make_special_blocks(FrameMaker to) {
  SmallFleet small;
  std::vector<Bytes> sync = small.fleet.sync();
  small.fleet.set(kShips, small.anna, "paint", uint64_t{12});
  small.fleet.set(kShips, small.bert, "paint", uint64_t{22});
  const Draft parts = small.fleet.step({{0, 1}, {1, kEntityIndexMax}});
  to.good("block-in-two-parts", "One cell's change in two blocks of one handle.", sync,
          {parts.seal()});
  Draft net = parts;
  net.head.set_flags(true, true, AdvanceKind::kNet);
  net.blocks = small.fleet.net_rows_of(kHome, net.head.from);
  ECSDB_CHECK(net.blocks.size() == 2);
  to.good("net-in-two-blocks", "The same in two net blocks, which have no range.", sync,
          {net.seal()});
  if ((built_in_features() & kFeatureZstd) == 0) return;
  SmallFleet chatty;
  for (int i = 0; i < 3; ++i) chatty.fleet.add_chat(12, std::string(600, 'a'));
  chatty.fleet.step();
  wire_test::Picked rows = wire_test::pick(
      chatty.fleet.db(), {kChat, chatty.fleet.db().cells(kChat).find(CellKey::value(12))},
      BlockForm::kRows, Version{0});
  const Bytes raw = rows.encode();
  Draft chunk = chatty.fleet.chunk();
  chunk.blocks.back().bytes.clear();
  ECSDB_CHECK(BlockEncoder().compress(rows.ready(), raw, chunk.blocks.back().bytes));
  sync = chatty.fleet.sync();
  Json agreed = FrameMaker::input({}, {sync[0], chunk.seal(MessageType::kSyncChunk), sync[2]});
  agreed.set("needs", "zstd").set("library", true);
  agreed.set("client", Json::object({{"compression", true}}));
  to.maker().accept("compressed-block", "A compressed block, where both sides agreed on it.",
                    agreed);
  Json input = FrameMaker::input({}, {sync[0], chunk.seal(MessageType::kSyncChunk)});
  to.maker().reject("compressed-block-not-agreed-on", "A compressed block that nobody asked for.",
                    input.set("library", true), "frame_malformed");
}

}  // namespace

void make_cell_advances(FrameMaker to) {
  make_syncs(to);
  make_steps(to);
  make_moves(to);
  make_enters(to);
  make_net(to);
  make_frames(to);
  make_digests(to);
  make_special_blocks(to);
}

}  // namespace ecsdb::vectors
