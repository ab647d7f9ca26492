// Merges: built-in ones keep their laws, and a law that is broken is found.
#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "ecsdb/base/prng.h"
#include "ecsdb/schema/merge.h"

#include "property.h"

namespace ecsdb::properties {
namespace {

constexpr int kCases = 2'000;

struct MergeField {
  FieldDef def;
  FieldLanes layout;
};

MergeField draw_field(const char* merge) {
  FieldDef def;
  def.name = "f";
  def.policy = Policy::kMerge;
  def.merge_name = merge;
  if (def.merge_name == "union") {
    def.type = FieldType::kBits;
    def.bit_count = static_cast<uint8_t>(1 + draw_below(64));
  } else if (def.merge_name == "append") {
    def.type = draw_below(2) == 0 ? FieldType::kStr : FieldType::kBytes;
    def.bytes_max = static_cast<uint32_t>(1 + draw_below(20));
  } else {
    constexpr FieldType kTypes[] = {FieldType::kU8,  FieldType::kU16,   FieldType::kU32,
                                    FieldType::kU64, FieldType::kI8,    FieldType::kI16,
                                    FieldType::kI32, FieldType::kI64,   FieldType::kF32,
                                    FieldType::kF64, FieldType::kVec2f, FieldType::kVec3f};
    def.type = kTypes[draw_below(std::size(kTypes))];
    if (is_scalar_float(def.type) && draw_below(2) == 0) {
      def.quantise = {QuantiseKind::kPrecision, 0.25, 0, 0, 0};
    } else if (is_scalar_float(def.type)) {
      def.quantise = {QuantiseKind::kRange, 0, -3, 5, static_cast<uint8_t>(1 + draw_below(32))};
    }
  }
  return {def, field_lanes(def)};
}

CanonicalValue draw_text(const FieldDef& def, const CanonicalValue* base) {
  CanonicalValue out;
  out.kind = CanonicalValue::kText;
  if (base != nullptr) out.text = base->text;
  for (uint64_t left = draw_below(4); left > 0 && out.text.size() < def.bytes_max; --left) {
    out.text += static_cast<char>('a' + draw_below(3));
  }
  return out;
}

CanonicalValue draw_lanes(const MergeField& field, const CanonicalValue* base) {
  CanonicalValue out;
  out.kind = static_cast<uint8_t>(field.layout.count);
  for (size_t i = 0; i < field.layout.count; ++i) {
    const Lane& lane = field.layout.lane[i];
    const unsigned bits = lane.kind == LaneKind::kSigned
                              ? 8u * lane.width - 1
                              : 64 - static_cast<unsigned>(__builtin_clzll(lane.max));
    const uint64_t any = draw_below(1ull << 32) << 32 | draw_below(1ull << 32);
    uint64_t value = (draw_below(2) == 0 ? any : any % 5) >> (64 - std::max(bits, 1u));
    if (draw_below(2) == 0) value = any % 5;
    if (lane.kind == LaneKind::kSigned && draw_below(2) == 0) value = ~value;
    if (lane.kind == LaneKind::kUnsigned && draw_below(4) == 0) value = lane.max - any % 2;
    if (lane.kind == LaneKind::kUnsigned && value > lane.max) value = lane.max;
    if (base != nullptr && draw_below(4) == 0) value = base->lanes.lane[i];
    if (base != nullptr && field.def.merge_name == "union") value |= base->lanes.lane[i];
    out.lanes.lane[i] = value;
  }
  return out;
}

CanonicalValue draw_canonical(const MergeField& field, const CanonicalValue* base) {
  const CanonicalValue out =
      is_text(field.def.type) ? draw_text(field.def, base) : draw_lanes(field, base);
  RC_ASSERT(check_canonical(field.def, out).ok());
  return out;
}

/// What is stored after the writers, who all saw the base. Nothing if one of them was rejected.
std::optional<CanonicalValue> after(const FieldDef& def, const CanonicalValue& base,
                                    std::span<const CanonicalValue> writers) {
  CanonicalValue stored = base;
  for (const CanonicalValue& mine : writers) {
    Result<CanonicalValue> merged = merge_field(def, {}, base, stored, mine);
    if (!merged.ok()) return std::nullopt;
    RC_ASSERT(check_canonical(def, *merged).ok());
    stored = std::move(merged).value();
  }
  return stored;
}

bool has_less(const CanonicalValue& a, const CanonicalValue& b) {
  return std::lexicographical_compare(std::begin(a.lanes.lane), std::end(a.lanes.lane),
                                      std::begin(b.lanes.lane), std::end(b.lanes.lane));
}

/// Writers of a union only add bits: one that takes some away has its way only where it comes
/// first.
TEST(MergeProperty, OrderOfWritersDoesNotMatter) {
  check_property(31, kCases, [] {
    constexpr const char* kMerges[] = {"sum", "min", "max", "union"};
    const MergeField field = draw_field(kMerges[draw_below(std::size(kMerges))]);
    const CanonicalValue base = draw_canonical(field, nullptr);
    std::vector<CanonicalValue> writers;
    for (uint64_t left = 2 + draw_below(2); left > 0; --left) {
      writers.push_back(draw_canonical(field, &base));
    }
    std::sort(writers.begin(), writers.end(), has_less);
    std::optional<CanonicalValue> first;
    do {
      const std::optional<CanonicalValue> stored = after(field.def, base, writers);
      if (stored && first) RC_ASSERT(*stored == *first);
      if (stored) first = stored;
    } while (std::next_permutation(writers.begin(), writers.end(), has_less));
    RC_CLASSIFY(first.has_value(), "not rejected");
  });
}

TEST(MergeProperty, WhoeverLeavesTheBaseHasNoSay) {
  check_property(32, kCases, [] {
    constexpr const char* kMerges[] = {"sum", "min", "max", "union", "append"};
    const MergeField field = draw_field(kMerges[draw_below(std::size(kMerges))]);
    const CanonicalValue base = draw_canonical(field, nullptr);
    const CanonicalValue other = draw_canonical(field, &base);
    RC_ASSERT(merge_field(field.def, {}, base, base, other).value() == other);
    RC_ASSERT(merge_field(field.def, {}, base, other, base).value() == other);
  });
}

TEST(MergeProperty, EveryWriterAppendsItsPart) {
  check_property(33, kCases, [] {
    const MergeField field = draw_field("append");
    const CanonicalValue base = draw_canonical(field, nullptr);
    std::string expected = base.text;
    std::vector<CanonicalValue> writers;
    for (int i = 0; i < 3; ++i) {
      writers.push_back(draw_canonical(field, &base));
      expected += writers.back().text.substr(base.text.size());
    }
    const std::optional<CanonicalValue> stored = after(field.def, base, writers);
    RC_ASSERT(stored.has_value() == (expected.size() <= field.def.bytes_max));
    if (stored) RC_ASSERT(stored->text == expected);
  });
}

TEST(MergeProperty, BuiltinsKeepTheirLaws) {
  check_property(34, 200, [] {
    for (const char* merge : {"sum", "min", "max", "union", "append"}) {
      const MergeField field = draw_field(merge);
      const auto broken = find_broken_law(merge, field.def, Prng(draw_below(1u << 30)), 500);
      if (broken) RC_FAIL(merge + (": " + *broken));
    }
  });
}

/// Of any seed, the search for a counter-example to an average ends at one of the smallest.
TEST(MergeProperty, AverageIsFoundNotToBeAssociative) {
  const Merge average = {[](const FieldDef&, const Value&, const Value& x, const Value& y) {
                           const uint64_t sum = std::get<uint64_t>(x) + std::get<uint64_t>(y);
                           return std::optional<Value>(sum / 2);
                         },
                         {.commutative = true, .associative = true, .idempotent = true}};
  check_property(35, 200, [&] {
    FieldDef def;
    def.name = "f";
    def.type = static_cast<FieldType>(static_cast<uint64_t>(FieldType::kU8) + draw_below(3));
    const auto broken = find_broken_law(average, def, Prng(draw_below(1u << 30)), 1000);
    RC_ASSERT(broken.has_value());
    RC_ASSERT(broken->starts_with("it is not associative: merge(b, merge(b, x, y), z) is "));
    RC_ASSERT(broken->find("where b is 0, x is ") != std::string::npos);
    for (const char* value : {"x is ", "y is ", "z is "}) {
      const size_t at = broken->rfind(value) + 5;
      RC_ASSERT((*broken)[at] <= '3');
      RC_ASSERT(at + 1 == broken->size() || (*broken)[at + 1] == ',' || (*broken)[at + 1] == ' ');
    }
  });
}

}  // namespace
}  // namespace ecsdb::properties
