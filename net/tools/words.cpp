#include "tools/words.h"

#include <algorithm>
#include <cstdlib>

namespace ecsdb {

WordMap parse_words(const std::string& line) {
  WordMap out;
  for (size_t begin = 0; begin < line.size();) {
    const size_t end = std::min(line.find(' ', begin), line.size());
    const size_t equals = line.find('=', begin);
    if (equals < end) {
      out[line.substr(begin, equals - begin)] = line.substr(equals + 1, end - equals - 1);
    }
    begin = end + 1;
  }
  return out;
}

uint64_t number_of(const WordMap& words, const char* key) {
  const auto found = words.find(key);
  return found == words.end() ? 0 : std::strtoull(found->second.c_str(), nullptr, 10);
}

}  // namespace ecsdb
