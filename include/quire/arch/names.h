// What people call registers, trap causes, privilege levels and accesses: the one list of each.
//
// Unprivileged ISA 20240411, chapter "RISC-V Assembly Programmer's Handbook" (registers); Privileged ISA
// 20240411, table 14 (causes).
#pragma once

#include "quire/arch/cause.h"

namespace quire::arch {

inline constexpr unsigned kRegisterCount = 32;

inline constexpr const char* kIntegerRegisterNames[kRegisterCount] = {
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
    "a6",   "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};

inline constexpr const char* kFloatRegisterNames[kRegisterCount] = {
    "ft0", "ft1", "ft2", "ft3", "ft4",  "ft5",  "ft6", "ft7", "fs0",  "fs1", "fa0",
    "fa1", "fa2", "fa3", "fa4", "fa5",  "fa6",  "fa7", "fs2", "fs3",  "fs4", "fs5",
    "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"};

/// Null for a code that the manual reserves, or that this machine has no use for.
constexpr const char* exception_name(u64 code) {
  switch (static_cast<Exception>(code)) {
    case Exception::kInsnMisaligned:
      return "instruction address misaligned";
    case Exception::kInsnAccessFault:
      return "instruction access fault";
    case Exception::kIllegalInsn:
      return "illegal instruction";
    case Exception::kBreakpoint:
      return "breakpoint";
    case Exception::kLoadMisaligned:
      return "load address misaligned";
    case Exception::kLoadAccessFault:
      return "load access fault";
    case Exception::kStoreMisaligned:
      return "store address misaligned";
    case Exception::kStoreAccessFault:
      return "store access fault";
    case Exception::kEcallUser:
      return "ecall from U-mode";
    case Exception::kEcallSupervisor:
      return "ecall from S-mode";
    case Exception::kEcallMachine:
      return "ecall from M-mode";
    case Exception::kInsnPageFault:
      return "instruction page fault";
    case Exception::kLoadPageFault:
      return "load page fault";
    case Exception::kStorePageFault:
      return "store page fault";
  }
  return nullptr;
}

/// `code` without kInterruptFlag; null as above.
constexpr const char* interrupt_name(u64 code) {
  switch (static_cast<Interrupt>(code)) {
    case Interrupt::kSupervisorSoftware:
      return "supervisor software";
    case Interrupt::kMachineSoftware:
      return "machine software";
    case Interrupt::kSupervisorTimer:
      return "supervisor timer";
    case Interrupt::kMachineTimer:
      return "machine timer";
    case Interrupt::kSupervisorExternal:
      return "supervisor external";
    case Interrupt::kMachineExternal:
      return "machine external";
  }
  return nullptr;
}

struct CsrName {
  unsigned number;
  const char* name;
};
/// Every CSR that has a name here, in the order of csr.inc.
inline constexpr CsrName kCsrNames[] = {
#define QUIRE_CSR(number, name) {number, #name},
#include "quire/arch/csr.inc"
#undef QUIRE_CSR
};

/// "mstatus"; null when there is no such CSR.
constexpr const char* csr_name(unsigned number) {
  for (const CsrName& csr : kCsrNames) {
    if (csr.number == number) {
      return csr.name;
    }
  }
  return nullptr;
}

/// 'U', 'S', 'M'.
constexpr char privilege_letter(Privilege privilege) { return "US?M"[static_cast<unsigned>(privilege) & 3]; }

/// "u", "s", "m", as reports of runs write it.
constexpr const char* privilege_key(Privilege privilege) {
  constexpr const char* kKeys[] = {"u", "s", "?", "m"};
  return kKeys[static_cast<unsigned>(privilege) & 3];
}

/// "r", "w", "x", as reports of runs write it.
constexpr const char* access_key(Access access) {
  constexpr const char* kKeys[] = {"r", "w", "x"};
  return kKeys[static_cast<unsigned>(access)];
}

}  // namespace quire::arch
