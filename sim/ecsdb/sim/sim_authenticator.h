// Who may connect, and with which rights, which change while clients are connected or away.
#pragma once

#include <algorithm>
#include <deque>
#include <vector>

#include "ecsdb/base/check.h"
#include "ecsdb/server/auth.h"
#include "ecsdb/sim/client_interest.h"

namespace ecsdb::sim {

/// The scenario's principals. A connection keeps the rights that were in force when it
/// authenticated.
class SimAuthenticator final : public Authenticator {
 public:
  explicit SimAuthenticator(std::vector<ClientIdentity> identities) {
    for (ClientIdentity& identity : identities) kept_.push_back(std::move(identity));
    for (const ClientIdentity& identity : kept_) present_.push_back(&identity);
  }

  std::optional<Identity> authenticate(ByteSpan token, const Now&) const override {
    const ClientIdentity* const who = find(token);
    if (who == nullptr) return std::nullopt;
    return Identity{who->principal, "principal " + std::to_string(who->principal.value), who->roles,
                    who->claims};
  }
  /// Whom the token stands for now; lives as long as this does. Null: nobody.
  const ClientIdentity* find(ByteSpan token) const {
    for (const ClientIdentity* who : present_) {
      const ByteSpan own = as_bytes(who->token);
      if (std::equal(own.begin(), own.end(), token.begin(), token.end())) return who;
    }
    return nullptr;
  }
  /// Replaces what is in force for the same principal.
  void change(ClientIdentity identity) {
    kept_.push_back(std::move(identity));
    for (const ClientIdentity*& who : present_) {
      if (who->principal == kept_.back().principal) who = &kept_.back();
    }
  }
  /// In force now; lives as long as this does. The principal must exist.
  const ClientIdentity& of(PrincipalId principal) const {
    for (const ClientIdentity* who : present_) {
      if (who->principal == principal) return *who;
    }
    ECSDB_CHECK(false);
    return *present_.front();
  }

 private:
  std::deque<ClientIdentity> kept_;  // references to them stay good
  std::vector<const ClientIdentity*> present_;
};

}  // namespace ecsdb::sim
