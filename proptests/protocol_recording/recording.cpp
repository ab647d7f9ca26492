#include "recording.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "ecsdb/sim/scenario.h"
#include "ecsdb/sim/simulation.h"

#include "damage.h"
#include "frame_places.h"
#include "protocol_vectors/client_player.h"
#include "protocol_vectors/rows_json.h"

namespace ecsdb::vectors {
namespace {

constexpr uint64_t kFullEvery = 16;  // cuts of a client
constexpr int kDialTriesMax = 100;   // of 100 ms

Json line_of(uint32_t client, const char* key, Json value) {
  return Json::object({{"client", client}, {key, std::move(value)}});
}

/// A client and what it was given since it was launched.
class Track {
 public:
  explicit Track(const Json& settings)
      : settings_(settings),
        player_(std::make_unique<ClientPlayer>(
            settings, table_names(sim::scenario_schema(sim::ScenarioSchema::kSecond)))) {}

  /// The states that come of a step. Those of the cuts with the numbers 16, 32, ... are in full.
  std::vector<Json> take(const Json& step) {
    const bool is_full = (player_->cut_count() + 1) % kFullEvery == 0;
    player_->show(is_full ? StateForm::kFull : StateForm::kBrief);
    given_.push_back(step);
    std::vector<Json> states;
    auto settle = [&] {
      for (Json& out : player_->settle()) {
        if (const Json* state = out.find("state")) states.push_back(*state);
      }
    };
    // Time stands still but for a client that has to dial first.
    for (int i = 0; step.find("open") != nullptr && !player_->has_dialled(); ++i) {
      if (i == kDialTriesMax) break;
      player_->take(Json::object({{"time_ms", 100}}));
      settle();
    }
    player_->take(step);
    settle();
    if (!states.empty()) digests_.emplace(player_->cut(), player_->digest_sum());
    return states;
  }

  /// What a fresh client that was given the same makes of other bytes.
  Json damaged(const Bytes& bytes) const {
    Track other(settings_);
    for (const Json& step : given_) other.take(step);
    other.player_->take_fault();
    const std::string hex = to_hex(bytes);
    const std::vector<Json> states = other.take(Json::object({{"server", hex}}));
    Json out = Json::object({{"server", hex}});
    if (const auto fault = other.player_->take_fault()) {
      out.set("error", std::string(error_name(fault->code)));
      return out.set("text", fault->context);
    }
    other.player_->show(StateForm::kBrief);
    return out.set("state", other.whole_state());
  }

  Json last_state() {
    player_->show(StateForm::kFull);
    return whole_state();
  }
  bool is_open() const { return player_->is_open(); }
  std::optional<Error> take_fault() { return player_->take_fault(); }
  /// True if it had this sum of digests at this cut, where it may have had several.
  bool had(Version cut, const Digest& digest) const {
    const auto [first, last] = digests_.equal_range(cut);
    return std::any_of(first, last, [&](const auto& entry) { return entry.second == digest; });
  }

 private:
  Json whole_state() {
    Json state = Json::object({{"phase", phase_name(player_->phase())}});
    const Json seen = player_->visible();
    for (const Json::Member& member : seen.members()) state.set(member.first, member.second);
    return state;
  }

  Json settings_;
  std::unique_ptr<ClientPlayer> player_;
  std::vector<Json> given_;
  std::multimap<Version, Digest> digests_;
};

/// Plays what was recorded, cut into pieces, and writes what comes of it.
class Playback {
 public:
  Playback(const std::vector<Input>& inputs, const std::function<void(const Json&)>& write)
      : inputs_(inputs), places_(frame_places(inputs)), write_(write) {
    // No piece has more than one cut.
    for (const FramePlace& place : places_) {
      if (place.ends_advance) ends_[place.stream].insert(place.end);
    }
  }

  /// Chooses frames to be damaged, spread over the run, four of five with blocks.
  void damage(uint32_t count, Prng random) {
    std::vector<const FramePlace*> with_blocks;
    std::vector<const FramePlace*> others;
    for (const FramePlace& place : places_) {
      (place.tail.empty() ? others : with_blocks).push_back(&place);
    }
    for (uint32_t i = 0; i < count; ++i) {
      const bool takes_other = with_blocks.empty() || (i % 5 == 4 && !others.empty());
      const auto& from = takes_other ? others : with_blocks;
      if (from.empty()) return;
      const FramePlace& place = pick(from, i, count, random);
      ends_[place.stream].insert(place.begin);
      damaged_[place.stream].emplace(place.begin, damaged_frame(place.frame(), random));
    }
  }

  std::vector<std::string> run() {
    for (const Input& input : inputs_) take(input);
    for (auto& [client, track] : tracks_) {
      write_(line_of(client, "state", track->last_state()));
    }
    return problems_;
  }

 private:
  /// The frame with the largest tail of some drawn from the i-th part of `count`.
  static const FramePlace& pick(const std::vector<const FramePlace*>& from, uint32_t i,
                                uint32_t count, Prng& random) {
    const size_t begin = from.size() * i / count;
    const size_t end = std::max(from.size() * (i + 1) / count, begin + 1);
    const FramePlace* best = nullptr;
    for (int tries = 0; tries < 3; ++tries) {
      const FramePlace* const place = from[begin + random.below(end - begin)];
      if (best == nullptr || place->tail.size() > best->tail.size()) best = place;
    }
    return *best;
  }
  void take(const Input& input);
  void take_bytes(const Input& input);
  void step(uint32_t client, const char* key, Json value) {
    write_(line_of(client, key, value));
    Track& track = *tracks_.at(client);
    for (Json& state : track.take(Json::object({{key, std::move(value)}}))) {
      write_(line_of(client, "state", std::move(state)));
    }
    if (const auto fault = track.take_fault()) problem(client, fault->to_string());
  }
  void problem(uint32_t client, const std::string& what) {
    problems_.push_back("client " + std::to_string(client) + ": " + what);
  }

  const std::vector<Input>& inputs_;
  std::vector<FramePlace> places_;
  const std::function<void(const Json&)>& write_;
  std::map<StreamId, std::set<uint64_t>> ends_;                 // where a piece ends
  std::map<StreamId, std::multimap<uint64_t, Bytes>> damaged_;  // by where the good one begins
  std::map<uint32_t, std::unique_ptr<Track>> tracks_;
  std::map<uint32_t, uint32_t> connections_;
  std::map<uint32_t, uint64_t> received_;  // on the present connection
  std::vector<std::string> problems_;
};

void Playback::take(const Input& input) {
  const uint32_t client = input.client;
  switch (input.kind) {
    case Input::Kind::kLaunch:
      write_(line_of(client, "launch", input.what));
      tracks_[client] = std::make_unique<Track>(input.what);
      return;
    case Input::Kind::kCall:
      return step(client, "call", input.what);
    case Input::Kind::kOpen:
      ++connections_[client];
      received_[client] = 0;
      step(client, "open", true);
      if (!tracks_.at(client)->is_open()) problem(client, "it has not dialled");
      return;
    case Input::Kind::kBytes:
      return take_bytes(input);
    case Input::Kind::kClose:
      return step(client, "close", true);
    case Input::Kind::kCut:
      if (!tracks_.at(client)->had(input.cut, input.digest)) {
        problem(client,
                "another state than in the run at version " + std::to_string(input.cut.value));
      }
      return;
  }
}

void Playback::take_bytes(const Input& input) {
  const StreamId stream{input.client, connections_[input.client] - 1};
  uint64_t& received = received_[input.client];
  const std::set<uint64_t>& ends = ends_[stream];
  for (size_t at = 0; at < input.bytes.size();) {
    const auto [first, last] = damaged_[stream].equal_range(received);
    for (auto bad = first; bad != last; ++bad) {
      write_(line_of(input.client, "damaged", tracks_.at(input.client)->damaged(bad->second)));
    }
    damaged_[stream].erase(first, last);
    const auto end = ends.upper_bound(received);
    size_t n = input.bytes.size() - at;
    if (end != ends.end()) n = std::min<size_t>(n, *end - received);
    step(input.client, "server", to_hex(ByteSpan(input.bytes).subspan(at, n)));
    at += n;
    received += n;
  }
}

}  // namespace

std::vector<std::string> make_recording(const RecordingOptions& options,
                                        const std::function<void(const Json& line)>& write) {
  InputRecorder recorder;
  sim::SimulationOptions run;
  run.seed = options.seed;
  run.clients = options.clients;
  run.duration = Duration::seconds(options.seconds);
  run.entities = options.entities;
  run.recorder = &recorder;
  const sim::RunReport report = sim::run_simulation(run);
  write(
      Json::object({{"format", "ecsdb-recording 1"},
                    {"about", "What " + std::to_string(options.clients) +
                                  " clients received in a simulated run of seed " +
                                  std::to_string(options.seed) + ", and what they made of it."}}));
  Playback playback(recorder.inputs(), write);
  playback.damage(options.damaged, Prng(options.seed).stream("damage"));
  std::vector<std::string> problems = playback.run();
  problems.insert(problems.end(), recorder.problems().begin(), recorder.problems().end());
  if (!report.safe()) problems.push_back("the run is not safe");
  for (const sim::Violation& violation : report.violations) {
    problems.push_back(violation_text(violation));
  }
  return problems;
}

std::vector<std::string> replay_recording(const std::vector<Json>& lines) {
  std::vector<std::string> problems;
  std::map<uint32_t, std::unique_ptr<Track>> tracks;
  std::map<uint32_t, std::vector<Json>> states;  // that came and were not told of yet
  for (size_t i = 1; i < lines.size(); ++i) {
    const Json& line = lines[i];
    const uint32_t client = static_cast<uint32_t>(line.at("client").u64());
    auto differs = [&](const std::string& here) {
      problems.push_back("line " + std::to_string(i + 1) + ": here " + here);
    };
    if (const Json* settings = line.find("launch")) {
      tracks[client] = std::make_unique<Track>(*settings);
      continue;
    }
    const auto found = tracks.find(client);
    if (found == tracks.end()) return {"line " + std::to_string(i + 1) + ": no such client"};
    std::vector<Json>& waiting = states[client];
    if (const Json* damaged = line.find("damaged")) {
      const Json here = found->second->damaged(bytes_of(damaged->at("server")));
      if (here != *damaged) differs(here.to_string());
    } else if (const Json* state = line.find("state")) {
      const Json here = waiting.empty() ? found->second->last_state() : waiting.front();
      if (!waiting.empty()) waiting.erase(waiting.begin());
      if (here != *state) differs(here.to_string());
    } else {
      if (!waiting.empty()) differs("a state more");
      Json step = line;
      step.remove("client");
      waiting = found->second->take(step);
    }
  }
  return problems;
}

}  // namespace ecsdb::vectors
