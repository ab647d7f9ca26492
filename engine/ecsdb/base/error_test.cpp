#include "ecsdb/base/error.h"

#include <gtest/gtest.h>
#include <set>

namespace ecsdb {
namespace {

/// Without a default: the compiler names an enumerator that is missing here.
bool is_enumerator(ErrorCode code) {
  switch (code) {
    case ErrorCode::kOk:
    case ErrorCode::kBadPreface:
    case ErrorCode::kProtocolUnsupported:
    case ErrorCode::kFrameTooLarge:
    case ErrorCode::kFrameMalformed:
    case ErrorCode::kChecksumMismatch:
    case ErrorCode::kUnknownMessage:
    case ErrorCode::kUnexpectedMessage:
    case ErrorCode::kLimitExceeded:
    case ErrorCode::kNotCanonical:
    case ErrorCode::kWebSocketViolation:
    case ErrorCode::kRateLimited:
    case ErrorCode::kAuthFailed:
    case ErrorCode::kHandshakeTimeout:
    case ErrorCode::kNotPermitted:
    case ErrorCode::kTooManyConnections:
    case ErrorCode::kTicketReused:
    case ErrorCode::kSchemaInvalid:
    case ErrorCode::kSchemaMismatch:
    case ErrorCode::kUnknownTable:
    case ErrorCode::kUnknownField:
    case ErrorCode::kUnknownSubscription:
    case ErrorCode::kTypeMismatch:
    case ErrorCode::kValueOutOfRange:
    case ErrorCode::kTextTooLong:
    case ErrorCode::kBadText:
    case ErrorCode::kUnknownEvent:
    case ErrorCode::kWrongBaseline:
    case ErrorCode::kUnknownRow:
    case ErrorCode::kDuplicateRow:
    case ErrorCode::kUnknownHandle:
    case ErrorCode::kDigestMismatch:
    case ErrorCode::kClientLimit:
    case ErrorCode::kShutdown:
    case ErrorCode::kClientLeft:
    case ErrorCode::kPeerSilent:
    case ErrorCode::kStalled:
    case ErrorCode::kLinkClosed:
    case ErrorCode::kKicked:
    case ErrorCode::kConnectFailed:
    case ErrorCode::kFenced:
    case ErrorCode::kUnknownEntity:
    case ErrorCode::kRowExists:
    case ErrorCode::kRowMissing:
    case ErrorCode::kCapacity:
    case ErrorCode::kSnapshotCorrupt:
    case ErrorCode::kConflict:
    case ErrorCode::kRowRemoved:
    case ErrorCode::kBaseInFuture:
    case ErrorCode::kWriteReused:
    case ErrorCode::kOtherClient:
    case ErrorCode::kWriteExpired:
    case ErrorCode::kSessionExpired:
    case ErrorCode::kWriteLost:
    case ErrorCode::kQueueFull:
    case ErrorCode::kMergeRefused:
    case ErrorCode::kRuleRefused:
    case ErrorCode::kUnknownMerge:
    case ErrorCode::kNotKept:
    case ErrorCode::kUnknownConflict:
    case ErrorCode::kFileUnreadable:
    case ErrorCode::kSyntax:
    case ErrorCode::kUsage:
      return true;
  }
  return false;
}

TEST(ErrorTable, EveryEnumeratorAndNothingElseIsKnown) {
  for (uint32_t number = 0; number <= 0xffff; ++number) {
    const ErrorCode code = static_cast<ErrorCode>(number);
    ASSERT_EQ(error_is_known(static_cast<uint16_t>(number)), is_enumerator(code)) << number;
  }
}

TEST(ErrorTable, ListRisesAndHasEveryCode) {
  uint32_t known = 0;
  for (uint32_t number = 0; number <= 0xffff; ++number) {
    known += error_is_known(static_cast<uint16_t>(number));
  }
  ASSERT_EQ(all_errors().size(), known);
  for (size_t i = 1; i < all_errors().size(); ++i) {
    EXPECT_LT(all_errors()[i - 1].code, all_errors()[i].code) << all_errors()[i].name;
  }
}

TEST(ErrorTable, NamesAreUniqueSnakeCaseAndTextsAreThere) {
  std::set<std::string_view> names;
  std::set<std::string_view> texts;
  for (uint32_t number = 0; number <= 0xffff; ++number) {
    if (!error_is_known(static_cast<uint16_t>(number))) continue;
    const ErrorCode code = static_cast<ErrorCode>(number);
    EXPECT_TRUE(names.insert(error_name(code)).second) << error_name(code);
    EXPECT_TRUE(texts.insert(error_text(code)).second) << error_text(code);
    EXPECT_FALSE(error_text(code).empty());
    for (const char c : error_name(code)) EXPECT_TRUE((c >= 'a' && c <= 'z') || c == '_');
  }
  EXPECT_FALSE(names.contains("unknown"));
}

TEST(ErrorTable, UnknownNumberHasAName) {
  EXPECT_EQ(error_name(static_cast<ErrorCode>(9999)), "unknown");
  EXPECT_FALSE(error_text(static_cast<ErrorCode>(9999)).empty());
}

TEST(Error, TextIsNameAndContext) {
  EXPECT_EQ((Error{ErrorCode::kRowExists, "ship, entity 7"}).to_string(),
            "row_exists: ship, entity 7");
  EXPECT_EQ((Error{ErrorCode::kRowExists, ""}).to_string(), "row_exists");
}

}  // namespace
}  // namespace ecsdb
