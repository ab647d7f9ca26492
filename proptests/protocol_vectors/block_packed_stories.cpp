// Stories of the packed tier's history: prediction, ages, classes of candidates, quaternions.
#include "block_story.h"

namespace ecsdb::vectors {
namespace {

constexpr CodecTier kPacked = CodecTier::kPacked;

void tell_steady_motion(Maker& to) {
  Story story(to, "ship", kPacked);
  const EntityId ship = story.add({{"pos", Vec2f{0, 0}}});
  story.publish();
  float x = 0;
  auto move = [&](float by) {
    x += by;
    story.set(ship, "pos", Vec2f{x, -x});
    story.publish();
  };
  move(10);
  story.emit("motion-first", "The first change of a row that has just entered: no magnitude yet.");
  move(10);
  story.emit("motion-second", "The same change again: the trend rises, nothing is predicted yet.");
  move(10);
  story.emit("motion-predicted", "Now the last change is expected to repeat, and it does.");
  move(10);
  move(11);
  story.emit("motion-nearly", "The change differs a little from the expected one.");
  move(-40);
  story.emit("motion-turns-back", "The change is far from the expected one.");
  story.set(ship, "on", true);
  story.publish();
  story.emit("motion-other-field", "Another field changes: of two, none as before.");
  move(5);
  story.emit("motion-after-a-pause",
             "The field did not change in the publish before: its last change is not expected.");
  move(5);
  move(5);
  story.emit("motion-again", "It changed in the one before: expected again.");
  story.enter();
  story.emit("motion-rows", "Rows carry magnitudes, trends and last changes.");
  move(5);
  story.emit("motion-after-rows", "Who got the rows predicts as everybody does.");
}

void tell_ages(Maker& to) {
  Story story(to, "one", kPacked);
  const EntityId still = story.add({{"n", uint64_t{100}}});
  const EntityId busy = story.add({{"n", uint64_t{200}}});
  story.publish();
  uint64_t n = 200;
  auto step = [&](int times) {
    for (int i = 0; i < times; ++i) {
      story.set(busy, "n", n += 3);
      story.publish();
    }
  };
  step(1);
  story.emit("age-two", "A row that did not change in one publish has age 2.");
  step(6);
  story.emit("age-eight", "After seven publishes without a change its age is 8.");
  step(1);
  story.emit("age-forgotten", "After eight its history is forgotten.");
  story.set(still, "n", uint64_t{101});
  story.publish();
  story.emit("fresh-row", "A row without history changes: it is listed by its index.");
  story.set(still, "n", uint64_t{102});
  story.publish();
  story.emit("fresh-row-again", "Its history has begun anew.");
  step(7);
  story.set(still, "n", uint64_t{90});
  story.publish();
  story.emit("age-eight-changes", "A row of age 8 changes: it still has its magnitude.");
  story.catch_up(3);
  story.emit("net-with-ages", "A net block carries ages and magnitudes of the rows that it has.");
}

void tell_classes(Maker& to) {
  Story story(to, "one", kPacked);
  std::vector<EntityId> rows;
  for (uint64_t i = 0; i < 40; ++i) rows.push_back(story.add({{"n", 1000 + i}}));
  story.publish();
  uint64_t n = 0;
  auto step = [&](auto&& changes) {
    ++n;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (changes(i)) story.set(rows[i], "n", 1000 + i + n * (i % 5 + 1));
    }
    story.publish();
  };
  step([](size_t) { return true; });
  story.emit("class-of-forty", "Forty rows of age 1 that are not steady change, all of them.");
  step([](size_t i) { return i < 20; });
  story.emit("class-steady", "Forty rows are steady; half of them change again.");
  step([](size_t i) { return i < 18; });
  story.emit(
      "class-old-quiet",
      "Twenty rows of age 2 are quiet, which one flag says; most of the steady ones change.");
  step([](size_t i) { return i == 30; });
  story.emit("class-newest-quiet", "Only an old row changes; the steady ones are quiet.");
  step([](size_t i) { return i == 30 || i == 5 || i == 39; });
  story.emit("classes-mixed", "Rows of all three classes change.");
}

void tell_parts(Maker& to) {
  Story story(to, "one", kPacked);
  std::vector<EntityId> rows;
  for (uint64_t i = 0; i < 12; ++i) rows.push_back(story.add({{"n", i}}));
  story.publish();
  for (size_t i = 0; i < rows.size(); ++i) story.set(rows[i], "n", uint64_t{i + 7});
  story.publish();
  for (size_t i = 0; i < rows.size(); i += 2) story.set(rows[i], "n", uint64_t{i + 14});
  story.remove(rows[7]);
  story.add({{"n", uint64_t{9}}});
  story.publish_parts({{0, 4}, {4, 8}, {8, kEntityIndexMax}});
  story.emit("parts-with-history", "Three parts; each speaks of the candidates in its range.");
}

void tell_fields(Maker& to) {
  Story story(to, "small", kPacked);
  std::vector<EntityId> rows;
  for (uint64_t i = 0; i < 6; ++i) rows.push_back(story.add({{"n", i * 20}}));
  story.publish();
  uint64_t n = 0;
  auto step = [&](bool numbers, bool names) {
    ++n;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (numbers) story.set(rows[i], "n", uint64_t{i * 20 + n % 20});
      if (names) story.set(rows[i], "name", "t" + std::to_string(n));
    }
    story.publish();
  };
  step(true, false);
  step(true, false);
  story.emit("masks-as-before", "The fields that changed twice change again.");
  step(false, true);
  story.emit("masks-otherwise", "The other field changes, in every row.");
  step(true, false);
  story.emit("masks-unsteady", "The rows' last two changes were in different fields.");
  story.set(rows[2], {{"n", uint64_t{250}}, {"name", std::string("both")}});
  story.remove(rows[4]);
  story.publish();
  story.emit("masks-of-one", "One row changes in both fields, one goes.");
  story.enter();
  story.emit("masks-rows", "Rows carry which fields changed at the last two changes.");
}

void tell_entities(Maker& to) {
  Story story(to, "one", kPacked);
  std::vector<EntityId> rows;
  for (uint64_t i = 0; i < 6; ++i) rows.push_back(story.add({{"n", i}}));
  story.publish();
  for (const size_t i : {1u, 2u, 4u}) story.destroy(rows[i]);
  for (uint64_t i = 0; i < 3; ++i) story.add({{"n", 50 + i}});
  story.publish();
  story.emit("tags", "Rows whose reuse count is 2, one after the other.");
  story.enter();
  story.emit("tags-mixed", "Rows of reuse counts 1 and 2.");
}

void tell_jumps(Maker& to) {
  Story story(to, "one", kPacked);
  const EntityId row = story.add({{"n", uint64_t{0}}});
  story.publish();
  for (const uint64_t n : {1u, 65535u, 0u, 30000u, 30001u, 30003u, 1u}) {
    story.set(row, "n", n);
    story.publish();
  }
  story.emit("jumps", "Small and large changes in turn: the magnitude follows slowly.");
}

}  // namespace

void make_packed_stories(Maker& to) {
  tell_steady_motion(to);
  tell_ages(to);
  tell_classes(to);
  tell_parts(to);
  tell_fields(to);
  tell_entities(to);
  tell_jumps(to);
}

}  // namespace ecsdb::vectors
