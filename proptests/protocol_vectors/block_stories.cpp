// Stories that both tiers tell: rows that come, change and go, in every form of block.
#include "block_story.h"

namespace ecsdb::vectors {
namespace {

using Text = std::string;

/// Four rows with the entity indices 0, 2, 3 and 9.
std::vector<EntityId> add_points(Story& story) {
  std::vector<EntityId> out;
  out.push_back(story.add({{"n", uint64_t{1}}, {"name", Text("a")}}));
  story.skip();
  out.push_back(story.add({{"n", uint64_t{200}}, {"name", Text()}}));
  out.push_back(story.add({{"n", uint64_t{3}}, {"name", Text("z\xc3\xab")}}));
  for (int i = 0; i < 5; ++i) story.skip();
  out.push_back(story.add({{"n", uint64_t{4}}, {"name", Text("12345678")}}));
  return out;
}

void tell_changes(Maker& to, CodecTier tier) {
  Story story(to, "small", tier);
  const std::vector<EntityId> points = add_points(story);
  story.publish();
  story.emit("first-rows", "The first publish of a cell: four rows that are whole and inserted.");
  story.set(points[1], "n", uint64_t{201});
  story.publish();
  story.emit("one-field-of-one-row", "One lane of one row changes by 1.");
  story.set(points[0], {{"n", uint64_t{0}}, {"name", Text("b")}});
  story.set(points[3], "name", Text());
  story.publish();
  story.emit("numbers-and-texts", "One row changes in both fields, another to the empty text.");
  for (const EntityId point : points) story.set(point, "n", uint64_t{255});
  story.publish();
  story.emit("every-row", "Every row changes in the same field.");
  story.set(points[2], "n", uint64_t{7});
  story.set(points[2], "n", uint64_t{255});
  story.publish();
  story.emit("nothing-after-all", "A value that changed and changed back: a block without rows.");
}

void tell_removals(Maker& to, CodecTier tier) {
  Story story(to, "small", tier);
  const std::vector<EntityId> points = add_points(story);
  story.publish();
  story.remove(points[1]);
  story.set(points[0], "n", uint64_t{9});
  story.publish();
  story.emit("removal-and-change", "One row goes, another changes.");
  story.remove(points[0]);
  story.insert(points[0], {{"n", uint64_t{77}}, {"name", Text("again")}});
  story.publish();
  story.emit("removed-and-inserted-again",
             "The row of one entity was removed and inserted anew between two publishes: it is "
             "whole, and takes the place of the one held.");
  story.destroy(points[2]);
  const EntityId next = story.add({{"n", uint64_t{5}}, {"name", Text("new")}});
  ECSDB_CHECK(next.index() == points[2].index());
  story.publish();
  story.emit("index-used-again",
             "An entity goes and a new one with its index comes, in one block.");
  for (const EntityId point : {points[0], next, points[3]}) story.remove(point);
  story.publish();
  story.emit("all-rows-go", "The cell is empty afterwards; it is still held.");
  story.insert(points[3], {{"n", uint64_t{1}}, {"name", Text("back")}});
  story.publish();
  story.emit("row-in-an-empty-cell", "A row comes into the empty cell.");
}

void tell_moves(Maker& to, CodecTier tier) {
  Story story(to, "rooms", tier);
  const EntityId first = story.add({{"room", int64_t{-5}}, {"line", Text("one")}});
  const EntityId second = story.add({{"room", int64_t{-5}}, {"line", Text("two")}});
  const EntityId third = story.add({{"room", int64_t{-5}}, {"line", Text("three")}});
  story.publish();
  story.set(first, "room", int64_t{6});
  story.remove(third);
  story.publish();
  story.emit("left-and-removed", "One row leaves for another cell, one is removed.");
  story.set(first, "room", int64_t{-5});
  story.set(second, "line", Text("second"));
  story.publish();
  story.emit("came-back", "A row comes from another cell: whole, but not inserted.");
  story.set(second, "room", int64_t{6});
  story.set(second, "room", int64_t{-5});
  story.set(first, "line", Text("last"));
  story.publish();
  story.emit("moved-and-moved-back", "A row that was elsewhere between two publishes is no news.");
}

void tell_net(Maker& to, CodecTier tier) {
  Story story(to, "small", tier);
  std::vector<EntityId> points = add_points(story);
  story.publish();
  story.set(points[0], "n", uint64_t{10});
  story.publish();
  story.set(points[0], "n", uint64_t{20});
  story.remove(points[1]);
  story.publish();
  story.add({{"n", uint64_t{30}}, {"name", Text("new")}});
  story.publish();
  story.catch_up(1);
  story.emit("net", "Three publishes at once: absolute values of what changed since the first.");
  for (int round = 0; round < 2; ++round) {
    story.destroy(points[3]);
    points[3] = story.add({{"n", uint64_t{40}}, {"name", Text("later")}});
    story.publish();
  }
  story.catch_up(1);
  story.emit("net-former-holders",
             "Two entities of one index have gone since, and a third has it now; only the first "
             "was ever held.");
  story.set(points[0], "name", Text("more"));
  story.publish();
  story.emit("relative-after-net", "After a net block the next relative one follows its publish.");
  story.catch_up(0);
  story.emit("net-from-nothing", "A net block from version 0 brings the whole cell.");
}

void tell_rows(Maker& to, CodecTier tier) {
  Story story(to, "small", tier);
  const std::vector<EntityId> points = add_points(story);
  story.publish();
  story.set(points[1], "n", uint64_t{90});
  story.publish();
  story.set(points[1], "n", uint64_t{91});
  story.publish();
  Story in_parts = story;
  story.enter();
  story.emit("rows", "A cell that enters after three publishes.");
  story.set(points[1], "n", uint64_t{92});
  story.publish();
  story.emit("relative-after-rows", "Who got the rows can take the next relative block.");
  in_parts.enter(2);
  in_parts.emit("rows-in-two-blocks", "The same rows in two blocks.");
  for (const EntityId point : points) story.remove(point);
  story.publish();
  story.enter();
  story.emit("rows-of-an-empty-cell", "A block of no rows.");
}

void tell_parts(Maker& to, CodecTier tier) {
  Story story(to, "small", tier);
  const std::vector<EntityId> points = add_points(story);
  story.publish_parts({{0, 3}, {3, kEntityIndexMax}});
  story.emit("first-rows-in-parts", "The first publish in two parts by entity index.");
  story.set(points[0], "n", uint64_t{2});
  story.remove(points[1]);
  story.set(points[2], "name", Text("mid"));
  story.set(points[3], {{"n", uint64_t{44}}, {"name", Text("end")}});
  story.publish_parts({{0, 2}, {2, 3}, {3, 9}, {9, kEntityIndexMax}});
  story.emit("four-parts", "A change in each of four parts, which follow the same publish.");
  story.set(points[3], "n", uint64_t{45});
  story.publish();
  story.emit("whole-after-parts", "Parts of one publish count as one.");
}

void tell_chain(Maker& to, CodecTier tier) {
  Story story(to, "one", tier);
  const EntityId entity = story.add({{"n", uint64_t{1}}});
  story.publish();
  for (uint64_t value = 2; value < 10; ++value) {
    story.set(entity, "n", value);
    story.publish();
  }
  story.emit("chain-of-nine", "The ninth relative block: the chain in its header is 0 again.");
}

void tell_many(Maker& to, CodecTier tier) {
  Story story(to, "one", tier);
  std::vector<EntityId> rows;
  for (uint64_t i = 0; i < 70; ++i) rows.push_back(story.add({{"n", i * i}}));
  story.publish();
  story.emit("seventy-rows", "More rows than a word has bits.");
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i % 9 != 4) story.set(rows[i], "n", uint64_t{i * i + i});
  }
  story.publish();
  story.emit("most-of-seventy", "Most of them change, each by another number.");
  story.set(rows[11], "n", uint64_t{60000});
  story.set(rows[69], "n", uint64_t{0});
  for (const size_t i : {3u, 4u, 5u, 40u}) story.remove(rows[i]);
  story.publish();
  story.emit("few-of-seventy", "Two change by large numbers, four go.");
}

}  // namespace

void make_stories(Maker& to, CodecTier tier) {
  tell_changes(to, tier);
  tell_removals(to, tier);
  tell_moves(to, tier);
  tell_net(to, tier);
  tell_rows(to, tier);
  tell_parts(to, tier);
  tell_chain(to, tier);
  tell_many(to, tier);
}

}  // namespace ecsdb::vectors
