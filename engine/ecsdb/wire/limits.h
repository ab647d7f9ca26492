// Every bound of the protocol in one place. Those a client must obey stand in the auth reply too.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ecsdb/schema/schema.h"

namespace ecsdb {

inline constexpr uint8_t kProtocolVersion = 1;

// Frames. A peer that claims more is refused before anything is allocated for it.
inline constexpr size_t kFrameHeadBytesMax = 64 * 1024;    // head: the message itself
inline constexpr size_t kFrameTailBytesMax = 256 * 1024;   // tail: blocks, from the server only
inline constexpr size_t kPreAuthFrameBytesMax = 8 * 1024;  // any frame before the auth reply
inline constexpr size_t kBlockBytesMax = 64 * 1024;        // encoder's target for one block part
inline constexpr size_t kBlockBytesHardMax = 192 * 1024;   // what a decoder accepts
inline constexpr size_t kBlockValuesMax = 1u << 20;        // whole rows times their lanes and texts

// Fields of messages.
inline constexpr size_t kTokenBytesMax = 4096;
inline constexpr size_t kTicketBytesMax = 64;
inline constexpr size_t kClientNameBytesMax = 64;
inline constexpr size_t kReasonBytesMax = 512;
inline constexpr size_t kSchemaPartBytesMax = 32 * 1024;
inline constexpr size_t kSubscriptionsMax = 64;       // of one connection
inline constexpr size_t kSubscriptionKeysMax = 1024;  // keys named by one subscription
inline constexpr size_t kConnectionKeysMax = 8192;    // keys named by all of them
inline constexpr size_t kCellsPerFrameMax = 512;      // enters or leaves in one frame
inline constexpr size_t kBlocksPerFrameMax = 1024;
inline constexpr size_t kDigestsPerFrameMax = 256;
inline constexpr size_t kCellsPerConnectionMax = 1u << 20;

// Writes.
inline constexpr size_t kWriteBytesMax = 60'000;   // of one write
inline constexpr size_t kWriteOpsMax = 256;        // of one write
inline constexpr size_t kWriteFieldsMax = 1024;    // of one write, of all operations together
inline constexpr size_t kWritesPerFrameMax = 256;  // and of outcomes likewise:
inline constexpr size_t kOutcomesPerFrameMax = 256;

// Events.
inline constexpr size_t kEventBytesMax = 16 * 1024;  // of the values of one event
inline constexpr size_t kEventsPerFrameMax = 256;

// Flow.
inline constexpr size_t kUnackedBytesMax = 256 * 1024;  // sent to a client and not acknowledged
inline constexpr size_t kRepliesWaitingMax = 64;        // subscribe replies not yet sent
inline constexpr size_t kOutputPartsMax = 64;           // gathered parts offered to a driver

static_assert(kBlockBytesMax <= kBlockBytesHardMax && kBlockBytesHardMax <= kFrameTailBytesMax);
// A row alone always fits a block: its texts, and 64 fields of at most four lanes of ten bytes.
static_assert(kRowTextBytesMax + kFieldsPerTableMax * 48 + 64 <= kBlockBytesHardMax);
static_assert(kSchemaPartBytesMax + 64 <= kFrameHeadBytesMax);
static_assert(kEventBytesMax + 64 <= kFrameHeadBytesMax);
static_assert(kWriteBytesMax + 64 <= kFrameHeadBytesMax);
static_assert(kTokenBytesMax + 256 <= kPreAuthFrameBytesMax);

}  // namespace ecsdb
