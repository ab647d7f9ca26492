// Whole rows of the packed tier that are written by hand: columns, history, net blocks.
#include "block_bytes.h"
#include "block_story.h"

namespace ecsdb::vectors {
namespace {

constexpr CodecTier kPacked = CodecTier::kPacked;
constexpr const char* kMalformed = "frame_malformed";
constexpr const char* kNotCanonical = "not_canonical";
constexpr const char* kOutOfRange = "value_out_of_range";

Bytes rows(const Bits& bits, std::string_view texts = {}) {
  return Block(kPackedMode | kRowsMode).hex("0905").add(bits.done()).text(texts);
}
Bytes net(const Bits& bits) { return Block(kPackedMode | kNetMode).hex("0905").add(bits.done()); }

/// Three rows of entity indices 0, 1 and 2 that were not inserted lately.
Bits three_rows() { return Bits().flag(true).list({0, 0, 0}, 0).hits(6, 3).hits(6, 3); }
/// Their column in `one`: each value in 16 bits.
Bits three_numbers() { return three_rows().put(0, 2).put(7, 16).put(8, 16).put(9, 16); }
/// None of them has a history.
Bits& without_history(Bits& bits) { return bits.hits(6, 3); }
/// All of them do.
Bits with_history() { return three_numbers().runs(6, {false, true, true}); }

void make_columns(ByHand& hand) {
  Bits bits = three_numbers();
  hand.good("column-raw", "7, 8 and 9 in 16 bits each.", rows(without_history(bits)));
  bits = three_rows().put(1, 2).put(7, 16).put(2, 6).put(0, 2).put(1, 2).put(2, 2);
  hand.good("column-span", "The same from the least on, in 2 bits each.",
            rows(without_history(bits)));
  bits = three_rows().put(2, 2).put(3, 5).m32(14, 3).m32(2, 3).m32(2, 3);
  hand.good("column-steps", "The same by steps.", rows(without_history(bits)));
  bits = three_rows().put(1, 2).put(65535, 16).put(0, 6);
  hand.good("column-span-of-no-width", "Three equal values.", rows(without_history(bits)));
  bits = three_rows().put(3, 2).put(0, 16);
  hand.bad("column-kind-3", "Kinds of columns are 0 to 2.", rows(without_history(bits)),
           kMalformed);
  bits = three_rows().put(1, 2).put(7, 16).put(33, 6).put(0, 33).put(0, 33).put(0, 33);
  hand.bad("column-width-33", "Values of such lanes have 32 bits at most.",
           rows(without_history(bits)), kMalformed);
  bits = three_rows().put(1, 2).put(65535, 16).put(1, 6).put(0, 1).put(0, 1).put(1, 1);
  hand.bad("column-span-beyond", "65535 and 1 is beyond 16 bits.", rows(without_history(bits)),
           kOutOfRange);
  bits = three_rows().put(2, 2).put(17, 5).m32(131072, 17).m32(0, 17).m32(0, 17);
  hand.bad("column-steps-beyond", "A step to 65536.", rows(without_history(bits)), kOutOfRange);
  bits = three_rows().put(2, 2).put(0, 5).m32(1, 0).m32(0, 0).m32(0, 0);
  hand.bad("column-steps-below", "A step to -1.", rows(without_history(bits)), kOutOfRange);
  bits = three_rows().put(0, 2).put(7, 16).put(8, 16);
  hand.bad("column-cut-short", "The third value is missing.", rows(bits), kMalformed);
  bits = three_rows();
  hand.bad("column-missing", "The column is missing.", rows(bits), kMalformed);
  bits = Bits().flag(true).m32(1000, 0).put(0, 5);
  hand.bad("rows-count-lies", "1001 rows in a few bytes.", rows(bits), kMalformed);
}

/// In `one`, rows of age 1 that are not steady: what follows are the lane's magnitudes.
Bits young() { return with_history().hits(6, 3).runs(6, {false, false, false}); }

void make_history(ByHand& hand) {
  Bits bits = young().runs(6, {false, false, false});
  hand.good("history-without-magnitudes", "Rows that have entered in the last publish.",
            rows(bits));
  bits = young().hits(6, 3).put(0, 3).m32(24, 0).m32(0, 0).m32(1, 0);
  bits.runs(6, {false, true, true}).put(4, 3).put(2, 5).m32(6, 2).m32(10, 2).m32(1, 2);
  hand.good("history-full", "Magnitudes 12, 12 and 11, trend 2, last changes 3, 5 and -1.",
            rows(bits));
  bits = with_history().runs(6, {false, true, false}).put(6, 3).put(0, 3).hits(6, 1);
  bits.runs(6, {false, false, false});
  hand.good("history-of-age-8", "Ages 8, 1 and 2; the second is steady.", rows(bits));
  bits = with_history().runs(6, {false, true, true}).put(7, 3).hits(6, 2);
  bits.runs(6, {false, false, false});
  hand.bad("history-of-age-9", "Ages are 1 to 8.", rows(bits), kMalformed);
  bits = young().hits(6, 3).put(7, 3).m32(258, 7).m32(0, 7).m32(0, 7);
  bits.hits(6, 3).put(0, 5).m32(0, 0).m32(0, 0).m32(0, 0);
  hand.bad("history-magnitude-beyond", "Magnitudes of such lanes are 128 at most.", rows(bits),
           kMalformed);
  bits = young().hits(6, 3).put(0, 3).m32(1, 0).m32(0, 0).m32(0, 0);
  bits.hits(6, 3).put(0, 5).m32(0, 0).m32(0, 0).m32(0, 0);
  hand.bad("history-magnitude-below", "Magnitudes are not below zero.", rows(bits), kMalformed);
  auto with_trend = [](unsigned raw) {
    Bits out = young().hits(6, 3).put(0, 3).m32(0, 0).m32(0, 0).m32(0, 0);
    out.runs(6, {false, true, true}).put(raw, 3).put(0, 5).m32(0, 0).m32(0, 0).m32(0, 0);
    return out;
  };
  bits = with_trend(0);
  hand.good("history-trend-least", "Trends are -2 to 2.", rows(bits));
  bits = with_trend(5);
  hand.bad("history-trend-beyond", "A trend of 3.", rows(bits), kMalformed);
  bits = young().hits(6, 3).put(0, 3).m32(0, 0);
  hand.bad("history-cut-short", "The third magnitude and what follows are missing.", rows(bits),
           kMalformed);
}

/// One row of `small`, of age 1 and not steady; the flags of its last and last but one fields.
Bytes fields_block(const std::vector<bool>& last, const std::vector<bool>& before) {
  Bits bits;
  bits.flag(true).list({4}, 2).hits(6, 1).hits(6, 1);  // row, tag, inserted
  bits.put(0, 2).put(17, 8).put(0, 4).m32(1, 0);       // columns
  bits.runs(6, {false}).hits(6, 1).runs(6, {false});   // live, age, steady
  bits.runs(6, last).runs(6, before).runs(6, {false});
  return rows(bits, "t");
}

void make_fields(ByHand& hand) {
  hand.good("history-fields", "The last change was of the first field, the one before of both.",
            fields_block({true, false}, {true, false}));
  hand.bad("history-without-last-fields", "The last change was of a field at least.",
           fields_block({false, false}, {false, true}), kNotCanonical);
  hand.bad("history-without-fields-before", "So was the one before.",
           fields_block({true, false}, {false, true}), kNotCanonical);
}

void make_net(ByHand& hand) {
  Bits bits = Bits().flag(true).list({3, 0}, 2).runs(6, {true, false}).flag(false).m32(1, 2);
  bits.runs(6, {true, false}).flag(false);
  hand.good("net-two-of-one-index", "Two entities of index 3 go; the second has left.", net(bits));
  bits = Bits().flag(true).list({3, 0}, 2).runs(6, {false, false}).flag(false).m32(1, 2);
  bits.flag(false).m32(0, 2).hits(6, 2).flag(false);
  hand.bad("net-removals-out-of-order", "Entities of one index rise by epoch and reuse count.",
           net(bits), kNotCanonical);
  bits = Bits().flag(true).list({3, 0}, 2).hits(6, 2).hits(6, 2).flag(false);
  hand.bad("net-removal-twice", "An entity goes once.", net(bits), kNotCanonical);
  bits = Bits().flag(true).list({3}, 2).runs(6, {false}).flag(true).put(9, 16).m32(65534, 2);
  bits.hits(6, 1).flag(false);
  hand.good("net-largest-reuse", "Epoch 9, reuse count 65535.", net(bits));
  bits = Bits().flag(true).list({3}, 2).hits(6, 1).hits(6, 1).flag(true).list({3}, 2).hits(6, 1);
  bits.hits(6, 1).put(0, 2).put(1, 16).hits(6, 1);
  hand.bad("net-whole-and-gone", "An entity that goes does not come.", net(bits), "duplicate_row");
}

}  // namespace

void make_packed_by_hand(Maker& to) {
  ByHand one(to, Story(to, "one", kPacked));
  make_columns(one);
  make_history(one);
  make_net(one);
  ByHand small(to, Story(to, "small", kPacked));
  make_fields(small);
}

}  // namespace ecsdb::vectors
