#include "command_socket.h"

#include <arpa/inet.h>
#include <cstdio>
#include <netinet/in.h>
#include <sys/socket.h>

namespace bench {

std::optional<std::string> CommandSocket::next() {
  char bytes[4096];
  const ssize_t got = recv(socket_, bytes, sizeof bytes, MSG_DONTWAIT);
  is_open_ = is_open_ && got != 0;
  if (got > 0) buffer_.append(bytes, static_cast<size_t>(got));
  const size_t end = buffer_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

void CommandSocket::say(const std::string& line) {
  const std::string bytes = line + "\n";
  is_open_ = is_open_ && send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0;
}

std::string number_text(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

int dial_loopback(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
  return fd;
}

}  // namespace bench
