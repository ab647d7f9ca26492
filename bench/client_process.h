// Clients on real sockets in a process of their own, so that their work is not the server's.
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

#include "ecsdb/base/result.h"

namespace bench {

/// A fork of this process that does what lines on a socket say. Start it before any event loop or
/// thread is made, and before memory is filled, which it would share. Killed by the destructor, or
/// by the kernel when this process dies. Not thread-safe.
class ClientProcess {
 public:
  /// `serve` is what it does; it ends when that returns. kFileUnreadable with what the system says.
  static ecsdb::Result<ClientProcess> start(void (*serve)(int socket));
  ClientProcess(ClientProcess&& other) noexcept;
  ClientProcess& operator=(ClientProcess&&) = delete;
  ~ClientProcess();

  /// One command.
  void send(const std::string& line);
  /// The next line that it said. Never waits.
  std::optional<std::string> next_line();

 private:
  ClientProcess(pid_t pid, int socket) : pid_(pid), socket_(socket) {}

  pid_t pid_;
  int socket_;
  std::string buffer_;
};

}  // namespace bench
