#include "emu/hart/fp/env.h"

#include <gtest/gtest.h>

#include <cfenv>

#include "emu/hart/fp/fp.h"

namespace quire::fp {
namespace {

constexpr u64 kOne = 0x3ff0'0000'0000'0000;
constexpr u64 kThree = 0x4008'0000'0000'0000;
constexpr u64 kThirdDown = 0x3fd5'5555'5555'5555;  // also the nearest
constexpr u64 kThirdUp = 0x3fd5'5555'5555'5556;
constexpr u8 kDynamic = static_cast<u8>(Rounding::kDynamic);

constexpr auto kProceed = [] { return true; };

Env dirty_env() {
  Env env;
  set_fs_dirty(env, true);
  return env;
}

u64 third(Env& env, u8 rm = kDynamic) {
  u64 out = 0;
  EXPECT_TRUE((execute<FpOp::kDiv, FpFmt::kDouble>(env, rm, kOne, kThree, 0, out, kProceed)));
  return out;
}

}  // namespace

TEST(FpEnv, FlagsAccrueAcrossOperationsAndSurviveTheGuard) {
  Env env = dirty_env();
  {
    const HostGuard guard(env);
    third(env);
    u64 out;
    ASSERT_TRUE((execute<FpOp::kDiv, FpFmt::kDouble>(env, kDynamic, kOne, 0, 0, out, kProceed)));
    EXPECT_EQ(collect_flags(env), kFlagInexact | kFlagDivideByZero);
  }
  EXPECT_EQ(env.fflags, kFlagInexact | kFlagDivideByZero);
}

TEST(FpEnv, WritingFlagsReplacesWhatTheHostHasCollected) {
  Env env = dirty_env();
  const HostGuard guard(env);
  third(env);
  set_flags(env, kFlagOverflow);
  EXPECT_EQ(collect_flags(env), kFlagOverflow);
}

TEST(FpEnv, ChangingTheRoundingModeTakesEffectAtOnceAndKeepsFlags) {
  Env env = dirty_env();
  const HostGuard guard(env);
  EXPECT_EQ(third(env), kThirdDown);
  set_frm(env, static_cast<u8>(Rounding::kUp));
  EXPECT_EQ(third(env), kThirdUp);
  EXPECT_EQ(third(env, static_cast<u8>(Rounding::kDown)), kThirdDown);
  EXPECT_EQ(collect_flags(env), kFlagInexact);
}

TEST(FpEnv, GuardGivesTheHostsOwnStateBack) {
  std::fesetround(FE_UPWARD);
  std::feclearexcept(FE_ALL_EXCEPT);
  Env env = dirty_env();
  set_frm(env, static_cast<u8>(Rounding::kTowardZero));
  {
    const HostGuard guard(env);
    third(env);
  }
  EXPECT_EQ(std::fegetround(), FE_UPWARD);
  EXPECT_EQ(std::fetestexcept(FE_ALL_EXCEPT), 0);
  std::fesetround(FE_TONEAREST);
}

TEST(FpEnv, PauseHidesTheHartsModeAndItsOwnFlags) {
  Env env = dirty_env();
  set_frm(env, static_cast<u8>(Rounding::kUp));
  const HostGuard guard(env);
  {
    const HostPause pause(env);
    EXPECT_EQ(env.fast_rm, 0);
    EXPECT_EQ(std::fegetround(), FE_TONEAREST);
    volatile double one = 1;
    volatile double zero = 0;
    volatile double quotient = one / zero;  // flagged for the emulator, not for the hart
    EXPECT_GT(quotient, one);
  }
  EXPECT_EQ(third(env), kThirdUp);
  EXPECT_EQ(collect_flags(env), kFlagInexact);
}

TEST(FpEnv, PauseOutsideAGuardDoesNothing) {
  Env env = dirty_env();
  { const HostPause pause(env); }
  EXPECT_EQ(env.on_host, 0);
  EXPECT_EQ(env.fast_rm, 0);
}

TEST(FpEnv, HostDeclinesUntilFsIsDirty) {
  Env env;
  const HostGuard guard(env);
  EXPECT_EQ(env.fast_rm, 0);
  u64 out;
  unsigned asked = 0;
  const auto mark = [&] {
    ++asked;
    set_fs_dirty(env, true);
    return true;
  };
  ASSERT_TRUE((execute<FpOp::kAdd, FpFmt::kDouble>(env, kDynamic, kOne, kOne, 0, out, mark)));
  ASSERT_TRUE((execute<FpOp::kAdd, FpFmt::kDouble>(env, kDynamic, kOne, kOne, 0, out, mark)));
#if defined(__x86_64__)
  EXPECT_EQ(asked, 1U);
#endif
  set_fs_dirty(env, false);
  EXPECT_FALSE(
      (execute<FpOp::kAdd, FpFmt::kDouble>(env, kDynamic, kOne, kOne, 0, out, [] { return false; })));
}

TEST(FpEnv, ReservedDynamicModeIsIllegalWhereRoundingMatters) {
  Env env = dirty_env();
  const HostGuard guard(env);
  for (const u8 frm : {5, 6, 7}) {
    set_frm(env, frm);
    u64 out;
    EXPECT_FALSE((execute<FpOp::kAdd, FpFmt::kDouble>(env, kDynamic, kOne, kOne, 0, out, kProceed))) << +frm;
    EXPECT_FALSE((execute<FpOp::kFromW, FpFmt::kDouble>(env, kDynamic, 1, 0, 0, out, kProceed))) << +frm;
    EXPECT_TRUE((execute<FpOp::kMin, FpFmt::kDouble>(env, 0, kOne, kThree, 0, out, kProceed))) << +frm;
    EXPECT_EQ(third(env, 0), kThirdDown);
    EXPECT_EQ(third(env, 3), kThirdUp);
  }
}

TEST(FpEnv, NearestMaxMagnitudeIsExactThoughTheHostLacksIt) {
  Env env = dirty_env();
  set_frm(env, static_cast<u8>(Rounding::kNearestMaxMagnitude));
  const HostGuard guard(env);
  const u64 half_ulp = 0x3ca0'0000'0000'0000;  // 2^-53
  u64 out;
  ASSERT_TRUE((execute<FpOp::kAdd, FpFmt::kDouble>(env, kDynamic, kOne, half_ulp, 0, out, kProceed)));
  EXPECT_EQ(out, kOne + 1);
  ASSERT_TRUE((execute<FpOp::kAdd, FpFmt::kDouble>(env, 0, kOne, half_ulp, 0, out, kProceed)));
  EXPECT_EQ(out, kOne);
  EXPECT_EQ(collect_flags(env), kFlagInexact);
}

}  // namespace quire::fp
