#include "groups.h"

namespace ecsdb::vectors {

std::span<const GroupKind> group_kinds() {
  static const GroupKind kKinds[] = {
      primitives_group(),    values_group(),   schemas_group(),
      frames_group(),        messages_group(), plain_blocks_group(),
      packed_blocks_group(), advances_group(), sessions_group(),
  };
  return kKinds;
}

}  // namespace ecsdb::vectors
