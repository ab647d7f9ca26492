#include "ecsdb/base/hash.h"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <vector>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/prng.h"

namespace ecsdb {
namespace {

using Four = std::array<uint32_t, 4>;

Bytes random_bytes(size_t n) {
  Prng random(7);
  Bytes out(n);
  for (uint8_t& byte : out) byte = static_cast<uint8_t>(random.next());
  return out;
}

/// Bit by bit, from the polynomial alone.
uint32_t crc32c_slow(ByteSpan bytes) {
  uint32_t c = 0xffffffff;
  for (const uint8_t byte : bytes) {
    c ^= byte;
    for (int i = 0; i < 8; ++i) c = (c >> 1) ^ ((c & 1) != 0 ? 0x82f63b78u : 0);
  }
  return ~c;
}

TEST(Crc32c, KnownValues) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c({}), 0u);
  EXPECT_EQ(crc32c(Bytes(32, 0x00)), 0x8a9136aau);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(Bytes(32, 0xff)), 0x62a8ab43u);
}

TEST(Crc32c, EveryLengthAndAlignmentAgreesWithTheDefinition) {
  const Bytes bytes = random_bytes(80);
  for (size_t start = 0; start < 9; ++start) {
    for (size_t n = 0; start + n <= bytes.size(); ++n) {
      const ByteSpan part = ByteSpan(bytes).subspan(start, n);
      ASSERT_EQ(crc32c(part), crc32c_slow(part)) << start << " " << n;
    }
  }
}

// Single bytes never reach the eight-byte path, so this also compares the two.
TEST(Crc32c, SeedContinuesAnEarlierResult) {
  const Bytes bytes = random_bytes(61);
  const uint32_t whole = crc32c(bytes);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const uint32_t head = crc32c(ByteSpan(bytes).first(cut));
    ASSERT_EQ(crc32c(ByteSpan(bytes).subspan(cut), head), whole) << cut;
  }
  uint32_t crc = 0;
  for (const uint8_t byte : bytes) crc = crc32c(ByteSpan(&byte, 1), crc);
  EXPECT_EQ(crc, whole);
}

// Computed by a separate program from the description in hash.h. They must never change.
TEST(Hash128, GoldenValues) {
  EXPECT_EQ(hash128({}), (Hash128{0xd83068c5a146c051, 0xcd8e9833517351cd}));
  EXPECT_EQ(hash128(as_bytes("a")), (Hash128{0x80d05b311a19a656, 0x83af9220f8e88666}));
  EXPECT_EQ(hash128(as_bytes("ecsdb schema")), (Hash128{0xf8d54a7722890dc2, 0xe33fb0032ae13b70}));
}

TEST(Hash128, EveryBitAndTheLengthMatter) {
  Bytes bytes = random_bytes(33);
  std::set<Hash128> seen{hash128(bytes)};
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    bytes[i / 8] = static_cast<uint8_t>(bytes[i / 8] ^ (1u << (i % 8)));
    EXPECT_TRUE(seen.insert(hash128(bytes)).second) << i;
    bytes[i / 8] = static_cast<uint8_t>(bytes[i / 8] ^ (1u << (i % 8)));
  }
  for (size_t n = 0; n < 20; ++n) EXPECT_TRUE(seen.insert(hash128(Bytes(n, 0))).second) << n;
}

// The worked example: table 1, entity with index 9, epoch 1, reuse count 1, and the fields 1
// (vec2f, steps -4 and 6), 2 (i64, 2^32 + 2) and 4 (str, "anon"). All values were computed by a
// separate program from the definition in hash.h.
TEST(RowHasher, WorkedExample) {
  const TableId table{1};
  const auto low = RowHasher::entity_place(table, false);
  const auto high = RowHasher::entity_place(table, true);
  EXPECT_EQ(low.add, 0x330d0fc7u);
  EXPECT_EQ(low.multiply, (Four{0x58f54975, 0xb21c8e53, 0x7d86fbc5, 0x59dd6dd3}));
  const auto first = RowHasher::place(table, FieldId{1}, 0);
  EXPECT_EQ(first.add, 0x557bca2bu);
  EXPECT_EQ(first.multiply, (Four{0x7d31602d, 0xcbc96959, 0xd08b16b9, 0x6561984f}));

  RowHasher row;
  row.add(low, 0x00010001);
  row.add(high, 9);
  row.add(first, 0xfffffffc);
  row.add(RowHasher::place(table, FieldId{1}, 1), 6);
  row.add(RowHasher::place(table, FieldId{2}, 0), 2);
  row.add(RowHasher::place(table, FieldId{2}, 1), 1);
  const auto text = RowHasher::text_words(as_bytes("anon"));
  for (uint32_t i = 0; i < text.size(); ++i) {
    row.add(RowHasher::place(table, FieldId{4}, i), text[i]);
  }
  EXPECT_EQ(row.finish(), (Digest{{0x12bd492b, 0x7276fab4, 0x68d6c502, 0x0883170a}}));
}

TEST(RowHasher, GoldenTexts) {
  EXPECT_EQ(RowHasher::text_words({}), Four{});
  EXPECT_EQ(RowHasher::text_words(as_bytes("abcde")),
            (Four{0x3fb85391, 0xfae16880, 0xd1e03bc2, 0x9f9f536a}));
}

/// Rows of eight words: an entity's two and one of each of six fields.
class Rows {
 public:
  using Words = std::array<uint32_t, 8>;

  explicit Rows(uint16_t table) {
    for (const bool is_high : {false, true}) {
      places_.push_back(RowHasher::entity_place(TableId{table}, is_high));
    }
    for (uint16_t f = 1; f <= 6; ++f) {
      places_.push_back(RowHasher::place(TableId{table}, FieldId{f}, 0));
    }
  }
  Digest hash(const Words& words) const {
    RowHasher row;
    for (size_t i = 0; i < words.size(); ++i) row.add(places_[i], words[i]);
    return row.finish();
  }

 private:
  std::vector<RowHasher::Place> places_;
};

/// No two of the digests agree in two lanes, and not more agree in one lane than four times as many
/// as those of random numbers would.
void expect_spread(const std::vector<Digest>& digests) {
  const double pairs =
      static_cast<double>(digests.size()) * static_cast<double>(digests.size()) / 2;
  const size_t allowed = 4 + static_cast<size_t>(4 * pairs / 4294967296.0);
  for (int a = 0; a < 4; ++a) {
    for (int b = a; b < 4; ++b) {
      std::vector<uint64_t> seen;
      for (const Digest& d : digests) seen.push_back(uint64_t{d.lane[a]} << 32 | d.lane[b]);
      std::sort(seen.begin(), seen.end());
      const auto unique = std::unique(seen.begin(), seen.end());
      EXPECT_LE(static_cast<size_t>(seen.end() - unique), a == b ? allowed : 0)
          << "lanes " << a << " and " << b;
    }
  }
}

/// A row without content, one of small values, and one of random words.
std::vector<Rows::Words> starting_rows() {
  Prng random(5);
  std::vector<Rows::Words> out(3);
  for (uint32_t& word : out[1]) word = static_cast<uint32_t>(random.below(100));
  for (uint32_t& word : out[2]) word = static_cast<uint32_t>(random.next());
  return out;
}

TEST(RowHasher, OneOrTwoFlippedBitsShow) {
  const Rows rows(7);
  for (const Rows::Words& start : starting_rows()) {
    std::vector<Digest> digests{rows.hash(start)};
    for (size_t i = 0; i < 256; ++i) {
      Rows::Words one = start;
      one[i / 32] ^= 1u << (i % 32);
      digests.push_back(rows.hash(one));
      for (size_t k = i + 1; k < 256; ++k) {
        Rows::Words two = one;
        two[k / 32] ^= 1u << (k % 32);
        digests.push_back(rows.hash(two));
      }
    }
    expect_spread(digests);
  }
}

// Alone, a sum of products with odd multipliers cannot tell two flipped top bits from none.
TEST(RowHasher, HighBitsOfSeveralWordsDoNotCancel) {
  const Rows rows(8);
  for (const uint32_t bits : {0x80000000u, 0x80008000u, 0xc0000000u, 0xffff0000u}) {
    for (const Rows::Words& start : starting_rows()) {
      std::vector<Digest> digests;
      for (uint32_t set = 0; set < 256; ++set) {
        Rows::Words words = start;
        for (size_t i = 0; i < 8; ++i) words[i] ^= (set >> i & 1) != 0 ? bits : 0;
        digests.push_back(rows.hash(words));
      }
      expect_spread(digests);
    }
  }
}

TEST(RowHasher, SmallStepsInSeveralFieldsDoNotCancel) {
  const Rows rows(9);
  for (const Rows::Words& start : starting_rows()) {
    std::vector<Digest> digests;
    for (uint32_t steps = 0; steps < 117'649; ++steps) {  // 7^6
      Rows::Words words = start;
      uint32_t left = steps;
      for (size_t f = 2; f < 8; ++f, left /= 7) words[f] += left % 7 - 3;
      digests.push_back(rows.hash(words));
    }
    expect_spread(digests);
  }
}

TEST(RowHasher, ValuesThatSwapFieldsShow) {
  const Rows rows(10);
  Rows::Words words = {1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<Digest> digests;
  do {
    digests.push_back(rows.hash(words));
  } while (std::next_permutation(words.begin(), words.end()));
  expect_spread(digests);
}

// What a digest of a cell sees when a value wanders from one row to another.
TEST(RowHasher, ValuesThatSwapRowsShowInTheSum) {
  const Rows rows(11);
  std::vector<Digest> sums;
  for (uint32_t entity = 0; entity < 40; ++entity) {
    for (uint32_t value = 0; value < 40; ++value) {
      for (uint32_t other = 0; other < 40; ++other) {
        Digest sum = rows.hash({0x10001, entity, 0, value, 0, 0, 0, 0});
        sum += rows.hash({0x10001, entity + 1000, 0, other, 0, 0, 0, 0});
        sums.push_back(sum);
      }
    }
  }
  expect_spread(sums);
}

TEST(RowHasher, StepsUpInOneRowAndDownInAnotherShowInTheSum) {
  const Rows rows(12);
  std::vector<Digest> up, down;
  for (uint32_t entity = 0; entity < 300; ++entity) {
    const Digest before = rows.hash({0x10001, entity, 7, 500, 7, 7, 7, 7});
    up.push_back(rows.hash({0x10001, entity, 7, 501, 7, 7, 7, 7}));
    up.back() -= before;
    down.push_back(rows.hash({0x10001, entity, 7, 499, 7, 7, 7, 7}));
    down.back() -= before;
  }
  std::vector<Digest> changes{Digest{}};
  for (size_t i = 0; i < up.size(); ++i) {
    for (size_t k = 0; k < down.size(); ++k) {
      changes.push_back(up[i]);
      changes.back() += down[k];
    }
  }
  expect_spread(changes);
}

TEST(RowHasher, SameRowInAnotherTableOrFieldDiffers) {
  std::vector<Digest> digests;
  for (uint16_t table = 1; table <= 200; ++table) {
    for (uint16_t field = 1; field <= 64; ++field) {
      RowHasher row;
      row.add(RowHasher::place(TableId{table}, FieldId{field}, 0), 1);
      digests.push_back(row.finish());
    }
  }
  expect_spread(digests);
}

TEST(RowHashBatch, EveryNumberOfRowsAgreesWithOneByOne) {
  Prng random(3);
  for (size_t rows = 0; rows <= RowHashBatch::kRows; ++rows) {
    RowHashBatch batch(rows);
    std::vector<RowHasher> one_by_one(rows);
    std::array<uint32_t, RowHashBatch::kRows> words;
    for (uint16_t f = 1; f <= 5; ++f) {
      const auto place = RowHasher::place(TableId{6}, FieldId{f}, f % 3);
      for (uint32_t& word : words) word = static_cast<uint32_t>(random.next());
      for (size_t i = 0; i < rows; ++i) one_by_one[i].add(place, words[i]);
      batch.add(place, words);
    }
    batch.finish();
    Digest sum;
    for (size_t i = 0; i < rows; ++i) {
      ASSERT_EQ(batch.hash(i), one_by_one[i].finish()) << i << " of " << rows;
      sum += batch.hash(i);
    }
    ASSERT_EQ(batch.total(), sum);
  }
}

Digest text_digest(ByteSpan bytes) {
  const auto words = RowHasher::text_words(bytes);
  return Digest{{words[0], words[1], words[2], words[3]}};
}

TEST(RowHasher, TextsDifferByEveryBitLengthAndPlaceOfBytes) {
  std::vector<Digest> digests;
  auto add = [&](ByteSpan bytes) { digests.push_back(text_digest(bytes)); };
  for (size_t n = 0; n < 100; ++n) add(Bytes(n, 0));
  for (size_t n = 1; n < 100; ++n) add(Bytes(n, 'x'));
  Bytes bytes = random_bytes(33);
  auto flip = [&](size_t bit) {
    bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] ^ (1u << (bit % 8)));
  };
  add(bytes);
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    flip(i);
    add(bytes);
    for (size_t k = i + 1; k < bytes.size() * 8; ++k) {
      flip(k);
      add(bytes);
      flip(k);
    }
    flip(i);
  }
  std::string order = "abcdefgh";
  do {
    add(as_bytes(order));
  } while (std::next_permutation(order.begin(), order.end()));
  expect_spread(digests);
}

// Up to two bits in each of two neighbouring words: what one step does, the next must not undo.
TEST(RowHasher, FlippedBitsOfATextAreNotUndoneByThoseBehindThem) {
  std::vector<uint32_t> patterns{0};
  for (uint32_t i = 0; i < 32; ++i) {
    for (uint32_t k = i; k < 32; ++k) patterns.push_back(1u << i | 1u << k);
  }
  std::vector<Digest> digests;
  for (const uint32_t first : patterns) {
    for (const uint32_t second : patterns) {
      Bytes text = random_bytes(15);
      for (size_t i = 0; i < 8; ++i) {
        const uint32_t flips = (i < 4 ? first : second) >> (8 * (i % 4));
        text[4 + i] = static_cast<uint8_t>(text[4 + i] ^ flips);
      }
      digests.push_back(text_digest(text));
    }
  }
  expect_spread(digests);
}

TEST(Digest, SubtractionUndoesAdditionAcrossOverflow) {
  const Digest a{{0xffffffff, 1, 2, 0x80000000}};
  const Digest b{{2, 0xffffffff, 3, 0x80000000}};
  Digest sum = a;
  sum += b;
  EXPECT_EQ(sum, (Digest{{1, 0, 5, 0}}));
  sum -= a;
  EXPECT_EQ(sum, b);
  sum -= b;
  EXPECT_EQ(sum, Digest{});
}

TEST(Digest, DuplicateDoesNotCancel) {
  Digest sum;
  const Digest row{{1, 0x80000000, 3, 0x80000000}};
  sum += row;
  sum += row;
  EXPECT_NE(sum, Digest{});
}

TEST(RunningHash, BytesAreFramedByTheirLength) {
  RunningHash one, two;
  one.add_bytes(as_bytes("ab"));
  one.add_bytes(as_bytes("c"));
  two.add_bytes(as_bytes("a"));
  two.add_bytes(as_bytes("bc"));
  EXPECT_NE(one.value(), two.value());
}

}  // namespace
}  // namespace ecsdb
