// The history of whole rows in the net and rows forms of the packed tier. Notation as in
// block_packed.h; "live" rows are those with a history.
//
//   heads   R(6) over the rows: live, expected as the row before (first: not)
//           over the live rows:
//           R(6): of age 1, expected; then for each miss age - 2 in 3 bits
//           R(6) over those of age 1: steady, expected
//           if the table replicates more than one field: R(6) over the pairs (row, field): the
//           field changed at the last change, expected; R(6) over the same pairs: it did at the
//           change before as at the last, expected
//   lanes   for each predicted lane of each field, over the live rows:
//           R(6): it has a magnitude, expected; over those that have:
//           k:3, M(k) of zigzag(magnitude - the one before), the first minus 0
//           R(6): the trend is the one before's, expected (first: 0); then for each miss trend + 2
//           in 3 bits
//           over those of age 1 whose field changed at the last change, if there are any: k:5, of
//           eight-byte lanes k:6, M(k) of zigzag(last change)
//
// Rows of greater age are not steady, and last changes of others are of no use.
#pragma once

#include "ecsdb/wire/block.h"

namespace ecsdb {

inline constexpr unsigned kAgeBits = 3;
inline constexpr unsigned kTrendBits = 3;
inline constexpr unsigned kMagnitudeStepBits = 3;

}  // namespace ecsdb
