#include "ecsdb/schema/merge_call.h"

namespace ecsdb {
namespace {

/// Holds sums and differences of three lanes of 64 bits.
using Wide = __int128;

std::string field_text(const FieldDef& def) { return "field \"" + def.name + "\": "; }

Wide wide(const Lane& lane, uint64_t value) {
  return lane.kind == LaneKind::kSigned ? Wide{static_cast<int64_t>(value)} : Wide{value};
}

bool fits(const Lane& lane, Wide value) {
  if (lane.kind != LaneKind::kSigned) return value >= 0 && value <= Wide{lane.max};
  const Wide end = Wide{1} << (8 * lane.width - 1);
  return value >= -end && value < end;
}

/// Steps of a range count from its `min`, which cancels out like any other zero point.
std::optional<uint64_t> sum(const Lane& lane, uint64_t base, uint64_t server, uint64_t mine) {
  const Wide value = wide(lane, server) + (wide(lane, mine) - wide(lane, base));
  if (!fits(lane, value)) return std::nullopt;
  return static_cast<uint64_t>(value);
}

/// Whoever left it as in the base has no say. That makes the base the neutral element of a merge
/// that is commutative, associative and idempotent elsewhere, and so it stays all of these: of two
/// values that are not the base, neither the lower nor the higher one is it.
uint64_t extreme(bool is_max, const Lane& lane, uint64_t base, uint64_t server, uint64_t mine) {
  if (server == base) return mine;
  if (mine == base) return server;
  const bool mine_is_higher = wide(lane, server) < wide(lane, mine);
  return mine_is_higher == is_max ? mine : server;
}

std::optional<uint64_t> merge_lane(BuiltinMerge merge, const Lane& lane, uint64_t base,
                                   uint64_t server, uint64_t mine) {
  switch (merge) {
    case BuiltinMerge::kSum:
      return sum(lane, base, server, mine);
    case BuiltinMerge::kMin:
    case BuiltinMerge::kMax:
      return extreme(merge == BuiltinMerge::kMax, lane, base, server, mine);
    case BuiltinMerge::kUnion:
      return server | mine;
    case BuiltinMerge::kAppend:
      break;
  }
  ECSDB_CHECK(merge != BuiltinMerge::kAppend);
  return std::nullopt;
}

Result<CanonicalValue> append(const FieldDef& def, std::string_view base,
                              const CanonicalValue& server, std::string_view mine) {
  if (!mine.starts_with(base)) {
    return fail(ErrorCode::kMergeRefused,
                field_text(def) + "what is written does not begin with what was there");
  }
  const std::string_view added = mine.substr(base.size());
  if (server.text.size() + added.size() > def.bytes_max) {
    // How long it is may be hidden from the writer.
    return fail(ErrorCode::kTextTooLong,
                field_text(def) + "at most " + std::to_string(def.bytes_max) + " bytes fit");
  }
  CanonicalValue out = server;
  out.text += added;
  return out;
}

}  // namespace

std::optional<BuiltinMerge> builtin_merge_named(std::string_view name) {
  if (name == "sum") return BuiltinMerge::kSum;
  if (name == "min") return BuiltinMerge::kMin;
  if (name == "max") return BuiltinMerge::kMax;
  if (name == "union") return BuiltinMerge::kUnion;
  if (name == "append") return BuiltinMerge::kAppend;
  return std::nullopt;
}

MergeLaws laws_of(BuiltinMerge merge) {
  switch (merge) {
    case BuiltinMerge::kSum:
      return {.commutative = true, .associative = true};
    case BuiltinMerge::kMin:
    case BuiltinMerge::kMax:
    case BuiltinMerge::kUnion:
      return {.commutative = true, .associative = true, .idempotent = true};
    case BuiltinMerge::kAppend:
      return {.associative = true};
  }
  return {};
}

Result<CanonicalValue> call_builtin_merge(BuiltinMerge merge, const FieldDef& def,
                                          const CanonicalValue& base, const CanonicalValue& server,
                                          const CanonicalValue& mine) {
  ECSDB_CHECK((merge == BuiltinMerge::kAppend) == is_text(def.type));
  if (merge == BuiltinMerge::kAppend) return append(def, base.text, server, mine.text);
  const FieldLanes layout = field_lanes(def);
  CanonicalValue out = server;
  for (size_t i = 0; i < layout.count; ++i) {
    const std::optional<uint64_t> lane = merge_lane(merge, layout.lane[i], base.lanes.lane[i],
                                                    server.lanes.lane[i], mine.lanes.lane[i]);
    if (!lane) {
      return fail(ErrorCode::kValueOutOfRange,
                  field_text(def) + "with this change it would leave its range");
    }
    out.lanes.lane[i] = *lane;
  }
  return out;
}

Result<CanonicalValue> call_merge(const MergeFunction& function, const FieldDef& def,
                                  const CanonicalValue& base, const CanonicalValue& server,
                                  const CanonicalValue& mine) {
  const std::optional<Value> merged = function(
      def, from_canonical(def, base), from_canonical(def, server), from_canonical(def, mine));
  if (merged) return to_canonical(def, *merged);
  return fail(ErrorCode::kMergeRefused,
              field_text(def) + "merge \"" + def.merge_name + "\" refuses the values");
}

}  // namespace ecsdb
