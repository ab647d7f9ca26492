// Checks of one field; the rest of a schema's checks is in validate.cpp.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ecsdb/schema/schema.h"

namespace ecsdb {

/// Collects problems up to a bound; near names are sought only for those that are kept.
class ProblemList {
 public:
  explicit ProblemList(size_t max) : max_(max) {}

  bool full() const { return problems_.size() >= max_; }
  void add(SchemaPlace place, std::string message) {
    if (!full()) problems_.push_back({std::move(place), std::move(message), {}});
  }
  void add(SchemaPlace place, std::string message, std::string_view name,
           std::span<const std::string> candidates) {
    if (full()) return;
    problems_.push_back({std::move(place), std::move(message), {}});
    if (auto near = nearest_name(name, candidates)) problems_.back().suggestion = std::move(*near);
  }
  /// A problem with a name that is already known how to mend.
  void add_with_suggestion(SchemaPlace place, std::string message, std::string suggestion) {
    if (!full()) problems_.push_back({std::move(place), std::move(message), std::move(suggestion)});
  }
  std::vector<SchemaProblem> take() { return std::move(problems_); }

 private:
  size_t max_;
  std::vector<SchemaProblem> problems_;
};

/// What a field's checks look up. Outlives the checks.
struct FieldContext {
  uint32_t schema_version = 1;
  const std::map<std::string, const EnumDef*>* enums = nullptr;
  const std::vector<std::string>* enum_names = nullptr;
  bool in_event = false;
  bool table_has_write = false;
};

/// True for a type of this build; false types have been reported and are left out of other checks.
bool type_is_known(FieldType type);

/// Everything about a field but the uniqueness of its id and name. `place` is the field's.
void check_field(const FieldDef& def, const SchemaPlace& place, const FieldContext& context,
                 ProblemList& problems);

/// `place` with another attribute.
SchemaPlace at_attribute(SchemaPlace place, std::string attribute);

/// Reports a name that is_schema_name refuses, with a legal one made of it as suggestion.
void check_name(std::string_view name, const char* what, SchemaPlace place, ProblemList& problems);

/// "name" with everything unprintable replaced and cut short, in quotes.
std::string quoted(std::string_view name);

}  // namespace ecsdb
