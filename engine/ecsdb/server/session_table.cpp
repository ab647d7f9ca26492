#include "ecsdb/server/session_table.h"

#include <algorithm>

#include "ecsdb/base/mutant.h"

namespace ecsdb {
namespace {

constexpr size_t kSecretBytes = 16;
constexpr size_t kTicketBytes = 8 + 4 + 2 * kSecretBytes;
static_assert(kTicketBytes <= kTicketBytesMax);

/// Takes the same time wherever they differ.
bool equal_secrets(ByteSpan a, ByteSpan b) {
  uint8_t difference = 0;
  for (size_t i = 0; i < kSecretBytes; ++i) {
    difference = static_cast<uint8_t>(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

}  // namespace

SessionTable::Admission SessionTable::admit(LinkId link, const Identity& identity,
                                            const Shown& shown, SecretSource* secrets,
                                            uint8_t database) {
  Admission admission;
  auto at = sessions_.end();
  if (shown.ticket.size() == kTicketBytes) {
    ByteReader in(shown.ticket);
    const uint64_t client = in.u64();
    const uint32_t number = in.u32();
    at = sessions_.find(client);
    if (at != sessions_.end() && at->second.principal == identity.principal &&
        at->second.database == database) {
      const ByteSpan own = in.bytes(kSecretBytes);
      switch (claim(at->second, number, own, in.bytes(kSecretBytes))) {
        case Claim::kNone:
          at = sessions_.end();
          break;
        case Claim::kPassed:
          if (!shown.is_copied) {
            admission.is_refused = true;
            return admission;
          }
          admission.has_ended = true;
          admission.former = at->second.link;
          forget(at);
          at = sessions_.end();
          break;
        case Claim::kGood:
          break;
      }
    } else {
      at = sessions_.end();
    }
  }
  admission.is_resumed = at != sessions_.end();
  if (!admission.is_resumed) at = sessions_.emplace(++last_client_, Entry{}).first;
  Entry& entry = at->second;
  admission.client = ClientId{at->first};
  if (admission.is_resumed) {
    admission.rights_changed = entry.roles != identity.roles || entry.claims != identity.claims;
    if (!ECSDB_MUTANT(old_connection_accepted)) admission.former = entry.link;
    if (!entry.link) --parked_count_;
  }
  entry.database = database;
  entry.principal = identity.principal;
  entry.roles = identity.roles;
  entry.claims = identity.claims;
  entry.link = link;
  issue(admission.client, entry, secrets, admission.ticket);
  return admission;
}

SessionTable::Claim SessionTable::claim(Entry& entry, uint32_t number, ByteSpan own,
                                        ByteSpan secret) {
  if (number == 0 || !equal_secrets(entry.own, own)) return Claim::kNone;
  if (entry.has_next && number == entry.number + 1 && equal_secrets(entry.next, secret)) {
    accept_next(entry);
    return Claim::kGood;
  }
  if (number == entry.number && equal_secrets(entry.current, secret)) {
    if (ECSDB_MUTANT(lost_ticket_reply) && entry.has_next) return Claim::kPassed;
    return Claim::kGood;
  }
  return number < entry.number ? Claim::kPassed : Claim::kNone;
}

void SessionTable::issue(ClientId client, Entry& entry, SecretSource* secrets, Bytes& ticket) {
  if (secrets == nullptr) return;
  // One that is on its way to the client already stays good: two connections with one ticket, of
  // which the older was late, must not make void what the newer was told.
  if (entry.number == 0 && !entry.has_next) secrets->draw(entry.own);
  if (!entry.has_next) secrets->draw(entry.next);
  entry.has_next = true;
  ByteWriter out(ticket);
  out.u64(client.value);
  out.u32(entry.number + 1);
  out.bytes(entry.own);
  out.bytes(entry.next);
}

void SessionTable::accept_next(Entry& entry) {
  entry.current = entry.next;
  entry.has_next = false;
  ++entry.number;
}

void SessionTable::on_ticket_seen(ClientId client, LinkId link) {
  const auto at = sessions_.find(client.value);
  if (at != sessions_.end() && at->second.link == link && at->second.has_next) {
    accept_next(at->second);
  }
}

void SessionTable::on_closed(ClientId client, LinkId link, Instant now) {
  const auto at = sessions_.find(client.value);
  if (at == sessions_.end() || at->second.link != link) return;
  Entry& entry = at->second;
  entry.link.reset();
  if (entry.number == 0 && !entry.has_next) {  // it has no ticket to come back with
    ++parked_count_;
    forget(at);
    return;
  }
  entry.parked_at = now;
  ++parked_count_;
  parked_.push_back({now, client.value});
  expire(now);
}

size_t SessionTable::expire(Instant now) {
  size_t expired = 0;
  while (!parked_.empty()) {
    const Parked oldest = parked_.front();
    const auto at = sessions_.find(oldest.client);
    const bool waits =
        at != sessions_.end() && !at->second.link && at->second.parked_at == oldest.at;
    if (waits) {
      if (now < oldest.at + limits_.timeout && parked_count_ <= limits_.parked_max) break;
      forget(at);
      ++expired;
    }
    parked_.pop_front();
  }
  return expired;
}

void SessionTable::forget(std::map<uint64_t, Entry>::iterator at) {
  if (!at->second.link) --parked_count_;
  ended_.push_back(ClientId{at->first});
  sessions_.erase(at);
}

}  // namespace ecsdb
