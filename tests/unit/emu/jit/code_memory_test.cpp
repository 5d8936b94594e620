#include "emu/jit/code_memory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "emu/jit/emit.h"

namespace quire::jit {
namespace {

constexpr usize kSize = 2 << 20;

/// The permissions of the mapping that holds `address`.
std::string permissions(const void* address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream text(line);
    u64 start, end;
    char dash;
    std::string flags;
    text >> std::hex >> start >> dash >> end >> flags;
    if (reinterpret_cast<u64>(address) >= start && reinterpret_cast<u64>(address) < end) return flags;
  }
  return {};
}

TEST(CodeMemory, NoPageIsWritableAndExecutable) {
  CodeMemory memory(kSize);
  EXPECT_EQ(permissions(memory.run_address(0)).substr(0, 3), "r-x");
  EXPECT_EQ(permissions(memory.write_address(0)).substr(0, 3), "rw-");
}

TEST(CodeMemory, WhatIsWrittenRuns) {
  CodeMemory memory(kSize);
  const u8 code[] = {0xb8, 42, 0, 0, 0, 0xc3};  // mov eax, 42; ret
  std::memcpy(memory.write_address(0), code, sizeof(code));
  memory.commit(sizeof(code));
  EXPECT_EQ(reinterpret_cast<int (*)()>(reinterpret_cast<u64>(memory.run_address(0)))(), 42);
}

TEST(CodeMemory, JumpsArePatched) {
  CodeMemory memory(kSize);
  const u8 code[] = {0xe9, 0, 0, 0, 0,         // jmp to the next instruction
                     0xb8, 1, 0, 0, 0, 0xc3,   // mov eax, 1; ret
                     0xb8, 2, 0, 0, 0, 0xc3};  // mov eax, 2; ret
  std::memcpy(memory.write_address(0), code, sizeof(code));
  const auto run = reinterpret_cast<int (*)()>(reinterpret_cast<u64>(memory.run_address(0)));
  EXPECT_EQ(run(), 1);
  memory.patch_jump(1, memory.run_address(11));
  EXPECT_EQ(run(), 2);
}

TEST(CodeMemory, ResetKeepsTheStubs) {
  CodeMemory memory(kSize);
  memory.commit(100);
  memory.keep_stubs();
  const usize stubs = memory.used_bytes();
  memory.commit(5000);
  EXPECT_GE(memory.used_bytes(), stubs + 5000);
  memory.reset();
  EXPECT_EQ(memory.used_bytes(), stubs);
}

TEST(CodeMemory, IsBounded) {
  CodeMemory memory(kSize);
  memory.commit(kSize);
  EXPECT_EQ(memory.free_bytes(), 0u);
  EXPECT_TRUE(memory.contains(memory.run_address(kSize - 1)));
  EXPECT_FALSE(memory.contains(memory.run_address(kSize)));
}

TEST(Emission, WhatCannotBeEncodedIsNotWritten) {
  CodeMemory memory(kSize);
  Emission emission(memory);
  emission.assembler().nop();
  const asmjit::x86::Mem memory_operand = asmjit::x86::qword_ptr(asmjit::x86::rax);
  emission.assembler().emit(asmjit::x86::Inst::kIdMov, memory_operand, memory_operand);
  emission.assembler().ret();
  EXPECT_FALSE(emission.finish());
  EXPECT_EQ(memory.used_bytes(), 0u);
}

}  // namespace
}  // namespace quire::jit
