#include "ecsdb/base/error.h"

namespace ecsdb {
namespace {

constexpr ErrorInfo kErrors[] = {
    {ErrorCode::kOk, "ok", "no error"},
    {ErrorCode::kBadPreface, "bad_preface", "the first 16 bytes are not an ecsdb preface"},
    {ErrorCode::kProtocolUnsupported, "protocol_unsupported",
     "no protocol version or required feature in common"},
    {ErrorCode::kFrameTooLarge, "frame_too_large", "a frame claims more bytes than its limit"},
    {ErrorCode::kFrameMalformed, "frame_malformed", "a frame does not decode to exhaustion"},
    {ErrorCode::kChecksumMismatch, "checksum_mismatch", "a frame or block checksum differs"},
    {ErrorCode::kUnknownMessage, "unknown_message", "a frame type this protocol does not have"},
    {ErrorCode::kUnexpectedMessage, "unexpected_message", "a message that this state forbids"},
    {ErrorCode::kLimitExceeded, "limit_exceeded", "a count or size is over its limit"},
    {ErrorCode::kNotCanonical, "not_canonical", "a value is not in its canonical encoding"},
    {ErrorCode::kWebSocketViolation, "websocket_violation", "the peer broke RFC 6455"},
    {ErrorCode::kRateLimited, "rate_limited", "asked more often than the server allows"},
    {ErrorCode::kAuthFailed, "auth_failed", "the token was not accepted"},
    {ErrorCode::kHandshakeTimeout, "handshake_timeout", "the handshake took too long"},
    {ErrorCode::kNotPermitted, "not_permitted", "the principal has no right to this"},
    {ErrorCode::kTooManyConnections, "too_many_connections", "the server is full"},
    {ErrorCode::kTicketReused, "ticket_reused",
     "a ticket was used after its successor, or its session was ended for that"},
    {ErrorCode::kSchemaInvalid, "schema_invalid", "the schema has errors"},
    {ErrorCode::kSchemaMismatch, "schema_mismatch", "the schema differs from what was expected"},
    {ErrorCode::kUnknownTable, "unknown_table", "there is no such table"},
    {ErrorCode::kUnknownField, "unknown_field", "there is no such field"},
    {ErrorCode::kUnknownSubscription, "unknown_subscription", "there is no such subscription"},
    {ErrorCode::kTypeMismatch, "type_mismatch", "a value has another type than its field"},
    {ErrorCode::kValueOutOfRange, "value_out_of_range", "a value is outside its field's range"},
    {ErrorCode::kTextTooLong, "text_too_long", "a string is longer than its field allows"},
    {ErrorCode::kBadText, "bad_text", "a string is not valid UTF-8"},
    {ErrorCode::kUnknownEvent, "unknown_event", "the schema has no such event"},
    {ErrorCode::kWrongBaseline, "wrong_baseline", "a block does not follow the state held"},
    {ErrorCode::kUnknownRow, "unknown_row", "a change names a row that is not held"},
    {ErrorCode::kDuplicateRow, "duplicate_row", "a row stands twice where it may stand once"},
    {ErrorCode::kUnknownHandle, "unknown_handle", "a block names a cell that is not held"},
    {ErrorCode::kDigestMismatch, "digest_mismatch", "the state held differs from the server's"},
    {ErrorCode::kClientLimit, "client_limit", "the replica would exceed the client's limits"},
    {ErrorCode::kShutdown, "shutdown", "the server is going down"},
    {ErrorCode::kClientLeft, "client_left", "the client disconnected"},
    {ErrorCode::kPeerSilent, "peer_silent", "nothing was heard from the peer for too long"},
    {ErrorCode::kStalled, "stalled", "the peer made no progress for too long"},
    {ErrorCode::kLinkClosed, "link_closed", "the connection was closed below the protocol"},
    {ErrorCode::kKicked, "kicked", "an operator closed the connection"},
    {ErrorCode::kConnectFailed, "connect_failed", "the connection could not be made"},
    {ErrorCode::kFenced, "fenced", "a newer connection goes on with the session"},
    {ErrorCode::kUnknownEntity, "unknown_entity", "there is no such entity"},
    {ErrorCode::kRowExists, "row_exists", "the entity already has a row in this table"},
    {ErrorCode::kRowMissing, "row_missing", "the entity has no row in this table"},
    {ErrorCode::kCapacity, "capacity", "a store limit is reached"},
    {ErrorCode::kSnapshotCorrupt, "snapshot_corrupt", "a snapshot does not decode"},
    {ErrorCode::kConflict, "conflict", "somebody else changed a field first"},
    {ErrorCode::kRowRemoved, "row_removed", "somebody else removed the row first"},
    {ErrorCode::kBaseInFuture, "base_in_future", "a write's base was never published"},
    {ErrorCode::kWriteReused, "write_reused", "a sequence came again with another write"},
    {ErrorCode::kOtherClient, "other_client", "a write carries the id of another client"},
    {ErrorCode::kWriteExpired, "write_expired", "a write came after its deadline"},
    {ErrorCode::kSessionExpired, "session_expired", "what the client wrote is forgotten"},
    {ErrorCode::kWriteLost, "write_lost", "what the write was made for is gone"},
    {ErrorCode::kQueueFull, "queue_full", "too many writes wait to be decided or sent"},
    {ErrorCode::kMergeRefused, "merge_refused", "the values do not go together"},
    {ErrorCode::kRuleRefused, "rule_refused", "a rule of the application refused the write"},
    {ErrorCode::kUnknownMerge, "unknown_merge", "there is no such merge function"},
    {ErrorCode::kNotKept, "not_kept", "this server keeps nothing durably"},
    {ErrorCode::kUnknownConflict, "unknown_conflict", "there is no such open conflict"},
    {ErrorCode::kFileUnreadable, "file_unreadable", "a file cannot be read"},
    {ErrorCode::kSyntax, "syntax", "a text does not parse"},
    {ErrorCode::kUsage, "usage", "a command line or option is wrong"},
};

const ErrorInfo* find(ErrorCode code) {
  for (const ErrorInfo& error : kErrors) {
    if (error.code == code) return &error;
  }
  return nullptr;
}

}  // namespace

std::span<const ErrorInfo> all_errors() { return kErrors; }

std::string_view error_name(ErrorCode code) {
  const ErrorInfo* error = find(code);
  return error != nullptr ? error->name : "unknown";
}

std::string_view error_text(ErrorCode code) {
  const ErrorInfo* error = find(code);
  return error != nullptr ? error->text : "an error this build does not know";
}

bool error_is_known(uint16_t code) { return find(static_cast<ErrorCode>(code)) != nullptr; }

std::string Error::to_string() const {
  std::string out(error_name(code));
  if (!context.empty()) out.append(": ").append(context);
  return out;
}

}  // namespace ecsdb
