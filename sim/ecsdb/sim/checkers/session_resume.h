// I13, session resume: a session has one connection at a time and belongs to one client process,
// which keeps it however often it loses its link.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <vector>

#include "ecsdb/server/replication_server.h"
#include "ecsdb/sim/checkers/violation.h"

namespace ecsdb::sim {

/// The checker of one server. The log outlives it.
class SessionResume {
 public:
  /// One process of one client.
  struct Process {
    uint32_t client = 0;
    uint64_t launch = 0;
    auto operator<=>(const Process&) const = default;
  };

  SessionResume(const ServerOptions& options, ViolationLog& violations)
      : session_timeout_(options.session_timeout),
        close_timeout_(options.close_timeout),
        violations_(violations) {}

  /// Before the server hears of the link.
  void on_dialled(LinkId link, Process process) { links_[link].process = process; }
  /// The server has admitted who came over the link, as this client.
  void on_authenticated(LinkId link, ClientId client, Instant at);
  /// The client knows that, and has the ticket that came with it.
  void on_ticket_received(LinkId link);
  void on_link_gone(LinkId link, Instant at);
  /// The server has done all that follows from what happened.
  void on_drained(Instant at);

 private:
  struct Link {
    Process process;
    ClientId client;  // zero before it is admitted
  };
  struct Session {
    Process owner;
    LinkId link;           // the last one that was admitted
    bool is_open = false;  // as far as the server has told
    Instant gone_at;
  };
  struct Fenced {
    LinkId link;
    Instant since;
  };
  void report(Instant at, const Process& process, std::string expected, std::string got);

  Duration session_timeout_;
  Duration close_timeout_;
  ViolationLog& violations_;
  std::map<LinkId, Link> links_;  // all that ever were
  std::map<ClientId, Session> sessions_;
  std::map<Process, ClientId> of_process_;  // the last session that it has a ticket for
  std::vector<Fenced> fenced_;              // oldest first; links that should end
};

}  // namespace ecsdb::sim
