#include "tools/child_process.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace ecsdb {
namespace {

Error system_error(const std::string& what) {
  return fail(ErrorCode::kFileUnreadable, what + ": " + std::strerror(errno));
}

/// Two ends that no other child inherits; -1 where there is none.
struct Pipe {
  int read_end = -1;
  int write_end = -1;

  bool open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    read_end = ends[0];
    write_end = ends[1];
    return true;
  }
  void close_ends() {
    if (read_end >= 0) ::close(read_end);
    if (write_end >= 0) ::close(write_end);
    read_end = write_end = -1;
  }
};

struct Pipes {
  Pipe in;
  Pipe out;
  Pipe error;

  void close_ends() {
    in.close_ends();
    out.close_ends();
    error.close_ends();
  }
};

/// Between fork and exec: async-signal-safe calls only. Ends with status 127.
[[noreturn]] void become(const char* program, char* const* arguments, const Pipes& pipes,
                         pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // it died before the line above
  const auto use = [](int from, int to) { return from < 0 || dup2(from, to) == to; };
  if (use(pipes.in.read_end, STDIN_FILENO) && use(pipes.out.write_end, STDOUT_FILENO) &&
      use(pipes.error.write_end, STDERR_FILENO)) {
    // Sockets above all: a port would stay in use as long as the child lives.
    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    execv(program, arguments);
  }
  _exit(127);
}

}  // namespace

void PipeLines::fill() {
  if (fd_ < 0) return;
  char bytes[16 * 1024];
  const ssize_t got = read(fd_, bytes, sizeof bytes);
  if (got > 0) {
    buffer_.append(bytes, static_cast<size_t>(got));
  } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    close();
  }
}

std::optional<std::string> PipeLines::next() {
  const size_t end = buffer_.find('\n');
  if (end != std::string::npos) {
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return line;
  }
  const bool is_last = fd_ < 0 && !buffer_.empty();
  if (is_last || buffer_.size() > kLineBytesMax) return std::exchange(buffer_, std::string());
  return std::nullopt;
}

void PipeLines::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<ChildProcess> ChildProcess::start(const std::string& program,
                                         const std::vector<std::string>& arguments,
                                         ChildPipes wanted) {
  if (access(program.c_str(), X_OK) != 0) return system_error(program);
  Pipes pipes;
  if ((wanted.in && !pipes.in.open()) || (wanted.out && !pipes.out.open()) ||
      (wanted.error && !pipes.error.open())) {
    pipes.close_ends();
    return system_error("pipe");
  }
  std::vector<char*> words;
  words.push_back(const_cast<char*>(program.c_str()));
  for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ChildProcess child;
  const pid_t parent = getpid();
  child.pid_ = fork();
  if (child.pid_ == 0) become(program.c_str(), words.data(), pipes, parent);
  if (child.pid_ < 0) {
    pipes.close_ends();
    return system_error("fork");
  }
  child.in_ = std::exchange(pipes.in.write_end, -1);
  child.out_ = PipeLines(std::exchange(pipes.out.read_end, -1));
  child.error_ = PipeLines(std::exchange(pipes.error.read_end, -1));
  pipes.close_ends();
  for (const int fd : {child.out_.fd(), child.error_.fd()}) {
    if (fd >= 0) fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      in_(std::exchange(other.in_, -1)),
      out_(std::exchange(other.out_, PipeLines())),
      error_(std::exchange(other.error_, PipeLines())),
      exit_(other.exit_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this == &other) return *this;
  end();
  pid_ = std::exchange(other.pid_, -1);
  in_ = std::exchange(other.in_, -1);
  out_ = std::exchange(other.out_, PipeLines());
  error_ = std::exchange(other.error_, PipeLines());
  exit_ = other.exit_;
  return *this;
}

ChildProcess::~ChildProcess() { end(); }

void ChildProcess::end() {
  if (pid_ > 0 && !poll_exit()) {
    send_signal(SIGTERM);
    if (!wait_exit(kEndPatience)) {
      send_signal(SIGKILL);
      int status = 0;
      while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
      }
    }
  }
  if (in_ >= 0) ::close(in_);
  in_ = -1;
  out_.close();
  error_.close();
}

bool ChildProcess::write_line(const std::string& line) {
  const std::string bytes = line + "\n";
  return in_ >= 0 && write(in_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
}

void ChildProcess::send_signal(int number) const {
  if (pid_ > 0 && !exit_) kill(pid_, number);
}

std::optional<int> ChildProcess::poll_exit() {
  if (exit_ || pid_ <= 0) return exit_;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_;
}

std::optional<int> ChildProcess::wait_exit(Duration patience) {
  constexpr int kStepMs = 5;
  for (int64_t left = patience.to_ms(); left > 0 && !poll_exit(); left -= kStepMs) {
    poll(nullptr, 0, kStepMs);  // there is no portable wait for a child with a deadline
  }
  return poll_exit();
}

Result<std::string> program_folder() {
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0 || static_cast<size_t>(size) == sizeof path) {
    return system_error("/proc/self/exe");
  }
  const std::string whole(path, static_cast<size_t>(size));
  return whole.substr(0, whole.rfind('/') + 1);
}

}  // namespace ecsdb
