// How long something took on the wall.
#pragma once

#include <chrono>

namespace ecsdb::sim {

class WallClock {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace ecsdb::sim
