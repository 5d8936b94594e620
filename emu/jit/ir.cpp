#include "emu/jit/ir.h"

#include <algorithm>
#include <array>

namespace quire::jit {
namespace {

constexpr std::array kInfo = {
#define QUIRE_IR(name, type, operands, effects) \
  IrInfo{#name, Type::k##type, operands, static_cast<u8>(effects)},
#include "emu/jit/ir.inc"
};

}  // namespace

const IrInfo& info(IrOp op) { return kInfo[static_cast<usize>(op)]; }

Ref Ir::constant(u64 value) {
  const auto found = std::find(constants.begin(), constants.end(), value);
  const usize index = static_cast<usize>(found - constants.begin());
  if (found == constants.end()) constants.push_back(value);
  return Ref::to_constant(index);
}

std::vector<u16> count_uses(const Ir& ir) {
  std::vector<u16> uses(ir.nodes.size());
  for (const Node& node : ir.nodes) {
    for (const Ref ref : ir.operands(node)) {
      if (ref.is_value()) ++uses[ref.index()];
    }
  }
  return uses;
}

}  // namespace quire::jit
