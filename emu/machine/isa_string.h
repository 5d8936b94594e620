// What the hart implements, as the device tree says it (Unprivileged ISA chapter "ISA Extension Naming
// Conventions"; Linux's riscv/extensions.yaml binding). One list makes both forms.
#pragma once

#include <string>
#include <vector>

namespace quire {

/// Single letters first, in canonical order, then the multi-letter names in theirs.
inline std::vector<std::string> isa_extensions() {
  return {"i", "m", "a", "f", "d", "c", "zicntr", "zicsr", "zifencei", "svadu"};
}

inline std::string isa_string() {
  std::string text = "rv64";
  for (const auto& name : isa_extensions()) {
    text += name.size() == 1 ? name : "_" + name;
  }
  return text;
}

}  // namespace quire
