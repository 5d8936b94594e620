// The host path against the software: values and flags, bit for bit.
#include "emu/hart/fp/host.h"

#include <gtest/gtest.h>

#include <iomanip>
#include <sstream>

#include "emu/hart/fp/fp.h"
#include "tests/unit/emu/hart/fp/values.h"

namespace quire::fp::test {
namespace {

constexpr u8 kDynamic = static_cast<u8>(Rounding::kDynamic);

std::string describe(FpOp op, FpFmt format, unsigned frm, u8 rm, u64 a, u64 b, u64 c) {
  std::ostringstream text;
  text << name_of(op)
       << (format == FpFmt::kHalf     ? ".h"
           : format == FpFmt::kSingle ? ".s"
                                      : ".d")
       << " frm " << frm << " rm " << +rm << std::hex << " a " << a << " b " << b << " c " << c;
  return text.str();
}

struct Tally {
  u64 cases = 0;
  u64 on_host = 0;
};

/// One case, in the mode that `env` (inside a guard) is in. Returns false at the first difference.
template <FpOp Op, FpFmt F>
bool check(Env& env, u8 rm, u64 a, u64 b, u64 c, Tally& tally) {
  Rounding rounding = Rounding::kNearestEven;
  resolve(env, rm, rounding);
  const SoftResult expected = soft(Op, F, rounding, a, b, c);
  set_flags(env, 0);
  u64 out = 0;
  const bool done = host<Op, F>(env, rm, a, b, c, out);
  const u8 flags = collect_flags(env);
  ++tally.cases;
  tally.on_host += done ? 1 : 0;
  if (done ? out == expected.value && flags == expected.flags : (flags & ~expected.flags) == 0) return true;
  ADD_FAILURE() << describe(Op, F, env.frm, rm, a, b, c) << std::hex << ": host " << (done ? "" : "declines ")
                << out << " flags " << +flags << ", soft " << expected.value << " flags " << +expected.flags;
  return false;
}

template <FpOp Op, FpFmt F>
u64 operand(Operands& operands) {
  if constexpr (Op >= FpOp::kFromW && Op <= FpOp::kFromLu) {
    return operands.integer();
  } else if constexpr (Op == FpOp::kFromHalf) {
    return operands.reg<FpFmt::kHalf>();
  } else if constexpr (Op == FpOp::kFromSingle) {
    return operands.reg<FpFmt::kSingle>();
  } else if constexpr (Op == FpOp::kFromDouble) {
    return operands.reg<FpFmt::kDouble>();
  } else {
    return operands.reg<F>();
  }
}

constexpr unsigned kRandomCases = 40'000;

template <FpOp Op, FpFmt F>
void check_operation(u64 seed, Tally& tally) {
  Operands operands(seed);
  for (const u8 frm : {0, 1, 2, 3}) {
    Env env;
    set_frm(env, frm);
    set_fs_dirty(env, true);
    const HostGuard guard(env);
    for (unsigned n = 0; n < kRandomCases; ++n) {
      const u64 a = operand<Op, F>(operands);
      const u64 b = operands.reg<F>();
      const u64 c = operands.reg<F>();
      const u8 rm = has_rounding_mode(Op) ? (n % 4 == 0 ? static_cast<u8>(n / 4 % 5) : kDynamic) : 0;
      if (!check<Op, F>(env, rm, a, b, c, tally)) {
        ADD_FAILURE() << "seed " << seed << " case " << n;
        return;
      }
    }
  }
}

/// Every pair of boundary values; their third operand walks through them too.
template <FpOp Op, FpFmt F>
void check_boundaries(Tally& tally) {
  const auto values = boundary_values<F>();
  for (const u8 frm : {0, 1, 2, 3}) {
    Env env;
    set_frm(env, frm);
    set_fs_dirty(env, true);
    const HostGuard guard(env);
    usize third = 0;
    for (const auto a : values) {
      for (const auto b : values) {
        third = (third + 7) % values.size();
        if (!check<Op, F>(env, kDynamic, box<F>(a), box<F>(b), box<F>(values[third]), tally)) return;
      }
    }
  }
}

template <FpFmt F>
void check_format(Tally& tally) {
  u64 seed = F == FpFmt::kHalf ? 3000 : F == FpFmt::kSingle ? 1000 : 2000;
  const auto each = [&]<FpOp... Ops>() { (check_operation<Ops, F>(seed++, tally), ...); };
  each.template
  operator()<FpOp::kAdd, FpOp::kSub, FpOp::kMul, FpOp::kDiv, FpOp::kSqrt, FpOp::kMadd, FpOp::kMsub,
             FpOp::kNmsub, FpOp::kNmadd, FpOp::kToW, FpOp::kToWu, FpOp::kToL, FpOp::kToLu, FpOp::kFromW,
             FpOp::kFromWu, FpOp::kFromL, FpOp::kFromLu, FpOp::kRound, FpOp::kRoundnx, FpOp::kSgnj,
             FpOp::kSgnjn, FpOp::kSgnjx, FpOp::kMin, FpOp::kMax, FpOp::kMinm, FpOp::kMaxm, FpOp::kEq,
             FpOp::kLt, FpOp::kLe, FpOp::kLtq, FpOp::kLeq, FpOp::kClass>();
  if constexpr (F == FpFmt::kHalf) {
    each.template operator()<FpOp::kFromSingle, FpOp::kFromDouble>();
  } else if constexpr (F == FpFmt::kSingle) {
    each.template operator()<FpOp::kFromHalf, FpOp::kFromDouble>();
  } else {
    each.template operator()<FpOp::kFromHalf, FpOp::kFromSingle, FpOp::kToWMod>();
  }
  const auto pairs = [&]<FpOp... Ops>() { (check_boundaries<Ops, F>(tally), ...); };
  pairs.template
  operator()<FpOp::kAdd, FpOp::kSub, FpOp::kMul, FpOp::kDiv, FpOp::kSqrt, FpOp::kMadd, FpOp::kNmsub,
             FpOp::kToW, FpOp::kToWu, FpOp::kToL, FpOp::kToLu, FpOp::kMin, FpOp::kMax, FpOp::kEq, FpOp::kLt,
             FpOp::kLe, FpOp::kLtq, FpOp::kLeq, FpOp::kMinm, FpOp::kMaxm, FpOp::kRound, FpOp::kRoundnx>();
}

template <FpFmt F>
void check_format_and_use() {
  Tally tally;
  check_format<F>(tally);
  ::testing::Test::RecordProperty("cases", std::to_string(tally.cases));
#if defined(__x86_64__)
  EXPECT_GT(tally.on_host, tally.cases / 2) << "the host path is hardly ever taken";
#else
  EXPECT_EQ(tally.on_host, 0U);
#endif
}

}  // namespace

TEST(FpHost, AgreesWithSoftwareOnHalves) { check_format_and_use<FpFmt::kHalf>(); }
TEST(FpHost, AgreesWithSoftwareOnSingles) { check_format_and_use<FpFmt::kSingle>(); }
TEST(FpHost, AgreesWithSoftwareOnDoubles) { check_format_and_use<FpFmt::kDouble>(); }

}  // namespace quire::fp::test
