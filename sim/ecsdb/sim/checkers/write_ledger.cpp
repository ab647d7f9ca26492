#include "ecsdb/sim/checkers/write_ledger.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "ecsdb/sim/checkers/policy_values.h"

namespace ecsdb::sim {
namespace {

std::string decimal(uint64_t number) { return std::to_string(number); }

std::string write_text(ClientId client, uint64_t sequence) {
  return "client id " + decimal(client.value) + ", sequence " + decimal(sequence);
}

const char* kind_name(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::kApplied:
      return "applied";
    case OutcomeKind::kMerged:
      return "merged";
    case OutcomeKind::kRejected:
      return "rejected";
    case OutcomeKind::kExpired:
      return "expired";
  }
  return "?";
}

std::string outcome_text(OutcomeKind kind, ErrorCode code, size_t made,
                         std::span<const FinalValue> finals) {
  std::string out = kind_name(kind);
  if (code != ErrorCode::kOk) out += ", " + std::string(error_name(code));
  if (made != 0) out += ", made " + decimal(made);
  for (const FinalValue& final : finals) {
    out += ", operation " + decimal(final.op) + " field " + decimal(final.field.value) + " = " +
           value_text(final.value);
  }
  return out;
}

/// All but its number.
bool are_alike(const Conflict& left, const Conflict& right) {
  const auto parts = [](const Conflict& c) {
    return std::tie(c.version, c.time_ms, c.client, c.principal, c.sequence, c.op, c.table,
                    c.entity, c.field, c.policy, c.rule, c.base_version, c.base, c.server, c.mine,
                    c.result, c.resolved_by);
  };
  return parts(left) == parts(right);
}

}  // namespace

std::string conflict_text(const Conflict& c) {
  return std::string(conflict_rule_name(c.rule)) + ", " + write_text(c.client, c.sequence) +
         ", operation " + decimal(c.op) + ", table " + decimal(c.table.value) + ", entity " +
         decimal(c.entity.value) + ", field " + decimal(c.field.value) + ", policy " +
         decimal(static_cast<uint64_t>(c.policy)) + ", principal " + decimal(c.principal.value) +
         ", version " + decimal(c.version.value) + " at " + decimal(c.time_ms) + " ms, base " +
         value_text(c.base) + " of version " + decimal(c.base_version.value) + ", server " +
         value_text(c.server) + ", mine " + value_text(c.mine) + ", result " +
         value_text(c.result) + ", resolved by " + decimal(c.resolved_by);
}

void WriteLedger::report(const char* invariant, Instant at, std::string where, std::string expected,
                         std::string got) {
  violations_.add({invariant, at, -1, std::move(where), std::move(expected), std::move(got)});
}

void WriteLedger::on_decided(ClientId client, uint64_t settled_below, const Outcome& outcome,
                             const Expected& expected, Instant at) {
  check_order(client, outcome.sequence, settled_below, at);
  open_[client].try_emplace(outcome.sequence, outcome.version);
  check_outcome(client, outcome, expected, at);
  expected_conflicts_.insert(expected_conflicts_.end(), expected.conflicts.begin(),
                             expected.conflicts.end());
}

void WriteLedger::check_order(ClientId client, uint64_t sequence, uint64_t settled_below,
                              Instant at) {
  uint64_t last = 0;
  for (const auto* const decided : {&decided_, &open_}) {
    const auto found = decided->find(client);
    if (found == decided->end()) continue;
    last = std::max(last, found->second.rbegin()->first);
    const auto before = found->second.find(sequence);
    if (before == found->second.end()) continue;
    return report("exactly_once", at, write_text(client, sequence), "decided once",
                  "decided again, after version " + decimal(before->second.value));
  }
  if (sequence <= last) {
    report("exactly_once", at, write_text(client, sequence), "decided before higher sequences",
           "decided after " + decimal(last));
  } else if (sequence - last > 1 && settled_below < sequence) {
    report("exactly_once", at, write_text(client, sequence),
           "those after " + decimal(last) + " decided or settled first",
           "settled below " + decimal(settled_below));
  }
}

void WriteLedger::check_outcome(ClientId client, const Outcome& outcome, const Expected& expected,
                                Instant at) {
  const auto code = static_cast<ErrorCode>(outcome.code);
  const std::string where = write_text(client, outcome.sequence);
  if (outcome.kind != expected.kind || code != expected.code ||
      outcome.made.size() != expected.spawns.size() || outcome.finals != expected.finals) {
    report("decision_agreement", at, where,
           outcome_text(expected.kind, expected.code, expected.spawns.size(), expected.finals),
           outcome_text(outcome.kind, code, outcome.made.size(), outcome.finals));
  }
  for (const EntityId entity : expected.unusable_ids) {
    report("decision_agreement", at, where, "ids that name nothing yet",
           "made entity " + decimal(entity.value));
  }
}

void WriteLedger::on_committed(Version version, std::span<const Conflict> conflicts, Instant at) {
  for (const auto& [client, sequences] : open_) {
    for (const auto& [sequence, decided] : sequences) {
      ++decided_count_;
      if (!decided_[client].try_emplace(sequence, decided).second || decided == version) continue;
      report("decision_agreement", at, write_text(client, sequence),
             "an outcome of version " + decimal(version.value),
             "of version " + decimal(decided.value));
    }
  }
  open_.clear();
  const std::string where = "version " + decimal(version.value);
  const std::vector<Conflict> expected = std::exchange(expected_conflicts_, {});
  for (size_t i = 0; i < std::max(expected.size(), conflicts.size()); ++i) {
    const bool is_expected = i < expected.size();
    const bool is_there = i < conflicts.size();
    if (is_expected && is_there && are_alike(expected[i], conflicts[i])) continue;
    report("conflict_log", at, where + ", entry " + decimal(i),
           is_expected ? conflict_text(expected[i]) : "no more entries",
           is_there ? conflict_text(conflicts[i]) : "no more entries");
    break;
  }
  for (const Conflict& conflict : conflicts) {
    ++conflict_counts_[static_cast<size_t>(conflict.rule)];
    const uint64_t wanted = std::exchange(next_number_, conflict.number + 1);
    if (conflict.number == wanted) continue;
    report("conflict_log", at, where, "number " + decimal(wanted), decimal(conflict.number));
  }
}

void WriteLedger::on_dropped() {
  open_.clear();
  expected_conflicts_.clear();
}

}  // namespace ecsdb::sim
