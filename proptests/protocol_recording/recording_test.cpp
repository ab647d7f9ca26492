// Recordings say what our client does, are the same each time, and would show a difference.
#include "recording.h"

#include <gtest/gtest.h>
#include <set>

namespace ecsdb::vectors {
namespace {

constexpr RecordingOptions kOptions{
    .seed = 4, .clients = 3, .seconds = 3, .damaged = 40, .entities = 60};

std::vector<Json> record(const RecordingOptions& options) {
  std::vector<Json> lines;
  const auto problems = make_recording(options, [&](const Json& line) { lines.push_back(line); });
  EXPECT_TRUE(problems.empty()) << problems.front();
  return lines;
}

const std::vector<Json>& recorded() {
  static const std::vector<Json> kLines = record(kOptions);
  return kLines;
}

TEST(Recording, IsTheSameTwice) { EXPECT_EQ(recorded(), record(kOptions)); }

TEST(Recording, ReplaysAsItSays) {
  const auto problems = replay_recording(recorded());
  EXPECT_TRUE(problems.empty()) << problems.front();
}

TEST(Recording, HasStepsStatesAndDamage) {
  std::set<std::string> kinds;
  std::set<std::string> errors;
  size_t damaged = 0;
  size_t checksums = 0;
  size_t full = 0;
  for (const Json& line : recorded()) {
    for (const Json::Member& member : line.members()) kinds.insert(member.first);
    full += line.at("state").find("rows") != nullptr;
    if (line.find("damaged") == nullptr) continue;
    ++damaged;
    const std::string& error = line.at("damaged").at("error").text();
    checksums += error == "checksum_mismatch";
    errors.insert(error);
  }
  for (const char* kind : {"format", "launch", "call", "open", "server", "close", "state"}) {
    EXPECT_TRUE(kinds.contains(kind)) << kind;
  }
  EXPECT_GE(full, kOptions.clients);
  EXPECT_EQ(damaged, kOptions.damaged);
  EXPECT_GE(errors.size(), 4u);
  EXPECT_LE(checksums * 4, damaged);  // most of it is found by who reads the blocks
}

TEST(Recording, DifferencesAreSeen) {
  for (const char* kind : {"state", "damaged", "server"}) {
    std::vector<Json> lines = recorded();
    size_t at = lines.size() / 2;
    while (lines[at].find(kind) == nullptr) ++at;
    if (std::string(kind) == "server") {
      lines.erase(lines.begin() + static_cast<ptrdiff_t>(at));
    } else {
      lines[at].find(kind)->set("cut", "1");
    }
    EXPECT_FALSE(replay_recording(lines).empty()) << kind;
  }
}

}  // namespace
}  // namespace ecsdb::vectors
