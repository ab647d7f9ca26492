// Writes and outcomes that must be refused. All of them are frame_malformed.
#include "message_rejects.h"

namespace ecsdb::vectors {
namespace {

/// Of a write, up to the operations.
Head write() { return Head().hex("01030201"); }
/// One that sets a field; the field follows, its base and its value.
Head setting(std::string_view field) {
  return write().hex("0000").hex("01").hex("0301000901").hex("01").hex(field);
}

void make_values(const Rejects& to) {
  to.add("write-value-kind-6", "Kinds of values are 0 to 5.", "write", setting("010006"));
  to.add("write-base-kind-255", "Of bases, too.", "write", setting("01ff0102"));
  to.add("write-value-cut-short", "One lane of two.", "write", setting("01000202"));
  to.add("write-value-without-lanes", "None of four.", "write", setting("010004"));
  to.add("write-value-not-minimal", "A lane in too many bytes.", "write", setting("0100018000"));
  to.add("write-value-65-bits", "Lanes have 64 bits.", "write",
         setting("010001ffffffffffffffffff02"));
  to.add("write-value-text-cut-short", "A byte of two.", "write", setting("0100050261"));
  to.add("write-value-text-length-not-minimal", "Length 0 in two bytes.", "write",
         setting("0100058000"));
  to.add("write-value-text-too-long", "A text of 65537 bytes, which need not be there.", "write",
         setting("010005").varint(65537));
  to.add("write-value-behind-none", "Nothing follows where there is no value.", "write",
         setting("01000002"));
}

void make_write(const Rejects& to) {
  to.add("write-empty", "A write is not nothing.", "write", Head());
  to.add("write-level-2", "It waits for applied, 0, or durable, 1.", "write",
         write().hex("02").hex("00").hex("0000"));
  to.add("write-257-operations", "More than one write may have.", "write",
         write().hex("0000").varint(257).repeat(257, "0000000000").hex("00"));
  to.add("write-1025-fields", "More than one write may have.", "write",
         write().hex("0000").hex("00").varint(1025).repeat(1025, "010000"));
  to.add("write-operation-kind-5", "Kinds of operations are 0 to 4.", "write",
         write().hex("0000").hex("01").hex("0501000900").hex("00"));
  to.add("write-operation-table-beyond", "Table ids have 16 bits.", "write",
         write().hex("0000").hex("01").hex("03").varint(65536).hex("000900").hex("00"));
  to.add("write-operation-fields-beyond", "An operation has no more fields than a write.", "write",
         write().hex("0000").hex("01").hex("03010009").varint(1025).hex("00"));
  to.add("write-field-id-beyond", "Field ids have 16 bits.", "write",
         write().hex("0000").hex("00").hex("01").varint(65536).hex("0000"));
  to.add("write-fields-missing", "The list of fields is missing.", "write",
         write().hex("0000").hex("00"));
  to.add("write-bytes-behind", "One byte follows.", "write", write().hex("0000").hex("000000"));
}

void make_frames(const Rejects& to) {
  to.add("writes-cut-short", "The list of writes is missing.", "writes", Head().hex("0100"));
  to.add("writes-bytes-behind", "One byte follows.", "writes", Head().hex("01000000"));
  to.add("writes-257-writes", "More than one message may have.", "writes",
         Head().hex("0100").varint(257).repeat(257, "0000"));
  to.add("writes-write-too-long", "A write of 60001 bytes, which need not be there.", "writes",
         Head().hex("010001").hex("00").varint(60001));
  to.add("writes-length-lies", "A write of 9 bytes that is not there.", "writes",
         Head().hex("010001").hex("0009"));
  to.add("write-refused-code-beyond", "Codes have 16 bits.", "write_refused",
         Head().hex("01").varint(65536).hex("0000"));
  to.add("write-refused-reason-not-utf8", "A reason in another encoding.", "write_refused",
         Head().hex("0100").hex("01fc").hex("00"));
  to.add("write-refused-delay-beyond", "Times in milliseconds have 32 bits.", "write_refused",
         Head().hex("010000").varint(1ull << 32));
  to.add("write-refused-cut-short", "When to come again is missing.", "write_refused",
         Head().hex("010000"));
}

/// One outcome, up to the ids of what it made.
Head outcome(std::string_view kind) { return Head().hex("0001").hex("01").hex(kind).hex("050000"); }

void make_outcomes(const Rejects& to) {
  to.add("outcomes-alone-2", "They count at once, 1, or not, 0.", "outcomes", Head().hex("0200"));
  to.add("outcomes-cut-short", "The list of outcomes is missing.", "outcomes", Head().hex("00"));
  to.add("outcomes-bytes-behind", "One byte follows.", "outcomes", Head().hex("000000"));
  to.add("outcomes-257-outcomes", "More than one message may have.", "outcomes",
         Head().hex("00").varint(257).repeat(257, "01000500000000"));
  to.add("outcome-kind-4", "Kinds of outcomes are 0 to 3.", "outcomes", outcome("04").hex("0000"));
  to.add("outcome-257-made", "A write spawns no more than it has operations.", "outcomes",
         outcome("00").varint(257).repeat(257, "01").hex("00"));
  to.add("outcome-1025-finals", "A write has no more fields.", "outcomes",
         outcome("01").hex("00").varint(1025).repeat(1025, "000100"));
  to.add("outcome-final-op-beyond", "A write has 256 operations at most.", "outcomes",
         outcome("01").hex("00").hex("01").varint(257).hex("0100"));
  to.add("outcome-final-kind-6", "Kinds of values are 0 to 5.", "outcomes",
         outcome("01").hex("00").hex("01").hex("000106"));
  to.add("outcome-reason-too-long", "A reason of 513 bytes.", "outcomes",
         Head().hex("0001").hex("0102").hex("0500").varint(513).repeat(513, "61").hex("0000"));
}

}  // namespace

void make_write_rejects(const Rejects& to) {
  make_write(to);
  make_values(to);
  make_frames(to);
  make_outcomes(to);
}

}  // namespace ecsdb::vectors
