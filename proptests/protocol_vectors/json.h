// As much JSON as the vector files need: values that keep the order of their members, one writer
// and one reader. Numbers are kept as text, so that nothing is rounded.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ecsdb/base/bytes.h"

namespace ecsdb::vectors {

/// A JSON value. What is read of a file may lack anything: looking up what is not there gives null,
/// "" or zero, and the comparison of outcomes says so.
class Json {
 public:
  enum class Kind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };
  using Member = std::pair<std::string, Json>;

  Json() = default;
  Json(bool value) : kind_(Kind::kBool), text_(value ? "true" : "false") {}
  template <std::integral T>
  Json(T value) : kind_(Kind::kNumber), text_(std::to_string(value)) {}
  Json(const char* text) : kind_(Kind::kString), text_(text) {}
  Json(std::string text) : kind_(Kind::kString), text_(std::move(text)) {}
  Json(std::string_view text) : kind_(Kind::kString), text_(text) {}
  static Json array(std::initializer_list<Json> items = {});
  static Json object(std::initializer_list<Member> members = {});
  /// A number from its text.
  static Json number(std::string text);

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }

  // Of an array.
  Json& add(Json item);
  const std::vector<Json>& items() const { return items_; }
  std::vector<Json>& items() { return items_; }

  // Of an object.
  Json& set(std::string key, Json value);
  void remove(std::string_view key);
  const Json* find(std::string_view key) const;
  Json* find(std::string_view key);
  const Json& at(std::string_view key) const;
  const std::vector<Member>& members() const { return members_; }
  std::vector<Member>& members() { return members_; }

  const std::string& text() const { return text_; }  // of a string, or a number as written
  bool flag() const { return kind_ == Kind::kBool && text_ == "true"; }
  /// Of a number, or of a string that holds one.
  uint64_t u64() const;
  int64_t i64() const;
  double real() const;

  bool operator==(const Json&) const = default;
  /// On one line: {"a": 1, "b": [1, 2]}.
  std::string to_string() const;
  /// Nothing if it is no JSON text, with the place in `problem`.
  static std::optional<Json> parse(std::string_view text, std::string& problem);

 private:
  void write(std::string& out) const;

  Kind kind_ = Kind::kNull;
  std::string text_;
  std::vector<Json> items_;
  std::vector<Member> members_;
};

std::string to_hex(ByteSpan bytes);
/// Nothing unless it is pairs of lower-case hex digits.
std::optional<Bytes> from_hex(std::string_view text);
/// A member's bytes, empty if it has none.
Bytes bytes_of(const Json& value);
/// Digits of a number of fixed width, most significant first.
std::string hex_number(uint64_t value, unsigned digits);

}  // namespace ecsdb::vectors
