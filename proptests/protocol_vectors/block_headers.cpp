// Headers of blocks that must be refused, and bodies that are compressed.
#include "block_bytes.h"
#include "block_story.h"

namespace ecsdb::vectors {
namespace {

constexpr const char* kMalformed = "frame_malformed";
constexpr const char* kNotCanonical = "not_canonical";
constexpr const char* kLimit = "limit_exceeded";

/// Bodies that say nothing, on a cell of one row that entered in the last publish.
struct Nothing {
  const char* relative;
  const char* absolute;  // net and rows
};
Nothing nothing_of(CodecTier tier) {
  return tier == CodecTier::kPlain ? Nothing{"000000", "0000"} : Nothing{"00", "00"};
}

void reject_modes(Maker& to, CodecTier tier, const Story& story) {
  const unsigned own = static_cast<unsigned>(tier);
  const Nothing nothing = nothing_of(tier);
  auto bad = [&](const char* name, const char* note, const Bytes& block, const char* error) {
    to.reject(story.prefix() + name, note, story.input({block}), error);
  };
  bad("no-bytes", "A block has a byte at least.", Bytes(), kMalformed);
  bad("tier-2", "Tiers are 0 and 1.", Block(2 | chain_mode(1)).hex(nothing.relative), kMalformed);
  bad("tier-3", "Tiers are 0 and 1.", Block(3 | chain_mode(1)).hex(nothing.relative), kMalformed);
  bad("other-tier", "The tier is not the table's.",
      Block((1 - own) | chain_mode(1)).hex(nothing_of(static_cast<CodecTier>(1 - own)).relative),
      kMalformed);
  bad("form-3", "Forms are 0 to 2.", Block(own | 3u << 2).hex("0202").hex(nothing.absolute),
      kMalformed);
  bad("chain-before", "The block follows publish 0; the cell has had one.",
      Block(own | chain_mode(0)).hex(nothing.relative), "wrong_baseline");
  bad("chain-behind", "The block follows publish 2; the cell has had one.",
      Block(own | chain_mode(2)).hex(nothing.relative), "wrong_baseline");
  bad("extra-of-nothing", "A second header byte that says nothing.",
      Block(own | kExtraMode | chain_mode(1)).u8(0).hex(nothing.relative), kNotCanonical);
  bad("extra-bit-2", "The second header byte has two bits.",
      Block(own | kExtraMode | chain_mode(1)).u8(4).hex(nothing.relative), kMalformed);
  bad("extra-missing", "The second header byte is missing.",
      Block(own | kExtraMode | chain_mode(1)), kMalformed);
}

void reject_details(Maker& to, CodecTier tier, const Story& story) {
  const unsigned own = static_cast<unsigned>(tier);
  const Nothing nothing = nothing_of(tier);
  auto bad = [&](const char* name, const char* note, const Bytes& block, const char* error) {
    to.reject(story.prefix() + name, note, story.input({block}), error);
  };
  auto part = [&](uint64_t begin, uint64_t count) {
    return Block(own | kExtraMode | chain_mode(1)).u8(2).varint(begin).varint(count);
  };
  bad("net-with-chain", "Only relative blocks have a chain.",
      Block(own | kNetMode | chain_mode(1)).hex("0202").hex(nothing.absolute), kMalformed);
  bad("rows-with-chain", "Only relative blocks have a chain.",
      Block(own | kRowsMode | chain_mode(1)).hex("0202").hex(nothing.absolute), kMalformed);
  bad("net-version-missing", "Version and publishes are missing.", Block(own | kNetMode),
      kMalformed);
  bad("net-publishes-missing", "Publishes and body are missing.", Block(own | kNetMode).hex("02"),
      kMalformed);
  bad("net-version-not-minimal", "Version 2 in two bytes.",
      Block(own | kNetMode).hex("8200").hex("02").hex(nothing.absolute), kMalformed);
  bad("net-publishes-beyond", "Publishes have 32 bits.",
      Block(own | kNetMode).hex("02").varint(uint64_t{1} << 32).hex(nothing.absolute), kMalformed);
  bad("net-part", "Only relative blocks have parts.",
      Block(own | kNetMode | kExtraMode).u8(2).hex("0202").hex("0005").hex(nothing.absolute),
      kNotCanonical);
  bad("part-of-everything", "A part of every index is no part.",
      part(0, 1u << 24).hex(nothing.relative), kNotCanonical);
  bad("part-of-no-indices", "A part has an index at least.", part(0, 0).hex(nothing.relative),
      kNotCanonical);
  to.accept(story.prefix() + "part-of-one-index", "The smallest part.",
            story.input({part(0, 1).hex(nothing.relative)}));
  bad("part-beyond", "A part ends at index 2^24 at most.", part(5, 1u << 24).hex(nothing.relative),
      kMalformed);
  bad("part-cut-short", "The end of the part is missing.",
      Block(own | kExtraMode | chain_mode(1)).u8(2).hex("05"), kMalformed);
}

// ---- Compressed bodies ----

/// A zstd frame of raw blocks and blocks of one repeated byte, as RFC 8878 has them.
class ZstdFrame {
 public:
  explicit ZstdFrame(std::string_view header) : bytes_(from_hex(header).value_or(Bytes())) {}
  ZstdFrame& raw(ByteSpan content, bool is_last) {
    block(is_last, 0, content.size());
    bytes_.insert(bytes_.end(), content.begin(), content.end());
    return *this;
  }
  ZstdFrame& repeat(uint8_t byte, size_t count) {
    block(true, 1, count);
    bytes_.push_back(byte);
    return *this;
  }
  ZstdFrame& hex(std::string_view digits) {
    const Bytes more = from_hex(digits).value_or(Bytes());
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }
  ZstdFrame& drop(size_t count) {
    bytes_.resize(bytes_.size() - count);
    return *this;
  }
  const Bytes& bytes() const { return bytes_; }

 private:
  void block(bool is_last, unsigned type, size_t size) {
    const size_t header = (is_last ? 1u : 0u) | type << 1 | size << 3;
    for (unsigned i = 0; i < 3; ++i) bytes_.push_back(static_cast<uint8_t>(header >> (8 * i)));
  }
  Bytes bytes_;
};

constexpr const char* kMagic = "28b52ffd";

std::string size_hex(size_t value, unsigned bytes) {
  Bytes out;
  for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
  return to_hex(out);
}
/// One segment whose content has so many bytes, from 256 on.
std::string segment_header(size_t content) { return kMagic + ("60" + size_hex(content - 256, 2)); }

/// The body of one row of `texts` (index 0, inserted long ago) whose blob has so many bytes that
/// follow.
Bytes body_of_blob(CodecTier tier, size_t blob_bytes) {
  Bytes out;
  if (tier == CodecTier::kPlain) {
    ByteWriter writer(out);
    for (const uint64_t value : {uint64_t{0}, uint64_t{1}, uint64_t{0}, kTag, uint64_t{0}}) {
      writer.varint(value);  // gone, whole, gap, tag, inserted
    }
    writer.varint(0);  // line
    writer.varint(blob_bytes);
    return out;
  }
  Bits bits;
  bits.flag(true).list({0}, 0).hits(6, 1).hits(6, 1);  // rows, tags, inserted
  bits.put(0, 4).m32(0, 0);                            // line
  bits.put(10, 4).m32(static_cast<uint32_t>(blob_bytes), 10);
  bits.hits(6, 1);  // no history
  return bits.done();
}

class Compressed {
 public:
  Compressed(Maker& to, CodecTier tier) : to_(to), tier_(tier), story_(to, "texts", tier) {}
  void good(const char* name, const char* note, const ZstdFrame& frame) {
    to_.accept(story_.prefix() + name, note, input(frame));
  }
  void bad(const char* name, const char* note, const ZstdFrame& frame, const char* error) {
    to_.reject(story_.prefix() + name, note, input(frame), error);
  }

 private:
  Json input(const ZstdFrame& frame) {
    const Bytes block = Block(static_cast<unsigned>(tier_) | kRowsMode | kExtraMode)
                            .u8(1)
                            .hex("0201")
                            .add(frame.bytes());
    Json out = Json::object({{"needs", "zstd"}});
    const Json given = story_.input({block});
    for (const Json::Member& member : given.members()) out.set(member.first, member.second);
    return out;
  }
  Maker& to_;
  CodecTier tier_;
  Story story_;
};

void make_by_hand(Compressed to, CodecTier tier) {
  const Bytes body = body_of_blob(tier, 300);
  const size_t content = body.size() + 300;
  auto frame = [&](const std::string& header) {
    return ZstdFrame(header).raw(body, false).repeat(0x41, 300);
  };
  const std::string good_header = segment_header(content);
  to.good("compressed", "A body in a raw block and a block of one repeated byte.",
          frame(good_header));
  to.good("compressed-with-window", "A frame that names its window of 1 MiB, the largest.",
          frame(kMagic + ("40"
                          "50" +
                          size_hex(content - 256, 2))));
  // The frame of n repeated bytes has as many bytes as that of 300.
  const size_t most = 64 * frame(good_header).bytes().size();
  const Bytes large = body_of_blob(tier, most - body.size());
  to.good("compressed-64-to-1", "A body exactly 64 times as long as its frame.",
          ZstdFrame(segment_header(most)).raw(large, false).repeat(0, most - body.size()));
  to.bad("compressed-65-to-1", "A body a byte longer than 64 times its frame.",
         ZstdFrame(segment_header(most + 1)).raw(large, false).repeat(0, most + 1 - body.size()),
         kLimit);
  to.bad("compressed-window-too-large", "A window of 1 MiB and an eighth.",
         frame(kMagic + ("40"
                         "51" +
                         size_hex(content - 256, 2))),
         kLimit);
  to.bad("compressed-too-long", "A claim of 196609 bytes, which is also more than 64 to 1.",
         ZstdFrame(kMagic + ("a0" + size_hex(196609, 4))).raw(body, false).repeat(0, 131072),
         kLimit);
  to.bad("compressed-no-frame", "The body does not begin with the magic number.",
         frame("29b52ffd60" + size_hex(content - 256, 2)), kMalformed);
  to.bad("compressed-no-size", "The frame does not tell its content's size.",
         frame(kMagic + std::string("0050")), kMalformed);
  to.bad("compressed-dictionary", "The frame names a dictionary.",
         frame(kMagic + ("61"
                         "07" +
                         size_hex(content - 256, 2))),
         kMalformed);
  to.bad("compressed-reserved-bit", "A reserved bit of the frame is set.",
         frame(kMagic + ("68" + size_hex(content - 256, 2))), kMalformed);
  to.bad("compressed-size-too-small", "The content is a byte longer than it says.",
         frame(segment_header(content - 1)), kMalformed);
  to.bad("compressed-size-too-large", "The content is a byte shorter than it says.",
         frame(segment_header(content + 1)), kMalformed);
  to.bad("compressed-header-cut-short", "The frame ends in its header.",
         ZstdFrame(kMagic + std::string("60")), kMalformed);
  to.bad("compressed-cut-short", "The frame lacks its last byte.", frame(good_header).drop(1),
         kMalformed);
  to.bad("compressed-bytes-behind", "A byte follows the frame.", frame(good_header).hex("00"),
         kMalformed);
  to.bad("compressed-wrong-checksum", "The frame has a checksum of its own, which is wrong.",
         frame(kMagic + ("64" + size_hex(content - 256, 2))).hex("00000000"), kMalformed);
  to.bad("compressed-block-type", "A block of the frame has the reserved type 3.",
         ZstdFrame(good_header).hex("070000"), kMalformed);
  to.bad("compressed-bad-body", "The frame is good; its content lacks the last byte of a text.",
         ZstdFrame(segment_header(content - 1)).raw(body, false).repeat(0x41, 299), kMalformed);
}

/// A block of 4097 rows of a table that replicates 256 columns: a row more than allowed.
Bytes too_many_rows(CodecTier tier) {
  constexpr uint32_t kRows = kBlockValuesMax / 256 + 1;
  Block block(static_cast<unsigned>(tier) | kRowsMode);
  block.hex("0201");
  if (tier == CodecTier::kPlain) {
    return block.varint(0).varint(kRows).add(Bytes(kRows));  // gone, whole, gaps
  }
  Bits bits;
  bits.flag(true).list(std::vector<uint32_t>(kRows), 0).hits(6, kRows).hits(6, kRows);
  for (int column = 0; column < 256; ++column) bits.put(1, 2).put(0, 32).put(0, 6);
  bits.hits(6, kRows);  // no history
  return block.add(bits.done());
}

}  // namespace

void make_header_rejects(Maker& to, CodecTier tier) {
  Story story(to, "one", tier);
  story.add({{"n", uint64_t{1}}});
  story.publish();
  reject_modes(to, tier, story);
  reject_details(to, tier, story);
  const Story vast(to, "vast", tier);
  to.reject(
      vast.prefix() + "too-many-whole-rows",
      tier == CodecTier::kPlain
          ? "4097 rows of 256 columns, where 4096 are allowed; it ends behind the gaps, as no "
            "block could hold the columns."
          : "4097 rows of 256 columns, where 4096 are allowed; the rest is as it should be.",
      vast.input({too_many_rows(tier)}), kLimit);
}

/// What the zstd library makes of a block; its versions may differ.
void make_by_library(Maker& to, CodecTier tier) {
  Story story(to, "texts", tier);
  for (int i = 0; i < 40; ++i) {
    story.add({{"line", "line number " + std::to_string(i * i) + " of some text"},
               {"blob", Blob(static_cast<size_t>(i), static_cast<uint8_t>(i))}});
  }
  story.publish();
  wire_test::Picked picked =
      wire_test::pick(story.db(), CellRef{0, 0}, BlockForm::kRows, Version{0});
  const Bytes block = picked.encode();
  Bytes compressed;
  if (!BlockEncoder().compress(picked.ready(), block, compressed)) return;
  Json input = Json::object({{"needs", "zstd"}, {"library", true}});
  const Json given = Story(to, "texts", tier).input({compressed});
  for (const Json::Member& member : given.members()) input.set(member.first, member.second);
  to.accept(story.prefix() + "compressed-by-zstd",
            "A body as the zstd library compresses it, with literals, matches and tables.", input);
}

void make_compressed(Maker& to, CodecTier tier) {
  make_by_hand(Compressed(to, tier), tier);
  make_by_library(to, tier);
}

}  // namespace ecsdb::vectors
