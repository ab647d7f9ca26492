// Reading tables by value, by field and by join; the server's database and a client's replica both
// are one.
#pragma once

#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "ecsdb/schema/bind.h"
#include "ecsdb/store/table.h"

namespace ecsdb {

template <Bound... Ts>
class View;

/// One address per bound struct, its identity at run time without RTTI.
template <class T>
inline constexpr char kBindingTag = 0;

/// A schema, its tables and the user structs bound to it. Reads show the current state (inside a
/// transaction: with its changes). Not thread-safe.
class TableSet {
 public:
  TableSet(Schema schema, bool with_baseline);

  const Schema& schema() const { return schema_; }
  size_t table_count() const { return tables_.size(); }
  const Table& table(size_t index) const { return tables_[index]; }

  /// Binds a user struct; call it once per struct before typed use. Binding again is harmless. A
  /// struct that does not fit reads as a table without rows. kUnknownTable, kUnknownField,
  /// kTypeMismatch with the name in the context.
  template <Bound T>
  Status bind() {
    if (find_binding(&kBindingTag<T>) != nullptr) return {};
    auto resolved = resolve_binding<T>(schema_);
    if (!resolved.ok()) {
      bindings_.push_back({&kBindingTag<T>, kUnbound, {}});
      return resolved.error();
    }
    bindings_.push_back(
        {&kBindingTag<T>, resolved->table, {resolved->fields.begin(), resolved->fields.end()}});
    return {};
  }

  /// kNoRow if there is none that reads may see.
  RowIndex find_row(size_t table, EntityId entity) const {
    return tables_[table].find_kept(entity);
  }
  bool contains(size_t table, EntityId entity) const { return find_row(table, entity) != kNoRow; }
  template <Bound T>
  bool contains(EntityId entity) const {
    const Binding* bound = readable_binding<T>();
    return bound != nullptr && contains(bound->table, entity);
  }

  /// The row as a struct, or nothing. T must be bound.
  template <Bound T>
  std::optional<T> get(EntityId entity) const {
    const Binding* bound = readable_binding<T>();
    const RowIndex row = bound == nullptr ? kNoRow : find_row(bound->table, entity);
    if (row == kNoRow) return std::nullopt;
    return read<T>(*bound, row);
  }
  /// One field of a row that exists.
  Value value(size_t table, RowIndex row, uint16_t field) const;
  /// kUnknownTable, kUnknownField; kRowMissing if there is no such row.
  Result<Value> value(size_t table, EntityId entity, uint16_t field) const;
  /// kUnknownTable, kUnknownField: indices come from an application, and schemas from elsewhere.
  Status check_field(size_t table, size_t field) const;

  /// Entities that have a row in each table of Ts, in unspecified order (that of the smallest
  /// table's slots). T must be bound.
  template <Bound... Ts>
  View<Ts...> view() const {
    return View<Ts...>(*this);
  }

  /// A struct's table and the fields of its members.
  struct Binding {
    const void* tag;
    uint16_t table;
    std::vector<uint16_t> fields;
  };
  /// For reads: null where there is nothing to read, before the first schema or without a fit. T
  /// must be bound.
  template <Bound T>
  const Binding* readable_binding() const {
    const Binding* found = find_binding(&kBindingTag<T>);
    ECSDB_CHECK(found != nullptr || tables_.empty());  // call bind<T>() first
    return found == nullptr || found->table == kUnbound ? nullptr : found;
  }
  /// A struct of the values that `value_of(field index)` gives.
  template <Bound T, class ValueOf>
  T make(const Binding& bound, ValueOf&& value_of) const {
    T out{};
    size_t at = 0;
    auto read_one = [&](const auto& field) {
      using M = std::decay_t<decltype(out.*(field.pointer))>;
      MemberTraits<M>::from_value(value_of(bound.fields[at++]), out.*(field.pointer));
    };
    std::apply([&](const auto&... field) { (read_one(field), ...); }, Bind<T>::fields);
    return out;
  }

 protected:
  static constexpr uint16_t kUnbound = 0xffff;
  const Binding* find_binding(const void* tag) const;
  template <Bound T>
  const Binding& binding() const {
    const Binding* found = find_binding(&kBindingTag<T>);
    ECSDB_CHECK(found != nullptr && found->table != kUnbound);  // call bind<T>() first
    return *found;
  }
  template <Bound T>
  T read(const Binding& bound, RowIndex row) const {
    return make<T>(bound, [&](uint16_t field) { return value(bound.table, row, field); });
  }

  Schema schema_;
  std::vector<Table> tables_;
  std::vector<Binding> bindings_;

  template <Bound... Ts>
  friend class View;
};

/// A join. Valid until the next change of the tables. `for (auto [entity, a, b] : set.view<A,
/// B>())`
template <Bound... Ts>
class View {
 public:
  explicit View(const TableSet& set) : set_(&set), bound_{set.readable_binding<Ts>()...} {
    for (const auto* bound : bound_) {
      if (bound == nullptr) {
        driver_ = nullptr;
        return;
      }
      const Table& table = set.tables_[bound->table];
      if (driver_ == nullptr || table.row_count() < driver_->row_count()) driver_ = &table;
    }
  }

  class Iterator {
   public:
    Iterator(const View* view, RowIndex at) : view_(view), at_(at) { skip(); }
    std::tuple<EntityId, Ts...> operator*() const { return view_->read(at_); }
    Iterator& operator++() {
      ++at_;
      skip();
      return *this;
    }
    bool operator!=(const Iterator& o) const { return at_ != o.at_; }

   private:
    void skip() {
      while (at_ < view_->row_count() && !view_->matches(at_)) ++at_;
    }
    const View* view_;
    RowIndex at_;
  };

  Iterator begin() const { return Iterator(this, 0); }
  Iterator end() const { return Iterator(this, row_count()); }

 private:
  RowIndex row_count() const { return driver_ == nullptr ? 0 : driver_->row_count(); }
  bool matches(RowIndex row) const {
    const EntityId entity = driver_->row(row).entity;
    for (const auto* bound : bound_) {
      if (!set_->contains(bound->table, entity)) return false;
    }
    return true;
  }
  std::tuple<EntityId, Ts...> read(RowIndex row) const {
    const EntityId entity = driver_->row(row).entity;
    size_t at = 0;
    auto one = [&]<class T>(const T*) {
      const auto* bound = bound_[at++];
      return set_->template read<T>(*bound, set_->find_row(bound->table, entity));
    };
    return std::tuple<EntityId, Ts...>{entity, one(static_cast<const Ts*>(nullptr))...};
  }

  const TableSet* set_;
  std::array<const TableSet::Binding*, sizeof...(Ts)> bound_;
  const Table* driver_ = nullptr;
};

}  // namespace ecsdb
