// All bodies, and the way from an Op to its body.
#pragma once

#include <type_traits>

#include "emu/isa/sem/a.h"
#include "emu/isa/sem/b.h"
#include "emu/isa/sem/d.h"
#include "emu/isa/sem/f.h"
#include "emu/isa/sem/i.h"
#include "emu/isa/sem/m.h"
#include "emu/isa/sem/priv.h"
#include "emu/isa/sem/zacas.h"
#include "emu/isa/sem/zfa.h"
#include "emu/isa/sem/zfh.h"
#include "emu/isa/sem/zicbo.h"
#include "emu/isa/sem/zicond.h"
#include "emu/isa/sem/zicsr.h"

namespace quire {

/// The body of `O`, chosen at compile time. Returns what the body returns.
template <Op O, class C>
[[gnu::always_inline]] inline auto sem(C& c, const Insn& i) {
#define QUIRE_INSN(name, pattern, format, group, flags) \
  if constexpr (O == Op::name) {                        \
    return sem_##name(c, i);                            \
  } else
#include "emu/isa/isa.inc"
  {
    static_assert(O == Op::illegal);
    return sem_illegal(c, i);
  }
}

/// Whether the body of `O` may raise a trap (returns bool).
template <Op O, class C>
inline constexpr bool kCanTrap =
    !std::is_void_v<decltype(sem<O>(std::declval<C&>(), std::declval<const Insn&>()))>;

}  // namespace quire
