// Merge functions: what becomes of a field that two have changed.
//
// A merge is three-way: `base` is what the writer saw, `server` what is stored now, `mine` what the
// writer wants to be there. It must depend on nothing else: server and clients compute it apart, a
// client again and again while its write is on its way.
//
// Built in are, on lanes and component by component (steps, where a float is quantised):
//
//   sum     server + (mine - base), exact: out of the field's range is an error, it never wraps
//   min     the lower of server and mine; but one that is equal to base has no say, so that a write
//   max     of a higher value to a min takes effect where nobody else has changed it; max likewise
//   union   server | mine: where both have changed it, no bit goes away
//   append  server, and after it what mine has beyond base; mine must begin with base
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "ecsdb/base/prng.h"
#include "ecsdb/schema/canonical_value.h"

namespace ecsdb {

/// What a merge function says of itself, for any base b and any values x, y, z that can be written
/// over it, b itself among them. Where the function refuses, or the result is not in the field's
/// range, on either side of a law, that law says nothing.
struct MergeLaws {
  bool commutative = false;  // merge(b, x, y) == merge(b, y, x)
  bool associative = false;  // merge(b, merge(b, x, y), z) == merge(b, x, merge(b, y, z))
  bool idempotent = false;   // merge(b, x, x) == x
};

/// Nothing: the three do not go together, and the write is rejected with kMergeRefused. Must not
/// throw, call back, or keep state. What it sees of steps finer than a value's own resolution may
/// be a step off, see canonical.h.
using MergeFunction = std::function<std::optional<Value>(const FieldDef& def, const Value& base,
                                                         const Value& server, const Value& mine)>;

struct Merge {
  MergeFunction function;
  MergeLaws laws = {};
};

/// The merges that a server or a client knows by name, beside the built-in ones (sum, min, max,
/// union, append), which cannot be replaced. A value; copies are independent.
class MergeSet {
 public:
  /// `name` is a schema name. Replaces an earlier one of that name. A check fails for the name of a
  /// built-in one, and without a function.
  void add(std::string name, Merge merge);
  /// Null if there is none of that name. Valid until the next call of add().
  const Merge* find(std::string_view name) const;

 private:
  std::map<std::string, Merge, std::less<>> by_name_;
};

bool is_builtin_merge(std::string_view name);
/// Laws of a built-in merge: sum commutative and associative, append associative, the others all
/// three. A check fails for another name.
MergeLaws builtin_merge_laws(std::string_view name);

/// What becomes of the field, which has the merge policy. All are canonical values of it, see
/// check_canonical(); the base may be missing, and counts as equal to `server` then. Whatever the
/// merge, `mine` is the result where `server` is equal to the base: the function is asked only
/// where somebody else has changed the field.
///
/// kUnknownMerge where the function is neither built in nor in `merges`, asked or not;
/// kMergeRefused where it says that they do not go together; kValueOutOfRange and kTextTooLong
/// where the result is not one of the field's; kTypeMismatch and kBadText where a custom one has a
/// bug.
Result<CanonicalValue> merge_field(const FieldDef& def, const MergeSet& merges,
                                   const CanonicalValue& base, const CanonicalValue& server,
                                   const CanonicalValue& mine);

/// kUnknownMerge, naming table and field, if a field's merge is neither built in nor in the set.
Status check_merges(const Schema& schema, const MergeSet& merges);

/// Looks for values of the field for which the merge breaks a law that it declares, or has a result
/// that is of another type than the field: `rounds` triples drawn from `rng`, small values, the
/// ends of the range, and repetitions of the base among them; most texts begin with the base; no
/// NaN. Nothing: none was found. Else a sentence with the law and the values, the smallest that
/// were found; values of an enum are numbers in it. For the tests of whoever writes a merge:
///
///   EXPECT_EQ(find_broken_law(my_merge, gold_field, Prng(1)), std::nullopt);
std::optional<std::string> find_broken_law(const Merge& merge, const FieldDef& def, Prng rng,
                                           size_t rounds = 10'000);
/// The same for a built-in merge that fits the field; a check fails for another name.
std::optional<std::string> find_broken_law(std::string_view builtin, const FieldDef& def, Prng rng,
                                           size_t rounds = 10'000);

}  // namespace ecsdb
