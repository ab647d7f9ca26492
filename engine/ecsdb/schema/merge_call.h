// Inside of merge.h: one call of a merge function, built in or not, on canonical values.
#pragma once

#include "ecsdb/schema/merge.h"

namespace ecsdb {

enum class BuiltinMerge : uint8_t { kSum, kMin, kMax, kUnion, kAppend };

std::optional<BuiltinMerge> builtin_merge_named(std::string_view name);
MergeLaws laws_of(BuiltinMerge merge);

// Both: all three are canonical values of the field, and the merge fits its type. Errors as
// merge_field().

/// On lanes and text, without a Value.
Result<CanonicalValue> call_builtin_merge(BuiltinMerge merge, const FieldDef& def,
                                          const CanonicalValue& base, const CanonicalValue& server,
                                          const CanonicalValue& mine);
Result<CanonicalValue> call_merge(const MergeFunction& function, const FieldDef& def,
                                  const CanonicalValue& base, const CanonicalValue& server,
                                  const CanonicalValue& mine);

}  // namespace ecsdb
