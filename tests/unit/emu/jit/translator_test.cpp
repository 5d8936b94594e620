// What is owed by the translator alone; what every engine owes is in tests/unit/emu/engines.
#include "emu/jit/translator.h"

#include <gtest/gtest.h>

#include "emu/jit/translation_cache.h"
#include "tests/unit/emu/isa/binutils.h"

namespace quire::jit {
namespace {

struct FixedEnv final : HartEnv {
  u64 time() override { return 0; }
  bool sbi_call(HartState&) override { return false; }
};

constexpr u64 kRam = 0x8000'0000;

struct Board {
  Ram ram;
  Bus bus{ram};
  FixedEnv env;
  Hart hart{0, bus, {}, env};
  Translator translator;

  Board(u64 ram_bytes, const TranslatorSettings& settings)
      : ram(PhysAddr(kRam), ram_bytes), translator(hart, settings) {
    hart.reset(kRam, Privilege::kMachine, 0, 0);
    hart.mmu().pmp().allow_everything();
  }
};

TEST(Translator, PagesThatNeverBecomeHotAreGivenUpToo) {
  constexpr u64 kPages = TranslationCache::kMaxPages + 100;
  Board board(kPages * kPageBytes, {});
  const std::vector<u8> code = quire::test::assemble("add t0, t0, t1\n jr t0");
  for (u64 page = 0; page < kPages; ++page) board.ram.write(PhysAddr(kRam + page * kPageBytes), code);
  board.hart.state().x[5] = kRam;
  board.hart.state().x[6] = kPageBytes;
  EXPECT_EQ(board.translator.run(2 * (kPages - 1)), RunExit::kCount);
  EXPECT_EQ(board.hart.state().pc, kRam + (kPages - 1) * kPageBytes);
  EXPECT_EQ(board.translator.stats().flushes, 1u);
}

}  // namespace
}  // namespace quire::jit
