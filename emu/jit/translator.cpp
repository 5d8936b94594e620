#include "emu/jit/translator.h"

#include <asmjit/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <utility>

#include "emu/block/breakpoints.h"
#include "emu/hart/execute.h"
#include "emu/jit/runtime.h"
#include "emu/jit/time_shares.h"
#include "emu/jit/translation_cache.h"
#include "quire/error.h"

namespace quire::jit {
namespace {

/// How long translated code runs before requests of other threads are looked for, in instructions.
constexpr u64 kSlice = 1 << 18;
/// How long a hot block is watched before it is made anew.
constexpr u64 kWatched = 256;

constexpr CallKind kind_of(const OpInfo& info) {
  if (info.format == Format::Csr || info.format == Format::CsrImm) return CallKind::kCsr;
  if ((info.flags & kSystem) != 0) return CallKind::kSystem;
  if (info.group == Group::A || info.group == Group::Zacas) return CallKind::kAtomic;
  if ((info.flags & kLoad) != 0) return CallKind::kLoad;
  if ((info.flags & kStore) != 0) return CallKind::kStore;
  if ((info.flags & (kReadsF | kWritesF)) != 0) return CallKind::kFloat;
  return CallKind::kOther;
}
constexpr auto kKindOfOp = [] {
  std::array<CallKind, kOpCount> kinds{};
  for (unsigned op = 0; op < kOpCount; ++op) kinds[op] = kind_of(kOpInfo[op]);
  return kinds;
}();
constexpr CallKind call_kind(Op op) { return kKindOfOp[static_cast<unsigned>(op)]; }

}  // namespace

class Translator::Impl : private Runtime {
 public:
  Impl(Hart& hart, const TranslatorSettings& settings);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  RunExit run(u64 until_icount) {
    return times_.run([&] { return run_timed(until_icount); });
  }
  EngineStats stats() const {
    EngineStats result = std::as_const(cache_).stats();
    times_.put_into(result);
    return result;
  }
  void set_breakpoints(std::vector<u64> pcs, std::vector<PcRange> ranges) {
    breakpoints_.set(std::move(pcs), std::move(ranges));
    breakpoints_changed_ = true;
  }
  Breakpoints& breakpoints() { return breakpoints_; }

 private:
  static Impl& of(HartState* state) { return *static_cast<Impl*>(static_cast<Runtime*>(state->engine)); }
  static const Callees& callees();
  template <class Body>
  const void* guarded(Body&& body);

  RunExit run_timed(u64 until_icount);
  void take_over();
  enum class SliceEnd : u8 {
    kExact,
    kAtBlock,  ///< before a block that would run past it; a loop then goes on where it starts
  };
  void run_slice(u64 end_icount, SliceEnd end);
  void watch_hot_page(PhysAddr frame);
  void run_translated();
  const void* go_on();
  const void* code_at(u64 pc);
  const void* translate_across(TranslatedPage& page);
  void interpret_block();
  void flush();
  void set_exact(u64 pc, i64 left);
  bool stops_here();
  bool must_stop() const {
    return hart_.exit_requested() || state_.waiting != 0 || hart_.interrupt_pending();
  }
  /// For an observer of the walk, while the page is held that was looked up: a second look would be another
  /// walk where an instruction straddles two.
  bool must_stop_before_insn() const {
    return hart_.exit_requested() && state_.fetch_page == align_down(state_.pc, kPageBytes);
  }
  MaybeTrap hold_page(u64 pc);
  enum class LookedUp : u8 { kBefore, kNow };
  void find_blocks(LookedUp looked_up);
  bool hold_known_page(u64 pc);

  const void* call(const CallSite& site, i64 insns_left);
  bool goes_on_behind(const CallSite& site) const;
  const void* link(const Link& made, i64 insns_left);
  const void* too_long(u16 page_offset);

  Hart& hart_;
  HartState& state_;
  const unsigned threshold_;
  TranslationCache cache_;
  TimeShares times_;
  pid_t process_ = getpid();          // whose the code memory is
  u64 end_icount_ = 0;                // where `left` is 0
  bool block_too_long_ = false;       // left translated code as the next block would run past the end
  std::optional<PhysAddr> hot_page_;  // of a block that was found to be hot just now
  Breakpoints breakpoints_;
  bool breakpoints_changed_ = false;
  bool at_breakpoint_ = false;
  std::exception_ptr thrown_;  // by what was called from translated code, which cannot be unwound
};

Translator::Impl::Impl(Hart& hart, const TranslatorSettings& settings)
    : hart_(hart),
      state_(hart.state()),
      threshold_(std::min(settings.threshold, 254U)),
      cache_(hart.mmu().bus().ram(), hart.mmu().fast(), hart.isa(), callees(), settings.code_bytes,
             settings.perf_map, settings.hot, settings.switches) {
  cache_.set_observer(hart.engine_observer());
}

Translator::Impl::~Impl() {
  // What points to the code goes with it.
  state_.engine = nullptr;
  state_.fetch_blocks = nullptr;
  hart_.mmu().fast().clear();
}

/// What fetches lead to may be another engine's, and the code memory another process's.
void Translator::Impl::take_over() {
  Runtime* const mine = this;
  if (const pid_t process = getpid(); process != process_) {
    cache_.renew();
    process_ = process;
    state_.engine = nullptr;
  }
  if (state_.engine == mine) return;
  state_.engine = mine;
  state_.fetch_blocks = nullptr;
  hart_.mmu().fast().clear();
}

RunExit Translator::Impl::run_timed(u64 until_icount) {
  take_over();
  if (std::exchange(breakpoints_changed_, false)) {
    cache_.set_stops(breakpoints_.offsets());
    hart_.mmu().fast().clear();  // entries that lead past the question
  }
  const fp::HostGuard guard(state_.fp);
  while (true) {
    if (hart_.exit_requested()) {
      hart_.clear_exit_request();
      return RunExit::kRequest;
    }
    if (state_.icount >= until_icount) return RunExit::kCount;
    if (hart_.waiting()) return RunExit::kWfi;
    state_.waiting = 0;
    if (hart_.take_pending_interrupt() && hart_.exit_requested()) continue;  // an observer's
    const bool may_watch = until_icount - state_.icount > kSlice + kWatched;
    may_watch ? run_slice(state_.icount + kSlice, SliceEnd::kAtBlock)
              : run_slice(until_icount, SliceEnd::kExact);
    const auto page = std::exchange(hot_page_, std::nullopt);
    if (page && may_watch && !at_breakpoint_) watch_hot_page(*page);
    if (std::exchange(at_breakpoint_, false)) return RunExit::kBreakpoint;
  }
}

void Translator::Impl::run_slice(u64 end_icount, SliceEnd end) {
  end_icount_ = end_icount;
  block_too_long_ = false;
  if (!hart_.observes_every_insn()) {
    run_translated();
    if (!block_too_long_ || end == SliceEnd::kAtBlock) return;
  }
  // One by one: the rest of the slice, less than a block, or all of it for an observer.
  while (state_.icount < end_icount && !stops_here()) {
    const auto insn = fetch(hart_);
    if (must_stop_before_insn()) return;
    if (insn && execute(hart_, *insn) == Flow::kNext) continue;
    if (must_stop()) return;
  }
}

/// What hot code does next says which way its branches go. An interrupt or a stop ends the watching early.
void Translator::Impl::watch_hot_page(PhysAddr frame) {
  BranchProfile profile;
  const u64 end = state_.icount + kWatched;
  while (state_.icount < end && !must_stop() && !stops_here()) {
    const u64 pc = state_.pc;
    const auto insn = fetch(hart_);
    if (must_stop_before_insn()) return;
    if (!insn) continue;
    const bool counts = has_flag(insn->op, kBranch) && state_.fetch_frame == frame.value;
    execute(hart_, *insn);
    if (counts) profile.note(static_cast<u16>(pc & (kPageBytes - 1)), state_.pc != pc + insn->length);
  }
  cache_.add_profile(frame, profile);
}

void Translator::Impl::run_translated() {
  const void* code = go_on();
  if (code == cache_.stubs().leave) return;
  times_.inside([&] { cache_.stubs().enter(&state_, code); });
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
}

bool Translator::Impl::stops_here() {
  if (!breakpoints_.any() || !breakpoints_.hit(state_.pc, state_.icount)) return false;
  at_breakpoint_ = true;
  return true;
}

/// Makes the held page that of `pc` and finds its code, unless the PMP must be asked for each instruction.
MaybeTrap Translator::Impl::hold_page(u64 pc) {
  const bool held = state_.fetch_page == align_down(pc, kPageBytes);
  if (!held && hold_known_page(pc)) return {};
  if (const MaybeTrap trap = enter_fetch_page(hart_, pc)) return trap;
  find_blocks(held ? LookedUp::kBefore : LookedUp::kNow);
  return {};
}

/// Of the held page. A page that was held already may have left the TLB since, and must then be walked for
/// anew when left.
void Translator::Impl::find_blocks(LookedUp looked_up) {
  if (state_.fetch_partial != 0 || state_.fetch_blocks != nullptr) return;
  if (cache_.full()) flush();  // pages take room also when nothing on them is ever hot
  TranslatedPage& page = cache_.page(PhysAddr(state_.fetch_frame));
  state_.fetch_blocks = &page;
  const bool must_count = hart_.fetch_mode().translates() && hart_.mmu().sees_every_access();
  // A breakpoint is asked for before its page is looked up.
  const bool may_stop = breakpoints_.any() && breakpoints_.in_page(state_.fetch_page);
  if (looked_up == LookedUp::kNow && !must_count && !may_stop) {
    hart_.fill_fetch(reinterpret_cast<u64>(&page));
  }
}

/// As translated code does where it goes to another page.
bool Translator::Impl::hold_known_page(u64 pc) {
  const u64 page = align_down(pc, kPageBytes);
  const FastEntry& entry = state_.fetch_bank->slot(Access::kExecute, pc);
  if (entry.tag != page) return false;
  TranslatedPage& known = *reinterpret_cast<TranslatedPage*>(entry.payload);
  state_.fetch_page = page;
  state_.fetch_frame = known.frame;
  state_.fetch_blocks = &known;
  state_.fetch_partial = 0;
  return true;
}

/// Where to go on from the state as it is: code, or the way out.
const void* Translator::Impl::go_on() {
  while (true) {
    if (must_stop()) break;
    // The next instruction is not due yet, and neither is the look at its page.
    if (state_.icount >= end_icount_ || stops_here()) break;
    if (const MaybeTrap trap = hold_page(state_.pc)) {
      hart_.take_exception(*trap);
      continue;
    }
    if (hart_.exit_requested()) break;  // by an observer of the walk
    if (state_.fetch_partial == 0) {
      if (const void* code = code_at(state_.pc)) {
        left = static_cast<i64>(end_icount_ - state_.icount);
        return code;
      }
    }
    interpret_block();
  }
  return cache_.stubs().leave;
}

/// The code at `pc`, whose page is held; made now, where execution has come by often enough. Null: none.
const void* Translator::Impl::code_at(u64 pc) {
  TranslatedPage* page = static_cast<TranslatedPage*>(state_.fetch_blocks);
  const u16 offset = static_cast<u16>(pc & (kPageBytes - 1));
  const void* const known = page->code[offset / 2];
  if (known != cache_.stubs().cold) return known;
  u8& heat = page->heat[offset / 2];
  if (heat < threshold_) {
    ++heat;
    return nullptr;
  }
  if (cache_.full()) {
    flush();
    page = &cache_.page(PhysAddr(state_.fetch_frame));
    state_.fetch_blocks = page;
  }
  const void* made = times_.translate([&] { return cache_.translate(*page, offset); });
  if (made == nullptr && offset == kPageBytes - 2) made = translate_across(*page);
  if (made == nullptr) page->heat[offset / 2] = 0;  // what stands there may change
  return made;
}

/// Of the page behind, what translated code would find.
const void* Translator::Impl::translate_across(TranslatedPage& page) {
  const u64 behind = state_.fetch_page + kPageBytes;
  const FastEntry& entry = state_.fetch_bank->slot(Access::kExecute, behind);
  if (entry.tag != behind) return nullptr;
  return cache_.translate_across(page, *reinterpret_cast<TranslatedPage*>(entry.payload));
}

/// One by one, to the end of the block, or of the page (the last instruction may straddle two).
void Translator::Impl::interpret_block() {
  do {
    const u64 page = state_.fetch_page;
    const auto insn = fetch(hart_);
    if (!insn || must_stop_before_insn()) return;
    const bool straddles = state_.fetch_page != page;
    const bool may_begin_behind = cache_.may_stop_at(state_.pc);  // a block, which none does here
    if (straddles) find_blocks(LookedUp::kNow);
    ++cache_.stats().cold_insns;
    if (execute(hart_, *insn) != Flow::kNext || straddles || may_begin_behind) return;
  } while (state_.icount < end_icount_ && state_.fetch_blocks != nullptr && !cache_.may_stop_at(state_.pc));
}

void Translator::Impl::flush() {
  cache_.flush();
  forget_returns();
}

// --- called from translated code ---

/// Translated code has no tables to unwind it by: what was thrown waits until it is left.
template <class Body>
const void* Translator::Impl::guarded(Body&& body) {
  try {
    return times_.outside(std::forward<Body>(body));
  } catch (...) {
    thrown_ = std::current_exception();
    return cache_.stubs().leave;
  }
}

void Translator::Impl::set_exact(u64 pc, i64 insns_left) {
  state_.pc = pc;
  state_.icount = end_icount_ - static_cast<u64>(insns_left);
  state_.fetch_frame = static_cast<const TranslatedPage*>(state_.fetch_blocks)->frame;
}

const void* Translator::Impl::call(const CallSite& site, i64 insns_left) {
  ++cache_.stats().calls;
  ++cache_.stats().calls_by[static_cast<usize>(call_kind(site.insn.op))];
  set_exact(state_.fetch_page + site.page_offset, insns_left + site.not_run);
  const u64 generation = site.page->generation;
  const Flow flow = execute(hart_, site.insn);
  // The instruction may have been the last of the old code, and an observer may have changed anything.
  if (site.window != nullptr && site.window->patience < 0) cache_.judge_windows(*site.page, *site.windows);
  const bool code_stands = site.page->generation == generation && hart_.observer() == nullptr;
  const bool goes_on = site.returns && code_stands && (flow == Flow::kNext || goes_on_behind(site));
  return goes_on ? nullptr : go_on();
}

/// After a CSR, or an access to a device, that might have led elsewhere.
bool Translator::Impl::goes_on_behind(const CallSite& site) const {
  const u64 behind = state_.fetch_page + site.page_offset + site.insn.length;
  return state_.fetch_blocks == site.page && state_.pc == behind && !hart_.exit_requested() &&
         state_.waiting == 0 && !hart_.interrupt_pending();
}

const void* Translator::Impl::link(const Link& made, i64 insns_left) {
  ++cache_.stats().cold_jumps;
  const u64 flushes = cache_.stats().flushes;
  TranslatedPage& page = *made.page;
  set_exact(state_.fetch_page + made.page_offset, insns_left);
  const void* const code = go_on();
  if (cache_.stats().flushes == flushes && page.code[made.page_offset / 2] != cache_.stubs().cold) {
    cache_.make_link(made, page.code[made.page_offset / 2]);
  }
  return code;
}

const void* Translator::Impl::too_long(u16 page_offset) {
  ++cache_.stats().too_long;
  block_too_long_ = true;
  TranslatedPage& page = *static_cast<TranslatedPage*>(state_.fetch_blocks);
  if (cache_.sample(page, page_offset) == TranslationCache::Warmth::kHot) hot_page_ = PhysAddr(page.frame);
  return cache_.stubs().leave;
}

const Callees& Translator::Impl::callees() {
  static constexpr Callees table{
      .call =
          [](HartState* state, const CallSite* site, i64 insns_left) {
            return of(state).guarded([&] { return of(state).call(*site, insns_left); });
          },
      .link =
          [](HartState* state, const Link* made, i64 insns_left) {
            return of(state).guarded([&] { return of(state).link(*made, insns_left); });
          },
      .cold =
          [](HartState* state, u64 page_offset, i64 insns_left) {
            ++of(state).cache_.stats().cold_jumps;
            of(state).set_exact(state->fetch_page + page_offset, insns_left);
            return of(state).guarded([&] { return of(state).go_on(); });
          },
      .miss =
          [](HartState* state, u64 pc, i64 insns_left) {
            ++of(state).cache_.stats().misses;
            of(state).set_exact(pc, insns_left);
            // Behind a trap or xRET no page is held; which it was, set_exact() had to know.
            if (state->fetch_page == FastTlb::kNoPage) state->fetch_blocks = nullptr;
            return of(state).guarded([&] { return of(state).go_on(); });
          },
      .too_long =
          [](HartState* state, u64 page_offset, i64 insns_left) {
            of(state).set_exact(state->fetch_page + page_offset, insns_left);
            return of(state).guarded([&] { return of(state).too_long(static_cast<u16>(page_offset)); });
          },
      .apart =
          [](HartState* state, u64 page_offset, i64 insns_left) {
            of(state).set_exact(state->fetch_page + page_offset, insns_left);
            return of(state).guarded([&] {
              of(state).interpret_block();
              return of(state).go_on();
            });
          }};
  return table;
}

// --- the public class ---

std::string translator_problem() {
  const asmjit::CpuFeatures::X86& cpu = asmjit::CpuInfo::host().features().x86();
  struct Needed {
    bool present;
    const char* name;
  };
  for (const Needed& one :
       {Needed{cpu.hasAVX(), "AVX"}, Needed{cpu.hasBMI(), "BMI1"}, Needed{cpu.hasBMI2(), "BMI2"},
        Needed{cpu.hasLZCNT(), "LZCNT"}, Needed{cpu.hasPOPCNT(), "POPCNT"}, Needed{cpu.hasFMA(), "FMA"},
        Needed{cpu.hasPCLMULQDQ(), "PCLMULQDQ"}}) {
    if (!one.present) {
      return std::string("the translator needs a processor with ") + one.name +
             ", which this one has not; use the engine 'interp'";
    }
  }
  return {};
}

Translator::Translator(Hart& hart, const TranslatorSettings& settings) {
  if (const std::string problem = translator_problem(); !problem.empty()) {
    throw Error(ErrorKind::kInternal, problem);
  }
  impl_ = std::make_unique<Impl>(hart, settings);
}
Translator::~Translator() = default;
RunExit Translator::run(u64 until_icount) { return impl_->run(until_icount); }
void Translator::set_breakpoints(std::vector<u64> pcs, std::vector<PcRange> ranges) {
  impl_->set_breakpoints(std::move(pcs), std::move(ranges));
}
void Translator::forget_passed_breakpoint() { impl_->breakpoints().forget_passed(); }
PassedBreakpoint Translator::passed_breakpoint() const { return impl_->breakpoints().passed(); }
void Translator::set_passed_breakpoint(const PassedBreakpoint& passed) {
  impl_->breakpoints().set_passed(passed);
}
EngineStats Translator::stats() const { return impl_->stats(); }

}  // namespace quire::jit
