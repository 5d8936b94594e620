// Symbolic names of flag words and small enumerations in system-call arguments.
#pragma once

#include <cstdint>
#include <string>

#include "quire/arch/linux/syscalls.h"

namespace quire {

/// "O_RDWR|O_CREAT", "PROT_READ", "SEEK_SET", ... for the kinds that have names; a number else. Bits without
/// a name come last, in hex.
std::string format_flags(arch::SyscallArg kind, std::uint64_t value);

}  // namespace quire
