// The preface and frames on the byte stream.
#include "ecsdb/base/hash.h"
#include "ecsdb/wire/frame.h"

#include "groups.h"
#include "message_json.h"

namespace ecsdb::vectors {
namespace {

Json play_preface(const Json& input) {
  const Bytes bytes = bytes_of(input.at("bytes"));
  if (bytes.size() != kPrefaceBytes) return {};
  const Result<Preface> preface = decode_preface(bytes);
  if (!preface.ok()) return error_outcome(preface.error(), false);
  return expect_outcome(Json::object({{"protocol_min", preface->protocol_min},
                                      {"protocol_max", preface->protocol_max},
                                      {"features", preface->features}}));
}

Json play_stream(const Json& input) {
  FrameReader reader({input.at("limits").at("head").u64(), input.at("limits").at("tail").u64()});
  Json frames = Json::array();
  size_t taken = 0;
  size_t fed = 0;
  for (const Json& piece : input.at("pieces").items()) {
    const Bytes bytes = bytes_of(piece);
    fed += bytes.size();
    reader.feed(bytes);
    while (true) {
      const auto frame = reader.next();
      if (!frame.ok()) {
        return error_outcome(frame.error(), false)
            .set("expect", Json::object({{"frames", frames}}));
      }
      if (!frame->has_value()) break;
      taken += (*frame)->bytes;
      frames.add(Json::object({{"type", static_cast<unsigned>((*frame)->type)},
                               {"head", to_hex((*frame)->head)},
                               {"tail", to_hex((*frame)->tail)}}));
    }
  }
  return expect_outcome(Json::object({{"frames", frames}, {"rest", fed - taken}}));
}

Json play(const Group&, const Json& input) {
  const std::string& kind = input.at("kind").text();
  if (kind == "preface") return play_preface(input);
  if (kind == "stream") return play_stream(input);
  return Json::object({{"problem", "unknown kind"}});
}

Json preface_input(std::string hex) {
  return Json::object({{"kind", "preface"}, {"bytes", std::move(hex)}});
}

void make_prefaces(Maker& to) {
  const std::string magic = "ec65637364620d0a";
  to.accept("preface", "Protocol 1 and no features.",
            preface_input(magic + "0101" + "0000" + "00000000"));
  to.accept("preface-features", "Features are 32 bits, low byte first; unknown ones are no error.",
            preface_input(magic + "0101" + "0000" + "01000080"));
  to.accept("preface-range", "A client may speak a range of protocols.",
            preface_input(magic + "0009" + "0000" + "00000000"));
  auto bad = [&](const char* name, const char* note, std::string hex) {
    to.reject(name, note, preface_input(std::move(hex)), "bad_preface");
  };
  bad("preface-first-byte", "The first byte is ec.",
      "ed65637364620d0a"
      "0101000000000000");
  bad("preface-last-magic-byte", "The eighth byte is a line feed.",
      "ec65637364620d0d"
      "0101000000000000");
  bad("preface-range-inverted", "The least protocol is above the greatest.",
      magic + "0201" + "0000" + "00000000");
  bad("preface-reserved", "Two bytes are reserved and zero.", magic + "0101" + "0001" + "00000000");
  bad("preface-of-http", "Another protocol speaks.", to_hex(as_bytes("GET / HTTP/1.1\r\n")));
}

Bytes frame_bytes(unsigned type, const Bytes& head, const Bytes& tail = {}) {
  Bytes out;
  append_frame(out, static_cast<MessageType>(type), head, tail.size());
  out.insert(out.end(), tail.begin(), tail.end());
  return out;
}
Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

/// A frame whose header is given, and whose checksum is right.
Bytes sealed(std::string_view header_and_head) {
  Bytes out = from_hex(header_and_head).value_or(Bytes());
  ByteWriter(out).u32(crc32c(out));
  return out;
}

Json stream_input(std::initializer_list<Bytes> pieces, size_t head_max = kFrameHeadBytesMax,
                  size_t tail_max = kFrameTailBytesMax) {
  Json items = Json::array();
  for (const Bytes& piece : pieces) items.add(to_hex(piece));
  return Json::object({{"kind", "stream"},
                       {"limits", Json::object({{"head", head_max}, {"tail", tail_max}})},
                       {"pieces", items}});
}
Json in_pieces(const Bytes& stream, size_t bytes) {
  Json input = stream_input({});
  Json items = Json::array();
  for (size_t at = 0; at < stream.size(); at += bytes) {
    items.add(to_hex(ByteSpan(stream).subspan(at, std::min(bytes, stream.size() - at))));
  }
  return input.set("pieces", items);
}

void make_streams(Maker& to) {
  const Bytes plain = frame_bytes(4, {7});
  const Bytes tailed = frame_bytes(21, {3, 0, 0}, {0xaa, 0xbb, 0xcc, 0xdd, 0xee});
  to.accept("frame-least", "No head and no tail.", stream_input({frame_bytes(3, {})}));
  to.accept("frame-with-head", "A client's heartbeat.", stream_input({plain}));
  to.accept("frame-with-tail", "The tail follows the checksum, which does not cover it.",
            stream_input({tailed}));
  to.accept("frame-unknown-type", "A frame of a type that nobody knows is a frame.",
            stream_input({frame_bytes(200, {1, 2})}));
  to.accept("frames-in-one-piece", "Three frames at once.",
            stream_input({joined({plain, tailed, plain})}));
  to.accept("frames-byte-by-byte", "Three frames, a byte at a time.",
            in_pieces(joined({plain, tailed, plain}), 1));
  to.accept("frames-in-fives", "Three frames in pieces of five bytes.",
            in_pieces(joined({tailed, plain, tailed}), 5));
  Bytes cut = joined({plain, tailed});
  cut.resize(cut.size() - 1);
  to.accept("frame-unfinished-tail", "The last byte of the tail is still to come.",
            stream_input({cut}));
  cut.resize(plain.size() + 1);
  to.accept("frame-unfinished-header", "Of the second frame only the type is there.",
            stream_input({cut}));
  to.accept("frame-unfinished-checksum", "The checksum lacks a byte.",
            stream_input({Bytes(plain.begin(), plain.end() - 1)}));
  to.accept("frame-empty-pieces", "Pieces may be empty.", stream_input({Bytes(), plain, Bytes()}));
  to.accept("frame-head-at-limit", "A head as long as it may be.",
            stream_input({frame_bytes(1, Bytes(200, 1))}, 200, 0));
  to.accept("frame-tail-at-limit", "A tail as long as it may be.",
            stream_input({frame_bytes(20, {}, Bytes(300, 2))}, 200, 300));
  to.accept("frame-long-head-claimed", "A claim at the limit is no error before the bytes come.",
            stream_input({from_hex("1580800400").value()}));
}

void make_stream_rejects(Maker& to) {
  const Bytes good = frame_bytes(4, {7});
  auto bad = [&](const char* name, const char* note, Json input, const char* error) {
    to.reject(name, note, std::move(input), error);
  };
  auto damaged = [&](size_t byte) {
    Bytes out = frame_bytes(21, {3, 0, 0}, {0xaa, 0xbb});
    out[byte] ^= 0x40;
    return out;
  };
  bad("frame-checksum", "The checksum is wrong.", stream_input({damaged(6)}), "checksum_mismatch");
  bad("frame-damaged-head", "A bit of the head has flipped.", stream_input({damaged(4)}),
      "checksum_mismatch");
  bad("frame-damaged-type", "A bit of the type has flipped.", stream_input({damaged(0)}),
      "checksum_mismatch");
  bad("frame-second-damaged", "The first of two frames is good.",
      stream_input({joined({good, damaged(6)})}), "checksum_mismatch");
  Bytes without_tail = damaged(6);
  without_tail.resize(without_tail.size() - 2);
  bad("frame-damaged-before-its-tail", "The checksum is looked at before the tail has come.",
      stream_input({without_tail}), "checksum_mismatch");
  bad("frame-damaged-and-more", "What follows a broken frame is never looked at.",
      stream_input({damaged(6), good}), "checksum_mismatch");
  bad("frame-head-length-not-minimal", "Length 1 of the head in two bytes.",
      stream_input({sealed("0481000007")}), "frame_malformed");
  bad("frame-tail-length-not-minimal", "Length 0 of the tail in two bytes.",
      stream_input({sealed("0401800007")}), "frame_malformed");
  bad("frame-head-too-long", "A head of 65537 bytes is refused when it is claimed.",
      stream_input({from_hex("0481800400").value()}), "frame_too_large");
  bad("frame-tail-too-long", "A tail of 262145 bytes.",
      stream_input({from_hex("1500818010").value()}), "frame_too_large");
  bad("frame-head-length-of-six-bytes", "A length has five bytes at most.",
      stream_input({from_hex("048080808080").value()}), "frame_too_large");
  bad("frame-tail-length-of-six-bytes", "A length has five bytes at most.",
      stream_input({from_hex("15008080808080").value()}), "frame_too_large");
  bad("frame-head-over-lower-limit", "Before authentication limits are lower: here 200 bytes.",
      stream_input({frame_bytes(1, Bytes(201, 1))}, 200, 0), "frame_too_large");
  bad("frame-tail-where-none-may-be", "A client sends no tails: here the limit is 0.",
      stream_input({frame_bytes(4, {7}, {1})}, 200, 0), "frame_too_large");
  bad("frame-too-long-byte-by-byte", "The claim is refused as soon as it is read.",
      in_pieces(from_hex("0481800400").value(), 1), "frame_too_large");
  bad("frame-good-then-too-long", "The first of two frames is good.",
      stream_input({joined({good, from_hex("0481800400").value()})}), "frame_too_large");
}

}  // namespace

const GroupKind& frames_group() {
  static const GroupKind kGroup = {"frames", "The preface, and frames on the byte stream.",
                                   [](Maker& to) {
                                     make_prefaces(to);
                                     make_streams(to);
                                     make_stream_rejects(to);
                                   },
                                   play};
  return kGroup;
}

}  // namespace ecsdb::vectors
