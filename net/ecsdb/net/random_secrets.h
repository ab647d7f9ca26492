// Secrets for tickets, from the operating system.
#pragma once

#include <cerrno>
#include <sys/random.h>

#include "ecsdb/base/check.h"
#include "ecsdb/server/auth.h"

namespace ecsdb::net {

/// getrandom(2). Never fails once the system has started; a check fails if it does.
class RandomSecrets final : public SecretSource {
 public:
  void draw(std::span<uint8_t> out) override {
    while (!out.empty()) {
      const ssize_t n = ::getrandom(out.data(), out.size(), 0);
      if (n < 0 && errno == EINTR) continue;
      ECSDB_CHECK(n > 0);
      out = out.subspan(static_cast<size_t>(n));
    }
  }
};

}  // namespace ecsdb::net
