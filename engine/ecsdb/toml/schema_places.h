// Inside of schema_toml: where in the text each part of a SchemaDef came from.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "ecsdb/schema/schema.h"
#include "ecsdb/toml/config_reader.h"

namespace ecsdb {

class SchemaPlaces {
 public:
  void set(const SchemaPlace& place, TextPosition at) { positions_[key(place)] = at; }
  /// The reader has said what is wrong here: what validate() says about it is left out.
  void mark_reported(const SchemaPlace& place) { reported_.insert(key(place)); }

  /// Adds what validate() found, except about places that `problems` speaks of already.
  void add_problems(const std::vector<SchemaProblem>& found, std::vector<TextProblem>& problems) {
    std::set<std::pair<int, int>> taken;
    for (const TextProblem& problem : problems) taken.emplace(problem.line, problem.column);
    for (const SchemaProblem& problem : found) {
      if (reported_.count(key(problem.place)) != 0) continue;
      const auto exact = positions_.find(key(problem.place));
      const TextPosition at = exact != positions_.end() ? exact->second : nearest(problem.place);
      if (exact != positions_.end() && taken.count({at.line, at.column}) != 0) continue;
      problems.push_back({at.line, at.column, problem.message, problem.suggestion});
    }
  }

 private:
  using Key = std::tuple<SchemaPlace::Section, int, int, std::string>;
  static Key key(const SchemaPlace& place) {
    return Key(place.section, place.index, place.field, place.attribute);
  }

  /// The closest thing around a place that the text has: a.b -> a -> the field -> the table.
  TextPosition nearest(SchemaPlace place) const {
    while (true) {
      const auto at = positions_.find(key(place));
      if (at != positions_.end()) return at->second;
      const size_t dot = place.attribute.rfind('.');
      if (dot != std::string::npos) {
        place.attribute.resize(dot);
      } else if (!place.attribute.empty()) {
        place.attribute.clear();
      } else if (place.field >= 0) {
        place.field = -1;
      } else {
        return TextPosition{1, 1};
      }
    }
  }

  std::map<Key, TextPosition> positions_;
  std::set<Key> reported_;
};

}  // namespace ecsdb
