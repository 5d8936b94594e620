// Trap: an exception as a value; what an access or an instruction ended in.
#pragma once

#include <optional>

#include "emu/base/types.h"
#include "quire/arch/cause.h"

namespace quire {

struct Trap {
  Exception cause;
  u64 tval;

  constexpr bool operator==(const Trap&) const = default;
};

/// Empty: it succeeded.
using MaybeTrap = std::optional<Trap>;

/// The causes of one kind of access (Privileged ISA 20240411, 3.1.15).
constexpr Exception page_fault(Access access) {
  return access == Access::kRead    ? Exception::kLoadPageFault
         : access == Access::kWrite ? Exception::kStorePageFault
                                    : Exception::kInsnPageFault;
}
constexpr Exception access_fault(Access access) {
  return access == Access::kRead    ? Exception::kLoadAccessFault
         : access == Access::kWrite ? Exception::kStoreAccessFault
                                    : Exception::kInsnAccessFault;
}

}  // namespace quire
