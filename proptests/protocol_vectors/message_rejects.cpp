// Heads of frames that must be refused. All of them are frame_malformed.
#include "ecsdb/wire/limits.h"

#include "groups.h"

namespace ecsdb::vectors {
namespace {

/// A head, written by hand.
class Head {
 public:
  Head& hex(std::string_view digits) {
    const Bytes bytes = from_hex(digits).value_or(Bytes());
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Head& varint(uint64_t value) {
    ByteWriter(bytes_).varint(value);
    return *this;
  }
  /// `count` times those bytes.
  Head& repeat(size_t count, std::string_view digits) {
    for (; count > 0; --count) hex(digits);
    return *this;
  }
  std::string to_hex() const { return vectors::to_hex(bytes_); }

 private:
  Bytes bytes_;
};

const std::string kNoSchema(32, '0');

class Rejects {
 public:
  explicit Rejects(Maker& to) : to_(to) {}
  void add(const char* name, const char* note, const char* type, const Head& head) {
    to_.reject(name, note, Json::object({{"type", type}, {"bytes", head.to_hex()}}),
               "frame_malformed");
  }

 private:
  Maker& to_;
};

void make_handshake(Rejects to) {
  to.add("auth-empty", "A message is not nothing.", "auth", Head());
  to.add("auth-cut-short", "The fingerprint lacks a byte.", "auth",
         Head().hex("00").hex("00").hex("00").hex(kNoSchema.substr(2)));
  to.add("auth-bytes-behind", "One byte follows.", "auth",
         Head().hex("000000").hex(kNoSchema).hex("00"));
  to.add("auth-token-too-long", "A token of 4097 bytes.", "auth",
         Head().varint(4097).repeat(4097, "61").hex("0000").hex(kNoSchema));
  to.add("auth-token-length-lies", "A token of 9 bytes that is not there.", "auth",
         Head().hex("09"));
  to.add("auth-token-length-not-minimal", "Length 0 in two bytes.", "auth",
         Head().hex("8000").hex("0000").hex(kNoSchema));
  to.add("auth-name-too-long", "A name of 65 bytes.", "auth",
         Head().hex("00").varint(65).repeat(65, "61").hex("00").hex(kNoSchema));
  to.add("auth-name-not-utf8", "A name that ends in the middle of a character.", "auth",
         Head().hex("00").hex("02").hex("61c3").hex("00").hex(kNoSchema));
  to.add("auth-database-2", "Databases are 0 and 1.", "auth", Head().hex("000002").hex(kNoSchema));
  to.add("auth-reply-cut-short", "The last field is missing.", "auth_reply",
         Head().hex(kNoSchema).hex("000000").hex(kNoSchema).hex("0000000000"));
  to.add("auth-reply-bytes-behind", "One byte follows.", "auth_reply",
         Head().hex(kNoSchema).hex("000000").hex(kNoSchema).hex("00000000000000"));
  to.add(
      "auth-reply-schema-too-long", "A schema of 2^20 + 1 bytes.", "auth_reply",
      Head().hex(kNoSchema).hex("000000").hex(kNoSchema).varint((1u << 20) + 1).hex("0000000000"));
  to.add("auth-reply-heartbeat-beyond", "Times in milliseconds have 32 bits.", "auth_reply",
         Head()
             .hex(kNoSchema)
             .hex("000000")
             .hex(kNoSchema)
             .hex("0000")
             .varint(1ull << 32)
             .hex("000000"));
  to.add("schema-part-offset-beyond", "No schema has 2^20 + 1 bytes.", "schema_part",
         Head().varint((1u << 20) + 1).hex("00"));
  to.add("schema-part-cut-short", "Two bytes of three.", "schema_part", Head().hex("00030102"));
  to.add("schema-part-bytes-behind", "One byte follows.", "schema_part", Head().hex("000000"));
}

void make_subscriptions(Rejects to) {
  to.add("subscribe-cut-short", "The list of removals is missing.", "subscribe",
         Head().hex("0100"));
  to.add("subscribe-bytes-behind", "One byte follows.", "subscribe", Head().hex("01000000"));
  to.add("subscribe-request-beyond", "Requests have 32 bits.", "subscribe",
         Head().varint(1ull << 32).hex("0000"));
  to.add("subscribe-65-subscriptions", "More than one message may have.", "subscribe",
         Head().hex("01").varint(65).repeat(65, "01010000").hex("00"));
  to.add("subscribe-65-removals", "More than one message may have.", "subscribe",
         Head().hex("0100").varint(65).repeat(65, "01"));
  to.add("subscribe-1025-keys", "More keys than one subscription may have.", "subscribe",
         Head().hex("0101").hex("010101").varint(1025).repeat(1025, "00").hex("00"));
  to.add("subscribe-selector-3", "Selectors are 0 to 2.", "subscribe",
         Head().hex("0101").hex("01010300").hex("00"));
  to.add("subscribe-key-kind-5", "Kinds of keys are 0 to 4.", "subscribe",
         Head().hex("0101").hex("0101010105").hex("00"));
  to.add("subscribe-key-cut-short", "A grid key has three numbers.", "subscribe",
         Head().hex("0101").hex("0101010103").hex("0000"));
  to.add("subscribe-key-not-minimal", "A number of a key in too many bytes.", "subscribe",
         Head().hex("0101").hex("0101010101").hex("8000").hex("00"));
  to.add("subscribe-table-beyond", "Table ids have 16 bits.", "subscribe",
         Head().hex("0101").hex("01").varint(65536).hex("0000").hex("00"));
  to.add("subscribe-count-lies", "Four subscriptions that are not there.", "subscribe",
         Head().hex("0104"));
  to.add("subscribe-reply-cut-short", "The code of a result is missing.", "subscribe_reply",
         Head().hex("010101"));
  to.add("subscribe-reply-bytes-behind", "One byte follows.", "subscribe_reply",
         Head().hex("010000"));
  to.add("subscribe-reply-129-results", "More than one request can ask for.", "subscribe_reply",
         Head().hex("01").varint(129).repeat(129, "0100"));
  to.add("subscribe-reply-code-beyond", "Codes have 16 bits.", "subscribe_reply",
         Head().hex("010101").varint(65536));
}

void make_flow(Rejects to) {
  to.add("sync-begin-cut-short", "The number of rows is missing.", "sync_begin", Head().hex("05"));
  to.add("sync-begin-bytes-behind", "One byte follows.", "sync_begin", Head().hex("050000"));
  to.add("ack-cut-short", "The number of bytes is missing.", "ack", Head().hex("05"));
  to.add("ack-cut-not-minimal", "Version 1 in two bytes.", "ack", Head().hex("810000"));
  to.add("ack-65-bits", "Versions have 64 bits.", "ack", Head().hex("ffffffffffffffffff0200"));
  to.add("client-heartbeat-empty", "The time is missing.", "client_heartbeat", Head());
  to.add("client-heartbeat-bytes-behind", "One byte follows.", "client_heartbeat",
         Head().hex("0000"));
  to.add("server-heartbeat-cut-short", "The time is missing.", "server_heartbeat",
         Head().hex("09"));
  to.add("server-heartbeat-bytes-behind", "One byte follows.", "server_heartbeat",
         Head().hex("090000"));
  to.add("goodbye-code-beyond", "Codes have 16 bits.", "goodbye", Head().varint(65536).hex("00"));
  to.add("goodbye-reason-too-long", "A reason of 513 bytes.", "goodbye",
         Head().varint(500).varint(513).repeat(513, "61"));
  to.add("goodbye-reason-not-utf8", "A reason in another encoding.", "goodbye",
         Head().varint(500).hex("01fc"));
  to.add("goodbye-cut-short", "The reason lacks a byte.", "goodbye",
         Head().varint(500).hex("0261"));
  to.add("goodbye-bytes-behind", "One byte follows.", "goodbye", Head().varint(500).hex("0000"));
}

constexpr std::string_view kZeroSum = "00000000";

void make_advances(Rejects to) {
  auto advance = [](std::string_view lists) { return Head().hex("03000000").hex(lists); };
  to.add("advance-no-checksum", "The checksum of the tail is missing.", "advance",
         advance("000000"));
  to.add("advance-checksum-cut-short", "It has three bytes.", "advance",
         advance("000000").hex("000000"));
  to.add("advance-bytes-behind", "One byte follows.", "advance",
         advance("000000").hex(kZeroSum).hex("00"));
  to.add("advance-kind-3", "Kinds of advances are 0 to 2.", "advance",
         Head().hex("0f000000").hex("000000").hex(kZeroSum));
  to.add("advance-flags-beyond", "The flags have four bits.", "advance",
         Head().hex("10000000").hex("000000").hex(kZeroSum));
  to.add("advance-flags-not-minimal", "The flags are a varint and minimal.", "advance",
         Head().hex("8300000000").hex("000000").hex(kZeroSum));
  to.add("advance-513-leaves", "More leaves than a frame may have.", "advance",
         Head().hex("03000000").varint(513).repeat(513, "0001").hex("0000").hex(kZeroSum));
  to.add("advance-513-enters", "More enters than a frame may have.", "advance",
         Head().hex("0300000000").varint(513).repeat(513, "000101000000").hex("00").hex(kZeroSum));
  to.add("advance-1025-blocks", "More blocks than a frame may have.", "advance",
         Head().hex("030000000000").varint(1025).repeat(1025, "0001").hex(kZeroSum));
  to.add("advance-handle-beyond", "A connection has 2^20 cells at most.", "advance",
         Head()
             .hex("0300000000")
             .hex("01")
             .varint((1u << 20) + 1)
             .hex("0101000000")
             .hex("00")
             .hex(kZeroSum));
  to.add("advance-leave-handle-beyond", "Neither does a leave name more.", "advance",
         Head().hex("0300000001").varint((1u << 20) + 1).hex("01").hex("0000").hex(kZeroSum));
  to.add("advance-enter-key-kind-5", "Kinds of keys are 0 to 4.", "advance",
         advance("00").hex("01").hex("000101050000").hex("00").hex(kZeroSum));
  to.add("advance-enter-publishes-beyond", "Counts of publishes have 32 bits.", "advance",
         advance("00").hex("01").hex("0001010000").varint(1ull << 32).hex("00").hex(kZeroSum));
  to.add("advance-block-too-long", "A block of 196609 bytes.", "advance",
         advance("0000").hex("01").hex("00").varint(196609).hex(kZeroSum));
  to.add("advance-step-beyond", "Steps between handles have 32 bits.", "advance",
         advance("0000").hex("01").varint(1ull << 32).hex("01").hex(kZeroSum));
  to.add("sync-chunk-cut-short", "A chunk has the fields of an advance.", "sync_chunk",
         advance("0000"));
}

}  // namespace

void make_message_rejects(Maker& to) {
  const Rejects rejects(to);
  make_handshake(rejects);
  make_subscriptions(rejects);
  make_flow(rejects);
  make_advances(rejects);
}

}  // namespace ecsdb::vectors
