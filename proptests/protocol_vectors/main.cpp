// ecsdb-protocol-vectors [--write] DIR: compares the vector files in DIR with what the code makes
// now, and plays them; with --write it writes them anew.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "vector_file.h"

namespace {

using ecsdb::vectors::Group;
using ecsdb::vectors::GroupKind;
using Problems = std::vector<std::string>;

int usage() {
  std::fputs("usage: ecsdb-protocol-vectors [--write] DIR\n", stderr);
  return 2;
}

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  return out.good();
}

bool read_file(const std::string& path, std::string& text) {
  std::ifstream in(path, std::ios::binary);
  text.assign(std::istreambuf_iterator<char>(in), {});
  return in.is_open() && !in.bad();
}

void print_counts(const Group& group, size_t bytes) {
  size_t rejects = 0;
  for (const auto& vector : group.vectors) rejects += ecsdb::vectors::is_reject(vector);
  std::printf("%-14s %4zu accept %4zu reject %8zu bytes\n", group.name.c_str(),
              group.vectors.size() - rejects, rejects, bytes);
}

}  // namespace

int main(int argc, char** argv) {
  const bool writes = argc == 3 && std::strcmp(argv[1], "--write") == 0;
  if (argc != 2 && !writes) return usage();
  const std::string folder = argv[argc - 1];
  if (folder.starts_with('-')) return usage();
  Problems problems;
  for (const GroupKind& kind : ecsdb::vectors::group_kinds()) {
    const std::string path = folder + "/" + kind.name + ".json";
    const Group group = ecsdb::vectors::make_group(kind, problems);
    std::string text = group.to_text();
    if (writes) {
      if (!write_file(path, text)) problems.push_back(path + ": cannot be written");
    } else if (!read_file(path, text)) {
      problems.push_back(path + ": cannot be read");
      continue;
    }
    print_counts(group, text.size());
    for (const std::string& problem : ecsdb::vectors::replay(kind, text)) {
      problems.push_back(path + ", " + problem);
    }
    for (const std::string& problem : ecsdb::vectors::drift(group, text)) {
      problems.push_back(path + ", " + problem);
    }
  }
  for (const std::string& problem : problems) std::fprintf(stderr, "%s\n", problem.c_str());
  return problems.empty() ? 0 : 1;
}
