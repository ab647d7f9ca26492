// The oracle's own arithmetic of written values: which ones a field takes, and what the built-in
// merges make of three. Written from the design, not from the product's code.
#pragma once

#include <optional>
#include <string>

#include "ecsdb/base/error.h"
#include "ecsdb/schema/canonical_value.h"
#include "ecsdb/sim/checkers/model_values.h"

namespace ecsdb::sim {

/// What stands for the value on the wire and in conflicts.
CanonicalValue wire_value(const FieldDef& field, const Canonical& value);
/// The reverse, for one that the field takes.
Canonical model_value(const CanonicalValue& value);

/// kOk if the field takes it as it is; else kTypeMismatch, kValueOutOfRange, kTextTooLong,
/// kBadText.
ErrorCode judge_value(const FieldDef& field, const CanonicalValue& value);

struct MergedValue {
  ErrorCode code = ErrorCode::kOk;  // else why there is none
  Canonical value;
};

/// What a field with a merge policy becomes, where the writer saw `base`, if that is known. It is
/// mine where nobody else has changed it. kMergeRefused, kValueOutOfRange, kTextTooLong;
/// kUnknownMerge for a merge that is not built in.
MergedValue merge_values(const FieldDef& field, const std::optional<Canonical>& base,
                         const Canonical& stored, const Canonical& mine);

/// "3", "(1, 2)", "\"text\"", "none": for a report.
std::string value_text(const CanonicalValue& value);

}  // namespace ecsdb::sim
