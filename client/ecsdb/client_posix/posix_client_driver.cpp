#include "ecsdb/client_posix/posix_client_driver.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <utility>

namespace ecsdb {
namespace {

/// Longest single wait; a longer timeout is cut to it, which the caller sees as "nothing served".
constexpr int64_t kWaitMsMax = 60'000;
/// Addresses of one name that are tried.
constexpr size_t kAddressesMax = 8;

int64_t clock_ns(clockid_t clock) {
  timespec at{};
  ::clock_gettime(clock, &at);
  return static_cast<int64_t>(at.tv_sec) * 1'000'000'000 + at.tv_nsec;
}

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

PosixClientDriver::PosixClientDriver(Client& client, std::string host, uint16_t port)
    : client_(client), host_(std::move(host)), port_(port), buffer_(kReadBufferBytes) {}

PosixClientDriver::~PosixClientDriver() {
  if (socket_ >= 0) ::close(socket_);
  close_lingering();
}

Now PosixClientDriver::now() const {
  return Now{Instant{clock_ns(CLOCK_MONOTONIC)}, clock_ns(CLOCK_REALTIME) / 1'000'000};
}

bool PosixClientDriver::run_once(Duration timeout) {
  bool served = drain();
  pollfd waits[2];
  nfds_t count = 0;
  if (socket_ >= 0) {
    const bool wants_write = connecting_ || want_write_;
    waits[count++] = {socket_, static_cast<short>(POLLIN | (wants_write ? POLLOUT : 0)), 0};
  }
  if (lingering_ >= 0) waits[count++] = {lingering_, POLLIN, 0};
  const int ready = ::poll(waits, count, wait_ms(served ? Duration{} : timeout));
  for (nfds_t i = 0; ready > 0 && i < count; ++i) {
    if (waits[i].revents == 0) continue;
    served = true;
    if (waits[i].fd == lingering_) {
      discard_lingering();
    } else if (connecting_) {
      finish_connecting();
    } else {
      if ((waits[i].revents & POLLOUT) != 0) want_write_ = false;
      if ((waits[i].revents & ~POLLOUT) != 0) receive();
    }
  }
  const Now at = now();
  if (lingering_ >= 0 && at.steady >= linger_until_) close_lingering();
  if (client_.next_deadline() <= at.steady) {
    client_.on_timer(at);
    served = true;
  }
  return drain() || served;
}

/// Milliseconds until the first of timeout and deadlines, rounded up: a deadline must not be met by
/// a row of waits of no length.
int PosixClientDriver::wait_ms(Duration timeout) const {
  const Instant at = now().steady;
  int64_t wait = std::max<int64_t>(timeout.ns, 0);
  const auto limit = [&](Instant deadline) {
    if (deadline == Instant::never()) return;
    wait = std::min(wait, std::max<int64_t>((deadline - at).ns, 0));
  };
  limit(client_.next_deadline());
  if (lingering_ >= 0) limit(linger_until_);
  return static_cast<int>(std::min((wait + 999'999) / 1'000'000, kWaitMsMax));
}

bool PosixClientDriver::drain() {
  bool served = false;
  if (socket_ >= 0 && !connecting_ && !want_write_ && client_.has_output(link_)) {
    send_output();
    served = true;
  } else if (socket_ >= 0 && is_given_up()) {
    drop_socket();
    served = true;
  }
  if (const auto link = client_.next_dial()) {
    dial(*link);
    served = true;
  }
  return served;
}

// --- dialling ---

/// The client waits for nothing any more but the end of a link that is not open yet, or takes
/// nothing.
bool PosixClientDriver::is_given_up() {
  if (!client_.has_output(link_)) return false;
  const StreamOutput output = client_.output(link_, now());
  return output.close && (connecting_ || output.bytes() == 0);
}

void PosixClientDriver::drop_socket() {
  ::close(std::exchange(socket_, -1));
  connecting_ = want_write_ = false;
  client_.on_closed(link_, now());
}

void PosixClientDriver::dial(LinkId link) {
  if (socket_ >= 0) drop_socket();
  link_ = link;
  if (!resolve()) return client_.on_closed(link_, now());
  try_addresses();
}

bool PosixClientDriver::resolve() {
  addresses_.clear();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  // This machine, which some cannot look up (RFC 6761, 6.3).
  const char* const name = host_ == "localhost" ? nullptr : host_.c_str();
  const int error = ::getaddrinfo(name, std::to_string(port_).c_str(), &hints, &found);
  if (error != 0) {
    problem_ = "resolve '" + host_ + "': " + ::gai_strerror(error);
    return false;
  }
  for (addrinfo* at = found; at != nullptr && addresses_.size() < kAddressesMax; at = at->ai_next) {
    Address address;
    if (at->ai_addrlen > sizeof(address.bytes)) continue;
    std::memcpy(address.bytes, at->ai_addr, at->ai_addrlen);
    address.size = at->ai_addrlen;
    address.family = at->ai_family;
    addresses_.push_back(address);
  }
  ::freeaddrinfo(found);
  std::reverse(addresses_.begin(), addresses_.end());
  return true;
}

void PosixClientDriver::try_addresses() {
  while (!addresses_.empty()) {
    const Address address = addresses_.back();
    addresses_.pop_back();
    socket_ = ::socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) {
      problem_ = std::string("socket: ") + std::strerror(errno);
      continue;
    }
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const int result =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(address.bytes), address.size);
    if (result == 0 || errno == EINPROGRESS) {
      connecting_ = true;  // a connection that stands already says so at the next poll
      want_write_ = false;
      return;
    }
    problem_ = "connect to " + host_ + ": " + std::strerror(errno);
    ::close(std::exchange(socket_, -1));
  }
  connecting_ = false;
  client_.on_closed(link_, now());
}

void PosixClientDriver::finish_connecting() {
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    problem_ = "connect to " + host_ + ": " + std::strerror(error);
    ::close(std::exchange(socket_, -1));
    return try_addresses();
  }
  connecting_ = false;
  client_.on_connected(link_, now());
}

// --- moving bytes ---

void PosixClientDriver::send_output() {
  while (socket_ >= 0) {
    const StreamOutput output = client_.output(link_, now());
    const bool close = output.close;
    if (output.bytes() > 0) {
      if (!send_some(output)) return;
    } else if (!close) {
      return;
    }
    if (close) {
      client_.on_closed(link_, now());
      return start_lingering();
    }
  }
}

/// False when the socket took less than all.
bool PosixClientDriver::send_some(const StreamOutput& output) {
  iovec vectors[kOutputPartsMax];
  size_t count = 0;
  size_t offered = 0;
  for (const ByteSpan& part : output.parts) {
    if (count == kOutputPartsMax) break;
    vectors[count++] = {const_cast<uint8_t*>(part.data()), part.size()};
    offered += part.size();
  }
  msghdr message{};
  message.msg_iov = vectors;
  message.msg_iovlen = count;
  const ssize_t sent = ::sendmsg(socket_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && !would_block(errno)) {
    // What the peer sent before it went away is still to be read: its end is found there.
    problem_ = std::string("send: ") + std::strerror(errno);
  }
  const size_t accepted = sent > 0 ? static_cast<size_t>(sent) : 0;
  if (accepted > 0) client_.on_sent(link_, accepted, now());
  want_write_ = accepted < offered;
  return !want_write_;
}

void PosixClientDriver::receive() {
  size_t total = 0;
  const LinkId link = link_;
  while (socket_ >= 0 && link == link_ && total < kReadBytesPerCallMax) {
    const ssize_t got = ::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got == 0) return end_link("the server closed the connection");
    if (got < 0) {
      if (!would_block(errno)) end_link(std::string("receive: ") + std::strerror(errno));
      return;
    }
    total += static_cast<size_t>(got);
    client_.on_bytes(link_, ByteSpan(buffer_.data(), static_cast<size_t>(got)), now());
    if (static_cast<size_t>(got) < buffer_.size()) return;
  }
}

void PosixClientDriver::end_link(std::string why) {
  problem_ = std::move(why);
  ::close(std::exchange(socket_, -1));
  want_write_ = false;
  client_.on_closed(link_, now());
}

/// Closing with unread bytes would reset the connection, which can take our goodbye away from the
/// server: so the socket is only shut down for sending, and read until the server closes it.
void PosixClientDriver::start_lingering() {
  close_lingering();
  lingering_ = std::exchange(socket_, -1);
  want_write_ = false;
  ::shutdown(lingering_, SHUT_WR);
  linger_until_ = now().steady + kLingerTimeout;
}

void PosixClientDriver::discard_lingering() {
  const ssize_t got = ::recv(lingering_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (got == 0 || (got < 0 && !would_block(errno))) close_lingering();
}

void PosixClientDriver::close_lingering() {
  if (lingering_ >= 0) ::close(std::exchange(lingering_, -1));
}

}  // namespace ecsdb
