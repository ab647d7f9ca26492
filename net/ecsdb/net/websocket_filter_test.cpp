#include "ecsdb/net/websocket_filter.h"

#include "ecsdb/net/test_websocket.h"

namespace ecsdb::websocket_test {
namespace {

TEST(WebSocketMask, AnySizeAndPositionEqualsBytewiseMask) {
  const Bytes input = pattern(200);
  for (size_t size = 0; size <= input.size(); ++size) {
    const uint64_t position = size * 7 % 13;
    Bytes wanted(input.begin(), input.begin() + static_cast<ptrdiff_t>(size));
    for (size_t i = 0; i < size; ++i) wanted[i] ^= kKey[(position + i) % 4];
    Bytes copied(size);
    websocket_mask(copied.data(), input.data(), size, kKey, position);
    EXPECT_EQ(copied, wanted);
    Bytes in_place(input.begin(), input.begin() + static_cast<ptrdiff_t>(size));
    websocket_mask(in_place.data(), in_place.data(), size, kKey, position);
    EXPECT_EQ(in_place, wanted);
  }
}

TEST(WebSocketFilter, DataFramesOfEveryLengthFormArriveWhole) {
  for (const size_t size : {0u, 1u, 125u, 126u, 127u, 65535u, 65536u, 1u << 20}) {
    const Bytes payload = pattern(size);
    for (const bool to_server : {true, false}) {
      WebSocketFilter filter = to_server ? WebSocketFilter::server() : make_client();
      Bytes stream;
      const Bytes wire =
          join({frame(kFinalBinary, payload, to_server), frame(kFinalBinary, "next", to_server)});
      ASSERT_TRUE(feed(filter, wire, stream).ok());
      EXPECT_EQ(stream, join({payload, to_bytes("next")})) << size;
      EXPECT_FALSE(filter.has_output());
    }
  }
}

// Header, extended length, key, payload and control frames are each cut at every place.
TEST(WebSocketFilter, InputSplitAnywhereGivesTheSameStream) {
  const Bytes wire = join({frame(0x02, "frag", true), frame(0x89, "ping", true),
                           frame(0x00, pattern(130), true), frame(0x8a, "x", true),
                           frame(0x80, "", true), frame(kFinalBinary, pattern(300), true)});
  Bytes wanted;
  WebSocketFilter whole = WebSocketFilter::server();
  ASSERT_TRUE(feed(whole, wire, wanted).ok());
  EXPECT_EQ(wanted, join({to_bytes("frag"), pattern(130), pattern(300)}));
  for (size_t cut = 0; cut <= wire.size(); ++cut) {
    WebSocketFilter filter = WebSocketFilter::server();
    Bytes stream;
    const auto middle = wire.begin() + static_cast<ptrdiff_t>(cut);
    ASSERT_TRUE(feed(filter, Bytes(wire.begin(), middle), stream).ok());
    ASSERT_TRUE(feed(filter, Bytes(middle, wire.end()), stream).ok());
    ASSERT_EQ(stream, wanted) << cut;
    EXPECT_EQ(drain(filter), frame(0x8a, "ping", false));
  }
  WebSocketFilter bytewise = WebSocketFilter::server();
  Bytes stream;
  ASSERT_TRUE(feed(bytewise, wire, stream, 1).ok());
  EXPECT_EQ(stream, wanted);
}

TEST(WebSocketFilter, StreamBytesStayInTheCallersBuffer) {
  WebSocketFilter filter = make_client();
  Bytes wire = frame(kFinalBinary, "abc", false);
  const Result<ByteSpan> run = filter.on_bytes(wire);
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(run->data(), wire.data() + 2);
}

TEST(WebSocketFilter, WrongMaskingIsRefused) {
  expect_violation(WebSocketRole::kServer, frame(kFinalBinary, "a", false), 1002);
  expect_violation(WebSocketRole::kClient, frame(kFinalBinary, "a", true), 1002);
  expect_violation(WebSocketRole::kServer, frame(0x89, "a", false), 1002);
}

TEST(WebSocketFilter, ReservedBitsAreRefused) {
  for (const int bit : {0x40, 0x20, 0x10}) {
    expect_violation(WebSocketRole::kServer, frame(kFinalBinary | bit, "a", true), 1002);
    expect_violation(WebSocketRole::kClient, frame(0x89 | bit, "a", false), 1002);
  }
}

TEST(WebSocketFilter, ReservedOpcodesAreRefused) {
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    expect_violation(WebSocketRole::kServer, frame(0x80 | opcode, "", true), 1002);
  }
}

TEST(WebSocketFilter, TextMessageIsRefusedAsUnsupportedData) {
  expect_violation(WebSocketRole::kServer, frame(0x81, "hello", true), 1003);
  expect_violation(WebSocketRole::kClient, frame(0x01, "hello", false), 1003);
}

TEST(WebSocketFilter, BrokenFragmentationIsRefused) {
  expect_violation(WebSocketRole::kServer, frame(0x80, "a", true), 1002);
  expect_violation(WebSocketRole::kServer, frame(0x00, "a", true), 1002);
  const Bytes open = frame(0x02, "a", true);
  expect_violation(WebSocketRole::kServer, join({open, frame(0x82, "b", true)}), 1002);
  expect_violation(WebSocketRole::kServer, join({open, frame(0x81, "b", true)}), 1002);
  const Bytes finished = join({open, frame(0x80, "b", true)});
  expect_violation(WebSocketRole::kServer, join({finished, frame(0x80, "c", true)}), 1002);
}

TEST(WebSocketFilter, BrokenControlFramesAreRefused) {
  for (const int opcode : {8, 9, 10}) {
    expect_violation(WebSocketRole::kServer, frame(opcode, "", true), 1002);
    expect_violation(WebSocketRole::kServer, frame(0x80 | opcode, pattern(126), true), 1002);
  }
}

TEST(WebSocketFilter, LengthsThatAreNotMinimalAreRefused) {
  expect_violation(WebSocketRole::kServer, frame(kFinalBinary, pattern(125), true, 2), 1002);
  expect_violation(WebSocketRole::kServer, frame(kFinalBinary, pattern(125), true, 8), 1002);
  expect_violation(WebSocketRole::kServer, frame(kFinalBinary, pattern(65535), true, 8), 1002);
}

TEST(WebSocketFilter, ClaimedGiantsAreRefusedAtTheHeader) {
  const Bytes claim_2_to_63 = {0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4};
  expect_violation(WebSocketRole::kServer, claim_2_to_63, 1002);
  const Bytes claim_2_to_62 = {0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4};
  expect_violation(WebSocketRole::kServer, claim_2_to_62, 1009);
  const Bytes over_by_one = {0x82, 0x7f, 0, 0, 0, 0, 0, 0x10, 0, 1};
  expect_violation(WebSocketRole::kClient, over_by_one, 1009);
}

TEST(WebSocketFilter, FrameLimitIsInclusiveAndPerFrame) {
  const WebSocketOptions options = {.frame_bytes_in_max = 10};
  WebSocketFilter filter = WebSocketFilter::server(options);
  Bytes stream;
  EXPECT_TRUE(feed(filter, frame(0x02, pattern(10), true), stream).ok());
  EXPECT_TRUE(feed(filter, frame(0x80, pattern(10), true), stream).ok());
  EXPECT_EQ(stream.size(), 20u);
  // Control frames have a limit of their own.
  EXPECT_TRUE(feed(filter, frame(0x89, pattern(125), true), stream).ok());
  EXPECT_EQ(feed(filter, frame(0x82, pattern(11), true), stream).code(), ErrorCode::kFrameTooLarge);
}

TEST(WebSocketFilter, ServerOutputRefersToThePartsWithoutCopying) {
  WebSocketFilter filter = WebSocketFilter::server();
  WebSocketScratch scratch;
  const Bytes first = pattern(100);
  const Bytes second = pattern(200, 2);
  const std::array<ByteSpan, 3> parts = {ByteSpan(first), ByteSpan(), ByteSpan(second)};
  const auto offered = filter.output(parts, scratch);
  ASSERT_EQ(offered.size(), 3u);
  EXPECT_EQ(offered[1].data(), first.data());
  EXPECT_EQ(offered[2].data(), second.data());
  EXPECT_EQ(flatten(offered), frame(kFinalBinary, join({first, second}), false));
}

TEST(WebSocketFilter, OutputFramesUseMinimalLengths) {
  for (const size_t size : {1u, 125u, 126u, 65535u, 65536u}) {
    WebSocketFilter filter = WebSocketFilter::server();
    WebSocketScratch scratch;
    const Bytes payload = pattern(size);
    const ByteSpan part = payload;
    EXPECT_EQ(flatten(filter.output({&part, 1}, scratch)), frame(kFinalBinary, payload, false));
  }
}

TEST(WebSocketFilter, OutputOverOneFrameIsOfferedInSeveral) {
  WebSocketFilter filter = WebSocketFilter::server({.frame_bytes_out_max = 10});
  WebSocketScratch scratch;
  const Bytes payload = pattern(25);
  size_t accepted = 0;
  Bytes wire;
  for (const size_t wanted : {10u, 10u, 5u}) {
    const ByteSpan part = ByteSpan(payload).subspan(accepted);
    const Bytes offered = flatten(filter.output({&part, 1}, scratch));
    EXPECT_EQ(filter.on_sent(offered.size()), wanted);
    accepted += wanted;
    wire.insert(wire.end(), offered.begin(), offered.end());
  }
  EXPECT_TRUE(filter.output({}, scratch).empty());
  Bytes stream;
  WebSocketFilter client = make_client();
  ASSERT_TRUE(feed(client, wire, stream).ok());
  EXPECT_EQ(stream, payload);
}

// The socket takes `first` bytes of the first offer and `step` bytes of each later one; a ping
// waits from the start and another comes in the middle of the data frame.
void expect_exact_accounting(WebSocketRole role, size_t first, size_t step) {
  const bool to_client = role == WebSocketRole::kServer;
  WebSocketFilter sender = to_client ? WebSocketFilter::server() : make_client();
  WebSocketFilter receiver = to_client ? make_client() : WebSocketFilter::server();
  WebSocketScratch scratch;
  const Bytes payload = pattern(150);
  Bytes ignored;
  Bytes stream;
  ASSERT_TRUE(feed(sender, frame(0x89, "ping", to_client), ignored).ok());
  size_t accepted = 0;
  bool pinged = false;
  for (size_t n = first; accepted < payload.size() || sender.has_output(); n = step) {
    const std::array<ByteSpan, 2> parts = {
        ByteSpan(payload).subspan(accepted).first(std::min<size_t>(70, payload.size() - accepted)),
        ByteSpan(payload).subspan(std::min<size_t>(accepted + 70, payload.size()))};
    Bytes offered = flatten(sender.output(parts, scratch));
    ASSERT_FALSE(offered.empty());
    offered.resize(std::min(n, offered.size()));
    accepted += sender.on_sent(offered.size());
    ASSERT_TRUE(feed(receiver, offered, stream).ok());
    // What counts as accepted is exactly what has arrived as stream bytes.
    ASSERT_EQ(stream.size(), accepted);
    if (sender.mid_frame() && !pinged) {
      pinged = true;
      ASSERT_TRUE(feed(sender, frame(0x89, "again", to_client), ignored).ok());
    }
  }
  EXPECT_EQ(stream, payload);
  EXPECT_FALSE(sender.mid_frame());
}

TEST(WebSocketFilter, ShortAcceptsAtEveryCountKeepTheStream) {
  for (const WebSocketRole role : {WebSocketRole::kServer, WebSocketRole::kClient}) {
    for (size_t first = 0; first <= 170; ++first) {
      for (const size_t step : {size_t{1}, size_t{64}, SIZE_MAX}) {
        expect_exact_accounting(role, first, step);
      }
    }
  }
}

TEST(WebSocketFilter, FrameNotBegunMayBeOfferedDifferently) {
  WebSocketFilter filter = WebSocketFilter::server();
  WebSocketScratch scratch;
  const Bytes long_offer = pattern(200);
  const Bytes short_offer = pattern(20, 2);
  const ByteSpan before = long_offer;
  const ByteSpan after = short_offer;
  ASSERT_FALSE(filter.output({&before, 1}, scratch).empty());
  EXPECT_EQ(filter.on_sent(0), 0u);
  EXPECT_FALSE(filter.mid_frame());
  EXPECT_EQ(flatten(filter.output({&after, 1}, scratch)), frame(kFinalBinary, short_offer, false));
}

// The core may withdraw bytes that it offered and the socket did not take: the frame then is filled
// with what the core offers later, and control frames wait for its end.
TEST(WebSocketFilter, FrameBegunIsFilledFromLaterStreamBytes) {
  WebSocketFilter sender = make_client();
  WebSocketFilter receiver = WebSocketFilter::server();
  WebSocketScratch scratch;
  Bytes wire;
  const auto send = [&](std::string_view text, size_t accept_max) {
    const ByteSpan part = as_bytes(text);
    Bytes offered = flatten(sender.output({&part, 1}, scratch));
    offered.resize(std::min(accept_max, offered.size()));
    wire.insert(wire.end(), offered.begin(), offered.end());
    return sender.on_sent(offered.size());
  };
  EXPECT_EQ(send("0123456789", 3), 0u);
  EXPECT_TRUE(sender.has_output());  // the rest of the header
  EXPECT_EQ(send("01", SIZE_MAX), 2u);
  EXPECT_FALSE(sender.has_output());
  sender.close(WebSocketClose::kNormal, {});
  EXPECT_EQ(send("", SIZE_MAX), 0u);
  EXPECT_EQ(send("abc", SIZE_MAX), 3u);
  EXPECT_EQ(send("defghijkl", SIZE_MAX), 5u);
  EXPECT_EQ(send("ijkl", SIZE_MAX), 0u);  // only the close frame
  Bytes stream;
  ASSERT_TRUE(feed(receiver, wire, stream).ok());
  EXPECT_EQ(as_text(stream), "01abcdefgh");
  EXPECT_EQ(receiver.peer_close_code(), WebSocketClose::kNormal);
}

TEST(WebSocketFilter, MaskKeysDifferBetweenFrames) {
  WebSocketFilter filter = make_client();
  WebSocketScratch scratch;
  const Bytes payload(8, 0);
  const ByteSpan part = payload;
  const Bytes first = flatten(filter.output({&part, 1}, scratch));
  filter.on_sent(first.size());
  const Bytes second = flatten(filter.output({&part, 1}, scratch));
  EXPECT_NE(first, second);
}

TEST(WebSocketFilterDeath, OptionsAndCloseCodesOutsideTheirRangeAreProgrammerErrors) {
  EXPECT_DEATH(WebSocketFilter::server({.frame_bytes_out_max = 0}), "frame_bytes_out_max");
  EXPECT_DEATH(WebSocketFilter::server({.frame_bytes_out_max = 70000}), "frame_bytes_out_max");
  EXPECT_DEATH(make_client().close(WebSocketClose::kNoCode, {}), "is_sendable");
  EXPECT_DEATH(make_client().on_sent(1), "socket_bytes");
}

// One direction of a connection between two filters: a byte pipe with random offers, short accepts
// and deliveries.
struct Direction {
  WebSocketFilter& from;
  WebSocketFilter& to;
  Bytes data;
  size_t accepted = 0;
  Bytes pipe = {};
  Bytes stream = {};

  void send(Prng& random, WebSocketScratch& scratch) {
    std::vector<ByteSpan> parts;
    ByteSpan rest = ByteSpan(data).subspan(accepted);
    while (!rest.empty() && parts.size() < 5) {
      const size_t size =
          std::min<size_t>(rest.size(), random.below(random.chance(1, 4) ? 9000 : 40));
      parts.push_back(rest.first(size));
      rest = rest.subspan(size);
    }
    Bytes offered = flatten(from.output(parts, scratch));
    if (random.chance(1, 2)) offered.resize(random.below(offered.size() + 1));
    accepted += from.on_sent(offered.size());
    pipe.insert(pipe.end(), offered.begin(), offered.end());
  }
  void deliver(Prng& random) {
    const size_t size = std::min<size_t>(pipe.size(), random.below(6000));
    const auto end = pipe.begin() + static_cast<ptrdiff_t>(size);
    ASSERT_TRUE(feed(to, Bytes(pipe.begin(), end), stream).ok());
    pipe.erase(pipe.begin(), end);
  }
  bool done() const { return stream.size() == data.size() && pipe.empty(); }
};

TEST(WebSocketFilterPair, RandomSplitsAndShortAcceptsKeepBothStreams) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Prng random(seed);
    WebSocketScratch scratch;
    WebSocketFilter client = WebSocketFilter::client(Prng(seed));
    WebSocketFilter server = WebSocketFilter::server();
    Direction up{client, server, pattern(40000, seed)};
    Direction down{server, client, pattern(60000, seed + 100)};
    int steps = 0;
    while (!up.done() || !down.done()) {
      ASSERT_LT(++steps, 100000) << "no progress, seed " << seed;
      Direction& direction = random.chance(1, 2) ? up : down;
      if (random.chance(1, 2)) {
        direction.send(random, scratch);
      } else {
        direction.deliver(random);
      }
    }
    EXPECT_EQ(up.stream, up.data) << seed;
    EXPECT_EQ(down.stream, down.data) << seed;
    client.close(WebSocketClose::kNormal, "bye");
    while (client.state() != WebSocketState::kClosed || server.state() != WebSocketState::kClosed) {
      ASSERT_LT(++steps, 100000);
      up.send(random, scratch);
      up.deliver(random);
      down.send(random, scratch);
      down.deliver(random);
    }
    EXPECT_EQ(server.peer_close_reason(), "bye");
  }
}

// Whatever bytes come, the filter neither crashes nor grows, and an error is final.
TEST(WebSocketFilter, RandomInputEndsInAnErrorOrStreamBytes) {
  Prng random(7);
  for (int round = 0; round < 2000; ++round) {
    WebSocketFilter filter = random.chance(1, 2) ? WebSocketFilter::server() : make_client();
    Bytes wire = pattern(random.below(64) + 2, random.next());
    if (random.chance(3, 4)) wire[0] = static_cast<uint8_t>(wire[0] & 0x8b);
    if (random.chance(3, 4)) wire[1] = static_cast<uint8_t>(wire[1] & 0x87);
    Bytes stream;
    const Status status = feed(filter, wire, stream, random.below(9) + 1);
    EXPECT_LE(stream.size(), wire.size());
    if (!status.ok()) {
      EXPECT_TRUE(filter.input_ended());
    }
    EXPECT_LE(drain(filter).size(), 2 * (6 + kWebSocketControlBytesMax));
  }
}

}  // namespace
}  // namespace ecsdb::websocket_test
