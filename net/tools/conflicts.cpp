// `ecsdb conflicts`: what clients' writes came to where others had changed the same.
#include <algorithm>
#include <cstdio>
#include <map>
#include <random>

#include "ecsdb/net/client_runner.h"
#include "ecsdb/server/options.h"

#include "tools/exit_code.h"
#include "tools/interrupts.h"
#include "tools/row_text.h"
#include "tools/verbs.h"

namespace ecsdb {
namespace {

constexpr Duration kPause = Duration::ms(100);  // between looks at signals
constexpr Duration kClosePatience = Duration::seconds(1);

constexpr OptionSpec kOptions[] = {
    {"--url", "URL", "tcp://HOST:PORT or ws://HOST:PORT/PATH; needed"},
    {"--token", "TOKEN", "what to authenticate with; it needs the role admin"},
    {"--follow", "", "go on with the conflicts to come, until interrupted"},
    {"--counts", "", "print how many there were of each policy, table and rule instead"},
};

}  // namespace

const CommandSpec kConflictsCommand{
    "ecsdb conflicts",
    "--url URL --token TOKEN [--follow | --counts]",
    "Prints the conflicts that a server keeps, one JSON object a line, in the order of decision.\n"
    "They are those of late; counts are since its start.",
    kOptions,
    "A conflict has v (1), number, version, time_ms (of that, milliseconds since 1970), client,\n"
    "principal, sequence and op (of the write), table, entity, field (empty: the row), policy, "
    "rule,\n"
    "base_version, base, server, mine and result (values as text, long ones shortened), and\n"
    "resolved_by (the client whose write settled it later, or 0). A count has v, policy, table, "
    "rule\n"
    "and count.\n\n"
    "Exit status: 0 ok, 2 usage, 4 cannot connect, 5 token refused or without the role,\n"
    "6 protocol, 130 interrupted.",
};

namespace {

struct ConflictsArguments {
  net::StreamUrl url;
  std::string token;
  bool follow = false;
  bool counts = false;
};

Result<ConflictsArguments> read_arguments(const CommandLine& line) {
  ConflictsArguments out;
  if (!line.has("--url")) return fail(ErrorCode::kUsage, "--url is needed");
  const auto url = net::parse_stream_url(line.text("--url"));
  if (!url.ok()) return fail(ErrorCode::kUsage, "--url: " + url.error().context);
  out.url = *url;
  out.token = line.text("--token");
  out.follow = line.has("--follow");
  out.counts = line.has("--counts");
  if (out.follow && out.counts) {
    return fail(ErrorCode::kUsage, "--follow and --counts do not go together");
  }
  return out;
}

class ConflictsVerb {
 public:
  explicit ConflictsVerb(ConflictsArguments arguments)
      : arguments_(std::move(arguments)),
        table_name_(arguments_.counts ? "conflict_count" : "conflict") {
    net::ClientRunnerCallbacks callbacks;
    callbacks.event = [this](size_t, const ClientEvent& event) { on_event(event); };
    callbacks.polled = [this](size_t, size_t, const Now&) { on_polled(); };
    runner_ = net::ClientRunner::create(loop_, net::ConnectionOptions{}, std::move(callbacks));
  }

  int run() {
    catch_interrupts();
    const auto added = runner_->add(make_client(), arguments_.url);
    if (!added.ok()) return report(added.error());
    runner_->connect(0);
    while (!exit_) {
      loop_.run_batch(kPause);
      if (interrupts > 0) end(kExitInterrupted);
    }
    runner_->disconnect(0);
    const Instant deadline = loop_.now().steady + kClosePatience;
    while (runner_->socket_count() > 0 && loop_.now().steady < deadline) loop_.run_batch(kPause);
    return *exit_;
  }

 private:
  Client make_client() const {
    ClientOptions options;
    options.token = arguments_.token;
    options.name = "conflicts";
    options.database = kSystemDatabase;
    std::random_device random;
    Client client(std::move(options), Prng(random()));
    client.subscribe(table_name_, loop_.now());
    return client;
  }

  void end(int exit) {
    if (!exit_) exit_ = exit;
  }

  int report(const Error& error) {
    std::fprintf(stderr, "ecsdb conflicts: %s: %s\n", net::url_text(arguments_.url).c_str(),
                 close_text(error).c_str());
    return exit_of_close(error.code);
  }

  void on_event(const ClientEvent& event) {
    switch (event.kind) {
      case ClientEvent::Kind::kSubscribed:
        if (event.code != ErrorCode::kOk) end(report(fail(event.code, event.reason)));
        return;
      case ClientEvent::Kind::kSynced:
        is_synced_ = true;
        return;
      case ClientEvent::Kind::kConnected: {
        // Of a server that was started anew conflicts count from 1 again.
        const DatabaseId id = runner_->client(0).database_id();
        if (std::exchange(database_, id) != id) last_ = 0;
        return;
      }
      case ClientEvent::Kind::kClosed:
      case ClientEvent::Kind::kFault:
        return on_lost(event);
      case ClientEvent::Kind::kReset:
      case ClientEvent::Kind::kConnecting:
      case ClientEvent::Kind::kSyncing:
      case ClientEvent::Kind::kLive:
      case ClientEvent::Kind::kStale:
      case ClientEvent::Kind::kDiverged:
        return;
    }
  }

  void on_lost(const ClientEvent& event) {
    if (exit_) return;
    const bool is_lost = event.kind == ClientEvent::Kind::kClosed;
    const int exit = report(
        fail(event.code, is_lost ? lost_text(event.code, event.reason, runner_->last_problem(0))
                                 : event.reason));
    // One that is refused now was let in before: its rights have changed.
    if (!is_synced_ || exit == kExitAuth) return end(exit);
    if (is_lost) std::fputs("ecsdb conflicts: connecting again\n", stderr);
  }

  void on_polled() {
    if (!is_synced_ || exit_) return;
    const ClientDb& db = runner_->client(0).db();
    const auto table = db.schema().table_index(table_name_);
    if (!table) return;  // the subscription is refused, and that ends it
    if (arguments_.counts) {
      print_counts(db, *table);
    } else {
      print_conflicts(db, *table);
    }
    // A signal may break the write off too, and then it is the signal that counts.
    if (std::fflush(stdout) != 0 && interrupts == 0) return end(kExitInternal);
    if (!arguments_.follow) end(kExitOk);
  }

  void print_counts(const ClientDb& db, size_t table) {
    std::vector<std::string> lines;
    for_each_row(db, table, [&](EntityId entity) {
      lines.push_back(fields_json(db, table, entity));
      return true;
    });
    std::sort(lines.begin(), lines.end());  // by policy, table and rule, which come first
    for (const std::string& line : lines) std::printf("%s\n", line.c_str());
  }

  /// Those that were not printed yet.
  void print_conflicts(const ClientDb& db, size_t table) {
    std::map<uint64_t, std::string> lines;  // by number
    for_each_row(db, table, [&](EntityId entity) {
      const uint64_t number = number_of_row(db, table, entity);
      if (number > last_) lines.emplace(number, fields_json(db, table, entity));
      return true;
    });
    for (const auto& [number, line] : lines) {
      std::printf("%s\n", line.c_str());
      last_ = number;
    }
  }

  static uint64_t number_of_row(const ClientDb& db, size_t table, EntityId entity) {
    const auto field = db.schema().field_index(table, "number");
    const Value value = field ? db.value(table, db.find_row(table, entity), *field) : Value{};
    const uint64_t* const number = std::get_if<uint64_t>(&value);
    return number == nullptr ? 0 : *number;
  }

  ConflictsArguments arguments_;
  std::string table_name_;
  net::EventLoop loop_;
  std::unique_ptr<net::ClientRunner> runner_;
  bool is_synced_ = false;
  DatabaseId database_;
  uint64_t last_ = 0;  // number of the last conflict that was printed
  std::optional<int> exit_;
};

}  // namespace

int run_conflicts(Arguments arguments) {
  int exit = kExitOk;
  const auto line = parse_verb(kConflictsCommand, arguments, exit);
  if (!line) return exit;
  Result<ConflictsArguments> read = read_arguments(*line);
  if (!read.ok()) return report_usage(kConflictsCommand, read.error());
  return finish_output(ConflictsVerb(std::move(read).value()).run());
}

}  // namespace ecsdb
