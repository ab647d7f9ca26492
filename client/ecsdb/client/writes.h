// Writing through a client: what an application builds, submits, and is told.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ecsdb/base/result.h"
#include "ecsdb/base/time.h"
#include "ecsdb/store/table_set.h"
#include "ecsdb/store/transaction_buffers.h"
#include "ecsdb/wire/write_messages.h"

namespace ecsdb {

/// Numbers the writes of one Client object, from 1.
using WriteId = StrongId<struct WriteIdTag, uint64_t>;

/// An entity that a write is to make has an id of its own until the server has given it one; see
/// Client::entity(). Reads of the predicted state take either.
constexpr bool is_provisional(EntityId entity) { return !entity.is_none() && entity.epoch() == 0; }

struct WriteOptions {
  /// After so long without a decision the application is told: expired if the write never left,
  /// else unknown, which is decided later on. The server does not apply it later than that. Below
  /// zero it has passed. Zero: no limit.
  Duration deadline;
  AckLevel level = AckLevel::kApplied;
  uint64_t resolves = 0;  // number of the conflict that it settles; 0: none
};

/// Where a write is, for who asks.
enum class WriteState : uint8_t {
  kNone,    // there is no such write
  kQueued,  // not sent yet
  kSent,    // and not decided, as far as is known here
  kLate,    // likewise, and its deadline has passed
  kDone,    // its outcome was told, or poll() is about to
};

/// What became of a write.
struct WriteOutcome {
  enum class Kind : uint8_t {
    kApplied,   // as it was written
    kMerged,    // some fields have become something else: `finals`
    kRejected,  // nothing was changed: `code`, `reason`
    kExpired,   // nothing was changed, its deadline had passed
    kUnknown,   // not known by its deadline, or the server has forgotten it: `code`
  };
  struct Made {
    EntityId provisional;
    EntityId entity;
  };
  struct Final {
    uint32_t op = 0;     // place of the operation in the write
    uint16_t table = 0;  // indices in the schema that is visible
    uint16_t field = 0;
    Value value;
  };
  WriteId id;
  Kind kind = Kind::kApplied;
  /// It may still be decided: another outcome of this write follows. Only with kUnknown.
  bool is_open = false;
  Version version;  // that has its effect; 0: none
  ErrorCode code = ErrorCode::kOk;
  std::string reason;
  std::vector<Made> made;
  std::vector<Final> finals;
};

/// Runs inside Client::poll(), once reads show the write's effect; the rules are those of
/// RowCallback. It may submit.
using OutcomeCallback = std::function<void(const WriteOutcome&)>;

/// Operations that are decided as a whole, for Client::submit(). Needs a schema: it names tables
/// and fields by their place in it, which is in order of their ids (Schema::table_index() and
/// field_index() find them by name), and a value that does not fit is refused at once. A value;
/// good until the client's schema changes, and no longer than the client.
class WriteDraft {
 public:
  /// Draws ids of entities from `provisional_end`, which is of all drafts of a client.
  WriteDraft(const TableSet& set, uint32_t& provisional_end);

  /// An entity that the write makes; usable in this draft and in later ones.
  EntityId spawn();
  /// The entity with all of its rows.
  void despawn(EntityId entity);
  /// A whole row where there is none; fields that are not given get their default. kUnknownTable;
  /// kUnknownField, also for one that is server_only; kTypeMismatch, kValueOutOfRange,
  /// kTextTooLong, kBadText, kLimitExceeded, each naming the place; the draft is then as it was
  /// before.
  Status put(uint16_t table, EntityId entity, std::span<const FieldValue> values);
  /// Fields of a row that is there. The errors are those of put().
  Status set(uint16_t table, EntityId entity, std::span<const FieldValue> values);
  Status set(uint16_t table, EntityId entity, uint16_t field, Value value);
  /// Of a table that there is not: submit() fails with kUnknownTable.
  void remove(uint16_t table, EntityId entity);

  /// The same for a bound struct.
  template <Bound T>
  Status put(EntityId entity, const T& row) {
    return with_values<T>(row,
                          [&](uint16_t table, auto values) { return put(table, entity, values); });
  }
  template <Bound T>
  Status set(EntityId entity, const T& row) {
    return with_values<T>(row,
                          [&](uint16_t table, auto values) { return set(table, entity, values); });
  }
  template <Bound T>
  void remove(EntityId entity) {
    if (const auto* bound = set_->template readable_binding<T>()) remove(bound->table, entity);
  }

  struct Field {
    uint16_t field = 0;  // index
    CanonicalValue base;
    CanonicalValue value;
  };
  struct Op {
    WriteOpKind kind = WriteOpKind::kSet;
    uint16_t table = 0;         // index
    EntityId entity;            // perhaps provisional; of a spawn: the new one
    std::vector<Field> fields;  // rising
  };
  const std::vector<Op>& ops() const { return ops_; }
  /// What a remove() could not say.
  const Status& unknown() const { return unknown_; }
  std::vector<Op> take_ops() && { return std::move(ops_); }
  /// The schema is still the one that it was begun with.
  bool is_current() const { return set_->schema().fingerprint() == schema_; }

 private:
  template <Bound T, class Call>
  Status with_values(const T& row, Call&& call) {
    const auto* bound = set_->template readable_binding<T>();
    if (bound == nullptr) return fail(ErrorCode::kUnknownTable, "the struct does not fit");
    std::vector<FieldValue> values;
    auto one = [&](const auto& field) {
      using M = std::decay_t<decltype(row.*(field.pointer))>;
      values.push_back(
          {bound->fields[values.size()], MemberTraits<M>::to_value(row.*(field.pointer))});
    };
    std::apply([&](const auto&... field) { (one(field), ...); }, Bind<T>::fields);
    return call(bound->table, std::span<const FieldValue>(values));
  }
  Status add(WriteOpKind kind, uint16_t table, EntityId entity, std::span<const FieldValue> values);

  const TableSet* set_;
  Hash128 schema_;
  uint32_t* provisional_end_;
  size_t field_count_ = 0;
  Status unknown_;
  std::vector<Op> ops_;
};

}  // namespace ecsdb
