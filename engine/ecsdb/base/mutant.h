// Planted bugs. In a build with ECSDB_MUTANTS a test can switch one on by name, to prove that a
// checker finds it; in every other build the macro is the constant false and nothing else exists.
#pragma once

#if defined(ECSDB_MUTANTS)
#include <string_view>

namespace ecsdb {
/// Selects the one active planted bug; empty: none. Single-threaded test builds only.
void set_active_mutant(std::string_view name);
bool mutant_is_active(std::string_view name);
}  // namespace ecsdb

#define ECSDB_MUTANT(name) (::ecsdb::mutant_is_active(#name))
#else
#define ECSDB_MUTANT(name) (false)
#endif
