// Playing blocks on the state of one cell.
#pragma once

#include <vector>

#include "vector_file.h"

namespace ecsdb::vectors {

/// Each step is the blocks of one publish: decoded against one state, then applied together.
using BlockSteps = std::vector<std::vector<Bytes>>;

/// {"schema": ..., "table": ..., "setup": [...], "blocks": [...]}
Json blocks_input(const char* schema, uint16_t table, const BlockSteps& setup,
                  const std::vector<Bytes>& blocks);
Json play_blocks(const Group& group, const Json& input);

}  // namespace ecsdb::vectors
