// Lines of words of the form key=value, as the programs tell each other.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace ecsdb {

using WordMap = std::map<std::string, std::string>;

/// Words without `=` are left out.
WordMap parse_words(const std::string& line);
/// 0 if there is no such word.
uint64_t number_of(const WordMap& words, const char* key);

}  // namespace ecsdb
