// Writes of clients: how many the server decides, how many go over a connection, and how soon
// everybody shows one.
#include "writes.h"

#include "parts.h"
#include "programs.h"

namespace bench {
namespace {

using ecsdb::Status;

constexpr OptionSpec kOptions[] = {
    {"part", "only one of memory, loopback and visible", 0},
    {"batch", "writes a commit, in memory (1024)", 100'000},
    {"rows", "of one writer, which writes each in turn; also on loopback (10000)", 1'000'000},
    {"writers", "that contend (16)", 1'000},
    {"contended-rows", "for so many rows (64)", 1'000'000},
    {"blocks", "of ten commits, in memory (60)", 100'000},
    {"depth", "writes on their way over a connection (4096)", 100'000},
    {"seconds", "of such writing: blocks of wall time (7)", 1'000},
    {"clients", "that have to show a write (50)", 1'000},
    {"rounds", "of writes that all have to show, and of echoes (7); ", 1'000},
    {"samples", "so many of both in each (1000)", 1'000'000},
    {"seed", "of everything random (1)", UINT64_MAX},
};

constexpr Part kParts[] = {
    {"memory", measure_writes_in_process},
    {"loopback", measure_writes_on_loopback},
    {"visible", measure_writes_visible},
};

Status run(const Options& options, Report& report) { return run_parts(kParts, options, report); }

}  // namespace

const Program kWritesProgram = {
    "writes", "clients' writes: decided a second, over loopback, and until all show one", kOptions,
    run};

}  // namespace bench
