// Values for which a merge breaks a law that it declares.
#include "ecsdb/schema/merge_call.h"
#include "ecsdb/schema/merge_draw.h"

namespace ecsdb {
namespace {

enum class Law : uint8_t { kOfTheField, kCommutative, kAssociative, kIdempotent };

constexpr size_t kSmallRounds = 1'000;
constexpr size_t kCallsToShrinkMax = 20'000;

using MergeCall = std::function<Result<CanonicalValue>(
    const CanonicalValue& base, const CanonicalValue& x, const CanonicalValue& y)>;

/// Both sides of a law, or why a result is no value of the field.
struct Broken {
  CanonicalValue left;
  CanonicalValue right;
  std::string why;
};

class LawSearch {
 public:
  /// `by_values`: the merge sees values, so only those count that come back from their Value.
  LawSearch(const FieldDef& def, MergeLaws laws, MergeCall merge, bool by_values, Prng rng)
      : def_(def), laws_(laws), merge_(std::move(merge)), by_values_(by_values), draw_(def, rng) {}

  std::optional<std::string> run(size_t rounds) {
    for (size_t round = 0; round < rounds; ++round) {
      const MergeTriple triple = settled(draw_.triple());
      for (const Law law :
           {Law::kOfTheField, Law::kCommutative, Law::kAssociative, Law::kIdempotent}) {
        if (declares(law) && is_broken(law, triple)) return sentence(law, smallest(law, triple));
      }
    }
    return std::nullopt;
  }

 private:
  bool declares(Law law) const {
    switch (law) {
      case Law::kOfTheField:
        return true;
      case Law::kCommutative:
        return laws_.commutative;
      case Law::kAssociative:
        return laws_.associative;
      case Law::kIdempotent:
        return laws_.idempotent;
    }
    return false;
  }

  /// Lanes that no value has, of a rotation say, become those of the nearest one.
  MergeTriple settled(MergeTriple triple) const {
    for (CanonicalValue& value : triple) {
      if (!by_values_) break;
      Result<CanonicalValue> near = to_canonical(def_, from_canonical(def_, value));
      if (near.ok()) value = std::move(near).value();
    }
    return triple;
  }

  bool is_stable(const CanonicalValue& value) const {
    if (!by_values_) return true;
    const Result<CanonicalValue> again = to_canonical(def_, from_canonical(def_, value));
    return again.ok() && *again == value;
  }

  /// Nothing where the merge refuses, or the result is out of range.
  std::optional<CanonicalValue> merged(const CanonicalValue& base, const CanonicalValue& x,
                                       const CanonicalValue& y) {
    ++calls_;
    Result<CanonicalValue> out = merge_(base, x, y);
    if (!out.ok() || !is_stable(*out)) return std::nullopt;
    return std::move(out).value();
  }

  std::optional<Broken> is_broken(Law law, const MergeTriple& triple) {
    for (const CanonicalValue& value : triple) {
      if (!is_stable(value)) return std::nullopt;
    }
    const auto& [b, x, y, z] = triple;
    std::optional<CanonicalValue> left;
    std::optional<CanonicalValue> right;
    switch (law) {
      case Law::kOfTheField:
        return no_value_of_the_field(b, x, y);
      case Law::kCommutative:
        left = merged(b, x, y);
        right = merged(b, y, x);
        break;
      case Law::kAssociative:
        left = merged(b, x, y);
        if (left) left = merged(b, *left, z);
        right = merged(b, y, z);
        if (right) right = merged(b, x, *right);
        break;
      case Law::kIdempotent:
        left = merged(b, x, x);
        right = x;
        break;
    }
    if (!left || !right || *left == *right) return std::nullopt;
    return Broken{*left, *right, {}};
  }

  std::optional<Broken> no_value_of_the_field(const CanonicalValue& b, const CanonicalValue& x,
                                              const CanonicalValue& y) {
    ++calls_;
    const Result<CanonicalValue> out = merge_(b, x, y);
    if (out.code() != ErrorCode::kTypeMismatch && out.code() != ErrorCode::kBadText) {
      return std::nullopt;
    }
    return Broken{{}, {}, out.error().context};
  }

  MergeTriple smallest(Law law, MergeTriple triple) {
    calls_ = 0;
    for (size_t round = 0; round < kSmallRounds; ++round) {
      const MergeTriple small = settled(draw_.small_triple());
      if (!is_broken(law, small)) continue;
      triple = small;
      break;
    }
    bool has_shrunk = true;
    while (has_shrunk && calls_ < kCallsToShrinkMax) {
      has_shrunk = false;
      for (const MergeTriple& smaller : draw_.smaller(triple)) {
        if (!is_broken(law, smaller)) continue;
        triple = smaller;
        has_shrunk = true;
        break;
      }
    }
    return triple;
  }

  std::string text(const CanonicalValue& value) const {
    if (def_.type == FieldType::kEnum) return std::to_string(value.lanes.lane[0]);
    return format_value(Schema(), def_, from_canonical(def_, value));
  }

  std::string sentence(Law law, const MergeTriple& triple) {
    const Broken broken = *is_broken(law, triple);
    const std::string b = " where b is " + text(triple[0]);
    const std::string bx = b + " and x is " + text(triple[1]);
    const std::string bxy = b + ", x is " + text(triple[1]) + " and y is " + text(triple[2]);
    const std::string left = text_of_side(broken.left);
    const std::string right = text_of_side(broken.right);
    switch (law) {
      case Law::kOfTheField:
        return "merge(b, x, y) is no value of the field" + bxy + ": " + broken.why;
      case Law::kCommutative:
        return "it is not commutative: merge(b, x, y) is " + left + " but merge(b, y, x) is " +
               right + bxy;
      case Law::kAssociative:
        return "it is not associative: merge(b, merge(b, x, y), z) is " + left +
               " but merge(b, x, merge(b, y, z)) is " + right + b + ", x is " + text(triple[1]) +
               ", y is " + text(triple[2]) + " and z is " + text(triple[3]);
      case Law::kIdempotent:
        return "it is not idempotent: merge(b, x, x) is " + left + bx;
    }
    return {};
  }

  std::string text_of_side(const CanonicalValue& value) const {
    return value.has_value() ? text(value) : std::string();
  }

  const FieldDef& def_;
  MergeLaws laws_;
  MergeCall merge_;
  bool by_values_;
  MergeDraw draw_;
  size_t calls_ = 0;
};

}  // namespace

std::optional<std::string> find_broken_law(const Merge& merge, const FieldDef& def, Prng rng,
                                           size_t rounds) {
  ECSDB_CHECK(merge.function != nullptr);
  const auto call = [&](const CanonicalValue& base, const CanonicalValue& x,
                        const CanonicalValue& y) {
    return call_merge(merge.function, def, base, x, y);
  };
  return LawSearch(def, merge.laws, call, true, rng).run(rounds);
}

std::optional<std::string> find_broken_law(std::string_view builtin, const FieldDef& def, Prng rng,
                                           size_t rounds) {
  const std::optional<BuiltinMerge> merge = builtin_merge_named(builtin);
  ECSDB_CHECK(merge.has_value());
  const auto call = [&](const CanonicalValue& base, const CanonicalValue& x,
                        const CanonicalValue& y) {
    return call_builtin_merge(*merge, def, base, x, y);
  };
  return LawSearch(def, laws_of(*merge), call, false, rng).run(rounds);
}

}  // namespace ecsdb
