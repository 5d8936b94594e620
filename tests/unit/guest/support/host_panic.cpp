// A panic of the code under test says why before it ends the program.
#include <cstdio>
#include <cstdlib>

#include "guest/lib/panic.h"

namespace kernel {
namespace {

const bool g_installed = [] {
  set_panic_hook([](const PanicReport& report) {
    std::fprintf(stderr, "panic: %.*s\n", static_cast<int>(report.message.size()), report.message.data());
    std::abort();
  });
  return true;
}();

}  // namespace

/// Referenced by host.h, so that the linker keeps this file.
bool host_panic_installed() { return g_installed; }

}  // namespace kernel
