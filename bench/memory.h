// Memory of this process, as the system counts it.
#pragma once

namespace bench {

/// Gives what is free back to the system, so that growth from here on shows, and returns the MiB
/// that are in memory; 0 where that is not known. The peak starts anew.
double start_watching_memory();
/// The most MiB that were in memory since then; 0 where it is not known.
double resident_peak_mib();

}  // namespace bench
