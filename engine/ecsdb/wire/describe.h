// Declaring a message once: an aggregate and one constexpr list of its fields. Encoder, decoder,
// printer and the tables of the protocol document come from that list.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "ecsdb/base/bytes.h"
#include "ecsdb/base/hash.h"
#include "ecsdb/base/ids.h"
#include "ecsdb/base/result.h"
#include "ecsdb/schema/canonical_value.h"
#include "ecsdb/store/cells.h"

namespace ecsdb {

/// Specialise for each message or message part: `static constexpr const char* name` and
/// `static constexpr auto fields = std::make_tuple(field("name", &M::member, limit, "text"), ...)`.
template <class M>
struct Describe;

/// `limit`: the largest value of an integer or enum, the most bytes of a byte string, the most
/// elements of a list; 0 where the type says it all.
template <class M, class F>
struct MessageField {
  const char* name;
  F M::*pointer;
  uint64_t limit;
  const char* text;
};

template <class M, class F>
constexpr MessageField<M, F> field(const char* name, F M::*pointer, uint64_t limit,
                                   const char* text) {
  return {name, pointer, limit, text};
}

/// Integer that is always written at its full width (checksums).
struct Fixed32 {
  uint32_t value = 0;
  auto operator<=>(const Fixed32&) const = default;
};

template <class T>
concept Described = requires {
  Describe<T>::fields;
};
template <class T>
concept WrappedId = requires(T t) {
  { t.value } -> std::convertible_to<uint64_t>;
}
&&!std::is_same_v<T, Fixed32>;
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

template <class M, class Writer>
void encode_fields(const M& message, Writer& out);
template <class M>
void decode_fields(ByteReader& in, M& message);
template <class M>
void print_fields(const M& message, std::string& out);

// One wire type per C++ type: bool and enums one byte, unsigned integers and ids varints, signed
// ones zigzag varints, texts (UTF-8) and byte strings a length and the bytes, lists a count and the
// elements. Writer is ByteWriter or FixedWriter.
template <class T, class Writer>
void encode_value(const T& v, Writer& out) {
  if constexpr (std::is_same_v<T, bool> || std::is_enum_v<T>)
    out.u8(static_cast<uint8_t>(v));
  else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>)
    out.varint(zigzag(v));
  else if constexpr (std::is_integral_v<T>)
    out.varint(v);
  else if constexpr (std::is_same_v<T, Fixed32>)
    out.u32(v.value);
  else if constexpr (std::is_same_v<T, DatabaseId> || std::is_same_v<T, Hash128>) {
    out.u64(v.high);
    out.u64(v.low);
  } else if constexpr (std::is_same_v<T, Digest>) {
    for (const uint32_t lane : v.lane) out.u32(lane);
  } else if constexpr (std::is_same_v<T, CellKey>) {
    out.u8(static_cast<uint8_t>(v.kind));
    const int numbers = cell_key_numbers(v.kind);
    const int64_t number[3] = {v.x, v.y, v.z};
    for (int i = 0; i < numbers; ++i) out.varint(zigzag(number[i]));
  } else if constexpr (std::is_same_v<T, CanonicalValue>) {
    out.u8(v.kind);
    if (v.is_text()) return encode_value(v.text, out);
    for (int i = 0; i < v.kind; ++i) out.varint(zigzag(static_cast<int64_t>(v.lanes.lane[i])));
  } else if constexpr (WrappedId<T>)
    out.varint(v.value);
  else if constexpr (std::is_same_v<T, std::string>) {
    out.varint(v.size());
    out.bytes(as_bytes(v));
  } else if constexpr (std::is_same_v<T, Bytes>) {
    out.varint(v.size());
    out.bytes(v);
  } else if constexpr (IsVector<T>::value) {
    out.varint(v.size());
    for (const auto& element : v) encode_value(element, out);
  } else {
    static_assert(Described<T>);
    encode_fields(v, out);
  }
}

/// How many numbers a cell key of this kind has on the wire.
constexpr int cell_key_numbers(CellKey::Kind kind) {
  switch (kind) {
    case CellKey::Kind::kOne:
    case CellKey::Kind::kNone:
      return 0;
    case CellKey::Kind::kValue:
    case CellKey::Kind::kOwner:
      return 1;
    case CellKey::Kind::kGrid:
      return 3;
  }
  return 0;
}

/// How values of the type are written, as the protocol document calls it: "bool"; "enum", a byte;
/// "v32", a varint of up to 32 bits; "z32", a zigzag varint; "u32", four bytes; "id128" and
/// "hash128", two times eight bytes; "digest", four times four bytes; "cell key"; "value", see
/// CanonicalValue; "text"; "bytes"; "list of ..."; or the name of a described structure.
template <class T>
std::string wire_type_name() {
  if constexpr (std::is_same_v<T, bool>)
    return "bool";
  else if constexpr (std::is_enum_v<T>)
    return "enum";
  else if constexpr (std::is_integral_v<T>)
    return (std::is_signed_v<T> ? "z" : "v") + std::to_string(8 * sizeof(T));
  else if constexpr (std::is_same_v<T, Fixed32>)
    return "u32";
  else if constexpr (std::is_same_v<T, DatabaseId>)
    return "id128";
  else if constexpr (std::is_same_v<T, Hash128>)
    return "hash128";
  else if constexpr (std::is_same_v<T, Digest>)
    return "digest";
  else if constexpr (std::is_same_v<T, CellKey>)
    return "cell key";
  else if constexpr (std::is_same_v<T, CanonicalValue>)
    return "value";
  else if constexpr (WrappedId<T>)
    return wire_type_name<decltype(T::value)>();
  else if constexpr (std::is_same_v<T, std::string>)
    return "text";
  else if constexpr (std::is_same_v<T, Bytes>)
    return "bytes";
  else if constexpr (IsVector<T>::value)
    return "list of " + wire_type_name<typename T::value_type>();
  else
    return Describe<T>::name;
}

/// Fails the reader where the value is beyond `limit` or not canonical. Lists grow with the bytes
/// that are there, never by the claimed count.
template <class T>
void decode_value(ByteReader& in, T& v, uint64_t limit) {
  if constexpr (std::is_same_v<T, bool>) {
    const uint8_t raw = in.u8();
    if (raw > 1) in.fail();
    v = raw == 1;
  } else if constexpr (std::is_enum_v<T>) {
    const uint8_t raw = in.u8();
    if (raw > limit) in.fail();
    v = static_cast<T>(in.ok() ? raw : 0);
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    const int64_t raw = unzigzag(in.varint());
    if (raw != static_cast<T>(raw)) in.fail();
    v = static_cast<T>(in.ok() ? raw : 0);
  } else if constexpr (std::is_integral_v<T>) {
    const uint64_t widest = static_cast<T>(~T{0});
    v = static_cast<T>(in.varint_up_to(limit == 0 || limit > widest ? widest : limit));
  } else if constexpr (std::is_same_v<T, Fixed32>) {
    v.value = in.u32();
  } else if constexpr (std::is_same_v<T, DatabaseId> || std::is_same_v<T, Hash128>) {
    v.high = in.u64();
    v.low = in.u64();
  } else if constexpr (std::is_same_v<T, Digest>) {
    for (uint32_t& lane : v.lane) lane = in.u32();
  } else if constexpr (std::is_same_v<T, CellKey>) {
    const uint8_t kind = in.u8();
    if (kind > static_cast<uint8_t>(CellKey::Kind::kNone)) in.fail();
    v = CellKey{};
    if (!in.ok()) return;
    v.kind = static_cast<CellKey::Kind>(kind);
    const int numbers = cell_key_numbers(v.kind);
    int64_t* number[3] = {&v.x, &v.y, &v.z};
    for (int i = 0; i < numbers; ++i) *number[i] = unzigzag(in.varint());
  } else if constexpr (std::is_same_v<T, CanonicalValue>) {
    v = CanonicalValue{};
    v.kind = in.u8();
    if (v.kind > CanonicalValue::kText) in.fail();
    if (!in.ok()) v.kind = 0;
    if (v.is_text()) {
      v.text = as_text(in.bytes(in.varint_up_to(limit)));
    } else {
      for (int i = 0; i < v.kind; ++i) {
        v.lanes.lane[i] = static_cast<uint64_t>(unzigzag(in.varint()));
      }
    }
  } else if constexpr (WrappedId<T>) {
    decode_value(in, v.value, limit);
  } else if constexpr (std::is_same_v<T, std::string>) {
    const std::string_view text = as_text(in.bytes(in.varint_up_to(limit)));
    if (!is_utf8(text)) in.fail();
    v = in.ok() ? std::string(text) : std::string();
  } else if constexpr (std::is_same_v<T, Bytes>) {
    const ByteSpan bytes = in.bytes(in.varint_up_to(limit));
    v.assign(bytes.begin(), bytes.end());
  } else if constexpr (IsVector<T>::value) {
    const uint64_t count = in.varint_up_to(limit);
    v.clear();
    for (uint64_t i = 0; i < count && in.ok(); ++i) decode_value(in, v.emplace_back(), 0);
  } else {
    static_assert(Described<T>);
    decode_fields(in, v);
  }
}

template <class T>
void print_value(const T& v, std::string& out) {
  if constexpr (std::is_same_v<T, bool>)
    out += v ? "true" : "false";
  else if constexpr (std::is_enum_v<T>)
    out += std::to_string(static_cast<int>(v));
  else if constexpr (std::is_integral_v<T>)
    out += std::to_string(v);
  else if constexpr (std::is_same_v<T, DatabaseId> || std::is_same_v<T, Hash128>) {
    out += std::to_string(v.high) + ":" + std::to_string(v.low);
  } else if constexpr (std::is_same_v<T, Digest>) {
    for (const uint32_t lane : v.lane) out += std::to_string(lane) + ".";
  } else if constexpr (std::is_same_v<T, CellKey>)
    out += v.to_string();
  else if constexpr (std::is_same_v<T, CanonicalValue>) {
    if (v.is_text()) out += std::to_string(v.text.size()) + " bytes";
    for (int i = 0; i < v.kind && !v.is_text(); ++i) {
      out += (i == 0 ? "" : ".") + std::to_string(static_cast<int64_t>(v.lanes.lane[i]));
    }
  } else if constexpr (WrappedId<T> || std::is_same_v<T, Fixed32>)
    out += std::to_string(v.value);
  else if constexpr (std::is_same_v<T, std::string>)
    out += json_quote(v);  // a peer's text must not end a line of the log
  else if constexpr (std::is_same_v<T, Bytes>)
    out += std::to_string(v.size()) + " bytes";
  else if constexpr (IsVector<T>::value) {
    out += '[';
    for (size_t i = 0; i < v.size(); ++i) {
      if (i > 0) out += ", ";
      print_value(v[i], out);
    }
    out += ']';
  } else {
    out += '{';
    print_fields(v, out);
    out += '}';
  }
}

/// How many bytes encode_value() writes.
inline size_t canonical_value_bytes(const CanonicalValue& v) {
  if (v.is_text()) return 1 + varint_size(v.text.size()) + v.text.size();
  size_t bytes = 1;
  for (int i = 0; i < v.kind; ++i) {
    bytes += varint_size(zigzag(static_cast<int64_t>(v.lanes.lane[i])));
  }
  return bytes;
}

template <class M, class Writer>
void encode_fields(const M& message, Writer& out) {
  std::apply([&](const auto&... f) { (encode_value(message.*(f.pointer), out), ...); },
             Describe<M>::fields);
}

template <class M>
void decode_fields(ByteReader& in, M& message) {
  std::apply([&](const auto&... f) { (decode_value(in, message.*(f.pointer), f.limit), ...); },
             Describe<M>::fields);
}

template <class M>
void print_fields(const M& message, std::string& out) {
  const char* separator = "";
  auto one = [&](const auto& f) {
    out.append(separator).append(f.name).append("=");
    print_value(message.*(f.pointer), out);
    separator = " ";
  };
  std::apply([&](const auto&... f) { (one(f), ...); }, Describe<M>::fields);
}

/// Decodes a whole message to exhaustion: kFrameMalformed names the message.
template <class M>
Status decode_message(ByteSpan bytes, M& message) {
  ByteReader in(bytes);
  decode_fields(in, message);
  if (in.exhausted()) return {};
  return fail(
      ErrorCode::kFrameMalformed,
      std::string(Describe<M>::name) + (in.ok() ? ": bytes after its end" : ": does not decode"));
}

/// "name field=value ..." for logs.
template <class M>
std::string print_message(const M& message) {
  std::string out = std::string(Describe<M>::name) + " ";
  print_fields(message, out);
  return out;
}

}  // namespace ecsdb
