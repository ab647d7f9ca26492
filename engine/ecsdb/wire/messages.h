// Every message of the protocol, declared once. See describe.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/wire/describe.h"
#include "ecsdb/wire/event_messages.h"
#include "ecsdb/wire/limits.h"
#include "ecsdb/wire/resume_messages.h"
#include "ecsdb/wire/subscription_messages.h"
#include "ecsdb/wire/write_messages.h"

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
  kWrites = 9,
  kClientEvents = 10,
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
  kOutcomes = 25,
  kWriteRefused = 26,
  kEvents = 27,
};

struct Auth {
  Bytes token;
  std::string client_name;
  uint8_t database = 0;
  Hash128 schema_known;
  uint64_t client_time_ns = 0;
  Bytes ticket;
  bool is_resuming = false;
  bool ticket_is_copied = false;
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
            "subscribes and a resume follow; no sync begins before the resume"),
      field("ticket_is_copied", &Auth::ticket_is_copied, 0,
            "it was refused, and the client has no later one: the session shall end"));
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
  uint64_t server_wall_ms = 0;
  uint32_t writes_waiting_max = 0;
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
            "the server never has more bytes unacknowledged than about this"),
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
            "a client without any progress is closed after so long"),
      field("server_wall_ms", &AuthReply::server_wall_ms, 0,
            "the server's wall clock, milliseconds since 1970; for stamps of writes"),
      field("writes_waiting_max", &AuthReply::writes_waiting_max, 0,
            "so many writes of this client may be sent and not settled; 0: none"));
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
