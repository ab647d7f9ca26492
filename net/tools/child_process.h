// Other programs as children, with pipes, that never outlive their parent.
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "ecsdb/base/result.h"
#include "ecsdb/base/time.h"

namespace ecsdb {

/// Which of the child's standard streams its parent keeps.
struct ChildPipes {
  bool in = false;
  bool out = false;
  bool error = false;
};

/// The read end of a pipe, cut into lines. Never waits.
class PipeLines {
 public:
  explicit PipeLines(int fd = -1) : fd_(fd) {}
  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  /// Reads what is there; call it when poll() says so. Closes at the end.
  void fill();
  /// The next whole line without its end; the last one may lack it.
  std::optional<std::string> next();
  void close();

 private:
  static constexpr size_t kLineBytesMax = 1u << 20;
  int fd_;
  std::string buffer_;
};

/// A running child. Its destructor ends it: SIGTERM, and SIGKILL if that does not help in time. It
/// is in a process group of its own, so that Ctrl-C reaches the parent only, and the kernel kills
/// it when the parent dies. Not thread-safe.
class ChildProcess {
 public:
  static constexpr Duration kEndPatience = Duration::seconds(3);

  /// Runs `program` (a path) with `arguments`. kFileUnreadable if it cannot be started.
  static Result<ChildProcess> start(const std::string& program,
                                    const std::vector<std::string>& arguments, ChildPipes pipes);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  PipeLines& out() { return out_; }
  PipeLines& error() { return error_; }
  /// False if the child does not take it.
  bool write_line(const std::string& line);
  void send_signal(int number) const;
  /// The exit status once it ended (128 + number if a signal ended it); nothing while it runs.
  std::optional<int> poll_exit();
  /// Waits for the end, at most so long.
  std::optional<int> wait_exit(Duration patience);

 private:
  ChildProcess() = default;
  void end();

  pid_t pid_ = -1;
  int in_ = -1;
  PipeLines out_;
  PipeLines error_;
  std::optional<int> exit_;
};

/// The folder of the running program, with a slash at its end. kFileUnreadable.
Result<std::string> program_folder();

}  // namespace ecsdb
