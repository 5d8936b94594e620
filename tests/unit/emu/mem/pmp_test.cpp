#include "emu/mem/pmp.h"

#include <gtest/gtest.h>

#include "quire/arch/sv39.h"

namespace quire {
namespace {

constexpr u8 kRw = Pmp::kRead | Pmp::kWrite;
constexpr u8 kRwx = kRw | Pmp::kExecute;
constexpr u8 kTor = 1 << 3;
constexpr u8 kNa4 = 2 << 3;
constexpr u8 kNapot = 3 << 3;

bool reads(const Pmp& pmp, u64 start, u64 size, Privilege privilege = Privilege::kUser) {
  return pmp.allows(PhysAddr(start), size, Access::kRead, privilege);
}

TEST(Pmp, WithoutEntriesOnlyMachineModeMayGoAnywhere) {
  const Pmp pmp{};
  EXPECT_TRUE(reads(pmp, 0x8000'0000, 8, Privilege::kMachine));
  EXPECT_FALSE(reads(pmp, 0x8000'0000, 8, Privilege::kSupervisor));
  EXPECT_FALSE(reads(pmp, 0x8000'0000, 8, Privilege::kUser));
}

TEST(Pmp, RangesHaveTheEndsTheManualGives) {
  Pmp pmp;
  pmp.set_address(0, 0x1000 >> 2);
  pmp.set_address(1, 0x1100 >> 2);
  pmp.set_config(1, kRw | kTor);  // [0x1000, 0x1100)
  pmp.set_address(2, 0x2004 >> 2);
  pmp.set_config(2, kRw | kNa4);  // [0x2004, 0x2008)
  pmp.set_address(3, 0x3000 >> 2 | 0x7f);
  pmp.set_config(3, kRw | kNapot);  // 1 KiB
  EXPECT_FALSE(reads(pmp, 0xfff, 1));
  EXPECT_TRUE(reads(pmp, 0x1000, 8));
  EXPECT_TRUE(reads(pmp, 0x10f8, 8));
  EXPECT_FALSE(reads(pmp, 0x1100, 1));
  EXPECT_TRUE(reads(pmp, 0x2004, 4));
  EXPECT_FALSE(reads(pmp, 0x2003, 1));
  EXPECT_FALSE(reads(pmp, 0x2008, 1));
  EXPECT_TRUE(reads(pmp, 0x3000, 8));
  EXPECT_TRUE(reads(pmp, 0x33f8, 8));
  EXPECT_FALSE(reads(pmp, 0x3400, 1));
}

TEST(Pmp, AllOnesIsTheWholeAddressSpace) {
  Pmp pmp;
  pmp.allow_everything();
  EXPECT_TRUE(reads(pmp, 0, 8));
  EXPECT_TRUE(reads(pmp, (u64{1} << 56) - 8, 8));
}

TEST(Pmp, TheFirstEntryThatMatchesAnyByteDecidesAndMustMatchAll) {
  Pmp pmp;
  pmp.set_address(0, 0x1004 >> 2);
  pmp.set_config(0, kRw | kNa4);
  pmp.set_address(1, ~u64{0});
  pmp.set_config(1, kRwx | kNapot);
  EXPECT_TRUE(reads(pmp, 0x1004, 4));
  EXPECT_FALSE(reads(pmp, 0x1000, 8)) << "partly entry 0";
  EXPECT_TRUE(reads(pmp, 0x1000, 4));
  EXPECT_FALSE(pmp.allows(PhysAddr(0x1004), 4, Access::kExecute, Privilege::kUser));
  EXPECT_TRUE(pmp.allows(PhysAddr(0x1008), 4, Access::kExecute, Privilege::kUser));
  EXPECT_FALSE(pmp.allows_page(PhysAddr(0x1000), Access::kRead, Privilege::kUser));
  EXPECT_TRUE(pmp.allows_page(PhysAddr(0x2000), Access::kRead, Privilege::kUser));
}

TEST(Pmp, LockedEntriesBindMachineModeToo) {
  Pmp pmp;
  pmp.set_address(0, 0x1000 >> 2);
  pmp.set_config(0, Pmp::kRead | kNa4);
  EXPECT_TRUE(pmp.allows(PhysAddr(0x1000), 4, Access::kWrite, Privilege::kMachine));
  pmp.set_config(0, Pmp::kRead | kNa4 | Pmp::kLocked);
  EXPECT_FALSE(pmp.allows(PhysAddr(0x1000), 4, Access::kWrite, Privilege::kMachine));
  EXPECT_TRUE(pmp.allows(PhysAddr(0x1000), 4, Access::kRead, Privilege::kMachine));
  EXPECT_TRUE(pmp.allows(PhysAddr(0x1004), 4, Access::kWrite, Privilege::kMachine));
}

TEST(Pmp, InMachineModeAnUnlockedEntryShieldsThoseBehindIt) {
  Pmp pmp;
  pmp.set_address(0, 0x1000 >> 2);
  pmp.set_config(0, kNa4);
  pmp.set_address(1, 0x1000 >> 2 | 1);
  pmp.set_config(1, kNapot | Pmp::kLocked);
  EXPECT_TRUE(reads(pmp, 0x1000, 4, Privilege::kMachine));
  EXPECT_FALSE(reads(pmp, 0x1004, 4, Privilege::kMachine));
  EXPECT_FALSE(reads(pmp, 0xffc, 8, Privilege::kMachine)) << "a part matches";
}

TEST(Pmp, EmptyAndBackwardRangesMatchNothing) {
  Pmp pmp;
  pmp.set_address(0, 0x2000 >> 2);
  pmp.set_address(1, 0x1000 >> 2);
  pmp.set_config(1, kRwx | kTor);
  pmp.set_address(2, 0x1000 >> 2);
  pmp.set_config(2, kRwx | kTor);
  EXPECT_FALSE(reads(pmp, 0x1800, 1));
  pmp.set_address(3, 0x1000 >> 2);
  EXPECT_FALSE(reads(pmp, 0x1000, 4));
}

}  // namespace
}  // namespace quire
