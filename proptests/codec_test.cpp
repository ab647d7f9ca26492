// Laws of the block codec, in thousands of drawn histories each.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "ecsdb/wire/block_lanes.h"

#include "codec_world.h"
#include "property.h"

namespace ecsdb::properties {
namespace {

using wire_test::Replica;
using wire_test::Sent;

constexpr int kCases = 10'000;

/// `what` names the step in a counterexample.
void apply(Replica& replica, std::span<const Sent> blocks, const char* what) {
  const Status status = replica.apply(blocks);
  RC_LOG() << what << ": " << (status.ok() ? "ok" : status.error().to_string()) << "\n";
  RC_ASSERT(status.ok());
}

void expect_equal(CodecWorld& world, Replica& replica, const char* what,
                  const std::set<CellIndex>* only = nullptr) {
  const std::string difference = world.difference(replica, only);
  RC_LOG() << what << ": " << (difference.empty() ? "equal" : difference) << "\n";
  RC_ASSERT(difference.empty());
}

/// Changes at least one bit, or the length.
void damage(Bytes& bytes) {
  const uint64_t kind = draw_below(4);
  if (kind == 0) {
    bytes.resize(draw_below(bytes.size()));
    return;
  }
  if (kind == 1) {
    const size_t at = draw_below(bytes.size() + 1);
    bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(at), static_cast<uint8_t>(draw_below(256)));
    return;
  }
  for (int left = 1 + static_cast<int>(draw_below(3)); left > 0; --left) {
    const size_t bit = draw_below(bytes.size() * 8);
    bytes[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
  }
}

// Values, digests and history after every publish; and a block is the same bytes whatever its
// encoder did before.
TEST(CodecProperty, RelativeBlocksGoRound) {
  check_property(1, kCases, [] {
    CodecWorld world(draw_script());
    Replica replica(world.schema());
    while (!world.done()) {
      apply(replica, world.step(), "relative");
      expect_equal(world, replica, "relative");
    }
  });
}

// For any a < b < c: net(a, b) then net(b, c), net(a, c), and the chain of relative blocks give the
// same state.
TEST(CodecProperty, NetDeltasComposeAndEqualTheChain) {
  check_property(2, kCases, [] {
    CodecWorld world(draw_script());
    Replica chain(world.schema());
    const size_t a = draw_below(16);
    const size_t b = a + 1 + draw_below(12);
    Replica direct(world.schema());
    Replica by_steps(world.schema());
    Version version_a;
    Version version_b;
    for (size_t at = 0; !world.done(); ++at) {
      apply(chain, world.step(), "chain");
      if (at == a) {
        direct = by_steps = chain;
        version_a = version_b = world.db().published();
      }
      if (at != b) continue;
      apply(by_steps, world.net(version_a), "net a to b");
      expect_equal(world, by_steps, "net a to b");
      version_b = world.db().published();
    }
    if (version_a == Version{}) return;
    apply(by_steps, world.net(version_b), "net b to c");
    apply(direct, world.net(version_a), "net a to c");
    expect_equal(world, by_steps, "net a to b to c");
    expect_equal(world, direct, "net a to c");
    expect_equal(world, chain, "chain");
  });
}

// Join at any version, in any subset of cells, by a scan during which the server may go on: then
// everything that follows in those cells decodes, in step.
TEST(CodecProperty, WhoJoinsAnywhereDecodesAllThatFollows) {
  check_property(3, kCases, [] {
    CodecWorld world(draw_script());
    const size_t join = draw_below(24);
    const size_t scan = draw_below(12);  // publishes between its halves
    const uint64_t subset = draw_below(1u << CodecWorld::kRooms);
    for (size_t at = 0; at <= join && !world.done(); ++at) world.step();
    Replica replica(world.schema());
    std::set<CellIndex> held;
    for (const CellRef ref : world.cells()) {
      if ((subset >> ref.cell & 1) != 0) held.insert(ref.cell);
    }
    auto chunk = [&](int parity) {
      for (const CellIndex cell : held) {
        const Sent rows = world.rows({CodecWorld::kTable, cell}, parity);
        apply(replica, std::span(&rows, 1), "chunk");
      }
    };
    const Version begin = world.db().published();
    chunk(0);
    for (size_t i = 0; i < scan && !world.done(); ++i) world.step();
    chunk(1);
    apply(replica, world.net(begin, &held), "the scan's end");
    expect_equal(world, replica, "the scan's end", &held);
    while (!world.done()) {
      std::vector<Sent> blocks = world.step();
      std::erase_if(blocks, [&](const Sent& sent) { return !held.contains(sent.ref.cell); });
      apply(replica, blocks, "relative");
      expect_equal(world, replica, "relative", &held);
    }
  });
}

// Cut short, with bits flipped or bytes put in: refused, or a state that its fields can have. The
// replica itself does not change.
TEST(CodecProperty, DamagedBlocksAreRefusedOrHarmless) {
  check_property(4, kCases, [] {
    CodecWorld world(draw_script());
    const size_t stop = draw_below(24);
    Replica replica(world.schema());
    Replica before(world.schema());
    Version cut;
    std::vector<Sent> blocks;
    for (size_t at = 0; at <= stop && !world.done(); ++at) {
      before = replica;
      cut = world.db().published();
      blocks = world.step();
      apply(replica, blocks, "relative");
    }
    const std::vector<Sent> net = world.net(cut);
    blocks.insert(blocks.end(), net.begin(), net.end());
    for (const CellRef ref : world.cells()) blocks.push_back(world.rows(ref));
    if (blocks.empty()) return;
    Sent sent = blocks[draw_below(blocks.size())];
    damage(sent.bytes);
    DecodedBlock decoded;
    const Status status = before.decode(sent, decoded);
    if (!status.ok()) {
      RC_ASSERT(status.error().context.find(", byte ") != std::string::npos);
      return;
    }
    if (!before.apply(std::span(&sent, 1)).ok()) return;
    const Table& table = before.table(CodecWorld::kTable);
    for (uint16_t lane = 0; lane < table.layout().lanes.size(); ++lane) {
      for (RowIndex row = 0; row < table.row_count(); ++row) {
        RC_ASSERT(lane_fits(table.layout().lanes[lane], table.lane(row, lane)));
      }
    }
    before.digest(sent.ref);
  });
}

}  // namespace
}  // namespace ecsdb::properties
