#include "arguments.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

#include "ecsdb/sim/weather_toml.h"

namespace ecsdb::sim {
namespace {

constexpr const char* kHelp =
    R"(ecsdb-sim: runs the shipping server and clients in a simulated world

usage:
  ecsdb-sim run     [--seed S] [--clients N] [--seconds T] [--twice] [--log FILE] [--plan FILE]
  ecsdb-sim sweep   [--seeds A..B] [--clients N] [--seconds T] [--twice] [--jobs J]
  ecsdb-sim mutants [--only NAME] [--seeds A..B] [--jobs J]
  ecsdb-sim help

  --seed S                what the run is drawn from (1)
  --seeds A..B            all of these seeds (1..50)
  --clients N             how many clients (12)
  --seconds T             virtual time of faults and commits, until all faults are over (20)
  --weather NAME|FILE     clear, mild, storm, train, hotel_wifi, phone, all, or a TOML file;
                          without it the weather is drawn from the seed
  --entities N            entities of the world (200)
  --commits-per-second N  (25)
  --publish-every N       commits between publishes; drawn from the seed without it
  --twice                 run each seed twice and compare every byte, timer and apply
  --log FILE              write what happened, with the running hash after each entry
  --plan FILE             faults as listed in the file, in place of drawn ones
  --jobs J                processes (one for each processor)
  --only NAME             one planted bug
  --json                  the last line of output is one JSON object

One seed in four lets the server compress; its bytes, and so its trace hash, are the same only with
the same version of zstd.

exit codes: 0 ok, 2 usage, 3 bad weather or plan file, 7 a safety property was violated,
  8 no convergence, 9 nondeterminism, 11 a planted bug survived,
  70 a failed check inside or output that cannot be written, 130 interrupted
)";

constexpr size_t kFileBytesMax = 1024 * 1024;  // of a weather or a plan
constexpr uint64_t kSeedMax = UINT64_MAX - 1;  // so that a count of seeds fits

struct Words {
  int count;
  char** words;
  int at = 2;
  int* exit_code;
};

bool complain(Words& words, const std::string& what) {
  std::fprintf(stderr, "ecsdb-sim: %s (ecsdb-sim help shows all options)\n", what.c_str());
  *words.exit_code = kExitUsage;
  return false;
}

bool take_text(Words& words, std::string_view option, std::string& out) {
  if (words.at >= words.count) return complain(words, std::string(option) + " needs a value");
  out = words.words[words.at++];
  return true;
}

bool parse_number(std::string_view text, uint64_t low, uint64_t high, uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out >= low && out <= high;
}

template <class T>
bool take_number(Words& words, std::string_view option, uint64_t low, uint64_t high, T& out) {
  std::string text;
  if (!take_text(words, option, text)) return false;
  uint64_t value = 0;
  if (!parse_number(text, low, high, value)) {
    return complain(words, std::string(option) + " takes a whole number from " +
                               std::to_string(low) + " to " + std::to_string(high) + ", not \"" +
                               text + "\"");
  }
  out = static_cast<T>(value);
  return true;
}

bool take_seeds(Words& words, Arguments& out) {
  std::string text;
  if (!take_text(words, "--seeds", text)) return false;
  const size_t dots = text.find("..");
  const bool one = dots == std::string::npos;
  const std::string_view all = text;
  const bool ok = parse_number(all.substr(0, dots), 0, kSeedMax, out.seeds_first) &&
                  parse_number(one ? all : all.substr(dots + 2), 0, kSeedMax, out.seeds_last);
  if (ok && out.seeds_first <= out.seeds_last) return true;
  return complain(words, "--seeds takes A..B with 0 <= A <= B <= " + std::to_string(kSeedMax) +
                             ", not \"" + text + "\"");
}

/// Why the file cannot be read; empty if `out` holds it.
std::string read_file(const std::string& name, std::string& out) {
  std::FILE* const file = std::fopen(name.c_str(), "rb");
  if (file == nullptr) return std::strerror(errno);
  std::string problem;
  char part[4096];
  while (out.size() <= kFileBytesMax) {
    const size_t got = std::fread(part, 1, sizeof part, file);
    out.append(part, got);
    if (got == sizeof part) continue;
    if (std::ferror(file) != 0) problem = std::strerror(errno);
    break;
  }
  std::fclose(file);
  if (problem.empty() && out.size() > kFileBytesMax) {
    problem = "it is larger than " + std::to_string(kFileBytesMax) + " bytes";
  }
  return problem;
}

bool fail_config(Words& words, const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  *words.exit_code = kExitConfig;
  return false;
}

bool load_weather(Words& words, Arguments& out) {
  if (!take_text(words, "--weather", out.weather_name)) return false;
  out.simulation.weather = weather_preset(out.weather_name);
  if (out.simulation.weather) return true;
  std::string text;
  if (const std::string problem = read_file(out.weather_name, text); !problem.empty()) {
    std::string names;
    for (const std::string_view name : weather_preset_names()) names += " " + std::string(name);
    return fail_config(words, "ecsdb-sim: \"" + out.weather_name +
                                  "\" is neither a weather nor a file that can be read (" +
                                  problem + "); there are" + names);
  }
  std::vector<TextProblem> problems;
  auto weather = parse_weather_toml(text, out.weather_name, &problems);
  if (!weather.ok()) {
    return fail_config(words, render_problems(text, out.weather_name, problems));
  }
  out.simulation.weather = *std::move(weather);
  return true;
}

bool load_plan(Words& words, Arguments& out) {
  if (!take_text(words, "--plan", out.plan_file)) return false;
  std::string text;
  if (const std::string problem = read_file(out.plan_file, text); !problem.empty()) {
    return fail_config(words, "ecsdb-sim: cannot read \"" + out.plan_file + "\": " + problem);
  }
  auto plan = fault_plan_from_text(text);
  if (!plan.ok()) return fail_config(words, out.plan_file + ": " + plan.error().to_string());
  out.simulation.plan = *std::move(plan);
  return true;
}

bool take_option(Words& words, std::string_view option, Arguments& out) {
  SimulationOptions& run = out.simulation;
  if (option == "--seed") return take_number(words, option, 0, UINT64_MAX, run.seed);
  if (option == "--seeds") return take_seeds(words, out);
  if (option == "--clients") return take_number(words, option, 1, kClientsMax, run.clients);
  if (option == "--seconds") {
    int64_t seconds = 0;
    if (!take_number(words, option, 1, kSecondsMax, seconds)) return false;
    run.duration = Duration::seconds(seconds);
    return true;
  }
  if (option == "--weather") return load_weather(words, out);
  if (option == "--plan") return load_plan(words, out);
  if (option == "--log") return take_text(words, option, out.log_file);
  if (option == "--only") return take_text(words, option, out.only);
  if (option == "--entities") return take_number(words, option, 1, kEntitiesMax, run.entities);
  if (option == "--jobs") return take_number(words, option, 1, 256, out.jobs);
  if (option == "--publish-every") return take_number(words, option, 1, 1000, run.publish_every);
  if (option == "--commits-per-second") {
    return take_number(words, option, 1, kCommitsPerSecondMax, run.commits_per_second);
  }
  if (option == "--twice") return out.twice = true;
  if (option == "--json") return out.json = true;
  return complain(words, "unknown option \"" + std::string(option) + "\"");
}

/// Options that would change nothing are refused: whoever gives one expects something of it.
bool fits_verb(std::string_view option, std::string_view verb) {
  if (option == "--seed" || option == "--log") return verb == "run";
  if (option == "--seeds" || option == "--jobs") return verb != "run";
  if (option == "--twice") return verb != "mutants";
  if (option == "--only") return verb == "mutants";
  return true;
}

bool is_help(std::string_view word) { return word == "--help" || word == "-h"; }

bool is_verb(std::string_view word) {
  return word == "run" || word == "sweep" || word == "mutants" || word == "help";
}

bool check_plan(Words& words, const Arguments& out) {
  if (!out.simulation.plan) return true;
  const Status status = check_fault_plan(*out.simulation.plan, out.simulation.clients);
  if (status.ok()) return true;
  return fail_config(words, out.plan_file + ": " + status.error().to_string());
}

}  // namespace

void print_help() { std::fputs(kHelp, stdout); }

std::optional<Arguments> parse_arguments(int count, char** list, int& exit_code) {
  Words words{count, list, 2, &exit_code};
  Arguments out;
  if (count < 2) {
    complain(words, "say what to do: run, sweep, mutants or help");
    return std::nullopt;
  }
  out.verb = list[1];
  if (is_help(out.verb)) out.verb = "help";
  if (!is_verb(out.verb)) {
    complain(words, "unknown verb \"" + out.verb + "\"");
    return std::nullopt;
  }
  if (std::any_of(list + 2, list + count, is_help)) {
    out.verb = "help";
    return out;
  }
  while (words.at < words.count) {
    const std::string_view option = words.words[words.at++];
    if (!fits_verb(option, out.verb)) {
      complain(words, out.verb + " has no option \"" + std::string(option) + "\"");
      return std::nullopt;
    }
    if (!take_option(words, option, out)) return std::nullopt;
  }
  if (!check_plan(words, out)) return std::nullopt;
  return out;
}

std::string reproduction(const Arguments& arguments, uint64_t seed) {
  const SimulationOptions& run = arguments.simulation;
  const SimulationOptions usual;
  std::string out = "ecsdb-sim run --seed " + std::to_string(seed) + " --clients " +
                    std::to_string(run.clients) + " --seconds " +
                    std::to_string(run.duration.to_ms() / 1000);
  if (!arguments.weather_name.empty()) out += " --weather " + arguments.weather_name;
  if (!arguments.plan_file.empty()) out += " --plan " + arguments.plan_file;
  if (run.entities != usual.entities) out += " --entities " + std::to_string(run.entities);
  if (run.commits_per_second != usual.commits_per_second) {
    out += " --commits-per-second " + std::to_string(run.commits_per_second);
  }
  if (run.publish_every != 0) out += " --publish-every " + std::to_string(run.publish_every);
  return out;
}

}  // namespace ecsdb::sim
