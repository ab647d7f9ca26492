#include "ecsdb/schema/number_text.h"

#include <charconv>
#include <cmath>

namespace ecsdb {
namespace {

template <class T, class... Style>
std::string convert(T value, Style... style) {
  if (std::isnan(value)) return "nan";  // without its sign, which means nothing to a reader
  char buffer[64];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value, style...);
  return std::string(buffer, result.ptr);
}

}  // namespace

std::string number_text(double value) { return convert(value); }
std::string number_text(float value) { return convert(value); }
std::string number_text_rounded(double value, int digits) {
  return convert(value, std::chars_format::general, digits);
}

}  // namespace ecsdb
