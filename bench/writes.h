// The parts of `ecsdb-bench writes`: each is a function that adds its figures to the report, in a
// file of its own, and stands in kParts of writes.cpp.
#pragma once

#include "options.h"
#include "report.h"

namespace bench {

/// The server's work alone, without a network: in_process_writes_per_s.
ecsdb::Status measure_writes_in_process(const Options& options, Report& report);
/// One client that pipelines over a real connection: loopback_writes_per_s.
ecsdb::Status measure_writes_on_loopback(const Options& options, Report& report);
/// From submit() until many clients show it: visible_p99_ms beside raw_rtt_p99_ms.
ecsdb::Status measure_writes_visible(const Options& options, Report& report);

}  // namespace bench
