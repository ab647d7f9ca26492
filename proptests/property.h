// RapidCheck with fixed parameters. RapidCheck itself stays out of headers.
#pragma once

#include <cstdint>
#include <functional>

namespace ecsdb::properties {

/// Runs a property that draws what it needs (`*rc::gen::...`) in so many cases, the same at every
/// run. Fails the test with the smallest counterexample that was found.
void check_property(uint64_t seed, int cases, const std::function<void()>& property);

/// Inside a property: a number below `bound`, each as likely, whatever the size of the case.
uint64_t draw_below(uint64_t bound);

}  // namespace ecsdb::properties
