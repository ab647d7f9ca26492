#include "ecsdb/base/result.h"

#include <gtest/gtest.h>
#include <memory>

#include "ecsdb/base/ids.h"

namespace ecsdb {
namespace {

Result<int> half(int v) {
  if (v % 2 != 0) return fail(ErrorCode::kValueOutOfRange, std::to_string(v) + " is odd");
  return v / 2;
}

Status quarter(int v, int& out) {
  const Result<int> once = half(v);
  if (!once.ok()) return once.error();
  ECSDB_TRY(half(*once));
  out = *once / 2;
  return {};
}

TEST(Result, HoldsAValue) {
  Result<int> result = half(6);
  EXPECT_TRUE(result.ok());
  EXPECT_TRUE(static_cast<bool>(result));
  EXPECT_EQ(result.code(), ErrorCode::kOk);
  EXPECT_EQ(*result, 3);
  *result = 4;
  EXPECT_EQ(result.value(), 4);
}

TEST(Result, HoldsAnError) {
  const Result<int> result = half(7);
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.code(), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(result.error().context, "7 is odd");
}

TEST(Result, MovesOutWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
  const std::unique_ptr<int> out = std::move(result).value();
  EXPECT_EQ(*out, 5);
}

TEST(Result, TryReturnsTheErrorAndGoesOnWithout) {
  int out = 0;
  EXPECT_TRUE(quarter(12, out).ok());
  EXPECT_EQ(out, 3);
  const Status status = quarter(6, out);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.error().context, "3 is odd");
  EXPECT_EQ(out, 3);
}

TEST(ResultDeathTest, WrongUseFailsACheck) {
  EXPECT_DEATH(half(7).value(), "check failed");
  EXPECT_DEATH((void)half(6).error(), "check failed");
  EXPECT_DEATH((void)Result<int>(Error{}), "check failed");
}

TEST(CheckedCast, KeepsWhatFits) {
  EXPECT_EQ(checked_cast<uint8_t>(255), 255);
  EXPECT_EQ(checked_cast<int8_t>(-128), -128);
  EXPECT_EQ(checked_cast<uint64_t>(int64_t{7}), 7u);
}

TEST(CheckedCastDeathTest, RefusesWhatDoesNotFit) {
  EXPECT_DEATH(checked_cast<uint8_t>(256), "check failed");
  EXPECT_DEATH(checked_cast<uint64_t>(int64_t{-1}), "check failed");
  EXPECT_DEATH(checked_cast<int32_t>(uint32_t{0x80000000}), "check failed");
}

TEST(EntityId, PartsGoInAndOut) {
  const EntityId id = EntityId::make(0xfffefdfc, 0x1234, 0x5678);
  EXPECT_EQ(id.index(), 0xfffefdfcu);
  EXPECT_EQ(id.epoch(), 0x1234);
  EXPECT_EQ(id.reuse(), 0x5678);
  EXPECT_EQ(id.tag(), 0x12345678u);
  EXPECT_FALSE(id.is_none());
  EXPECT_TRUE(EntityId{}.is_none());
  EXPECT_LT(EntityId::make(1, 9, 9), EntityId::make(2, 1, 1));
}

TEST(Version, NextIsOneMore) { EXPECT_EQ(Version{41}.next(), Version{42}); }

}  // namespace
}  // namespace ecsdb
