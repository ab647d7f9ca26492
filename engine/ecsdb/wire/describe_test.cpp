// Every message of the protocol: what is written is read back, and nothing else is read.
#include "ecsdb/wire/describe.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "ecsdb/wire/messages.h"

namespace ecsdb {
namespace {

/// One field of each kind that the messages of today do not have or do not show plainly.
enum class Colour : uint8_t { kRed, kGreen, kBlue };
struct Probe {
  bool flag = false;
  Colour colour = Colour::kRed;
  uint8_t small = 0;
  int16_t signed_small = 0;
  int64_t signed_wide = 0;
  Fixed32 fixed;
  EntityId entity;
  Digest digest;
  std::vector<CellKey> keys;
  std::string text;
};

}  // namespace

template <>
struct Describe<Probe> {
  static constexpr const char* name = "probe";
  static constexpr auto fields = std::make_tuple(
      field("flag", &Probe::flag, 0, ""), field("colour", &Probe::colour, 2, ""),
      field("small", &Probe::small, 0, ""), field("signed_small", &Probe::signed_small, 0, ""),
      field("signed_wide", &Probe::signed_wide, 0, ""), field("fixed", &Probe::fixed, 0, ""),
      field("entity", &Probe::entity, 0, ""), field("digest", &Probe::digest, 0, ""),
      field("keys", &Probe::keys, 5, ""), field("text", &Probe::text, 12, ""));
};

namespace {

template <class M>
Bytes encoded(const M& message) {
  Bytes out;
  ByteWriter writer(out);
  encode_fields(message, writer);
  return out;
}

template <class M>
ErrorCode decode_code(ByteSpan bytes) {
  M message;
  return decode_message(bytes, message).code();
}

// ---- Values for every field, made from the declaration alone ----

template <class M>
void fill_message(M& message, uint64_t seed);

template <class T>
void fill_value(T& v, uint64_t limit, uint64_t seed) {
  const uint64_t number = mix64(seed);
  if constexpr (std::is_same_v<T, bool>) {
    v = (number & 1) != 0;
  } else if constexpr (std::is_enum_v<T>) {
    v = static_cast<T>(number % (limit + 1));
  } else if constexpr (std::is_integral_v<T>) {
    v = static_cast<T>(limit == 0 ? number : number % (limit + 1));
  } else if constexpr (std::is_same_v<T, Fixed32>) {
    v.value = static_cast<uint32_t>(number);
  } else if constexpr (std::is_same_v<T, DatabaseId> || std::is_same_v<T, Hash128>) {
    v = T{number, mix64(number)};
  } else if constexpr (std::is_same_v<T, Digest>) {
    for (uint32_t& lane : v.lane) lane = static_cast<uint32_t>(seed = mix64(seed + 1));
  } else if constexpr (std::is_same_v<T, CellKey>) {
    const CellKey keys[] = {CellKey::one(), CellKey::value(-70000), CellKey::grid(-1, 200, 0),
                            CellKey::owner(PrincipalId{~uint64_t{0}}), CellKey::none()};
    v = keys[seed % 5];
  } else if constexpr (WrappedId<T>) {
    fill_value(v.value, limit, seed);
  } else if constexpr (std::is_same_v<T, std::string>) {
    v = "z\xc3\xbcrich \"1\"";
  } else if constexpr (std::is_same_v<T, Bytes>) {
    v = Bytes{0, 255, 10, static_cast<uint8_t>(seed)};
  } else if constexpr (IsVector<T>::value) {
    v.resize(std::min<uint64_t>(limit, 5));
    for (size_t i = 0; i < v.size(); ++i) fill_value(v[i], 0, seed + i);
  } else {
    fill_message(v, seed);
  }
}

template <class M>
void fill_message(M& message, uint64_t seed) {
  auto one = [&](const auto& f) { fill_value(message.*(f.pointer), f.limit, ++seed); };
  std::apply([&](const auto&... f) { (one(f), ...); }, Describe<M>::fields);
}

template <class M>
class Message : public testing::Test {
 protected:
  static M sample(uint64_t seed = 40) {
    M message;
    fill_message(message, seed);
    return message;
  }
  /// An accepted message must be the one encoding of what it says.
  static void expect_refused_or_canonical(ByteSpan bytes) {
    M message;
    if (decode_message(bytes, message).ok()) {
      EXPECT_EQ(encoded(message), Bytes(bytes.begin(), bytes.end())) << print_message(message);
    }
  }
};

using AllMessages =
    testing::Types<Auth, AuthReply, SchemaPart, Subscription, Subscribe, SubscribeResult,
                   SubscribeReply, SyncBegin, CellEnter, CellLeave, BlockEntry, Advance, Ack,
                   ClientHeartbeat, ServerHeartbeat, Goodbye, Resume, Refetch, ClientReady,
                   ResumeReply, SyncMark, SubscriptionArea, Probe>;
TYPED_TEST_SUITE(Message, AllMessages);

TYPED_TEST(Message, WrittenIsReadBackEqual) {
  for (const TypeParam& message : {TypeParam{}, this->sample(), this->sample(99)}) {
    const Bytes bytes = encoded(message);
    TypeParam back = this->sample(7);  // what it held before leaves no trace
    const Status status = decode_message(bytes, back);
    ASSERT_TRUE(status.ok()) << status.error().to_string();
    EXPECT_EQ(encoded(back), bytes);
    EXPECT_EQ(print_message(back), print_message(message));
  }
}

TYPED_TEST(Message, CutShortAnywhereIsRefused) {
  const Bytes bytes = encoded(this->sample());
  for (size_t n = 0; n < bytes.size(); ++n) {
    TypeParam message;
    const Status status = decode_message(ByteSpan(bytes).first(n), message);
    ASSERT_EQ(status.code(), ErrorCode::kFrameMalformed) << n << " of " << bytes.size();
    EXPECT_EQ(status.error().context, std::string(Describe<TypeParam>::name) + ": does not decode");
  }
}

TYPED_TEST(Message, BytesAfterTheEndAreRefused) {
  Bytes bytes = encoded(this->sample());
  bytes.push_back(0);
  TypeParam message;
  const Status status = decode_message(bytes, message);
  ASSERT_EQ(status.code(), ErrorCode::kFrameMalformed);
  EXPECT_EQ(status.error().context,
            std::string(Describe<TypeParam>::name) + ": bytes after its end");
}

TYPED_TEST(Message, DamagedBytesAreRefusedOrCanonical) {
  const Bytes bytes = encoded(this->sample());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes damaged = bytes;
    damaged[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    this->expect_refused_or_canonical(damaged);
  }
  for (size_t at = 0; at <= bytes.size(); ++at) {
    for (const int extra : {0x00, 0x01, 0x80, 0xff}) {
      Bytes longer = bytes;
      longer.insert(longer.begin() + static_cast<ptrdiff_t>(at), static_cast<uint8_t>(extra));
      this->expect_refused_or_canonical(longer);
    }
  }
}

/// Sets one field to its limit and then one past it, where its type can say so much.
template <class M, class F>
void expect_limit_holds(const MessageField<M, F>& f) {
  if (f.limit == 0) return;
  for (const uint64_t size : {f.limit, f.limit + 1}) {
    M message;
    F& v = message.*(f.pointer);
    if constexpr (std::is_same_v<F, std::string>) {
      v.assign(size, 'x');
    } else if constexpr (requires { v.resize(size); }) {
      v.resize(size);
    } else if constexpr (WrappedId<F>) {
      v.value = static_cast<decltype(v.value)>(size);
    } else if constexpr (std::is_integral_v<F> || std::is_enum_v<F>) {
      v = static_cast<F>(size);
    }
    EXPECT_EQ(decode_code<M>(encoded(message)),
              size == f.limit ? ErrorCode::kOk : ErrorCode::kFrameMalformed)
        << Describe<M>::name << "." << f.name << " = " << size;
  }
}

TYPED_TEST(Message, LimitIsTheLastAccepted) {
  std::apply([](const auto&... f) { (expect_limit_holds(f), ...); }, Describe<TypeParam>::fields);
}

TYPED_TEST(Message, EveryFieldHasItsName) {
  const std::string text = print_message(this->sample());
  EXPECT_EQ(text.substr(0, text.find(' ')), Describe<TypeParam>::name);
  auto one = [&](const auto& f) {
    EXPECT_NE(text.find(" " + std::string(f.name) + "="), std::string::npos) << text;
  };
  std::apply([&](const auto&... f) { (one(f), ...); }, Describe<TypeParam>::fields);
}

// ---- Bytes written by hand ----

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

Bytes probe_bytes() {
  return {0x01,                    // flag
          0x02,                    // colour
          0xac, 0x01,              // small = 172
          0xff, 0xff, 0x03,        // signed_small = -32768
          0x03,                    // signed_wide = -2
          0x78, 0x56, 0x34, 0x12,  // fixed
          0x81, 0x80, 0x0c,        // entity = 0x30001
          1,    0,    0,    0,    2,    0,    0, 0, 3, 0, 0, 0, 4, 0, 0, 0,  // digest
          0x02, 0x03, 0x01, 0x00, 0x04, 0x00,  // keys: grid -1,0,2 and one
          0x02, 'o',  'k'};
}

TEST(Describe, ValuesOfEveryKindHaveTheirBytes) {
  Probe probe;
  ASSERT_TRUE(decode_message(probe_bytes(), probe).ok());
  EXPECT_TRUE(probe.flag);
  EXPECT_EQ(probe.colour, Colour::kBlue);
  EXPECT_EQ(probe.small, 172);
  EXPECT_EQ(probe.signed_small, -32768);
  EXPECT_EQ(probe.signed_wide, -2);
  EXPECT_EQ(probe.fixed.value, 0x12345678u);
  EXPECT_EQ(probe.entity, EntityId::make(0, 3, 1));
  EXPECT_EQ(probe.digest.lane[3], 4u);
  EXPECT_EQ(probe.keys, (std::vector<CellKey>{CellKey::grid(-1, 0, 2), CellKey::one()}));
  EXPECT_EQ(probe.text, "ok");
  EXPECT_EQ(encoded(probe), probe_bytes());
}

TEST(Describe, TypesHaveNames) {
  std::string names;
  auto one = [&](const auto& f) {
    Probe probe;
    names += wire_type_name<std::remove_reference_t<decltype(probe.*(f.pointer))>>() + ", ";
  };
  std::apply([&](const auto&... f) { (one(f), ...); }, Describe<Probe>::fields);
  EXPECT_EQ(names, "bool, enum, v8, z16, z64, u32, v64, digest, list of cell key, text, ");
  EXPECT_EQ(wire_type_name<DatabaseId>() + wire_type_name<Hash128>(), "id128hash128");
  EXPECT_EQ(wire_type_name<std::vector<CellEnter>>(), "list of cell_enter");
  EXPECT_EQ(wire_type_name<Bytes>(), "bytes");
}

TEST(Describe, AdvanceHasItsBytes) {
  Advance advance;
  advance.set_flags(true, false, AdvanceKind::kNet);
  advance.from = Version{300};
  advance.distance = 1;
  advance.commit_time_ns = 5;
  advance.leaves = {{7, 1}};
  advance.enters = {{8, 2, TableId{4}, CellKey::value(3), Version{299}, 130}};
  advance.blocks = {{9, 130}, {-1, 3}};
  advance.tail_checksum = Fixed32{0xdeadbeef};
  const Bytes expected = {0x05, 0xac, 0x02, 0x01, 0x05,                                // fixed part
                          0x01, 0x07, 0x01,                                            // leaves
                          0x01, 0x08, 0x02, 0x04, 0x01, 0x06, 0xab, 0x02, 0x82, 0x01,  // enters
                          0x02, 0x12, 0x82, 0x01, 0x01, 0x03,                          // blocks
                          0xef, 0xbe, 0xad, 0xde};
  EXPECT_EQ(encoded(advance), expected);
  Advance back;
  ASSERT_TRUE(decode_message(expected, back).ok());
  EXPECT_TRUE(back.begin() && !back.end());
  EXPECT_EQ(back.kind(), AdvanceKind::kNet);
  EXPECT_EQ(back.to(), Version{301});
}

TEST(Describe, NumberBeyondItsTypeIsRefused) {
  struct Case {
    size_t at, bytes;
    Bytes instead;
  };
  const Case cases[] = {
      {0, 1, {0x02}},              // bool
      {1, 1, {0x03}},              // enum
      {2, 2, {0x80, 0x02}},        // 256 in a byte
      {4, 3, {0x80, 0x80, 0x04}},  // 32768 in a signed 16
      {4, 3, {0x81, 0x80, 0x04}},  // -32769
      {31, 1, {0x06}},             // six keys where five may be
      {32, 1, {0x05}},             // cell kind
      {37, 1, {0x0d}},             // text of 13 bytes where 12 may be
  };
  for (const Case& c : cases) {
    Bytes bytes = probe_bytes();
    const auto at = bytes.begin() + static_cast<ptrdiff_t>(c.at);
    bytes.insert(bytes.erase(at, at + static_cast<ptrdiff_t>(c.bytes)), c.instead.begin(),
                 c.instead.end());
    EXPECT_EQ(decode_code<Probe>(bytes), ErrorCode::kFrameMalformed) << "byte " << c.at;
  }
}

TEST(Describe, NumberThatIsNotMinimalIsRefused) {
  EXPECT_EQ(decode_code<ClientReady>(Bytes{0x05}), ErrorCode::kOk);
  EXPECT_EQ(decode_code<ClientReady>(Bytes{0x85, 0x00}), ErrorCode::kFrameMalformed);
  EXPECT_EQ(decode_code<ClientReady>(Bytes{0x80, 0x80, 0x00}), ErrorCode::kFrameMalformed);
  const Bytes widest(9, 0xff);
  EXPECT_EQ(decode_code<ClientReady>(join({widest, {0x01}})), ErrorCode::kOk);
  EXPECT_EQ(decode_code<ClientReady>(join({widest, {0x02}})), ErrorCode::kFrameMalformed);
  EXPECT_EQ(decode_code<ClientReady>(join({widest, {0x81, 0x00}})), ErrorCode::kFrameMalformed);
}

TEST(Describe, TextThatIsNotUtf8IsRefused) {
  EXPECT_EQ(decode_code<Goodbye>(Bytes{0x00, 0x02, 0xc3, 0xbc}), ErrorCode::kOk);
  EXPECT_EQ(decode_code<Goodbye>(Bytes{0x00, 0x01, 0xc3}), ErrorCode::kFrameMalformed);
}

TEST(Describe, PrintedTextStaysOnItsLine) {
  Goodbye goodbye{7, "a\n\"b\""};
  EXPECT_EQ(print_message(goodbye), "goodbye code=7 reason=\"a\\n\\\"b\\\"\"");
}

// A count is a claim. Memory follows the bytes that are there.
TEST(Describe, ListThatClaimsTooMuchTakesNoMemory) {
  const Bytes huge = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10};  // 2^60
  Subscribe subscribe;
  EXPECT_FALSE(decode_message(join({{0x01}, huge, {0, 0}}), subscribe).ok());
  EXPECT_EQ(subscribe.add.capacity(), 0u);

  // Within the limit, but not there.
  const Bytes thousand = {0x80, 0x08};
  Subscription subscription;
  EXPECT_FALSE(decode_message(join({{1, 1, 1}, thousand, {0, 0}}), subscription).ok());
  EXPECT_LE(subscription.keys.capacity(), 4u);
}

TEST(Describe, BytesThatClaimTooMuchTakeNoMemory) {
  Auth auth;
  EXPECT_FALSE(decode_message(Bytes{0x80, 0x80, 0x80, 0x80, 0x08, 1, 2}, auth).ok());
  EXPECT_EQ(auth.token.capacity(), 0u);
  EXPECT_FALSE(decode_message(Bytes{0x80, 0x20, 1, 2}, auth).ok());  // 4096: allowed, not there
  EXPECT_EQ(auth.token.capacity(), 0u);
}

// Elements are decoded without a limit of their own; a struct's fields still have theirs.
TEST(Describe, LimitsOfElementsHoldInsideLists) {
  Subscribe subscribe;
  subscribe.add.resize(1);
  subscribe.add[0].keys.resize(kSubscriptionKeysMax);
  subscribe.remove = {SubscriptionId{0xffffffff}, SubscriptionId{0}};
  EXPECT_EQ(decode_code<Subscribe>(encoded(subscribe)), ErrorCode::kOk);
  subscribe.add[0].keys.resize(kSubscriptionKeysMax + 1);
  EXPECT_EQ(decode_code<Subscribe>(encoded(subscribe)), ErrorCode::kFrameMalformed);

  Advance advance;
  advance.blocks = {{1, kBlockBytesHardMax}};
  EXPECT_EQ(decode_code<Advance>(encoded(advance)), ErrorCode::kOk);
  advance.blocks[0].bytes = kBlockBytesHardMax + 1;
  EXPECT_EQ(decode_code<Advance>(encoded(advance)), ErrorCode::kFrameMalformed);

  // An id in a list is 32 bits wide, as it is outside of one.
  EXPECT_EQ(decode_code<Subscribe>(Bytes{1, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0}),
            ErrorCode::kOk);
  EXPECT_EQ(decode_code<Subscribe>(Bytes{1, 0, 1, 0x80, 0x80, 0x80, 0x80, 0x10, 0}),
            ErrorCode::kFrameMalformed);
}

}  // namespace
}  // namespace ecsdb
