// Small system calls around sockets; for the sources of this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ecsdb/base/bytes.h"

namespace ecsdb::net {

/// Parts of one gathered send: 64 of the core's, and WebSocket headers and control frames.
inline constexpr size_t kSendPartsMax = 80;

/// Sends a prefix of the parts in one call, without waiting. 0 when the socket is full and when it
/// is broken: who reads it learns of that, after the bytes that the peer sent before.
size_t send_gathered(int socket, std::span<const ByteSpan> parts);

/// True once the connection is reset, or both ways have ended.
bool is_socket_broken(int socket);

size_t total_bytes(std::span<const ByteSpan> parts);

/// Drops the first `count` bytes of the parts, in place; returns what is left of them.
std::span<ByteSpan> drop_front(std::span<ByteSpan> parts, size_t count);

/// 64 bits nobody can predict.
uint64_t entropy_word();

}  // namespace ecsdb::net
