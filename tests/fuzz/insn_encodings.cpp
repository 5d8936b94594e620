#include "tests/fuzz/insn_encodings.h"

#include <array>

namespace quire::fuzz {
namespace {

struct Fixed {
  u32 mask;
  u32 value;
};

const std::array<Fixed, kOpCount>& patterns() {
  static const auto table = [] {
    std::array<Fixed, kOpCount> result{};
    for (unsigned op = 1; op < kOpCount; ++op) {
      for (const char* at = kOpInfo[op].pattern; *at != '\0'; ++at) {
        if (*at == ' ') continue;
        result[op].mask = result[op].mask << 1 | (*at != '-');
        result[op].value = result[op].value << 1 | (*at == '1');
      }
    }
    return result;
  }();
  return table;
}

constexpr u32 kCsrNumbers[] = {
    0x001, 0x002, 0x003, 0x100, 0x104, 0x105, 0x106, 0x140, 0x141, 0x142, 0x143, 0x144, 0x180, 0x300,
    0x301, 0x302, 0x303, 0x304, 0x305, 0x306, 0x340, 0x341, 0x342, 0x343, 0x344, 0xb00, 0xb02, 0xc00,
    0xc01, 0xc02, 0xf14, 0x30a, 0x10a, 0x3a0, 0x3b0, 0x7a0, 0x323, 0xb03, 0xc03, 0x343,
};

/// Few registers, so that results are used.
u32 pick_register(Random& random) {
  return static_cast<u32>(random.one_in(4) ? random.below(32) : random.below(8));
}

u32 place(u32 word, u32 value, unsigned low) { return word | value << low; }

}  // namespace

Op op_by_pattern(u32 raw) {
  for (unsigned op = 1; op < kOpCount; ++op) {
    if ((raw & patterns()[op].mask) == patterns()[op].value) return static_cast<Op>(op);
  }
  return Op::illegal;
}

u32 random_encoding(Random& random) {
  const auto op = static_cast<Op>(1 + random.below(kOpCount - 1));
  const auto [mask, value] = patterns()[static_cast<unsigned>(op)];
  u32 fields = place(0, pick_register(random), 7);
  fields = place(fields, pick_register(random), 15);
  fields = place(fields, pick_register(random), 20);
  fields = place(fields, static_cast<u32>(random.next()) & 0x7f, 25);
  fields = place(fields, static_cast<u32>(random.one_in(2) ? 7 : random.next() & 7), 12);
  switch (op_info(op).format) {
    case Format::B:  // short, and either way
      fields = (fields & 0x01ff'f000) | static_cast<u32>(random.below(8)) << 9 |
               (random.one_in(4) ? 0xfe00'0080 : 0);
      break;
    case Format::J: {
      const u32 distance = static_cast<u32>(random.below(32)) << 21;
      fields = (fields & 0xf80) | distance | (random.one_in(4) ? 0xf81f'f000 : 0);
      break;
    }
    case Format::I:
    case Format::S:
      if (random.one_in(2)) fields &= 0x01ff'ffff;  // offsets near 0
      break;
    case Format::U:
      if (random.one_in(2)) fields = (fields & 0xf80) | static_cast<u32>(random.next() & 0x7) << 12;
      break;
    case Format::Csr:
    case Format::CsrImm:
      fields = (fields & 0x000f'ffff) | kCsrNumbers[random.below(std::size(kCsrNumbers))] << 20;
      break;
    default:
      break;
  }
  return (fields & ~mask) | value;
}

}  // namespace quire::fuzz
