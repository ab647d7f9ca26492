// What clients want to change, and what became of it. Part of messages.h.
//
// A write is numbered when it is first put on a link, by a sequence that rises in its client id,
// and from then on its bytes never change: a resend is equal to the last byte, and the server can
// tell a repetition from another write under the same number.
#pragma once

#include <tuple>
#include <vector>

#include "ecsdb/wire/describe.h"
#include "ecsdb/wire/limits.h"

namespace ecsdb {

/// A stamp is milliseconds of a wall clock and a counter below them. After the hybrid logical
/// clocks of Kulkarni and others (2014).
inline constexpr unsigned kStampCounterBits = 16;
inline constexpr uint64_t kStampCounterMax = (uint64_t{1} << kStampCounterBits) - 1;

enum class WriteOpKind : uint8_t {
  kSpawn = 0,    // a new entity, named by later operations as (sequence, place of this one)
  kDespawn = 1,  // the entity and all of its rows
  kPut = 2,      // a whole row where there is none
  kSet = 3,      // fields of a row that is there
  kRemove = 4,   // a row
};

/// One operation. Its fields are the next `field_count` of the write's list.
struct WriteOp {
  WriteOpKind kind = WriteOpKind::kSet;
  TableId table;
  uint64_t made_by = 0;
  uint64_t entity = 0;
  uint32_t field_count = 0;
  bool operator==(const WriteOp&) const = default;
};
template <>
struct Describe<WriteOp> {
  static constexpr const char* name = "write_op";
  static constexpr auto fields = std::make_tuple(
      field("kind", &WriteOp::kind, 4,
            "0 spawn, 1 despawn, 2 put a whole row, 3 set fields of a row, 4 remove a row"),
      field("table", &WriteOp::table, 0, "table id; 0 for spawn and despawn"),
      field("made_by", &WriteOp::made_by, 0,
            "0: `entity` is an id; else the sequence of the write that makes the entity"),
      field("entity", &WriteOp::entity, 0,
            "its id; or, made by a write, the place in that write of the spawn; 0 for spawn"),
      field("field_count", &WriteOp::field_count, kWriteFieldsMax,
            "so many of the write's fields belong to this operation; 0 unless it puts or sets"));
};

struct WriteField {
  FieldId field;
  CanonicalValue base;
  CanonicalValue value;
  bool operator==(const WriteField&) const = default;
};
template <>
struct Describe<WriteField> {
  static constexpr const char* name = "write_field";
  static constexpr auto fields = std::make_tuple(
      ecsdb::field("field", &WriteField::field, 0, "field id; rising within an operation"),
      ecsdb::field("base", &WriteField::base, kTextBytesMax,
                   "what the writer saw there, its own pending writes included; none for put"),
      ecsdb::field("value", &WriteField::value, kTextBytesMax, "what is to be there"));
};

enum class AckLevel : uint8_t { kApplied = 0, kDurable = 1 };

/// Decided as a whole: all operations, or none.
struct Write {
  uint64_t sequence = 0;
  Epoch epoch;
  Version base;
  uint64_t stamp = 0;
  AckLevel level = AckLevel::kApplied;
  uint64_t resolves = 0;
  std::vector<WriteOp> ops;
  std::vector<WriteField> fields;
  bool operator==(const Write&) const = default;
};
template <>
struct Describe<Write> {
  static constexpr const char* name = "write";
  static constexpr auto fields = std::make_tuple(
      field("sequence", &Write::sequence, 0, "from 1, one more than that of the write before"),
      field("epoch", &Write::epoch, 0, "of the base"),
      field("base", &Write::base, 0, "the cut that the writer saw; 0: none"),
      field("stamp", &Write::stamp, 0,
            "when: milliseconds of the server's wall clock as the client estimates it, times "
            "65536, plus a counter; rises from write to write"),
      field("level", &Write::level, 1, "what the outcome waits for: 0 applied, 1 durable"),
      field("resolves", &Write::resolves, 0, "number of the conflict that it settles; 0: none"),
      field("ops", &Write::ops, kWriteOpsMax, "in order; none only if it settles a conflict"),
      field("fields", &Write::fields, kWriteFieldsMax, "of the operations, one after the other"));
};

struct WriteEntry {
  uint64_t expires_ns = 0;
  Bytes write;
};
template <>
struct Describe<WriteEntry> {
  static constexpr const char* name = "write_entry";
  static constexpr auto fields = std::make_tuple(
      field("expires_ns", &WriteEntry::expires_ns, 0,
            "not to be applied later than this on the server's steady clock; 0: whenever"),
      field("write", &WriteEntry::write, kWriteBytesMax, "a `write`, as it was numbered"));
};

struct Writes {
  ClientId client;
  uint64_t settled_below = 0;
  std::vector<WriteEntry> entries;
};
template <>
struct Describe<Writes> {
  static constexpr const char* name = "writes";
  static constexpr auto fields = std::make_tuple(
      field("client", &Writes::client, 0, "as in the auth_reply"),
      field("settled_below", &Writes::settled_below, 0,
            "the client needs to know nothing more of lower sequences, and sends none of them"),
      field("entries", &Writes::entries, kWritesPerFrameMax, "in order of their sequences"));
};

enum class OutcomeKind : uint8_t { kApplied = 0, kMerged = 1, kRejected = 2, kExpired = 3 };

/// What a field of a merged write has become where that is not what was written.
struct FinalValue {
  uint32_t op = 0;
  FieldId field;
  CanonicalValue value;
  bool operator==(const FinalValue&) const = default;
};
template <>
struct Describe<FinalValue> {
  static constexpr const char* name = "final_value";
  static constexpr auto fields = std::make_tuple(
      ecsdb::field("op", &FinalValue::op, kWriteOpsMax, "place of the operation in its write"),
      ecsdb::field("field", &FinalValue::field, 0, "field id"),
      ecsdb::field("value", &FinalValue::value, kTextBytesMax, "what is there"));
};

struct Outcome {
  uint64_t sequence = 0;
  OutcomeKind kind = OutcomeKind::kApplied;
  Version version;
  uint16_t code = 0;
  std::string reason;
  std::vector<EntityId> made;
  std::vector<FinalValue> finals;
  bool operator==(const Outcome&) const = default;
};
template <>
struct Describe<Outcome> {
  static constexpr const char* name = "outcome";
  static constexpr auto fields = std::make_tuple(
      field("sequence", &Outcome::sequence, 0, "of the write"),
      field("kind", &Outcome::kind, 3, "0 applied, 1 merged, 2 rejected, 3 expired"),
      field("version", &Outcome::version, 0, "in which it was decided"),
      field("code", &Outcome::code, 0, "error code where it was rejected, else 0"),
      field("reason", &Outcome::reason, kReasonBytesMax, "for a person; empty unless rejected"),
      field("made", &Outcome::made, kWriteOpsMax, "ids of its spawns, in order"),
      field("finals", &Outcome::finals, kWriteFieldsMax,
            "fields that are not as they were written; of a row that may not be read, none"));
};

struct Outcomes {
  bool is_alone = false;
  std::vector<Outcome> outcomes;
};
template <>
struct Describe<Outcomes> {
  static constexpr const char* name = "outcomes";
  static constexpr auto fields =
      std::make_tuple(field("is_alone", &Outcomes::is_alone, 0,
                            "they count at once; else together with the next advance that begins"),
                      field("outcomes", &Outcomes::outcomes, kOutcomesPerFrameMax,
                            "of this client's writes, in order of their decision"));
};

/// The write was not looked at. Its sequence is still free, unless that was another write's.
struct WriteRefused {
  uint64_t sequence = 0;
  uint16_t code = 0;
  std::string reason;
  uint32_t retry_after_ms = 0;
};
template <>
struct Describe<WriteRefused> {
  static constexpr const char* name = "write_refused";
  static constexpr auto fields = std::make_tuple(
      field("sequence", &WriteRefused::sequence, 0,
            "of the write; later ones are passed over until it comes again or is settled"),
      field("code", &WriteRefused::code, 0, "error code"),
      field("reason", &WriteRefused::reason, kReasonBytesMax, "for a person"),
      field("retry_after_ms", &WriteRefused::retry_after_ms, 0,
            "to be sent again after so long; 0: it never will be let"));
};

}  // namespace ecsdb
