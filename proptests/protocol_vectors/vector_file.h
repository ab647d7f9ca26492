// Groups of vectors: how they are made, played and compared with the files that are checked in.
//
// Everything in a vector but its outcome is input. Playing the input gives the outcome, both when
// the files are made and when they are checked, so that a file is checked by what it says itself.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ecsdb/schema/schema.h"

#include "json.h"

namespace ecsdb::vectors {

struct Group {
  std::string name;
  std::string about;
  Json schemas = Json::object();  // canonical bytes in hex, by the name that vectors use
  std::vector<Json> vectors;

  /// The text of the group's file: one vector a line.
  std::string to_text() const;
  static std::optional<Group> parse(std::string_view text, std::string& problem);
  Result<Schema> schema(const Json& name) const;
};

/// Collects the vectors of a group; each must have the outcome that its author meant.
class Maker {
 public:
  using Play = Json (*)(const Group& group, const Json& input);

  Maker(const char* name, const char* about, Play player) : play_(player) {
    group_.name = name;
    group_.about = about;
  }
  /// Vectors may use the schema by this name.
  void add_schema(const char* name, const Schema& schema);
  /// `input` is an object without name and note.
  void accept(std::string name, const char* note, Json input);
  /// `meaning` is the outcome's `expect`.
  void accept(std::string name, const char* note, Json input, const Json& meaning);
  void reject(std::string name, const char* note, Json input, const char* error);
  void problem(std::string text) { problems_.push_back(std::move(text)); }

  const Group& group() const { return group_; }
  /// Vectors that came out otherwise than they were meant.
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  Json play(const std::string& name, const char* note, const Json& input);

  Group group_;
  Play play_;
  std::vector<std::string> problems_;
};

struct GroupKind {
  const char* name;
  const char* about;
  void (*make)(Maker& maker);
  Maker::Play play;
};
std::span<const GroupKind> group_kinds();
Group make_group(const GroupKind& kind, std::vector<std::string>& problems);

/// The outcome of an input that the decoder refuses.
Json error_outcome(const Error& error, bool with_text);
Json expect_outcome(Json expect);

/// A vector without its outcome.
Json input_of(const Json& vector);
/// A vector without its name and note.
Json with_outcome(Json input, const Json& outcome);
bool is_reject(const Json& vector);
/// False if this build lacks what the vector needs.
bool can_play(const Json& vector);

/// What is wrong with the text of a group's file: it does not parse, a vector is not well-formed,
/// or playing it gives another outcome than it says.
std::vector<std::string> replay(const GroupKind& kind, std::string_view text);
/// Where the text differs from what is made now. Lines of vectors marked `"library"` may differ:
/// their bytes come from a library whose versions compress differently.
std::vector<std::string> drift(const Group& made, std::string_view text);

}  // namespace ecsdb::vectors
