#include "emu/jit/ir.h"

#include <algorithm>

namespace quire::jit {

Ref Ir::constant(u64 value) {
  const auto found = std::find(constants.begin(), constants.end(), value);
  const usize index = static_cast<usize>(found - constants.begin());
  if (found == constants.end()) constants.push_back(value);
  return Ref::to_constant(index);
}

ByteRanges Ir::ranges() const {
  ByteRanges result;
  for (const SourceInsn& source : insns) {
    const u16 first = static_cast<u16>(page_offset + source.place);
    const u16 end = static_cast<u16>(page_offset + source.behind());
    if (!result.empty() && result.back().end == first) {
      result.back().end = end;
    } else {
      result.push_back({first, end});
    }
  }
  return result;
}

void count_uses(const Ir& ir, std::span<u16> uses) {
  for (const Node& node : ir.nodes) {
    for (const Ref ref : ir.operands(node)) {
      if (ref.is_value()) ++uses[ref.index()];
    }
  }
}

std::vector<u16> count_uses(const Ir& ir) {
  std::vector<u16> uses(ir.nodes.size());
  count_uses(ir, uses);
  return uses;
}

}  // namespace quire::jit
