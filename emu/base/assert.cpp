#include "emu/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace quire {

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "quire: internal error: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace quire
