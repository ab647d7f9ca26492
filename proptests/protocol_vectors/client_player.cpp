#include "client_player.h"

#include <algorithm>

#include "message_json.h"
#include "rows_json.h"

namespace ecsdb::vectors {
namespace {

constexpr size_t kRowsShownMax = 24;

ClientOptions options_of(const Json& settings) {
  ClientOptions out;
  out.token = settings.at("token").text();
  out.name = settings.at("name").text();
  out.database = static_cast<uint8_t>(settings.at("database").u64());
  out.compression = settings.at("compression").flag();
  out.resume = settings.at("resume").flag();
  if (const Json* rows = settings.find("rows_max")) out.rows_max = rows->u64();
  return out;
}

std::string_view kind_name(RowEventKind kind) {
  static constexpr std::string_view kNames[] = {"insert", "change", "remove", "enter", "leave"};
  return kNames[static_cast<size_t>(kind)];
}

/// Empty for what only our client tells: the phase says as much.
std::string_view kind_name(ClientEvent::Kind kind) {
  switch (kind) {
    case ClientEvent::Kind::kConnected:
      return "connected";
    case ClientEvent::Kind::kSubscribed:
      return "subscribed";
    case ClientEvent::Kind::kSynced:
      return "synced";
    case ClientEvent::Kind::kReset:
      return "reset";
    case ClientEvent::Kind::kDiverged:
      return "diverged";
    case ClientEvent::Kind::kFault:
      return "fault";
    case ClientEvent::Kind::kClosed:
      return "disconnected";
    case ClientEvent::Kind::kConnecting:
    case ClientEvent::Kind::kSyncing:
    case ClientEvent::Kind::kLive:
    case ClientEvent::Kind::kStale:
      return {};
  }
  return {};
}

CellKey key_from_json(const Json& json) {
  static constexpr std::string_view kKinds[] = {"one", "value", "owner", "grid", "none"};
  CellKey key;
  for (size_t i = 0; i < std::size(kKinds); ++i) {
    if (kKinds[i] == json.at("kind").text()) key.kind = static_cast<CellKey::Kind>(i);
  }
  int64_t* numbers[] = {&key.x, &key.y, &key.z};
  const std::vector<Json>& given = json.at("numbers").items();
  for (size_t i = 0; i < 3 && i < given.size(); ++i) {
    *numbers[i] = static_cast<int64_t>(lane_from_json(given[i]));
  }
  return key;
}

/// Sums of the digests of held cells.
struct Sums {
  size_t cells = 0;
  Digest all;
  std::vector<Digest> tables;
};
Sums sums_of(ClientDb& db) {
  Sums out;
  out.tables.resize(db.table_count());
  for (size_t handle = 0; handle < db.cells().size(); ++handle) {
    if (!db.cells()[handle].held) continue;
    ++out.cells;
    const Digest digest = db.digest(handle);
    out.all += digest;
    out.tables[db.cells()[handle].table] += digest;
  }
  return out;
}

}  // namespace

std::string_view phase_name(SyncStatus::Phase phase) {
  static constexpr std::string_view kNames[] = {"idle",           "connecting", "handshake",
                                                "not_subscribed", "syncing",    "live"};
  return kNames[static_cast<size_t>(phase)];
}

std::vector<std::string> table_names(const Schema& schema) {
  std::vector<std::string> out;
  for (size_t i = 0; i < schema.table_count(); ++i) out.push_back(schema.table(i).name);
  return out;
}

ClientPlayer::ClientPlayer(const Json& settings, const std::vector<std::string>& tables)
    : client_(options_of(settings), Prng(1)) {
  for (const std::string& table : tables) {
    client_.on_row(table, [this](const RowEvent& event) { note(event); });
  }
}

void ClientPlayer::note(const RowEvent& event) {
  const TableDef& def = client_.db().schema().table(event.table);
  Json out = Json::object({{"kind", kind_name(event.kind)},
                           {"table", def.id.value},
                           {"entity", std::to_string(event.entity.value)}});
  if (event.kind == RowEventKind::kChange) {
    out.set("fields", field_names(def, client_.db().schema().layout(event.table), event.changed));
  }
  row_events_.add(std::move(out));
}

void ClientPlayer::take(const Json& step) {
  if (const Json* what = step.find("call")) return call(*what);
  if (step.find("open") != nullptr && dialled_ && !link_) {
    link_ = std::exchange(dialled_, std::nullopt);
    preface_.clear();
    sent_.clear();
    reader_ = FrameReader(FrameLimits{});
    return client_.on_connected(*link_, now_);
  }
  if (const Json* bytes = step.find("server"); bytes != nullptr && link_) {
    const Bytes given = bytes_of(*bytes);
    return client_.on_bytes(*link_, given, now_);
  }
  if (step.find("close") != nullptr) {
    auto& link = link_ ? link_ : dialled_;  // the one that is open, or could not be opened
    if (link) client_.on_closed(*std::exchange(link, std::nullopt), now_);
    return;
  }
  if (const Json* ms = step.find("time_ms")) return pass(ms->i64());
}

void ClientPlayer::call(const Json& what) {
  const std::string& name = what.at("name").text();
  const std::string& table = what.at("table").text();
  std::vector<CellKey> keys;
  for (const Json& key : what.at("keys").items()) keys.push_back(key_from_json(key));
  if (name == "connect") client_.connect(now_);
  if (name == "disconnect") client_.disconnect(now_);
  if (name == "subscribe") client_.subscribe(table, now_);
  if (name == "subscribe_cells") client_.subscribe_cells(table, std::move(keys), now_);
  if (name == "subscribe_box" && keys.size() == 2) {
    client_.subscribe_box(table, keys[0], keys[1], now_);
  }
  if (name == "unsubscribe") {
    const SubscriptionId id{static_cast<uint32_t>(what.at("subscription").u64())};
    client_.unsubscribe(id, now_);
  }
}

void ClientPlayer::pass(int64_t ms) {
  now_.steady = now_.steady + Duration::ms(ms);
  client_.on_timer(now_);
}

std::vector<Json> ClientPlayer::settle() {
  std::vector<Json> out;
  client_.poll(now_);
  if (const auto link = client_.next_dial()) {
    dialled_ = link;
    out.push_back(Json::object({{"dial", true}}));
  }
  add_state(out);
  add_output(out);
  return out;
}

void ClientPlayer::add_output(std::vector<Json>& out) {
  while (link_ && client_.has_output(*link_)) {
    const StreamOutput output = client_.output(*link_, now_);
    Bytes bytes;
    for (const ByteSpan part : output.parts) bytes.insert(bytes.end(), part.begin(), part.end());
    const bool closes = output.close && bytes.size() == output.bytes();
    client_.on_sent(*link_, bytes.size(), now_);
    sent_.insert(sent_.end(), bytes.begin(), bytes.end());
    add_messages(bytes, out);
    if (!closes) continue;
    client_.on_closed(*std::exchange(link_, std::nullopt), now_);
    out.push_back(Json::object({{"closed", true}}));
  }
}

void ClientPlayer::add_messages(ByteSpan bytes, std::vector<Json>& out) {
  const size_t n = std::min(bytes.size(), kPrefaceBytes - preface_.size());
  preface_.insert(preface_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n));
  if (n > 0 && preface_.size() == kPrefaceBytes) {
    out.push_back(Json::object(
        {{"client", Json::object({{"type", "preface"}, {"bytes", to_hex(preface_)}})}}));
  }
  reader_.feed(bytes.subspan(n));
  while (true) {
    const auto frame = reader_.next();
    if (!frame.ok() || !frame->has_value()) return;
    const Result<Json> message = frame_json(**frame);
    out.push_back(
        Json::object({{"client", message.ok() ? *message : Json(message.error().to_string())}}));
  }
}

Json ClientPlayer::take_reports() {
  Json out = Json::array();
  while (const auto event = client_.next_event()) {
    const std::string_view kind = kind_name(event->kind);
    if (kind.empty()) continue;
    Json report = Json::object({{"kind", kind}});
    if (event->kind == ClientEvent::Kind::kSubscribed) {
      report.set("subscription", event->subscription.value);
    }
    if (event->code != ErrorCode::kOk || event->kind == ClientEvent::Kind::kSubscribed) {
      report.set("code", error_name(event->code));
    }
    if (event->kind == ClientEvent::Kind::kFault && !fault_) {
      fault_ = Error{event->code, event->reason};
    }
    out.add(std::move(report));
  }
  return out;
}

Json ClientPlayer::cells_json() {
  ClientDb& db = client_.db();
  Json out = Json::array();
  for (size_t handle = 0; handle < db.cells().size(); ++handle) {
    const HeldCell& cell = db.cells()[handle];
    if (!cell.held) continue;
    out.add(Json::object({{"handle", handle},
                          {"generation", cell.generation},
                          {"table", db.schema().table(cell.table).id.value},
                          {"key", key_json(cell.key)},
                          {"changed", std::to_string(cell.changed.value)},
                          {"publishes", cell.history.publishes()},
                          {"digest", digest_json(db.digest(handle))}}));
  }
  return out;
}

Json ClientPlayer::rows_json() const {
  const ClientDb& db = client_.db();
  Json out = Json::array();
  for (size_t t = 0; t < db.table_count(); ++t) {
    const Table& table = db.table(t);
    std::vector<RowIndex> order;
    for (RowIndex row = 0; row < table.row_count(); ++row) order.push_back(row);
    std::sort(order.begin(), order.end(),
              [&](RowIndex a, RowIndex b) { return table.row(a).entity < table.row(b).entity; });
    for (const RowIndex row : order) {
      const Json values = row_json(db.schema().table(t), table, row);
      out.add(Json::object({{"table", db.schema().table(t).id.value},
                            {"handle", table.row(row).cell},
                            {"entity", values.at("entity")},
                            {"values", values.at("values")}}));
    }
  }
  return out;
}

Digest ClientPlayer::digest_sum() { return sums_of(client_.db()).all; }

Json ClientPlayer::visible() {
  if (form_ == StateForm::kSession) return session_json();
  Json out = summary_json();
  if (form_ == StateForm::kFull) out.set("cells", cells_json()).set("rows", rows_json());
  return out;
}

Json ClientPlayer::session_json() {
  const ClientDb& db = client_.db();
  const Json rows = rows_json();
  Json out = Json::object({{"cut", std::to_string(db.cut().value)},
                           {"commit_time_ns", std::to_string(db.commit_time_ns())},
                           {"row_count", rows.items().size()}});
  if (rows.items().size() <= kRowsShownMax) {
    out.set("cells", cells_json());
    return out.set("rows", rows);
  }
  // Of many cells and rows the digests' sum tells enough.
  const Sums sums = sums_of(client_.db());
  out.set("cell_count", sums.cells);
  return out.set("digest_sum", digest_json(sums.all));
}

Json ClientPlayer::summary_json() {
  const ClientDb& db = client_.db();
  const Sums sums = sums_of(client_.db());
  size_t rows = 0;
  Json tables = Json::array();
  for (size_t t = 0; t < db.table_count(); ++t) {
    const size_t count = db.table(t).row_count();
    rows += count;
    if (count == 0) continue;
    tables.add(Json::object({{"table", db.schema().table(t).id.value},
                             {"row_count", count},
                             {"digest_sum", digest_json(sums.tables[t])}}));
  }
  return Json::object({{"cut", std::to_string(db.cut().value)},
                       {"commit_time_ns", std::to_string(db.commit_time_ns())},
                       {"row_count", rows},
                       {"cell_count", sums.cells},
                       {"digest_sum", digest_json(sums.all)},
                       {"tables", tables}});
}

void ClientPlayer::add_events(Json& state) {
  const Json events = take_row_events();
  const size_t count = events.items().size();
  if (form_ != StateForm::kSession && count == 0) return;
  const bool is_whole =
      form_ == StateForm::kFull || (form_ == StateForm::kSession && count <= 2 * kRowsShownMax);
  if (is_whole) {
    state.set("events", events);
  } else {
    state.set("event_count", count);
  }
}

void ClientPlayer::add_state(std::vector<Json>& out) {
  const Json phase_only = Json::object({{"phase", phase_name(phase())}});
  // Rows that have changed show in the sums, so that the forms with sums need no other comparison.
  Json state = phase_only;
  const Json seen = form_ == StateForm::kSession ? session_json() : summary_json();
  for (const Json::Member& member : seen.members()) state.set(member.first, member.second);
  const Json reports = take_reports();
  const bool is_same = state == last_state_;
  if (is_same && row_events_.items().empty() && reports.items().empty()) return;
  Json step = is_same ? phase_only : state;
  if (!is_same && form_ == StateForm::kFull) {
    step.set("cells", cells_json()).set("rows", rows_json());
  }
  last_state_ = std::move(state);
  add_events(step);
  if (form_ == StateForm::kSession || !reports.items().empty()) step.set("reports", reports);
  out.push_back(Json::object({{"state", std::move(step)}}));
}

}  // namespace ecsdb::vectors
