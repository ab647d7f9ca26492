// RFC 6455 below the stream. Bytes of a peer, cut anywhere, give what a plain decoder makes of them
// in one piece; and what one end frames, taken by the socket in any portions, the other end reads.
//
//   input: flags u8 | count u8, sizes of pieces | bytes
//   flags: bit 0 a client's end, 1 the bytes are to be sent, 2-3 and 4-5 limits
#include <optional>
#include <string>

#include "ecsdb/net/websocket_filter.h"
#include "ecsdb/schema/canonical.h"

#include "fuzz_input.h"

namespace ecsdb::fuzz {
namespace {

constexpr uint64_t kBytesInMax[] = {1u << 20, 0, 125, 1000};
constexpr size_t kBytesOutMax[] = {kWebSocketFrameBytesOutMax, 1, 125, 126};

WebSocketFilter make_filter(bool is_client, unsigned flags) {
  WebSocketOptions options;
  options.frame_bytes_in_max = kBytesInMax[flags >> 2 & 3];
  options.frame_bytes_out_max = kBytesOutMax[flags >> 4 & 3];
  return is_client ? WebSocketFilter::client(Prng(7), options) : WebSocketFilter::server(options);
}

/// What a peer's bytes mean.
struct Meaning {
  Bytes stream;
  unsigned violation = 0;        // close code of what was broken; 0: nothing
  std::optional<unsigned> code;  // of the peer's close frame, 0 if it has none
  std::string reason;
  bool is_over() const { return violation != 0 || code.has_value(); }
};

/// Written after the RFC: frame by frame, from all bytes at once.
class PlainDecoder {
 public:
  PlainDecoder(bool is_client, uint64_t frame_bytes_max, ByteSpan bytes)
      : is_client_(is_client), frame_bytes_max_(frame_bytes_max), left_(bytes) {}

  Meaning run() {
    while (!out_.is_over() && left_.size() >= 2 && frame()) {
    }
    return out_;
  }

 private:
  bool violate(unsigned code) {
    out_.violation = code;
    return false;
  }
  bool check_start(unsigned first, unsigned second) {
    const unsigned opcode = first & 15;
    const bool is_final = (first & 0x80) != 0;
    if ((first & 0x70) != 0 || (second >= 0x80) == is_client_) return violate(1002);
    if (opcode >= 8) return (opcode <= 10 && is_final && second % 128 <= 125) || violate(1002);
    if (opcode > 2 || (opcode == 0) != in_message_) return violate(1002);
    if (opcode == 1) return violate(1003);
    in_message_ = !is_final;
    return true;
  }
  /// False where no further frame can be read.
  bool frame() {
    const unsigned first = left_[0];
    const unsigned second = left_[1];
    if (!check_start(first, second)) return false;
    uint64_t size = second % 128;
    const size_t wide = size == 126 ? 2 : size == 127 ? 8 : 0;
    const size_t header = 2 + wide + (is_client_ ? 0 : 4);
    if (left_.size() < header) return false;
    if (wide != 0) size = 0;
    for (size_t i = 0; i < wide; ++i) size = size << 8 | left_[2 + i];
    if ((wide == 2 && size < 126) || (wide == 8 && (size < 65536 || size >> 63 != 0))) {
      return violate(1002);
    }
    const bool is_control = (first & 15) >= 8;
    if (!is_control && size > frame_bytes_max_) return violate(1009);
    const ByteSpan key = left_.subspan(2 + wide, is_client_ ? 0 : 4);
    left_ = left_.subspan(header);
    const bool is_whole = size <= left_.size();
    Bytes payload;
    for (size_t i = 0; i < std::min<uint64_t>(size, left_.size()); ++i) {
      payload.push_back(static_cast<uint8_t>(left_[i] ^ (key.empty() ? 0 : key[i % 4])));
    }
    left_ = left_.subspan(payload.size());
    if (!is_control) out_.stream.insert(out_.stream.end(), payload.begin(), payload.end());
    if (is_control && is_whole && (first & 15) == 8) close_frame(payload);
    return is_whole;
  }
  void close_frame(const Bytes& payload) {
    if (payload.empty()) {
      out_.code = 0;
      return;
    }
    const unsigned code = payload.size() == 1 ? 0 : payload[0] << 8 | payload[1];
    const bool is_known = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                          (code >= 3000 && code <= 4999);
    if (!is_known) {
      violate(1002);
      return;
    }
    const std::string_view reason = as_text(ByteSpan(payload).subspan(2));
    if (!is_utf8(reason)) {
      violate(1007);
      return;
    }
    out_.code = code;
    out_.reason = reason;
  }

  bool is_client_;
  uint64_t frame_bytes_max_;
  ByteSpan left_;
  bool in_message_ = false;
  Meaning out_;
};

/// Everything that the filter wants to send without stream bytes.
Bytes drain(WebSocketFilter& filter) {
  WebSocketScratch scratch;
  Bytes out;
  while (filter.has_output()) {
    size_t offered = 0;
    for (const ByteSpan part : filter.output({}, scratch)) {
      out.insert(out.end(), part.begin(), part.end());
      offered += part.size();
    }
    ECSDB_CHECK(offered > 0 && filter.on_sent(offered) == 0);
  }
  return out;
}

struct Received {
  Bytes stream;
  Error error;
  WebSocketFilter filter;
};

Received receive(WebSocketFilter filter, ByteSpan bytes, Pieces pieces) {
  Received out{{}, {}, filter};
  pieces.cut(bytes, [&](Bytes& piece) {
    const auto run = out.filter.on_bytes(piece);
    if (!run.ok()) {
      out.error = run.error();
      return false;
    }
    ECSDB_CHECK(run->size() <= piece.size());
    out.stream.insert(out.stream.end(), run->begin(), run->end());
    return true;
  });
  return out;
}

void check_answer(Received& received, const Meaning& meaning, bool is_client) {
  const Bytes answer = drain(received.filter);
  ECSDB_CHECK(received.filter.input_ended() == meaning.is_over());
  WebSocketFilter peer = make_filter(!is_client, 0);
  Bytes copy = answer;
  const auto read = peer.on_bytes(copy);
  ECSDB_CHECK(read.ok() && read->empty());
  if (!meaning.is_over()) {
    ECSDB_CHECK(received.filter.state() == WebSocketState::kOpen);
    ECSDB_CHECK(peer.peer_close_code() == WebSocketClose::kNone);
    return;
  }
  ECSDB_CHECK(received.filter.state() == WebSocketState::kClosed);
  const unsigned code = meaning.violation != 0 ? meaning.violation : *meaning.code;
  const auto wanted = code == 0 ? WebSocketClose::kNoCode : static_cast<WebSocketClose>(code);
  ECSDB_CHECK(peer.peer_close_code() == wanted);
}

void check_received(Received& received, const Meaning& meaning, bool is_client) {
  const size_t size = received.stream.size();
  ECSDB_CHECK(size <= meaning.stream.size());
  ECSDB_CHECK(std::equal(received.stream.begin(), received.stream.end(), meaning.stream.begin()));
  ECSDB_CHECK((received.error.code != ErrorCode::kOk) == (meaning.violation != 0));
  if (meaning.violation != 0) {
    const ErrorCode wanted =
        meaning.violation == 1009 ? ErrorCode::kFrameTooLarge : ErrorCode::kWebSocketViolation;
    ECSDB_CHECK(received.error.code == wanted);
    Bytes more(3);
    ECSDB_CHECK(received.filter.on_bytes(more).error().context == received.error.context);
  } else {
    ECSDB_CHECK(size == meaning.stream.size());
    ECSDB_CHECK(received.filter.peer_close_reason() == meaning.reason);
  }
  check_answer(received, meaning, is_client);
}

void check_input(unsigned flags, const Pieces& pieces, ByteSpan bytes) {
  const bool is_client = (flags & 1) != 0;
  const Meaning meaning = PlainDecoder(is_client, kBytesInMax[flags >> 2 & 3], bytes).run();
  const WebSocketFilter filter = make_filter(is_client, flags);
  Received whole = receive(filter, bytes, Pieces());
  Received cut = receive(filter, bytes, pieces);
  ECSDB_CHECK(whole.error.context == cut.error.context);
  check_received(whole, meaning, is_client);
  check_received(cut, meaning, is_client);
}

/// A ping that the sender's peer slips in: its pong must not break the frame in progress.
void ping(WebSocketFilter& sender, bool is_client) {
  Bytes frame = {0x89, static_cast<uint8_t>(is_client ? 2 : 0x82)};
  if (!is_client) frame.insert(frame.end(), {0, 0, 0, 0});
  frame.insert(frame.end(), {'h', 'i'});
  const auto read = sender.on_bytes(frame);
  ECSDB_CHECK(read.ok() && read->empty());
}

void check_output(unsigned flags, Pieces pieces, ByteSpan bytes) {
  const bool is_client = (flags & 1) != 0;
  WebSocketFilter sender = make_filter(is_client, flags);
  WebSocketFilter receiver = make_filter(!is_client, 0);
  WebSocketScratch scratch;
  Bytes stream;
  size_t sent = 0;
  size_t pings = 0;  // a few: the answers must not come faster than they are sent
  for (size_t round = 0; sent < bytes.size() || sender.has_output(); ++round) {
    if (sent == bytes.size()) sender.close(WebSocketClose::kGoingAway, as_text(bytes));
    if (round % 5 == 3 && sent < bytes.size() && ++pings <= 4) ping(sender, is_client);
    const ByteSpan left = bytes.subspan(sent);
    const size_t half = left.size() / 2;
    const ByteSpan parts[] = {left.first(half), ByteSpan(), left.subspan(half)};
    Bytes offered;
    for (const ByteSpan part : sender.output(parts, scratch)) {
      offered.insert(offered.end(), part.begin(), part.end());
    }
    ECSDB_CHECK(!offered.empty());
    offered.resize(pieces.next(offered.size()));
    sent += sender.on_sent(offered.size());
    const auto run = receiver.on_bytes(offered);
    ECSDB_CHECK(run.ok());
    stream.insert(stream.end(), run->begin(), run->end());
    if (sent == bytes.size() && !sender.mid_frame()) {
      sender.close(WebSocketClose::kGoingAway, as_text(bytes));
    }
  }
  ECSDB_CHECK(std::equal(stream.begin(), stream.end(), bytes.begin(), bytes.end()));
  if (bytes.empty()) return;
  ECSDB_CHECK(receiver.peer_close_code() == WebSocketClose::kGoingAway);
  ECSDB_CHECK(receiver.peer_close_reason().size() <= kWebSocketControlBytesMax - 2);
  ECSDB_CHECK(receiver.peer_close_reason().empty() == !is_utf8(as_text(bytes)));
}

}  // namespace
}  // namespace ecsdb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ecsdb::fuzz::Input in(data, size);
  const unsigned flags = in.u8();
  const ecsdb::fuzz::Pieces pieces = ecsdb::fuzz::read_pieces(in);
  if ((flags & 2) != 0) {
    ecsdb::fuzz::check_output(flags, pieces, in.rest());
  } else {
    ecsdb::fuzz::check_input(flags, pieces, in.rest());
  }
  return 0;
}
