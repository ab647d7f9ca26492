#include "tools/files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace ecsdb {

Result<Bytes> read_file(const std::string& path, size_t bytes_max) {
  const auto unreadable = [&](const char* why) {
    return fail(ErrorCode::kFileUnreadable, path + ": cannot be read: " + why);
  };
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return unreadable(std::strerror(errno));
  Bytes out;
  size_t got = 0;
  do {
    const size_t begin = out.size();
    out.resize(begin + 64 * 1024);
    got = std::fread(out.data() + begin, 1, out.size() - begin, file);
    out.resize(begin + got);
  } while (got > 0 && out.size() <= bytes_max);
  const int error = std::ferror(file) != 0 ? errno : 0;
  std::fclose(file);
  if (error != 0) return unreadable(std::strerror(error));
  if (out.size() > bytes_max) {
    return unreadable(("it has more than " + std::to_string(bytes_max) + " bytes").c_str());
  }
  return out;
}

}  // namespace ecsdb
