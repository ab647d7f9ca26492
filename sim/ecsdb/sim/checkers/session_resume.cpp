#include "ecsdb/sim/checkers/session_resume.h"

#include <algorithm>
#include <utility>

namespace ecsdb::sim {

void SessionResume::report(Instant at, const Process& process, std::string expected,
                           std::string got) {
  violations_.add({"session_resume", at, process.client,
                   "process " + std::to_string(process.launch), std::move(expected),
                   std::move(got)});
}

void SessionResume::on_authenticated(LinkId link, ClientId client, Instant at) {
  links_[link].client = client;
  const Process who = links_[link].process;
  const std::string name = "session " + std::to_string(client.value);
  const auto known = sessions_.find(client);
  if (known != sessions_.end() && known->second.owner != who) {
    report(at, who, "a session of its own", name + ", which is another's");
  }
  const auto own = of_process_.find(who);
  if (own != of_process_.end() && own->second != client) {
    const Session& left = sessions_.at(own->second);
    if (left.is_open || at - left.gone_at < session_timeout_) {
      report(at, who,
             "session " + std::to_string(own->second.value) + ", which it has a ticket for", name);
    }
  }
  if (known != sessions_.end() && known->second.is_open)
    fenced_.push_back({known->second.link, at});
  sessions_[client] = Session{who, link, true, {}};
}

void SessionResume::on_ticket_received(LinkId link) {
  const Link& known = links_[link];
  if (known.client != ClientId{}) of_process_[known.process] = known.client;
}

void SessionResume::on_link_gone(LinkId link, Instant at) {
  std::erase_if(fenced_, [&](const Fenced& fenced) { return fenced.link == link; });
  const auto session = sessions_.find(links_[link].client);
  if (session == sessions_.end() || session->second.link != link) return;
  session->second.is_open = false;
  session->second.gone_at = at;
}

/// A fenced connection may say goodbye, for so long.
void SessionResume::on_drained(Instant at) {
  while (!fenced_.empty() && at - fenced_.front().since > close_timeout_) {
    report(at, links_[fenced_.front().link].process, "the older connection of a session closed",
           "it is still served");
    fenced_.erase(fenced_.begin());
  }
}

}  // namespace ecsdb::sim
