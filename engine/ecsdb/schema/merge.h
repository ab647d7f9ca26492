// Merge functions: what becomes of a field that two have changed.
//
// A merge is three-way: `base` is what the writer saw, `server` what is stored now, `mine` what the
// writer wants to be there. It must depend on nothing else: server and clients compute it apart, a
// client again and again while its write is on its way.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "ecsdb/base/prng.h"
#include "ecsdb/schema/canonical_value.h"

namespace ecsdb {

/// What a merge says of itself, for any base b and any values x, y, z that can be written over it.
/// merge(b, x, y) is x where the base says otherwise.
struct MergeLaws {
  bool commutative = false;  // merge(b, x, y) == merge(b, y, x)
  bool associative = false;  // merge(b, merge(b, x, y), z) == merge(b, x, merge(b, y, z))
  bool idempotent = false;   // merge(b, x, x) == x
};

/// Nothing: the three do not go together, and the write is rejected with kMergeRefused. Must not
/// throw, call back, or keep state.
using MergeFunction = std::function<std::optional<Value>(const FieldDef& def, const Value& base,
                                                         const Value& server, const Value& mine)>;

struct Merge {
  MergeFunction function;
  MergeLaws laws;
};

/// The merges that a server or a client knows by name, beside the built-in ones (sum, min, max,
/// union, append), which cannot be replaced. A value; copies are independent.
class MergeSet {
 public:
  /// `name` is a schema name. Replaces an earlier one of that name. A check fails for the name of a
  /// built-in one.
  void add(std::string name, Merge merge);
  const Merge* find(std::string_view name) const;

 private:
  std::map<std::string, Merge, std::less<>> by_name_;
};

bool is_builtin_merge(std::string_view name);
/// Laws of a built-in merge.
MergeLaws builtin_merge_laws(std::string_view name);

/// What becomes of the field: `def` has the merge policy, and its function is built in or in
/// `merges`. A base that is missing counts as equal to `server`. kUnknownMerge; kMergeRefused where
/// the function says that they do not go together; kValueOutOfRange and kTextTooLong where the
/// result is not one of the field's.
Result<CanonicalValue> merge_field(const FieldDef& def, const MergeSet& merges,
                                   const CanonicalValue& base, const CanonicalValue& server,
                                   const CanonicalValue& mine);

/// kUnknownMerge, naming table and field, if a field's merge is neither built in nor in the set.
Status check_merges(const Schema& schema, const MergeSet& merges);

/// Looks for values of the field for which the merge breaks a law that it declares: `rounds`
/// triples drawn from `rng`, small values and the ends of the range among them. Nothing: none was
/// found. Else a sentence with the law and the values, the smallest that were found. For the tests
/// of whoever writes a merge:
///
///   EXPECT_EQ(find_broken_law(my_merge, gold_field, Prng(1)), std::nullopt);
std::optional<std::string> find_broken_law(const Merge& merge, const FieldDef& def, Prng rng,
                                           size_t rounds = 10'000);
/// The same for a built-in merge.
std::optional<std::string> find_broken_law(std::string_view builtin, const FieldDef& def, Prng rng,
                                           size_t rounds = 10'000);

}  // namespace ecsdb
