// ecsdb-protocol-recording SEED [--clients N] [--seconds S] [--entities E] [--damaged K]: writes a
// recording to standard output.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "recording.h"

namespace {

using ecsdb::vectors::Json;
using ecsdb::vectors::RecordingOptions;

constexpr uint64_t kClientsMax = 1000;
constexpr uint64_t kSecondsMax = 3600;
constexpr uint64_t kEntitiesMax = 100'000;
constexpr uint64_t kDamagedMax = 100'000;

int usage(std::FILE* out = stderr) {
  std::fputs(
      "usage: ecsdb-protocol-recording SEED [--clients N] [--seconds S] [--entities E] "
      "[--damaged K]\n"
      "\n"
      "Writes what simulated clients receive, a JSON object a line, for tests of other clients.\n"
      "\n"
      "  SEED          what the run is drawn from\n"
      "  --clients N   1 to 1000 (4)\n"
      "  --seconds S   of virtual time, 1 to 3600 (5)\n"
      "  --entities E  of the world, 1 to 100000 (60)\n"
      "  --damaged K   frames that are damaged on purpose, at most 100000 (50)\n",
      out);
  return out == stdout ? 0 : 2;
}

/// True if the text is a number from least to most.
bool parse_number(const char* text, uint64_t least, uint64_t most, uint64_t& out) {
  char* end = nullptr;
  errno = 0;
  out = std::strtoull(text, &end, 10);
  return errno == 0 && end != text && *end == '\0' && *text != '-' && out >= least && out <= most;
}

bool parse_option(const char* name, const char* value, RecordingOptions& options) {
  uint64_t number = 0;
  if (std::strcmp(name, "--clients") == 0 && parse_number(value, 1, kClientsMax, number)) {
    options.clients = static_cast<uint32_t>(number);
  } else if (std::strcmp(name, "--seconds") == 0 && parse_number(value, 1, kSecondsMax, number)) {
    options.seconds = static_cast<int64_t>(number);
  } else if (std::strcmp(name, "--entities") == 0 && parse_number(value, 1, kEntitiesMax, number)) {
    options.entities = static_cast<uint32_t>(number);
  } else if (std::strcmp(name, "--damaged") == 0 && parse_number(value, 0, kDamagedMax, number)) {
    options.damaged = static_cast<uint32_t>(number);
  } else {
    return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  RecordingOptions options;
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) return usage(stdout);
  if (argc % 2 != 0 || argc < 2) return usage();
  if (!parse_number(argv[1], 0, ~uint64_t{0}, options.seed)) return usage();
  for (int i = 2; i < argc; i += 2) {
    if (parse_option(argv[i], argv[i + 1], options)) continue;
    std::fprintf(stderr, "ecsdb-protocol-recording: %s %s\n", argv[i], argv[i + 1]);
    return usage();
  }
  const auto problems = ecsdb::vectors::make_recording(
      options, [](const Json& line) { std::puts(line.to_string().c_str()); });
  for (const std::string& problem : problems) std::fprintf(stderr, "%s\n", problem.c_str());
  return problems.empty() && std::ferror(stdout) == 0 ? 0 : 1;
}
