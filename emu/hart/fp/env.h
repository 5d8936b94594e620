// fcsr, and the host's floating-point unit while it works for the hart.
//
// Invariant: between HostGuard's constructor and destructor, but not inside HostPause, the host rounds as
// frm says (RMM and reserved modes: to nearest) and collects the hart's exception flags in its own
// sticky bits; the hart's fflags are `fflags` or-ed with those. At all other times `fflags` is complete
// and the host's unit belongs to the emulator. Standard layout: lives in HartState.
#pragma once

#include <type_traits>

#include "emu/base/types.h"
#include "emu/isa/fp_op.h"

namespace quire::fp {

struct Env {
  /// Bit n: an operation whose rm is n may run on the host as it is set up now. 0 unless the host works
  /// for the hart and mstatus.FS is Dirty, so that one test also covers FS. Derived; not architectural.
  u8 fast_rm = 0;
  u8 frm = 0;     ///< as in fcsr, 0..7; change it with set_frm
  u8 fflags = 0;  ///< see above; read it with collect_flags
  u8 fs_dirty = 0;
  u8 on_host = 0;        ///< between HostGuard's ends and not paused
  u8 host_has_fma = 0;   ///< set by HostGuard, and so is
  u8 host_has_f16c = 0;  ///< conversion of halves
  u8 ready_rm = 0;       ///< what fast_rm is while the host works for the hart and FS is Dirty
  u32 host_control = 0;  ///< the emulator's own setting, kept while on_host
};
static_assert(std::is_standard_layout_v<Env> && sizeof(Env) == 12);

/// fflags, complete. Cheap enough for every read of the CSR.
u8 collect_flags(Env& env);

/// Writes fflags (its low 5 bits).
void set_flags(Env& env, u8 flags);

/// Writes frm (its low 3 bits); reserved values are kept, they make rounding instructions illegal.
void set_frm(Env& env, u8 frm);

/// To be called whenever mstatus.FS becomes Dirty or ceases to be: the host path works only while it is, so
/// that it never has to mark it.
void set_fs_dirty(Env& env, bool dirty);

/// The rounding mode that `rm` stands for. False: it is reserved and the instruction illegal.
constexpr bool resolve(const Env& env, u8 rm, Rounding& out) {
  const u8 mode = rm == static_cast<u8>(Rounding::kDynamic) ? env.frm : rm;
  out = static_cast<Rounding>(mode);
  return mode <= static_cast<u8>(Rounding::kNearestMaxMagnitude);
}

/// Around the run loop: lends the host's floating-point unit to the hart.
class HostGuard {
 public:
  explicit HostGuard(Env& env);
  ~HostGuard();
  HostGuard(const HostGuard&) = delete;
  HostGuard& operator=(const HostGuard&) = delete;

 private:
  Env& env_;
};

/// Around calls out of the run loop to code that may use floating point itself (devices, callbacks). Does
/// nothing where no HostGuard is in force.
class HostPause {
 public:
  explicit HostPause(Env& env);
  ~HostPause();
  HostPause(const HostPause&) = delete;
  HostPause& operator=(const HostPause&) = delete;

 private:
  Env& env_;
  bool was_on_host_;
};

}  // namespace quire::fp
