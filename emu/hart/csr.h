// Names of the CSRs (quire/arch/csr.inc).
#pragma once

#include "emu/base/types.h"

namespace quire {

enum class Csr : u16 {
#define QUIRE_CSR(number, name) name = (number),
#include "quire/arch/csr.inc"
#undef QUIRE_CSR
};

constexpr unsigned number_of(Csr csr) { return static_cast<unsigned>(csr); }
constexpr bool csr_read_only(unsigned number) { return (number >> 10 & 3) == 3; }
constexpr u8 csr_privilege(unsigned number) { return number >> 8 & 3; }
constexpr bool csr_exists(unsigned number) {
  switch (number) {
#define QUIRE_CSR(n, name) case n:
#include "quire/arch/csr.inc"
#undef QUIRE_CSR
    return true;
    default:
      return false;
  }
}

}  // namespace quire
