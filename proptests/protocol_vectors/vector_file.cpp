#include "vector_file.h"

#include <algorithm>
#include <map>
#include <set>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/wire/compress.h"

namespace ecsdb::vectors {
namespace {

constexpr const char* kFormat = "ecsdb-vectors 1";
constexpr size_t kShownBytesMax = 240;

std::string shortened(std::string text) {
  if (text.size() > kShownBytesMax) text = text.substr(0, kShownBytesMax) + "...";
  return text;
}

/// Where two vectors begin to differ, with what is around.
std::string difference(const Json& here, const Json& in_file) {
  const std::string a = here.to_string();
  const std::string b = in_file.to_string();
  size_t at = 0;
  while (at < a.size() && at < b.size() && a[at] == b[at]) ++at;
  const size_t begin = at < kShownBytesMax / 4 ? 0 : at - kShownBytesMax / 4;
  return "\n  here: ..." + shortened(a.substr(begin)) + "\n  file: ..." +
         shortened(b.substr(begin));
}

/// Steps of a session that are what the client does, not what is done to it.
bool is_outcome_step(const Json& step) {
  static constexpr std::string_view kNames[] = {"client", "state", "dial", "closed"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [&](std::string_view name) { return step.find(name) != nullptr; });
}

bool is_kebab(std::string_view name) {
  if (name.empty() || name.front() == '-' || name.back() == '-') return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == name.npos;
}

/// True if every string below `value`, which should be hex, is.
bool is_hex(const Json& value) {
  if (value.kind() == Json::Kind::kString) return from_hex(value.text()).has_value();
  return std::all_of(value.items().begin(), value.items().end(), is_hex);
}

std::string form_problem(const Json& vector) {
  const std::string& note = vector.at("note").text();
  if (!is_kebab(vector.at("name").text())) return "its name is not in kebab-case";
  if (note.empty() || note.back() != '.') return "its note is not a sentence";
  for (const char* key : {"bytes", "bits", "pieces", "setup", "blocks", "frames"}) {
    if (!is_hex(vector.at(key))) return std::string(key) + " is not hex";
  }
  for (const Json& step : vector.at("steps").items()) {
    if (!is_hex(step.at("server"))) return "a server step is not hex";
  }
  return {};
}

}  // namespace

std::string Group::to_text() const {
  std::string out = "{\n\"format\": " + Json(kFormat).to_string() +
                    ",\n\"group\": " + Json(name).to_string() +
                    ",\n\"about\": " + Json(about).to_string() + ",\n\"schemas\": {";
  const char* separator = "\n";
  for (const Json::Member& member : schemas.members()) {
    out += std::exchange(separator, ",\n");
    out += Json(member.first).to_string() + ": " + member.second.to_string();
  }
  out += "\n},\n\"vectors\": [";
  separator = "\n";
  for (const Json& vector : vectors) {
    out.append(std::exchange(separator, ",\n")).append(vector.to_string());
  }
  return out + "\n]\n}\n";
}

std::optional<Group> Group::parse(std::string_view text, std::string& problem) {
  std::optional<Json> json = Json::parse(text, problem);
  if (!json) return std::nullopt;
  if (json->at("format").text() != kFormat) {
    problem = "the format is not \"" + std::string(kFormat) + "\"";
    return std::nullopt;
  }
  Group out;
  out.name = json->at("group").text();
  out.about = json->at("about").text();
  out.schemas = json->at("schemas");
  out.vectors = json->at("vectors").items();
  return out;
}

Result<Schema> Group::schema(const Json& schema_name) const {
  return decode_schema(bytes_of(schemas.at(schema_name.text())));
}

void Maker::add_schema(const char* name, const Schema& schema) {
  group_.schemas.set(name, to_hex(encode_schema(schema.def())));
}

Json Maker::play(const std::string& name, const char* note, const Json& input) {
  Json vector = Json::object({{"name", name}, {"note", note}});
  for (const Json::Member& member : input.members()) vector.set(member.first, member.second);
  if (!can_play(vector)) return {};
  vector = with_outcome(vector, play_(group_, vector));
  group_.vectors.push_back(vector);
  return vector;
}

void Maker::accept(std::string name, const char* note, Json input) {
  const Json vector = play(name, note, input);
  if (vector.find("error") != nullptr) {
    problem(name + ": refused: " + shortened(vector.to_string()));
  }
}

void Maker::accept(std::string name, const char* note, Json input, const Json& meaning) {
  const Json vector = play(name, note, input);
  if (vector.at("expect") != meaning) {
    problem(name + ": not " + meaning.to_string() + ": " + shortened(vector.to_string()));
  }
}

void Maker::reject(std::string name, const char* note, Json input, const char* error) {
  const Json vector = play(name, note, input);
  if (!vector.is_null() && vector.at("error").text() != error) {
    problem(name + ": not " + error + ": " + shortened(vector.to_string()));
  }
}

Group make_group(const GroupKind& kind, std::vector<std::string>& problems) {
  Maker maker(kind.name, kind.about, kind.play);
  kind.make(maker);
  for (const std::string& text : maker.problems()) {
    problems.push_back(std::string(kind.name) + ", " + text);
  }
  return maker.group();
}

Json error_outcome(const Error& error, bool with_text) {
  Json out = Json::object({{"error", error_name(error.code)}});
  if (with_text) out.set("text", error.context);
  return out;
}

Json expect_outcome(Json expect) { return Json::object({{"expect", std::move(expect)}}); }

Json input_of(const Json& vector) {
  Json input = vector;
  for (const char* key : {"expect", "error", "text"}) input.remove(key);
  if (const Json* steps = vector.find("steps")) {
    Json kept = Json::array();
    for (const Json& step : steps->items()) {
      if (!is_outcome_step(step)) kept.add(step);
    }
    input.set("steps", std::move(kept));
  }
  return input;
}

Json with_outcome(Json input, const Json& outcome) {
  for (const Json::Member& member : outcome.members()) input.set(member.first, member.second);
  return input;
}

bool is_reject(const Json& vector) { return vector.find("error") != nullptr; }

bool can_play(const Json& vector) {
  return vector.at("needs").text() != "zstd" || (built_in_features() & kFeatureZstd) != 0;
}

std::vector<std::string> replay(const GroupKind& kind, std::string_view text) {
  std::string problem;
  const std::optional<Group> group = Group::parse(text, problem);
  if (!group) return {problem};
  std::vector<std::string> problems;
  std::set<std::string> names;
  if (group->name != kind.name) problems.push_back("it is of group " + group->name);
  for (const Json& vector : group->vectors) {
    const std::string& name = vector.at("name").text();
    if (!names.insert(name).second) problems.push_back(name + ": a name that stands twice");
    if (problem = form_problem(vector); !problem.empty()) problems.push_back(name + ": " + problem);
    if (!can_play(vector)) continue;
    const Json input = input_of(vector);
    const Json played = with_outcome(input, kind.play(*group, input));
    if (played == vector) continue;
    problems.push_back(name + ": it comes out otherwise" + difference(played, vector));
  }
  return problems;
}

std::vector<std::string> drift(const Group& made, std::string_view text) {
  std::string problem;
  const std::optional<Group> held = Group::parse(text, problem);
  if (!held) return {problem};
  std::vector<std::string> problems;
  std::map<std::string, const Json*> by_name;
  for (const Json& vector : held->vectors) by_name[vector.at("name").text()] = &vector;
  size_t compared = 0;
  bool is_exact = true;
  for (const Json& vector : made.vectors) {
    const std::string& name = vector.at("name").text();
    const auto found = by_name.find(name);
    if (found == by_name.end()) {
      problems.push_back(name + ": missing in the file");
      continue;
    }
    ++compared;
    if (vector == *found->second) continue;
    is_exact = false;
    if (vector.at("library").flag() && found->second->at("library").flag()) continue;
    problems.push_back(name + ": it is made otherwise now" + difference(vector, *found->second));
  }
  size_t playable = 0;
  for (const Json& vector : held->vectors) playable += can_play(vector);
  if (compared < playable) problems.push_back("the file has vectors that are not made any more");
  is_exact &= playable == held->vectors.size();
  if (problems.empty() && is_exact && made.to_text() != text) {
    problems.push_back("the file differs outside of its vectors: about, schemas, order or layout");
  }
  return problems;
}

}  // namespace ecsdb::vectors
