// Integers, checksums, hashes and the codes of bit strings.
#include "ecsdb/base/hash.h"
#include "ecsdb/schema/canonical.h"
#include "ecsdb/store/history.h"
#include "ecsdb/wire/bits.h"
#include "ecsdb/wire/messages.h"

#include "groups.h"

namespace ecsdb::vectors {
namespace {

std::string wire_hex(const Hash128& hash) {
  Bytes out;
  ByteWriter writer(out);
  writer.u64(hash.high);
  writer.u64(hash.low);
  return to_hex(out);
}

Json malformed() { return error_outcome(fail(ErrorCode::kFrameMalformed), false); }

Json play_varint(const Json& input, bool is_signed) {
  const Bytes bytes = bytes_of(input.at("bytes"));
  ByteReader in(bytes);
  const uint64_t value = in.varint();
  if (!in.exhausted()) return malformed();
  return expect_outcome(Json::object(
      {{"value", is_signed ? std::to_string(unzigzag(value)) : std::to_string(value)}}));
}

template <class S>
Json play_magnitudes(const Json& input) {
  const Bytes bytes = bytes_of(input.at("bits"));
  BitReader in(bytes);
  Json values = Json::array();
  const unsigned k = static_cast<unsigned>(input.at("k").u64());
  for (uint64_t left = input.at("count").u64(); left > 0 && in.ok(); --left) {
    values.add(std::to_string(in.magnitude<S>(k)));
  }
  if (!in.ok()) return malformed();
  return expect_outcome(
      Json::object({{"values", values}, {"bits_read", bytes.size() * 8 - in.bits_left()}}));
}

Json play_runs(const Json& input) {
  const Bytes bytes = bytes_of(input.at("bits"));
  const size_t flags = input.at("flags").u64();
  BitReader in(bytes);
  RunDecoder runs(static_cast<unsigned>(input.at("state").u64()), flags);
  Json misses = Json::array();
  for (size_t at = 0; (at = runs.next_miss(in)) < flags && in.ok();) misses.add(at);
  if (!in.ok()) return malformed();
  return expect_outcome(
      Json::object({{"misses", misses}, {"bits_read", bytes.size() * 8 - in.bits_left()}}));
}

Json play_float_order(const Json& input) {
  const uint64_t bits = input.at("float_bits").u64();
  const bool is_wide = input.at("width").u64() == 64;
  const auto narrow = static_cast<uint32_t>(bits);
  const int64_t order = is_wide ? static_cast<int64_t>(float_order(bits))
                                : int64_t{static_cast<int32_t>(float_order(narrow))};
  return expect_outcome(Json::object({{"order", std::to_string(order)}}));
}

Json play_tail_checksum(const Json& input) {
  TailChecksum sum;
  for (const Json& block : input.at("of").items()) {
    sum.add(static_cast<uint32_t>(block.at("handle").u64()),
            static_cast<uint32_t>(block.at("generation").u64()), Version{block.at("base").u64()},
            crc32c(bytes_of(block.at("bytes"))));
  }
  return expect_outcome(Json::object({{"value", sum.value().value}}));
}

Json play(const Group&, const Json& input) {
  const std::string& kind = input.at("kind").text();
  const Bytes bytes = bytes_of(input.at("bytes"));
  if (kind == "varint") return play_varint(input, false);
  if (kind == "zigzag") return play_varint(input, true);
  if (kind == "crc32c") return expect_outcome(Json::object({{"value", crc32c(bytes)}}));
  if (kind == "hash128") {
    return expect_outcome(Json::object({{"bytes", wire_hex(hash128(bytes))}}));
  }
  if (kind == "utf8") return expect_outcome(Json::object({{"valid", is_utf8(as_text(bytes))}}));
  if (kind == "magnitudes") {
    return input.at("width").u64() == 64 ? play_magnitudes<uint64_t>(input)
                                         : play_magnitudes<uint32_t>(input);
  }
  if (kind == "runs") return play_runs(input);
  if (kind == "float_order") return play_float_order(input);
  if (kind == "tail_checksum") return play_tail_checksum(input);
  return Json::object({{"problem", "unknown kind"}});
}

Json with_bytes(const char* kind, std::string hex) {
  return Json::object({{"kind", kind}, {"bytes", std::move(hex)}});
}

void make_varints(Maker& to) {
  auto good = [&](const char* name, const char* note, const char* hex, const char* value) {
    to.accept(name, note, with_bytes("varint", hex), Json::object({{"value", value}}));
  };
  good("varint-zero", "Zero is one byte.", "00", "0");
  good("varint-one-byte-most", "127 is the largest that one byte holds.", "7f", "127");
  good("varint-two-bytes-least", "128 takes two bytes, low seven bits first.", "8001", "128");
  good("varint-300", "300 is 2 * 128 + 44.", "ac02", "300");
  good("varint-two-bytes-most", "16383 fills two bytes.", "ff7f", "16383");
  good("varint-32-bits", "The largest number of 32 bits.", "ffffffff0f", "4294967295");
  good("varint-63-bits", "Nine bytes hold 63 bits.", "ffffffffffffffff7f", "9223372036854775807");
  good("varint-highest-bit", "The tenth byte holds the highest bit alone.", "80808080808080808001",
       "9223372036854775808");
  good("varint-64-bits", "The largest number of 64 bits.", "ffffffffffffffffff01",
       "18446744073709551615");
  auto bad = [&](const char* name, const char* note, const char* hex) {
    to.reject(name, note, with_bytes("varint", hex), "frame_malformed");
  };
  bad("varint-empty", "There must be at least one byte.", "");
  bad("varint-cut-short", "The last byte says that another follows.", "80");
  bad("varint-cut-short-after-nine", "Nine bytes say that another follows.", "ffffffffffffffffff");
  bad("varint-zero-in-two-bytes", "Zero has the shorter form 00.", "8000");
  bad("varint-one-in-three-bytes", "One has the shorter form 01.", "818000");
  bad("varint-zero-byte-at-the-end", "A last byte of zero adds nothing.", "ffffffff00");
  bad("varint-65-bits", "The tenth byte may be 1 at most.", "ffffffffffffffffff02");
  bad("varint-tenth-byte-continues", "Ten bytes are the most.", "8080808080808080808101");
  bad("varint-eleven-bytes", "An eleventh byte is too many even if it is zero.",
      "8080808080808080808000");
  bad("varint-and-more", "The vector is one varint and nothing behind it.", "0100");
}

void make_zigzags(Maker& to) {
  auto good = [&](const char* name, const char* note, const char* hex, const char* value) {
    to.accept(name, note, with_bytes("zigzag", hex), Json::object({{"value", value}}));
  };
  good("zigzag-zero", "0 stands for 0.", "00", "0");
  good("zigzag-minus-one", "1 stands for -1.", "01", "-1");
  good("zigzag-one", "2 stands for 1.", "02", "1");
  good("zigzag-minus-two", "3 stands for -2.", "03", "-2");
  good("zigzag-64", "128 stands for 64.", "8001", "64");
  good("zigzag-most", "The largest signed number of 64 bits.", "feffffffffffffffff01",
       "9223372036854775807");
  good("zigzag-least", "The least signed number of 64 bits.", "ffffffffffffffffff01",
       "-9223372036854775808");
  to.reject("zigzag-not-minimal", "The varint below the zigzag must be minimal.",
            with_bytes("zigzag", "8000"), "frame_malformed");
}

void make_hashes(Maker& to) {
  auto crc = [&](const char* name, const char* note, std::string hex, uint32_t value) {
    to.accept(name, note, with_bytes("crc32c", std::move(hex)), Json::object({{"value", value}}));
  };
  crc("crc32c-empty", "Of nothing.", "", 0);
  crc("crc32c-check", "The usual check: the digits 1 to 9.", "313233343536373839", 0xe3069283);
  crc("crc32c-zeros", "32 bytes of zero.", std::string(64, '0'), 0x8a9136aa);
  crc("crc32c-ones", "32 bytes of ff.", std::string(64, 'f'), 0x62a8ab43);
  to.accept("crc32c-one-byte", "One byte alone.", with_bytes("crc32c", "61"));
  auto hash = [&](const char* name, const char* note, std::string hex) {
    to.accept(name, note, with_bytes("hash128", std::move(hex)));
  };
  hash("hash128-empty", "Of nothing.", "");
  hash("hash128-one-byte", "Less than a word.", "61");
  hash("hash128-eight-bytes", "One whole word.", "0102030405060708");
  hash("hash128-nine-bytes", "A whole word and one byte.", "010203040506070809");
  hash("hash128-zeros-count", "The length counts: two words of zero.", std::string(32, '0'));
  auto sum = [&](const char* name, const char* note, std::initializer_list<Json> blocks) {
    to.accept(name, note, Json::object({{"kind", "tail_checksum"}, {"of", Json::array(blocks)}}));
  };
  auto block = [](uint32_t handle, uint32_t generation, const char* base, const char* hex) {
    return Json::object(
        {{"handle", handle}, {"generation", generation}, {"base", base}, {"bytes", hex}});
  };
  sum("tail-checksum-empty", "A frame without blocks has checksum 0.", {});
  sum("tail-checksum-one", "One block for handle 3 of generation 1 on version 5.",
      {block(3, 1, "5", "00000102")});
  sum("tail-checksum-order-counts", "Two blocks, one after the other.",
      {block(0, 1, "0", "aa"), block(7, 2, "18446744073709551615", "bbcc")});
}

void make_utf8(Maker& to) {
  auto text = [&](const char* name, const char* note, const char* hex, bool valid) {
    to.accept(name, note, with_bytes("utf8", hex), Json::object({{"valid", valid}}));
  };
  text("utf8-empty", "The empty text is valid.", "", true);
  text("utf8-all-lengths", "Characters of one to four bytes.", "41c3bce282acf09f9880", true);
  text("utf8-nul", "A zero byte is a character like others.", "00", true);
  text("utf8-last-character", "U+10FFFF is the last.", "f48fbfbf", true);
  text("utf8-beyond-the-last", "U+110000 is none.", "f4908080", false);
  text("utf8-overlong-two", "A slash in two bytes.", "c0af", false);
  text("utf8-overlong-three", "A slash in three bytes.", "e080af", false);
  text("utf8-overlong-four", "A slash in four bytes.", "f08080af", false);
  text("utf8-surrogate", "U+D800 is no character.", "eda080", false);
  text("utf8-below-the-surrogates", "U+D7FF is one.", "ed9fbf", true);
  text("utf8-lone-continuation", "A continuation byte without its lead.", "80", false);
  text("utf8-cut-short", "The last character lacks a byte.", "41e282", false);
  text("utf8-latin-1", "A byte of another encoding.", "4dfc6c6c", false);
}

void make_float_orders(Maker& to) {
  auto narrow = [&](const char* name, const char* note, uint32_t bits, const char* order) {
    to.accept(name, note,
              Json::object({{"kind", "float_order"}, {"width", 32}, {"float_bits", bits}}),
              Json::object({{"order", order}}));
  };
  narrow("float-order-zero", "Bits of 0.0.", 0, "0");
  narrow("float-order-minus-zero", "Minus zero comes just before zero.", 0x80000000, "-1");
  narrow("float-order-one", "Positive floats keep their bits.", 0x3f800000, "1065353216");
  narrow("float-order-minus-one", "Negative ones are mirrored.", 0xbf800000, "-1065353217");
  narrow("float-order-infinity", "Infinity comes after every number.", 0x7f800000, "2139095040");
  narrow("float-order-nan", "A NaN with a payload is ordered by its bits.", 0xffc00001,
         "-2143289346");
  auto wide = [&](const char* name, const char* note, const char* bits, const char* order) {
    to.accept(name, note,
              Json::object({{"kind", "float_order"}, {"width", 64}, {"float_bits", bits}}),
              Json::object({{"order", order}}));
  };
  wide("float-order-wide-one", "1.0 in 64 bits.", "4607182418800017408", "4607182418800017408");
  wide("float-order-wide-minus-zero", "Minus zero in 64 bits.", "9223372036854775808", "-1");
  wide("float-order-wide-minus-one", "-1.0 in 64 bits.", "13830554455654793216",
       "-4607182418800017409");
}

}  // namespace

const GroupKind& primitives_group() {
  static const GroupKind kGroup = {"primitives",
                                   "Integers, checksums, hashes and the codes of bit strings.",
                                   [](Maker& to) {
                                     make_varints(to);
                                     make_zigzags(to);
                                     make_hashes(to);
                                     make_utf8(to);
                                     make_float_orders(to);
                                     make_bit_codes(to);
                                   },
                                   play};
  return kGroup;
}

}  // namespace ecsdb::vectors
