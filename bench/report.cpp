#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "ecsdb/schema/canonical.h"

namespace bench {

Report::Report(std::string_view what) {
  sections_.emplace_back();
  text("what", what);
}

void Report::section(std::string name) { sections_.push_back({std::move(name), {}}); }

void Report::text(std::string name, std::string_view value) {
  sections_.back().figures.push_back({std::move(name), ecsdb::json_quote(value)});
}

void Report::count(std::string name, uint64_t value) {
  sections_.back().figures.push_back({std::move(name), std::to_string(value)});
}

void Report::number(std::string name, double value) {
  is_finite_ = is_finite_ && std::isfinite(value);
  char text[64];
  // Fixed digits: exponents are hard to read, and four decimals are finer than any noise here.
  std::snprintf(text, sizeof(text), "%.4f", std::isfinite(value) ? value : 0.0);
  sections_.back().figures.push_back({std::move(name), text});
}

void Report::samples(const std::string& stem, const std::string& unit, const Samples& values) {
  number(stem + "_" + unit, values.median());
  number(stem + "_min_" + unit, values.min());
}

std::string Report::json() const {
  auto members = [](const Section& section) {
    std::string out;
    for (const Figure& figure : section.figures) {
      if (!out.empty()) out += ", ";
      out += ecsdb::json_quote(figure.name) + ": " + figure.value;
    }
    return out;
  };
  std::string out = "{" + members(sections_.front());
  for (size_t i = 1; i < sections_.size(); ++i) {
    out += ", " + ecsdb::json_quote(sections_[i].name) + ": {" + members(sections_[i]) + "}";
  }
  return out + "}";
}

std::string Report::table() const {
  size_t width = 0;
  for (const Section& section : sections_) {
    for (const Figure& figure : section.figures) width = std::max(width, figure.name.size());
  }
  std::string out;
  for (const Section& section : sections_) {
    if (!section.name.empty()) out += "\n" + section.name + "\n";
    for (const Figure& figure : section.figures) {
      const std::string space(width + 2 - figure.name.size(), ' ');
      out += "  " + figure.name + space + figure.value + "\n";
    }
  }
  return out;
}

}  // namespace bench
