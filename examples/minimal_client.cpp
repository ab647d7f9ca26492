// A client in one file: mirrors one table over TCP and prints what happens to its rows.
//
//   ecsdb-server --feed cubes --listen 127.0.0.1:7900 &
//   minimal_client 7900 cube
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>

#include "ecsdb/client.h"
#include "ecsdb/client_posix/posix_client_driver.h"

namespace {

const char* kind_text(ecsdb::RowEventKind kind) {
  switch (kind) {
    case ecsdb::RowEventKind::kInsert:
      return "insert";
    case ecsdb::RowEventKind::kChange:
      return "change";
    case ecsdb::RowEventKind::kRemove:
      return "remove";
    case ecsdb::RowEventKind::kEnter:
      return "enter";
    case ecsdb::RowEventKind::kLeave:
      return "leave";
  }
  return "?";
}

/// 0 if the text is no port.
uint16_t parse_port(const char* text) {
  uint16_t port = 0;
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, port);
  return error == std::errc() && stop == end ? port : uint16_t{0};
}

}  // namespace

int main(int argc, char** argv) {
  const uint16_t port = argc == 3 || argc == 4 ? parse_port(argv[1]) : uint16_t{0};
  if (port == 0) {
    std::fprintf(stderr, "usage: minimal_client PORT TABLE [TOKEN]      (PORT is 1 to 65535)\n");
    return 2;
  }
  ecsdb::ClientOptions options;
  options.name = "minimal_client";
  if (argc == 4) options.token = argv[3];
  // The generator spreads reconnects of many clients; give each its own seed.
  ecsdb::Client client(options, ecsdb::Prng(1));
  ecsdb::PosixClientDriver driver(client, "127.0.0.1", port);

  client.on_row(argv[2], [&](const ecsdb::RowEvent& event) {
    std::printf("version %llu: %s entity %u\n",
                static_cast<unsigned long long>(client.db().cut().value), kind_text(event.kind),
                event.entity.index());
  });
  client.subscribe(argv[2], driver.now());
  client.connect(driver.now());
  while (true) {
    driver.run_once(ecsdb::Duration::ms(100));
    client.poll(driver.now());
    while (const auto event = client.next_event()) {
      if (event->code == ecsdb::ErrorCode::kOk) continue;
      const bool is_lost = event->kind == ecsdb::ClientEvent::Kind::kClosed;
      const std::string text(ecsdb::error_text(event->code));
      const std::string why =
          is_lost && event->reason.empty() ? driver.last_problem() : event->reason;
      std::fprintf(stderr, "127.0.0.1:%u: %s%s\n", port, text.c_str(),
                   why == text ? "" : (": " + why).c_str());
      // The client dials again by itself after all else.
      if (event->code == ecsdb::ErrorCode::kAuthFailed) return 5;
      if (event->code == ecsdb::ErrorCode::kUnknownTable) return 6;
    }
  }
}
