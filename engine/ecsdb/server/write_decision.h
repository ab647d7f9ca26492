// What a commit has decided of clients' writes.
#pragma once

#include "ecsdb/wire/write_messages.h"

namespace ecsdb {

/// For whoever keeps or checks it. A value.
struct WriteDecision {
  ClientId client;
  PrincipalId principal;
  uint64_t settled_below = 0;  // as the client had said
  Outcome outcome;
  uint64_t expires_ns = 0;  // as it was sent; 0: never
  ByteSpan write;           // its bytes; until the transaction ends
};

}  // namespace ecsdb
