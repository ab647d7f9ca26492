// What a client may send: bytes, changes of its subscriptions, and events.
#pragma once

#include "ecsdb/base/result.h"
#include "ecsdb/base/token_bucket.h"
#include "ecsdb/server/options.h"
#include "ecsdb/wire/messages.h"

namespace ecsdb {

/// Limits of one connection. They begin anew with the next one.
class Intake {
 public:
  explicit Intake(const ServerOptions& options)
      : bytes_(options.intake_bytes, options.intake_burst),
        changes_(options.intake_changes, options.intake_changes_burst),
        events_(options.client_event_rate, options.client_event_burst) {}

  /// kLimitExceeded: more than the limit lets through, and the connection has to end.
  Status on_bytes(size_t bytes, const ServerOptions& options, Instant now);
  /// True if subscriptions may be begun and moved as asked. What is ended counts, but is never
  /// refused: it only ends what was let through.
  bool admit(const Subscribe& request, Instant now);
  /// True if one more cell may be had anew at once.
  bool admit_refetch(Instant now);
  /// True if one more event is let through.
  bool admit_event(Instant now);

 private:
  TokenBucket bytes_;
  TokenBucket changes_;
  TokenBucket events_;
};

}  // namespace ecsdb
