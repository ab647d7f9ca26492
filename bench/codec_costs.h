// What an operation of the codec benchmark costs per changed column of the trace.
#pragma once

#include "measure.h"
#include "report.h"

namespace bench {

/// Time summed over blocks of frames.
class Cost {
 public:
  void add_ns(double ns) { block_ns_ += ns; }
  /// The frames since the last call changed so many columns.
  void end_block(double columns) {
    if (columns > 0) blocks_.add(block_ns_ / columns);
    ns_ += block_ns_;
    columns_ += columns;
    block_ns_ = 0;
  }
  /// Over all frames together, and in the cheapest block.
  void report(const std::string& stem, Report& report) const {
    report.number(stem + "_ns_per_field", columns_ > 0 ? ns_ / columns_ : 0);
    report.number(stem + "_min_ns_per_field", blocks_.min());
  }

 private:
  double block_ns_ = 0;
  double ns_ = 0;
  double columns_ = 0;
  Samples blocks_;
};

}  // namespace bench
