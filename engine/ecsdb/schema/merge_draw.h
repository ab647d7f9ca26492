// Inside of merge.h: values to try a merge with.
#pragma once

#include <array>

#include "ecsdb/base/prng.h"
#include "ecsdb/schema/canonical_value.h"

namespace ecsdb {

/// A base and three values written over it.
using MergeTriple = std::array<CanonicalValue, 4>;

/// Draws of a field's values. Half of them are small or at an end of the range, many repeat the
/// base's or a component of it, most texts begin with the base's. No NaN, and no enum number that
/// the enum lacks.
class MergeDraw {
 public:
  MergeDraw(const FieldDef& def, Prng rng) : def_(def), layout_(field_lanes(def)), rng_(rng) {}

  MergeTriple triple();
  /// Of values next to 0 alone, or as near as the field has them.
  MergeTriple small_triple();
  /// Triples that are a little smaller in one respect.
  std::vector<MergeTriple> smaller(const MergeTriple& triple) const;

 private:
  CanonicalValue lanes(const CanonicalValue* base);
  CanonicalValue text(const CanonicalValue* base);
  uint64_t lane_value(const Lane& lane);
  uint64_t small_lane_value(const Lane& lane, uint64_t limit);
  uint64_t any_bits();
  uint64_t most(const Lane& lane) const;
  void add_smaller_lanes(const MergeTriple& triple, std::vector<MergeTriple>& out) const;
  void add_smaller_texts(const MergeTriple& triple, std::vector<MergeTriple>& out) const;

  const FieldDef& def_;
  FieldLanes layout_;
  Prng rng_;
};

}  // namespace ecsdb
