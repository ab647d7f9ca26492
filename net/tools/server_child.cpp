#include "tools/server_child.h"

#include <cstdio>
#include <poll.h>
#include <signal.h>

#include "tools/words.h"

namespace ecsdb {

Result<ServerChild> ServerChild::start(const std::vector<std::string>& more) {
  const auto folder = program_folder();
  if (!folder.ok()) return folder.error();
  std::vector<std::string> words = {"--listen",  "127.0.0.1:0", "--feed",      "cubes",
                                    "--tick-hz", "60",          "--log-level", "warn"};
  words.insert(words.end(), more.begin(), more.end());
  auto process = ChildProcess::start(*folder + "ecsdb-server", words, {.error = true});
  if (!process.ok()) return process.error();
  return ServerChild(std::move(process).value());
}

void ServerChild::listen() {
  pollfd waiting{fd(), POLLIN, 0};
  if (process_.error().is_open() && poll(&waiting, 1, 0) == 1) process_.error().fill();
  while (const auto line = process_.error().next()) on_line(*line);
}

void ServerChild::on_line(const std::string& line) {
  const WordMap words = parse_words(line);
  const auto event = words.find("event");
  const std::string name = event == words.end() ? std::string() : event->second;
  if (name == "ready") {
    port_ = static_cast<uint16_t>(number_of(words, "port"));
  } else if (name == "feed_paused") {
    paused_version_ = number_of(words, "version");
  } else if (name != "feed_resumed") {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

void ServerChild::toggle_feed() const { process_.send_signal(SIGUSR1); }

std::optional<int> ServerChild::stop() {
  process_.send_signal(SIGTERM);
  return process_.wait_exit(ChildProcess::kEndPatience);
}

}  // namespace ecsdb
