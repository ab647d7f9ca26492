// A driver for one Client on a plain TCP socket: no library but the system's.
//
//   ecsdb::PosixClientDriver driver(client, "127.0.0.1", 7900);
//   client.connect(driver.now());
//   while (running) {
//     driver.run_once(ecsdb::Duration::ms(5));
//     client.poll(driver.now());
//   }
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ecsdb/client/client.h"

namespace ecsdb {

/// Opens the streams that the client asks for, moves bytes both ways, and keeps the client's time.
///
/// Threads: the driver, its client and everything read from the client belong to one thread at a
/// time; nothing is locked. Another thread may not even call const methods meanwhile. A program
/// that wants the network on a thread of its own runs driver and client there and hands copies to
/// the others. It starts no thread and installs no signal handler.
///
/// The client must outlive the driver, and nobody else may feed or drain it. Host names are
/// resolved anew at each dial with the system's resolver, which blocks; numeric addresses do not.
class PosixClientDriver {
 public:
  /// A socket that said goodbye is read to its end for so long at most, in the background.
  static constexpr Duration kLingerTimeout = Duration::seconds(1);
  static constexpr size_t kReadBufferBytes = 64 * 1024;
  /// One call reads at most so much, so that the caller's frame goes on under a flood.
  static constexpr size_t kReadBytesPerCallMax = 1024 * 1024;

  PosixClientDriver(Client& client, std::string host, uint16_t port);
  /// Closes the sockets without a goodbye; disconnect the client first for a clean end.
  ~PosixClientDriver();
  PosixClientDriver(const PosixClientDriver&) = delete;
  PosixClientDriver& operator=(const PosixClientDriver&) = delete;

  /// Steady time is CLOCK_MONOTONIC.
  Now now() const;

  /// Sends what the client has to send, then waits at most `timeout` (0: not at all) for the socket
  /// or the client's next deadline, and serves it. Returns true if something was served. Failures
  /// of the network are the client's events, never errors of this call. Then call Client::poll().
  bool run_once(Duration timeout);

  /// Why the last dial or connection ended, in words; empty if none did.
  const std::string& last_problem() const { return problem_; }
  /// True while a socket is open, a lingering one included.
  bool busy() const { return socket_ >= 0 || lingering_ >= 0; }

 private:
  struct Address {
    alignas(8) uint8_t bytes[128];
    uint32_t size = 0;
    int family = 0;
  };

  bool drain();
  bool is_given_up();
  void drop_socket();
  void dial(LinkId link);
  bool resolve();
  void try_addresses();
  void finish_connecting();
  void send_output();
  bool send_some(const StreamOutput& output);
  void receive();
  void discard_lingering();
  void end_link(std::string why);
  void start_lingering();
  void close_lingering();
  int wait_ms(Duration timeout) const;

  Client& client_;
  std::string host_;
  uint16_t port_;
  std::vector<Address> addresses_;  // not tried yet by this dial, last first
  int socket_ = -1;
  int lingering_ = -1;  // shut down for sending, waiting for the peer's end
  Instant linger_until_;
  LinkId link_;
  bool connecting_ = false;
  bool want_write_ = false;
  std::vector<uint8_t> buffer_;
  std::string problem_;
};

}  // namespace ecsdb
