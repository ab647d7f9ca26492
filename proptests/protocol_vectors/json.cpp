#include "json.h"

#include <algorithm>
#include <charconv>

#include "ecsdb/base/check.h"
#include "ecsdb/schema/canonical.h"

namespace ecsdb::vectors {
namespace {

constexpr int kDepthMax = 32;

/// Recursive descent. The first problem ends it.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::optional<Json> document(std::string& problem) {
    Json value = parse_value(0);
    skip_space();
    if (problem_.empty() && at_ != text_.size()) fail("something follows the value");
    problem = problem_;
    return problem_.empty() ? std::optional<Json>(std::move(value)) : std::nullopt;
  }

 private:
  void fail(const char* what) {
    if (!problem_.empty()) return;
    problem_ = "byte " + std::to_string(at_) + ": " + what;
    at_ = text_.size();
  }
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  Json parse_value(int depth) {
    skip_space();
    if (depth > kDepthMax) fail("nested too deeply");
    if (at_ >= text_.size()) {
      fail("a value is missing");
      return {};
    }
    if (text_[at_] == '{') return parse_object(depth);
    if (text_[at_] == '[') return parse_array(depth);
    if (text_[at_] == '"') return Json(parse_string());
    if (take_word("null")) return {};
    if (take_word("true")) return Json(true);
    if (take_word("false")) return Json(false);
    return parse_number();
  }

  Json parse_number() {
    const size_t begin = at_;
    while (at_ < text_.size() && std::string_view("+-.0123456789eE").find(text_[at_]) != text_.npos)
      ++at_;
    const std::string_view token = text_.substr(begin, at_ - begin);
    double parsed = 0;
    const auto end = std::from_chars(token.data(), token.data() + token.size(), parsed);
    if (token.empty() || end.ptr != token.data() + token.size()) fail("not a value");
    return Json::number(std::string(token));
  }

  std::string parse_string() {
    std::string out;
    ++at_;
    while (at_ < text_.size() && text_[at_] != '"') {
      const char c = text_[at_++];
      if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a string");
      if (c != '\\') {
        out += c;
      } else {
        parse_escape(out);
      }
    }
    if (at_ >= text_.size()) {
      fail("a string without an end");
    } else {
      ++at_;
    }
    return out;
  }

  void parse_escape(std::string& out) {
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    const char c = at_ < text_.size() ? text_[at_++] : '\0';
    if (const size_t found = kNames.find(c); c != '\0' && found != kNames.npos) {
      out += kMeant[found];
      return;
    }
    uint32_t code = 0;
    const std::string_view digits = text_.substr(at_, 4);
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (c != 'u' || digits.size() != 4 || end.ptr != digits.data() + 4 || code >= 0x80) {
      return fail("an escape that is not used here");
    }
    at_ += 4;
    out += static_cast<char>(code);
  }

  Json parse_array(int depth) {
    Json out = Json::array();
    take('[');
    if (take(']')) return out;
    do {
      out.add(parse_value(depth + 1));
    } while (take(','));
    if (!take(']')) fail("an array without an end");
    return out;
  }

  Json parse_object(int depth) {
    Json out = Json::object();
    take('{');
    if (take('}')) return out;
    do {
      skip_space();
      if (at_ >= text_.size() || text_[at_] != '"') fail("a name is missing");
      if (!problem_.empty()) return out;
      std::string key = parse_string();
      if (out.find(key) != nullptr) fail("a name stands twice");
      if (!take(':')) fail("a colon is missing");
      out.set(std::move(key), parse_value(depth + 1));
    } while (take(','));
    if (!take('}')) fail("an object without an end");
    return out;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string problem_;
};

}  // namespace

Json Json::array(std::initializer_list<Json> items) {
  Json out;
  out.kind_ = Kind::kArray;
  out.items_ = items;
  return out;
}

Json Json::object(std::initializer_list<Member> members) {
  Json out;
  out.kind_ = Kind::kObject;
  out.members_ = members;
  return out;
}

Json Json::number(std::string text) {
  Json out;
  out.kind_ = Kind::kNumber;
  out.text_ = std::move(text);
  return out;
}

Json& Json::add(Json item) {
  ECSDB_CHECK(kind_ == Kind::kArray);
  items_.push_back(std::move(item));
  return *this;
}

Json& Json::set(std::string key, Json value) {
  ECSDB_CHECK(kind_ == Kind::kObject);
  if (Json* held = find(key)) {
    *held = std::move(value);
  } else {
    members_.emplace_back(std::move(key), std::move(value));
  }
  return *this;
}

void Json::remove(std::string_view key) {
  std::erase_if(members_, [&](const Member& member) { return member.first == key; });
}

const Json* Json::find(std::string_view key) const {
  for (const Member& member : members_) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

Json* Json::find(std::string_view key) { return const_cast<Json*>(std::as_const(*this).find(key)); }

const Json& Json::at(std::string_view key) const {
  static const Json kNone;
  const Json* found = find(key);
  return found != nullptr ? *found : kNone;
}

uint64_t Json::u64() const {
  uint64_t out = 0;
  std::from_chars(text_.data(), text_.data() + text_.size(), out);
  return out;
}

int64_t Json::i64() const {
  int64_t out = 0;
  std::from_chars(text_.data(), text_.data() + text_.size(), out);
  return out;
}

double Json::real() const {
  double out = 0;
  std::from_chars(text_.data(), text_.data() + text_.size(), out);
  return out;
}

void Json::write(std::string& out) const {
  const char* separator = "";
  switch (kind_) {
    case Kind::kNull:
      out += "null";
      return;
    case Kind::kBool:
    case Kind::kNumber:
      out += text_;
      return;
    case Kind::kString:
      out += json_quote(text_);
      return;
    case Kind::kArray:
      out += '[';
      for (const Json& item : items_) {
        out += std::exchange(separator, ", ");
        item.write(out);
      }
      out += ']';
      return;
    case Kind::kObject:
      out += '{';
      for (const Member& member : members_) {
        out.append(std::exchange(separator, ", ")).append(json_quote(member.first)).append(": ");
        member.second.write(out);
      }
      out += '}';
      return;
  }
}

std::string Json::to_string() const {
  std::string out;
  write(out);
  return out;
}

std::optional<Json> Json::parse(std::string_view text, std::string& problem) {
  return Parser(text).document(problem);
}

std::string to_hex(ByteSpan bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
  auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c - 'a' + 10; };
  if (text.size() % 2 != 0 || text.find_first_not_of("0123456789abcdef") != text.npos) {
    return std::nullopt;
  }
  Bytes out;
  out.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    out.push_back(static_cast<uint8_t>(digit(text[i]) << 4 | digit(text[i + 1])));
  }
  return out;
}

Bytes bytes_of(const Json& value) { return from_hex(value.text()).value_or(Bytes()); }

std::string hex_number(uint64_t value, unsigned digits) {
  std::string out(digits, '0');
  for (unsigned i = 0; i < digits; ++i) {
    out[digits - 1 - i] = "0123456789abcdef"[value >> (4 * i) & 15];
  }
  return out;
}

}  // namespace ecsdb::vectors
