// FastContext: the SemContext of the interpreter's fast path.
//
// It does what needs no look beyond registers and a FastTlb hit, and declines the rest: a body that
// returns false has changed nothing, and execute() (emu/hart/execute.h) then does all of the instruction.
#pragma once

#include <cstring>

#include "emu/block/block.h"
#include "emu/hart/arithmetic.h"
#include "emu/hart/envcfg.h"
#include "emu/hart/fp/host.h"
#include "emu/hart/state.h"

namespace quire {

/// The fields of an instruction that the cell keeps; compilers see through it.
template <Op O>
[[gnu::always_inline]] inline Insn expand(const Cell& cell) {
  Insn insn{.op = O, .rd = cell.rd, .rs1 = cell.rs1, .rs2 = cell.rs2};
  if constexpr (has_rm(op_info(O).format)) {
    insn.rs3 = static_cast<u8>(cell.imm);
    insn.rm = static_cast<u8>(cell.imm >> 8);
  } else {
    insn.imm = cell.imm;
  }
  return insn;
}

class FastContext : public PlainArithmetic {
 public:
  FastContext(HartState& state, const Cell& cell, u64 block_pc)
      : state_(state), cell_(cell), block_pc_(block_pc) {}

  u64 pc() const { return block_pc_ + (cell_.place & 0xfe); }
  u64 next_pc() const { return pc() + ((cell_.place & 1) != 0 ? 2 : 4); }
  u64 x(u8 r) const { return state_.x[r]; }
  void set_x(u8 r, u64 value) { state_.x[r] = value; }
  u64 f(u8 r) const { return state_.f[r]; }
  void set_f(u8 r, u64 value) { state_.f[r] = value; }  // FS is dirty already, see require_fp

  template <unsigned Bytes>
  bool load(u64 addr, u64& out) {
    u8* host;
    if (!state_.data_bank->find(Access::kRead, addr, Bytes, host)) return false;
    u64 value = 0;
    std::memcpy(&value, host, Bytes);
    out = value;
    return true;
  }
  template <unsigned Bytes>
  bool store(u64 addr, u64 value) {
    u8* host;
    if (!state_.data_bank->find(Access::kWrite, addr, Bytes, host)) return false;
    std::memcpy(host, &value, Bytes);
    return true;
  }
  template <unsigned Bytes>
  bool lr(u64 addr, u64& out) {
    u8* host;
    if ((addr & (Bytes - 1)) != 0 || !state_.data_bank->find(Access::kRead, addr, Bytes, host)) return false;
    u64 value = 0;
    std::memcpy(&value, host, Bytes);
    out = value;
    state_.reservation = reinterpret_cast<u64>(host) + state_.ram_delta;
    state_.reservation_size = Bytes;
    return true;
  }
  template <unsigned Bytes>
  bool sc(u64 addr, u64 value, u64& failed) {
    u8* host;
    if ((addr & (Bytes - 1)) != 0 || !state_.data_bank->find(Access::kWrite, addr, Bytes, host)) return false;
    const bool held = state_.reservation == reinterpret_cast<u64>(host) + state_.ram_delta &&
                      state_.reservation_size == Bytes;
    if (held) std::memcpy(host, &value, Bytes);
    state_.reservation = HartState::kNoReservation;
    failed = held ? 0 : 1;
    return true;
  }
  template <unsigned Bytes>
  bool amo(AmoOp op, u64 addr, u64 operand, u64& old) {
    u8* host;
    if ((addr & (Bytes - 1)) != 0 || !state_.data_bank->find(Access::kWrite, addr, Bytes, host)) return false;
    u64 value = 0;
    std::memcpy(&value, host, Bytes);
    const u64 result = amo_result(op, value, operand, Bytes * 8);
    std::memcpy(host, &result, Bytes);
    old = value;
    return true;
  }

  template <unsigned Bytes>
  bool cas(u64 addr, u64 expected, u64 desired, u64& old) {
    u8* host;
    if ((addr & (Bytes - 1)) != 0 || !state_.data_bank->find(Access::kWrite, addr, Bytes, host)) return false;
    u64 value = 0;
    std::memcpy(&value, host, Bytes);
    if (value == zext(expected, Bytes * 8)) std::memcpy(host, &desired, Bytes);
    old = value;
    return true;
  }
  bool cas_pair(u64 addr, Pair<FastContext> expected, Pair<FastContext> desired, Pair<FastContext>& old) {
    u8* host;
    if ((addr & 15) != 0 || !state_.data_bank->find(Access::kWrite, addr, 16, host)) return false;
    u64 value[2];
    std::memcpy(value, host, 16);
    if (value[0] == expected.low && value[1] == expected.high) {
      const u64 words[2] = {desired.low, desired.high};
      std::memcpy(host, words, 16);
    }
    old = {value[0], value[1]};
    return true;
  }
  bool cbo(CboOp op, u64 addr, const Insn&) {
    if (!cbo_allowed(op, state_.privilege, state_.menvcfg, state_.senvcfg)) return false;
    u8* host;
    const Access access = op == CboOp::kZero ? Access::kWrite : Access::kRead;
    if (!state_.data_bank->find(access, addr & ~(kCacheBlockBytes - 1), kCacheBlockBytes, host)) return false;
    if (op == CboOp::kZero) std::memset(host, 0, kCacheBlockBytes);
    return true;
  }

  void branch(u64 condition, const Insn&) { taken_ = condition != 0; }
  void jump(i64) {}  // the block's exit knows
  void jump_indirect(u64 target) { target_ = target; }
  bool taken() const { return taken_; }
  u64 target() const { return target_; }

  bool csr_access(u16, CsrOp, u64, bool, bool, u64&) { return false; }
  bool ecall() { return false; }
  bool ebreak() { return false; }
  bool mret() { return false; }
  bool sret() { return false; }
  bool wfi() { return false; }
  bool sfence_vma(u64, u64, bool, bool) { return false; }
  bool sfence_inval() { return false; }
  void fence() {}
  void fence_i() {}
  bool illegal(const Insn&) { return false; }

  /// The slow path has marked FS dirty by the first such instruction.
  bool require_fp(const Insn&) { return state_.fp.fs_dirty != 0; }
  template <FpOp Operation, FpFmt Format>
  bool fp(const Insn& i, u64 a, u64 b, u64 c, u64& out) {
    return fp::host<Operation, Format>(state_.fp, i.rm, a, b, c, out);
  }

 private:
  HartState& state_;
  const Cell& cell_;
  u64 block_pc_;
  u64 target_ = 0;
  bool taken_ = false;
};
static_assert(SemContext<FastContext>);

}  // namespace quire
