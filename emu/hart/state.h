// HartState: all of a hart that instructions see, at fixed offsets.
//
// Standard layout: translated code and the interpreter's handlers address it by offset. x[0] is 0;
// x[kSinkRegister] takes what is written to x0. mstatus holds everything but FS and SD, which are
// `fp_status` (an enum of 3.1.6.7) so that floating-point code marks it with one byte; read the CSR to have
// all.
#pragma once

#include <type_traits>

#include "emu/base/types.h"
#include "emu/hart/fp/env.h"
#include "emu/isa/insn.h"
#include "emu/mem/fast_tlb.h"
#include "quire/arch/cause.h"

namespace quire {

/// Bits of mstatus and sstatus (Privileged ISA 20240411, 3.1.6 and 12.1.1).
enum StatusBit : u64 {
  kStatusSie = 1ULL << 1,
  kStatusMie = 1ULL << 3,
  kStatusSpie = 1ULL << 5,
  kStatusMpie = 1ULL << 7,
  kStatusSpp = 1ULL << 8,
  kStatusMpp = 3ULL << 11,
  kStatusFs = 3ULL << 13,
  kStatusMprv = 1ULL << 17,
  kStatusSum = 1ULL << 18,
  kStatusMxr = 1ULL << 19,
  kStatusTvm = 1ULL << 20,
  kStatusTw = 1ULL << 21,
  kStatusTsr = 1ULL << 22,
  kStatusUxl = 3ULL << 32,
  kStatusSxl = 3ULL << 34,
  kStatusSd = 1ULL << 63,
};
/// Bits of mcountinhibit, mcounteren and scounteren; cycle, time and instret.
enum CounterBit : u64 { kCounterCy = 1ULL << 0, kCounterTm = 1ULL << 1, kCounterIr = 1ULL << 2 };
inline constexpr unsigned kStatusMppShift = 11;
inline constexpr unsigned kStatusFsShift = 13;

struct HartState {
  // --- architectural ---
  u64 x[kXRegisters];
  u64 f[32];
  u64 pc;
  u64 icount;  ///< retired plus trapped; while an engine runs, exact whenever anything outside it can look
  fp::Env fp;  ///< frm and fflags
  Privilege privilege;
  u8 fp_status;  ///< mstatus.FS: 0 off, 1 initial, 2 clean, 3 dirty
  u8 waiting;    ///< 1: in WFI, until an enabled interrupt is pending

  u64 mstatus;  ///< without FS and SD
  u64 medeleg, mideleg, mie, mtvec, mcounteren, mscratch, mepc, mcause, mtval, menvcfg;
  u64 mip_software;  ///< bits of mip that CSR writes set
  u64 mip_lines;     ///< bits of mip that the interrupt controllers hold
  u64 stvec, scounteren, sscratch, sepc, scause, stval, satp, senvcfg;
  u64 stimecmp;  ///< in ticks of mtime
  u64 mcountinhibit;
  u64 mcycle_offset;    ///< mcycle is icount plus this, or this alone while it is inhibited
  u64 minstret_offset;  ///< minstret is icount minus trap_count plus this, or this alone
  u64 trap_count;       ///< exceptions taken; interrupts count apart, they are no instructions
  u64 interrupt_count;
  u64 page_fault_count;

  u64 reservation;       ///< physical address of the last LR, or kNoReservation
  u64 reservation_size;  ///< bytes

  /// The page that instructions are being fetched from. Its translation is looked up when execution enters
  /// the page and holds until it leaves, or a trap, xRET, satp write or fence; kNoPage otherwise.
  u64 fetch_page;
  u64 fetch_frame;  ///< its physical address

  // --- derived ---
  FastTlb::Bank* data_bank;   ///< of loads and stores in the current mode
  FastTlb::Bank* fetch_bank;  ///< of instruction fetches
  u8 fetch_partial;           ///< 1: the PMP is asked for every instruction, fetch_blocks is null
  void* fetch_blocks;         ///< the engine's index of the blocks in fetch_page; null: not looked up yet
  void* engine;               ///< the engine that runs the hart
  u64 ram_delta;              ///< physical address of a byte of RAM less its host address
  FastTlb::Bank* banks[FastTlb::kBanks];  ///< those of satp
  u8 block_zero_modes;                    ///< bit n: privilege n may execute cbo.zero
  u8 observed;  ///< 1: there is a HartObserver, which is told by the complete execution alone

  static constexpr u64 kNoReservation = ~u64{0};
};
static_assert(std::is_standard_layout_v<HartState>);

}  // namespace quire
