// Examples of hashes and of the codes of bit strings.
#include <cstdio>
#include <string>

#include "ecsdb/base/hash.h"
#include "ecsdb/wire/bits.h"

#include "hex.h"
#include "markdown.h"
#include "protocol_tables.h"

namespace ecsdb::protocol {
namespace {

std::string words_text(std::span<const uint32_t> words) {
  std::string out;
  for (const uint32_t word : words) out += (out.empty() ? "" : " ") + hex_number(word, 8);
  return out;
}

std::string hash128_text(std::string_view text) {
  const Hash128 hash = hash128(as_bytes(text));
  return hex_number(hash.high, 16) + hex_number(hash.low, 16);
}

/// The row of hash.h's worked example.
Digest example_row() {
  const TableId table{1};
  RowHasher row;
  row.add(RowHasher::entity_place(table, false), 0x00010001);
  row.add(RowHasher::entity_place(table, true), 9);
  row.add(RowHasher::place(table, FieldId{1}, 0), static_cast<uint32_t>(-4));
  row.add(RowHasher::place(table, FieldId{1}, 1), 6);
  row.add(RowHasher::place(table, FieldId{2}, 0), 2);
  row.add(RowHasher::place(table, FieldId{2}, 1), 1);
  const auto text = RowHasher::text_words(as_bytes("anon"));
  for (uint32_t i = 0; i < text.size(); ++i) {
    row.add(RowHasher::place(table, FieldId{4}, i), text[i]);
  }
  return row.finish();
}

std::string place_text(const RowHasher::Place& place) {
  return hex_number(place.add, 8) + "; " + words_text(place.multiply);
}

std::string hashes() {
  MarkdownTable table({"of what", "result"});
  table.row({"crc32c of \"123456789\"", hex_number(crc32c(as_bytes("123456789")), 8)});
  table.row({"hash128 of the empty string", hash128_text("")});
  table.row({"hash128 of \"a\"", hash128_text("a")});
  table.row({"hash128 of \"ecsdb schema\"", hash128_text("ecsdb schema")});
  const auto words = RowHasher::text_words(as_bytes("abcde"));
  table.row({"text_words of \"abcde\"", words_text(words)});
  table.row({"table 1, place 0: constant 4, then constants 0 to 3, each with bit 0 set",
             place_text(RowHasher::entity_place(TableId{1}, false))});
  table.row(
      {"table 1, place 8, likewise", place_text(RowHasher::place(TableId{1}, FieldId{1}, 0))});
  table.row({"the row's hash", words_text(example_row().lane)});
  return table.text();
}

/// The first `count` bits, in stream order.
std::string bits_text(ByteSpan bytes, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += (bytes[i / 8] >> (i % 8) & 1) != 0 ? '1' : '0';
  return out;
}

template <class S>
void add_magnitude(S value, unsigned k, MarkdownTable& table) {
  BitWriter bits;
  bits.clear();
  bits.room(1);
  bits.magnitude(value, k);
  table.row({number(value), number(k), number(8 * sizeof(S)),
             code(bits_text(bits.finish(), magnitude_bits(value, k)))});
}

std::string magnitudes() {
  MarkdownTable table({"v", "k", "W", "bits in the order of the stream"});
  for (const uint32_t value : {0u, 2u, 3u, 4u, 5u, 100u, 1025u}) add_magnitude(value, 0, table);
  for (const uint32_t value : {0u, 5u, 11u, 12u, 27u, 4099u, 4100u}) add_magnitude(value, 2, table);
  add_magnitude(0xffffffffu, 31, table);
  add_magnitude(uint64_t{1} << 40, 30, table);
  return table.text();
}

/// `flags`: h for a hit, m for a miss.
void add_run(std::string_view flags, unsigned state, MarkdownTable& table) {
  RunEncoder runs;
  runs.clear();
  for (const char flag : flags) runs.flag(flag == 'h');
  BitWriter bits;
  bits.clear();
  runs.encode(state, bits);
  const ByteSpan bytes = bits.finish();
  BitReader reader(bytes);
  RunDecoder decoder(state, flags.size());
  while (decoder.next_miss(reader) < flags.size()) {
  }
  table.row(
      {code(flags), number(state), code(bits_text(bytes, bytes.size() * 8 - reader.bits_left()))});
}

std::string runs() {
  MarkdownTable table({"flags (h hit, m miss)", "s", "bits in the order of the stream"});
  add_run("h", 6, table);
  add_run("hhhhhhhhhh", 6, table);
  add_run("m", 6, table);
  add_run("hhhmhhhhhhhhhhhhmh", 6, table);
  add_run("mmmh", 0, table);
  add_run("hhhhhhm", 0, table);
  return table.text();
}

}  // namespace

void add_code_examples(std::vector<Section>& out) {
  out.push_back({"example-hashes", hashes()});
  out.push_back({"example-magnitudes", magnitudes()});
  out.push_back({"example-runs", runs()});
}

}  // namespace ecsdb::protocol
