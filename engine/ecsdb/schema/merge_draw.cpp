#include "ecsdb/schema/merge_draw.h"

#include <algorithm>

namespace ecsdb {
namespace {

constexpr uint64_t kSmall = 7;
constexpr size_t kDrawnTextMax = 64;

// IEEE numbers from the simplest on: 0, 1, -1, 2, 3, 0.5, -2.5, 10, 0.1, 1e6, 1e30, infinity.
constexpr uint32_t kFloats[] = {0x00000000, 0x3f800000, 0xbf800000, 0x40000000,
                                0x40400000, 0x3f000000, 0xc0200000, 0x41200000,
                                0x3dcccccd, 0x49742400, 0x7149f2ca, 0x7f800000};
constexpr uint64_t kDoubles[] = {0x0000000000000000, 0x3ff0000000000000, 0xbff0000000000000,
                                 0x4000000000000000, 0x4008000000000000, 0x3fe0000000000000,
                                 0xc004000000000000, 0x4024000000000000, 0x3fb999999999999a,
                                 0x412e848000000000, 0x46293e5939a08cea, 0x7ff0000000000000};
constexpr size_t kNumbers = std::size(kFloats);
static_assert(std::size(kDoubles) == kNumbers);

uint64_t number(const Lane& lane, size_t index) {
  return lane.width == 4 ? kFloats[index] : kDoubles[index];
}

uint64_t ends_of(const Lane& lane) { return ~uint64_t{0} >> (65 - 8 * lane.width); }

uint64_t sign_extended(const Lane& lane, uint64_t value) {
  const unsigned unused_bits = 64 - 8u * lane.width;
  return static_cast<uint64_t>(static_cast<int64_t>(value << unused_bits) >> unused_bits);
}

/// Nearer to 0 than `value`, nearest first.
std::vector<uint64_t> smaller_lanes(const Lane& lane, uint64_t value) {
  std::vector<uint64_t> out;
  if (lane.kind == LaneKind::kFloat) {
    for (size_t i = 0; i < kNumbers && number(lane, i) != value; ++i) {
      out.push_back(number(lane, i));
    }
    return out;
  }
  const bool is_negative = lane.kind == LaneKind::kSigned && static_cast<int64_t>(value) < 0;
  const uint64_t size = is_negative ? 0 - value : value;
  if (is_negative && size <= ends_of(lane)) out.push_back(size);
  for (unsigned k = 0; k < 8 && size >> k > 0; ++k) {
    const uint64_t less = size - (size >> k);
    out.push_back(is_negative ? 0 - less : less);
  }
  if (size > 0) out.push_back(is_negative ? value + 1 : value - 1);
  return out;
}

/// Without its last character.
std::string shorter(std::string text, FieldType type) {
  do {
    text.pop_back();
  } while (type == FieldType::kStr && !is_utf8(text));
  return text;
}

/// As many characters, all of them the same.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != '\xbc') out += 'a';
  }
  return out;
}

}  // namespace

MergeTriple MergeDraw::triple() {
  MergeTriple out;
  for (CanonicalValue& value : out) {
    const CanonicalValue* base = &value == &out[0] ? nullptr : &out[0];
    value = is_text(def_.type) ? text(base) : lanes(base);
  }
  for (size_t i = 1; i < out.size(); ++i) {
    if (rng_.chance(1, 8)) out[i] = out[rng_.below(i)];
  }
  return out;
}

MergeTriple MergeDraw::small_triple() {
  MergeTriple out = triple();
  for (CanonicalValue& value : out) {
    value.text.resize(0);
    if (is_text(def_.type)) value.text.assign(rng_.below(std::min(def_.bytes_max, 2u) + 1), 'a');
    for (size_t i = 0; i < layout_.count; ++i) {
      value.lanes.lane[i] = small_lane_value(layout_.lane[i], 2);
    }
  }
  return out;
}

CanonicalValue MergeDraw::lanes(const CanonicalValue* base) {
  CanonicalValue out;
  out.kind = static_cast<uint8_t>(layout_.count);
  for (size_t i = 0; i < layout_.count; ++i) {
    const bool repeats = base != nullptr && rng_.chance(1, 8);
    out.lanes.lane[i] = repeats ? base->lanes.lane[i] : lane_value(layout_.lane[i]);
  }
  return out;
}

uint64_t MergeDraw::most(const Lane& lane) const {
  const bool is_known_enum = def_.type == FieldType::kEnum && def_.enum_size != 0;
  return is_known_enum ? def_.enum_size - 1u : lane.max;
}

/// Of any length up to 64, each as likely.
uint64_t MergeDraw::any_bits() {
  const uint64_t count = rng_.below(65);
  return count == 0 ? 0 : rng_.next() >> (64 - count);
}

uint64_t MergeDraw::small_lane_value(const Lane& lane, uint64_t limit) {
  if (lane.kind == LaneKind::kFloat) return number(lane, rng_.below(limit + 1));
  if (lane.kind == LaneKind::kUnsigned) return rng_.below(std::min(most(lane), limit) + 1);
  const int64_t end = static_cast<int64_t>(limit);
  return static_cast<uint64_t>(rng_.between(-end, end));
}

uint64_t MergeDraw::lane_value(const Lane& lane) {
  const uint64_t kind = rng_.below(8);
  if (lane.kind == LaneKind::kFloat) return number(lane, rng_.below(kNumbers));
  if (kind < 3) return small_lane_value(lane, kSmall);
  if (lane.kind == LaneKind::kSigned) {
    const uint64_t end = ends_of(lane);
    if (kind == 3) return rng_.chance(1, 2) ? end - rng_.below(4) : ~end + rng_.below(4);
    return sign_extended(lane, rng_.chance(1, 2) ? any_bits() : ~any_bits());
  }
  const uint64_t end = most(lane);
  if (kind == 3) return end - rng_.below(std::min(end, uint64_t{3}) + 1);
  const uint64_t any = any_bits();
  return end == ~uint64_t{0} ? any : any % (end + 1);
}

CanonicalValue MergeDraw::text(const CanonicalValue* base) {
  static constexpr std::string_view kParts[] = {"a", "b", "\xc3\xbc"};
  CanonicalValue out;
  out.kind = CanonicalValue::kText;
  if (base != nullptr && rng_.chance(7, 8)) out.text = base->text;
  const size_t limit = std::min(size_t{def_.bytes_max}, kDrawnTextMax);
  size_t parts = rng_.chance(1, 16) ? limit : rng_.below(4);
  for (; parts > 0; --parts) {
    const std::string_view part = kParts[rng_.below(std::size(kParts))];
    if (out.text.size() + part.size() <= limit) out.text += part;
  }
  return out;
}

std::vector<MergeTriple> MergeDraw::smaller(const MergeTriple& triple) const {
  std::vector<MergeTriple> out;
  if (is_text(def_.type)) {
    add_smaller_texts(triple, out);
  } else {
    add_smaller_lanes(triple, out);
  }
  return out;
}

void MergeDraw::add_smaller_lanes(const MergeTriple& triple, std::vector<MergeTriple>& out) const {
  for (size_t i = 0; i < triple.size(); ++i) {
    for (size_t k = 0; k < layout_.count; ++k) {
      const uint64_t lane = triple[i].lanes.lane[k];
      for (const uint64_t smaller : smaller_lanes(layout_.lane[k], lane)) {
        MergeTriple together = triple;  // with others that are equal
        for (CanonicalValue& value : together) {
          if (value.lanes.lane[k] == lane) value.lanes.lane[k] = smaller;
        }
        out.push_back(triple);
        out.back()[i].lanes.lane[k] = smaller;
        if (together != out.back()) out.push_back(together);
      }
    }
  }
}

void MergeDraw::add_smaller_texts(const MergeTriple& triple, std::vector<MergeTriple>& out) const {
  for (size_t i = 0; i < triple.size(); ++i) {
    const std::string& text = triple[i].text;
    if (text.empty()) continue;
    for (const std::string& smaller : {std::string(), shorter(text, def_.type), plain(text)}) {
      if (smaller == text) continue;
      out.push_back(triple);
      out.back()[i].text = smaller;
      out.push_back(triple);  // with others that begin with it
      for (CanonicalValue& value : out.back()) {
        if (value.text.starts_with(text)) value.text = smaller + value.text.substr(text.size());
      }
    }
  }
}

}  // namespace ecsdb
