// The life of a session: coming back, not reading, coming all at once, syncing very much,
// and what frames cost the server.
#include "session.h"

#include "programs.h"

namespace bench {
namespace {

using ecsdb::Status;

constexpr OptionSpec kOptions[] = {
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
    {"publishes", "and how many of those (200); ", 1'000'000},
    {"missed", "publishes that its slow clients miss (4, 32, 200)", 1'000},
    {"seed", "of everything random (1)", UINT64_MAX},
};

Status run(const Options& options, Report& report) {
  using Part = Status (*)(const Options&, Report&);
  constexpr Part kParts[] = {measure_resume, measure_stall, measure_join, measure_full_sync,
                             measure_server_time};
  for (const Part part : kParts) ECSDB_TRY(part(options, report));
  return {};
}

}  // namespace

const Program kSessionProgram = {
    "session", "coming back, not reading, joining at once, large syncs, time of frames", kOptions,
    run};

}  // namespace bench
