#include "ecsdb/server/conflict_log.h"

#include <utility>

namespace ecsdb {

size_t ConflictLog::bytes_of(const Conflict& conflict) {
  return sizeof conflict + conflict.base.text.size() + conflict.server.text.size() +
         conflict.mine.text.size() + conflict.result.text.size();
}

uint64_t ConflictLog::add(Conflict conflict) {
  conflict.number = end_++;
  ++revision_;
  ++by_policy_[static_cast<size_t>(conflict.policy)];
  ++counts_[{conflict.policy, conflict.table, conflict.rule}];
  bytes_ += bytes_of(conflict);
  kept_.push_back(std::move(conflict));
  while (kept_.size() > limits_.conflicts_max || (bytes_ > limits_.bytes_max && !kept_.empty())) {
    bytes_ -= bytes_of(kept_.front());
    kept_.pop_front();
  }
  return end_ - 1;
}

bool ConflictLog::resolve(uint64_t number, ClientId client) {
  ECSDB_CHECK(client != ClientId{});
  if (number < first_number() || number >= end_) return false;
  Conflict& conflict = kept_[number - first_number()];
  if (conflict.resolved_by != 0) return false;
  conflict.resolved_by = client.value;
  ++revision_;
  return true;
}

const Conflict* ConflictLog::find(uint64_t number) const {
  if (number < first_number() || number >= end_) return nullptr;
  return &kept_[number - first_number()];
}

}  // namespace ecsdb
