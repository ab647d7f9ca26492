#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "ecsdb/schema/canonical.h"

namespace bench {

namespace {

/// "a.b" as {"a", "b"}, "" as none.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    const size_t dot = std::min(path.find('.'), path.size());
    out.push_back(path.substr(0, dot));
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return out;
}

}  // namespace

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
  add_number(sections_.back(), std::move(name), value);
}

void Report::top_number(std::string name, double value) {
  add_number(sections_.front(), std::move(name), value);
}

double Report::newest(std::string_view name) const {
  for (size_t s = sections_.size(); s-- > 0;) {
    const std::vector<Figure>& figures = sections_[s].figures;
    const auto found = std::find_if(figures.rbegin(), figures.rend(),
                                    [&](const Figure& figure) { return figure.name == name; });
    if (found != figures.rend()) return std::strtod(found->value.c_str(), nullptr);
  }
  return 0;
}

void Report::add_number(Section& section, std::string name, double value) {
  is_finite_ = is_finite_ && std::isfinite(value);
  char text[64];
  // Fixed digits: exponents are hard to read, and four decimals are finer than any noise here.
  std::snprintf(text, sizeof(text), "%.4f", std::isfinite(value) ? value : 0.0);
  section.figures.push_back({std::move(name), text});
}

void Report::samples(const std::string& stem, const std::string& unit, const Samples& values) {
  number(stem + "_" + unit, values.median());
  number(stem + "_min_" + unit, values.min());
}

std::string Report::json() const {
  std::string out = "{";
  std::vector<std::string_view> open;  // names of the objects we are in
  bool is_first = true;                // of the innermost
  auto begin_member = [&](std::string_view name) {
    if (!is_first) out += ", ";
    is_first = false;
    out += ecsdb::json_quote(name) + ": ";
  };
  for (const Section& section : sections_) {
    const std::vector<std::string_view> path = split(section.name);
    size_t common = 0;
    while (common < std::min(path.size(), open.size()) && path[common] == open[common]) ++common;
    for (; open.size() > common; open.pop_back()) {
      out += "}";
      is_first = false;
    }
    for (; open.size() < path.size(); open.push_back(path[open.size()])) {
      begin_member(path[open.size()]);
      out += "{";
      is_first = true;
    }
    for (const Figure& figure : section.figures) {
      begin_member(figure.name);
      out += figure.value;
    }
  }
  return out + std::string(open.size() + 1, '}');
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
