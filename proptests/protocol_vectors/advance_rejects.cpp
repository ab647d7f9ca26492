// Advances that a client refuses: of them nothing is applied.
#include "advance_play.h"

namespace ecsdb::vectors {
namespace {

constexpr const char* kUnknownHandle = "unknown_handle";
constexpr const char* kWrongBaseline = "wrong_baseline";
constexpr const char* kChecksum = "checksum_mismatch";
constexpr const char* kMalformed = "frame_malformed";
constexpr const char* kDuplicate = "duplicate_row";
constexpr const char* kNotCanonical = "not_canonical";

void reject_spans(FrameMaker to) {
  const Step step;
  auto bad = [&](const char* name, const char* note, Version from, uint64_t distance) {
    Draft draft = step.draft;
    draft.blocks.clear();
    draft.head.from = from;
    draft.head.distance = distance;
    to.bad(name, note, step.sync, {draft.seal()}, kWrongBaseline);
  };
  const Version cut = step.draft.head.from;
  bad("from-before-the-cut", "The advance starts a version before the cut.", Version{cut.value - 1},
      1);
  bad("from-behind-the-cut", "The advance starts a version behind the cut.", cut.next(), 1);
  bad("distance-beyond", "The version where it ends would be over 64 bits.", cut,
      ~uint64_t{0} - cut.value + 1);
}

void reject_cells(FrameMaker to) {
  const Step step;
  auto bad = [&](const char* name, const char* note, auto&& spoil, const char* error) {
    Draft draft = step.draft;
    draft.blocks.clear();
    spoil(draft.head);
    to.bad(name, note, step.sync, {draft.seal()}, error);
  };
  auto enter = [&](uint32_t handle, uint32_t generation, uint16_t table) {
    return CellEnter{handle, generation, TableId{table}, CellKey::value(99), Version{0}, 0};
  };
  bad(
      "leave-unknown", "A leave of handle 5, which nobody has.",
      [&](Advance& head) {
        head.leaves = {{kNextHandle, 1}};
      },
      kUnknownHandle);
  bad(
      "leave-other-generation", "A leave of an entry that is over.",
      [&](Advance& head) {
        head.leaves = {{kRoom, 2}};
      },
      kUnknownHandle);
  bad(
      "leave-twice", "A cell leaves once.",
      [&](Advance& head) {
        head.leaves = {{kRoom, 1}, {kRoom, 1}};
      },
      kUnknownHandle);
  bad(
      "enter-held", "A handle that is held is given out.",
      [&](Advance& head) { head.enters = {enter(kRoom, 2, 3)}; }, kUnknownHandle);
  bad(
      "enter-same-generation", "A handle is given out anew without a new generation.",
      [&](Advance& head) {
        head.leaves = {{kRoom, 1}};
        head.enters = {enter(kRoom, 1, 3)};
      },
      kUnknownHandle);
  bad(
      "enter-twice", "A handle is given out twice.",
      [&](Advance& head) {
        head.enters = {enter(kNextHandle, 1, 3), enter(kNextHandle, 2, 3)};
      },
      kUnknownHandle);
  bad(
      "enter-not-dense", "Handle 6 is given out before 5.",
      [&](Advance& head) { head.enters = {enter(kNextHandle + 1, 1, 3)}; }, kUnknownHandle);
  bad(
      "enter-unknown-table", "A cell of a table that the schema lacks.",
      [&](Advance& head) { head.enters = {enter(kNextHandle, 1, 4)}; }, "unknown_table");
}

void reject_keys(FrameMaker to) {
  const Step step;
  auto bad = [&](const char* name, const char* note, uint16_t table, const CellKey& key) {
    Draft draft = step.draft;
    draft.blocks.clear();
    draft.head.enters = {{kNextHandle, 1, TableId{table}, key, Version{0}, 0}};
    to.bad(name, note, step.sync, {draft.seal()}, "type_mismatch");
  };
  bad("enter-key-of-another-kind", "A key by value of a table of grid cells.", 1,
      CellKey::value(99));
  bad("enter-key-one", "The key of a table that is one cell.", 3, CellKey::one());
  bad("enter-key-in-space", "A grid over a vec2f has no z.", 1, CellKey::grid(9, 9, 1));
  bad("enter-key-of-none", "The key none is for tables that follow another.", 1, CellKey::none());
  bad("enter-key-not-of-the-followed",
      "A table that follows has the keys of the one that it follows.", 2, CellKey::value(99));
}

void reject_targets(FrameMaker to) {
  const Step step;
  auto bad = [&](const char* name, const char* note, auto&& spoil, const char* error) {
    Draft draft = step.draft;
    spoil(draft);
    to.bad(name, note, step.sync, {draft.seal()}, error);
  };
  bad(
      "block-unknown-handle", "A block for handle 5, which nobody has.",
      [](Draft& draft) { draft.blocks[1].handle = kNextHandle; }, kUnknownHandle);
  bad(
      "block-below-zero", "Steps lead below handle 0.",
      [](Draft& draft) { draft.blocks[1].handle = 0xffffffff; }, kUnknownHandle);
  bad(
      "block-of-a-leaving-cell", "A block for a cell that leaves in the same advance.",
      [](Draft& draft) {
        draft.head.leaves = {{kRoom, 1}};
      },
      kUnknownHandle);
  bad(
      "tail-longer", "A byte follows the last block.",
      [](Draft& draft) { draft.tail_bytes_more = 1; }, kMalformed);
  bad(
      "tail-shorter", "The last block lacks a byte.",
      [](Draft& draft) { draft.tail_bytes_more = -1; }, kMalformed);
  bad(
      "block-of-no-bytes", "A block has a byte at least.",
      [](Draft& draft) { draft.blocks[1].bytes.clear(); }, kMalformed);
  bad(
      "tail-checksum", "The tail's checksum is wrong.",
      [](Draft& draft) { draft.checksum_flip = 1; }, kChecksum);
  bad(
      "tail-checksum-of-other-generation", "The block was meant for another entry of the cell.",
      [](Draft& draft) { draft.blocks[1].generation = 2; }, kChecksum);
  bad(
      "tail-checksum-of-other-base", "The block was meant for the state of another version.",
      [](Draft& draft) { draft.blocks[1].base = Version{1}; }, kChecksum);
  Bytes damaged = step.draft.seal();
  damaged.back() ^= 1;
  to.bad("tail-damaged", "A bit of the last block has flipped.", step.sync, {damaged}, kChecksum);
}

void reject_forms(FrameMaker to) {
  Step step;
  auto input = [&](AdvanceKind kind, const Draft::Block& block) {
    Draft draft = step.draft;
    draft.head.set_flags(true, true, kind);
    draft.blocks = {block};
    return FrameMaker::input(step.sync, {draft.seal()});
  };
  auto bad = [&](const char* name, const char* note, AdvanceKind kind, const Draft::Block& block) {
    to.maker().reject(name, note, input(kind, block), kWrongBaseline);
  };
  Fleet& fleet = step.small.fleet;
  constexpr AdvanceKind kStep = AdvanceKind::kStep;
  constexpr AdvanceKind kNet = AdvanceKind::kNet;
  bad("rows-for-a-held-cell", "Rows are for cells that enter.", kNet, fleet.rows_of(kRoom));
  Draft::Block net = fleet.net_of(kRoom, step.draft.head.from);
  to.maker().accept("net-in-a-net-advance", "A net block of a cell that has changed.",
                    input(kNet, net));
  bad("net-in-a-step", "Net blocks are for advances of kind net.", kStep, net);
  Draft::Block relative = step.draft.blocks[1];
  to.maker().accept("relative-in-a-step", "The same change, relative.", input(kStep, relative));
  bad("relative-in-a-net-advance", "Relative blocks are for advances in step.", kNet, relative);
  net.bytes[1] = static_cast<uint8_t>(step.draft.head.from.value);
  bad("net-not-newer", "A net block to the version that the cell is at.", kNet, net);
  net.bytes[1] = static_cast<uint8_t>(step.draft.head.to().value + 1);
  bad("net-beyond-the-advance", "A net block to a version behind the advance.", kNet, net);
  relative.bytes[0] ^= 0x20;
  bad("block-of-another-chain", "A relative block that does not follow the cell's last publish.",
      kStep, relative);
  auto entering = [&](const char* name, const char* note, const Draft::Block& block) {
    Draft draft = step.draft;
    draft.head.leaves = {{kRoom, 1}};
    draft.head.enters = {fleet.enter_of(kRoom)};
    draft.head.enters[0].generation = 2;
    draft.blocks = {block};
    draft.blocks[0].generation = 2;
    to.bad(name, note, step.sync, {draft.seal()}, kWrongBaseline);
  };
  entering("net-for-an-entering-cell", "A cell that enters takes rows.",
           fleet.net_of(kRoom, step.draft.head.from));
  Draft::Block first = step.draft.blocks[1];
  first.bytes[0] &= 0x1f;
  entering("relative-for-an-entering-cell", "A cell that enters takes rows.", first);
}

void reject_parts(FrameMaker to) {
  SmallFleet small;
  const std::vector<Bytes> sync = small.fleet.sync();
  small.fleet.set(kShips, small.anna, "paint", uint64_t{12});
  small.fleet.set(kShips, small.bert, "paint", uint64_t{22});
  Fleet copy = small.fleet;
  Fleet other = small.fleet;
  Fleet third = small.fleet;
  to.good("parts-with-a-gap", "Nothing is said of the indices from 2 to 99.", sync,
          {third.step({{0, 2}, {100, 200}}).seal()});
  Draft draft = small.fleet.step({{0, 1}, {1, kEntityIndexMax}});
  std::swap(draft.blocks[0], draft.blocks[1]);
  to.bad("parts-out-of-order", "The parts of a cell's change rise.", sync, {draft.seal()},
         kNotCanonical);
  draft = copy.step({{0, 2}, {1, kEntityIndexMax}});
  to.bad("parts-that-overlap", "Both parts speak of index 1.", sync, {draft.seal()}, kNotCanonical);
  draft = other.step();
  to.good("block-once", "A block of a cell that is no part.", sync, {draft.seal()});
  draft.blocks.push_back(draft.blocks[0]);
  to.bad("block-twice", "The same block again.", sync, {draft.seal()}, kNotCanonical);
}

/// Blocks of absolute values of one cell.
void reject_publishes(FrameMaker to) {
  constexpr size_t kVersionAt = 1;  // in the header
  constexpr size_t kPublishesAt = 2;
  SmallFleet small;
  const std::vector<Bytes> sync = small.fleet.sync();
  small.fleet.set(kShips, small.anna, "paint", uint64_t{12});
  small.fleet.set(kShips, small.bert, "paint", uint64_t{22});
  Draft good = small.fleet.step();
  good.head.set_flags(true, true, AdvanceKind::kNet);
  good.blocks = small.fleet.net_rows_of(kHome, good.head.from);
  auto bad = [&](const char* name, const char* note, auto&& spoil, const char* error) {
    Draft draft = good;
    spoil(draft.blocks);
    to.bad(name, note, sync, {draft.seal()}, error);
  };
  bad(
      "net-blocks-out-of-order", "Net blocks of one cell rise by their rows.",
      [](auto& blocks) { std::swap(blocks[0], blocks[1]); }, kNotCanonical);
  bad(
      "net-blocks-of-two-publishes", "Net blocks of one cell are of one publish.",
      [](auto& blocks) { blocks[1].bytes[kPublishesAt] += 1; }, kNotCanonical);
  bad(
      "net-blocks-of-two-versions", "Net blocks of one cell are of one version.",
      [](auto& blocks) { blocks[0].bytes[kVersionAt] -= 1; }, kNotCanonical);
  bad(
      "net-of-an-earlier-publish", "A net block of a publish before the cell's last.",
      [](auto& blocks) {
        blocks.resize(1);
        blocks[0].bytes[kPublishesAt] = 0;
      },
      kWrongBaseline);
  Draft chunk = small.fleet.chunk();
  chunk.head.enters[0].publishes += 1;
  to.bad("rows-of-an-earlier-publish", "Rows of a publish before the one that the enter tells.",
         {small.fleet.sync_begin()}, {chunk.seal(MessageType::kSyncChunk)}, kWrongBaseline);
}

void reject_rows(FrameMaker to) {
  Step step;
  Fleet& fleet = step.small.fleet;
  auto bad = [&](const char* name, const char* note, const Draft& draft, const char* error) {
    to.bad(name, note, step.sync, {draft.seal()}, error);
  };
  // Chat rows of another room that have the entity of the one held.
  Draft draft = step.draft;
  draft.blocks.clear();
  fleet.hold(kNextHandle, kChat, CellKey::value(12));
  draft.head.enters = {fleet.enter_of(kNextHandle)};
  draft.head.enters[0].key = CellKey::value(13);
  draft.blocks = {fleet.rows_of(kNextHandle)};
  bad("row-held-elsewhere", "A row comes into one cell while another holds it.", draft, kDuplicate);
  draft.head.leaves = {{kRoom, 1}};
  draft.head.enters.push_back(draft.head.enters[0]);
  draft.head.enters[1].handle = kNextHandle + 1;
  draft.blocks.push_back(draft.blocks[0]);
  draft.blocks[1].handle = kNextHandle + 1;
  bad("row-in-two-cells", "A row comes into two cells.", draft, kDuplicate);
  // Another entity of the same index.
  Fleet other;
  other.destroy(other.add_chat(13, "x"));
  for (int i = 0; i < 3; ++i) other.add_ship(900, 900, 1);
  const EntityId taken = other.add_chat(14, "y");
  ECSDB_CHECK(taken.index() == step.small.line.index());
  other.step();
  other.hold(kNextHandle, kChat, CellKey::value(14), 1);
  draft = step.draft;
  draft.head.enters = {other.enter_of(kNextHandle)};
  draft.blocks = {other.rows_of(kNextHandle)};
  bad("index-held-elsewhere", "An entity comes whose index a row of another cell has.", draft,
      kDuplicate);
  fleet.drop(kNextHandle);
  draft = step.draft;
  const EntityId ghost = fleet.add_chat(12, "z");
  fleet.step();
  fleet.set(kChat, ghost, "line", std::string("zz"));
  Draft later = fleet.step();
  later.blocks[0].bytes[0] = draft.blocks[1].bytes[0];
  later.blocks[0].base = draft.blocks[1].base;
  draft.blocks[1] = later.blocks[0];
  bad("one-bad-block-of-two", "A good block and one that changes a row that is not held.", draft,
      "unknown_row");
}

void reject_too_many_rows(FrameMaker to) {
  SmallFleet small;
  const std::vector<Bytes> sync = small.fleet.sync();
  Json input = FrameMaker::input({}, {sync[0], sync[1]});
  input.set("client", Json::object({{"rows_max", 5}}));
  to.maker().reject("rows-over-the-limit", "Six rows in a chunk where the client takes five.",
                    input, "client_limit");
  input = FrameMaker::input({}, sync);
  input.set("client", Json::object({{"rows_max", 6}}));
  to.maker().accept("rows-at-the-limit", "Six rows where the client takes six.", input);
}

}  // namespace

void make_advance_rejects(FrameMaker to) {
  reject_spans(to);
  reject_cells(to);
  reject_keys(to);
  reject_targets(to);
  reject_forms(to);
  reject_parts(to);
  reject_publishes(to);
  reject_rows(to);
  reject_too_many_rows(to);
}

}  // namespace ecsdb::vectors
