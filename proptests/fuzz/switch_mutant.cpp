// In a build with planted bugs: ECSDB_MUTANT=name switches one on, to prove that a target finds it.
#include <cstdlib>

#include "ecsdb/base/mutant.h"

#include "harbour_talk.h"
#include "zoo_world.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);

extern "C" int LLVMFuzzerInitialize(int*, char***) {
#if defined(ECSDB_MUTANTS)
  const char* name = std::getenv("ECSDB_MUTANT");
  if (name == nullptr) return 0;
  ecsdb::fuzz::harbour_talk();  // what inputs start from is made without the bug
  ecsdb::fuzz::zoo_state(ecsdb::CodecTier::kPlain);
  ecsdb::set_active_mutant(name);
#endif
  return 0;
}
