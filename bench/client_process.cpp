#include "client_process.h"

#include <cerrno>
#include <cstring>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace bench {

using ecsdb::ErrorCode;
using ecsdb::fail;

ecsdb::Result<ClientProcess> ClientProcess::start(void (*serve)(int socket)) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
    return fail(ErrorCode::kFileUnreadable, std::string("socketpair: ") + std::strerror(errno));
  }
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) {
    const int error = errno;
    close(ends[0]);
    close(ends[1]);
    return fail(ErrorCode::kFileUnreadable, std::string("fork: ") + std::strerror(error));
  }
  if (pid == 0) {
    close(ends[0]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) serve(ends[1]);
    _exit(0);  // nothing that the parent has buffered is written twice
  }
  close(ends[1]);
  return ClientProcess(pid, ends[0]);
}

ClientProcess::ClientProcess(ClientProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      socket_(std::exchange(other.socket_, -1)),
      buffer_(std::move(other.buffer_)) {}

ClientProcess::~ClientProcess() {
  if (pid_ < 0) return;
  close(socket_);
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void ClientProcess::send(const std::string& line) {
  const std::string bytes = line + "\n";
  // A few bytes into an empty socket; a child that is gone shows in the answer that never comes.
  [[maybe_unused]] const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

std::optional<std::string> ClientProcess::next_line() {
  char bytes[4096];
  const ssize_t got = recv(socket_, bytes, sizeof bytes, MSG_DONTWAIT);
  if (got > 0) buffer_.append(bytes, static_cast<size_t>(got));
  const size_t end = buffer_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

}  // namespace bench
