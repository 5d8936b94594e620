// PerfMap: names for perf(1), which reads /tmp/perf-PID.map to tell pieces of generated code apart.
#pragma once

#include <fstream>

#include "emu/base/types.h"

namespace quire::jit {

class PerfMap {
 public:
  PerfMap();
  /// A block of guest code at this physical address.
  void add(const u8* code, usize bytes, u64 guest_address);

 private:
  std::ofstream file_;
};

}  // namespace quire::jit
