#include "session_frames.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "ecsdb/client/client.h"
#include "ecsdb/server/replication_server.h"
#include "ecsdb/store/transaction.h"
#include "ecsdb/wire/frame.h"

#include "measure.h"
#include "units.h"

namespace bench {
namespace {

using ecsdb::Bytes;
using ecsdb::ByteSpan;
using ecsdb::ErrorCode;
using ecsdb::fail;
using ecsdb::LinkId;
using ecsdb::Status;
using ecsdb::StreamOutput;

constexpr ecsdb::Duration kTick = ecsdb::Duration::us(16'667);

/// A server and its links. Behind link 0 is a client; behind the others is nobody: they say what a
/// client would say, and count what they get.
class FrameWorld {
 public:
  FrameWorld(const FrameLoad& load, uint64_t clients)
      : load_(load),
        rng_(load.seed),
        server_(unit_schema(load.cells), ecsdb::ServerOptions{}, &authenticator_),
        client_(ecsdb::ClientOptions{}, ecsdb::Prng(1)),
        accepted_(clients + 1),
        is_told_ready_(clients + 1),
        picker_(load.entities) {}

  Status start() {
    ecsdb::Transaction tx = server_.begin(now());
    entities_ = insert_units(tx, load_.entities, load_.cells, rng_);
    server_.commit(std::move(tx), now());
    server_.publish(now());
    client_.subscribe("unit", now());
    client_.connect(now());
    link_ = *client_.next_dial();
    server_.on_connected(LinkId{0}, now());
    client_.on_connected(link_, now());
    for (uint64_t i = 1; i < accepted_.size(); ++i) greet(LinkId{i});
    ECSDB_TRY(settle());
    if (!load_.alike) ECSDB_TRY(make_different());
    bytes_synced_ = bytes_;
    return {};
  }

  /// Commits a change of random rows.
  Status change() {
    time_ = time_ + kTick;
    ecsdb::Transaction tx = server_.begin(now());
    const ecsdb::Table& table = tx.database().table(kUnitTable);
    moved_.clear();
    for (const uint32_t at : picker_.pick(load_.changes, rng_)) moved_.push_back(entities_[at]);
    for (const uint16_t field : {uint16_t{0}, uint16_t{1}}) {
      lanes_.clear();
      for (const ecsdb::EntityId entity : moved_) {
        const int64_t step = rng_.between(1, 100);
        const int64_t old = static_cast<int64_t>(table.lane(table.find(entity), field));
        lanes_.push_back(static_cast<uint64_t>(old >= 0 ? old - step : old + step));
      }
      ECSDB_TRY(tx.set_many(kUnitTable, field, moved_, lanes_));
    }
    server_.commit(std::move(tx), now());
    return {};
  }
  double publish() {
    ++publishes_;
    return time_ns([&] { server_.publish(now()); });
  }
  /// Takes all there is for the links without a client; what is for the client is left.
  double drain() {
    return time_ns([&] {
      while (const auto link = server_.next_ready()) take(*link);
    });
  }
  /// The links that have something take nothing.
  void ignore() {
    while (const auto link = server_.next_ready()) is_client_ready_ |= link->value == 0;
  }
  /// The links that were ignored take everything.
  double drain_ignored() {
    return time_ns([&] {
      for (uint64_t link = 1; link < accepted_.size(); ++link) {
        while (take(LinkId{link}) > 0) {
        }
      }
    });
  }
  /// Copies the head of a frame and gathers its spans, as often as the last publish did.
  double baseline() {
    const size_t frames = accepted_.size() - 1;
    heads_.resize(frames * sample_head_.size());
    if (sample_.empty()) return 0;
    return time_ns([&] {
      for (size_t i = 0; i < frames; ++i) {
        uint8_t* const head = heads_.data() + i * sample_head_.size();
        std::memcpy(head, sample_head_.data(), sample_head_.size());
        sample_[0] = ByteSpan(head, sample_head_.size());
        gather(sample_);
      }
    });
  }
  /// The client takes its part.
  void update_client() {
    if (is_client_ready_) take_client_output();
    is_client_ready_ = false;
  }
  /// So do all, and acknowledge.
  Status catch_up() {
    update_client();
    for (uint64_t i = 1; i < accepted_.size(); ++i) {
      if (accepted_[i] > 0) acknowledge(LinkId{i});
    }
    return closed_ ? fail(ErrorCode::kLinkClosed, "the server closed a link") : Status{};
  }
  /// Until nobody has anything to say.
  Status settle() {
    for (int round = 0; round < 100'000; ++round) {
      const uint64_t before = bytes_ + client_bytes_;
      drain();
      ECSDB_TRY(catch_up());
      if (bytes_ + client_bytes_ == before && server_.all_caught_up()) return {};
    }
    return fail(ErrorCode::kStalled, "server and clients never come to rest");
  }
  Status verify() {
    ECSDB_TRY(settle());
    ecsdb::ClientDb& db = client_.db();
    bool is_same = db.cut() == server_.database().published();
    for (size_t handle = 0; handle < db.cells().size(); ++handle) {
      const ecsdb::HeldCell& cell = db.cells()[handle];
      is_same &= cell.held && db.digest(handle) == server_.digest(cell.table, cell.key);
    }
    if (is_same && db.cells().size() == load_.cells) return {};
    return fail(ErrorCode::kDigestMismatch, "the client differs from the server");
  }
  /// Keeps the parts of the first frame that is ready for the baseline.
  void keep_sample() {
    const auto link = server_.next_ready();
    if (!link || link->value == 0) return;
    const StreamOutput output = server_.output(*link);
    sample_head_.assign(output.parts[0].begin(), output.parts[0].end());
    sample_bytes_.resize(output.bytes());
    for (const ByteSpan part : output.parts) {
      sample_.push_back(ByteSpan(sample_bytes_).first(part.size()));
    }
    take(*link);
  }

  size_t sample_parts() const { return sample_.size(); }
  size_t sample_head_bytes() const { return sample_head_.size(); }
  uint64_t bytes() const { return bytes_; }
  uint64_t parts() const { return parts_; }
  uint64_t publishes_live() const { return publishes_; }
  /// Without those of the syncs.
  uint64_t bytes_live() const { return bytes_ - bytes_synced_; }
  const ecsdb::ServerStats& stats() const { return server_.stats(); }

 private:
  ecsdb::Now now() const { return {time_, 0}; }
  /// Returns the bytes; none for the client's link, which is left for later.
  size_t take(LinkId link) {
    if (link.value == 0) {
      is_client_ready_ = true;
      return 0;
    }
    const StreamOutput output = server_.output(link);
    gather(output.parts);
    parts_ += output.parts.size();
    server_.on_sent(link, taken_, now());
    accepted_[link.value] += taken_;
    bytes_ += taken_;
    return taken_;
  }
  /// What a driver does before it calls the kernel: an array of places and lengths.
  void gather(std::span<const ByteSpan> parts) {
    taken_ = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
      gathered_[i] = parts[i];
      taken_ += parts[i].size();
    }
    keep(gathered_.data());
  }
  template <class M>
  void say(LinkId link, ecsdb::MessageType type, const M& message) {
    said_.clear();
    append_message(said_, type, message);
    server_.on_bytes(link, said_, now());
  }
  void greet(LinkId link) {
    server_.on_connected(link, now());
    server_.on_bytes(link, ecsdb::encode_preface({}), now());
    say(link, ecsdb::MessageType::kAuth, ecsdb::Auth{});
    ecsdb::Subscribe subscribe;
    for (uint32_t room = 0; room < load_.cells; ++room) subscribe.add.push_back(cell_of(room));
    say(link, ecsdb::MessageType::kSubscribe, subscribe);
  }
  ecsdb::Subscription cell_of(uint32_t room) const {
    ecsdb::Subscription cell;
    cell.id = ecsdb::SubscriptionId{room + 1};
    cell.table = ecsdb::TableId{1};
    cell.kind = ecsdb::SelectorKind::kKeys;
    cell.keys = {load_.cells > 1 ? ecsdb::CellKey::value(room) : ecsdb::CellKey::one()};
    return cell;
  }
  /// Every client leaves some cells and enters them again, each other ones: they hold the same
  /// cells, but their frames differ.
  Status make_different() {
    for (int i = 0; i < 6; ++i) {
      for (uint64_t link = 1; link < accepted_.size(); ++link) {
        const uint32_t room = static_cast<uint32_t>(rng_.below(load_.cells));
        ecsdb::Subscribe leave;
        leave.remove = {ecsdb::SubscriptionId{room + 1}};
        say(LinkId{link}, ecsdb::MessageType::kSubscribe, leave);
        ecsdb::Subscribe enter;
        enter.add = {cell_of(room)};
        say(LinkId{link}, ecsdb::MessageType::kSubscribe, enter);
      }
      ECSDB_TRY(settle());
    }
    return {};
  }
  /// Of all that was sent. In a sync the cut is not yet the client's to acknowledge.
  void acknowledge(LinkId link) {
    const bool is_live = server_.stats().full_syncs == accepted_.size();
    const ecsdb::Version cut = is_live ? server_.database().published() : ecsdb::Version{};
    say(link, ecsdb::MessageType::kAck, ecsdb::Ack{cut, accepted_[link.value]});
    if (!is_live || is_told_ready_[link.value]) return;
    is_told_ready_[link.value] = true;
    say(link, ecsdb::MessageType::kClientReady, ecsdb::ClientReady{cut});
  }
  void take_client_output() {
    for (size_t taken = 1; taken > 0;) {
      const StreamOutput output = server_.output(LinkId{0});
      said_.clear();
      for (const ByteSpan part : output.parts) said_.insert(said_.end(), part.begin(), part.end());
      taken = said_.size();
      closed_ |= output.close;
      client_bytes_ += taken;
      server_.on_sent(LinkId{0}, taken, now());
      client_.on_bytes(link_, said_, now());
      client_.poll(now());
      if (!client_.has_output(link_)) continue;
      const StreamOutput reply = client_.output(link_, now());
      said_.clear();
      for (const ByteSpan part : reply.parts) said_.insert(said_.end(), part.begin(), part.end());
      client_.on_sent(link_, said_.size(), now());
      server_.on_bytes(LinkId{0}, said_, now());
    }
  }

  FrameLoad load_;
  ecsdb::Prng rng_;
  ecsdb::OpenAuthenticator authenticator_;
  ecsdb::ReplicationServer server_;
  ecsdb::Client client_;
  LinkId link_;
  ecsdb::Instant time_{1'000'000'000};
  std::vector<uint64_t> accepted_;  // by link
  std::vector<bool> is_told_ready_;
  uint64_t bytes_ = 0;  // of all links without a client
  uint64_t bytes_synced_ = 0;
  uint64_t publishes_ = 0;  // since the syncs
  uint64_t client_bytes_ = 0;
  bool is_client_ready_ = true;
  bool closed_ = false;
  Picker picker_;
  std::vector<ecsdb::EntityId> entities_;
  std::vector<ecsdb::EntityId> moved_;
  std::vector<uint64_t> lanes_;
  Bytes said_;
  std::array<ByteSpan, ecsdb::kOutputPartsMax> gathered_;
  size_t taken_ = 0;
  uint64_t parts_ = 0;
  std::vector<ByteSpan> sample_;
  Bytes sample_head_;
  Bytes sample_bytes_;
  Bytes heads_;
};

struct FrameSamples {
  Samples publish, output, baseline;
  uint64_t allocations = 0;
};

Status one_publish(FrameWorld& world, FrameSamples& samples) {
  ECSDB_TRY(world.change());
  const uint64_t allocated = allocations();
  samples.publish.add(world.publish());
  samples.output.add(world.drain());
  samples.allocations += allocations() - allocated;
  samples.baseline.add(world.baseline());
  return world.catch_up();
}

Samples divided(const Samples& samples, double by) {
  Samples out;
  for (size_t i = 0; i < samples.count(); ++i) out.add(samples.at(i) / by);
  return out;
}

}  // namespace

Status measure_frames(const FrameLoad& load, Report& report) {
  FrameWorld many(load, load.clients);
  FrameWorld one(load, 1);
  ECSDB_TRY(many.start());
  ECSDB_TRY(one.start());
  FrameSamples ignored;
  for (int i = 0; i < 20; ++i) {
    ECSDB_TRY(one_publish(many, ignored));
    ECSDB_TRY(one_publish(one, ignored));
  }
  ECSDB_TRY(many.change());
  many.publish();
  many.keep_sample();
  many.drain();
  ECSDB_TRY(many.catch_up());
  ECSDB_TRY(one.change());
  one.publish();
  one.keep_sample();
  one.drain();
  ECSDB_TRY(one.catch_up());
  FrameSamples of_many;
  FrameSamples of_one;
  const uint64_t bytes = many.bytes();
  const uint64_t parts = many.parts();
  for (uint64_t i = 0; i < load.publishes; ++i) {
    if (i % 2 == 0) ECSDB_TRY(one_publish(one, of_one));
    ECSDB_TRY(one_publish(many, of_many));
    if (i % 2 == 1) ECSDB_TRY(one_publish(one, of_one));
  }
  const double frames = static_cast<double>(load.clients * load.publishes);
  report.number("bytes_per_frame", static_cast<double>(many.bytes() - bytes) / frames);
  report.count("parts_of_a_frame", many.sample_parts());
  report.number("parts_per_frame", static_cast<double>(many.parts() - parts) / frames);
  report.count("head_bytes_of_a_frame", many.sample_head_bytes());
  ECSDB_TRY(many.verify());
  ECSDB_TRY(one.verify());
  // Encoding is done once, and the first frame finds the caches cold: the others are looked at.
  const double others = static_cast<double>(load.clients - 1);
  const Samples publish = difference_of(of_many.publish, of_one.publish);
  const Samples output = difference_of(of_many.output, of_one.output);
  const Samples baseline = difference_of(of_many.baseline, of_one.baseline);
  const Samples frame = sum_of(publish, output);
  report.samples("frame", "ns_per_client", divided(frame, others));
  report.samples("publish", "ns_per_client", divided(publish, others));
  report.samples("output_and_on_sent", "ns_per_client", divided(output, others));
  report.samples("baseline_head_and_spans", "ns_per_client", divided(baseline, others));
  report.number("frame_to_baseline_ratio", median_ratio(frame, baseline));
  report.samples("publish_for_one_client", "us", divided(of_one.publish, 1'000));
  report.number("allocations_per_publish",
                static_cast<double>(of_many.allocations) / static_cast<double>(load.publishes));
  return {};
}

namespace {

/// How the links of a world behave while it publishes.
enum class Links { kTake, kTakeNothing, kTakeNothingNorClient };

/// So many publishes, then everyone catches up; adds what the server spent on them and on their
/// output.
Status run_missed(FrameWorld& world, uint64_t missed, Links links, double& spent) {
  for (uint64_t i = 0; i < missed; ++i) {
    ECSDB_TRY(world.change());
    spent += world.publish();
    if (links == Links::kTake) {
      spent += world.drain();
      ECSDB_TRY(world.catch_up());
      continue;
    }
    world.ignore();
    if (links == Links::kTakeNothing) world.update_client();
  }
  if (links != Links::kTake) spent += world.drain_ignored();
  return world.settle();
}

/// Several times: the caches are cold after another world ran.
Status run_rounds(FrameWorld& world, uint64_t missed, Links links, Samples& samples) {
  constexpr uint64_t kPublishes = 64;
  const uint64_t rounds = std::max<uint64_t>(1, kPublishes / missed);
  double spent = 0;
  for (uint64_t i = 0; i < rounds; ++i) ECSDB_TRY(run_missed(world, missed, links, spent));
  samples.add(spent / static_cast<double>(rounds));
  return {};
}

}  // namespace

Status measure_missed(const FrameLoad& load, uint64_t missed, bool all_behind, Report& report) {
  FrameWorld behind(load, load.clients);
  FrameWorld in_step(load, load.clients);
  FrameWorld one(load, 1);
  for (FrameWorld* world : {&behind, &in_step, &one}) ECSDB_TRY(world->start());
  const Links slow = all_behind ? Links::kTakeNothingNorClient : Links::kTakeNothing;
  Samples of_behind;
  Samples of_in_step;
  Samples of_one;
  const uint64_t rounds = std::max<uint64_t>(3, load.publishes / std::max<uint64_t>(64, missed));
  for (uint64_t i = 0; i <= rounds; ++i) {
    Samples ignored;  // the first round warms up
    ECSDB_TRY(run_rounds(behind, missed, slow, i > 0 ? of_behind : ignored));
    ECSDB_TRY(run_rounds(in_step, missed, Links::kTake, i > 0 ? of_in_step : ignored));
    ECSDB_TRY(run_rounds(one, missed, Links::kTake, i > 0 ? of_one : ignored));
  }
  for (FrameWorld* world : {&behind, &in_step, &one}) ECSDB_TRY(world->verify());
  const double each = static_cast<double>((load.clients - 1) * missed);
  const double frames = static_cast<double>(load.clients * behind.publishes_live());
  report.samples("behind", "ns_per_client_and_publish",
                 divided(difference_of(of_behind, of_one), each));
  report.samples("baseline_in_step", "ns_per_client_and_publish",
                 divided(difference_of(of_in_step, of_one), each));
  report.number("behind_bytes_per_client_and_publish",
                static_cast<double>(behind.bytes_live()) / frames);
  report.number("in_step_bytes_per_client_and_publish",
                static_cast<double>(in_step.bytes_live()) / frames);
  report.count("net_advances", behind.stats().net_advances);
  report.count("chain_advances", behind.stats().chain_advances);
  report.samples("publish_for_one_client", "us",
                 divided(of_one, 1'000 * static_cast<double>(missed)));
  return {};
}

}  // namespace bench
