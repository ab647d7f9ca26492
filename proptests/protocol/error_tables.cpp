// Error codes, and who comes by them.
#include <algorithm>
#include <iterator>

#include "ecsdb/base/check.h"
#include "ecsdb/base/error.h"

#include "markdown.h"
#include "protocol_tables.h"

namespace ecsdb::protocol {
namespace {

/// Columns of the table that the declaration does not have. Codes of the store and of files never
/// travel and say nothing here.
struct ErrorUse {
  ErrorCode code;
  const char* client;
  const char* server;
  const char* again;
};

constexpr ErrorUse kUses[] = {
    {ErrorCode::kOk, "told", "reply", ""},
    {ErrorCode::kBadPreface, "raises", "closes without a word", "no"},
    {ErrorCode::kProtocolUnsupported, "raises", "closes without a word", "no"},
    {ErrorCode::kFrameTooLarge, "raises", "goodbye", "yes"},
    {ErrorCode::kFrameMalformed, "raises, told", "goodbye, outcome", "yes; of a write: no"},
    {ErrorCode::kChecksumMismatch, "raises", "goodbye", "yes"},
    {ErrorCode::kUnknownMessage, "raises", "goodbye", "no"},
    {ErrorCode::kUnexpectedMessage, "raises", "goodbye", "yes"},
    {ErrorCode::kLimitExceeded, "raises, told", "goodbye, reply",
     "told: no, ask for less; raised: yes"},
    {ErrorCode::kNotCanonical, "raises", "", "yes"},
    {ErrorCode::kWebSocketViolation, "local", "WebSocket close", "yes"},
    {ErrorCode::kRateLimited, "told", "reply, write_refused", "later"},
    {ErrorCode::kAuthFailed, "told", "goodbye", "no: another token"},
    {ErrorCode::kHandshakeTimeout, "told", "goodbye", "later"},
    {ErrorCode::kNotPermitted, "told", "goodbye (database), reply, write_refused, outcome", "no"},
    {ErrorCode::kTooManyConnections, "", "closes without a word", "later"},
    {ErrorCode::kTicketReused, "told", "goodbye",
     "yes: with `ticket_is_copied`, or in a new session"},
    {ErrorCode::kSchemaInvalid, "raises", "", "no"},
    {ErrorCode::kSchemaMismatch, "raises, local", "", "yes"},
    {ErrorCode::kUnknownTable, "raises, told", "reply, outcome", "no"},
    {ErrorCode::kUnknownField, "local, told", "outcome", "no"},
    {ErrorCode::kUnknownSubscription, "told", "reply", "no"},
    {ErrorCode::kTypeMismatch, "raises, local, told", "reply, outcome", "no"},
    {ErrorCode::kValueOutOfRange, "raises, local, told", "outcome", "yes; of a write: no"},
    {ErrorCode::kTextTooLong, "raises, local, told", "outcome", "yes; of a write: no"},
    {ErrorCode::kBadText, "raises, local, told", "outcome", "yes; of a write: no"},
    {ErrorCode::kUnknownEvent, "may raise", "", "yes"},
    {ErrorCode::kWrongBaseline, "raises", "", "yes"},
    {ErrorCode::kUnknownRow, "raises", "", "yes"},
    {ErrorCode::kDuplicateRow, "raises", "", "yes"},
    {ErrorCode::kUnknownHandle, "raises", "", "yes"},
    {ErrorCode::kDigestMismatch, "may raise", "", "yes"},
    {ErrorCode::kClientLimit, "raises", "", "no: ask for less"},
    {ErrorCode::kShutdown, "told", "goodbye", "later"},
    {ErrorCode::kClientLeft, "says", "", ""},
    {ErrorCode::kPeerSilent, "local, told", "goodbye", "yes"},
    {ErrorCode::kStalled, "told", "goodbye", "yes"},
    {ErrorCode::kLinkClosed, "local", "", "yes"},
    {ErrorCode::kKicked, "told", "goodbye", "later"},
    {ErrorCode::kConnectFailed, "local", "", "later"},
    {ErrorCode::kFenced, "told", "goodbye", "no: the newer one would be fenced"},
    {ErrorCode::kUnknownEntity, "told", "outcome", "no"},
    {ErrorCode::kRowExists, "told", "outcome", "no"},
    {ErrorCode::kRowMissing, "told", "outcome", "no"},
    {ErrorCode::kCapacity, "told", "outcome", "later"},
    {ErrorCode::kSnapshotCorrupt, "", "", ""},
    {ErrorCode::kConflict, "told", "outcome", "no: as another write, upon what is there now"},
    {ErrorCode::kRowRemoved, "told", "outcome", "no"},
    {ErrorCode::kBaseInFuture, "told", "outcome", "no"},
    {ErrorCode::kWriteReused, "told", "write_refused", "no"},
    {ErrorCode::kOtherClient, "told", "write_refused", "no"},
    {ErrorCode::kWriteExpired, "local, told", "outcome", "no"},
    {ErrorCode::kSessionExpired, "local", "", "no: what was sent is unknown"},
    {ErrorCode::kWriteLost, "local", "", "no"},
    {ErrorCode::kQueueFull, "local, told", "write_refused", "later"},
    {ErrorCode::kMergeRefused, "told", "outcome", "no: as another write, upon what is there now"},
    {ErrorCode::kRuleRefused, "told", "outcome", "no"},
    {ErrorCode::kUnknownMerge, "told", "outcome", "no"},
    {ErrorCode::kNotKept, "told", "outcome", "no: as another write, of level applied"},
    {ErrorCode::kUnknownConflict, "told", "outcome", "no"},
    {ErrorCode::kFileUnreadable, "", "", ""},
    {ErrorCode::kSyntax, "", "", ""},
    {ErrorCode::kUsage, "", "", ""},
};

const ErrorUse& use_of(ErrorCode code) {
  const auto found = std::find_if(std::begin(kUses), std::end(kUses),
                                  [&](const ErrorUse& use) { return use.code == code; });
  ECSDB_CHECK(found != std::end(kUses));  // a new code: say above who raises it
  return *found;
}

}  // namespace

void add_error_sections(std::vector<Section>& out) {
  MarkdownTable table({"number", "name", "meaning", "client", "server sends", "again"});
  for (const ErrorInfo& error : all_errors()) {
    const ErrorUse& use = use_of(error.code);
    table.row({std::to_string(static_cast<int>(error.code)), code(error.name), error.text,
               use.client, use.server, use.again});
  }
  out.push_back({"error-codes", table.text()});
}

}  // namespace ecsdb::protocol
