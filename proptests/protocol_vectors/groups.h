// The groups of vectors, one file each or a few.
#pragma once

#include "vector_file.h"

namespace ecsdb::vectors {

const GroupKind& primitives_group();
void make_bit_codes(Maker& to);
const GroupKind& values_group();
const GroupKind& schemas_group();
void make_schema_rejects(Maker& to);
const GroupKind& frames_group();
const GroupKind& messages_group();
void make_message_rejects(Maker& to);
void make_writes(Maker& to);
void make_event_messages(Maker& to);
const GroupKind& plain_blocks_group();
const GroupKind& packed_blocks_group();
const GroupKind& advances_group();
const GroupKind& sessions_group();

}  // namespace ecsdb::vectors
