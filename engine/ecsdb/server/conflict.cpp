#include "ecsdb/server/conflict.h"

namespace ecsdb {

std::string_view conflict_rule_name(ConflictRule rule) {
  switch (rule) {
    case ConflictRule::kServerWins:
      return "server_wins";
    case ConflictRule::kNewerWins:
      return "newer_wins";
    case ConflictRule::kOlderLoses:
      return "older_loses";
    case ConflictRule::kMerged:
      return "merged";
    case ConflictRule::kMergeRefused:
      return "merge_refused";
    case ConflictRule::kRemoveWins:
      return "remove_wins";
    case ConflictRule::kInsertLoses:
      return "insert_loses";
  }
  return "unknown";
}

}  // namespace ecsdb
