// A number as messages write it, for the layers that do without a formatting library.
#pragma once

#include <cstdio>
#include <string>

#include "emu/base/types.h"

namespace quire {

/// "0x2a".
inline std::string hex(u64 value) {
  char text[2 + 16 + 1];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace quire
