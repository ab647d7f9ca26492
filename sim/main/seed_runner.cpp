#include "seed_runner.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <signal.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "ecsdb/base/check.h"

#include "arguments.h"

namespace ecsdb::sim {
namespace {

void end_quietly(const char*, const char*, int) { std::_Exit(kExitInternal); }

SeedOutcome outcome_of(const RunReport& report) {
  SeedOutcome out;
  out.seed = report.seed;
  out.safe = report.safe();
  out.converged = report.converged;
  if (!report.violations.empty()) {
    report.violations[0].invariant.copy(out.invariant, sizeof out.invariant - 1);
  }
  out.virtual_ns = report.end.ns;
  out.commits = report.commits;
  out.full_syncs = report.full_syncs;
  out.advances = report.advances;
  out.net_advances = report.net_advances;
  out.coverage = report.coverage;
  for (size_t i = 0; i < kTraceCounts; ++i) {
    out.counts[i] = report.trace.count(static_cast<TraceCount>(i));
  }
  return out;
}

bool write_all(int fd, const void* bytes, size_t size) {
  const char* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t written = write(fd, at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

/// A child process that serves every `stride`th seed from `next` on.
struct Worker {
  pid_t pid = -1;
  int fd = -1;  // -1: it is done
  uint64_t next = 0;
  uint64_t left = 0;  // seeds it has not reported
  size_t filled = 0;
  SeedOutcome arriving;
};

class SeedRunner {
 public:
  SeedRunner(const SimulationOptions& options, uint64_t stride, SeedRuns runs,
             const std::function<void()>& prepare)
      : options_(options), stride_(stride), runs_(runs), prepare_(prepare) {}

  void launch(Worker& worker);
  /// Reads what there is. True if an outcome is complete in worker.arriving.
  bool receive(Worker& worker);
  void stop(Worker& worker);

 private:
  SeedOutcome run_one(const SimulationOptions& options) const;
  [[noreturn]] void serve(int fd, uint64_t next, uint64_t count);

  const SimulationOptions& options_;
  uint64_t stride_;
  SeedRuns runs_;
  const std::function<void()>& prepare_;
};

SeedOutcome SeedRunner::run_one(const SimulationOptions& options) const {
  prepare_();
  const RunReport report = run_simulation(options);
  SeedOutcome outcome = outcome_of(report);
  if (runs_ == SeedRuns::kOnce) return outcome;
  prepare_();
  const RunReport again = run_simulation(options);
  outcome.deterministic = !Trace::first_difference(report.trace, again.trace);
  if (!outcome.deterministic && outcome.invariant[0] == '\0') {
    std::strcpy(outcome.invariant, "nondeterminism");
  }
  return outcome;
}

/// A child whose parent is gone has nobody to report to.
void end_with_parent(pid_t parent) {
#if defined(__linux__)
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  if (getppid() != parent) std::_Exit(kExitInterrupted);
}

void SeedRunner::serve(int fd, uint64_t next, uint64_t count) {
  set_check_handler(end_quietly);
  SimulationOptions options = options_;
  for (uint64_t i = 0; i < count; ++i) {
    options.seed = next + i * stride_;
    const SeedOutcome outcome = run_one(options);
    if (!write_all(fd, &outcome, sizeof outcome)) break;
  }
  std::_Exit(0);
}

void SeedRunner::launch(Worker& worker) {
  int ends[2];
  ECSDB_CHECK(pipe(ends) == 0);
  worker.filled = 0;
  const pid_t parent = getpid();
  worker.pid = fork();
  ECSDB_CHECK(worker.pid >= 0);
  if (worker.pid == 0) {
    end_with_parent(parent);
    close(ends[0]);
    serve(ends[1], worker.next, worker.left);
  }
  close(ends[1]);
  worker.fd = ends[0];
}

void SeedRunner::stop(Worker& worker) {
  if (worker.fd < 0) return;
  close(worker.fd);
  worker.fd = -1;
  kill(worker.pid, SIGKILL);
  waitpid(worker.pid, nullptr, 0);
}

bool SeedRunner::receive(Worker& worker) {
  char* const into = reinterpret_cast<char*>(&worker.arriving) + worker.filled;
  const ssize_t got = read(worker.fd, into, sizeof worker.arriving - worker.filled);
  if (got < 0 && errno == EINTR) return false;
  if (got > 0) {
    worker.filled += static_cast<size_t>(got);
    if (worker.filled < sizeof worker.arriving) return false;
    worker.filled = 0;
  } else {
    stop(worker);
    if (worker.left == 0) return false;
    worker.arriving = SeedOutcome{};
    worker.arriving.seed = worker.next;
    worker.arriving.crashed = true;
    std::strcpy(worker.arriving.invariant, "failed_check");
  }
  worker.next += stride_;
  --worker.left;
  return true;
}

}  // namespace

void run_seeds(const SimulationOptions& options, SeedRange seeds, uint32_t jobs, SeedRuns runs,
               const std::function<void()>& prepare,
               const std::function<bool(const SeedOutcome&)>& on_outcome) {
  if (jobs == 0) jobs = std::max(1u, std::thread::hardware_concurrency());
  const uint64_t count = seeds.last - seeds.first + 1;
  const uint64_t stride = std::min<uint64_t>(jobs, count);
  SeedRunner runner(options, stride, runs, prepare);
  std::vector<Worker> workers(static_cast<size_t>(stride));
  for (uint64_t i = 0; i < stride; ++i) {
    Worker& worker = workers[static_cast<size_t>(i)];
    worker.next = seeds.first + i;
    worker.left = (count - i - 1) / stride + 1;
    runner.launch(worker);
  }
  bool go_on = true;
  while (go_on) {
    std::vector<pollfd> polled;
    for (const Worker& worker : workers) polled.push_back({worker.fd, POLLIN, 0});
    if (std::all_of(workers.begin(), workers.end(), [](const Worker& w) { return w.fd < 0; })) {
      break;
    }
    if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) break;
    for (size_t i = 0; i < workers.size() && go_on; ++i) {
      if (workers[i].fd < 0 || polled[i].revents == 0) continue;
      if (!runner.receive(workers[i])) continue;
      go_on = on_outcome(workers[i].arriving);
      if (workers[i].fd < 0 && workers[i].left > 0 && go_on) runner.launch(workers[i]);
    }
  }
  for (Worker& worker : workers) runner.stop(worker);
}

}  // namespace ecsdb::sim
