// Which instructions a set of extensions has.
#include "emu/isa/isa.h"

#include <gtest/gtest.h>

namespace quire {
namespace {

using enum Extension;

Op decoded(u32 word, ExtensionSet set) { return Isa(completed(set)).decode(word).op; }

TEST(Isa, DefaultHasEveryInstruction) {
  const Isa isa;
  for (unsigned op = 1; op < kOpCount; ++op) EXPECT_TRUE(isa.has(static_cast<Op>(op))) << kOpInfo[op].name;
}

TEST(Isa, BaseHasNoneOfAnExtension) {
  const Isa base(completed({}));
  for (unsigned op = 1; op < kOpCount; ++op) {
    const Group group = kOpInfo[op].group;
    const bool always = group == Group::I || group == Group::Zicsr || group == Group::Zifencei ||
                        group == Group::Priv || group == Group::Hint;
    EXPECT_EQ(base.has(static_cast<Op>(op)), always) << kOpInfo[op].name;
  }
}

TEST(Isa, IllegalInstructionsKeepBitsAndLength) {
  const Insn insn = Isa(completed({})).decode(0x4505);  // c.li a0, 1
  EXPECT_EQ(insn, (Insn{.length = 2, .raw = 0x4505}));
}

TEST(Isa, SomeInstructionsAreInZbbAndZbkb) {
  constexpr u32 kAndn = 0x40c5'f533, kRev8 = 0x6b85'd513, kClz = 0x6005'9513, kBrev8 = 0x6875'd513;
  for (const Extension one : {Zbb, Zbkb}) {
    EXPECT_EQ(decoded(kAndn, {one}), Op::andn);
    EXPECT_EQ(decoded(kRev8, {one}), Op::rev8);
  }
  EXPECT_EQ(decoded(kClz, {Zbkb}), Op::illegal);
  EXPECT_EQ(decoded(kBrev8, {Zbb}), Op::illegal);
  EXPECT_EQ(decoded(kAndn, {Zba, Zbc, Zbs}), Op::illegal);
}

// zext.h and packw with x0 are one encoding.
TEST(Isa, PackOfAWordWithZeroIsAnExtension) {
  constexpr u32 kPackwZero = 0x0805'c53b, kPackw = 0x08c5'c53b;
  for (const Extension one : {Zbb, Zbkb}) EXPECT_EQ(decoded(kPackwZero, {one}), Op::zext_h);
  EXPECT_EQ(decoded(kPackw, {Zbkb}), Op::packw);
  EXPECT_EQ(decoded(kPackw, {Zbb}), Op::illegal);
  EXPECT_EQ(decoded(kPackwZero, {Zba}), Op::illegal);
}

TEST(Isa, FormatsOfFloatingPointMustBeThere) {
  constexpr u32 kFliD = 0xf218'0553, kFliS = 0xf018'0553, kFliH = 0xf418'0553;
  EXPECT_EQ(decoded(kFliS, {Zfa}), Op::fli_s);
  EXPECT_EQ(decoded(kFliD, {Zfa}), Op::illegal);
  EXPECT_EQ(decoded(kFliD, {Zfa, D}), Op::fli_d);
  EXPECT_EQ(decoded(kFliH, {Zfa, Zfhmin}), Op::illegal);
  EXPECT_EQ(decoded(kFliH, {Zfa, Zfh}), Op::fli_h);
  constexpr u32 kFaddH = 0x04c5'f553, kFlh = 0x0005'9507, kFcvtDH = 0x4225'8553;
  EXPECT_EQ(decoded(kFlh, {Zfhmin}), Op::flh);
  EXPECT_EQ(decoded(kFaddH, {Zfhmin}), Op::illegal);
  EXPECT_EQ(decoded(kFaddH, {Zfh}), Op::fadd_h);
  EXPECT_EQ(decoded(kFcvtDH, {Zfh}), Op::illegal);
  EXPECT_EQ(decoded(kFcvtDH, {Zfhmin, D}), Op::fcvt_d_h);
}

TEST(Isa, HintsAreLegalWithoutTheirExtension) {
  EXPECT_EQ(decoded(0x0100'000f, {}), Op::pause);
  EXPECT_EQ(decoded(0x0215'6013, {}), Op::prefetch_r);
  EXPECT_EQ(decoded(0x0225'6013, {}), Op::ori);  // to x0, and of no prefetch
}

TEST(Isa, PairsAreEven) {
  EXPECT_EQ(decoded(0x28c7'452f, {Zacas}), Op::amocas_q);
  EXPECT_EQ(decoded(0x28c7'45af, {Zacas}), Op::illegal);  // rd x11
  EXPECT_EQ(decoded(0x28d7'452f, {Zacas}), Op::illegal);  // rs2 x13
}

}  // namespace
}  // namespace quire
