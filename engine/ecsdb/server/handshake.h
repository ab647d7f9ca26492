// From the first byte to an authenticated connection.
#pragma once

#include <array>
#include <optional>

#include "ecsdb/base/result.h"
#include "ecsdb/server/auth.h"
#include "ecsdb/server/session_table.h"
#include "ecsdb/store/database.h"
#include "ecsdb/wire/frame.h"
#include "ecsdb/wire/outbox.h"

namespace ecsdb {

/// Collects the client's preface. A wrong byte is refused as soon as it comes.
class PrefaceReader {
 public:
  /// Takes what it needs off the front of `bytes`. The preface, once it is whole and acceptable.
  /// kBadPreface, kProtocolUnsupported.
  Result<std::optional<Preface>> take(ByteSpan& bytes);

 private:
  std::array<uint8_t, kPrefaceBytes> bytes_{};
  size_t size_ = 0;
};

/// Our answer to a client's preface: the one protocol version there is, and the features that
/// count.
void send_preface(uint32_t features, Outbox& out);

/// The reply to an accepted auth, and the schema in parts unless the client knows it.
void send_auth_reply(const Database& db, const ServerOptions& options, const Auth& auth,
                     const Identity& identity, const SessionTable::Admission& admission,
                     const Now& now, Outbox& out);

}  // namespace ecsdb
