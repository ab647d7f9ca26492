// ecsdb-bench: what the engine costs, beside plain memory operations measured in the same run.
#include <cstdio>
#include <string>

#include "options.h"
#include "programs.h"
#include "report.h"

namespace bench {
namespace {

using ecsdb::ErrorCode;

const Program* const kPrograms[] = {&kStoreProgram, &kCodecProgram,   &kFanoutProgram,
                                    &kSyncProgram,  &kSessionProgram, &kWritesProgram};

constexpr int kExitUsage = 2;
constexpr int kExitFile = 3;
constexpr int kExitDivergence = 10;
constexpr int kExitBug = 70;

int exit_code(ErrorCode code) {
  if (code == ErrorCode::kUsage) return kExitUsage;
  // Values out of range come from a trace that is not of the shape it is said to be.
  const bool is_file = code == ErrorCode::kFileUnreadable || code == ErrorCode::kSyntax ||
                       code == ErrorCode::kValueOutOfRange;
  if (is_file) return kExitFile;
  return code == ErrorCode::kDigestMismatch ? kExitDivergence : kExitBug;
}

std::string usage_text() {
  std::string out = "usage: ecsdb-bench WHAT [options] [--quick] [--json]\n\n";
  for (const Program* program : kPrograms) {
    out += "  " + std::string(program->name) + std::string(10 - program->name.size(), ' ') +
           std::string(program->summary) + "\n";
  }
  return out +
         "\n--quick takes under two seconds and proves only that it works. --json prints one\n"
         "object on one line. `ecsdb-bench WHAT --help` lists the options of one benchmark. The\n"
         "simulator prints its own rate: ecsdb-sim run.\n\n"
         "Times are CPU time of the one thread, medians over blocks; *_min_* are the smallest\n"
         "block. Blocks of the engine and of its baseline alternate, and a *_ratio is the median\n"
         "of the ratios of such pairs.\n";
}

std::string help_text(const Program& program) {
  std::string out = "usage: ecsdb-bench " + std::string(program.name) +
                    " [options] [--quick] [--json]\n\n" + std::string(program.summary) + "\n\n";
  for (const OptionSpec& option : program.options) {
    const std::string head = "  --" + std::string(option.name) + (option.max == 0 ? " TEXT" : " N");
    out += head + std::string(head.size() < 20 ? 20 - head.size() : 1, ' ') +
           std::string(option.help) + "\n";
  }
  return out;
}

int usage_error(const std::string& what) {
  std::fprintf(stderr, "ecsdb-bench: %s\n", what.c_str());
  return kExitUsage;
}

int run(const Program& program, const Options& options) {
  Report report(program.name);
  report.number("load_average_1m", load_average());
  const ecsdb::Status status = program.run(options, report);
  if (!status.ok()) {
    std::fprintf(stderr, "ecsdb-bench %s: %s\n", std::string(program.name).c_str(),
                 status.error().to_string().c_str());
    return exit_code(status.code());
  }
  if (!report.is_finite()) {
    std::fprintf(stderr, "ecsdb-bench %s: a figure is not a finite number\n",
                 std::string(program.name).c_str());
    return kExitBug;
  }
  const std::string text = options.json() ? report.json() + "\n" : report.table();
  std::fputs(text.c_str(), stdout);
  return 0;
}

int main_of(std::span<const char* const> arguments) {
  if (arguments.empty()) {
    std::fputs(usage_text().c_str(), stderr);
    return kExitUsage;
  }
  const std::string what = arguments.front();
  if (what == "--help" || what == "-h" || what == "help") {
    std::fputs(usage_text().c_str(), stdout);
    return 0;
  }
  for (const Program* program : kPrograms) {
    if (what != program->name) continue;
    const auto options = Options::parse(arguments.subspan(1), program->options);
    if (!options.ok()) return usage_error(options.error().context);
    if (options->help()) {
      std::fputs(help_text(*program).c_str(), stdout);
      return 0;
    }
    return run(*program, *options);
  }
  return usage_error("no benchmark \"" + what + "\"; `ecsdb-bench --help` lists them");
}

}  // namespace
}  // namespace bench

int main(int count, char** arguments) {
  if (count < 1) return bench::kExitUsage;
  const std::span<const char* const> all(arguments, static_cast<size_t>(count));
  return bench::main_of(all.subspan(1));
}
