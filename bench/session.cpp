// The life of a session: coming back, not reading, coming all at once, syncing very much,
// and what frames cost the server.
#include "session.h"

#include "parts.h"
#include "programs.h"

namespace bench {
namespace {

using ecsdb::Status;

constexpr OptionSpec kOptions[] = {
    {"part", "only one of resume, stall, join, sync and time", 0},
    {"resume-publishes", "missed before a resume, of 1,000 rows w1 of which 100 move (600)",
     1'000'000},
    {"return-publishes", "missed before a return (200), ", 1'000'000},
    {"return-rows", "of which 100 move (10000)", 4'000'000},
    {"stalled", "clients that do not read (16), ", 1'000},
    {"others", "and clients that are watched meanwhile, also during a full sync (16)", 1'000},
    {"stall-rows", "of which 100 move (1000)", 1'000'000},
    {"blocks", "of a second, without and with stalled clients (10)", 1'000},
    {"join-clients", "that come at once (16)", 1'000},
    {"join-rows", "of the table they join (10000)", 1'000'000},
    {"rounds", "joins measured (15)", 10'000},
    {"sync-rows", "of the large full sync (1000000)", 4'000'000},
    {"pairs", "of blocks with and without it (9)", 1'000},
    {"clients", "of the frames' part: so many (16, then 1000), ", 10'000},
    {"entities", "rows that every client holds (10000), ", 1'000'000},
    {"cells", "that they are spread over (12), ", 1'000},
    {"changes", "of them, a publish (a tenth), ", 1'000'000},
    {"publishes", "and how many of those (2000); ", 1'000'000},
    {"missed", "publishes that its slow clients miss (4, 32, 200)", 1'000},
    {"seed", "of everything random (1)", UINT64_MAX},
};

constexpr Part kParts[] = {
    {"resume", measure_resume},  {"stall", measure_stall},      {"join", measure_join},
    {"sync", measure_full_sync}, {"time", measure_server_time},
};

Status run(const Options& options, Report& report) { return run_parts(kParts, options, report); }

}  // namespace

const Program kSessionProgram = {
    "session", "coming back, not reading, joining at once, large syncs, time of frames", kOptions,
    run};

}  // namespace bench
