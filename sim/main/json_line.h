// One flat JSON object on one line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ecsdb/schema/canonical.h"

namespace ecsdb::sim {

class JsonLine {
 public:
  void add(std::string_view key, uint64_t value) { put(key, std::to_string(value)); }
  void add(std::string_view key, bool value) { put(key, value ? "true" : "false"); }
  void add(std::string_view key, const std::string& value) { put(key, json_quote(value)); }
  /// A number of thousandths, written with three decimals.
  void add_milli(std::string_view key, int64_t thousandths) {
    const std::string fraction = std::to_string(thousandths % 1000);
    put(key, std::to_string(thousandths / 1000) + "." + std::string(3 - fraction.size(), '0') +
                 fraction);
  }
  /// Text that is JSON already.
  void put(std::string_view key, const std::string& json) {
    body_ += (body_.empty() ? "" : ",") + json_quote(key) + ":" + json;
  }
  std::string text() const { return "{" + body_ + "}"; }

 private:
  std::string body_;
};

}  // namespace ecsdb::sim
