// A listening TCP socket.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ecsdb/base/result.h"
#include "ecsdb/net/address.h"
#include "ecsdb/net/event_loop.h"

namespace ecsdb::net {

struct ListenOptions {
  std::string address = "127.0.0.1";  // numeric
  uint16_t port = 0;                  // 0: the system chooses
  int backlog = 1024;
};

/// Accepts connections. When the process or system is out of file descriptors it turns newcomers
/// away, by means of one descriptor kept in reserve, instead of spinning on a queue it cannot
/// empty; without even that it pauses for kPause. Not thread-safe.
class Listener {
 public:
  static constexpr Duration kPause = Duration::ms(100);
  static constexpr int kAcceptsPerBatchMax = 64;

  /// `accepted` owns the descriptor it is given. `turned_away` is told the system's reason each
  /// time the descriptors are used up. kUsage: bad address, or the port cannot be had.
  static Result<std::unique_ptr<Listener>> open(
      EventLoop& loop, const ListenOptions& options,
      std::function<void(int socket, std::string peer)> accepted,
      std::function<void(const std::string& why)> turned_away);
  virtual ~Listener() = default;

  virtual uint16_t port() const = 0;
  /// No further connections; those that wait in the queue are refused.
  virtual void close() = 0;
};

}  // namespace ecsdb::net
