// The child's end of what a ClientProcess is told and says: lines on a socket. And the plain
// sockets of what is measured without the library.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace bench {

/// Does not own the socket, which is the process's for its life. Not thread-safe.
class CommandSocket {
 public:
  explicit CommandSocket(int socket) : socket_(socket) {}

  /// False once the other end is closed.
  bool is_open() const { return is_open_; }
  /// The next line that has come whole. Never waits.
  std::optional<std::string> next();
  void say(const std::string& line);

 private:
  int socket_;
  bool is_open_ = true;
  std::string buffer_;
};

/// A number in a line.
std::string number_text(double value);

/// A socket that is connected to a port of this machine, or -1.
int dial_loopback(uint16_t port);

}  // namespace bench
