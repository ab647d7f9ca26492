// The messages by which a client goes on from what it holds.
#include <string>

#include "message_rejects.h"

namespace ecsdb::vectors {
namespace {

/// A resume that names no cells yet: everything up to their number.
Head resume() { return Head().hex("01").hex(kZeros16).hex("0100000000"); }
/// One that names one, whose fields follow.
Head resume_with(std::string_view cell) { return resume().hex("01").hex(cell); }

void make_resume(const Rejects& to) {
  to.add("resume-empty", "A message is not nothing.", "resume", Head());
  to.add("resume-last-2", "It is the last one, 1, or it is not, 0.", "resume",
         Head().hex("02").hex(kZeros16).hex("010000000000"));
  to.add("resume-database-cut-short", "The id of the database lacks a byte.", "resume",
         Head().hex("01").hex(kZeros16.substr(2)));
  to.add("resume-cut-short", "The list of cells is missing.", "resume", resume());
  to.add("resume-bytes-behind", "One byte follows.", "resume", resume().hex("0000"));
  to.add("resume-cut-65-bits", "Versions have 64 bits.", "resume",
         Head().hex("01").hex(kZeros16).hex("01").hex("ffffffffffffffffff02").hex("00000000"));
  to.add("resume-index-beyond", "Entity indices have 32 bits.", "resume",
         Head().hex("01").hex(kZeros16).hex("010000").varint(1ull << 32).hex("0000"));
  to.add("resume-highest-generation-beyond", "Generations have 32 bits.", "resume",
         Head().hex("01").hex(kZeros16).hex("01000000").varint(1ull << 32).hex("00"));
  to.add("resume-513-cells", "More than one frame may have.", "resume",
         resume().varint(513).repeat(513, "0001010000"));
  to.add("resume-count-lies", "Four cells that are not there.", "resume", resume().hex("04"));
}

void make_resume_cells(const Rejects& to) {
  to.add("resume-handle-beyond", "A connection has 2^20 cells at most.", "resume",
         resume().hex("01").varint((1u << 20) + 1).hex("01010000"));
  to.add("resume-generation-beyond", "Generations have 32 bits.", "resume",
         resume().hex("0100").varint(1ull << 32).hex("010000"));
  to.add("resume-table-beyond", "Table ids have 16 bits.", "resume",
         resume().hex("010001").varint(65536).hex("0000"));
  to.add("resume-key-kind-5", "Kinds of keys are 0 to 4.", "resume", resume_with("0001010500"));
  to.add("resume-key-cut-short", "A grid key has three numbers.", "resume",
         resume_with("000101030000"));
  to.add("resume-state-4", "States of cells are 0 to 3.", "resume", resume_with("0001010004"));
  to.add("resume-cell-cut-short", "The state of the cell is missing.", "resume",
         resume_with("00010100"));
}

void make_resume_reply(const Rejects& to) {
  to.add("resume-reply-reason-6", "Reasons are 0 to 5.", "resume_reply", Head().hex("06000000"));
  to.add("resume-reply-keeps-2", "The sync goes on, 1, or it does not, 0.", "resume_reply",
         Head().hex("00000002"));
  to.add("resume-reply-cut-short", "Whether the sync goes on is missing.", "resume_reply",
         Head().hex("000000"));
  to.add("resume-reply-bytes-behind", "One byte follows.", "resume_reply",
         Head().hex("0000000000"));
  to.add("resume-reply-epoch-65-bits", "Epochs have 64 bits.", "resume_reply",
         Head().hex("02").hex("ffffffffffffffffff02").hex("0000"));
}

void make_refetch(const Rejects& to) {
  to.add("refetch-no-list", "A message is not nothing.", "refetch", Head());
  to.add("refetch-513-cells", "More than one frame may have.", "refetch",
         Head().varint(513).repeat(513, "0001"));
  to.add("refetch-handle-beyond", "A connection has 2^20 cells at most.", "refetch",
         Head().hex("01").varint((1u << 20) + 1).hex("01"));
  to.add("refetch-generation-beyond", "Generations have 32 bits.", "refetch",
         Head().hex("0100").varint(1ull << 32));
  to.add("refetch-cut-short", "The generation of a cell is missing.", "refetch",
         Head().hex("0103"));
  to.add("refetch-bytes-behind", "One byte follows.", "refetch", Head().hex("0000"));
}

void make_ready_and_mark(const Rejects& to) {
  to.add("client-ready-empty", "A message is not nothing.", "client_ready", Head());
  to.add("client-ready-65-bits", "Versions have 64 bits.", "client_ready",
         Head().hex("ffffffffffffffffff02"));
  to.add("client-ready-not-minimal", "Version 1 in two bytes.", "client_ready", Head().hex("8100"));
  to.add("client-ready-bytes-behind", "One byte follows.", "client_ready", Head().hex("0100"));
  to.add("sync-mark-empty", "A message is not nothing.", "sync_mark", Head());
  to.add("sync-mark-cut-short", "The entity index is missing.", "sync_mark", Head().hex("0102"));
  to.add("sync-mark-index-beyond", "Entity indices have 32 bits.", "sync_mark",
         Head().hex("0000").varint(1ull << 32));
  to.add("sync-mark-done-beyond", "A connection has 2^20 cells at most.", "sync_mark",
         Head().varint((1u << 20) + 1).hex("0000"));
  to.add("sync-mark-begun-beyond", "A connection has 2^20 cells at most.", "sync_mark",
         Head().hex("00").varint((1u << 20) + 1).hex("00"));
  to.add("sync-mark-not-minimal", "Index 1 in two bytes.", "sync_mark", Head().hex("00008100"));
  to.add("sync-mark-bytes-behind", "One byte follows.", "sync_mark", Head().hex("00000100"));
}

}  // namespace

void make_resume_rejects(const Rejects& to) {
  make_resume(to);
  make_resume_cells(to);
  make_resume_reply(to);
  make_refetch(to);
  make_ready_and_mark(to);
}

}  // namespace ecsdb::vectors
