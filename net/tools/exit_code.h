// What the programs' exit statuses mean. Scripts rely on the numbers: never change one.
#pragma once

#include <string>

#include "ecsdb/base/error.h"

namespace ecsdb {

enum ExitCode : int {
  kExitOk = 0,
  kExitUsage = 2,
  kExitConfig = 3,       // configuration or schema is invalid
  kExitConnect = 4,      // cannot connect, or cannot listen
  kExitAuth = 5,         // the token was refused
  kExitProtocol = 6,     // no common protocol, or another schema
  kExitLiveness = 8,     // clients did not get there in time
  kExitDivergence = 10,  // two replicas of one version differ
  kExitThreshold = 11,   // a limit given on the command line was missed
  kExitInternal = 70,
  kExitInterrupted = 130,
};

/// The exit code for a connection that ended with `code` and will not be tried again.
inline ExitCode exit_of_close(ErrorCode code) {
  switch (code) {
    case ErrorCode::kAuthFailed:
    case ErrorCode::kNotPermitted:
      return kExitAuth;
    case ErrorCode::kProtocolUnsupported:
    case ErrorCode::kBadPreface:
    case ErrorCode::kSchemaMismatch:
    case ErrorCode::kUnknownTable:
    case ErrorCode::kUnknownField:
    case ErrorCode::kTypeMismatch:
      return kExitProtocol;
    default:
      return kExitConnect;
  }
}

/// Why a connection ended, for a person: what the code means, and what the peer said if it is more.
inline std::string close_text(const Error& error) {
  const std::string text(error_text(error.code));
  return error.context.empty() || error.context == text ? text : text + ": " + error.context;
}

/// The reason of a lost connection: what the client says and, where it was the socket that failed,
/// what the socket says.
inline std::string lost_text(ErrorCode code, const std::string& reason,
                             const std::string& problem) {
  const bool is_socket = code == ErrorCode::kConnectFailed || code == ErrorCode::kLinkClosed;
  if (!is_socket || problem.empty()) return reason;
  return reason.empty() || reason == error_text(code) ? problem : reason + ": " + problem;
}

}  // namespace ecsdb
