// From IR to x86-64, over AsmJit's assembler.
//
// One walk over the operations, in order. A value is where emu/jit/passes.h lets it be: a constant, a guest
// register's home, or, within its guest instruction, a temporary; an f register's is in an xmm register as
// well while it is needed. Hot code comes first and cold code behind it: calls for what the fast path does
// not do, links that are not made yet. Needs AVX, BMI1, BMI2, LZCNT, POPCNT, FMA and PCLMULQDQ of the host
// (translator_problem()).
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <memory_resource>
#include <optional>
#include <span>
#include <vector>

#include "emu/jit/cold_paths.h"
#include "emu/jit/host_registers.h"
#include "emu/jit/ir.h"
#include "emu/jit/runtime.h"

namespace quire::jit {

/// What the code of a block refers to, and keeps in place.
struct LowerTarget {
  const Stubs& stubs;
  TranslatedPage& page;
  u32 code_offset;  ///< of the block's first byte in the code memory
  std::deque<CallSite>& sites;
  std::deque<Link>& links;
  WindowTable* windows = nullptr;      ///< for accesses of instructions that are not in `plain`; null: none
  const HalfwordSet* plain = nullptr;  ///< offsets in the page
  bool is_hot = false;
  u64 from = 0;  ///< physical address of the block
};

class LowerX86 {
 public:
  LowerX86(const Ir& ir, const LowerTarget& target, x86::Assembler& as);
  /// What runs while all goes well, from the block's start on; and then what it jumps to when not.
  void emit_hot();
  void emit_cold();

 private:
  /// Where a value is held besides a guest register's home.
  struct Held {
    i8 temp = -1;
    i8 slot = -1;
    x86::Gp early{};  ///< the pinned register it was computed in, until SetX makes that its home
    u8 home = 0;      ///< x register; 0: none
    u32 homes = 0;    ///< a bit for each x register that it has been in; x_now_ says if it still is
  };
  struct Temp {
    Ref holds;
    bool locked = false;
  };
  /// An address as base plus displacement.
  struct Address {
    Ref base;
    i32 displacement;
  };

  /// Accesses off one base that are looked up together, as displacements of their first and last bytes. As
  /// long as there are any, rdx is theirs: what is to be added to their addresses.
  struct Neighbours {
    Ref base;
    i32 first = 0;
    i32 last = 0;
    u8 last_guest = 0;  ///< the instruction of the last one
    bool stored = false;
    x86::Gp home{};  ///< of `base`, where they are looked up again

    bool any() const { return !base.is_none(); }
    bool covers(Ref other, i32 from, i32 to, Access access) const {
      return any() && other == base && from >= first && to <= last && (stored || access == Access::kRead);
    }
  };

  struct Loan {
    x86::Gp host;
    u8 owner;  ///< x registers
    u8 borrower;
  };

  /// Where code goes on behind an instruction that was done by a call.
  enum class Behind : u8 {
    kInBlock,
    kElsewhere,  ///< what the block takes for granted does not hold
  };
  /// What an xmm register holds: the value of an f register, which is in HartState as well.
  struct HeldFp {
    Ref value;
    FpFmt format = FpFmt::kDouble;  ///< of a single, the low half alone
    i16 guest = -1;                 ///< the last instruction that needed it
  };
  struct Reload {
    x86::Xmm to;
    u8 from;  ///< f register
    FpFmt format;
  };

  // --- lower_x86.cpp: the walk ---
  void prologue();
  void lower(usize at);
  void begin_insn(u8 guest);
  void note_neighbours();
  const CallSite& add_site(u8 guest, Behind behind, Window* window = nullptr);
  asmjit::Label slow_path(u8 guest, Behind behind = Behind::kInBlock, Window* window = nullptr);
  void know_nothing();
  void find_deferred();
  void defer_boxing(const Node& write);
  void defer_target(const Node& jump);
  void get_x(usize at);
  void set_x(usize at);

  // --- lower_x86_values.cpp: where values are ---
  bool is_deferred(Ref ref) const { return ref.is_value() && deferred_[ref.index()] != 0; }
  const Node& definition(Ref ref) const { return ir_.nodes[ref.index()]; }
  /// As it is: a register, memory or an immediate of 32 bits; others are brought into a temporary.
  asmjit::Operand place(Ref ref);
  asmjit::Operand reg_or_mem(Ref ref);
  x86::Gp reg(Ref ref);
  bool is_in(Ref ref, x86::Gp host) const;
  void move(x86::Gp to, Ref ref);
  void move_constant(x86::Gp to, u64 value);
  /// Where to compute the value of node `at`: the pinned register it will be written to, or a temporary.
  x86::Gp destination(usize at);
  x86::Gp pinned_destination(usize at) const;
  x86::Gp destination_in_place(usize at);
  static bool is_temp(x86::Gp host);
  x86::Gp temp();
  /// This very temporary, whatever was in it.
  x86::Gp claim(x86::Gp host);
  /// Precondition: it is in one.
  Temp& temp_of(const Held& held) { return temps_[static_cast<u8>(held.temp)]; }
  void spill(unsigned index);
  void hold(usize at, x86::Gp host);
  void move_home_from(x86::Gp host);
  void consume(Ref ref);
  void end_node(const Node& node);
  void verify_places(usize at) const;
  bool last_use_here(Ref ref) const;
  std::optional<unsigned> written_register(usize at) const;
  bool may_write_early(usize at, unsigned r) const;
  u8 another_home(Ref ref, unsigned besides) const;

  // --- lower_x86_integer.cpp ---
  void integer(usize at);
  void commutative(usize at);
  void subtract(usize at);
  void shift(usize at);
  void extend(usize at);
  void multiply_high(usize at);
  void divide(usize at);
  void count_bits(usize at);
  void carryless(usize at);
  void comparison(usize at);
  void select(usize at);
  x86::CondCode compare(const Node& node);
  x86::CondCode condition(Ref ref);

  // --- lower_x86_memory.cpp ---
  Address address_of(Ref ref) const;
  void look_up(x86::Gp base, i32 first, i32 last, Access access, x86::Gp scratch, asmjit::Label miss);
  x86::Mem host_memory(usize at, unsigned bytes, Access access);
  void find_host(x86::Gp base, i32 first, unsigned bytes, Access access, x86::Gp scratch, u8 guest);
  void look_up_all(u8 guest);
  void look_up_again(u8 guest);
  void leave_before(u8 guest);
  x86::Gp home_register(Ref ref) const;
  bool find_neighbours(usize at);
  /// One of neighbours'.
  static bool is_known(const x86::Mem& memory) { return memory.indexId() == kTemps[2].id(); }
  x86::Gp register_for_store(Ref value, const x86::Mem& to);
  void load(usize at);
  void store(usize at);

  // --- lower_x86_loans.cpp ---
  void choose_loans();
  std::span<const Loan> loans() const { return {loans_.data(), loan_count_}; }
  void lend();
  void give_back();
  /// The host register of x[r] in this block, or one that is not valid.
  const x86::Gp& pinned(unsigned r) const { return pinned_[r]; }

  // --- lower_x86_windows.cpp ---
  template <class T>
  static x86::Mem reach(const T* data) {
    return x86::ptr_rel(reinterpret_cast<u64>(data), sizeof(T));
  }
  void compare_key();
  void check_windows();
  void check_windows_behind_call();
  void check_windows_of_another_bank();
  void emit_reset();
  Window* take_window(u8 guest);
  void refill(const Window& window, x86::Gp base, i32 first, i32 last, x86::Gp scratch);

  // --- lower_x86_control.cpp ---
  enum class Way : u8 { kJump, kCall, kReturn };
  Way way_of(u8 guest) const;
  void branch(const Node& node);
  void jump(const Node& node);
  void branch_out(const Node& node);
  void jump_indirect(const Node& node);
  std::optional<i64> known_target(Ref target) const;
  void go_across();
  void go_to(i64 displacement);
  void go_to_other_page(i64 page_offset);
  void jump_in_page(u16 page_offset, std::optional<x86::CondCode> code);
  void call(i64 page_offset, u8 guest);
  void call_other_page(i64 page_offset, u8 guest);
  void begin_call();
  void leave_return(asmjit::Label landing);
  enum class From : u8 { kSamePage, kAnyPage };
  void land(u8 guest, From from);
  void get_page(i64 page_offset);
  void add_link(u16 page_offset, asmjit::Label stub);

  // --- lower_x86_float.cpp ---
  void get_f(usize at);
  void set_f(usize at);
  void check_fp(const Node& node);
  void check_fp_dirty(const Node& node);
  void check_boxed(Ref ref, u8 guest);
  x86::Mem f_place(Ref ref) const;
  void check_usable(const Node& node, FpSelector selector);
  void fp(usize at);
  void load_f(x86::Xmm to, x86::Mem from, FpFmt format);
  HeldFp* find_fp(Ref ref);
  HeldFp* computed_fp(Ref ref);
  x86::Xmm xmm_of(const HeldFp& held) const;
  x86::Xmm fp_operand(Ref ref, FpFmt format);
  x86::Xmm fresh_fp();
  void hold_fp(usize at, x86::Xmm host, FpFmt format);
  void fp_deliver(usize at, x86::Xmm host, FpFmt format);
  void end_fp_values();
  std::optional<FpFmt> loads_fp(usize at) const;
  void fp_arithmetic(usize at, FpSelector selector);
  void fp_fused(usize at, FpSelector selector);
  void fp_sign(usize at, FpSelector selector);
  void fp_compare(usize at, FpSelector selector);
  void fp_to_integer(usize at, FpSelector selector);
  void fp_from_integer(usize at, FpSelector selector);
  void fp_convert(usize at, FpSelector selector);

  // --- lower_x86_system.cpp: atomics and CSRs ---
  asmjit::Label data_address(usize at, unsigned bytes, Access access);
  void atomic_address(usize at, unsigned bytes, Access access);
  void load_reserved(usize at);
  void store_conditional(usize at);
  void amo(usize at);
  void zero_block(usize at);
  void check_supervisor(const Node& node);
  void get_csr(usize at);
  void get_status(usize at);
  void set_csr(const Node& node);
  void writable_status(x86::Gp to, x86::Gp scratch);
  void set_status(const Node& node);
  void set_status_bits(const Node& node);
  void clear_status_bits(const Node& node);
  void change_status(const Node& node, u32 enables);
  bool is_interrupt_bit(Ref ref) const;
  void toggle_interrupts(const Node& node);
  void leave_if_pending(x86::Gp scratch, asmjit::Label slow);
  void leave_by(const void* stub);

  const Ir& ir_;
  const LowerTarget target_;
  x86::Assembler& as_;
  // Nothing of a block is on the heap, unless it is a very large one.
  static constexpr usize kUsualBytes = 24 << 10;
  std::array<std::byte, kUsualBytes> room_;
  std::pmr::monotonic_buffer_resource memory_{room_.data(), room_.size()};
  std::pmr::vector<u16> remaining_;  // uses of each value still to come
  std::pmr::vector<u8> deferred_;  // computed where it is used: comparisons for a branch, sums for an address
  std::pmr::vector<Held> held_;
  std::array<Ref, 32> x_now_{};  // what each register is known to hold
  std::array<Ref, 32> f_now_{};
  u32 boxed_ = 0;  // f registers known to hold singles
  std::array<Temp, kTempCount> temps_;
  std::array<Ref, kSpillSlots> slots_{};
  Neighbours neighbours_;
  std::array<HeldFp, kFpRegisters> held_fp_;
  bool any_fp_ = false;  // may be in held_fp_
  std::pmr::vector<std::pmr::vector<Reload>>
      reloads_;                                     // what must be in xmm registers behind each instruction
  std::pmr::vector<Neighbours> neighbours_behind_;  // those that are still to come behind it
  // What has been found to hold in this block:
  u32 usable_rm_ = 0;        // bits of Env::fast_rm
  bool fs_dirty_ = false;    // mstatus.FS is
  bool fs_on_ = false;       // it is not off
  bool supervisor_ = false;  // the privilege is at least S
  ColdPaths cold_{&memory_};
  asmjit::Label start_;
  asmjit::Label again_;  ///< where a block that jumps to itself goes
  asmjit::Label reset_;  ///< forgets what the windows know
  usize windows_taken_ = 0;
  std::array<Loan, std::size(kPinned)> loans_{};
  usize loan_count_ = 0;
  std::array<x86::Gp, 32> pinned_;  // as kPinnedOf and kPinnedIn, but for what is lent
  std::array<u8, 16> pinned_in_;
  asmjit::Label end_of_insn_;
  u8 guest_ = 0;
};

}  // namespace quire::jit
