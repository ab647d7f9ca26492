#include "ecsdb/sim/checkers/policy_values.h"

#include <algorithm>
#include <set>
#include <vector>

#include "ecsdb/base/check.h"

namespace ecsdb::sim {
namespace {

/// Holds the exact result of adding and subtracting any three lanes.
__extension__ typedef __int128 Wide;

Wide power_of_two(unsigned exponent) { return Wide{1} << exponent; }

/// What numbers a lane holds.
struct LaneRange {
  Wide low = 0;
  Wide high = 0;
  bool contains(Wide number) const { return low <= number && number <= high; }
  /// The number that a lane's bits stand for.
  Wide number_of(uint64_t lane) const {
    return low < 0 ? Wide{static_cast<int64_t>(lane)} : Wide{lane};
  }
};

LaneRange unsigned_range(unsigned bits) { return {0, power_of_two(bits) - 1}; }
LaneRange signed_range(unsigned bits) {
  return {-power_of_two(bits - 1), power_of_two(bits - 1) - 1};
}

std::vector<LaneRange> float_ranges(const FieldDef& field, size_t count, unsigned bits) {
  switch (field.quantise.kind) {
    case QuantiseKind::kNone:
      return {count, unsigned_range(bits)};
    case QuantiseKind::kPrecision:
      return {count, signed_range(bits)};
    case QuantiseKind::kRange:
      return {count, unsigned_range(field.quantise.bits)};
    case QuantiseKind::kQuat:
      break;
  }
  std::vector<LaneRange> out(count, unsigned_range(field.quantise.bits));
  out[0] = unsigned_range(2);  // which component is left out
  return out;
}

/// Of every lane; none for a text.
std::vector<LaneRange> ranges_of(const FieldDef& field) {
  switch (field.type) {
    case FieldType::kBool:
      return {unsigned_range(1)};
    case FieldType::kU8:
      return {unsigned_range(8)};
    case FieldType::kU16:
      return {unsigned_range(16)};
    case FieldType::kU32:
      return {unsigned_range(32)};
    case FieldType::kU64:
    case FieldType::kEntity:
    case FieldType::kPrincipal:
      return {unsigned_range(64)};
    case FieldType::kI8:
      return {signed_range(8)};
    case FieldType::kI16:
      return {signed_range(16)};
    case FieldType::kI32:
      return {signed_range(32)};
    case FieldType::kI64:
      return {signed_range(64)};
    case FieldType::kF32:
      return float_ranges(field, 1, 32);
    case FieldType::kF64:
      return float_ranges(field, 1, 64);
    case FieldType::kVec2f:
      return float_ranges(field, 2, 32);
    case FieldType::kVec3f:
      return float_ranges(field, 3, 32);
    case FieldType::kQuatf:
      return float_ranges(field, 4, 32);
    case FieldType::kEnum:
      return {{0, Wide{field.enum_size} - 1}};
    case FieldType::kBits:
      return {unsigned_range(field.bit_count)};
    case FieldType::kStr:
    case FieldType::kBytes:
      return {};
  }
  ECSDB_CHECK(false);
  return {};
}

/// Bytes of the UTF-8 character that begins there; 0 if none does.
size_t character_bytes(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const size_t count = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc0 || first >= 0xf8 || text.size() < count) return 0;
  uint32_t code = first & (0xffu >> (count + 1));
  for (size_t i = 1; i < count; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3fu);
  }
  constexpr uint32_t kFirstOfCount[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code < 0xe000;
  return code < kFirstOfCount[count] || code > 0x10ffff || is_surrogate ? 0 : count;
}

bool is_good_text(std::string_view text) {
  while (!text.empty()) {
    const size_t count = character_bytes(text);
    if (count == 0) return false;
    text.remove_prefix(count);
  }
  return true;
}

ErrorCode judge_text(const FieldDef& field, const std::string& text) {
  if (text.size() > field.bytes_max) return ErrorCode::kTextTooLong;
  const bool is_good = field.type == FieldType::kBytes || is_good_text(text);
  return is_good ? ErrorCode::kOk : ErrorCode::kBadText;
}

MergedValue refuse(ErrorCode code) { return {code, {}}; }

MergedValue merge_texts(const FieldDef& field, const Canonical& base, const Canonical& stored,
                        const Canonical& mine) {
  if (!mine.text.starts_with(base.text)) return refuse(ErrorCode::kMergeRefused);
  MergedValue out;
  out.value.text = stored.text + mine.text.substr(base.text.size());
  out.code = judge_text(field, out.value.text);
  return out;
}

/// The lower or higher one; but one that is as it was has no say.
Wide choose(bool lower, Wide was, Wide is, Wide wanted) {
  if (wanted == was) return is;
  if (is == was) return wanted;
  return lower ? std::min(is, wanted) : std::max(is, wanted);
}

MergedValue merge_numbers(const FieldDef& field, const Canonical& base, const Canonical& stored,
                          const Canonical& mine) {
  MergedValue out;
  size_t at = 0;
  for (const LaneRange& range : ranges_of(field)) {
    const Wide was = range.number_of(base.lane[at]);
    const Wide is = range.number_of(stored.lane[at]);
    const Wide wanted = range.number_of(mine.lane[at]);
    const Wide result = field.merge_name == "sum"
                            ? is + wanted - was
                            : choose(field.merge_name == "min", was, is, wanted);
    if (!range.contains(result)) return refuse(ErrorCode::kValueOutOfRange);
    out.value.lane[at++] = static_cast<uint64_t>(result);
  }
  return out;
}

}  // namespace

CanonicalValue wire_value(const FieldDef& field, const Canonical& value) {
  CanonicalValue out;
  const size_t lanes = ranges_of(field).size();
  out.kind = lanes == 0 ? CanonicalValue::kText : static_cast<uint8_t>(lanes);
  std::copy(value.lane.begin(), value.lane.end(), out.lanes.lane);
  out.text = value.text;
  return out;
}

Canonical model_value(const CanonicalValue& value) {
  Canonical out;
  std::copy(std::begin(value.lanes.lane), std::end(value.lanes.lane), out.lane.begin());
  out.text = value.text;
  return out;
}

ErrorCode judge_value(const FieldDef& field, const CanonicalValue& value) {
  const std::vector<LaneRange> ranges = ranges_of(field);
  const size_t kind = ranges.empty() ? CanonicalValue::kText : ranges.size();
  if (value.kind != kind) return ErrorCode::kTypeMismatch;
  if (ranges.empty()) return judge_text(field, value.text);
  for (size_t at = 0; at < std::size(value.lanes.lane); ++at) {
    const LaneRange range = at < ranges.size() ? ranges[at] : LaneRange{};
    if (!range.contains(range.number_of(value.lanes.lane[at]))) return ErrorCode::kValueOutOfRange;
  }
  return ErrorCode::kOk;
}

MergedValue merge_values(const FieldDef& field, const std::optional<Canonical>& base,
                         const Canonical& stored, const Canonical& mine) {
  static const std::set<std::string> kBuiltIn = {"sum", "min", "max", "union", "append"};
  const std::string& name = field.merge_name;
  if (!kBuiltIn.contains(name)) return refuse(ErrorCode::kUnknownMerge);
  if (!base || *base == stored) return {ErrorCode::kOk, mine};
  if (name == "append") return merge_texts(field, *base, stored, mine);
  if (name == "union") return {ErrorCode::kOk, {{stored.lane[0] | mine.lane[0], 0, 0, 0}, {}}};
  return merge_numbers(field, *base, stored, mine);
}

std::string value_text(const CanonicalValue& value) {
  if (!value.has_value()) return "none";
  if (value.is_text()) return '"' + value.text + '"';
  std::string out;
  for (size_t at = 0; at < value.kind && at < std::size(value.lanes.lane); ++at) {
    out += (at == 0 ? "" : ", ") + std::to_string(static_cast<int64_t>(value.lanes.lane[at]));
  }
  return value.kind == 1 ? out : '(' + out + ')';
}

}  // namespace ecsdb::sim
