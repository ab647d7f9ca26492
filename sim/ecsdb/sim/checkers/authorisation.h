// I17, authorisation: no cell that its identity may not read reaches a connection, nor an event
// that says it is for such a cell, not even one that is never shown. That rows are in the cell that
// they are sent with is for filtered_prefix to check.
#pragma once

#include <map>
#include <string>

#include "ecsdb/sim/checkers/violation.h"
#include "ecsdb/sim/checkers/wiretap.h"
#include "ecsdb/sim/sim_authenticator.h"

namespace ecsdb::sim {

/// The checker of one server. Schema, rights and log outlive it.
class Authorisation final : public FrameWatcher {
 public:
  Authorisation(const Schema& schema, const SimAuthenticator& rights, ViolationLog& violations)
      : schema_(schema), rights_(rights), violations_(violations) {}

  void on_server_frame(LinkId link, const Frame& frame, uint64_t offset, Instant at) override;
  void on_client_frame(LinkId link, const Frame& frame, Instant at) override;
  void on_link_gone(LinkId link) override { links_.erase(link); }

 private:
  struct Name {
    TableId table;
    CellKey key;
    uint32_t generation = 0;
  };
  struct Link {
    const ClientIdentity* identity = nullptr;  // whose token was shown, with the rights of then
    std::map<uint32_t, Name> visible;          // by handle; what the client claims to hold, too
    std::map<uint32_t, Name> staged;           // by the chunks of a sync
  };
  void check_name(const Link& link, const Name& name, const char* what, Instant at);
  static void forget(std::map<uint32_t, Name>& cells, const CellLeave& leave);
  void on_events(const Link& link, const Events& events, Instant at);
  void on_advance(Link& link, const Advance& advance, bool is_chunk, Instant at);

  const Schema& schema_;
  const SimAuthenticator& rights_;
  ViolationLog& violations_;
  std::map<LinkId, Link> links_;
};

}  // namespace ecsdb::sim
