// A bar on standard error while something takes long; silent unless that is a terminal.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>

namespace ecsdb::sim {

class ProgressBar {
 public:
  explicit ProgressBar(uint64_t total)
      : total_(total), shown_(isatty(STDERR_FILENO) != 0), plain_(is_plain()) {}
  ~ProgressBar() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
  }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(uint64_t done, uint64_t failed) {
    if (!shown_ || total_ == 0) return;
    constexpr uint64_t kWidth = 40;
    const uint64_t filled = done * kWidth / total_;
    std::string bar(filled, '=');
    bar.resize(kWidth, ' ');
    const bool red = failed > 0 && !plain_;
    std::fprintf(stderr, "\r[%s] %llu/%llu%s, %llu failed%s", bar.c_str(),
                 static_cast<unsigned long long>(done), static_cast<unsigned long long>(total_),
                 red ? "\x1b[31m" : "", static_cast<unsigned long long>(failed),
                 red ? "\x1b[0m" : "");
  }

 private:
  static bool is_plain() {
    const char* no_color = std::getenv("NO_COLOR");
    return no_color != nullptr && *no_color != '\0';
  }

  uint64_t total_;
  bool shown_;
  bool plain_;
};

}  // namespace ecsdb::sim
