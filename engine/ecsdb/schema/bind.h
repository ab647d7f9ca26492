// Binding a user struct to a table: by name and member pointers, checked against the schema once.
//
//   struct Ship { Vec2f pos; uint8_t paint; std::string name; };
//   template <> struct ecsdb::Bind<Ship> {
//     static constexpr const char* table = "ship";
//     static constexpr auto fields = std::make_tuple(ecsdb::member("pos", &Ship::pos),
//                                                    ecsdb::member("paint", &Ship::paint),
//                                                    ecsdb::member("name", &Ship::name));
//   };
//
// Members that are not named keep their default on reads; fields that are not named keep their
// value on sets and get their default on inserts.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <tuple>
#include <type_traits>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/schema.h"

namespace ecsdb {

/// Specialise for each bound struct: `table` and `fields`.
template <class T>
struct Bind;

template <class T, class M>
struct Member {
  const char* name;
  M T::*pointer;
};

template <class T, class M>
constexpr Member<T, M> member(const char* name, M T::*pointer) {
  return Member<T, M>{name, pointer};
}

template <class T>
concept Bound = requires {
  Bind<T>::table;
  Bind<T>::fields;
};

/// C++ member type <-> Value alternative, and which field types it may stand for.
template <class M>
struct MemberTraits {
  static constexpr bool kIsText = std::is_same_v<M, std::string> || std::is_same_v<M, Blob>;
  static constexpr bool kIsNumber = std::is_arithmetic_v<M> && !std::is_same_v<M, bool>;

  static bool fits(const FieldDef& def) {
    if constexpr (std::is_same_v<M, bool>)
      return def.type == FieldType::kBool;
    else if constexpr (std::is_enum_v<M>)
      return def.type == FieldType::kEnum;
    else if constexpr (std::is_same_v<M, EnumValue>)
      return def.type == FieldType::kEnum;
    else if constexpr (std::is_same_v<M, BitSet>)
      return def.type == FieldType::kBits;
    else if constexpr (std::is_same_v<M, EntityId>)
      return def.type == FieldType::kEntity;
    else if constexpr (std::is_same_v<M, PrincipalId>)
      return def.type == FieldType::kPrincipal;
    else if constexpr (std::is_same_v<M, Vec2f>)
      return def.type == FieldType::kVec2f;
    else if constexpr (std::is_same_v<M, Vec3f>)
      return def.type == FieldType::kVec3f;
    else if constexpr (std::is_same_v<M, Quatf>)
      return def.type == FieldType::kQuatf;
    else if constexpr (std::is_same_v<M, std::string>)
      return def.type == FieldType::kStr;
    else if constexpr (std::is_same_v<M, Blob>)
      return def.type == FieldType::kBytes;
    else if constexpr (std::is_floating_point_v<M>)
      return sizeof(M) == 4 ? def.type == FieldType::kF32 : def.type == FieldType::kF64;
    else
      return fits_integer(def.type);
  }
  /// The alternative that stands for the member, without the variant around it.
  static auto to_alternative(const M& m) {
    if constexpr (std::is_enum_v<M>)
      return EnumValue{static_cast<uint16_t>(std::min<uint64_t>(static_cast<uint64_t>(m), 0xffff))};
    else if constexpr (std::is_same_v<M, bool>)
      return m;
    else if constexpr (std::is_floating_point_v<M>)
      return static_cast<double>(m);
    else if constexpr (std::is_integral_v<M> && std::is_signed_v<M>)
      return static_cast<int64_t>(m);
    else if constexpr (std::is_integral_v<M>)
      return static_cast<uint64_t>(m);
    else
      return m;
  }
  static Value to_value(const M& m) { return to_alternative(m); }
  static void from_value(const Value& value, M& m) {
    if constexpr (std::is_enum_v<M>)
      m = static_cast<M>(std::get<EnumValue>(value).number);
    else if constexpr (std::is_same_v<M, bool>)
      m = std::get<bool>(value);
    else if constexpr (std::is_floating_point_v<M>)
      m = static_cast<M>(std::get<double>(value));
    else if constexpr (std::is_integral_v<M> && std::is_signed_v<M>)
      m = static_cast<M>(std::get<int64_t>(value));
    else if constexpr (std::is_integral_v<M>)
      m = static_cast<M>(std::get<uint64_t>(value));
    else
      m = std::get<M>(value);
  }

 private:
  static bool fits_integer(FieldType type) {
    if constexpr (std::is_same_v<M, uint8_t>)
      return type == FieldType::kU8;
    else if constexpr (std::is_same_v<M, uint16_t>)
      return type == FieldType::kU16;
    else if constexpr (std::is_same_v<M, uint32_t>)
      return type == FieldType::kU32;
    else if constexpr (std::is_same_v<M, uint64_t>)
      return type == FieldType::kU64;
    else if constexpr (std::is_same_v<M, int8_t>)
      return type == FieldType::kI8;
    else if constexpr (std::is_same_v<M, int16_t>)
      return type == FieldType::kI16;
    else if constexpr (std::is_same_v<M, int32_t>)
      return type == FieldType::kI32;
    else if constexpr (std::is_same_v<M, int64_t>)
      return type == FieldType::kI64;
    else
      return false;
  }
};

/// A binding resolved against one schema: which table, and the field index of each bound member.
template <Bound T>
struct ResolvedBinding {
  static constexpr size_t kMembers = std::tuple_size_v<std::decay_t<decltype(Bind<T>::fields)>>;
  uint16_t table = 0;
  std::array<uint16_t, kMembers> fields{};
};

/// kUnknownTable, kUnknownField or kTypeMismatch, naming the struct's table and field.
template <Bound T>
Result<ResolvedBinding<T>> resolve_binding(const Schema& schema) {
  ResolvedBinding<T> out;
  const auto table = schema.table_index(std::string_view(Bind<T>::table));
  if (!table) return fail(ErrorCode::kUnknownTable, Bind<T>::table);
  out.table = *table;
  size_t at = 0;
  Error error;
  auto resolve_one = [&](const auto& bound) {
    using M = std::decay_t<decltype(std::declval<T>().*(bound.pointer))>;
    const std::string where = std::string(Bind<T>::table) + "." + bound.name;
    const auto field = schema.field_index(out.table, bound.name);
    if (error.code != ErrorCode::kOk) return;
    if (!field) {
      error = fail(ErrorCode::kUnknownField, where);
    } else if (!MemberTraits<M>::fits(schema.table(out.table).fields[*field])) {
      error = fail(ErrorCode::kTypeMismatch, where + ": the member's type is not the field's");
    } else {
      out.fields[at++] = *field;
    }
  };
  std::apply([&](const auto&... bound) { (resolve_one(bound), ...); }, Bind<T>::fields);
  if (error.code != ErrorCode::kOk) return error;
  return out;
}

}  // namespace ecsdb
