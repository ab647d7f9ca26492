// The one list of error codes: what a peer's bytes, a file or a user can do wrong.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ecsdb {

/// Numbers travel on the wire (goodbyes, replies, outcomes and refusals) and never change meaning.
enum class ErrorCode : uint16_t {
  kOk = 0,
  // 1xx: bytes that do not follow the protocol.
  kBadPreface = 100,           // the first 16 bytes are not an ecsdb preface
  kProtocolUnsupported = 101,  // no common protocol version, or a required feature is missing
  kFrameTooLarge = 102,        // a frame claims more bytes than the limit of its type
  kFrameMalformed = 103,       // a frame or message does not decode to exhaustion
  kChecksumMismatch = 104,     // a frame or block checksum differs
  kUnknownMessage = 105,       // a frame type that this protocol version does not have
  kUnexpectedMessage = 106,    // a known message in a state that forbids it
  kLimitExceeded = 107,        // a count or size is over a limit named in the auth reply
  kNotCanonical = 108,         // a value has a shorter or other encoding than the canonical one
  kWebSocketViolation = 109,   // RFC 6455 was broken below the stream
  kRateLimited = 110,          // asked more often than the server allows; later it may be let
  // 2xx: identity and rights.
  kAuthFailed = 200,
  kHandshakeTimeout = 201,
  kNotPermitted = 202,
  kTooManyConnections = 203,
  kTicketReused = 204,  // a ticket came after its successor was in use: late, or copied
  // 3xx: schema and subscriptions.
  kSchemaInvalid = 300,
  kSchemaMismatch = 301,
  kUnknownTable = 302,
  kUnknownField = 303,
  kUnknownSubscription = 304,
  kTypeMismatch = 305,
  kValueOutOfRange = 306,
  kTextTooLong = 307,
  kBadText = 308,
  kUnknownEvent = 309,
  // 4xx: replica faults; each ends in a resync.
  kWrongBaseline = 400,
  kUnknownRow = 401,
  kDuplicateRow = 402,
  kUnknownHandle = 403,
  kDigestMismatch = 404,
  kClientLimit = 405,
  // 5xx: the life of a connection.
  kShutdown = 500,    // the server is going down
  kClientLeft = 501,  // the client said goodbye
  kPeerSilent = 502,  // no byte within the silence limit
  kStalled = 503,     // the peer accepted nothing within the stall limit
  kLinkClosed = 504,  // the link below the stream closed
  kKicked = 505,      // an operator closed the connection
  kConnectFailed = 506,
  kFenced = 507,  // a newer connection goes on with the session
  // 6xx: the store.
  kUnknownEntity = 600,
  kRowExists = 601,
  kRowMissing = 602,
  kCapacity = 603,
  kSnapshotCorrupt = 604,
  // 65x: what became of a client's write.
  kConflict = 650,         // somebody else changed a field since the write's base
  kRowRemoved = 651,       // somebody else removed the row since then
  kBaseInFuture = 652,     // the base is a version that was not published
  kWriteReused = 653,      // the sequence was used for a write of other bytes
  kOtherClient = 654,      // the client id is another one's
  kWriteExpired = 655,     // it came too late
  kSessionExpired = 656,   // the server has forgotten which writes it decided
  kWriteLost = 657,        // what it was made for is gone with a lost part of the history
  kQueueFull = 658,        // too many writes wait; later it may be let
  kMergeRefused = 659,     // the merge function says that the values do not go together
  kRuleRefused = 660,      // a rule of the server's application refused the result
  kUnknownMerge = 661,     // the server has no merge function of that name
  kNotKept = 662,          // durable was asked for, and nothing is kept
  kUnknownConflict = 663,  // there is no such conflict, or it was settled
  // 7xx: files and command lines.
  kFileUnreadable = 700,
  kSyntax = 701,
  kUsage = 702,
};

struct ErrorInfo {
  ErrorCode code;
  std::string_view name;  // stable snake_case, for logs and JSON
  std::string_view text;  // one sentence for a person, without the context
};

/// Every code of this build, rising by number.
std::span<const ErrorInfo> all_errors();

/// ErrorInfo::name; "unknown" for a number that this build lacks.
std::string_view error_name(ErrorCode code);

/// ErrorInfo::text.
std::string_view error_text(ErrorCode code);

/// True for a number that names a code of this build.
bool error_is_known(uint16_t code);

struct Error {
  ErrorCode code = ErrorCode::kOk;
  std::string context;  // where it happened and what to do, in words; may be empty

  /// "name: context".
  std::string to_string() const;
};

}  // namespace ecsdb
