// Relative blocks of the packed tier that are written by hand.
#include "block_bytes.h"
#include "block_story.h"

namespace ecsdb::vectors {
namespace {

constexpr CodecTier kPacked = CodecTier::kPacked;
constexpr const char* kMalformed = "frame_malformed";
constexpr const char* kNotCanonical = "not_canonical";
constexpr const char* kOutOfRange = "value_out_of_range";

/// A cell with rows at the entity indices 0, 2, 3 and 9 after one publish: all are candidates of
/// the second class, without magnitudes.
Story points(Maker& to) {
  Story story(to, "small", kPacked);
  for (uint64_t i = 0; i < 10; ++i) {
    if (i == 0 || i == 2 || i == 3 || i == 9) {
      story.add({{"n", i * 20}, {"name", std::string("p")}});
    } else {
      story.skip();
    }
  }
  story.publish();
  return story;
}

/// The same after ten publishes, in which the row of index 9 alone has changed: the others have no
/// history any more.
Story old_points(Maker& to) {
  Story story = points(to);
  const EntityId last = EntityId::make(9, 1, 1);
  for (uint64_t n = 1; n < 10; ++n) {
    story.set(last, "n", n);
    story.publish();
  }
  return story;
}

Bytes relative(const Bits& bits, std::string_view texts = {}, unsigned publishes = 1) {
  return Block(kPackedMode | chain_mode(publishes)).add(bits.done()).text(texts);
}
Bits none_gone() { return Bits().flag(false).flag(false); }
/// Of the four candidates the first one changes, and no other row.
Bits first_changes() { return none_gone().runs(0, {true, false, false, false}).flag(false); }

void reject_ends(ByHand& hand) {
  const std::vector<bool> quiet(4, false);
  auto nothing = [&] { return none_gone().runs(0, quiet).flag(false); };
  Bits bits = nothing();
  hand.good("empty-relative", "A relative block may say nothing.", relative(bits));
  hand.bad("padding-set", "Bits behind the last one up to a whole byte are zero.",
           Block(kPackedMode | chain_mode(1)).u8(0x80), kMalformed);
  bits = nothing();
  hand.bad("bytes-behind", "One byte follows a block without texts.", relative(bits, "x"),
           kMalformed);
  hand.bad("body-missing", "A header and nothing behind it.", Block(kPackedMode | chain_mode(1)),
           kMalformed);
  bits = first_changes().runs(6, {true, true}).flag(false).m32(2, 2).put(3, 4).m32(3, 3);
  hand.bad("text-bytes-missing", "Two bytes of a text of three.", relative(bits, "ab"), kMalformed);
  bits = first_changes().runs(6, {true, true}).flag(false).m32(2, 2).put(3, 4).m32(3, 3);
  hand.bad("text-bytes-behind", "A text of three bytes and one more.", relative(bits, "abcd"),
           kMalformed);
  bits = first_changes().runs(6, {false, true}).put(3, 4).m32(9, 3);
  hand.bad("text-too-long", "Nine bytes where the schema allows eight.",
           relative(bits, "123456789"), "text_too_long");
  bits = first_changes().runs(6, {false, true}).put(0, 4).m32(1, 0);
  hand.bad("text-not-utf8", "A lone continuation byte.", relative(bits, "\x80"), "bad_text");
}

void reject_lists(ByHand& hand) {
  auto gone = [](const std::vector<uint32_t>& gaps, unsigned k) {
    return Bits().flag(true).list(gaps, k);
  };
  Bits bits = gone({1}, 0).hits(6, 1).flag(false).runs(0, std::vector<bool>(4, false)).flag(false);
  hand.bad("gone-unknown", "A removal of index 1, where there is no row.", relative(bits),
           "unknown_row");
  bits = Bits().flag(true).m32(5000, 0).put(0, 5);
  hand.bad("gone-count-lies", "5001 removals in a few bytes.", relative(bits), kMalformed);
  bits = gone({1u << 24}, 24).hits(6, 1).flag(false).runs(0, std::vector<bool>(4, false)).flag(0);
  hand.bad("gone-index-beyond", "Entity indices are below 2^24.", relative(bits), kMalformed);
  bits = Bits().flag(true).m32(2, 0).put(24, 5).m32(0, 24);
  hand.bad("gone-list-cut-short", "Three gaps of 25 bits each, and bits for one.", relative(bits),
           kMalformed);
  auto entered = [](const std::vector<uint32_t>& gaps) {
    return Bits().flag(false).flag(true).list(gaps, 1);
  };
  bits = entered({5}).put(0b0100, 4);
  hand.bad("tag-run-beyond", "One tag, and a run of two hits before a miss.", relative(bits),
           kMalformed);
  bits = entered({5}).runs(6, {false}).flag(false).m32(0, 2).hits(6, 1);
  hand.bad("tag-repeated", "A tag that is told although it is the one expected.", relative(bits),
           kNotCanonical);
  bits = entered({5}).runs(6, {false}).flag(false).m32(65535, 2).hits(6, 1);
  hand.bad("tag-reuse-beyond", "Reuse counts have 16 bits.", relative(bits), kMalformed);
  bits = Bits().flag(true).list({0}, 0).hits(6, 1).flag(true).list({0}, 0).hits(6, 1).hits(6, 1);
  hand.bad("whole-and-gone", "An entity that goes does not come.", relative(bits), "duplicate_row");
  bits = entered({8}).hits(6, 1).hits(6, 1).runs(0, std::vector<bool>(4, false)).flag(false);
  hand.bad("part-index-outside", "A part of indices 2 to 7 with index 10.",
           Block(kPackedMode | kExtraMode | chain_mode(1)).u8(2).hex("0206").add(bits.done()),
           kMalformed);
  bits = none_gone().runs(0, std::vector<bool>(4, false)).flag(true).list({1}, 0);
  hand.bad("fresh-unknown", "A change of index 1, where there is no row.", relative(bits),
           "unknown_row");
  bits = none_gone().runs(0, std::vector<bool>(4, false)).flag(true).list({2}, 0);
  hand.bad("fresh-with-history", "A row with history is a candidate.", relative(bits),
           kNotCanonical);
}

/// Index 5 comes with the tag that `tag` tells, inserted, with n 7 and no text.
void make_tags(ByHand& hand) {
  auto block = [](const Bits& tag) {
    Bits bits = Bits(tag).hits(6, 1).runs(0, std::vector<bool>(4, false)).flag(false);
    return relative(bits.put(0, 2).put(7, 8).put(0, 4).m32(0, 0));
  };
  auto tag = [] { return Bits().flag(false).flag(true).list({5}, 1).runs(6, {false}); };
  hand.good("tag-of-another-reuse", "Reuse count 5, the epoch as before.",
            block(tag().flag(false).m32(4, 2)));
  hand.good("tag-of-another-epoch", "Epoch 2, reuse count 1.",
            block(tag().flag(true).put(2, 16).m32(0, 2)));
  hand.bad("tag-epoch-needless", "The epoch is told although it is as before.",
           block(tag().flag(true).put(1, 16).m32(4, 2)), kNotCanonical);
}

void reject_fresh(ByHand& hand) {
  auto block = [](const Bits& bits) { return relative(bits, {}, 10); };
  Bits bits = Bits().flag(true).list({0}, 0).hits(6, 1).flag(false).runs(6, {false}).flag(true);
  bits.list({0}, 0);
  hand.bad("fresh-and-gone", "A row that goes does not change.", block(bits), "duplicate_row");
  bits = Bits().flag(false).flag(true).list({0}, 0).hits(6, 1).hits(6, 1).runs(6, {false});
  bits.flag(true).list({0}, 0);
  hand.bad("fresh-and-whole", "A row is changed or whole.", block(bits), "duplicate_row");
}

void reject_values(ByHand& hand) {
  Bits bits = first_changes().runs(6, {false, false});
  hand.bad("change-of-nothing", "A changed row changes in a field at least.", relative(bits),
           kNotCanonical);
  auto number = [] { return first_changes().runs(6, {true, false}); };
  bits = number().flag(false).m32(1, 2);
  hand.bad("value-below", "0 and -1 is below zero.", relative(bits), kOutOfRange);
  bits = number().flag(false).m32(512, 2);
  hand.bad("value-beyond", "0 and 256 is beyond 8 bits.", relative(bits), kOutOfRange);
  bits = number();
  hand.bad("value-cut-short", "The value is missing.", relative(bits), kMalformed);
  bits = number().flag(false).put(0, 12).put(300, 32);
  hand.bad("value-raw-although-short", "12 zeros and a number that has a shorter code.",
           relative(bits), kMalformed);
  bits = number().flag(true).put(31, 5).put(0b100, 3).put(0, 31);
  hand.bad("value-beyond-by-quotient", "Parameter 31 and two zeros: 2^32, which has 33 bits.",
           relative(bits), kMalformed);
  bits = first_changes().put(0b0110, 4);
  hand.bad("masks-run-beyond", "Two flags, and a run of three hits before a miss.", relative(bits),
           kMalformed);
  bits = number().flag(true).put(0, 5).m32(2, 0);
  hand.good("value-parameter-given", "A change of 1 with a parameter of 0.", relative(bits));
  bits = number().flag(false).m32(2, 2);
  hand.good("value-parameter-absent", "The same with the usual parameter.", relative(bits));
  bits = first_changes().runs(6, {false, true}).put(5, 4).m32(1, 5);
  hand.good("text-any-parameter", "The parameter of lengths is free.", relative(bits, "q"));
}

void reject_classes(Maker& to) {
  Story story(to, "one", kPacked);
  for (uint64_t i = 0; i < 16; ++i) story.add({{"n", i}});
  story.publish();
  ByHand hand(to, story);
  Bits bits = none_gone().flag(true).flag(false);
  hand.good("class-flag", "Sixteen candidates: one flag says that none changes.", relative(bits));
  bits = none_gone().flag(false).runs(0, std::vector<bool>(16, false)).flag(false);
  hand.bad("class-without-flag", "Sixteen candidates: that none changes has its flag.",
           relative(bits), kNotCanonical);
  bits = none_gone().flag(false).put(0, 5);
  hand.bad("candidates-cut-short",
           "Bits for five of sixteen candidates; what would follow is zero.", relative(bits),
           kMalformed);
}

void reject_quaternions(Maker& to) {
  Story story(to, "ship", kPacked);
  story.add({{"turn", Quatf{0, 0, 0.5f, 1}}});
  story.publish();
  ByHand hand(to, story);
  auto turn = [] { return none_gone().hits(0, 1).flag(false).runs(6, {false, true, false}); };
  Bits bits = turn().hits(6, 1);
  for (const uint32_t change : {0u, 2u, 2000u}) bits.flag(false).m32(change, 2);
  hand.bad("quaternion-lane-beyond", "A component leaves its 10 bits.", relative(bits),
           kOutOfRange);
  bits = turn().runs(6, {false}).flag(true);
  for (const uint32_t change : {0u, 0u, 3000u}) bits.m32(change, 3);
  hand.bad("quaternion-turn-beyond", "A component leaves its 10 bits in a turn.", relative(bits),
           kOutOfRange);
  bits = turn().runs(6, {false}).flag(true).m32(4, 3);
  hand.bad("quaternion-turn-cut-short", "Two components of the turn are missing.", relative(bits),
           kMalformed);
  for (const int largest : {2, 0, 1}) {
    bits = turn().runs(6, {false}).flag(largest == 2);
    if (largest != 2) bits.flag(largest == 1);
    for (const uint32_t change : {2u, 3u, 0u}) bits.m32(change, 3);
    static constexpr const char* kNames[] = {
        "quaternion-turn-other-first", "quaternion-turn-other-second", "quaternion-turn-expected"};
    hand.good(kNames[largest], "A turn to each of the three other components.", relative(bits));
  }
}

}  // namespace

void make_packed_rejects(Maker& to) {
  ByHand hand(to, points(to));
  reject_ends(hand);
  reject_lists(hand);
  make_tags(hand);
  reject_values(hand);
  ByHand old_hand(to, old_points(to));
  reject_fresh(old_hand);
  reject_classes(to);
  reject_quaternions(to);
}

}  // namespace ecsdb::vectors
