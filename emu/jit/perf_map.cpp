#include "emu/jit/perf_map.h"

#include <fmt/format.h>
#include <unistd.h>

namespace quire::jit {

PerfMap::PerfMap() : file_(fmt::format("/tmp/perf-{}.map", getpid())) {}

void PerfMap::add(const u8* code, usize bytes, u64 guest_address) {
  file_ << fmt::format("{:x} {:x} guest_{:x}\n", reinterpret_cast<u64>(code), bytes, guest_address)
        << std::flush;
}

}  // namespace quire::jit
