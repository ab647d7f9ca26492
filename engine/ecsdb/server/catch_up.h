// How a connection that is behind comes to the published version in the fewest bytes.
#pragma once

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "ecsdb/server/advance_writer.h"
#include "ecsdb/server/cell_blocks.h"
#include "ecsdb/server/interest.h"
#include "ecsdb/server/step_writer.h"

namespace ecsdb {

/// What net blocks of a table cost of late, so that most of them need not be encoded to be compared
/// with something else. A value.
class NetCost {
 public:
  /// Learns from a block of that many rows; those of few rows say nothing. `now`: number of the
  /// publish.
  void learn(size_t rows, size_t bytes, uint64_t now);
  /// False if too little is known, or it was learnt too long ago.
  bool is_known(uint64_t now) const;
  /// What `rows` rows take at the least.
  size_t least_bytes(size_t rows) const;

 private:
  static constexpr uint64_t kScale = 256;
  static constexpr unsigned kBlocksMin = 4;
  static constexpr uint64_t kFreshPublishes = 256;

  uint64_t row_bytes_ = 0;  // running mean, in 1/kScale
  uint64_t spread_ = 0;     // of blocks around it, likewise
  unsigned blocks_ = 0;     // learnt from, up to kBlocksMin
  uint64_t learnt_ = 0;     // when
};

/// Decides for one connection after the other. What it finds out about a cell and a cut serves all
/// connections at that cut until the next publish. Not thread-safe.
class CatchUp {
 public:
  enum class Way : uint8_t {
    kNothing,  // nothing that is held has changed: the cut is as good as the published version
    kChain,    // the shared blocks of the publishes that were missed, one advance for each
    kNet,      // one advance with absolute values
  };
  /// What there is to choose from.
  struct Sources {
    const Database& db;
    const PublishRing& ring;
    CellBlocks& blocks;
  };
  /// A connection that waits for no other cells than those it was told.
  struct Behind {
    const Interest& interest;
    Version sent_cut;       // where the stream leaves it,
    Version effective_cut;  // and up to where nothing that it holds has changed since
    uint32_t features = 0;
  };

  explicit CatchUp(size_t tables);
  /// Forgets what was found out: the published state moves.
  void begin_publish();
  Way choose(const Sources& sources, const Behind& behind);

  // Until the next choose():
  /// The advance that is chosen for kNet, but for the cells below; its end is left to the caller.
  AdvancePlan& net() { return net_; }
  /// Handles of cells that take fewer bytes, or can only be sent, if they are left and entered
  /// anew.
  std::span<const uint32_t> replaced() const { return replaced_; }
  /// Appends the chain; returns where it ends and of how many advances it is. Whoever stands where
  /// the one before stood, and holds the same cells, takes the frames that were made for that one.
  struct Written {
    Version end;
    size_t advances = 0;
  };
  Written write_chain(const Sources& sources, const Behind& behind, StepWriter& steps,
                      AdvanceWriter& writer, Outbox& out);
  /// Calls call(step) for each advance of the chain, in order; see StepWriter. The first starts at
  /// the sent cut, each other one where the one before ends.
  template <class Call>
  void for_each_step(const Sources& sources, const Behind& behind, Call&& call) {
    StepWriter::Step step{0, behind.sent_cut, behind.features, {}};
    for (size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].empty()) continue;
      step.sequence = sources.ring.first_sequence() + i;
      step.entries = steps_[i];
      call(std::as_const(step));
      step.from = sources.ring.at(step.sequence).to;
    }
  }

 private:
  static constexpr size_t kUnknown = ~size_t{0};
  /// Of a cell, for everyone who stands at a cut and holds it.
  struct Cost {
    Version cut;
    bool has_chain = true;
    std::array<bool, 2> is_learnt{};
    uint64_t missed = 0;  // publishes, bits by their sequence
    size_t chain_blocks = 0;
    std::array<size_t, 2> chain_bytes{};  // by kind
    size_t rows = kUnknown;
  };
  struct CellCosts {
    uint64_t publish = 0;  // when they were found out
    std::vector<Cost> by_cut;
  };
  struct Changed {
    uint32_t handle;
    uint32_t generation;
    CellRef ref;
    bool operator==(const Changed&) const = default;
  };
  /// The chain that was chosen last, in this publish: for whom, and what was made of it.
  struct Chain {
    size_t users = 0;  // 0: there is none
    Version sent_cut;
    Version effective_cut;
    uint32_t features = 0;
    uint64_t first_sequence = 0;  // of the ring, where steps_ begins
    std::vector<Changed> changed;
    std::vector<BlockRef> frames;  // of the second user; none where one is too large
  };
  /// Of connections: 1 for those that take compressed blocks.
  static size_t kind_of(uint32_t features) { return (features & kFeatureZstd) != 0 ? 1 : 0; }
  bool is_last_chain(const Sources& sources, const Behind& behind) const;
  void begin_chain(const Sources& sources, const Behind& behind);
  void find_changed(const Sources& sources, const Behind& behind);
  Cost& cost_of(const Sources& sources, CellRef ref, Version cut);
  size_t rows_of(const Sources& sources, CellRef ref, Cost& cost);
  bool measure_chain(const Sources& sources, const Behind& behind, size_t& bytes);
  bool is_net_no_better(const Sources& sources, const Behind& behind, size_t chain);
  size_t plan_net(const Sources& sources, const Behind& behind);
  size_t plan_cell(const Sources& sources, const Behind& behind, const Changed& changed);
  void learn(const Sources& sources, const Behind& behind, CellRef ref, size_t bytes);
  size_t whole_bytes(const Sources& sources, const Behind& behind, const Changed& changed);
  static bool has_compressed_texts(const Sources& sources, const Behind& behind, CellRef ref);
  bool may_be_smaller_whole(const Sources& sources, const Behind& behind, CellRef ref, size_t net);
  void find_steps(const Sources& sources, const Behind& behind);

  uint64_t publish_ = 1;
  std::vector<std::vector<CellCosts>> costs_;      // by table and cell
  std::vector<std::array<NetCost, 2>> net_costs_;  // by table and kind
  std::vector<Changed> changed_;                   // cells of the connection that is looked at
  uint64_t missed_ = 0;                            // publishes that changed one of them
  AdvancePlan net_;
  std::vector<uint32_t> replaced_;
  Chain chain_;
  std::vector<std::vector<StepEntry>> steps_;  // of it, by publish in the ring
};

}  // namespace ecsdb
