// What the tests of the programs share: running one as a user would, and files and ports for it.
#pragma once

#include <algorithm>
#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "tools/child_process.h"

namespace ecsdb {

using Words = std::vector<std::string>;

inline constexpr int kPatienceMs = 20'000;

/// Waits for bytes or the end of a stream; false if neither comes.
inline bool wait_readable(const PipeLines& lines) {
  pollfd waiting{lines.fd(), POLLIN, 0};
  return lines.is_open() && poll(&waiting, 1, kPatienceMs) == 1;
}

/// The next line that contains `part`, or nothing at the end.
inline std::optional<std::string> read_line_with(PipeLines& lines, const std::string& part) {
  while (true) {
    while (auto line = lines.next()) {
      if (line->find(part) != std::string::npos) return line;
    }
    if (!wait_readable(lines)) return std::nullopt;
    lines.fill();
  }
}

struct ProgramOutcome {
  int exit = -1;
  std::string out;
  std::string error;
};

inline ProgramOutcome run(const char* program, const Words& words) {
  auto child = ChildProcess::start(program, words, {.in = false, .out = true, .error = true});
  ProgramOutcome outcome;
  if (!child.ok()) return outcome;
  pollfd waiting[2];
  while (child->out().is_open() || child->error().is_open()) {
    waiting[0] = {child->out().fd(), POLLIN, 0};
    waiting[1] = {child->error().fd(), POLLIN, 0};
    if (poll(waiting, 2, kPatienceMs) <= 0) break;
    child->out().fill();
    child->error().fill();
    while (auto line = child->out().next()) outcome.out += *line + "\n";
    while (auto line = child->error().next()) outcome.error += *line + "\n";
  }
  outcome.exit = child->wait_exit(Duration::seconds(10)).value_or(-1);
  return outcome;
}

inline ProgramOutcome ecsdb(const Words& words) { return run(ECSDB_PROGRAM, words); }
inline ProgramOutcome server(const Words& words) { return run(ECSDB_SERVER_PROGRAM, words); }

/// A file that is gone at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    char path[] = "ecsdb-test-XXXXXX.toml";
    const int fd = mkstemps(path, 5);
    path_ = path;
    EXPECT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    close(fd);
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// ecsdb-server on a port of the system's choice, ready when made.
class RunningServer {
 public:
  explicit RunningServer(Words words) {
    words.insert(words.begin(), {"--listen", "127.0.0.1:0"});
    auto child = ChildProcess::start(ECSDB_SERVER_PROGRAM, words, {.error = true});
    if (!child.ok()) return;
    process_.emplace(std::move(child).value());
    const auto line = read_line_with(process_->error(), "event=ready");
    const size_t at = line ? line->find(" port=") : std::string::npos;
    if (at != std::string::npos) port_ = line->substr(at + 6, line->find(' ', at + 6) - at - 6);
  }
  std::string tcp() const { return "tcp://127.0.0.1:" + port_; }
  std::string ws() const { return "ws://127.0.0.1:" + port_; }
  const std::string& port() const { return port_; }
  ChildProcess& process() { return *process_; }

 private:
  std::optional<ChildProcess> process_;
  std::string port_;
};

/// A loopback port on which nobody listens while this lives: bound only.
class ClosedPort {
 public:
  ClosedPort() : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_, generic, size), 0);
    EXPECT_EQ(getsockname(socket_, generic, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~ClosedPort() { close(socket_); }
  ClosedPort(const ClosedPort&) = delete;
  ClosedPort& operator=(const ClosedPort&) = delete;
  std::string tcp() const { return "tcp://127.0.0.1:" + std::to_string(port_); }
  std::string ws() const { return "ws://127.0.0.1:" + std::to_string(port_); }

 private:
  int socket_;
  uint16_t port_ = 0;
};

inline size_t count_lines(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// True if the JSON text has these keys, in this order.
inline bool has_keys(const std::string& json, std::initializer_list<const char*> keys) {
  size_t at = 0;
  for (const char* key : keys) {
    at = json.find("\"" + std::string(key) + "\": ", at);
    if (at == std::string::npos) return false;
  }
  return true;
}

}  // namespace ecsdb
