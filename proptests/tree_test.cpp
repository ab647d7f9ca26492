// Walks the repository and enforces what STYLE and the layout promise. Every rule is also tried on
// planted sources: one it must refuse and one it must let pass, so that a rule cannot die unseen.
#include <algorithm>
#include <cstdio>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "tree_rules.h"
#include "tree_scan.h"

namespace {

using tree::Tree;
using tree::Violations;

/// What all rules say about one planted file in an otherwise empty tree.
Violations judge(const std::string& path, std::string_view text, const std::string& known = {},
                 std::vector<std::string> other_paths = {}) {
  Tree planted;
  Violations out;
  planted.known = tree::parse_known(known, out);
  auto& files = path.ends_with(".js") ? planted.scripts : planted.sources;
  files.push_back(tree::parse_source(path, text));
  planted.paths.insert(path);
  planted.paths.insert(other_paths.begin(), other_paths.end());
  planted.public_headers = {"ecsdb/base/result.h"};
  tree::check_all(planted, out);
  return out;
}

std::string to_text(const Violations& found) {
  std::string text;
  for (const auto& v : found) text += v.path + ":" + std::to_string(v.line) + ": " + v.text + "\n";
  return text;
}

/// Expects exactly one violation, at `line`, whose text contains `part`.
void expect_refused(const Violations& found, size_t line, std::string_view part) {
  ASSERT_EQ(found.size(), 1u) << to_text(found);
  EXPECT_EQ(found[0].line, line) << to_text(found);
  EXPECT_NE(found[0].text.find(part), std::string::npos) << to_text(found);
}

void expect_clean(const Violations& found) { EXPECT_TRUE(found.empty()) << to_text(found); }

constexpr const char* kStore = "engine/ecsdb/store/planted.cpp";

std::string function_of(size_t lines) {
  std::string text = "void grown() {\n";
  for (size_t i = 2; i < lines; ++i) text += "  step();\n";
  return text + "}\n";
}

TEST(Tree, WholeRepositoryFollowsTheRules) {
  Violations found;
  const Tree repository = tree::load_tree(ECSDB_SOURCE_DIR, found);
  ASSERT_GT(repository.sources.size(), 20u) << "the walk found too little below the root";
  ASSERT_GT(repository.scripts.size(), 20u) << "the walk found too few scripts";
  tree::check_all(repository, found);
  EXPECT_TRUE(found.empty()) << to_text(found);
}

TEST(Tree, SizesAreReported) {
  Violations found;
  const Tree repository = tree::load_tree(ECSDB_SOURCE_DIR, found);
  std::vector<size_t> files;
  std::vector<std::pair<size_t, std::string>> functions;
  for (const auto& file : repository.sources) {
    files.push_back(file.raw.size());
    for (const auto& span : tree::find_functions(file)) {
      functions.emplace_back(span.lines, file.path + ":" + span.name);
    }
  }
  ASSERT_FALSE(files.empty());
  ASSERT_FALSE(functions.empty());
  std::sort(files.begin(), files.end());
  std::sort(functions.begin(), functions.end());
  std::printf("files %zu: median %zu, p90 %zu, longest %zu lines\n", files.size(),
              files[files.size() / 2], files[files.size() * 9 / 10], files.back());
  std::printf("functions %zu: median %zu, p90 %zu, p99 %zu lines\n", functions.size(),
              functions[functions.size() / 2].first, functions[functions.size() * 9 / 10].first,
              functions[functions.size() * 99 / 100].first);
  for (size_t i = 0; i < std::min<size_t>(5, functions.size()); ++i) {
    const auto& [lines, where] = functions[functions.size() - 1 - i];
    std::printf("  %4zu  %s\n", lines, where.c_str());
  }
}

TEST(TreeArrows, UpwardIncludeIsRefused) {
  expect_refused(judge(kStore, "#include \"ecsdb/wire/frame.h\"\n"), 1, "arrow store -> wire");
  expect_refused(judge("client/ecsdb/client/a.cpp", "\n#include \"ecsdb/server/session.h\"\n"), 2,
                 "arrow client -> server");
  expect_refused(judge("net/ecsdb/net/a.cpp", "#include \"ecsdb/sim/world.h\"\n"), 1,
                 "arrow net -> sim");
  expect_refused(judge("sim/main/a.cpp", "#include \"ecsdb/net/socket.h\"\n"), 1,
                 "arrow sim -> net");
  expect_refused(judge("engine/ecsdb/toml/a.cpp", "#include \"ecsdb/server/session.h\"\n"), 1,
                 "arrow toml -> server");
  expect_refused(judge("engine/ecsdb/base/a.cpp", "#include \"ecsdb/client.h\"\n"), 1,
                 "arrow base -> client");
}

TEST(TreeArrows, DownwardIncludePasses) {
  expect_clean(judge(kStore, "#include \"ecsdb/schema/schema.h\"\n#include <vector>\n"));
  expect_clean(judge("engine/ecsdb/toml/a.cpp", "#include \"ecsdb/server/options.h\"\n"));
  expect_clean(judge("client/ecsdb/client/a_test.cpp", "#include \"ecsdb/server/session.h\"\n"));
  expect_clean(judge(kStore, "// #include \"ecsdb/wire/frame.h\"\n"));
}

TEST(TreeArrows, ProductCodeIncludingTestSupportIsRefused) {
  const std::string text = "#include \"ecsdb/store/test_support.h\"\n";
  expect_refused(judge(kStore, text), 1, "is for tests");
  expect_clean(judge("engine/ecsdb/store/planted_test.cpp", text));
  expect_clean(judge("engine/ecsdb/store/test_support.h", "#pragma once\ndouble x = 1.5;\n"));
}

TEST(TreeArrows, ModuleWithoutALineIsRefused) {
  expect_refused(judge("engine/ecsdb/novel/a.cpp", "int x;\n"), 1, "unknown module 'novel'");
}

TEST(TreeArrows, ExampleSeesPublicHeadersOnly) {
  expect_refused(judge("examples/a/main.cpp", "#include \"ecsdb/store/table.h\"\n"), 1,
                 "public headers only");
  expect_clean(judge("examples/a/main.cpp",
                     "#include \"ecsdb/client.h\"\n#include \"ecsdb/base/result.h\"\n"));
}

TEST(TreeArrows, IncludeOutsideTheRootsIsRefused) {
  expect_refused(judge(kStore, "#include \"table.h\"\n", "", {"engine/ecsdb/store/table.h"}), 1,
                 "not found below an include root");
  expect_clean(judge("bench/a.cpp", "#include \"report.h\"\n", "", {"bench/report.h"}));
}

TEST(TreeArrows, PublicHeadersAreReadFromBuildFiles) {
  const auto headers = tree::parse_public_headers(
      "ecsdb_library(core CORE ROOT x\n  FOLDERS ecsdb/base\n  PUBLIC ecsdb/base/a.h # why\n"
      "    ecsdb/base/b.h\n  DEPENDS other)\necsdb_library(net ROOT y FOLDERS z)\n");
  EXPECT_EQ(headers, (std::set<std::string>{"ecsdb/base/a.h", "ecsdb/base/b.h"}));
}

TEST(TreeLibraries, LibraryOutsideItsPlaceIsRefused) {
  expect_refused(judge("sim/main/a.cpp", "#include <boost/asio.hpp>\n"), 1, "belongs in net/");
  expect_refused(judge("engine/ecsdb/wire/a.cpp", "#include <toml++/toml.h>\n"), 1,
                 "belongs in engine/ecsdb/toml/");
  expect_refused(judge("engine/ecsdb/base/a_test.cpp", "#include <rapidcheck.h>\n"), 1,
                 "belongs in proptests/");
  expect_refused(judge("bench/a.cpp", "#include <gtest/gtest.h>\n"), 1, "*_test.cpp");
  expect_refused(judge("engine/ecsdb/wire/a.cpp", "#include <sys/socket.h>\n"), 1, "client_posix");
  expect_refused(judge("net/ecsdb/net/a.cpp", "#include <fmt/core.h>\n"), 1, "has no place");
}

TEST(TreeLibraries, LibraryInItsPlacePasses) {
  expect_clean(judge("net/ecsdb/net/a.h", "#pragma once\n#include <boost/asio.hpp>\n"));
  expect_clean(judge("engine/ecsdb/wire/a.cpp", "#include <zstd.h>\n"));
  expect_clean(judge("engine/ecsdb/base/a_test.cpp", "#include <gtest/gtest.h>\n"));
}

TEST(TreeLibraries, ThirdPartyTypeInAHeaderIsRefused) {
  expect_refused(judge("engine/ecsdb/toml/a.h", "#pragma once\nvoid f(toml::table&);\n"), 2,
                 "third-party type toml::");
  expect_refused(judge("engine/ecsdb/toml/a.h", "#pragma once\n#include <toml++/toml.h>\n"), 2,
                 "include it in the .cpp only");
  expect_clean(judge("engine/ecsdb/toml/a.h", "#pragma once\nvoid f(ecsdb::toml_text);\n"));
}

struct PlantedLine {
  const char* line;
  const char* part;
};

TEST(TreeBans, ConstructIsRefusedInTheCore) {
  const PlantedLine planted[] = {
      {"auto t = std::chrono::steady_clock::now();", "steady_clock"},
      {"#include <chrono>", "<chrono>"},
      {"clock_gettime(CLOCK_MONOTONIC, &t);", "clock_gettime"},
      {"gettimeofday(&t, nullptr);", "gettimeofday"},
      {"auto seed = time(nullptr);", "time(nullptr)"},
      {"auto c = __rdtsc();", "__rdtsc"},
      {"#include <random>", "<random>"},
      {"int r = rand();", "rand"},
      {"std::random_device d;", "random_device"},
      {"std::thread t;", "std::thread"},
      {"#include <mutex>", "<mutex>"},
      {"std::atomic<int> n;", "std::atomic"},
      {"thread_local int n;", "thread_local"},
      {"auto* v = getenv(name);", "getenv"},
      {"std::locale l;", "std::locale"},
      {"#include <filesystem>", "<filesystem>"},
      {"#include <fstream>", "<fstream>"},
      {"auto* f = fopen(a, b);", "fopen"},
      {"std::fprintf(stderr, text);", "fprintf"},
      {"std::unordered_map<int, int> m;", "unordered_map"},
      {"std::unordered_set<int> m;", "unordered_set"},
      {"auto h = std::hash<int>()(1);", "std::hash"},
      {"throw 1;", "throw"},
      {"void f() { try { g(); } HANDLER }", "try"},
      {"auto* p = dynamic_cast<A*>(b);", "dynamic_cast"},
      {"auto& i = typeid(x);", "typeid"},
  };
  for (const PlantedLine& p : planted) {
    SCOPED_TRACE(p.line);
    expect_refused(judge(kStore, std::string(p.line) + "\n"), 1, p.part);
    expect_clean(judge("bench/a.cpp", std::string(p.line) + "\n"));  // only the core is bound
  }
}

TEST(TreeBans, HarmlessNamesCommentsAndLiteralsPass) {
  expect_clean(judge(kStore,
                     "// std::chrono and rand() are named in prose\n"
                     "/* throw std::thread\n   getenv */ int x = 0;\n"
                     "const char* a = \"getenv \\\" throw\";\n"
                     "const char* b = R\"x(std::thread \" fopen)x\";\n"
                     "const char quote = '\"'; int brand(int); int n = prng.rand(1'000'000);\n"
                     "Instant commit_time(int); int retry = try_again();\n"
                     "#include <unordered_map>\n"
                     "std::unordered_map<int, int> m;  // tree: lookup only\n"));
}

TEST(TreeBans, TestsMayThrowAndPrintButReadNoClock) {
  const std::string path = "engine/ecsdb/store/planted_test.cpp";
  expect_clean(judge(path, "double x = 1.5;\nvoid f() { throw x; }\n"));
  expect_refused(judge(path, "auto t = steady_clock::now();\n"), 1, "steady_clock");
}

TEST(TreeBans, FloatInTheCoreNeedsAWrittenReason) {
  for (const char* line : {"double x = 0;\n", "float f(int);\n", "auto x = 1.5;\n"}) {
    SCOPED_TRACE(line);
    expect_refused(judge(kStore, line), 1, "floating point in the core");
    expect_clean(judge(kStore, line, std::string("float ") + kStore + " users' values\n"));
  }
  expect_clean(judge(kStore, "int version_1 = 2; int floating = a.b; // 1.5 float\n"));
}

TEST(TreeHabits, BannedHabitIsRefusedEverywhere) {
  expect_refused(judge("bench/a.cpp", "using namespace std;\n"), 1, "using namespace");
  expect_refused(judge("sim/main/a.cpp", "std::shared_ptr<int> p;\n"), 1, "shared ownership");
  expect_clean(judge("net/ecsdb/net/a.cpp", "std::shared_ptr<int> p;\n"));
  expect_refused(judge("net/a_test.cpp", "sleep_for(x);\n"), 1, "a test sleeps");
  expect_refused(judge("net/a_test.cpp", "TEST(A, DISABLED_B) {}\n"), 1, "disabled test");
  expect_clean(judge("net/a.cpp", "using std::literals::operator\"\"sv;\n"));
}

TEST(TreeShape, WideLineIsRefused) {
  expect_refused(judge(kStore, "//" + std::string(99, 'x') + "\n"), 1, "101 columns");
  expect_clean(judge(kStore, "//" + std::string(98, 'x') + "\n"));
  std::string accented = "//";
  for (int i = 0; i < 98; ++i) accented += "\xc3\xa9";
  expect_clean(judge(kStore, accented + "\n"));
}

TEST(TreeShape, HeaderWithoutGuardIsRefused) {
  expect_refused(judge("bench/a.h", "// What.\nint x;\n"), 1, "#pragma once");
  expect_clean(judge("bench/a.h", "// What.\n#pragma once\nint x;\n"));
}

TEST(TreeShape, OwnHeaderComesFirst) {
  const std::vector<std::string> beside = {"engine/ecsdb/store/planted.h"};
  const std::string own = "#include \"ecsdb/store/planted.h\"\n";
  expect_refused(judge(kStore, "#include <vector>\n" + own, "", beside), 1, "own header");
  expect_refused(judge(kStore, "int x;\n", "", beside), 1, "own header");
  expect_refused(judge("engine/ecsdb/store/planted_test.cpp", "#include <set>\n" + own, "", beside),
                 1, "own header");
  expect_clean(judge(kStore, own + "#include <vector>\n", "", beside));
}

TEST(TreeShape, LeftoverMarksAreRefused) {
  const std::string to_do = std::string("// TO") + "DO";
  expect_refused(judge(kStore, std::string("// FIX") + "ME later\n"), 1, "mend it");
  expect_refused(judge(kStore, to_do + " later\n"), 1, "without an issue");
  expect_clean(judge(kStore, to_do + "(#12) later\n"));
}

TEST(TreeShape, LongFunctionNeedsAnEntryAndMayNotGrow) {
  const std::string path = "bench/a.cpp";
  const auto entry = [&](size_t lines) {
    return "function " + path + ":grown " + std::to_string(lines) + "\n";
  };
  expect_clean(judge(path, function_of(70)));
  expect_refused(judge(path, function_of(71)), 1, "grown has 71 lines, limit 70");
  expect_clean(judge(path, function_of(80), entry(80)));
  expect_refused(judge(path, function_of(81), entry(80)), 1, "grown has 81 lines, limit 80");
  expect_refused(judge(path, function_of(70), entry(80)), 1, "no longer needed");
}

TEST(TreeShape, LongFileNeedsAnEntryAndMayNotGrow) {
  const std::string path = "bench/a.cpp";
  const auto file_of = [](size_t lines) {
    std::string text;
    for (size_t i = 0; i < lines; ++i) text += "int x;\n";
    return text;
  };
  expect_clean(judge(path, file_of(500)));
  expect_refused(judge(path, file_of(501)), 501, "501 lines, limit 500");
  expect_clean(judge(path, file_of(600), "file bench/a.cpp 600\n"));
  expect_refused(judge(path, file_of(601), "file bench/a.cpp 600\n"), 601, "limit 600");
  expect_refused(judge(path, file_of(801), "file bench/a.cpp 900\n"), 801, "limit 800");
  expect_refused(judge(path, file_of(500), "file bench/a.cpp 600\n"), 1, "no longer needed");
}

TEST(TreeScripts, ShapeIsThatOfOtherSources) {
  const std::string path = "client/js/src/a.js";
  expect_refused(judge(path, "//" + std::string(99, 'x') + "\n"), 1, "break the line");
  expect_refused(judge(path, std::string("// FIX") + "ME later\n"), 1, "mend it");
  const auto method_of = [](size_t lines) {
    std::string text = "class A {\n  grown({ a, b = {} }) {\n";
    for (size_t i = 2; i < lines; ++i) text += "    step(`${a} '\\n{`);\n";
    return text + "  }\n}\n";
  };
  expect_clean(judge(path, method_of(70)));
  expect_refused(judge(path, method_of(71)), 2, "grown has 71 lines, limit 70");
  expect_clean(judge(path, method_of(80), "function " + path + ":grown 80\n"));
}

TEST(TreeScripts, SourceImportsFilesBesideItOnly) {
  const std::string node = "import { a } from \"node:fs\";\n";
  expect_refused(judge("client/js/src/a.js", "\n" + node), 2, "\"node:fs\"");
  expect_refused(judge("client/js/src/a.js", "export { a } from \"../test/a.js\";\n"), 1, "beside");
  expect_clean(judge("client/js/src/a.js", "import {\n  a, b,\n} from \"./b.js\";\n"));
  expect_clean(judge("client/js/test/a.js", node));
}

TEST(TreeShape, LongReadmeIsRefused) {
  Violations found;
  std::string text;
  for (int i = 0; i < 121; ++i) text += "line\n";
  tree::check_readme(tree::parse_text("README.md", text), found);
  expect_refused(found, 121, "move detail into docs/");
  found.clear();
  tree::check_readme(tree::parse_text("docs/README.md", text), found);
  expect_clean(found);
}

TEST(TreeKnown, MalformedOrStaleEntryIsRefused) {
  expect_refused(judge("bench/a.cpp", "int x;\n", "float bench/a.cpp\n"), 1, "write `file");
  expect_refused(judge("bench/a.cpp", "int x;\n", "function bench/a.cpp:f many\n"), 1,
                 "write `file");
  expect_refused(judge("bench/a.cpp", "int x;\n", "file bench/gone.cpp 600\n"), 1,
                 "no longer needed");
  expect_refused(judge(kStore, "int x;\n", std::string("float ") + kStore + " why\n"), 1,
                 "no longer needed");
}

TEST(TreeScan, FunctionsAreFoundWithNamesAndLengths) {
  const auto file = tree::parse_source("bench/a.cpp",
                                       "#define MACRO(x) do { \\\n  } while (0)\n"  // 1, 2
                                       "namespace a {\n"                            // 3
                                       "enum class E : int { kA, kB };\n"
                                       "constexpr int kList[] = {1, 2};\n"
                                       "template <class T, class U = int>\n"  // 6
                                       "T plain(T x, std::vector<int> y = {}) {\n"
                                       "  if (x) { y = {1}; }\n"
                                       "  return x;\n"
                                       "}\n"  // 10
                                       "class C {\n"
                                       " public:\n"
                                       "  C(int n) : n_{n}, m_(1) {\n"  // 13
                                       "    go();\n"
                                       "  }\n"
                                       "  bool operator==(const C& o) const { return true; }\n"
                                       "  ~C() {}\n"
                                       "  int n_ = 0;\n"
                                       "  int braced{1};\n"
                                       "};\n"
                                       "auto C::get() const -> int {\n"  // 21
                                       "  auto f = [](int i) { return i; };\n"
                                       "  return f(1);\n"
                                       "}\n"
                                       "TEST(Some, Thing) {\n"
                                       "}\n"
                                       "}\n");
  std::string text;
  for (const auto& span : tree::find_functions(file)) {
    text += span.name + " " + std::to_string(span.line) + " " + std::to_string(span.lines) + "\n";
  }
  EXPECT_EQ(text, "plain 6 5\nC 13 3\noperator== 16 1\n~C 17 1\nC::get 21 4\nSome.Thing 25 2\n");
}

}  // namespace
