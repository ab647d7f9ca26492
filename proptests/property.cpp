#include "property.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sstream>

namespace ecsdb::properties {

void check_property(uint64_t seed, int cases, const std::function<void()>& property) {
  rc::detail::TestParams params;
  params.seed = seed;
  params.maxSuccess = cases;
  params.maxSize = 60;
  const auto result = rc::detail::checkTestable(property, rc::detail::TestMetadata{}, params);
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  EXPECT_TRUE(result.is<rc::detail::SuccessResult>()) << text.str();
}

uint64_t draw_below(uint64_t bound) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<uint64_t>(0, bound));
}

}  // namespace ecsdb::properties
