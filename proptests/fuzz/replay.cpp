// In place of libFuzzer: runs the inputs of the files and folders named once each, without changing
// any, so that ordinary tests see all of them. Usage: fuzz-replay-<target> PATH...
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz_input.h"

namespace {

namespace files = std::filesystem;

std::vector<files::path> files_of(const files::path& path) {
  if (!files::is_directory(path)) return {path};
  std::vector<files::path> out;
  for (const auto& entry : files::directory_iterator(path)) out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const files::path& path : files_of(argv[i])) {
      std::ifstream file(path, std::ios::binary);
      const std::string text(std::istreambuf_iterator<char>(file), {});
      if (!file) {
        std::fprintf(stderr, "cannot read %s\n", path.c_str());
        return 2;
      }
      std::printf("%s\n", path.c_str());
      std::fflush(stdout);  // the last line names the input that failed
      const ecsdb::Bytes bytes(text.begin(), text.end());
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
      ++count;
    }
  }
  std::printf("%zu inputs\n", count);
  return count == 0 ? 1 : 0;
}
