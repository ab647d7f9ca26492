// Constructs that may not stand in the deterministic core, or anywhere.
#include <algorithm>
#include <string>

#include "tree_rules.h"

namespace tree {
namespace {

enum class Match {
  kWord,    // as an identifier or qualified name
  kCall,    // as an identifier followed by '(', not a member of something
  kHeader,  // as a standard header
};

enum class Scope {
  kAll,       // tests too
  kNotTests,  // product code of the core
  kNotSim,    // product code of the core but the simulator
};

struct Ban {
  std::string_view pattern;
  Match match;
  Scope scope;
  std::string_view advice;
};

constexpr std::string_view kClock = "the core reads no clock: take `Now` or `Instant` as argument";
constexpr std::string_view kRandom = "the core draws from the `Prng` it is given";
constexpr std::string_view kThread = "the core has one thread: its owner serialises access";
constexpr std::string_view kEnvironment = "the core sees no environment: take an option";
constexpr std::string_view kLocale = "the core depends on no locale: format and test bytes itself";
constexpr std::string_view kFile = "the core opens no file: take or return bytes";
constexpr std::string_view kOrder =
    "hash order must not be seen: use a sorted container, or end the line with "
    "`// tree: lookup only` where nothing iterates over it";
constexpr std::string_view kThrow = "the core throws nothing: return Result, or ECSDB_CHECK a bug";
constexpr std::string_view kRtti = "the core is built without RTTI: use a virtual function or enum";
constexpr std::string_view kPrint = "the core prints nothing: return text or an event";

constexpr Ban kBans[] = {
    {"chrono", Match::kHeader, Scope::kAll, kClock},
    {"ctime", Match::kHeader, Scope::kAll, kClock},
    {"steady_clock", Match::kWord, Scope::kAll, kClock},
    {"system_clock", Match::kWord, Scope::kAll, kClock},
    {"high_resolution_clock", Match::kWord, Scope::kAll, kClock},
    {"clock_gettime", Match::kWord, Scope::kAll, kClock},
    {"timespec_get", Match::kWord, Scope::kAll, kClock},
    {"gettimeofday", Match::kWord, Scope::kAll, kClock},
    {"std::time", Match::kWord, Scope::kAll, kClock},
    {"std::clock", Match::kWord, Scope::kAll, kClock},
    {"time(nullptr)", Match::kWord, Scope::kAll, kClock},
    {"time(NULL)", Match::kWord, Scope::kAll, kClock},
    {"rdtsc", Match::kWord, Scope::kAll, kClock},
    {"__rdtsc", Match::kWord, Scope::kAll, kClock},
    {"__builtin_ia32_rdtsc", Match::kWord, Scope::kAll, kClock},
    {"random", Match::kHeader, Scope::kAll, kRandom},
    {"random_device", Match::kWord, Scope::kAll, kRandom},
    {"mt19937", Match::kWord, Scope::kAll, kRandom},
    {"mt19937_64", Match::kWord, Scope::kAll, kRandom},
    {"std::rand", Match::kWord, Scope::kAll, kRandom},
    {"rand", Match::kCall, Scope::kAll, kRandom},
    {"srand", Match::kCall, Scope::kAll, kRandom},
    {"getrandom", Match::kWord, Scope::kAll, kRandom},
    {"std::shuffle", Match::kWord, Scope::kAll, kRandom},
    {"std::sample", Match::kWord, Scope::kAll, kRandom},
    {"thread", Match::kHeader, Scope::kAll, kThread},
    {"mutex", Match::kHeader, Scope::kAll, kThread},
    {"shared_mutex", Match::kHeader, Scope::kAll, kThread},
    {"atomic", Match::kHeader, Scope::kAll, kThread},
    {"condition_variable", Match::kHeader, Scope::kAll, kThread},
    {"future", Match::kHeader, Scope::kAll, kThread},
    {"semaphore", Match::kHeader, Scope::kAll, kThread},
    {"latch", Match::kHeader, Scope::kAll, kThread},
    {"barrier", Match::kHeader, Scope::kAll, kThread},
    {"stop_token", Match::kHeader, Scope::kAll, kThread},
    {"std::thread", Match::kWord, Scope::kAll, kThread},
    {"std::jthread", Match::kWord, Scope::kAll, kThread},
    {"std::mutex", Match::kWord, Scope::kAll, kThread},
    {"std::atomic", Match::kWord, Scope::kAll, kThread},
    {"std::async", Match::kWord, Scope::kAll, kThread},
    {"thread_local", Match::kWord, Scope::kAll, kThread},
    {"getenv", Match::kWord, Scope::kAll, kEnvironment},
    {"secure_getenv", Match::kWord, Scope::kAll, kEnvironment},
    {"setenv", Match::kWord, Scope::kAll, kEnvironment},
    {"environ", Match::kWord, Scope::kAll, kEnvironment},
    {"locale", Match::kHeader, Scope::kNotTests, kLocale},
    {"clocale", Match::kHeader, Scope::kNotTests, kLocale},
    {"cctype", Match::kHeader, Scope::kNotTests, kLocale},
    {"iostream", Match::kHeader, Scope::kNotTests, kLocale},
    {"sstream", Match::kHeader, Scope::kNotTests, kLocale},
    {"iomanip", Match::kHeader, Scope::kNotTests, kLocale},
    {"std::locale", Match::kWord, Scope::kNotTests, kLocale},
    {"setlocale", Match::kWord, Scope::kAll, kLocale},
    {"strtod", Match::kWord, Scope::kNotTests, kLocale},
    {"strtof", Match::kWord, Scope::kNotTests, kLocale},
    {"atof", Match::kWord, Scope::kNotTests, kLocale},
    {"std::stod", Match::kWord, Scope::kNotTests, kLocale},
    {"std::stof", Match::kWord, Scope::kNotTests, kLocale},
    {"filesystem", Match::kHeader, Scope::kNotTests, kFile},
    {"fstream", Match::kHeader, Scope::kNotTests, kFile},
    {"fopen", Match::kWord, Scope::kNotTests, kFile},
    {"freopen", Match::kWord, Scope::kNotTests, kFile},
    {"printf", Match::kWord, Scope::kNotSim, kPrint},
    {"fprintf", Match::kWord, Scope::kNotSim, kPrint},
    {"puts", Match::kWord, Scope::kNotSim, kPrint},
    {"fputs", Match::kWord, Scope::kNotSim, kPrint},
    {"perror", Match::kWord, Scope::kNotSim, kPrint},
    {"unordered_map", Match::kWord, Scope::kNotTests, kOrder},
    {"unordered_set", Match::kWord, Scope::kNotTests, kOrder},
    {"unordered_multimap", Match::kWord, Scope::kNotTests, kOrder},
    {"unordered_multiset", Match::kWord, Scope::kNotTests, kOrder},
    {"std::hash", Match::kWord, Scope::kNotTests, kOrder},
    {"throw", Match::kWord, Scope::kNotTests, kThrow},
    {"try", Match::kWord, Scope::kNotTests, kThrow},
    {"catch", Match::kWord, Scope::kNotTests, kThrow},
    {"dynamic_cast", Match::kWord, Scope::kNotTests, kRtti},
    {"typeid", Match::kWord, Scope::kNotTests, kRtti},
};

constexpr std::string_view kLookupOnly = "// tree: lookup only";

bool is_directive(const std::string& line) { return trim(line).starts_with('#'); }

bool is_call(std::string_view line, std::string_view name) {
  for (size_t at = find_word(line, name); at != std::string_view::npos;
       at = find_word(line, name, at + 1)) {
    const bool is_member = at > 0 && (line[at - 1] == '.' || line[at - 1] == '>');
    const std::string_view rest = trim(line.substr(at + name.size()));
    if (!is_member && rest.starts_with('(')) return true;
  }
  return false;
}

bool applies(const Ban& ban, const SourceFile& file) {
  if (ban.advice == kPrint && file.path == "engine/ecsdb/base/check.cpp") return false;
  if (ban.scope == Scope::kAll) return true;
  if (file.is_test()) return false;
  return ban.scope != Scope::kNotSim || !file.is_under("sim/");
}

bool matches(const Ban& ban, std::string_view code) {
  if (ban.match == Match::kCall) return is_call(code, ban.pattern);
  return find_word(code, ban.pattern) != std::string_view::npos;
}

void check_ban_in_code(const Ban& ban, const SourceFile& file, Violations& out) {
  for (size_t i = 0; i < file.code.size(); ++i) {
    if (is_directive(file.code[i]) || !matches(ban, file.code[i])) continue;
    if (ban.advice == kOrder && trim(file.raw[i]).ends_with(kLookupOnly)) continue;
    out.push_back({file.path, i + 1,
                   "banned here: `" + std::string(ban.pattern) + "`: " + std::string(ban.advice)});
  }
}

/// Position of a floating literal such as 1.5 or 2e3f in scrubbed code, npos if there is none.
size_t find_float_literal(std::string_view code) {
  for (size_t i = 1; i < code.size(); ++i) {
    if (code[i] != '.' || code[i - 1] < '0' || code[i - 1] > '9') continue;
    size_t begin = i;
    while (begin > 0 && (is_identifier_char(code[begin - 1]) || code[begin - 1] == '\'')) --begin;
    if (code[begin] >= '0' && code[begin] <= '9') return begin;
  }
  return std::string_view::npos;
}

bool has_float(std::string_view code) {
  return find_word(code, "float") != std::string_view::npos ||
         find_word(code, "double") != std::string_view::npos ||
         find_float_literal(code) != std::string_view::npos;
}

void check_everywhere(const SourceFile& file, size_t i, Violations& out) {
  const std::string& code = file.code[i];
  const auto has = [&](std::string_view word) {
    return find_word(code, word) != std::string_view::npos;
  };
  if (has("using namespace")) {
    out.push_back({file.path, i + 1, "using namespace: name what is used"});
  }
  const bool is_net = file.is_under("net/") || file.is_under("viz/");
  if (!is_net && (has("shared_ptr") || has("make_shared"))) {
    out.push_back({file.path, i + 1,
                   "shared ownership outside net: own by value or unique_ptr, lend a reference"});
  }
  if (!file.is_test()) return;
  for (std::string_view word : {"sleep_for", "sleep_until", "usleep", "nanosleep"}) {
    if (!has(word)) continue;
    out.push_back({file.path, i + 1, "a test sleeps: wait for the event itself, with a deadline"});
  }
  if (code.find("DISABLED_") != std::string::npos || has("GTEST_SKIP")) {
    out.push_back({file.path, i + 1, "a disabled test: mend it or delete it"});
  }
}

}  // namespace

bool is_core(const SourceFile& file) {
  static constexpr std::string_view kFolders[] = {
      "engine/ecsdb/base/",   "engine/ecsdb/schema/", "engine/ecsdb/store/", "engine/ecsdb/wire/",
      "engine/ecsdb/server/", "client/ecsdb/client/", "sim/ecsdb/sim/"};
  return std::any_of(std::begin(kFolders), std::end(kFolders),
                     [&](std::string_view folder) { return file.is_under(folder); });
}

void check_core_bans(const SourceFile& file, Violations& out) {
  if (!is_core(file)) return;
  for (const Ban& ban : kBans) {
    if (!applies(ban, file)) continue;
    if (ban.match != Match::kHeader) {
      check_ban_in_code(ban, file, out);
      continue;
    }
    for (const Include& include : file.includes) {
      if (!include.angled || include.target != ban.pattern) continue;
      out.push_back({file.path, include.line,
                     "banned here: <" + include.target + ">: " + std::string(ban.advice)});
    }
  }
}

void check_floats(const Tree& tree, const SourceFile& file, Violations& out) {
  if (!is_core(file) || file.is_test()) return;
  for (const KnownEntry& entry : tree.known) {
    if (entry.kind == "float" && entry.where == file.path) return;
  }
  size_t first = 0;
  size_t count = 0;
  for (size_t i = 0; i < file.code.size(); ++i) {
    if (is_directive(file.code[i]) || !has_float(file.code[i])) continue;
    if (count++ == 0) first = i + 1;
  }
  if (count == 0) return;
  out.push_back({file.path, first,
                 "floating point in the core (" + std::to_string(count) +
                     " lines): decide with integers; a file that only carries users' values gets "
                     "a `float` line with its reason in proptests/tree_known.txt"});
}

void check_habits(const SourceFile& file, Violations& out) {
  for (size_t i = 0; i < file.code.size(); ++i) check_everywhere(file, i, out);
}

}  // namespace tree
