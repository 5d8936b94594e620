// The interpreter's threaded code: one handler an instruction, each jumping to the next.
//
// A handler does the instruction on the fast path or, having changed nothing, leaves it to run_slowly(). pc
// and the count live in argument registers; a block's instructions are counted when it is entered, and
// run_slowly() takes back those that have not run.

#include <cstring>

#include "emu/hart/execute.h"
#include "emu/hart/insn_log.h"
#include "emu/interp/engine.h"
#include "emu/interp/fast_context.h"
#include "emu/interp/logged_context.h"
#include "emu/isa/sem/sem.h"

namespace quire {
namespace {

#define QUIRE_HANDLER [[gnu::hot]] void

Engine& engine_of(HartState* state) { return *static_cast<Engine*>(state->engine); }

#if QUIRE_TAIL_CALLS
#define QUIRE_DISPATCH(state, cell, pc, left) \
  QUIRE_TAIL return reinterpret_cast<Handler>((cell)->handler)(state, cell, pc, left)
#else
#define QUIRE_DISPATCH(state, cell, pc, left) return schedule(state, cell, pc, left)
void schedule(HartState* state, const Cell* cell, u64 pc, i64 left) {
  Engine& engine = engine_of(state);
  engine.next_cell = cell;
  engine.next_pc = pc;
  engine.next_left = left;
}
#endif

/// Back to the run loop, with pc and icount exact.
void leave(HartState* state, u64 pc, i64 left) {
  state->pc = pc;
  state->icount = engine_of(state).end_icount - static_cast<u64>(left);
}

[[gnu::noinline, gnu::cold]] void leave_too_long(HartState* state, const Cell*, u64 pc, i64 left) {
  engine_of(state).block_too_long = true;
  leave(state, pc, left);
}

/// Counts a block and goes there.
#define QUIRE_START(state, first_cell, block_count, pc, left)                                 \
  do {                                                                                        \
    const i64 start_left = (left) - static_cast<i64>(block_count);                            \
    if (__builtin_expect(start_left < 0, 0)) return leave_too_long(state, nullptr, pc, left); \
    QUIRE_DISPATCH(state, first_cell, pc, start_left);                                        \
  } while (false)

/// Makes the held page that of `pc` and finds its blocks, unless the PMP must be asked for each instruction.
MaybeTrap hold_page(Engine& engine, u64 pc) {
  Hart& hart = engine.hart;
  HartState& state = hart.state();
  const bool held = state.fetch_page == align_down(pc, kPageBytes);
  if (const MaybeTrap trap = enter_fetch_page(hart, pc)) return trap;
  if (state.fetch_partial != 0) [[unlikely]]
    return {};
  CodePage& page = engine.blocks.page(PhysAddr(state.fetch_frame));
  state.fetch_blocks = &page;
  // A page that was held already may have left the TLB since, and must then be walked for anew when left.
  const bool must_count = hart.fetch_mode().translates() && hart.mmu().sees_every_access();
  // A breakpoint is asked for before its page is looked up.
  const bool may_stop = engine.breakpoints.any() && engine.breakpoints.in_page(state.fetch_page);
  if (!held && !must_count && !may_stop) {
    hart.fill_fetch(reinterpret_cast<u64>(&page));
  }
  return {};
}

/// The instruction that the page at `first` ends and the one at `second` begins with.
u32 straddling_bits(const HartState& state, PhysAddr first, PhysAddr second) {
  u16 low;
  u16 high;
  std::memcpy(&low, reinterpret_cast<const u8*>(first.value + kPageBytes - 2 - state.ram_delta), 2);
  std::memcpy(&high, reinterpret_cast<const u8*>(second.value - state.ram_delta), 2);
  return low | u32{high} << 16;
}

/// The instruction at state.pc, whose first half ends the held page; the second half's page is held
/// afterwards.
void run_straddling(Engine& engine) {
  HartState& state = engine.hart.state();
  CodePage& first = *static_cast<CodePage*>(state.fetch_blocks);
  if (const MaybeTrap trap = hold_page(engine, state.pc + 2)) return engine.hart.take_exception(*trap);
  const u32 raw = straddling_bits(state, first.frame, PhysAddr(state.fetch_frame));
  const Insn insn = engine.hart.isa().decode(raw);
  const Block* known = first.find(state.pc);
  if (known == nullptr || known->insns[0] != insn) engine.blocks.set_straddling(first, insn);
  if (InsnLog* log = engine.hart.insn_log()) log->one(state.icount, state.pc);
  execute(engine.hart, insn);
}

/// The instruction at state.pc, on a page of which the PMP may allow a part.
void run_one(Engine& engine) {
  if (const auto insn = fetch(engine.hart)) execute(engine.hart, *insn);
}

/// Enters the block at `pc` where the engine does not know it yet; fetches that trap or straddle end here.
[[gnu::noinline, gnu::cold]] void enter_slowly(HartState* state, const Cell*, u64 pc, i64 left) {
  Engine& engine = engine_of(state);
  leave(state, pc, left);
  // The next instruction is not due yet, and neither is the look at its page.
  if (left <= 0 || engine.blocks.full() || engine.stops_here()) return;
  if (const MaybeTrap trap = hold_page(engine, pc)) return engine.hart.take_exception(*trap);
  if (engine.hart.exit_requested()) return;  // by an observer of the walk
  if (state->fetch_partial != 0) return run_one(engine);
  CodePage& page = *static_cast<CodePage*>(state->fetch_blocks);
  const Block* block = engine.blocks.find_or_build(page, pc & (kPageBytes - 1));
  if (block == nullptr) return run_straddling(engine);
  QUIRE_START(state, block->entry, block->count, pc, left);
}

void hold(HartState* state, u64 page_address, const CodePage* page) {
  state->fetch_page = page_address;
  state->fetch_frame = page->frame.value;
  state->fetch_blocks = const_cast<CodePage*>(page);
  state->fetch_partial = 0;  // a fast entry stands for a page that is allowed as a whole
}

/// Goes to `pc`, wherever that is. The held page stays or is found again without side effects.
[[gnu::always_inline]] inline void enter(HartState* state, const Cell* cell, u64 pc, i64 left) {
  const u64 page_address = pc & ~(kPageBytes - 1);
  const CodePage* page = static_cast<const CodePage*>(state->fetch_blocks);
  if (state->fetch_page != page_address || page == nullptr) {
    const FastEntry& entry = state->fetch_bank->slot(Access::kExecute, pc);
    if (__builtin_expect(entry.tag != page_address, 0)) QUIRE_TAIL return enter_slowly(state, cell, pc, left);
    // Not before it is due: a held page is architectural.
    if (__builtin_expect(left == 0, 0)) QUIRE_TAIL return enter_slowly(state, cell, pc, left);
    page = reinterpret_cast<const CodePage*>(entry.payload);
    hold(state, page_address, page);
  }
  const Block* block = page->find(pc);
  if (__builtin_expect(block == nullptr, 0)) QUIRE_TAIL return enter_slowly(state, cell, pc, left);
  QUIRE_START(state, block->entry, block->count, pc, left);
}

/// A straddling instruction whose second page is unknown or whose bits have changed.
[[gnu::noinline, gnu::cold]] void straddle_slowly(HartState* state, const Cell*, u64 pc, i64 left) {
  leave(state, pc, left + 1);
  run_straddling(engine_of(state));
}

/// Before the instruction itself, which is in the next cell.
QUIRE_HANDLER straddle(HartState* state, const Cell* cell, u64 pc, i64 left) {
  const u64 second_page = pc + 2;
  const FastEntry& entry = state->fetch_bank->slot(Access::kExecute, second_page);
  const CodePage* first = static_cast<const CodePage*>(state->fetch_blocks);
  const CodePage* second = reinterpret_cast<const CodePage*>(entry.payload);
  if (entry.tag != second_page ||
      straddling_bits(*state, first->frame, second->frame) != static_cast<u32>(cell->imm)) {
    QUIRE_TAIL return straddle_slowly(state, cell, pc, left);
  }
  hold(state, second_page, second);
  QUIRE_DISPATCH(state, cell + 1, pc, left);
}

/// Whatever the fast path does not do.
[[gnu::noinline]] void run_slowly(HartState* state, const Cell* cell, u64 pc, i64 left) {
  Engine& engine = engine_of(state);
  if (state->fetch_page != align_down(pc, kPageBytes)) [[unlikely]] {
    // It straddles two pages, its bits are in the cell before, and the second page is held.
    leave(state, pc, left + 1);
    execute(engine.hart, engine.hart.isa().decode(static_cast<u32>((cell - 1)->imm)));
    return;
  }
  const CodePage* page = static_cast<const CodePage*>(state->fetch_blocks);
  const Block* block = page->find(pc);
  const i64 index = cell - block->cells;
  left += block->count - index;
  leave(state, pc + (cell->place & 0xfe), left);
  const Flow flow = execute(engine.hart, block->insns[index]);
  // A store may have dropped this very block.
  if (flow == Flow::kNext && page->find(pc) == block) {
    left -= block->count - index;
    QUIRE_DISPATCH(state, cell + 1, pc, left);
  }
  if (engine.hart.exit_requested() || state->waiting != 0 || engine.hart.interrupt_pending()) return;
  QUIRE_TAIL return enter(state, cell, state->pc, left - 1);
}

template <Op O, class Context>
QUIRE_HANDLER run_op(HartState* state, const Cell* cell, u64 pc, i64 left) {
  Context context(*state, *cell, pc);
  const Insn insn = expand<O>(*cell);
  if constexpr (kCanTrap<O, Context>) {
    if (__builtin_expect(!sem<O>(context, insn), 0)) QUIRE_TAIL return run_slowly(state, cell, pc, left);
  } else {
    sem<O>(context, insn);
  }
  if constexpr (O == Op::jalr) {
    QUIRE_TAIL return enter(state, cell, context.target(), left);
  } else if constexpr (O == Op::jal) {
    const Exit* exit = reinterpret_cast<const Exit*>(cell + 1);
    pc += static_cast<u64>(i64{exit->pc_delta});
    QUIRE_START(state, exit->target, exit->count, pc, left);
  } else if constexpr (has_flag(O, kBranch)) {
    const Exit* exit = reinterpret_cast<const Exit*>(cell + 1);
    if (!context.taken()) ++exit;
    pc += static_cast<u64>(i64{exit->pc_delta});
    QUIRE_START(state, exit->target, exit->count, pc, left);
  } else {
    QUIRE_DISPATCH(state, cell + 1, pc, left);
  }
}

QUIRE_HANDLER fall_through(HartState* state, const Cell* cell, u64 pc, i64 left) {
  const Exit* exit = reinterpret_cast<const Exit*>(cell + 1);
  pc += static_cast<u64>(i64{exit->pc_delta});
  QUIRE_START(state, exit->target, exit->count, pc, left);
}

/// An exit that has not been taken yet; `cell` is part of it, `pc` that of the target.
[[gnu::noinline, gnu::cold]] void link(HartState* state, const Cell* cell, u64 pc, i64 left) {
  Engine& engine = engine_of(state);
  CodePage& page = *static_cast<CodePage*>(state->fetch_blocks);
  const Block* block = engine.blocks.find_or_build(page, pc & (kPageBytes - 1));
  if (block == nullptr) QUIRE_TAIL return enter_slowly(state, cell, pc, left);
  engine.blocks.link(*Exit::of_cell(cell), *block);
  QUIRE_START(state, block->entry, block->count, pc, left);
}

QUIRE_HANDLER cross_page(HartState* state, const Cell* cell, u64 pc, i64 left) {
  QUIRE_TAIL return enter(state, cell, pc, left);
}

/// Before a block at whose start a stop may be wanted; its instructions are counted already.
[[gnu::noinline, gnu::cold]] void stop(HartState* state, const Cell* cell, u64 pc, i64 left) {
  Engine& engine = engine_of(state);
  leave(state, pc, left + cell->imm);
  if (engine.stops_here()) return;
  QUIRE_DISPATCH(state, cell + 1, pc, left);
}

OpHandler erase(Handler handler) { return reinterpret_cast<OpHandler>(handler); }

/// Before a block of which something is logged; its instructions are counted already.
template <Logging What>
[[gnu::noinline]] void log_block(HartState* state, const Cell* cell, u64 pc, i64 left) {
  Engine& engine = engine_of(state);
  const u64 icount = engine.end_icount - static_cast<u64>(left + cell->imm);
  if constexpr (What != Logging::kAccesses) {
    const Block* block = static_cast<const CodePage*>(state->fetch_blocks)->find(pc);
    engine.hart.insn_log()->block(icount, pc, block->insns, block->count);
  }
  if constexpr (What != Logging::kInsns) {
    engine.logged_icount = icount;
    // Of an instruction that straddles, the check comes first.
    engine.logged_cells = cell[1].handler == erase(straddle) ? cell + 2 : cell + 1;
  }
  QUIRE_DISPATCH(state, cell + 1, pc, left);
}

template <Op O, class Context>
constexpr Handler handler_of() {
  if constexpr (has_flag(O, kSystem)) {
    return run_slowly;
  } else {
    return run_op<O, Context>;
  }
}

/// Of what makes no access there is one handler.
template <Op O>
constexpr Handler logged_handler_of() {
  if constexpr (has_flag(O, kLoad | kStore)) {
    return handler_of<O, LoggedContext>();
  } else {
    return handler_of<O, FastContext>();
  }
}

}  // namespace

const HandlerTable& interpreter_handlers() {
  static const HandlerTable table{
      .op =
          {
              erase(handler_of<Op::illegal, FastContext>()),
#define QUIRE_INSN(name, pattern, format, group, flags) erase(handler_of<Op::name, FastContext>()),
#include "emu/isa/isa.inc"
          },
      .slow = erase(run_slowly),
      .fall_through = erase(fall_through),
      .link = erase(link),
      .cross_page = erase(cross_page),
      .straddle = erase(straddle),
      .stop = erase(stop),
      .log = {nullptr, erase(log_block<Logging::kInsns>), erase(log_block<Logging::kAccesses>),
              erase(log_block<Logging::kBoth>)},
      .op_logged = {
          erase(logged_handler_of<Op::illegal>()),
#define QUIRE_INSN(name, pattern, format, group, flags) erase(logged_handler_of<Op::name>()),
#include "emu/isa/isa.inc"
      }};
  return table;
}

void run_threaded(Engine& engine) {
  HartState* state = &engine.hart.state();
  engine.next_cell = nullptr;
  enter(state, nullptr, state->pc, static_cast<i64>(engine.end_icount - state->icount));
#if !QUIRE_TAIL_CALLS
  while (engine.next_cell != nullptr) {
    const Cell* cell = engine.next_cell;
    engine.next_cell = nullptr;
    reinterpret_cast<Handler>(cell->handler)(state, cell, engine.next_pc, engine.next_left);
  }
#endif
}

}  // namespace quire
