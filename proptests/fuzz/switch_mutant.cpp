// In a build with planted bugs: ECSDB_MUTANT=name switches one on, to prove that a target finds it.
#include <cstdlib>

#include "ecsdb/base/mutant.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);

extern "C" int LLVMFuzzerInitialize(int*, char***) {
#if defined(ECSDB_MUTANTS)
  const char* name = std::getenv("ECSDB_MUTANT");
  if (name != nullptr) ecsdb::set_active_mutant(name);
#endif
  return 0;
}
