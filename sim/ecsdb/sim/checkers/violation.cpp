#include "ecsdb/sim/checkers/violation.h"

namespace ecsdb::sim {

std::string violation_text(const Violation& violation) {
  std::string micros = std::to_string(violation.at.ns / 1000 % 1'000'000);
  micros.insert(0, 6 - micros.size(), '0');
  std::string out = "violated:  " + violation.invariant + "\n";
  out += "at:        " + std::to_string(violation.at.ns / 1'000'000'000) + '.' + micros + " s\n";
  out +=
      "client:    " +
      (violation.client < 0 ? std::string("none, the server") : std::to_string(violation.client)) +
      "\n";
  if (!violation.where.empty()) out += "where:     " + violation.where + "\n";
  out += "expected:  " + violation.expected + "\n";
  out += "got:       " + violation.got + "\n";
  return out;
}

}  // namespace ecsdb::sim
