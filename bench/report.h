// Figures by name, printed as one JSON object or as a table.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "measure.h"

namespace bench {

/// Names carry their unit. Figures stand in the order they were added, those of the top level
/// before the sections.
class Report {
 public:
  explicit Report(std::string_view what);

  /// What is added next belongs to this section, which becomes a nested object; "a.b" becomes
  /// object b of object a. Sections of one object follow each other.
  void section(std::string name);

  void text(std::string name, std::string_view value);
  void count(std::string name, uint64_t value);
  void number(std::string name, double value);
  /// Into the top level, whichever section is open.
  void top_number(std::string name, double value);
  /// The newest figure of that name; 0 if there is none.
  double newest(std::string_view name) const;
  /// Two figures: <stem>_<unit> is the median over blocks, <stem>_min_<unit> the smallest.
  void samples(const std::string& stem, const std::string& unit, const Samples& values);

  /// False if a number is infinite or none: such a report must not be printed.
  bool is_finite() const { return is_finite_; }
  /// One line.
  std::string json() const;
  std::string table() const;

 private:
  struct Figure {
    std::string name;
    std::string value;  // as JSON
  };
  struct Section {
    std::string name;  // empty: top level
    std::vector<Figure> figures;
  };
  void add_number(Section& section, std::string name, double value);

  std::vector<Section> sections_;
  bool is_finite_ = true;
};

}  // namespace bench
