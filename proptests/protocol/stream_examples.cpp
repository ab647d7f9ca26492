// The worked example: a small schema, its rows and three publishes, as frames and blocks.
#include <string>

#include "ecsdb/base/check.h"
#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/schema_builder.h"
#include "ecsdb/store/transaction.h"
#include "ecsdb/wire/block_codec.h"
#include "ecsdb/wire/frame.h"

#include "hex.h"
#include "markdown.h"
#include "protocol_tables.h"

namespace ecsdb::protocol {
namespace {

constexpr CellRef kCell{0, 0};

Schema example_schema() {
  auto schema = SchemaBuilder("demo")
                    .table(1, "ball")
                    .field(1, "x", FieldType::kI32)
                    .field(2, "lit", FieldType::kBool)
                    .build();
  return std::move(schema).value();
}

/// Two rows that change in four publishes, and the blocks that a client gets that enters after the
/// first.
class Example {
 public:
  Example() : db_(example_schema(), DatabaseOptions{}) {
    Transaction tx = db_.begin();
    for (EntityId& ball : balls_) ball = tx.create().value();
    insert(tx, balls_[0], 100, false);
    insert(tx, balls_[1], 7, true);
    std::move(tx).commit();
    db_.finish_publish();
    add_block("rows", rows_block());
    publish("2", [&](Transaction& tx2) { set(tx2, 0, 0, int64_t{104}); });
    publish("3", [&](Transaction& tx3) {
      set(tx3, 0, 0, int64_t{108});
      set(tx3, 1, 1, false);
    });
    publish("4", [&](Transaction& tx4) { set(tx4, 0, 0, int64_t{112}); });
  }

  const Schema& schema() const { return db_.schema(); }
  std::string blocks() const { return table_.text(); }
  /// The advance that brings the last block.
  Bytes frame() const {
    Advance advance;
    advance.set_flags(true, true, AdvanceKind::kStep);
    advance.from = Version{3};
    advance.distance = 1;
    advance.commit_time_ns = 5'000'000'000;
    advance.blocks = {{0, static_cast<uint32_t>(last_.size())}};
    TailChecksum checksum;
    checksum.add(0, 1, Version{3}, crc32c(last_));
    advance.tail_checksum = checksum.value();
    Bytes head;
    ByteWriter writer(head);
    encode_fields(advance, writer);
    Bytes out;
    append_frame(out, MessageType::kAdvance, head, last_.size());
    out.insert(out.end(), last_.begin(), last_.end());
    return out;
  }

 private:
  void insert(Transaction& tx, EntityId ball, int64_t x, bool lit) {
    const FieldValue values[] = {{0, x}, {1, lit}};
    ECSDB_CHECK(tx.insert(0, ball, values).ok());
  }
  void set(Transaction& tx, size_t ball, uint16_t field, Value value) {
    ECSDB_CHECK(tx.set(0, balls_[ball], field, std::move(value)).ok());
  }

  BlockSource source(BlockForm form) const {
    BlockSource out;
    out.def = &db_.schema().table(0);
    out.table = &db_.table(0);
    out.tier = out.def->codec;
    out.form = form;
    out.history = &db_.cell(kCell).history;
    out.version = db_.cell(kCell).published;
    out.since = db_.published();
    return out;
  }
  Bytes rows_block() const {
    const RowIndex rows[] = {0, 1};
    BlockSource out = source(BlockForm::kRows);
    out.rows = rows;
    Bytes bytes;
    BlockEncoder().encode(out, bytes);
    return bytes;
  }
  template <class Change>
  void publish(const char* name, Change&& change) {
    Transaction tx = db_.begin();
    change(tx);
    std::move(tx).commit();
    db_.publish([&](CellRef, const ChangeSet& changes) {
      BlockSource out = source(BlockForm::kRelative);
      out.changes = &changes;
      last_.clear();
      BlockEncoder().encode(out, last_);
    });
    add_block(std::string("publish ") + name, last_);
  }
  void add_block(const std::string& name, const Bytes& bytes) {
    std::string digest;
    for (const uint32_t lane : db_.digest(kCell).lane) {
      digest += (digest.empty() ? "" : " ") + hex_number(lane, 8);
    }
    table_.row({name, code(hex_bytes(bytes)), code(digest)});
  }

  Database db_;
  EntityId balls_[2];
  Bytes last_;
  MarkdownTable table_{{"block", "bytes", "digest of the cell after it"}};
};

template <class M>
std::string frame_text(MessageType type, const M& message) {
  Bytes out;
  append_message(out, type, message);
  return code(hex_bytes(out));
}

Subscription subscription(uint32_t id, uint16_t table, SelectorKind kind,
                          std::vector<CellKey> keys) {
  Subscription out;
  out.id = SubscriptionId{id};
  out.table = TableId{table};
  out.kind = kind;
  out.keys = std::move(keys);
  return out;
}

/// What a client may send, byte by byte.
std::string frames() {
  MarkdownTable table({"what", "bytes"});
  table.row({"preface of a client with the feature zstd",
             code(hex_bytes(encode_preface(Preface{.features = 1})))});
  Auth auth;
  auth.token = {'t', 'o', 'k'};
  auth.client_name = "js";
  auth.client_time_ns = 300;
  table.row(
      {"auth: token \"tok\", name \"js\", database 0, no schema known, time 300, no ticket, "
       "not resuming",
       frame_text(MessageType::kAuth, auth)});
  Subscribe subscribe;
  subscribe.request = 1;
  subscribe.add = {subscription(1, 1, SelectorKind::kAll, {}),
                   subscription(2, 3, SelectorKind::kKeys, {CellKey::value(-3)})};
  table.row({"subscribe: request 1; 1 to all of table 1, 2 to the cell \"value -3\" of table 3",
             frame_text(MessageType::kSubscribe, subscribe)});
  table.row({"ack: cut 300, 70000 bytes", frame_text(MessageType::kAck, Ack{Version{300}, 70000})});
  table.row({"client_heartbeat: time 300, echo 70000 of 5 ns ago",
             frame_text(MessageType::kClientHeartbeat, ClientHeartbeat{300, 70000, 5})});
  table.row(
      {"client_ready: cut 300", frame_text(MessageType::kClientReady, ClientReady{Version{300}})});
  table.row({"goodbye: client_left, no reason",
             frame_text(MessageType::kGoodbye,
                        Goodbye{static_cast<uint16_t>(ErrorCode::kClientLeft), ""})});
  return table.text();
}

std::string schema_text(const Schema& schema) {
  MarkdownTable table({"of the schema", "bytes"});
  table.row({"canonical form", code(hex_bytes(encode_schema(schema.def())))});
  const Hash128 fingerprint = schema.fingerprint();
  table.row(
      {"fingerprint", code(hex_number(fingerprint.high, 16) + hex_number(fingerprint.low, 16))});
  return table.text();
}

}  // namespace

void add_stream_examples(std::vector<Section>& out) {
  const Example example;
  out.push_back({"example-frames", frames()});
  out.push_back({"example-schema", schema_text(example.schema())});
  out.push_back({"example-blocks", example.blocks()});
  MarkdownTable table({"what", "bytes"});
  table.row({"advance with publish 4", code(hex_bytes(example.frame()))});
  out.push_back({"example-advance", table.text()});
}

}  // namespace ecsdb::protocol
