// Which module may include which, and where third-party libraries may stand.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tree_rules.h"

namespace tree {
namespace {

using Names = std::vector<std::string_view>;

/// What each module may include, written out in full so that the table reads as it is.
const std::map<std::string_view, Names>& arrows() {
  static const std::map<std::string_view, Names> kArrows = {
      {"base", {}},
      {"schema", {"base"}},
      {"store", {"base", "schema"}},
      {"wire", {"base", "schema", "store"}},
      {"archive", {"base", "schema", "store", "wire"}},
      {"server", {"base", "schema", "store", "wire", "archive"}},
      {"client", {"base", "schema", "store", "wire"}},
      {"client_posix", {"base", "schema", "store", "wire", "client"}},
      {"toml", {"base", "schema"}},  // and the option structs of the server, see below
      {"archive_sqlite", {"base", "schema", "store", "wire", "archive"}},
      {"sim",
       {"base", "schema", "store", "wire", "archive", "server", "client", "toml",
        "archive_sqlite"}},
      {"net",
       {"base", "schema", "store", "wire", "archive", "server", "client", "client_posix", "toml",
        "archive_sqlite"}},
      {"viz", {"base", "schema", "store", "wire", "client", "net", "sim"}},
      {"proptests",
       {"base", "schema", "store", "wire", "archive", "server", "client", "client_posix", "toml",
        "archive_sqlite", "net", "sim"}},
      {"bench",
       {"base", "schema", "store", "wire", "archive", "server", "client", "client_posix", "toml",
        "archive_sqlite", "net", "sim"}},
      {"examples", {}},  // public headers only, see below
  };
  return kArrows;
}

struct Library {
  std::string_view prefix;  // of the header as included
  Names places;             // folders that may include it
  bool is_system = false;   // comes with the C library or the compiler
};

const std::vector<Library>& libraries() {
  static const Names kSystem = {
      "net/", "client/ecsdb/client_posix/", "sim/main/", "bench/", "proptests/", "examples/"};
  static const std::vector<Library> kLibraries = {
      {"boost/", {"net/"}},
      {"openssl/", {"net/"}},
      {"toml++/", {"engine/ecsdb/toml/"}},
      {"zstd", {"engine/ecsdb/wire/"}},
      {"sqlite3", {"engine/ecsdb/archive_sqlite/"}},
      {"rapidcheck", {"proptests/"}},
      {"gtest/", {"proptests/"}},  // and every *_test.cpp
      {"gmock/", {"proptests/"}},
      {"benchmark/", {"bench/"}},
      {"imgui", {"viz/"}},
      {"GLFW/", {"viz/"}},
      {"GL/", {"viz/"}},
      {"immintrin.h", {""}, true},
      {"nmmintrin.h", {""}, true},
      {"emmintrin.h", {""}, true},
      {"tmmintrin.h", {""}, true},
      {"arm_acle.h", {""}, true},
      {"arm_neon.h", {""}, true},
      {"sys/", kSystem, true},
      {"netinet/", kSystem, true},
      {"arpa/", kSystem, true},
      {"linux/", kSystem, true},
      {"netdb.h", kSystem, true},
      {"unistd.h", kSystem, true},
      {"fcntl.h", kSystem, true},
      {"poll.h", kSystem, true},
      {"signal.h", kSystem, true},
      {"spawn.h", kSystem, true},
      {"termios.h", kSystem, true},
      {"sched.h", kSystem, true},
      {"time.h", kSystem, true},
      {"cxxabi.h", {"proptests/", "bench/"}, true},
  };
  return kLibraries;
}

/// Module of a path or of an include as written below an include root.
std::string module_of_include(std::string_view target) {
  target.remove_prefix(std::string_view("ecsdb/").size());
  const size_t slash = target.find('/');
  if (slash != std::string_view::npos) return std::string(target.substr(0, slash));
  return std::string(target.substr(0, target.find('.')));
}

std::string module_of_path(std::string_view path) {
  const size_t slash = path.find('/');
  const std::string_view rest = path.substr(slash + 1);
  if (rest.starts_with("ecsdb/")) return module_of_include(rest);
  return std::string(path.substr(0, slash));
}

bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string join(const Names& names) {
  std::string text;
  for (std::string_view name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text.empty() ? "nothing" : text;
}

bool is_umbrella(std::string_view target) {
  return target == "ecsdb/client.h" || target == "ecsdb/server.h" || target == "ecsdb/sim.h";
}

/// Exceptions to the table that depend on the file or the header, not on the modules alone.
bool is_special_arrow(const SourceFile& file, std::string_view from, const Include& include) {
  const std::string to = module_of_include(include.target);
  if (from == "toml" && to == "server") {
    return include.target.find("options") != std::string::npos;
  }
  return from == "client" && to == "server" && file.is_test();  // tests need somebody to talk to
}

void check_example_include(const Tree& tree, const SourceFile& file, const Include& include,
                           Violations& out) {
  if (is_umbrella(include.target) || tree.public_headers.contains(include.target)) return;
  out.push_back({file.path, include.line,
                 "examples include public headers only, not \"" + include.target +
                     "\": use an umbrella such as \"ecsdb/client.h\", or make the header public "
                     "(PUBLIC in its ecsdb_library call)"});
}

void check_relative_include(const Tree& tree, const SourceFile& file, const Include& include,
                            Violations& out) {
  const std::string folder = file.path.substr(0, file.path.rfind('/') + 1);
  const std::string top = file.path.substr(0, file.path.find('/') + 1);
  const bool in_library = file.path.find("/ecsdb/") != std::string::npos;
  const bool exists =
      tree.paths.contains(folder + include.target) || tree.paths.contains(top + include.target);
  if (exists && !in_library) return;
  out.push_back({file.path, include.line,
                 "\"" + include.target + "\" is not found below an include root: write it as " +
                     "\"ecsdb/<module>/<file>.h\"" +
                     (in_library ? "" : ", or as a file of " + top)});
}

void check_module_include(const SourceFile& file, const Include& include, Violations& out) {
  const std::string from = module_of_path(file.path);
  const std::string to = module_of_include(include.target);
  const auto known = arrows().find(from);
  if (known == arrows().end()) return;  // reported once per file
  if (from == to || contains(known->second, to) || is_special_arrow(file, from, include)) return;
  out.push_back({file.path, include.line,
                 "arrow " + from + " -> " + to + " (\"" + include.target + "\"): " + from +
                     " may include " + join(known->second) +
                     "; move what both need further down, or pass it in"});
}

}  // namespace

void check_arrows(const Tree& tree, const SourceFile& file, Violations& out) {
  const std::string from = module_of_path(file.path);
  if (!arrows().contains(from)) {
    out.push_back({file.path, 1,
                   "unknown module '" + from + "': give it a line in proptests/tree_arrows.cpp"});
  }
  const bool may_use_tests = file.is_test() || file.is_under("proptests/");
  for (const Include& include : file.includes) {
    if (!may_use_tests && is_test_support(include.target)) {
      out.push_back({file.path, include.line,
                     "\"" + include.target + "\" is for tests: product code may not include it"});
    }
    if (include.angled) {
      if (!include.target.starts_with("ecsdb/")) continue;
      out.push_back({file.path, include.line, "own headers are included with quotes"});
    } else if (!include.target.starts_with("ecsdb/")) {
      check_relative_include(tree, file, include, out);
    } else if (from == "examples") {
      check_example_include(tree, file, include, out);
    } else {
      check_module_include(file, include, out);
    }
  }
}

void check_third_party(const SourceFile& file, Violations& out) {
  for (const Include& include : file.includes) {
    if (!include.angled) continue;
    const auto found = std::find_if(
        libraries().begin(), libraries().end(),
        [&](const Library& library) { return include.target.starts_with(library.prefix); });
    if (found == libraries().end()) {
      const bool is_standard = include.target.find_first_of("/.") == std::string::npos;
      if (is_standard || include.target.starts_with("ecsdb/")) continue;
      out.push_back({file.path, include.line,
                     "<" + include.target + "> has no place: a new library needs an entry in " +
                         "docs/DECISIONS.md and one folder in proptests/tree_arrows.cpp"});
      continue;
    }
    const bool is_test_library = found->prefix == "gtest/" || found->prefix == "gmock/";
    const bool allowed = (is_test_library && file.is_test()) ||
                         std::any_of(found->places.begin(), found->places.end(),
                                     [&](std::string_view place) { return file.is_under(place); });
    if (allowed) continue;
    out.push_back({file.path, include.line,
                   "<" + include.target + "> belongs in " + join(found->places) +
                       (is_test_library ? " and *_test.cpp" : "") +
                       " only: put the code that needs it there, behind a plain interface"});
  }
}

void check_header_types(const SourceFile& file, Violations& out) {
  if (!file.is_header() || file.is_test()) return;
  const bool is_library =
      file.is_under("engine/") || file.is_under("client/") || file.is_under("sim/");
  if (!is_library) return;
  static constexpr std::string_view kNames[] = {
      "boost::", "toml::",    "rc::",      "testing::", "sqlite3_",
      "ImGui::", "ZSTD_CCtx", "ZSTD_DCtx", "SSL_CTX"};
  for (const Include& include : file.includes) {
    const auto found = std::find_if(
        libraries().begin(), libraries().end(),
        [&](const Library& library) { return include.target.starts_with(library.prefix); });
    if (!include.angled || found == libraries().end() || found->is_system) continue;
    out.push_back({file.path, include.line,
                   "a header shows <" + include.target + ">: include it in the .cpp only"});
  }
  for (size_t i = 0; i < file.code.size(); ++i) {
    for (std::string_view name : kNames) {
      if (find_word(file.code[i], name) == std::string_view::npos) continue;
      out.push_back({file.path, i + 1,
                     "a header names the third-party type " + std::string(name) +
                         "...: hide it in the .cpp behind a type of ours"});
    }
  }
}

}  // namespace tree
