// A hart with RAM and an interpreter-free way to run it: one instruction at a time through execute().
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "emu/hart/csr.h"
#include "emu/hart/execute.h"
#include "emu/hart/hart.h"
#include "tests/unit/emu/mem/page_tables.h"

namespace quire::test {

struct FakeEnv final : HartEnv {
  u64 ticks = 1234;
  bool answers_sbi = false;
  u64 time() override { return ticks; }
  std::optional<u64> compare;
  void set_supervisor_compare(std::optional<u64> ticks_due) override { compare = ticks_due; }
  bool sbi_call(HartState& state) override {
    if (!answers_sbi) return false;
    state.x[10] = 0;
    state.x[11] = 77;
    return true;
  }
};

struct HartTest : testing::Test {
  Ram ram{PhysAddr(kRam), 0x40'0000};
  Bus bus{ram};
  FakeEnv env;
  std::unique_ptr<Hart> owner = std::make_unique<Hart>(3, bus, TlbConfig{}, env);  // too big for the stack
  Hart& hart = *owner;
  HartState& state = hart.state();
  PageTables tables{ram};

  void SetUp() override {
    hart.write_csr(number_of(Csr::mtvec), kRam + 0x100);
    hart.write_csr(number_of(Csr::stvec), kRam + 0x200);
    hart.mmu().pmp().allow_everything();
  }
  u64 csr(Csr c) { return *hart.read_csr(number_of(c)); }
  void set_csr(Csr c, u64 value) { ASSERT_TRUE(hart.write_csr(number_of(c), value)); }
  void enter(Privilege privilege) {
    state.privilege = privilege;
    hart.sync();
  }
  /// Executes these bits where pc is.
  Flow run(u32 raw) { return execute(hart, hart.isa().decode(raw)); }
  /// Whether `raw` raises `cause`; the hart is then back where it was.
  bool raises(u32 raw, Exception cause) {
    const Privilege privilege = state.privilege;
    const u64 pc = state.pc;
    const u64 traps = state.trap_count;
    const u64 status = state.mstatus;
    run(raw);
    const bool as_told = state.trap_count == traps + 1 && csr(Csr::mcause) == static_cast<u64>(cause);
    state.mstatus = status;
    state.privilege = privilege;
    state.pc = pc;
    hart.sync();
    return as_told;
  }
};

// Encoders: rd, rs1, rs2 are numbers of registers.
constexpr u32 csr_insn(u32 funct3, u32 rd, Csr csr, u32 rs1) {
  return number_of(csr) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x73;
}
constexpr u32 csrrw(u32 rd, Csr csr, u32 rs1) { return csr_insn(1, rd, csr, rs1); }
constexpr u32 csrrs(u32 rd, Csr csr, u32 rs1) { return csr_insn(2, rd, csr, rs1); }
constexpr u32 csrrc(u32 rd, Csr csr, u32 rs1) { return csr_insn(3, rd, csr, rs1); }
constexpr u32 csrrsi(u32 rd, Csr csr, u32 uimm) { return csr_insn(6, rd, csr, uimm); }
constexpr u32 sfence_vma(u32 rs1, u32 rs2) { return 9u << 25 | rs2 << 20 | rs1 << 15 | 0x73; }
constexpr u32 amo(u32 funct5, u32 funct3, u32 rd, u32 rs1, u32 rs2) {
  return funct5 << 27 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x2f;
}
constexpr u32 lr_d(u32 rd, u32 rs1) { return amo(2, 3, rd, rs1, 0); }
constexpr u32 lr_w(u32 rd, u32 rs1) { return amo(2, 2, rd, rs1, 0); }
constexpr u32 sc_d(u32 rd, u32 rs1, u32 rs2) { return amo(3, 3, rd, rs1, rs2); }
constexpr u32 sc_w(u32 rd, u32 rs1, u32 rs2) { return amo(3, 2, rd, rs1, rs2); }
constexpr u32 amoadd_w(u32 rd, u32 rs1, u32 rs2) { return amo(0, 2, rd, rs1, rs2); }
constexpr u32 ld(u32 rd, u32 rs1) { return rs1 << 15 | 3 << 12 | rd << 7 | 0x03; }
constexpr u32 fadd_d(u32 rd, u32 rs1, u32 rs2, u32 rm) {
  return 1u << 25 | rs2 << 20 | rs1 << 15 | rm << 12 | rd << 7 | 0x53;
}
inline constexpr u32 kEcall = 0x0000'0073;
inline constexpr u32 kEbreak = 0x0010'0073;
inline constexpr u32 kMret = 0x3020'0073;
inline constexpr u32 kSret = 0x1020'0073;
inline constexpr u32 kWfi = 0x1050'0073;
inline constexpr u32 kNop = 0x0000'0013;

}  // namespace quire::test
