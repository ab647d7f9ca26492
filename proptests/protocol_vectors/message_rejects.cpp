// Heads of frames that must be refused. All of them are frame_malformed.
#include "message_rejects.h"

namespace ecsdb::vectors {
namespace {

/// Of an auth behind the fingerprint: time, ticket, whether it resumes, whether it was copied.
constexpr std::string_view kNoTicket = "00000000";
/// Of an auth_reply up to the length of the schema, and from the echo on.
const std::string kReplyBegin = std::string(kZeros16) + "000000" + std::string(kZeros16);
constexpr std::string_view kReplyEnd = "000000000000000000";

Head auth() { return Head().hex("000000").hex(kZeros16); }
Head auth_reply() { return Head().hex(kReplyBegin).hex("000000000000"); }

void make_auth(const Rejects& to) {
  to.add("auth-empty", "A message is not nothing.", "auth", Head());
  to.add("auth-cut-short", "Whether the ticket was copied is missing.", "auth",
         auth().hex("000000"));
  to.add("auth-bytes-behind", "One byte follows.", "auth", auth().hex(kNoTicket).hex("00"));
  to.add("auth-token-too-long", "A token of 4097 bytes.", "auth",
         Head().varint(4097).repeat(4097, "61").hex("0000").hex(kZeros16).hex(kNoTicket));
  to.add("auth-token-length-lies", "A token of 9 bytes that is not there.", "auth",
         Head().hex("09"));
  to.add("auth-token-length-not-minimal", "Length 0 in two bytes.", "auth",
         Head().hex("8000").hex("0000").hex(kZeros16).hex(kNoTicket));
  to.add("auth-name-too-long", "A name of 65 bytes.", "auth",
         Head().hex("00").varint(65).repeat(65, "61").hex("00").hex(kZeros16).hex(kNoTicket));
  to.add("auth-name-not-utf8", "A name that ends in the middle of a character.", "auth",
         Head().hex("00").hex("02").hex("61c3").hex("00").hex(kZeros16).hex(kNoTicket));
  to.add("auth-database-2", "Databases are 0 and 1.", "auth",
         Head().hex("000002").hex(kZeros16).hex(kNoTicket));
  to.add("auth-time-65-bits", "Times have 64 bits.", "auth",
         auth().hex("ffffffffffffffffff0200").hex("0000"));
  to.add("auth-ticket-too-long", "A ticket of 65 bytes.", "auth",
         auth().hex("00").varint(65).repeat(65, "61").hex("0000"));
  to.add("auth-ticket-length-lies", "A ticket of 9 bytes, of which two are there.", "auth",
         auth().hex("00").hex("090000"));
  to.add("auth-resuming-2", "It resumes, 1, or it does not, 0.", "auth", auth().hex("00000200"));
  to.add("auth-copied-2", "The ticket was copied, 1, or it was not, 0.", "auth",
         auth().hex("00000002"));
}

void make_auth_reply(const Rejects& to) {
  to.add("auth-reply-cut-short", "The last field is missing.", "auth_reply",
         auth_reply().hex(kReplyEnd.substr(2)));
  to.add("auth-reply-bytes-behind", "One byte follows.", "auth_reply",
         auth_reply().hex(kReplyEnd).hex("00"));
  to.add("auth-reply-schema-too-long", "A schema of 2^20 + 1 bytes.", "auth_reply",
         Head().hex(kReplyBegin).varint((1u << 20) + 1).hex("0000000000").hex(kReplyEnd));
  to.add("auth-reply-heartbeat-beyond", "Times in milliseconds have 32 bits.", "auth_reply",
         Head().hex(kReplyBegin).hex("0000").varint(1ull << 32).hex("000000").hex(kReplyEnd));
  to.add("auth-reply-ticket-too-long", "A ticket of 65 bytes.", "auth_reply",
         auth_reply().hex("00").varint(65).repeat(65, "61").hex("00000000000000"));
  to.add("auth-reply-resumed-2", "The session goes on, 1, or it does not, 0.", "auth_reply",
         auth_reply().hex("0000").hex("02").hex("000000000000"));
  to.add("auth-reply-budget-65-bits", "Budgets have 64 bits.", "auth_reply",
         auth_reply().hex("000000").hex("ffffffffffffffffff02").hex("0000000000"));
  to.add("auth-reply-changes-beyond", "Counts of changes have 32 bits.", "auth_reply",
         auth_reply().hex("0000000000").varint(1ull << 32).hex("000000"));
  to.add("auth-reply-stall-beyond", "Times in milliseconds have 32 bits.", "auth_reply",
         auth_reply().hex("000000000000").varint(1ull << 32).hex("0000"));
  to.add("auth-reply-wall-65-bits", "The wall clock has 64 bits.", "auth_reply",
         auth_reply().hex("00000000000000").hex("ffffffffffffffffff02").hex("00"));
  to.add("auth-reply-waiting-beyond", "Counts of writes have 32 bits.", "auth_reply",
         auth_reply().hex("0000000000000000").varint(1ull << 32));
}

void make_schema_part(const Rejects& to) {
  to.add("schema-part-offset-beyond", "No schema has 2^20 + 1 bytes.", "schema_part",
         Head().varint((1u << 20) + 1).hex("00"));
  to.add("schema-part-cut-short", "Two bytes of three.", "schema_part", Head().hex("00030102"));
  to.add("schema-part-bytes-behind", "One byte follows.", "schema_part", Head().hex("000000"));
}

/// A request that adds one subscription, whose fields follow, and removes and moves nothing.
Head adding(std::string_view subscription) {
  return Head().hex("0101").hex(subscription).hex("0000");
}

void make_subscriptions(const Rejects& to) {
  to.add("subscribe-cut-short", "The list of moves is missing.", "subscribe", Head().hex("010000"));
  to.add("subscribe-bytes-behind", "One byte follows.", "subscribe", Head().hex("0100000000"));
  to.add("subscribe-request-beyond", "Requests have 32 bits.", "subscribe",
         Head().varint(1ull << 32).hex("000000"));
  to.add("subscribe-65-subscriptions", "More than one message may have.", "subscribe",
         Head().hex("01").varint(65).repeat(65, "010100000000").hex("0000"));
  to.add("subscribe-65-removals", "More than one message may have.", "subscribe",
         Head().hex("0100").varint(65).repeat(65, "01").hex("00"));
  to.add("subscribe-65-moves", "More than one message may have.", "subscribe",
         Head().hex("010000").varint(65).repeat(65, "01000000"));
  to.add("subscribe-1025-keys", "More keys than one subscription may have.", "subscribe",
         Head().hex("0101").hex("010101").varint(1025).repeat(1025, "00").hex("0000").hex("0000"));
  to.add("subscribe-selector-5", "Selectors are 0 to 4.", "subscribe", adding("010105000000"));
  to.add("subscribe-key-kind-5", "Kinds of keys are 0 to 4.", "subscribe",
         adding("01010101050000"));
  to.add("subscribe-key-cut-short", "A grid key has three numbers.", "subscribe",
         Head().hex("0101").hex("01010101").hex("03").hex("0000"));
  to.add("subscribe-key-not-minimal", "A number of a key in too many bytes.", "subscribe",
         adding("01010101"
                "018000"
                "0000"));
  to.add("subscribe-table-beyond", "Table ids have 16 bits.", "subscribe",
         Head().hex("0101").hex("01").varint(65536).hex("00000000").hex("0000"));
  to.add("subscribe-count-lies", "Four subscriptions that are not there.", "subscribe",
         Head().hex("0104"));
}

void make_areas(const Rejects& to) {
  constexpr std::string_view kArea = "0000000000000000";
  const std::string two =
      "01010300"
      "02" +
      std::string(kArea) + std::string(kArea) + "00";
  to.add("subscribe-two-areas", "A subscription has one area at most.", "subscribe", adding(two));
  to.add("subscribe-area-cut-short", "The margin is missing, and all behind it.", "subscribe",
         Head().hex("0101").hex("01010300").hex("01").hex(kArea.substr(2)));
  to.add("subscribe-area-65-bits", "Numbers of places have 64 bits.", "subscribe",
         adding("01010300"
                "01"
                "00"
                "ffffffffffffffffff02"
                "0000"
                "000000"
                "00"
                "00"));
  to.add("subscribe-area-not-minimal", "A number of a place in too many bytes.", "subscribe",
         adding("01010300"
                "01"
                "00"
                "8000"
                "0000"
                "000000"
                "00"
                "00"));
  to.add("subscribe-two-nearest", "One place at most is the nearest.", "subscribe",
         adding("01010000"
                "00"
                "02"
                "03000000"
                "03000000"));
  to.add("subscribe-nearest-kind-5", "Kinds of keys are 0 to 4.", "subscribe",
         adding("01010000"
                "00"
                "01"
                "05"));
  to.add("subscribe-move-cut-short", "A place has three numbers.", "subscribe",
         Head().hex("010000").hex("01").hex("010000"));
  to.add("subscribe-move-id-beyond", "Ids of subscriptions have 32 bits.", "subscribe",
         Head().hex("010000").hex("01").varint(1ull << 32).hex("000000"));
}

void make_subscribe_reply(const Rejects& to) {
  to.add("subscribe-reply-cut-short", "The code of a result is missing.", "subscribe_reply",
         Head().hex("010101"));
  to.add("subscribe-reply-bytes-behind", "One byte follows.", "subscribe_reply",
         Head().hex("010000"));
  to.add("subscribe-reply-193-results", "More than one request can ask for.", "subscribe_reply",
         Head().hex("01").varint(193).repeat(193, "0100"));
  to.add("subscribe-reply-code-beyond", "Codes have 16 bits.", "subscribe_reply",
         Head().hex("010101").varint(65536));
}

void make_flow(const Rejects& to) {
  to.add("sync-begin-cut-short", "The number of bytes is missing.", "sync_begin",
         Head().hex("0503"));
  to.add("sync-begin-bytes-behind", "One byte follows.", "sync_begin", Head().hex("05000000"));
  to.add("ack-cut-short", "The number of bytes is missing.", "ack", Head().hex("05"));
  to.add("ack-cut-not-minimal", "Version 1 in two bytes.", "ack", Head().hex("810000"));
  to.add("ack-65-bits", "Versions have 64 bits.", "ack", Head().hex("ffffffffffffffffff0200"));
  to.add("goodbye-code-beyond", "Codes have 16 bits.", "goodbye", Head().varint(65536).hex("00"));
  to.add("goodbye-reason-too-long", "A reason of 513 bytes.", "goodbye",
         Head().varint(500).varint(513).repeat(513, "61"));
  to.add("goodbye-reason-not-utf8", "A reason in another encoding.", "goodbye",
         Head().varint(500).hex("01fc"));
  to.add("goodbye-cut-short", "The reason lacks a byte.", "goodbye",
         Head().varint(500).hex("0261"));
  to.add("goodbye-bytes-behind", "One byte follows.", "goodbye", Head().varint(500).hex("0000"));
}

void make_heartbeats(const Rejects& to) {
  to.add("client-heartbeat-empty", "A message is not nothing.", "client_heartbeat", Head());
  to.add("client-heartbeat-cut-short", "The age of the echo is missing.", "client_heartbeat",
         Head().hex("0102"));
  to.add("client-heartbeat-bytes-behind", "One byte follows.", "client_heartbeat",
         Head().hex("00000000"));
  to.add("server-heartbeat-cut-short", "The list of digests is missing.", "server_heartbeat",
         Head().hex("0900000000"));
  to.add("server-heartbeat-bytes-behind", "One byte follows.", "server_heartbeat",
         Head().hex("09000000000000"));
  const std::string sample = "0001" + std::string(kZeros16);
  to.add("server-heartbeat-257-digests", "More than one message may have.", "server_heartbeat",
         Head().hex("0900000000").varint(257).repeat(257, sample));
  to.add("server-heartbeat-digest-cut-short", "A digest has 16 bytes.", "server_heartbeat",
         Head().hex("0900000000").hex("01").hex(sample.substr(2)));
  to.add("server-heartbeat-handle-beyond", "A connection has 2^20 cells at most.",
         "server_heartbeat",
         Head().hex("0900000000").hex("01").varint((1u << 20) + 1).hex("01").hex(kZeros16));
  to.add("server-heartbeat-generation-beyond", "Generations have 32 bits.", "server_heartbeat",
         Head().hex("0900000000").hex("01").hex("00").varint(1ull << 32).hex(kZeros16));
}

constexpr std::string_view kZeroSum = "00000000";

void make_advances(const Rejects& to) {
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
  make_auth(rejects);
  make_auth_reply(rejects);
  make_schema_part(rejects);
  make_subscriptions(rejects);
  make_areas(rejects);
  make_subscribe_reply(rejects);
  make_flow(rejects);
  make_heartbeats(rejects);
  make_resume_rejects(rejects);
  make_advances(rejects);
  make_write_rejects(rejects);
  make_event_rejects(rejects);
}

}  // namespace ecsdb::vectors
