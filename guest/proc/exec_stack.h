// The initial stack of a program (System V ABI, "Process Initialization"; psABI RISC-V): argc, the vectors,
// strings.
#pragma once

#include "guest/proc/exec_args.h"
#include "guest/vm/address_space.h"
#include "quire/arch/linux/auxv.h"

namespace kernel {

struct StackContents {
  const ExecArgs& args;
  StringView execfn;         ///< AT_EXECFN
  Span<const AuxEntry> aux;  ///< without AT_EXECFN, AT_RANDOM and AT_NULL, which are added
  u64 random_offset_bytes;   ///< room left between strings and vectors, a multiple of 16
};

/// Where everything went.
struct StackLayout {
  VirtAddr stack_pointer{};
  VirtAddr args_start{}, args_end{}, env_start{}, env_end{};
  Vector<AuxEntry> aux;  ///< the whole vector
};

/// Bytes that build_stack will use, at most.
u64 stack_bytes_needed(const StackContents& contents);
/// Writes below `top`, into the mapped stack of `space`. ENOMEM, EFAULT.
KResult<StackLayout> build_stack(AddressSpace& space, VirtAddr top, const StackContents& contents);

}  // namespace kernel
