// The extensions beyond RV64GC, by figures from the manuals: results, traps, and what must not happen.
#include "emu/hart/envcfg.h"
#include "tests/unit/emu/hart/system.h"

namespace quire::test {
namespace {

constexpr u64 kData = kRam + 0x10'0000;

constexpr u32 r_type(u32 funct7, u32 funct3, u32 rd, u32 rs1, u32 rs2, u32 opcode = 0x33) {
  return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}
constexpr u32 cbo(u32 operation, u32 rs1) { return operation << 20 | rs1 << 15 | 2 << 12 | 0x0f; }
constexpr u32 kInval = 0, kClean = 1, kFlush = 2, kZero = 4;
constexpr u32 amocas(u32 funct3, u32 rd, u32 rs1, u32 rs2) { return amo(5, funct3, rd, rs1, rs2); }

struct ExtensionsTest : HartTest {
  u64 result(u32 word, u64 a, u64 b = 0) {
    state.x[10] = a;
    state.x[11] = b;
    run(word);
    return state.x[12];
  }
  u64 memory(u64 address) {
    u64 value = 0;
    bus.load(PhysAddr(address), 8, value);
    return value;
  }
  void put(u64 address, u64 value) { bus.store(PhysAddr(address), 8, value); }
};

// --- bit manipulation ---

TEST_F(ExtensionsTest, CarrylessProducts) {
  // (x^63 + 1)(x^63 + x) = x^126 + x^64 + x^63 + x
  constexpr u64 kA = u64{1} << 63 | 1, kB = u64{1} << 63 | 2;
  EXPECT_EQ(result(r_type(5, 1, 12, 10, 11), kA, kB), u64{1} << 63 | 2);
  EXPECT_EQ(result(r_type(5, 3, 12, 10, 11), kA, kB), u64{1} << 62 | 1);
  EXPECT_EQ(result(r_type(5, 2, 12, 10, 11), kA, kB), u64{1} << 63 | 3);
}

TEST_F(ExtensionsTest, CountsOfNothing) {
  EXPECT_EQ(result(0x6005'1613, 0), 64U);             // clz x12, x10
  EXPECT_EQ(result(0x6015'1613, 0), 64U);             // ctz
  EXPECT_EQ(result(0x6005'161b, u64{1} << 32), 32U);  // clzw
  EXPECT_EQ(result(0x6015'161b, u64{1} << 32), 32U);  // ctzw
  EXPECT_EQ(result(0x6025'161b, ~u64{0}), 32U);       // cpopw
}

TEST_F(ExtensionsTest, Bytes) {
  EXPECT_EQ(result(0x2875'5613, 0x0180'0040'0002'ff00), 0xffff'00ff'00ff'ff00U);  // orc.b
  EXPECT_EQ(result(0x6b85'5613, 0x0123'4567'89ab'cdef), 0xefcd'ab89'6745'2301U);  // rev8
  EXPECT_EQ(result(0x6875'5613, 0x0123'4567'89ab'cdef), 0x80c4'a2e6'91d5'b3f7U);  // brev8
}

TEST_F(ExtensionsTest, RotationsByNothing) {
  EXPECT_EQ(result(r_type(0x30, 5, 12, 10, 11), 0x8000'0000'0000'0001, 64), 0x8000'0000'0000'0001U);  // ror
  EXPECT_EQ(result(r_type(0x30, 5, 12, 10, 11, 0x3b), 0x8000'0001, 32), 0xffff'ffff'8000'0001U);      // rorw
}

// --- Zacas ---

TEST_F(ExtensionsTest, CompareAndSwapComparesWhatItsWidthIs) {
  put(kData, 0x1111'1111'8000'0002);
  state.x[10] = kData;
  state.x[12] = 0x2222'2222'8000'0002;  // equal in the low word
  state.x[13] = 0x3333'3333'4444'4444;
  run(amocas(2, 12, 10, 13));
  EXPECT_EQ(memory(kData), 0x1111'1111'4444'4444U);
  EXPECT_EQ(state.x[12], 0xffff'ffff'8000'0002U);
  run(amocas(3, 12, 10, 13));  // not equal: the value only
  EXPECT_EQ(memory(kData), 0x1111'1111'4444'4444U);
  EXPECT_EQ(state.x[12], 0x1111'1111'4444'4444U);
}

TEST_F(ExtensionsTest, CompareAndSwapOfPairs) {
  put(kData, 7);
  put(kData + 8, 8);
  state.x[10] = kData;
  state.x[12] = 7;
  state.x[13] = 8;
  state.x[14] = 9;
  state.x[15] = 10;
  run(amocas(4, 12, 10, 14));
  EXPECT_EQ(memory(kData), 9U);
  EXPECT_EQ(memory(kData + 8), 10U);
  EXPECT_EQ(state.x[12], 7U);
  EXPECT_EQ(state.x[13], 8U);
}

// The pair of x0 is zero, x1 notwithstanding, and takes no result (16.1).
TEST_F(ExtensionsTest, PairOfZeroIsZero) {
  put(kData, 0);
  put(kData + 8, 0);
  state.x[1] = 55;
  state.x[10] = kData;
  state.x[14] = 9;
  state.x[15] = 10;
  run(amocas(4, 0, 10, 14));
  EXPECT_EQ(memory(kData + 8), 10U);
  EXPECT_EQ(state.x[1], 55U);
  state.x[12] = 9;
  state.x[13] = 10;
  run(amocas(4, 12, 10, 0));
  EXPECT_EQ(memory(kData), 0U);
  EXPECT_EQ(memory(kData + 8), 0U);
}

TEST_F(ExtensionsTest, CompareAndSwapWantsAlignment) {
  state.x[10] = kData + 8;
  EXPECT_TRUE(raises(amocas(4, 12, 10, 14), Exception::kStoreMisaligned));
  EXPECT_EQ(csr(Csr::mtval), kData + 8);
  state.x[10] = kData + 4;
  EXPECT_TRUE(raises(amocas(3, 12, 10, 14), Exception::kStoreMisaligned));
}

// --- cache blocks ---

TEST_F(ExtensionsTest, ZeroingTakesTheBlockAroundTheAddress) {
  for (u64 at = kData; at < kData + 256; at += 8) put(at, ~u64{0});
  state.x[10] = kData + 64 + 13;
  run(cbo(kZero, 10));
  EXPECT_EQ(memory(kData + 56), ~u64{0});
  for (u64 at = kData + 64; at < kData + 128; at += 8) EXPECT_EQ(memory(at), 0U);
  EXPECT_EQ(memory(kData + 128), ~u64{0});
}

TEST_F(ExtensionsTest, ManagementChangesNothing) {
  put(kData, 5);
  state.x[10] = kData;
  for (const u32 operation : {kInval, kClean, kFlush}) run(cbo(operation, 10));
  EXPECT_EQ(memory(kData), 5U);
  EXPECT_EQ(state.trap_count, 0U);
}

// 20.5: menvcfg rules over S and U, senvcfg over U beside it; M-mode is free.
TEST_F(ExtensionsTest, EnvironmentEnablesBlockOperations) {
  const struct {
    u32 operation;
    u64 enable;
  } kRules[] = {{kInval, 1 << 4}, {kInval, 3 << 4}, {kClean, 1 << 6}, {kFlush, 1 << 6}, {kZero, 1 << 7}};
  state.x[10] = kData;
  for (const auto& rule : kRules) {
    for (unsigned enabled = 0; enabled < 4; ++enabled) {
      set_csr(Csr::menvcfg,
              (enabled & 1) != 0 ? rule.enable : 0xf0 & ~(rule.operation == kInval ? 0x30 : rule.enable));
      set_csr(Csr::senvcfg, (enabled & 2) != 0 ? rule.enable : 0);
      enter(Privilege::kMachine);
      EXPECT_FALSE(raises(cbo(rule.operation, 10), Exception::kIllegalInsn));
      enter(Privilege::kSupervisor);
      EXPECT_EQ(raises(cbo(rule.operation, 10), Exception::kIllegalInsn), (enabled & 1) == 0);
      enter(Privilege::kUser);
      EXPECT_EQ(raises(cbo(rule.operation, 10), Exception::kIllegalInsn), enabled != 3);
    }
  }
}

TEST_F(ExtensionsTest, ReservedInvalidationModeIsNotTaken) {
  set_csr(Csr::menvcfg, 0x10);
  set_csr(Csr::menvcfg, 0x20);
  EXPECT_EQ(csr(Csr::menvcfg) & kEnvcfgCbie, 0x10U);
}

TEST_F(ExtensionsTest, WithoutTheExtensionThereIsNothingToEnable) {
  const auto bare = std::make_unique<Hart>(0, bus, TlbConfig{}, env, completed({}));
  bare->write_csr(number_of(Csr::menvcfg), 0xf0);
  EXPECT_EQ(*bare->read_csr(number_of(Csr::menvcfg)) & 0xf0, 0U);
}

// 20.4.2.2: faults are a store's, and tval is rs1 as it is.
TEST_F(ExtensionsTest, FaultsOfBlockOperationsAreStoreFaults) {
  state.x[10] = 0x4000'0015;  // nothing there
  for (const u32 operation : {kInval, kClean, kFlush, kZero}) {
    EXPECT_TRUE(raises(cbo(operation, 10), Exception::kStoreAccessFault)) << operation;
    EXPECT_EQ(csr(Csr::mtval), 0x4000'0015U);
  }
}

TEST_F(ExtensionsTest, PrefetchesOfNothingDoNothing) {
  state.x[10] = 0x4000'0015;
  for (const u32 word : {0x0005'6013U, 0x0015'6013U, 0x0035'6013U}) run(word);
  EXPECT_EQ(state.trap_count, 0U);
}

// --- Zfa ---

// Table 25.1, singles and halves.
TEST_F(ExtensionsTest, LoadsConstants) {
  state.fp_status = 3;
  hart.sync();
  const auto fli = [this](u32 format, u32 number) {
    run((0x78U | format) << 25 | 1 << 20 | number << 15 | 12 << 7 | 0x53);
    return state.f[12];
  };
  EXPECT_EQ(fli(0, 0), 0xffff'ffff'bf80'0000U);   // -1
  EXPECT_EQ(fli(0, 1), 0xffff'ffff'0080'0000U);   // least normal
  EXPECT_EQ(fli(0, 9), 0xffff'ffff'3ea0'0000U);   // 0.3125
  EXPECT_EQ(fli(0, 29), 0xffff'ffff'4780'0000U);  // 65536
  EXPECT_EQ(fli(1, 31), 0x7ff8'0000'0000'0000U);
  EXPECT_EQ(fli(1, 2), 0x3ef0'0000'0000'0000U);  // 2^-16
  EXPECT_EQ(fli(2, 2), 0xffff'ffff'ffff'0100U);  // 2^-16, subnormal
  EXPECT_EQ(fli(2, 3), 0xffff'ffff'ffff'0200U);
  EXPECT_EQ(fli(2, 29), 0xffff'ffff'ffff'7c00U);  // infinity
  EXPECT_EQ(fli(2, 28), 0xffff'ffff'ffff'7800U);  // 2^15
}

TEST_F(ExtensionsTest, FloatingPointOffIsIllegalForConstantsToo) {
  EXPECT_TRUE(raises(0xf018'0653, Exception::kIllegalInsn));  // fli.s
  EXPECT_TRUE(raises(0x0005'1607, Exception::kIllegalInsn));  // flh
}

}  // namespace
}  // namespace quire::test
