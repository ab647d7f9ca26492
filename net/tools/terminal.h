// What the verbs share about terminals and the process.
#pragma once

#include <cstdlib>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace ecsdb {

inline bool is_terminal(int fd) { return isatty(fd) == 1; }

/// False if NO_COLOR is set to anything, or `fd` is no terminal.
inline bool wants_colour(int fd) {
  const char* off = std::getenv("NO_COLOR");
  return is_terminal(fd) && (off == nullptr || off[0] == '\0');
}

struct TerminalSize {
  size_t rows = 24;
  size_t columns = 80;
};

inline TerminalSize terminal_size(int fd) {
  winsize size = {};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return {};
  return {size.ws_row, size.ws_col};
}

/// Standard input in lines, without ever waiting for it.
class StandardInputLines {
 public:
  /// True with the next whole line, without its end.
  bool next(std::string& line) {
    fill();
    const size_t end = buffer_.find('\n');
    if (end == std::string::npos) return false;
    line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return true;
  }
  bool at_end() const { return at_end_; }

 private:
  void fill() {
    pollfd waiting{STDIN_FILENO, POLLIN, 0};
    if (at_end_ || poll(&waiting, 1, 0) != 1) return;
    char bytes[512];
    const ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
    if (got <= 0) {
      at_end_ = true;
    } else {
      buffer_.append(bytes, static_cast<size_t>(got));
    }
  }

  std::string buffer_;
  bool at_end_ = false;
};

}  // namespace ecsdb
