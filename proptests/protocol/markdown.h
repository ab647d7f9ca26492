// Tables in Markdown.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace ecsdb::protocol {

/// A table that grows row by row.
class MarkdownTable {
 public:
  explicit MarkdownTable(std::initializer_list<std::string_view> headings) {
    row(headings);
    for (size_t i = 0; i < headings.size(); ++i) text_ += "|---";
    text_ += "|\n";
  }
  void row(std::initializer_list<std::string_view> cells) {
    for (const std::string_view cell : cells) {
      text_ += "| ";
      for (const char c : cell) text_ += c == '|' ? std::string("\\|") : std::string(1, c);
      text_ += cell.empty() ? "" : " ";
    }
    text_ += "|\n";
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

inline std::string code(std::string_view text) { return "`" + std::string(text) + "`"; }
inline std::string number(uint64_t value) { return std::to_string(value); }

/// What an enumeration's table says of one number; no name: the number is not used.
struct EnumText {
  std::string_view name;
  std::string_view text;
};

/// `describe` is a switch without a default, so that the compiler names an enumerator that has no
/// text.
template <class E>
std::string enum_table(EnumText (*describe)(E)) {
  MarkdownTable table({"number", "name", "meaning"});
  for (int i = 0; i <= 255; ++i) {
    const EnumText text = describe(static_cast<E>(i));
    if (!text.name.empty()) table.row({std::to_string(i), text.name, text.text});
  }
  return table.text();
}

}  // namespace ecsdb::protocol
