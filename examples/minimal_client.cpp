// A client in one file: mirrors one table over TCP and prints what happens to its rows.
//
//   ecsdb-server --feed cubes --listen 127.0.0.1:7900 &
//   minimal_client 7900 cube
#include <cstdio>
#include <cstdlib>
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

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    std::fprintf(stderr, "usage: minimal_client PORT TABLE [TOKEN]\n");
    return 2;
  }
  ecsdb::ClientOptions options;
  options.name = "minimal_client";
  if (argc == 4) options.token = argv[3];
  // The generator spreads reconnects of many clients; give each its own seed.
  ecsdb::Client client(options, ecsdb::Prng(1));
  ecsdb::PosixClientDriver driver(client, "127.0.0.1", static_cast<uint16_t>(std::atoi(argv[1])));

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
      std::fprintf(stderr, "%s %s\n", std::string(ecsdb::error_text(event->code)).c_str(),
                   event->reason.c_str());
      if (event->code == ecsdb::ErrorCode::kAuthFailed) return 5;
    }
  }
}
