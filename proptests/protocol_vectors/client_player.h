// A client that is told what happens to it, step by step, and what is seen of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ecsdb/client/client.h"
#include "ecsdb/wire/frame.h"

#include "vector_file.h"

namespace ecsdb::vectors {

/// How much of a state is told.
enum class StateForm : uint8_t {
  kSession,  // as in sessions.json: all of few rows, the digests' sum of many
  kBrief,    // counts and sums of digests, of all tables and of each; events by their number
  kFull,     // the same, all cells, rows and events
};

/// Time stands still but for the steps that pass it. The client polls after every step, and its
/// link takes at once what it has to send.
class ClientPlayer {
 public:
  /// `settings`: "token", "name", "database", "compression", "resume", "rows_max"; events of the
  /// rows of these tables are noted.
  ClientPlayer(const Json& settings, const std::vector<std::string>& tables);

  /// Of states from the next step on.
  void show(StateForm form) { form_ = form; }
  /// One step of a session that is done to the client: "call", "open", "server", "close",
  /// "time_ms".
  void take(const Json& step);
  /// What the client did since the last call, as steps of a session: "dial", "state", "client" and
  /// "closed".
  std::vector<Json> settle();
  /// What it has sent on the link that is open, since the last call.
  Bytes take_sent() { return std::exchange(sent_, {}); }
  bool is_open() const { return link_.has_value(); }
  bool has_dialled() const { return dialled_.has_value(); }

  /// The first fault since the last call, if any.
  std::optional<Error> take_fault() { return std::exchange(fault_, std::nullopt); }
  /// Everything that may be read now: cut, cells, rows.
  Json visible();
  SyncStatus::Phase phase() const { return client_.sync().phase; }
  Version cut() const { return client_.db().cut(); }
  Digest digest_sum();
  uint64_t cut_count() const { return client_.stats().full_syncs + client_.stats().advances; }
  Json take_row_events() { return std::exchange(row_events_, Json::array()); }

 private:
  void call(const Json& what);
  void pass(int64_t ms);
  void note(const RowEvent& event);
  void add_state(std::vector<Json>& out);
  void add_output(std::vector<Json>& out);
  void add_messages(ByteSpan bytes, std::vector<Json>& out);
  Json take_reports();
  Json cells_json();
  Json rows_json() const;
  Json session_json();
  Json summary_json();
  void add_events(Json& state);

  StateForm form_ = StateForm::kSession;
  Now now_{Instant{1'000'000'000}, 0};
  Client client_;
  std::optional<LinkId> link_;
  std::optional<LinkId> dialled_;
  Bytes preface_;
  FrameReader reader_{FrameLimits{}};
  Bytes sent_;
  Json row_events_ = Json::array();
  Json last_state_;
  std::optional<Error> fault_;
};

std::string_view phase_name(SyncStatus::Phase phase);
std::vector<std::string> table_names(const Schema& schema);

}  // namespace ecsdb::vectors
