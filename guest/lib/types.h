// The supervisor's vocabulary: everything of include/quire/arch by its plain name.
#pragma once

#include "quire/arch/bits.h"
#include "quire/arch/types.h"

namespace kernel {

using namespace quire::arch;  // NOLINT(google-build-using-namespace): the shared layer is our own vocabulary

/// Base of classes that are neither copied nor moved.
class NonCopyable {
 public:
  NonCopyable() = default;
  NonCopyable(const NonCopyable&) = delete;
  NonCopyable& operator=(const NonCopyable&) = delete;
};

/// Runs a function at the end of the scope; `dismiss()` calls it off.
template <class F>
class ScopeExit : NonCopyable {
 public:
  explicit ScopeExit(F f) : f_(static_cast<F&&>(f)) {}
  ~ScopeExit() {
    if (armed_) {
      f_();
    }
  }
  void dismiss() { armed_ = false; }

 private:
  F f_;
  bool armed_ = true;
};

}  // namespace kernel
