// `ecsdb cubes-slice`: for maintainers, makes the slice that the server carries.
#include <cstdio>

#include "server/cubes_trace.h"
#include "tools/exit_code.h"
#include "tools/files.h"
#include "tools/verbs.h"

namespace ecsdb {
namespace {

constexpr OptionSpec kOptions[] = {
    {"--frames", "A..B", "which frames, both included; default: all"},
};

bool parse_range(const std::string& text, size_t frames, size_t& first, size_t& last) {
  if (text.empty()) {
    first = 0;
    last = frames - 1;
    return true;
  }
  int end = 0;
  return std::sscanf(text.c_str(), "%zu..%zu%n", &first, &last, &end) == 2 &&
         static_cast<size_t>(end) == text.size() && first <= last && last < frames;
}

Status write_file(const std::string& path, ByteSpan bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  bool written = file != nullptr;
  written = written && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  written = file != nullptr && std::fclose(file) == 0 && written;
  if (written) return {};
  return fail(ErrorCode::kFileUnreadable, path + ": cannot be written");
}

}  // namespace

const CommandSpec kCubesSliceCommand{
    "ecsdb cubes-slice",
    "IN OUT [--frames A..B]",
    "Takes frames out of a cubes trace, raw or a slice, and writes them as a slice. The server's\n"
    "bundled one is examples/cubes/slice.bin.",
    kOptions,
    "",
    2,
};

int run_cubes_slice(Arguments arguments) {
  int exit = kExitOk;
  const auto line = parse_verb(kCubesSliceCommand, arguments, exit);
  if (!line) return exit;
  if (line->positional().size() != 2) {
    return report_usage(kCubesSliceCommand, fail(ErrorCode::kUsage, "name IN and OUT"));
  }
  const std::string& in = line->positional()[0];
  const auto fail_with = [&](const Error& error) {
    std::fprintf(stderr, "ecsdb cubes-slice: %s\n", error.context.c_str());
    return kExitConfig;
  };
  const Result<Bytes> bytes = read_file(in, kCubesFramesMax * kCubesFrameBytes);
  if (!bytes.ok()) return fail_with(bytes.error());
  const Result<CubesTrace> trace = CubesTrace::decode(*bytes);
  if (!trace.ok()) return fail_with(fail(trace.code(), in + ": " + trace.error().context));
  size_t first = 0;
  size_t last = 0;
  if (!parse_range(line->text("--frames"), trace->frame_count(), first, last)) {
    return report_usage(kCubesSliceCommand,
                        fail(ErrorCode::kUsage, "--frames must be A..B with A <= B < " +
                                                    std::to_string(trace->frame_count())));
  }
  const Bytes slice = trace->encode_slice(first, last);
  const Status written = write_file(line->positional()[1], slice);
  if (!written.ok()) return fail_with(written.error());
  std::printf("%zu frames, %zu bytes, crc32c of the first %08x and of the last %08x\n",
              last - first + 1, slice.size(), trace->frame_crc(first), trace->frame_crc(last));
  return kExitOk;
}

}  // namespace ecsdb
