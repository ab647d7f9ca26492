// The parts of `ecsdb-bench session`: each is a function that adds its figures to the report, in a
// file of its own, and stands in kParts of session.cpp.
#pragma once

#include "options.h"
#include "report.h"

namespace bench {

/// What coming back costs on the wire: resume_bytes beside net_change_bytes, spurious_callbacks,
/// return_bytes. In memory and in virtual time.
ecsdb::Status measure_resume(const Options& options, Report& report);
/// Clients that do not read: stalled_kib, backlog_bytes, stalled_others_p99_ratio.
ecsdb::Status measure_stall(const Options& options, Report& report);
/// Many clients at once: join16_ms beside a plain copy of the same bytes.
ecsdb::Status measure_join(const Options& options, Report& report);
/// One client that syncs very many rows: full_sync_extra_mib, others_p99_ratio.
ecsdb::Status measure_full_sync(const Options& options, Report& report);
/// Server time: frame_build_us, missed_commit_us. Has sections, so it comes last.
ecsdb::Status measure_server_time(const Options& options, Report& report);

}  // namespace bench
