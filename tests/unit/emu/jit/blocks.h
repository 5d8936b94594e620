// Blocks of guest code for the tests: assembled, recorded, looked at.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "emu/isa/isa.h"
#include "emu/jit/record.h"
#include "tests/unit/emu/isa/binutils.h"

namespace quire::jit::test {

/// The IR of the instructions of `source`, before any pass, as a block at this offset of its page.
inline Ir recorded(const std::string& source, u16 page_offset = 0x100) {
  static const Isa isa;
  const std::vector<u8> code = quire::test::assemble(source);
  std::vector<SourceInsn> insns;
  for (usize at = 0; at + 2 <= code.size();) {
    u16 first;
    std::memcpy(&first, &code[at], sizeof(first));
    u32 raw = first;
    if (insn_length(first) == 4) std::memcpy(&raw, &code[at], sizeof(raw));
    insns.push_back({isa.decode(raw), static_cast<i16>(at)});
    at += insn_length(first);
  }
  return record(isa, page_offset, std::move(insns));
}

/// The same for instructions that are not one behind the other: where each is, from the block's start.
inline Ir recorded_at(const std::string& source, const std::vector<i16>& places) {
  static const Isa isa;
  std::vector<SourceInsn> insns = recorded(source).insns;
  for (usize i = 0; i < insns.size(); ++i) insns[i].place = places.at(i);
  return record(isa, 0x100, std::move(insns));
}

inline usize count(const Ir& ir, IrOp op) {
  usize found = 0;
  for (const Node& node : ir.nodes) found += node.op == op ? 1 : 0;
  return found;
}

}  // namespace quire::jit::test
