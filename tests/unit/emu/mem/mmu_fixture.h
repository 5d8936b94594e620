// What tests of the Mmu start from: RAM with page tables in it, and a program's mode in their address space.
#pragma once

#include <gtest/gtest.h>

#include "emu/mem/mmu.h"
#include "tests/unit/emu/mem/page_tables.h"

namespace quire::test {

constexpr u64 kVa = 0x1000;
constexpr u64 kPage = kRam + 0x5000;
constexpr u64 kOther = kRam + 0x9000;

struct MmuTest : testing::Test {
  Ram ram{PhysAddr(kRam), 0x40'0000};
  Bus bus{ram};
  FastTlb fast;
  Mmu mmu{bus, fast, TlbConfig{}};
  PageTables tables{ram};
  MemoryMode user = user_mode(tables);
  u64 out = 0;

  void SetUp() override {
    mmu.pmp().allow_everything();
    fast.enter(user.satp.raw);
  }

  FastTlb::Bank& bank(const MemoryMode& mode) {
    fast.enter(mode.satp.raw);
    return fast.bank(FastTlb::bank_index(mode.privilege, mode.sum));
  }
  bool hits(Access access, u64 va, unsigned size = 8) {
    u8* host;
    return bank(user).find(access, va, size, host);
  }
  void poke(u64 pa, u64 value) { ASSERT_TRUE(bus.store(PhysAddr(pa), 8, value)); }
  u64 peek(u64 pa) {
    u64 value = 0;
    EXPECT_TRUE(bus.load(PhysAddr(pa), 8, value));
    return value;
  }
};

}  // namespace quire::test
