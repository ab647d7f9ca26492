// Names in schemas: their form, those of the field types, and which one was probably meant.
#include <algorithm>
#include <iterator>

#include "ecsdb/schema/schema.h"

namespace ecsdb {
namespace {

constexpr std::string_view kTypeNames[] = {
    "?",   "bool",  "u8",    "u16",   "u32",  "u64",  "i8",     "i16",       "i32", "i64",  "f32",
    "f64", "vec2f", "vec3f", "quatf", "enum", "bits", "entity", "principal", "str", "bytes"};
static_assert(std::size(kTypeNames) == static_cast<size_t>(FieldType::kBytes) + 1);

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Edits (insert, remove, replace, swap neighbours) from a to b, ignoring case. Both are short.
size_t edit_distance(std::string_view a, std::string_view b) {
  size_t rows[3][kNameBytesMax + 1];
  size_t* before = rows[0];
  size_t* above = rows[1];
  size_t* row = rows[2];
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                           lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::string_view field_type_name(FieldType type) {
  const auto number = static_cast<size_t>(type);
  return number < std::size(kTypeNames) ? kTypeNames[number] : kTypeNames[0];
}

std::optional<FieldType> field_type_from_name(std::string_view name) {
  for (size_t i = 1; i < std::size(kTypeNames); ++i) {
    if (kTypeNames[i] == name) return static_cast<FieldType>(i);
  }
  return std::nullopt;
}

bool is_schema_name(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) return false;
  if (name[0] < 'a' || name[0] > 'z') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::optional<std::string> nearest_name(std::string_view name,
                                        std::span<const std::string> candidates) {
  if (name.empty() || name.size() > kNameBytesMax) return std::nullopt;
  const std::string* best = nullptr;
  size_t best_distance = 0;
  for (const std::string& candidate : candidates) {
    if (candidate.empty() || candidate.size() > kNameBytesMax || candidate == name) continue;
    const size_t longer = std::max(name.size(), candidate.size());
    const size_t shorter = std::min(name.size(), candidate.size());
    const size_t limit = std::min<size_t>(3, std::max<size_t>(1, longer / 3));
    if (longer - shorter > limit) continue;
    const size_t distance = edit_distance(name, candidate);
    if (distance > limit || distance >= longer) continue;  // nothing in common is not near
    if (best == nullptr || distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

}  // namespace ecsdb
