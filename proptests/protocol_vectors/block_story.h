// Blocks as a server makes them: a table of one cell, what happens to it, and its publishes.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ecsdb/wire/test_support.h"

#include "block_play.h"

namespace ecsdb::vectors {

using FieldInit = std::pair<const char*, Value>;

/// Schemas of the block groups; every table is one cell but for that of `rooms`.
void add_block_schemas(Maker& to, CodecTier tier);
Schema block_schema(const std::string& name, CodecTier tier);

/// A table whose first cell is followed from its first publish on. emit() makes a vector of the
/// last step, with those before it as setup.
class Story {
 public:
  Story(Maker& to, const char* schema, CodecTier tier);

  std::string prefix() const { return tier_ == CodecTier::kPlain ? "plain-" : "packed-"; }
  Database& db() { return db_; }

  EntityId add(const std::vector<FieldInit>& values);
  /// A new entity without a row.
  EntityId skip();
  void set(EntityId entity, const char* field, Value value);
  void set(EntityId entity, const std::vector<FieldInit>& values);
  void remove(EntityId entity);
  void insert(EntityId entity, const std::vector<FieldInit>& values);
  void destroy(EntityId entity);

  /// The relative block becomes the next step.
  void publish() { publish_parts({IndexRange{}}); }
  /// The same in parts.
  void publish_parts(const std::vector<IndexRange>& ranges);
  /// From the state after so many steps in one: what changed since becomes the next step.
  void catch_up(size_t steps);
  /// All steps become one: the rows of the cell, in blocks of so many rows; 0: in one block.
  void enter(size_t rows_each = 0);

  void emit(const char* name, const char* note);
  const BlockSteps& steps() const { return steps_; }
  const std::vector<Bytes>& last() const { return steps_.back(); }
  BlockSteps setup() const { return BlockSteps(steps_.begin(), steps_.end() - 1); }
  /// A vector of other blocks on the state after the steps so far.
  Json input(const std::vector<Bytes>& blocks) const;

 private:
  CellRef ref() const { return CellRef{0, 0}; }
  void commit(Transaction&& change) { std::move(change).commit(); }
  std::vector<FieldValue> values_of(const std::vector<FieldInit>& values) const;

  Maker& to_;
  const char* schema_;
  CodecTier tier_;
  Database db_;
  BlockSteps steps_;
  std::vector<Version> versions_;  // published by each step
};

/// Vectors of blocks that are written by hand, on the state after a story.
class ByHand {
 public:
  ByHand(Maker& to, Story story) : to_(to), story_(std::move(story)) {}
  void good(const char* name, const char* note, const Bytes& block) {
    to_.accept(story_.prefix() + name, note, story_.input({block}));
  }
  void bad(const char* name, const char* note, const Bytes& block, const char* error) {
    to_.reject(story_.prefix() + name, note, story_.input({block}), error);
  }

 private:
  Maker& to_;
  Story story_;
};

void make_stories(Maker& to, CodecTier tier);
void make_type_stories(Maker& to, CodecTier tier);
void make_packed_stories(Maker& to);
void make_compressed(Maker& to, CodecTier tier);
void make_plain_by_hand(Maker& to);
void make_plain_rejects(Maker& to);
void make_packed_by_hand(Maker& to);
void make_packed_rejects(Maker& to);
void make_header_rejects(Maker& to, CodecTier tier);

}  // namespace ecsdb::vectors
