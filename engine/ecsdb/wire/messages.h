// Every message of the protocol, declared once. See describe.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/wire/describe.h"
#include "ecsdb/wire/limits.h"

namespace ecsdb {

/// Text that a peer accepts in a message: at most `bytes_max` bytes, cut between characters, '?'
/// for bytes that are not UTF-8.
std::string message_text(std::string_view text, size_t bytes_max);

/// First byte of a frame. Numbers never change meaning.
enum class MessageType : uint8_t {
  // client to server
  kAuth = 1,
  kSubscribe = 2,
  kAck = 3,
  kClientHeartbeat = 4,
  kResume = 5,
  kRefetch = 6,
  kClientReady = 7,
  // both ways
  kGoodbye = 8,
  // server to client
  kAuthReply = 16,
  kSchemaPart = 17,
  kSubscribeReply = 18,
  kSyncBegin = 19,
  kSyncChunk = 20,
  kAdvance = 21,
  kServerHeartbeat = 22,
  kResumeReply = 23,
  kSyncMark = 24,
};

struct Auth {
  Bytes token;
  std::string client_name;
  uint8_t database = 0;
  Hash128 schema_known;
  uint64_t client_time_ns = 0;
  Bytes ticket;
  bool is_resuming = false;
};
template <>
struct Describe<Auth> {
  static constexpr const char* name = "auth";
  static constexpr auto fields = std::make_tuple(
      field("token", &Auth::token, kTokenBytesMax, "opaque; what the authenticator takes"),
      field("client_name", &Auth::client_name, kClientNameBytesMax, "for logs only"),
      field("database", &Auth::database, 1, "0 the user's database, 1 the system database"),
      field("schema_known", &Auth::schema_known, 0, "fingerprint of the schema held, or zero"),
      field("client_time_ns", &Auth::client_time_ns, 0, "the client's steady clock"),
      field("ticket", &Auth::ticket, kTicketBytesMax, "of the session to go on with, or empty"),
      field("is_resuming", &Auth::is_resuming, 0,
            "subscribes and a resume follow; no sync begins before the resume"));
};

struct AuthReply {
  DatabaseId database_id;
  Epoch epoch;
  ClientId client;
  PrincipalId principal;
  Hash128 schema_fingerprint;
  uint32_t schema_bytes = 0;
  uint64_t server_time_ns = 0;
  uint32_t heartbeat_ms = 0;
  uint32_t frame_head_bytes_max = 0;
  uint32_t unacked_bytes_max = 0;
  uint32_t subscriptions_max = 0;
  uint64_t echo_ns = 0;
  Bytes ticket;
  bool is_resumed = false;
  uint64_t budget_bytes = 0;
  uint64_t client_bytes = 0;
  uint32_t client_changes = 0;
  uint32_t stall_ms = 0;
};
template <>
struct Describe<AuthReply> {
  static constexpr const char* name = "auth_reply";
  static constexpr auto fields = std::make_tuple(
      field("database_id", &AuthReply::database_id, 0, "random name of this database"),
      field("epoch", &AuthReply::epoch, 0, "of the history that follows"),
      field("client", &AuthReply::client, 0, "issued to this client"),
      field("principal", &AuthReply::principal, 0, "who the token stands for"),
      field("schema_fingerprint", &AuthReply::schema_fingerprint, 0, "of the schema in force"),
      field("schema_bytes", &AuthReply::schema_bytes, kSchemaBytesMax,
            "length of the schema that follows in parts; 0: the client knows it"),
      field("server_time_ns", &AuthReply::server_time_ns, 0, "the server's steady clock"),
      field("heartbeat_ms", &AuthReply::heartbeat_ms, 0,
            "the server speaks after so long a silence"),
      field("frame_head_bytes_max", &AuthReply::frame_head_bytes_max, 0,
            "largest head of a frame to send"),
      field("unacked_bytes_max", &AuthReply::unacked_bytes_max, 0,
            "the server stops sending when so many bytes are unacknowledged"),
      field("subscriptions_max", &AuthReply::subscriptions_max, 0, "of one connection"),
      field("echo_ns", &AuthReply::echo_ns, 0, "client_time_ns of the auth"),
      field("ticket", &AuthReply::ticket, kTicketBytesMax, "to go on with this session later"),
      field("is_resumed", &AuthReply::is_resumed, 0, "the session of the auth's ticket goes on"),
      field("budget_bytes", &AuthReply::budget_bytes, 0,
            "the server sends so many a second in the long run; 0: no limit"),
      field("client_bytes", &AuthReply::client_bytes, 0,
            "the client may send so many a second in the long run; 0: no limit"),
      field(
          "client_changes", &AuthReply::client_changes, 0,
          "subscriptions that may be begun, ended or moved a second in the long run; 0: no limit"),
      field("stall_ms", &AuthReply::stall_ms, 0,
            "a client without any progress is closed after so long"));
};

struct SchemaPart {
  uint32_t offset = 0;
  Bytes bytes;
};
template <>
struct Describe<SchemaPart> {
  static constexpr const char* name = "schema_part";
  static constexpr auto fields = std::make_tuple(
      field("offset", &SchemaPart::offset, kSchemaBytesMax, "parts come in order, without gaps"),
      field("bytes", &SchemaPart::bytes, kSchemaPartBytesMax, "of the canonical binary schema"));
};

/// What a subscription covers in its table.
enum class SelectorKind : uint8_t { kAll = 0, kKeys = 1, kBox = 2, kBall = 3, kRange = 4 };

/// A place in the space of a grid table, in steps of the grid field's precision.
struct GridPoint {
  int64_t x = 0;
  int64_t y = 0;
  int64_t z = 0;
  auto operator<=>(const GridPoint&) const = default;
};
template <>
struct Describe<GridPoint> {
  static constexpr const char* name = "grid_point";
  static constexpr auto fields =
      std::make_tuple(field("x", &GridPoint::x, 0, "in steps of the grid field's precision"),
                      field("y", &GridPoint::y, 0, "likewise"),
                      field("z", &GridPoint::z, 0, "likewise; 0 for a vec2f"));
};

/// What a subscription of kind ball or range covers: the cells that touch it.
struct SubscriptionArea {
  EntityId follow;
  GridPoint center;
  GridPoint extent;
  uint64_t margin = 0;
};
template <>
struct Describe<SubscriptionArea> {
  static constexpr const char* name = "subscription_area";
  static constexpr auto fields = std::make_tuple(
      field("follow", &SubscriptionArea::follow, 0,
            "the centre is where this entity is in the grid table; 0: the centre is as given"),
      field("center", &SubscriptionArea::center, 0, "until the followed entity is seen, too"),
      field("extent", &SubscriptionArea::extent, 0,
            "kind 3: x is the radius; kind 4: half of each edge; none is negative"),
      field("margin", &SubscriptionArea::margin, 0,
            "a held cell is kept until it is so far outside"));
};

struct Subscription {
  SubscriptionId id;
  TableId table;
  SelectorKind kind = SelectorKind::kAll;
  std::vector<CellKey> keys;
  std::vector<SubscriptionArea> area;
  std::vector<CellKey> nearest_to;

  /// True if the selector covers a cell of its table. Listed keys must be sorted; a box has two
  /// grid keys: the corners.
  bool covers(const CellKey& key) const;
};
template <>
struct Describe<Subscription> {
  static constexpr const char* name = "subscription";
  static constexpr auto fields = std::make_tuple(
      field("id", &Subscription::id, 0, "chosen by the client, unique in its connection"),
      field("table", &Subscription::table, 0, "table id"),
      field("kind", &Subscription::kind, 4,
            "0 every cell, 1 the listed keys, 2 a box of grid cells, 3 a ball, 4 a range"),
      field("keys", &Subscription::keys, kSubscriptionKeysMax,
            "kind 1: the cells; kind 2: least and greatest grid key, both included"),
      field("area", &Subscription::area, 1, "kinds 3 and 4: one, else none"),
      field("nearest_to", &Subscription::nearest_to, 1,
            "none, or a grid key: a full sync sends the cells nearest to it first"));
};

struct SubscriptionMove {
  SubscriptionId id;
  GridPoint center;
};
template <>
struct Describe<SubscriptionMove> {
  static constexpr const char* name = "subscription_move";
  static constexpr auto fields =
      std::make_tuple(field("id", &SubscriptionMove::id, 0, "of kind 3 or 4"),
                      field("center", &SubscriptionMove::center, 0, "from now on"));
};

struct Subscribe {
  uint32_t request = 0;
  std::vector<Subscription> add;
  std::vector<SubscriptionId> remove;
  std::vector<SubscriptionMove> move;
};
template <>
struct Describe<Subscribe> {
  static constexpr const char* name = "subscribe";
  static constexpr auto fields =
      std::make_tuple(field("request", &Subscribe::request, 0, "echoed in the reply"),
                      field("add", &Subscribe::add, kSubscriptionsMax, "new subscriptions"),
                      field("remove", &Subscribe::remove, kSubscriptionsMax, "ids to end"),
                      field("move", &Subscribe::move, kSubscriptionsMax, "new centres"));
};

struct SubscribeResult {
  SubscriptionId id;
  uint16_t code = 0;
};
template <>
struct Describe<SubscribeResult> {
  static constexpr const char* name = "subscribe_result";
  static constexpr auto fields =
      std::make_tuple(field("id", &SubscribeResult::id, 0, "subscription"),
                      field("code", &SubscribeResult::code, 0, "0 accepted, else an error code"));
};

struct SubscribeReply {
  uint32_t request = 0;
  std::vector<SubscribeResult> results;
};
template <>
struct Describe<SubscribeReply> {
  static constexpr const char* name = "subscribe_reply";
  static constexpr auto fields =
      std::make_tuple(field("request", &SubscribeReply::request, 0, "of the subscribe"),
                      field("results", &SubscribeReply::results, 3 * kSubscriptionsMax,
                            "for each of remove, add, move, in the order asked"));
};

struct SyncBegin {
  Version version;
  uint64_t rows = 0;
  uint64_t bytes = 0;
};
template <>
struct Describe<SyncBegin> {
  static constexpr const char* name = "sync_begin";
  static constexpr auto fields = std::make_tuple(
      field("version", &SyncBegin::version, 0, "the scan starts here: the net delta's base"),
      field("rows", &SyncBegin::rows, 0, "rows to come, as counted now"),
      field("bytes", &SyncBegin::bytes, 0, "bytes to come, as estimated now"));
};

struct SyncMark {
  uint32_t done = 0;
  uint32_t begun = 0;
  uint32_t next_index = 0;
};
template <>
struct Describe<SyncMark> {
  static constexpr const char* name = "sync_mark";
  static constexpr auto fields = std::make_tuple(
      field("done", &SyncMark::done, kCellsPerConnectionMax,
            "so many cells of the sync, in the order of their enters, are complete"),
      field("begun", &SyncMark::begun, kCellsPerConnectionMax,
            "of those behind them, up to this number of cells, some rows have been sent:"),
      field("next_index", &SyncMark::next_index, 0, "those of lower entity indices"));
};

/// Why a position cannot be gone on from.
enum class ResetReason : uint8_t {
  kNone = 0,
  kOtherDatabase = 1,
  kPastFork = 2,
  kSchemaBreak = 3,
  kRightsChanged = 4,
  kCellsUnknown = 5,
};

inline constexpr size_t kResetReasons = 6;
/// Stable snake_case name, for logs and JSON.
std::string_view reset_reason_name(ResetReason reason);

/// What a client holds of a cell.
enum class HeldState : uint8_t { kHeld = 0, kSyncDone = 1, kSyncBegun = 2, kSyncWaits = 3 };

struct ResumeCell {
  uint32_t handle = 0;
  uint32_t generation = 0;
  TableId table;
  CellKey key;
  HeldState state = HeldState::kHeld;
};
template <>
struct Describe<ResumeCell> {
  static constexpr const char* name = "resume_cell";
  static constexpr auto fields = std::make_tuple(
      field("handle", &ResumeCell::handle, kCellsPerConnectionMax, "as the client knows it"),
      field("generation", &ResumeCell::generation, 0, "of its last enter"),
      field("table", &ResumeCell::table, 0, "table id"),
      field("key", &ResumeCell::key, 0, "which cell of the table"),
      field("state", &ResumeCell::state, 3,
            "0 held at the cut; of the unfinished sync: 1 complete, 2 in part, 3 not begun"));
};

struct Resume {
  bool is_last = true;
  DatabaseId database_id;
  Epoch epoch;
  Version cut;
  Version sync_version;
  uint32_t next_index = 0;
  uint32_t generation = 0;
  std::vector<ResumeCell> cells;
};
template <>
struct Describe<Resume> {
  static constexpr const char* name = "resume";
  static constexpr auto fields = std::make_tuple(
      field("is_last", &Resume::is_last, 0, "the cells are complete; else another one follows"),
      field("database_id", &Resume::database_id, 0, "of the position"),
      field("epoch", &Resume::epoch, 0, "of the position"),
      field("cut", &Resume::cut, 0, "of the position; 0: nothing is held"),
      field("sync_version", &Resume::sync_version, 0, "of the unfinished sync; 0: there is none"),
      field("next_index", &Resume::next_index, 0, "of the last sync_mark; for cells held in part"),
      field("generation", &Resume::generation, 0, "the highest that any handle has had"),
      field("cells", &Resume::cells, kCellsPerFrameMax,
            "what is held, then the cells of the unfinished sync in the order of their enters"));
};

struct ResumeReply {
  ResetReason reason = ResetReason::kNone;
  Epoch fork_epoch;
  Version fork_version;
  bool keeps_sync = false;
};
template <>
struct Describe<ResumeReply> {
  static constexpr const char* name = "resume_reply";
  static constexpr auto fields = std::make_tuple(
      field("reason", &ResumeReply::reason, 5,
            "0 go on from the cut; else what is held is void: 1 other database, 2 past the fork, "
            "3 schema break, 4 rights changed, 5 cells unknown"),
      field("fork_epoch", &ResumeReply::fork_epoch, 0,
            "the last position that both histories have"),
      field("fork_version", &ResumeReply::fork_version, 0, "likewise; 0: none"),
      field("keeps_sync", &ResumeReply::keeps_sync, 0, "the unfinished sync goes on, too"));
};

struct CellName {
  uint32_t handle = 0;
  uint32_t generation = 0;
};
template <>
struct Describe<CellName> {
  static constexpr const char* name = "cell_name";
  static constexpr auto fields =
      std::make_tuple(field("handle", &CellName::handle, kCellsPerConnectionMax, "of a held cell"),
                      field("generation", &CellName::generation, 0, "of its last enter"));
};

struct Refetch {
  std::vector<CellName> cells;
};
template <>
struct Describe<Refetch> {
  static constexpr const char* name = "refetch";
  static constexpr auto fields = std::make_tuple(field(
      "cells", &Refetch::cells, kCellsPerFrameMax, "whose digests differ; to be entered again"));
};

/// The client shows what it was sent and wants to be live.
struct ClientReady {
  Version cut;
};
template <>
struct Describe<ClientReady> {
  static constexpr const char* name = "client_ready";
  static constexpr auto fields =
      std::make_tuple(field("cut", &ClientReady::cut, 0, "the version applied last"));
};

struct CellEnter {
  uint32_t handle = 0;
  uint32_t generation = 0;
  TableId table;
  CellKey key;
  Version changed;
  uint32_t publishes = 0;
};
template <>
struct Describe<CellEnter> {
  static constexpr const char* name = "cell_enter";
  static constexpr auto fields = std::make_tuple(
      field("handle", &CellEnter::handle, kCellsPerConnectionMax, "name of the cell from now on"),
      field("generation", &CellEnter::generation, 0, "rises each time the handle is given out"),
      field("table", &CellEnter::table, 0, "table id"),
      field("key", &CellEnter::key, 0, "which cell of the table"),
      field("changed", &CellEnter::changed, 0, "last published change: the first block's base"),
      field("publishes", &CellEnter::publishes, 0, "how many publishes have changed the cell"));
};

struct CellLeave {
  uint32_t handle = 0;
  uint32_t generation = 0;
};
template <>
struct Describe<CellLeave> {
  static constexpr const char* name = "cell_leave";
  static constexpr auto fields = std::make_tuple(
      field("handle", &CellLeave::handle, kCellsPerConnectionMax, "cell that is no longer held"),
      field("generation", &CellLeave::generation, 0, "of its entry"));
};

struct BlockEntry {
  int32_t step = 0;
  uint32_t bytes = 0;
};
template <>
struct Describe<BlockEntry> {
  static constexpr const char* name = "block_entry";
  static constexpr auto fields = std::make_tuple(
      field("step", &BlockEntry::step, 0, "handle of the cell minus that of the entry before"),
      field("bytes", &BlockEntry::bytes, kBlockBytesHardMax, "length in the frame's tail"));
};

enum class AdvanceKind : uint8_t { kStep = 0, kNet = 1, kSyncEnd = 2 };

/// Head of a kSyncChunk or kAdvance frame; the tail is the blocks, one after the other. An advance
/// may span frames; it is applied, all or nothing, when one says `end`.
struct Advance {
  uint8_t flags = kBegin | kEnd;
  Version from;
  uint64_t distance = 0;
  uint64_t commit_time_ns = 0;
  std::vector<CellLeave> leaves;
  std::vector<CellEnter> enters;
  std::vector<BlockEntry> blocks;
  Fixed32 tail_checksum;

  static constexpr uint8_t kBegin = 1;
  static constexpr uint8_t kEnd = 2;
  static constexpr uint8_t kKindShift = 2;

  bool begin() const { return (flags & kBegin) != 0; }
  bool end() const { return (flags & kEnd) != 0; }
  AdvanceKind kind() const { return static_cast<AdvanceKind>(flags >> kKindShift); }
  Version to() const { return Version{from.value + distance}; }
  void set_flags(bool begin, bool end, AdvanceKind kind) {
    flags = static_cast<uint8_t>((begin ? kBegin : 0) | (end ? kEnd : 0) |
                                 static_cast<unsigned>(kind) << kKindShift);
  }
};
template <>
struct Describe<Advance> {
  static constexpr const char* name = "advance";
  static constexpr auto fields = std::make_tuple(
      field("flags", &Advance::flags, 11,
            "bit 0 first frame of the advance, bit 1 last one: apply it; bits 2-3: 0 in-step "
            "blocks, 1 net deltas, 2 the end of a full sync"),
      field("from", &Advance::from, 0, "the cut it starts at"),
      field("distance", &Advance::distance, 0, "versions from there to the one it ends at"),
      field("commit_time_ns", &Advance::commit_time_ns, 0,
            "commit of that version, on the server's steady clock"),
      field("leaves", &Advance::leaves, kCellsPerFrameMax, "come before the enters"),
      field("enters", &Advance::enters, kCellsPerFrameMax, "come before the blocks that name them"),
      field("blocks", &Advance::blocks, kBlocksPerFrameMax, "in the order of the tail"),
      field("tail_checksum", &Advance::tail_checksum, 0,
            "crc32c over, for each block: handle u32, generation u32, base u64, its crc32c u32"));
};

/// The checksum of a frame's tail: of the blocks and of what they are meant for, so that a block
/// that is shared by many connections names neither, and yet cannot be applied to the wrong state.
class TailChecksum {
 public:
  /// `base`: the version of the cell's state that a block is relative to; of a net delta the cut,
  /// of whole rows 0. `checksum`: crc32c of the block's bytes.
  void add(uint32_t handle, uint32_t generation, Version base, uint32_t checksum) {
    if (used_ == sizeof(gathered_)) sum_gathered();
    FixedWriter out(gathered_ + used_);
    out.u32(handle);
    out.u32(generation);
    out.u64(base.value);
    out.u32(checksum);
    used_ += kBytesEach;
  }
  Fixed32 value() {
    sum_gathered();
    return Fixed32{sum_};
  }

 private:
  static constexpr size_t kBytesEach = 20;
  void sum_gathered();

  uint32_t sum_ = 0;
  size_t used_ = 0;
  uint8_t gathered_[16 * kBytesEach];  // one pass over many blocks is faster
};

struct Ack {
  Version cut;
  uint64_t bytes = 0;
};
template <>
struct Describe<Ack> {
  static constexpr const char* name = "ack";
  static constexpr auto fields = std::make_tuple(
      field("cut", &Ack::cut, 0, "the version applied last; 0 during the first sync"),
      field("bytes", &Ack::bytes, 0, "stream bytes consumed since the connection began"));
};

struct ClientHeartbeat {
  uint64_t client_time_ns = 0;
  uint64_t echo_ns = 0;
  uint64_t echo_age_ns = 0;
};
template <>
struct Describe<ClientHeartbeat> {
  static constexpr const char* name = "client_heartbeat";
  static constexpr auto fields = std::make_tuple(
      field("client_time_ns", &ClientHeartbeat::client_time_ns, 0, "the client's steady clock"),
      field("echo_ns", &ClientHeartbeat::echo_ns, 0, "the last server time seen, or 0"),
      field("echo_age_ns", &ClientHeartbeat::echo_age_ns, 0, "how long ago that came"));
};

struct DigestSample {
  uint32_t handle = 0;
  uint32_t generation = 0;
  Digest digest;
};
template <>
struct Describe<DigestSample> {
  static constexpr const char* name = "digest_sample";
  static constexpr auto fields = std::make_tuple(
      field("handle", &DigestSample::handle, kCellsPerConnectionMax, "of a held cell"),
      field("generation", &DigestSample::generation, 0, "of its enter"),
      field("digest", &DigestSample::digest, 0, "after every advance before this message"));
};

struct ServerHeartbeat {
  Version head;
  Version durable;
  uint64_t server_time_ns = 0;
  uint64_t echo_ns = 0;
  uint64_t echo_age_ns = 0;
  std::vector<DigestSample> digests;
};
template <>
struct Describe<ServerHeartbeat> {
  static constexpr const char* name = "server_heartbeat";
  static constexpr auto fields = std::make_tuple(
      field("head", &ServerHeartbeat::head, 0, "newest published version"),
      field("durable", &ServerHeartbeat::durable, 0,
            "newest version that a crash cannot undo; or 0"),
      field("server_time_ns", &ServerHeartbeat::server_time_ns, 0, "the server's steady clock"),
      field("echo_ns", &ServerHeartbeat::echo_ns, 0, "the last client time seen, or 0"),
      field("echo_age_ns", &ServerHeartbeat::echo_age_ns, 0, "how long ago that came"),
      field("digests", &ServerHeartbeat::digests, kDigestsPerFrameMax, "of some held cells"));
};

struct Goodbye {
  uint16_t code = 0;
  std::string reason;
};
template <>
struct Describe<Goodbye> {
  static constexpr const char* name = "goodbye";
  static constexpr auto fields =
      std::make_tuple(field("code", &Goodbye::code, 0, "error code; 501 when a client just leaves"),
                      field("reason", &Goodbye::reason, kReasonBytesMax, "for a person"));
};

}  // namespace ecsdb
