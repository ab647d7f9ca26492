// Limits and other named constants.
#include <cstdio>

#include "ecsdb/schema/schema.h"
#include "ecsdb/store/history.h"
#include "ecsdb/store/table.h"
#include "ecsdb/wire/compress.h"
#include "ecsdb/wire/limits.h"

#include "markdown.h"
#include "protocol_tables.h"

namespace ecsdb::protocol {
namespace {

struct NamedLimit {
  const char* name;
  uint64_t value;
  const char* text;
};

constexpr NamedLimit kLimits[] = {
    {"protocol_version", kProtocolVersion, "of this document"},
    {"frame_head_bytes_max", kFrameHeadBytesMax, "head of a frame"},
    {"frame_tail_bytes_max", kFrameTailBytesMax, "tail of a frame, from the server only"},
    {"pre_auth_frame_bytes_max", kPreAuthFrameBytesMax,
     "head of a frame that a client sends before its auth is accepted"},
    {"block_bytes_max", kBlockBytesMax, "target for one block; a larger one is split"},
    {"block_bytes_hard_max", kBlockBytesHardMax,
     "a block that a client accepts, and the body that a compressed one decompresses to"},
    {"block_values_max", kBlockValuesMax,
     "whole rows of one block times the lanes and texts of a row"},
    {"token_bytes_max", kTokenBytesMax, "token of an auth"},
    {"ticket_bytes_max", kTicketBytesMax, "ticket of a session"},
    {"client_name_bytes_max", kClientNameBytesMax, "name of a client"},
    {"reason_bytes_max", kReasonBytesMax, "reason of a goodbye"},
    {"schema_part_bytes_max", kSchemaPartBytesMax, "bytes of one schema_part"},
    {"subscriptions_max", kSubscriptionsMax, "subscriptions of a connection"},
    {"subscription_keys_max", kSubscriptionKeysMax, "keys of one subscription"},
    {"connection_keys_max", kConnectionKeysMax, "keys of all subscriptions of a connection"},
    {"cells_per_frame_max", kCellsPerFrameMax,
     "leaves, and enters, in one frame; cells in one resume or refetch"},
    {"blocks_per_frame_max", kBlocksPerFrameMax, "blocks in one frame"},
    {"digests_per_frame_max", kDigestsPerFrameMax, "digests in one server_heartbeat"},
    {"write_bytes_max", kWriteBytesMax, "of one write"},
    {"write_ops_max", kWriteOpsMax, "operations of one write"},
    {"write_fields_max", kWriteFieldsMax, "fields of all operations of one write together"},
    {"writes_per_frame_max", kWritesPerFrameMax, "writes in one frame"},
    {"outcomes_per_frame_max", kOutcomesPerFrameMax, "outcomes in one frame"},
    {"event_bytes_max", kEventBytesMax, "of the values of one event"},
    {"events_per_frame_max", kEventsPerFrameMax, "events in one frame"},
    {"cells_per_connection_max", kCellsPerConnectionMax, "the largest handle"},
    {"unacked_bytes_max", kUnackedBytesMax,
     "as shipped: bytes sent and not acknowledged; auth_reply has the server's"},
    {"replies_waiting_max", kRepliesWaitingMax, "subscribe replies that wait to be sent"},
    {"tables_max", kTablesMax, "tables of a schema"},
    {"fields_per_table_max", kFieldsPerTableMax, "fields of a table or event"},
    {"enums_max", kEnumsMax, "enums of a schema"},
    {"enum_values_max", kEnumValuesMax, "values of an enum"},
    {"events_max", kEventsMax, "events of a schema"},
    {"access_rules_max", kAccessRulesMax, "rules in a read or write list"},
    {"name_bytes_max", kNameBytesMax, "any name in a schema"},
    {"text_bytes_max", kTextBytesMax, "longest value of a str or bytes field"},
    {"row_text_bytes_max", kRowTextBytesMax, "longest values of a table's texts together"},
    {"schema_bytes_max", kSchemaBytesMax, "a schema in its canonical form"},
    {"entity_index_max", kEntityIndexMax, "indices of entities with rows are below it"},
};

}  // namespace

std::vector<std::string> listed_limits() {
  std::vector<std::string> names;
  for (const NamedLimit& limit : kLimits) names.emplace_back(limit.name);
  return names;
}

void add_limit_sections(std::vector<Section>& out) {
  MarkdownTable limits({"name", "value", "of what"});
  for (const NamedLimit& limit : kLimits) {
    limits.row({code(limit.name), number(limit.value), limit.text});
  }
  out.push_back({"limits", limits.text()});

  MarkdownTable caps({"cap", "value"});
  caps.row({"bytes of the decompressed body", number(kBlockBytesHardMax)});
  caps.row({"decompressed bytes for each byte of the frame", number(kCompressionRatioMax)});
  caps.row({"window in bytes", number(kCompressionWindowMax)});
  out.push_back({"compression-caps", caps.text()});
}

}  // namespace ecsdb::protocol
