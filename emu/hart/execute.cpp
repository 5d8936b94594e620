#include "emu/hart/execute.h"

#include <cstring>

#include "emu/base/assert.h"
#include "emu/hart/context.h"
#include "emu/hart/insn_log.h"
#include "emu/hart/observer.h"
#include "emu/isa/sem/sem.h"

namespace quire {

static_assert(SemContext<HartContext>);

namespace {

template <Op O>
bool run_body(HartContext& context, const Insn& insn) {
  if constexpr (kCanTrap<O, HartContext>) {
    return sem<O>(context, insn);
  } else {
    sem<O>(context, insn);
    return true;
  }
}

/// Into its one caller: with all the bodies in it, compilers would keep it apart.
[[gnu::always_inline]] inline bool dispatch(HartContext& context, const Insn& insn) {
  switch (insn.op) {
    case Op::illegal:
      return run_body<Op::illegal>(context, insn);
#define QUIRE_INSN(name, pattern, format, group, flags) \
  case Op::name:                                        \
    return run_body<Op::name>(context, insn);
#include "emu/isa/isa.inc"
    case Op::kCount:
      break;
  }
  QUIRE_UNREACHABLE();
}

u32 read_bits(const Ram& ram, PhysAddr address, unsigned size) {
  u32 value = 0;
  std::memcpy(&value, ram.host(address), size);
  return value;
}

}  // namespace

Flow execute(Hart& hart, const Insn& insn) {
  HartState& state = hart.state();
  const u64 device_accesses = hart.mmu().bus().device_accesses();
  const u64 old_rd = state.x[insn.rd];
  HartContext context(hart, insn);
  if (HartObserver* observer = hart.observer()) observer->on_begin(insn);
  if (!dispatch(context, insn)) {
    hart.take_exception(context.trap());
    return Flow::kAnywhere;
  }
  // Only jumps get there, and only without the C extension; the jump itself traps and writes no link (2.5).
  if ((context.next() & (hart.isa().alignment_bytes() - 1)) != 0) [[unlikely]] {
    if (has_flag(insn.op, kWritesX)) state.x[insn.rd] = old_rd;
    hart.take_exception({Exception::kInsnMisaligned, context.next()});
    return Flow::kAnywhere;
  }
  const bool in_sequence = context.next() == state.pc + insn.length;
  state.pc = context.next();
  ++state.icount;
  if (HartObserver* observer = hart.observer()) observer->on_end(insn);
  // A device that was accessed may have raised an interrupt; a watcher of RAM may have asked for an exit.
  const bool plain = in_sequence && !ends_block(insn.op) &&
                     hart.mmu().bus().device_accesses() == device_accesses && !hart.exit_requested();
  return plain ? Flow::kNext : Flow::kAnywhere;
}

namespace {

constexpr u64 kParcelBytes = 2;

/// Where the PMP does not allow the held page as a whole: the 16 bits at pc. A longer instruction is fetched
/// in two parts, each checked by itself (3.7.1.3 leaves that to the implementation).
MaybeTrap check_parcel(const Hart& hart, u64 pc) {
  const HartState& state = hart.state();
  const PhysAddr place(state.fetch_frame | (pc & (kPageBytes - 1)));
  if (hart.mmu().may_fetch(hart.fetch_mode(), place, kParcelBytes)) return {};
  return Trap{Exception::kInsnAccessFault, pc};
}

}  // namespace

MaybeTrap enter_fetch_page(Hart& hart, u64 pc) {
  HartState& state = hart.state();
  const u64 page = align_down(pc, kPageBytes);
  if (state.fetch_page == page) {
    if (state.fetch_partial != 0) [[unlikely]]
      return check_parcel(hart, pc);
    return {};
  }
  PhysAddr frame;
  // The page, not pc, is translated; tval is the caller's to say.
  if (const MaybeTrap trap =
          hart.mmu().translate(hart.fetch_mode(), VirtAddr(page), Access::kExecute, frame)) {
    hart.drop_fetch_page();
    return Trap{trap->cause, pc};
  }
  // Instructions are fetched from RAM alone.
  if (!hart.mmu().bus().ram().contains(frame, kPageBytes)) {
    hart.drop_fetch_page();
    return Trap{Exception::kInsnAccessFault, pc};
  }
  state.fetch_page = page;
  state.fetch_frame = frame.value;
  state.fetch_blocks = nullptr;
  state.fetch_partial = hart.mmu().may_fetch_page(hart.fetch_mode(), frame) ? 0 : 1;
  if (state.fetch_partial != 0) [[unlikely]]
    return check_parcel(hart, pc);
  return {};
}

std::optional<Insn> fetch(Hart& hart) {
  HartState& state = hart.state();
  const Ram& ram = hart.mmu().bus().ram();
  const u64 pc = state.pc;
  const auto parcel = [&](u64 at) {
    return read_bits(ram, PhysAddr(state.fetch_frame | (at & (kPageBytes - 1))), 2);
  };
  if (const MaybeTrap trap = enter_fetch_page(hart, pc)) {
    hart.take_exception(*trap);
    return {};
  }
  if (InsnLog* log = hart.insn_log()) [[unlikely]]
    log->one(state.icount, pc);
  const u32 low = parcel(pc);
  if (insn_length(static_cast<u16>(low)) == 2) return hart.isa().decode(low);
  // The second half may be on the next page, which becomes the held one; its fault has its address as tval
  // (12.1.9).
  if (const MaybeTrap trap = enter_fetch_page(hart, pc + kParcelBytes)) {
    hart.take_exception(*trap);
    return {};
  }
  return hart.isa().decode(low | parcel(pc + kParcelBytes) << 16);
}

}  // namespace quire
