// Programs that an engine runs as a whole and in pieces, held against the same without blocks, instruction by
// instruction.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/emu/engines/board.h"

namespace quire::test {

/// What all programs begin with.
inline constexpr const char* kStart = R"(
    .macro pro
      addi sp, sp, -16
      sd ra, 8(sp)
    .endm
    .macro epi
      ld ra, 8(sp)
      addi sp, sp, 16
      ret
    .endm
    auipc sp, 0x100           # 1 MiB behind the code, wherever that is
)";

struct ProgramBoard : Board {
  using Board::Board;
  /// The first 2 MiB at VA 0, in S-mode, where page 6 leads to 7's frame, and the tables behind them. A
  /// second space has its tables 512 KiB behind and frame 10 at page 9.
  void map_all() {
    constexpr u64 kTables = kRam + 0x30'0000, kOtherTables = kRam + 0x38'0000, kFlags = kAll & ~u64{kPteUser};
    for (const u64 root : {kOtherTables, kTables}) {
      PageTables tables(ram, PhysAddr(root));
      for (u64 page = 0; page < 512; ++page) {
        u64 frame = page == 6 ? 7 : page;
        if (page == 9 && root == kOtherTables) frame = 10;
        tables.map(page * kPageBytes, kRam + frame * kPageBytes, kFlags);
      }
      for (u64 offset = 0; offset < 0x8000; offset += kPageBytes) {
        tables.map(0x20'0000 + offset, kTables + offset, kFlags);
      }
      state().satp = tables.satp().raw;
    }
    state().privilege = Privilege::kSupervisor;
    state().pc = 0;
    hart().sync();
  }
};

enum class Memory : u8 { kBare, kMapped };

/// Runs a program that never ends, in one piece, in pieces and in steps. `turns` is what it counts in s11.
inline void expect_same(const std::string& source, Memory memory, u64 insns, u64 turns) {
  const std::vector<u8> code = assemble(kStart + source);
  const auto make = [&] {
    auto board = std::make_unique<ProgramBoard>(code);
    if (memory == Memory::kMapped) board->map_all();
    return board;
  };
  const auto reference = make();
  reference->step(insns);
  EXPECT_EQ(reference->state().trap_count, 0u) << "the program is not what it should be";
  EXPECT_GE(reference->state().x[27], turns);
  const auto whole = make();
  EXPECT_EQ(whole->engine->run(insns), RunExit::kCount);
  EXPECT_EQ(whole->everything(), reference->everything()) << "in one piece";
  std::mt19937_64 random(1);
  const auto cut = make();
  while (cut->state().icount < insns) {
    const u64 piece = 1 + random() % (random() % 5 == 0 ? 20'000 : 100);
    cut->engine->run(std::min(insns, cut->state().icount + piece));
  }
  EXPECT_EQ(cut->everything(), reference->everything()) << "in pieces";
}

}  // namespace quire::test
