// LoggedContext: the fast path with a log of the accesses that it makes.
//
// Invariant: what it logs is what the complete execution (emu/hart/context.h) would, so that a log does not
// show which of the two did an instruction. An instruction that is declined has logged nothing.
#pragma once

#include "emu/interp/engine.h"
#include "emu/interp/fast_context.h"

namespace quire {

class LoggedContext : public FastContext {
 public:
  LoggedContext(HartState& state, const Cell& cell, u64 block_pc)
      : FastContext(state, cell, block_pc), engine_(*static_cast<Engine*>(state.engine)), cell_(cell) {}

  template <unsigned Bytes>
  bool load(u64 addr, u64& out) {
    if (!FastContext::load<Bytes>(addr, out)) return false;
    log(Access::kRead, addr, Bytes, out);
    return true;
  }
  template <unsigned Bytes>
  bool store(u64 addr, u64 value) {
    if (!FastContext::store<Bytes>(addr, value)) return false;
    log(Access::kWrite, addr, Bytes, value);
    return true;
  }
  template <unsigned Bytes>
  bool lr(u64 addr, u64& out) {
    if (!FastContext::lr<Bytes>(addr, out)) return false;
    log(Access::kRead, addr, Bytes, out);
    return true;
  }
  template <unsigned Bytes>
  bool sc(u64 addr, u64 value, u64& failed) {
    if (!FastContext::sc<Bytes>(addr, value, failed)) return false;
    if (failed == 0) log(Access::kWrite, addr, Bytes, value);
    return true;
  }
  template <unsigned Bytes>
  bool amo(AmoOp op, u64 addr, u64 operand, u64& old) {
    if (!FastContext::amo<Bytes>(op, addr, operand, old)) return false;
    log(Access::kRead, addr, Bytes, old);
    log(Access::kWrite, addr, Bytes, amo_result(op, old, operand, Bytes * 8));
    return true;
  }
  template <unsigned Bytes>
  bool cas(u64 addr, u64 expected, u64 desired, u64& old) {
    if (!FastContext::cas<Bytes>(addr, expected, desired, old)) return false;
    log(Access::kRead, addr, Bytes, old);
    if (old == zext(expected, Bytes * 8)) log(Access::kWrite, addr, Bytes, desired);
    return true;
  }
  bool cas_pair(u64 addr, Pair<LoggedContext> expected, Pair<LoggedContext> desired,
                Pair<LoggedContext>& old) {
    Pair<FastContext> found{};
    if (!FastContext::cas_pair(addr, {expected.low, expected.high}, {desired.low, desired.high}, found)) {
      return false;
    }
    old = {found.low, found.high};
    log(Access::kRead, addr, 8, old.low);
    log(Access::kRead, addr + 8, 8, old.high);
    if (old.low == expected.low && old.high == expected.high) {
      log(Access::kWrite, addr, 8, desired.low);
      log(Access::kWrite, addr + 8, 8, desired.high);
    }
    return true;
  }
  bool cbo(CboOp op, u64 addr, const Insn& i) {
    if (!FastContext::cbo(op, addr, i)) return false;
    if (op != CboOp::kZero) return true;
    const u64 block = addr & ~(kCacheBlockBytes - 1);
    for (u64 offset = 0; offset < kCacheBlockBytes; offset += 8) log(Access::kWrite, block + offset, 8, 0);
    return true;
  }

 private:
  [[gnu::always_inline]] void log(Access access, u64 addr, unsigned size, u64 value) {
    const u64 icount = engine_.logged_icount + static_cast<u64>(&cell_ - engine_.logged_cells);
    engine_.access_log->add(icount, pc(), access, addr, size, value);
  }

  Engine& engine_;
  const Cell& cell_;
};
static_assert(SemContext<LoggedContext>);

}  // namespace quire
