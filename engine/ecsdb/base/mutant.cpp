#include "ecsdb/base/mutant.h"

#if defined(ECSDB_MUTANTS)
#include <string>

namespace ecsdb {
namespace {
std::string& active() {
  static std::string name;
  return name;
}
}  // namespace

void set_active_mutant(std::string_view name) { active() = name; }
bool mutant_is_active(std::string_view name) { return active() == name; }

}  // namespace ecsdb
#endif
