// A hart's registers under the numbers and names that gdb gives them (riscv-tdep: org.gnu.gdb.riscv.*).
//
// Numbers: x0..x31 0..31, pc 32, f0..f31 33..64, CSR n 65 + n, privilege 65 + 4096.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "quire/machine.h"

namespace quire::debug {

inline constexpr unsigned kGdbPc = 32;
inline constexpr unsigned kGdbFirstFloat = 33;
inline constexpr unsigned kGdbFirstCsr = 65;
inline constexpr unsigned kGdbPrivilege = kGdbFirstCsr + 4096;
/// Those that a `g` packet holds; gdb asks for the rest one by one.
inline constexpr unsigned kGdbGeneral = 33;

/// Nothing: there is no such register now.
std::optional<std::uint64_t> read_register(HartView& hart, unsigned number);
/// False: there is none, or it cannot be written.
bool write_register(HartView& hart, unsigned number, std::uint64_t value);

/// The target description, of the CSRs that the hart has.
std::string target_xml(HartView& hart);

/// What gdb may take for memory. It knows virtual addresses only, which page tables may put anywhere: so
/// everything is, and what is not there says so when it is read.
std::string memory_map_xml(const MemoryView& memory);

}  // namespace quire::debug
