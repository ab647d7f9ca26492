#include "ecsdb/net/socket_io.h"

#include <array>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace ecsdb::net {

size_t send_gathered(int socket, std::span<const ByteSpan> parts) {
  std::array<iovec, kSendPartsMax> vectors;
  size_t count = 0;
  for (const ByteSpan& part : parts) {
    if (part.empty()) continue;
    if (count == vectors.size()) break;
    vectors[count++] = iovec{const_cast<uint8_t*>(part.data()), part.size()};
  }
  if (count == 0) return 0;
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent > 0 ? static_cast<size_t>(sent) : 0;
}

bool is_socket_broken(int socket) {
  pollfd looked_at{socket, 0, 0};
  return ::poll(&looked_at, 1, 0) > 0;  // POLLERR or POLLHUP, which need not be asked for
}

size_t total_bytes(std::span<const ByteSpan> parts) {
  size_t total = 0;
  for (const ByteSpan& part : parts) total += part.size();
  return total;
}

std::span<ByteSpan> drop_front(std::span<ByteSpan> parts, size_t count) {
  while (!parts.empty() && count >= parts.front().size()) {
    count -= parts.front().size();
    parts = parts.subspan(1);
  }
  if (!parts.empty()) parts.front() = parts.front().subspan(count);
  return parts;
}

uint64_t entropy_word() {
  uint64_t word = 0;
  // Cannot fail for so few bytes once the system is up; the zero left otherwise is still a valid
  // masking key, and masking protects intermediaries, not us.
  [[maybe_unused]] const ssize_t got = ::getrandom(&word, sizeof(word), 0);
  return word;
}

}  // namespace ecsdb::net
