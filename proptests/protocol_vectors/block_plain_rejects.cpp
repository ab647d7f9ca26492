// Blocks of the plain tier that are written by hand: choices that an encoder is free in, and what
// must be refused.
#include "block_bytes.h"
#include "block_story.h"

namespace ecsdb::vectors {
namespace {

constexpr const char* kMalformed = "frame_malformed";
constexpr const char* kNotCanonical = "not_canonical";
constexpr const char* kOutOfRange = "value_out_of_range";
constexpr const char* kUnknownRow = "unknown_row";
constexpr const char* kDuplicate = "duplicate_row";

/// A cell with rows at the entity indices 0, 2, 3 and 9 after one publish.
Story points(Maker& to) {
  Story story(to, "small", CodecTier::kPlain);
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

Block relative() { return Block(kPlainMode | chain_mode(1)); }
Block net() { return Block(kPlainMode | kNetMode).varint(20).varint(2); }
Block rows() { return Block(kPlainMode | kRowsMode).varint(20).varint(2); }

/// Nobody gone, nobody whole; the changed rows are the caller's.
Block changes(std::string_view changed_rows) {
  return relative().hex("00").hex(changed_rows).hex("00");
}

void reject_removals(ByHand& hand) {
  hand.bad("body-missing", "A header and nothing behind it.", relative(), kMalformed);
  hand.bad("bytes-behind", "One byte follows a block without rows.", relative().hex("00000000"),
           kMalformed);
  hand.bad("gone-count-lies", "Five removals in a block of three bytes.", relative().hex("050000"),
           kMalformed);
  hand.bad("gone-unknown", "A removal of index 1, where there is no row.",
           relative().hex("010100").hex("0000"), kUnknownRow);
  hand.bad("gone-bitmap-missing", "The bitmap of removals is missing.", relative().hex("0100"),
           kMalformed);
  hand.bad("gone-unused-bits", "A bitmap of one removal with a second bit.",
           relative().hex("010002").hex("0000"), kMalformed);
  hand.bad("gone-index-beyond", "Entity indices are below 2^24.",
           relative().varint(1).varint(1u << 24).hex("00").hex("0000"), kMalformed);
  hand.bad("rows-with-removals", "A block of rows has no removals.",
           rows().hex("0100").varint(kTag).hex("00").hex("00"), kMalformed);
  hand.bad("net-reuse-zero", "Reuse counts start at 1.",
           net().hex("0100").varint(65536).hex("00").hex("00"), kMalformed);
  hand.bad("net-tag-beyond", "Epoch and reuse count have 32 bits.",
           net().hex("0100").varint(uint64_t{1} << 32 | 1).hex("00").hex("00"), kMalformed);
  hand.bad("net-removals-out-of-order", "Entities of one index rise by epoch and reuse count.",
           net().hex("020000").varint(kTag + 1).varint(kTag).hex("00").hex("00"), kNotCanonical);
  hand.bad("net-removal-twice", "An entity goes once.",
           net().hex("020000").varint(kTag).varint(kTag).hex("00").hex("00"), kNotCanonical);
}

void reject_rows(ByHand& hand) {
  hand.bad("changed-unknown", "A change of index 1, where there is no row.",
           changes("0201").hex("01").hex("010002").hex("00"), kUnknownRow);
  hand.bad("changed-count-lies", "Sixty-three changed rows in a few bytes.",
           relative().hex("00").hex("7e00"), kMalformed);
  hand.bad("changed-bitmap-of-none", "No rows are no bitmap.", relative().hex("00").hex("0100"),
           kNotCanonical);
  hand.bad("changed-bitmap-empty", "A bitmap has a byte at least.",
           changes("030000").hex("01").hex("010002").hex("00"), kMalformed);
  hand.bad("changed-bitmap-late", "Its first bit is the first row.",
           changes("03000102").hex("01").hex("010002").hex("00"), kMalformed);
  hand.bad("changed-bitmap-trailing-zero", "Its last byte is not zero.",
           changes("0300020100").hex("01").hex("010002").hex("00"), kMalformed);
  hand.bad("changed-bitmap-count", "Its bits are as many as the count says.",
           changes("0500010d").hex("01").hex("0100020202").hex("00"), kMalformed);
  hand.bad("changed-bitmap-beyond", "Entity indices are below 2^24.",
           relative().hex("00").hex("05").varint((1u << 24) - 1).hex("0103").hex("00").hex("00"),
           kMalformed);
  hand.bad("changed-and-gone", "A row that goes does not change.",
           relative().hex("010000").hex("0200").hex("00").hex("01010002").hex("00"), kDuplicate);
  hand.bad("whole-and-gone", "An entity that goes does not come.",
           relative()
               .hex("010000")
               .hex("00")
               .hex("0100")
               .varint(kTag)
               .hex("00")
               .hex("01000701")
               .text("p"),
           kDuplicate);
  hand.bad("whole-and-changed", "A row is changed or whole.",
           relative()
               .hex("00")
               .hex("0200")
               .hex("0100")
               .varint(kTag)
               .hex("00")
               .hex("01010002")
               .hex("00")
               .hex("01000701")
               .text("p"),
           kDuplicate);
  hand.bad("whole-count-lies", "Six rows in a few bytes.", relative().hex("0000").hex("06000000"),
           kMalformed);
  hand.bad("whole-reuse-zero", "Reuse counts start at 1.",
           relative().hex("0000").hex("0105").varint(65536).hex("00").hex("01000700"), kMalformed);
  hand.bad("whole-unused-bits", "A bitmap of one row with a second bit.",
           relative().hex("0000").hex("0105").varint(kTag).hex("03").hex("01000700"), kMalformed);
  hand.bad("whole-index-beyond", "Entity indices are below 2^24.",
           relative().hex("0000").varint(1).varint(1u << 24).varint(kTag).hex("01").hex("01000700"),
           kMalformed);
}

void reject_presence(ByHand& hand) {
  hand.bad("presence-3", "Presence is 0, 1 or 2.", changes("0200").hex("03"), kMalformed);
  hand.bad("presence-missing", "The lane's presence is missing.", changes("0200"), kMalformed);
  hand.bad("presence-bitmap-of-all", "All rows are presence 1.",
           changes("0200").hex("0201").hex("010002").hex("00"), kNotCanonical);
  hand.bad("presence-bitmap-of-none", "No rows are presence 0.",
           changes("0200").hex("0200").hex("01").hex("0171"), kNotCanonical);
  hand.bad("presence-unused-bits", "A bitmap of two rows with a fifth bit.",
           changes("040001").hex("0211").hex("010002").hex("01").hex("01710171"), kMalformed);
  hand.bad("presence-bitmap-cut-short", "The bitmap of presence is missing.",
           changes("0200").hex("02"), kMalformed);
  hand.bad("change-of-nothing", "A changed row changes in a field at least.",
           changes("0200").hex("00").hex("00"), kNotCanonical);
}

void reject_columns(ByHand& hand) {
  auto column = [](std::string_view digits) { return changes("0200").hex("01").hex(digits); };
  hand.bad("column-width-0", "A width is 1 at least.", column("0000").hex("00"), kMalformed);
  hand.bad("column-width-5", "Lanes of up to four bytes have four at most.",
           column("05000200000000").hex("00"), kMalformed);
  hand.bad("column-cut-short", "The number of the column is missing.", column("0100"), kMalformed);
  hand.bad("column-change-of-zero", "A row that is present has another value.",
           column("010000").hex("00"), kNotCanonical);
  hand.bad("column-beyond-the-lane", "0 and 256 is beyond 8 bits.", column("02000002").hex("00"),
           kOutOfRange);
  hand.bad("column-below-the-lane", "0 and -1 is below zero.", column("010001").hex("00"),
           kOutOfRange);
  hand.bad("exceptions-count-lies", "Two exceptions in a column of one.", column("0102"),
           kMalformed);
  hand.bad("exception-beyond-the-column", "An exception at the second place of one.",
           column("010101ac02").hex("00").hex("00"), kMalformed);
  hand.bad("exception-that-fits", "A number that fits the width is no exception.",
           column("01010002").hex("00").hex("00"), kNotCanonical);
  hand.bad("exception-stands-twice", "The column holds zero where there is an exception.",
           column("010100ac02").hex("01").hex("00"), kNotCanonical);
  hand.bad("exception-beyond-the-lane", "0 and 300 is beyond 8 bits.",
           column("010100d804").hex("00").hex("00"), kOutOfRange);
  hand.bad("exception-beyond-the-slot", "Numbers of such lanes have 32 bits.",
           column("010100").varint(uint64_t{1} << 32).hex("00").hex("00"), kMalformed);
}

void reject_texts(ByHand& hand) {
  auto text = [](std::string_view digits) {
    return changes("0200").hex("00").hex("01").hex(digits);
  };
  hand.bad("text-too-long", "Nine bytes where the schema allows eight.",
           text("09").text("123456789"), "text_too_long");
  hand.bad("text-not-utf8", "A byte that is no UTF-8.", text("01ff"), "bad_text");
  hand.bad("text-cut-short", "One byte of two.", text("0261"), kMalformed);
  hand.bad("text-length-not-minimal", "Length 1 in two bytes.", text("810061"), kMalformed);
  hand.bad("text-presence-3", "Presence is 0, 1 or 2.", changes("0200").hex("00").hex("03"),
           kMalformed);
  auto whole = [](std::string_view digits) {
    return relative().hex("0000").hex("0105").varint(kTag).hex("01").hex(digits);
  };
  hand.bad("whole-value-beyond", "A value of 256 in a lane of 8 bits.", whole("02000001").hex("00"),
           kOutOfRange);
  hand.bad("whole-width-0", "A width is 1 at least.", whole("0000").hex("00"), kMalformed);
  hand.bad(
      "whole-exception-stands-twice",
      "The column holds 1 where there is an exception; that this one is beyond the lane is found "
      "later.",
      whole("010100ac02").hex("01").hex("00"), kNotCanonical);
  hand.bad("whole-column-cut-short", "The value is missing.", whole("0100"), kMalformed);
  hand.bad("whole-text-too-long", "Nine bytes where the schema allows eight.",
           whole("010007").hex("09").text("123456789"), "text_too_long");
  hand.bad("whole-text-not-utf8", "A lone continuation byte.", whole("010007").hex("0180"),
           "bad_text");
  hand.bad("whole-text-missing", "The text column is missing.", whole("010007"), kMalformed);
}

/// A part of the indices 2 to 7.
Block part() { return Block(kPlainMode | kExtraMode | chain_mode(1)).u8(2).hex("0206"); }

void make_parts(ByHand& hand) {
  auto changes_in_part = [](std::string_view changed_rows) {
    return part().hex("00").hex(changed_rows).hex("00");
  };
  hand.good("part-changes", "A part of the indices 2 to 7, in which two rows change.",
            changes_in_part("040200").hex("01").hex("01000202").hex("00"));
  hand.bad("part-gone-before", "A removal of index 0 in a part of 2 to 7.",
           part().hex("010000").hex("0000"), kMalformed);
  hand.bad("part-gone-behind", "A removal of index 9 in a part of 2 to 7.",
           part().hex("010900").hex("0000"), kMalformed);
  hand.bad("part-changed-before", "A change of index 0 in a part of 2 to 7.",
           changes_in_part("0200").hex("01").hex("010002").hex("00"), kMalformed);
  hand.bad("part-changed-behind", "A change of index 9, by a bitmap, in a part of 2 to 7.",
           changes_in_part("03090101").hex("01").hex("010002").hex("00"), kMalformed);
  auto whole = [](uint64_t index) {
    return part().hex("0000").varint(1).varint(index).varint(kTag).hex("01").hex("01000700");
  };
  hand.good("part-whole-last", "Index 7 comes, the last one of the part.", whole(7));
  hand.bad("part-whole-behind", "Index 8 comes in a part of 2 to 7.", whole(8), kMalformed);
  hand.bad("part-whole-before", "Index 1 comes in a part of 2 to 7.", whole(1), kMalformed);
}

}  // namespace

void make_plain_by_hand(Maker& to) {
  ByHand hand(to, points(to));
  hand.good("empty-relative", "A relative block may say nothing.", relative().hex("000000"));
  hand.good("rows-by-gaps", "Three rows in a row by their gaps.",
            changes("06000100").hex("01").hex("0100020202").hex("00"));
  hand.good("rows-by-bitmap", "The same by a bitmap.",
            changes("0700010d").hex("01").hex("0100020202").hex("00"));
  hand.good("wider-than-needed", "A column may be wider than its numbers need.",
            changes("0200").hex("01").hex("040002000000").hex("00"));
  hand.good("width-with-exception", "0 grows by 150: an exception in a column of one byte.",
            changes("0200").hex("01").hex("010100ac02").hex("00").hex("00"));
}

void make_plain_rejects(Maker& to) {
  ByHand hand(to, points(to));
  reject_removals(hand);
  reject_rows(hand);
  reject_presence(hand);
  reject_columns(hand);
  reject_texts(hand);
  make_parts(hand);
}

}  // namespace ecsdb::vectors
