// `ecsdb watch`: live rows of a subscription.
#include <charconv>
#include <cstdio>
#include <random>
#include <utility>

#include "ecsdb/net/client_runner.h"

#include "tools/exit_code.h"
#include "tools/interrupts.h"
#include "tools/row_text.h"
#include "tools/terminal.h"
#include "tools/verbs.h"

namespace ecsdb {
namespace {

constexpr Duration kRedrawPeriod = Duration::ms(100);
constexpr Duration kClosePatience = Duration::seconds(1);

constexpr OptionSpec kOptions[] = {
    {"--url", "URL", "tcp://HOST:PORT or ws://HOST:PORT/PATH; needed"},
    {"--table", "NAME", "watch this table; may be repeated; default: all"},
    {"--cell", "KEY",
     "only this cell of the tables named: `one`, `none`, a number\n(by value or owner), or X,Y or "
     "X,Y,Z (grid); may be repeated"},
    {"--token", "TOKEN", "what to authenticate with"},
    {"--json", "", "print one JSON object for each event"},
    {"--once", "", "print the rows as they are once synced, and exit"},
    {"--count", "N", "exit after N events"},
    {"--seconds", "T", "exit after T seconds"},
};

}  // namespace

const CommandSpec kWatchCommand{
    "ecsdb watch",
    "--url URL [--table NAME]... [--cell KEY]... [options]",
    "Prints the rows of tables, live: on a terminal as a table that is redrawn, else one line for\n"
    "each event (insert, change, remove; enter and leave are what came into or went out of "
    "sight;\n"
    "event is one that the schema declares, told for those cells or for everyone).\n"
    "A connection that is lost is made again, and only what differs then is printed.",
    kOptions,
    "JSON objects have v (1), event, version, table, entity, and fields: all of them for insert "
    "and\n"
    "enter, the changed ones for change, none for remove and leave. Those of the schema's events\n"
    "have name in place of table, and the entity only if they are about one.\n\n"
    "Exit status: 0 ok, 2 usage, 4 cannot connect, 5 token refused or nothing may be read,\n"
    "6 protocol, schema or unknown table, 130 interrupted.",
};

namespace {

struct WatchArguments {
  net::StreamUrl url;
  std::vector<std::string> tables;
  std::vector<std::string> cells;
  std::string token;
  bool json = false;
  bool once = false;
  uint64_t count = 0;              // 0: no limit
  Duration seconds = Duration{0};  // 0: no limit
};

Result<WatchArguments> read_arguments(const CommandLine& line) {
  WatchArguments out;
  if (!line.has("--url")) return fail(ErrorCode::kUsage, "--url is needed");
  const auto url = net::parse_stream_url(line.text("--url"));
  if (!url.ok()) return fail(ErrorCode::kUsage, "--url: " + url.error().context);
  out.url = *url;
  out.tables = line.all("--table");
  out.cells = line.all("--cell");
  if (!out.cells.empty() && out.tables.empty()) {
    return fail(ErrorCode::kUsage, "--cell needs --table");
  }
  out.token = line.text("--token");
  out.json = line.has("--json");
  out.once = line.has("--once");
  if (out.once && line.has("--count")) {
    return fail(ErrorCode::kUsage, "--once and --count do not go together");
  }
  const auto count = line.number("--count", 1, UINT64_MAX, 0);
  if (!count.ok()) return count.error();
  out.count = *count;
  const auto seconds = line.seconds("--seconds", Duration{0});
  if (!seconds.ok()) return seconds.error();
  out.seconds = *seconds;
  return out;
}

class WatchVerb {
 public:
  explicit WatchVerb(WatchArguments arguments) : arguments_(std::move(arguments)) {
    net::ClientRunnerCallbacks callbacks;
    callbacks.event = [this](size_t, const ClientEvent& event) { on_event(event); };
    callbacks.polled = [this](size_t, size_t, const Now&) { on_polled(); };
    runner_ = net::ClientRunner::create(loop_, net::ConnectionOptions{}, std::move(callbacks));
    redraws_ = !arguments_.json && !arguments_.once && is_terminal(STDOUT_FILENO);
  }

  int run() {
    catch_interrupts();
    const auto added = runner_->add(make_client(), arguments_.url);
    if (!added.ok()) return report(added.error());
    runner_->connect(0);
    const bool is_limited = arguments_.seconds > Duration{0};
    const Instant begin = loop_.now().steady;
    while (!exit_) {
      loop_.run_batch(kRedrawPeriod);
      if (interrupts > 0) end(kExitInterrupted);
      if (redraws_) redraw();
      if (is_limited && loop_.now().steady - begin >= arguments_.seconds) end(kExitOk);
    }
    runner_->disconnect(0);
    const Instant deadline = loop_.now().steady + kClosePatience;
    while (runner_->socket_count() > 0 && loop_.now().steady < deadline) {
      loop_.run_batch(kRedrawPeriod);
    }
    return *exit_;
  }

 private:
  Client& client() { return runner_->client(0); }

  Client make_client() const {
    ClientOptions options;
    options.token = arguments_.token;
    options.name = "watch";
    std::random_device random;
    return Client(std::move(options), Prng(random()));
  }

  void end(int exit) {
    if (!exit_) exit_ = exit;
  }

  int report(const Error& error) {
    std::fprintf(stderr, "ecsdb watch: %s: %s\n", net::url_text(arguments_.url).c_str(),
                 close_text(error).c_str());
    return exit_of_close(error.code);
  }

  void on_event(const ClientEvent& event) {
    switch (event.kind) {
      case ClientEvent::Kind::kConnected:
        // What the runner's callbacks add to the client is safe, but the schema may be new.
        if (!subscribed_) subscribe();
        return;
      case ClientEvent::Kind::kSubscribed:
        if (event.code != ErrorCode::kOk) on_refused(event);
        return;
      case ClientEvent::Kind::kSynced:
        if (arguments_.once) print_rows();
        return;
      case ClientEvent::Kind::kClosed:
      case ClientEvent::Kind::kFault:
        return on_lost(event);
      case ClientEvent::Kind::kConnecting:
      case ClientEvent::Kind::kSyncing:
      case ClientEvent::Kind::kLive:
      case ClientEvent::Kind::kStale:
      case ClientEvent::Kind::kReset:
      case ClientEvent::Kind::kDiverged:
        return;
    }
  }

  void on_lost(const ClientEvent& event) {
    if (exit_ || std::exchange(dials_anew_, false)) return;
    const bool is_lost = event.kind == ClientEvent::Kind::kClosed;
    const Error error =
        fail(event.code, is_lost ? lost_text(event.code, event.reason, runner_->last_problem(0))
                                 : event.reason);
    if (!subscribed_) return end(report(error));
    report(error);
    if (event.kind == ClientEvent::Kind::kClosed) {
      std::fputs("ecsdb watch: connecting again\n", stderr);
    }
  }

  /// With named tables each refusal is an error; of "all" only the last one is.
  void on_refused(const ClientEvent& event) {
    ++refused_;
    if (arguments_.tables.empty() && refused_ < subscriptions_) return;
    end(report(fail(event.code, event.reason)));
  }

  void subscribe() {
    subscribed_ = true;
    const Schema& schema = client().db().schema();
    std::vector<std::string> names = arguments_.tables;
    if (names.empty()) {
      for (size_t i = 0; i < std::min(schema.table_count(), kSubscriptionsMax); ++i) {
        names.push_back(schema.table(i).name);
      }
    }
    for (const std::string& name : names) {
      const auto table = schema.table_index(name);
      if (!table) return end(unknown_table(schema, name));
      std::vector<CellKey> keys;
      if (!parse_keys(schema.layout(*table), schema, keys)) return;
      ++subscriptions_;
      if (keys.empty()) {
        client().subscribe(name, loop_.now());
      } else {
        client().subscribe_cells(name, std::move(keys), loop_.now());
      }
      client().on_row(name, [this](const RowEvent& event) { on_row(event); });
    }
    for (const EventDef& event : schema.def().events) {
      client().on_event(event.name, [this](const Event& told) { on_told(told); });
    }
    if (names.empty()) {
      std::fputs("ecsdb watch: the server's schema has no tables\n", stderr);
      end(kExitProtocol);
    }
    if (names.size() > 1) dial_anew();
    runner_->touch(0);
  }

  /// So that all subscriptions go out as one request and one full sync brings all tables: those
  /// made on a connection that is up would come one after the other.
  void dial_anew() {
    dials_anew_ = true;
    client().disconnect(loop_.now());
    client().connect(loop_.now());
  }

  static int unknown_table(const Schema& schema, const std::string& name) {
    std::vector<std::string> names;
    for (const TableDef& table : schema.def().tables) names.push_back(table.name);
    const auto near = nearest_name(name, names);
    std::fprintf(stderr, "ecsdb watch: the server has no table '%s'%s\n", name.c_str(),
                 near ? ("; did you mean " + *near + "?").c_str() : "");
    return kExitProtocol;
  }

  bool parse_keys(const TableLayout& layout, const Schema& schema, std::vector<CellKey>& keys) {
    for (const std::string& text : arguments_.cells) {
      const auto key = parse_cell_key(schema, layout, text);
      if (!key) {
        std::fprintf(stderr, "ecsdb watch: '%s' names no cell of this table: %s\n", text.c_str(),
                     cell_key_help(schema, layout).c_str());
        end(kExitUsage);
        return false;
      }
      keys.push_back(*key);
    }
    return true;
  }

  void on_row(const RowEvent& event) {
    const ClientDb& db = client().db();
    print([&] { return arguments_.json ? event_json(db, event) : event_line(db, event); });
  }

  void on_told(const Event& event) {
    const Schema& schema = client().db().schema();
    print([&] { return arguments_.json ? told_json(schema, event) : told_line(schema, event); });
  }

  template <class Text>
  void print(Text text) {
    if (exit_ || interrupts > 0 || arguments_.once) return;
    if (!redraws_) std::printf("%s\n", text().c_str());
    if (arguments_.count > 0 && ++events_ >= arguments_.count) end(kExitOk);
  }

  void on_polled() {
    changed_ = true;
    // A signal may break the write off too, and then it is the signal that counts.
    if (!redraws_ && std::fflush(stdout) != 0 && interrupts == 0) end(kExitInternal);
  }

  /// The state of --once: in order of table and entity.
  void print_rows() {
    const ClientDb& db = client().db();
    for (size_t table = 0; table < db.table_count(); ++table) {
      for_each_row(db, table, [&](EntityId entity) {
        const RowEvent event{RowEventKind::kEnter, static_cast<uint16_t>(table), entity, 0};
        const std::string line = arguments_.json ? row_json(db, event) : row_line(db, event);
        std::printf("%s\n", line.c_str());
        return true;
      });
    }
    std::fflush(stdout);
    end(kExitOk);
  }

  void redraw() {
    const Instant now = loop_.now().steady;
    if (!changed_ || now < next_redraw_) return;
    changed_ = false;
    next_redraw_ = now + kRedrawPeriod;
    const std::string screen =
        rows_screen(client().db(), client().server_head(), terminal_size(STDOUT_FILENO).rows,
                    terminal_size(STDOUT_FILENO).columns, wants_colour(STDOUT_FILENO));
    std::fputs(screen.c_str(), stdout);
    std::fflush(stdout);
  }

  WatchArguments arguments_;
  net::EventLoop loop_;
  std::unique_ptr<net::ClientRunner> runner_;
  bool redraws_ = false;
  bool changed_ = false;
  bool subscribed_ = false;
  bool dials_anew_ = false;  // the next kDisconnected is our own doing
  size_t subscriptions_ = 0;
  size_t refused_ = 0;
  uint64_t events_ = 0;
  Instant next_redraw_;
  std::optional<int> exit_;
};

}  // namespace

int run_watch(Arguments arguments) {
  int exit = kExitOk;
  const auto line = parse_verb(kWatchCommand, arguments, exit);
  if (!line) return exit;
  Result<WatchArguments> read = read_arguments(*line);
  if (!read.ok()) return report_usage(kWatchCommand, read.error());
  return finish_output(WatchVerb(std::move(read).value()).run());
}

}  // namespace ecsdb
