// How a connection that is behind is caught up: never in many more bytes than the best way takes,
// and every way leads to the same state.
#include "ecsdb/server/catch_up.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <optional>
#include <rapidcheck.h>
#include <string>

#include "ecsdb/base/prng.h"
#include "ecsdb/client/replica.h"
#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/store/transaction.h"
#include "ecsdb/wire/frame.h"

#include "property.h"

namespace ecsdb::properties {
namespace {

constexpr uint16_t kTables = 2;
constexpr uint64_t kRooms = 3;
enum Fields : uint16_t { kRoom, kPos, kHealth, kWide, kRatio, kText };

Schema make_schema(bool with_texts) {
  SchemaBuilder schema("drawn");
  for (uint16_t table = 0; table < kTables; ++table) {
    schema.table(static_cast<uint16_t>(table + 1), table == 0 ? "packed" : "plain")
        .codec(table == 0 ? CodecTier::kPacked : CodecTier::kPlain)
        .by("room")
        .field(1, "room", FieldType::kU8)
        .field(2, "pos", FieldType::kVec2f)
        .precision(0.25)
        .field(3, "health", FieldType::kU8)
        .field(4, "wide", FieldType::kU64)
        .field(5, "ratio", FieldType::kF32);
    if (with_texts) schema.text(6, "text", 100);
  }
  return schema.build().value();
}

/// What is drawn of a world; the rest follows from the seed. Small numbers are simple worlds.
struct Draw {
  uint64_t seed = 0;
  size_t rows = 0;  // of each table
  size_t publishes = 0;
  size_t clients = 0;
  size_t ring = 0;
  bool with_texts = false;
  bool with_gaps = false;  // in what the ring has
  bool with_small_horizon = false;
};
Draw draw() {
  Draw out;
  out.seed = draw_below(uint64_t{1} << 40);
  out.rows = 6 + draw_below(draw_below(4) == 0 ? 150 : 40);
  out.publishes = 1 + draw_below(40);
  out.clients = 1 + draw_below(3);
  out.ring = 1 + draw_below(draw_below(2) == 0 ? 6 : PublishRing::kPublishesMax);
  out.with_texts = draw_below(3) == 0;
  out.with_gaps = draw_below(4) == 0;
  out.with_small_horizon = draw_below(4) == 0;
  return out;
}

/// A connection without a server around it.
struct Connection {
  Interest interest;
  uint32_t features = 0;
  Version sent_cut;
  Version effective_cut;
  Replica replica;
};

class World {
 public:
  explicit World(const Draw& draw)
      : draw_(draw),
        random_(draw.seed),
        db_(make_schema(draw.with_texts), options(draw)),
        ring_(kTables, Version{}, draw.ring, 1u << 20),
        planner_(kTables) {
    blocks_.compress_from_now_on();
    Transaction tx = db_.begin();
    entities_.resize(kTables);
    for (uint16_t table = 0; table < kTables; ++table) {
      for (size_t i = 0; i < draw.rows; ++i) entities_[table].push_back(insert(tx, table, i));
    }
    std::move(tx).commit();
    publish();
    for (size_t i = 0; i < draw.clients; ++i) connect();
  }

  void run() {
    for (size_t i = 0; i < draw_.publishes; ++i) {
      const Style style = random_style();
      for (size_t commits = 1 + random_.below(2); commits > 0; --commits) change(style);
      publish();
      for (Connection& connection : connections_) {
        if (random_.chance(1, 3)) check(connection);
      }
    }
    for (Connection& connection : connections_) check(connection);
  }
  static size_t compared;  // over all worlds

 private:
  /// How one publish changes rows.
  struct Style {
    size_t changes;
    size_t first;   // of the rows that are changed
    size_t spread;  // so many of them
    bool is_walk;   // by small steps, else to any value
    uint64_t removes;
    uint64_t moves;
    std::vector<uint16_t> fields;
  };
  static DatabaseOptions options(const Draw& draw) {
    DatabaseOptions out;
    if (draw.with_small_horizon) out.horizon_versions_max = 1 + draw.seed % 9;
    return out;
  }

  EntityId insert(Transaction& tx, uint16_t table, uint64_t room) {
    const EntityId entity = tx.create().value();
    const FieldValue values[] = {{kRoom, room % kRooms},
                                 {kPos, random_pos()},
                                 {kHealth, random_.below(100)},
                                 {kWide, random_.next()}};
    RC_ASSERT(tx.insert(table, entity, values).ok());
    return entity;
  }
  Vec2f random_pos() {
    return {static_cast<float>(random_.below(4000)) * 0.25f,
            static_cast<float>(random_.below(4000)) * 0.25f};
  }
  Style random_style() {
    Style style;
    style.changes = random_.below(random_.chance(1, 4) ? 2 * draw_.rows : 8);
    style.first = random_.chance(1, 2) ? 0 : random_.below(draw_.rows);
    style.spread = 1 + random_.below(random_.chance(1, 2) ? 5 : draw_.rows);
    style.is_walk = random_.chance(2, 3);
    style.removes = random_.chance(1, 12) ? 60 : random_.below(3);
    style.moves = random_.below(5);
    for (const uint16_t field : {kPos, kHealth, kWide, kRatio, kText}) {
      if (field == kText && !draw_.with_texts) continue;
      if (random_.chance(1, 2)) style.fields.push_back(field);
    }
    return style;
  }
  void change(const Style& style) {
    Transaction tx = db_.begin();
    for (size_t i = 0; i < style.changes; ++i) {
      const uint16_t table = static_cast<uint16_t>(random_.below(kTables));
      // The first of each room stays, so that no cell ends.
      const size_t at = (style.first + random_.below(style.spread)) % draw_.rows;
      EntityId& entity = entities_[table][at];
      if (at >= kRooms && random_.below(100) < style.removes) {
        if (!entity.is_none()) RC_ASSERT(tx.destroy(entity).ok());
        entity = EntityId{};
      } else if (entity.is_none()) {
        if (random_.chance(1, 4)) entity = insert(tx, table, random_.below(kRooms));
      } else if (at >= kRooms && random_.below(100) < style.moves) {
        RC_ASSERT(tx.set(table, entity, kRoom, random_.below(kRooms)).ok());
      } else {
        for (const uint16_t field : style.fields) set(tx, table, entity, field, style.is_walk);
      }
    }
    std::move(tx).commit();
  }
  void set(Transaction& tx, uint16_t table, EntityId entity, uint16_t field, bool is_walk) {
    const auto row = db_.table(table).find(entity);
    const auto old = [&](uint16_t lane) { return db_.table(table).lane(row, lane); };
    const uint16_t lane = db_.schema().layout(table).fields[field].lane_first;
    Value value;
    if (field == kPos) {
      value = random_pos();
      if (is_walk) {
        const auto x = static_cast<float>(static_cast<int32_t>(old(lane)));
        value = Vec2f{(x + static_cast<float>(random_.below(9))) * 0.25f, value_y(old(lane + 1))};
      }
    } else if (field == kText) {
      value = std::string(random_.below(is_walk ? 5 : 100), static_cast<char>('a' + row % 26));
    } else if (field == kRatio) {
      value = static_cast<float>(random_.below(1000)) / (is_walk ? 1.0f : 7.0f);
    } else {
      const uint64_t most = field == kHealth ? 255 : ~uint64_t{0};
      value = (is_walk ? old(lane) + random_.below(3) : random_.next()) & most;
    }
    RC_ASSERT(tx.set(table, entity, field, value).ok());
  }
  static float value_y(uint64_t lane) {
    return static_cast<float>(static_cast<int32_t>(lane)) * 0.25f;
  }

  void publish() {
    blocks_.begin_publish();
    planner_.begin_publish();
    steps_.begin_publish();
    ring_.begin(db_.published(), db_.head(), db_.head().value * 1000);
    const bool is_encoded = !draw_.with_gaps || random_.chance(9, 10);
    db_.publish([&](CellRef ref, const ChangeSet& changes) {
      BlockParts parts;
      if (is_encoded && db_.cell(ref).published > Version{}) {
        parts = blocks_.relative(db_, ref, changes);
      }
      ring_.add(ref, parts);
    });
    ring_.trim(0);
    RC_ASSERT(db_.trim().empty());
  }

  void connect() {
    Connection connection;
    connection.features = random_.chance(1, 2) ? built_in_features() : 0;
    connection.replica = Replica(db_.schema());
    connection.replica.set_features(connection.features);
    for (uint16_t table = 0; table < kTables; ++table) {
      Subscription all;
      all.id = SubscriptionId{table + 1u};
      all.table = TableId{static_cast<uint16_t>(table + 1)};
      if (random_.chance(1, 3)) {
        all.kind = SelectorKind::kKeys;
        all.keys = {CellKey::value(1)};
      }
      RC_ASSERT(connection.interest.add_subscription(db_, {}, std::move(all)).ok());
    }
    static_cast<void>(connection.interest.take_changes());
    connection.sent_cut = connection.effective_cut = db_.published();
    AdvancePlan plan;
    plan.from = plan.to = db_.published();
    add_enters(connection.interest, connection.features, plan);
    connection.replica.start_sync(db_.published());
    for (const ReceivedAdvance& chunk : received(write(plan, MessageType::kSyncChunk))) {
      RC_ASSERT(connection.replica.apply_chunk(chunk).ok());
    }
    connections_.push_back(std::move(connection));
  }
  void add_enters(Interest& interest, uint32_t features, AdvancePlan& plan) {
    plan.leaves = interest.take_leaves();
    plan.enters = interest.take_enters(db_);
    for (const CellEnter& enter : plan.enters) {
      const CellRef ref = interest.at(enter.handle).ref;
      if (db_.cell(ref).log.count() == 0) continue;
      plan.add_blocks(enter.handle, enter.generation, blocks_.whole(db_, ref, plan.from), features);
    }
  }

  // ---- Ways ----

  Bytes write(const AdvancePlan& plan, MessageType type = MessageType::kAdvance) {
    Outbox out;
    writer_.write(plan, type, out);
    Bytes stream;
    take(out, stream);
    return stream;
  }
  static void take(Outbox& out, Bytes& stream) {
    while (!out.empty()) {
      size_t n = 0;
      for (const ByteSpan part : out.parts()) {
        stream.insert(stream.end(), part.begin(), part.end());
        n += part.size();
      }
      out.accept(n);
    }
  }
  static std::vector<ReceivedAdvance> received(const Bytes& stream) {
    std::vector<ReceivedAdvance> out(1);
    FrameReader reader({kFrameHeadBytesMax, kFrameTailBytesMax});
    reader.feed(stream);
    while (true) {
      auto frame = reader.next();
      RC_ASSERT(frame.ok());
      if (!frame->has_value()) break;
      Advance head;
      RC_ASSERT(decode_message((*frame)->head, head).ok());
      const bool is_end = head.end();
      out.back().add(std::move(head), (*frame)->tail, (*frame)->bytes);
      if (is_end) out.emplace_back();
    }
    out.pop_back();
    return out;
  }
  std::vector<uint32_t> changed(const Connection& connection) const {
    std::vector<uint32_t> out;
    for (uint32_t handle = 0; handle < connection.interest.handle_end(); ++handle) {
      const CellRef ref = connection.interest.at(handle).ref;
      if (db_.cell(ref).published > connection.effective_cut) out.push_back(handle);
    }
    return out;
  }
  /// One advance that replaces some of the changed cells.
  template <class Replaces>
  Bytes net(Connection& connection, Replaces&& replaces) {
    AdvancePlan plan;
    plan.kind = AdvanceKind::kNet;
    plan.from = connection.sent_cut;
    plan.to = db_.published();
    plan.commit_time_ns = ring_.newest().commit_time_ns;
    for (const uint32_t handle : changed(connection)) {
      const Interest::Held& held = connection.interest.at(handle);
      if (replaces(held.ref)) {
        connection.interest.enter_again(handle);
        continue;
      }
      plan.add_blocks(handle, held.generation, blocks_.net(db_, held.ref, plan.from),
                      connection.features);
    }
    add_enters(connection.interest, connection.features, plan);
    return write(plan);
  }
  /// The relative blocks of every publish after the cut, if there are all.
  std::optional<Bytes> chain(const Connection& connection) {
    Bytes stream;
    if (!ring_.reaches(connection.effective_cut)) return std::nullopt;
    Version from = connection.sent_cut;
    for (uint64_t s = ring_.first_sequence(); s < ring_.end_sequence(); ++s) {
      const PublishRing::Publish& publish = ring_.at(s);
      if (publish.to <= connection.effective_cut) continue;
      AdvancePlan plan;
      plan.from = from;
      plan.to = publish.to;
      plan.commit_time_ns = publish.commit_time_ns;
      for (uint32_t handle = 0; handle < connection.interest.handle_end(); ++handle) {
        const Interest::Held& held = connection.interest.at(handle);
        for (const PublishRing::Change& change : publish.changes) {
          if (change.ref != held.ref) continue;
          if (change.parts == 0) return std::nullopt;
          plan.add_blocks(handle, held.generation, publish.parts_of(change), connection.features);
        }
      }
      if (plan.blocks.empty()) continue;
      from = plan.to;
      const Bytes step = write(plan);
      stream.insert(stream.end(), step.begin(), step.end());
    }
    return stream;
  }

  /// What the planner does, as a session does it; moves the connection on.
  Bytes follow_plan(Connection& connection) {
    const CatchUp::Sources sources{db_, ring_, blocks_};
    const CatchUp::Behind behind{connection.interest, connection.sent_cut, connection.effective_cut,
                                 connection.features};
    Bytes stream;
    switch (planner_.choose(sources, behind)) {
      case CatchUp::Way::kNothing:
        break;
      case CatchUp::Way::kChain: {
        Outbox out;
        connection.sent_cut = planner_.write_chain(sources, behind, steps_, writer_, out).end;
        take(out, stream);
        break;
      }
      case CatchUp::Way::kNet: {
        for (const uint32_t handle : planner_.replaced()) connection.interest.enter_again(handle);
        AdvancePlan& plan = planner_.net();
        add_enters(connection.interest, connection.features, plan);
        plan.to = connection.sent_cut = db_.published();
        plan.commit_time_ns = ring_.newest().commit_time_ns;
        stream = write(plan);
      }
    }
    connection.effective_cut = db_.published();
    return stream;
  }

  void apply(Replica& replica, const Bytes& stream) {
    for (const ReceivedAdvance& advance : received(stream)) {
      const Status status = replica.apply(advance, nullptr);
      RC_ASSERT(status.ok());
    }
    for (size_t handle = 0; handle < replica.cells().size(); ++handle) {
      const HeldCell& held = replica.cells()[handle];
      const CellRef ref{held.table, db_.cells(held.table).find(held.key)};
      const Cell& cell = db_.cell(ref);
      RC_ASSERT(replica.digest(handle) == db_.digest(ref));
      RC_ASSERT(held.history.publishes() == cell.history.publishes());
      const Table& table = db_.table(ref.table);
      if (!table.has_history()) continue;
      for (const RowIndex row : table.rows_of(cell.log)) {
        const Table& copy = replica.table(ref.table);
        const RowIndex same = copy.find(table.row(row).entity);
        RC_ASSERT(copy.history_hash(same, held.history) == table.history_hash(row, cell.history));
      }
    }
  }

  void check(Connection& connection) {
    if (changed(connection).empty()) {
      RC_ASSERT(follow_plan(connection).empty());
      return;
    }
    const auto is_forgotten = [&](CellRef ref) {
      return db_.cell(ref).horizon > connection.sent_cut;
    };
    size_t best = ~size_t{0};
    const auto try_way = [&](const Bytes& stream) {
      Replica replica = connection.replica;
      apply(replica, stream);
      best = std::min(best, stream.size());
    };
    if (const auto stream = chain(connection)) try_way(*stream);
    Connection other = connection;
    try_way(net(other, is_forgotten));
    other = connection;
    try_way(net(other, [](CellRef) { return true; }));
    const Bytes chosen = follow_plan(connection);
    apply(connection.replica, chosen);
    RC_ASSERT(4 * chosen.size() <= 5 * best);
    ++compared;
  }

  Draw draw_;
  Prng random_;
  Database db_;
  CellBlocks blocks_;
  PublishRing ring_;
  CatchUp planner_;
  AdvanceWriter writer_;
  StepWriter steps_;
  std::vector<std::vector<EntityId>> entities_;  // by table; the order of their first insertion
  std::vector<Connection> connections_;
};
size_t World::compared = 0;

TEST(CatchUpProperty, ChoosesNearlyTheFewestBytesAndEveryWayEndsInTheSameState) {
  World::compared = 0;
  check_property(51, 1'000, [] { World(draw()).run(); });
  EXPECT_GE(World::compared, 10'000u);
}

}  // namespace
}  // namespace ecsdb::properties
