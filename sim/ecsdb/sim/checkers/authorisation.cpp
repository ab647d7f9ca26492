#include "ecsdb/sim/checkers/authorisation.h"

#include <algorithm>

#include "ecsdb/sim/checkers/replica_text.h"

namespace ecsdb::sim {

void Authorisation::check_name(const Link& link, const Name& name, const char* what, Instant at) {
  const auto table = schema_.table_index(name.table);
  if (table && link.identity != nullptr &&
      identity_may_read(schema_.table(*table), *link.identity, name.key)) {
    return;
  }
  const std::string who = link.identity == nullptr
                              ? "nobody"
                              : "principal " + std::to_string(link.identity->principal.value);
  violations_.add({"authorisation", at, -1,
                   table ? cell_name(schema_, *table, name.key) : "a table that does not exist",
                   "only cells that " + who + " may read", std::string(what) + " of this one"});
}

void Authorisation::forget(std::map<uint32_t, Name>& cells, const CellLeave& leave) {
  const auto found = cells.find(leave.handle);
  if (found != cells.end() && found->second.generation == leave.generation) cells.erase(found);
}

void Authorisation::on_advance(Link& link, const Advance& advance, bool is_chunk, Instant at) {
  std::map<uint32_t, Name>& cells = is_chunk ? link.staged : link.visible;
  for (const CellLeave& leave : advance.leaves) {
    forget(link.visible, leave);
    forget(link.staged, leave);
  }
  for (const CellEnter& enter : advance.enters) {
    const Name name{enter.table, enter.key, enter.generation};
    check_name(link, name, "an enter", at);
    cells[enter.handle] = name;
  }
  uint32_t handle = 0;
  for (const BlockEntry& block : advance.blocks) {
    handle += static_cast<uint32_t>(block.step);
    const auto staged = link.staged.find(handle);
    const auto visible = link.visible.find(handle);
    if (staged != link.staged.end()) {
      check_name(link, staged->second, "a block", at);
    } else if (visible != link.visible.end()) {
      check_name(link, visible->second, "a block", at);
    } else {
      violations_.add({"authorisation", at, -1, "handle " + std::to_string(handle),
                       "blocks of cells that have entered", "a block of one that has not"});
    }
  }
  if (is_chunk || advance.kind() != AdvanceKind::kSyncEnd || !advance.end()) return;
  for (auto& [at_handle, name] : link.staged) link.visible[at_handle] = name;
  link.staged.clear();
}

/// Those of which a number says in which cell they are.
void Authorisation::on_events(const Link& link, const Events& events, Instant at) {
  for (const EventEntry& entry : events.events) {
    const auto index = schema_.event_index(entry.event);
    if (!index) continue;
    const EventDef& def = schema_.def().events[*index];
    if (def.cell.at.empty()) continue;
    const TableDef& table = schema_.table(*schema_.table_index(def.cell.target));
    for (const EventValue& value : entry.values) {
      const auto field = std::find_if(def.fields.begin(), def.fields.end(),
                                      [&](const FieldDef& f) { return f.id == value.field; });
      if (field == def.fields.end() || field->name != def.cell.at) continue;
      const uint64_t number = value.value.lanes.lane[0];
      const CellKey key = table.cell.kind == CellKind::kOwner
                              ? CellKey::owner(PrincipalId{number})
                              : CellKey::value(static_cast<int64_t>(number));
      check_name(link, {table.id, key}, "an event", at);
    }
  }
}

void Authorisation::on_server_frame(LinkId id, const Frame& frame, uint64_t, Instant at) {
  const bool is_chunk = frame.type == MessageType::kSyncChunk;
  Link& link = links_[id];
  if (frame.type == MessageType::kResumeReply) {
    ResumeReply reply;
    if (!decode_message(frame.head, reply).ok()) return;
    if (reply.reason != ResetReason::kNone) link.visible.clear();
    if (!reply.keeps_sync) link.staged.clear();
  } else if (frame.type == MessageType::kEvents) {
    Events events;
    if (decode_message(frame.head, events).ok()) on_events(link, events, at);
  } else if (is_chunk || frame.type == MessageType::kAdvance) {
    Advance advance;
    if (decode_message(frame.head, advance).ok()) on_advance(link, advance, is_chunk, at);
  }
}

void Authorisation::on_client_frame(LinkId id, const Frame& frame, Instant) {
  Link& link = links_[id];
  Auth auth;
  Resume resume;
  if (frame.type == MessageType::kAuth && decode_message(frame.head, auth).ok()) {
    link.identity = rights_.find(auth.token);
  }
  if (frame.type != MessageType::kResume || !decode_message(frame.head, resume).ok()) return;
  for (const ResumeCell& cell : resume.cells) {
    const bool is_held = cell.state == HeldState::kHeld;
    (is_held ? link.visible : link.staged)[cell.handle] = {cell.table, cell.key, cell.generation};
  }
}

}  // namespace ecsdb::sim
