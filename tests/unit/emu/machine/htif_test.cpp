#include "emu/machine/htif.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "quire/machine.h"
#include "tests/unit/emu/machine/rv_asm.h"

namespace quire {
namespace {

using namespace test;

class TextSink final : public ByteSink {
 public:
  void write(std::span<const std::uint8_t> data) override { text.append(data.begin(), data.end()); }
  std::string text;
};

/// The same config with a symbol table that puts `tohost` at `address`.
Config with_tohost(Config config, std::uint64_t address) {
  const std::string names = std::string("\0tohost\0", 8);
  const arch::Elf64Symbol symbol{1, arch::kBindGlobal << 4, 0, arch::kSectionAbsolute, address, 8};
  auto& file = config.kernel;
  const std::uint64_t table = file.size();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&symbol);
  file.insert(file.end(), bytes, bytes + sizeof symbol);
  file.insert(file.end(), names.begin(), names.end());
  const std::uint64_t sections = file.size();
  const arch::Elf64SectionHeader headers[2] = {
      {0, arch::SectionType::kSymtab, 0, 0, table, sizeof symbol, 1, 0, 8, sizeof symbol},
      {0, arch::SectionType::kStrtab, 0, 0, table + sizeof symbol, names.size(), 0, 0, 1, 0}};
  bytes = reinterpret_cast<const std::uint8_t*>(headers);
  file.insert(file.end(), bytes, bytes + sizeof headers);
  poke<std::uint64_t>(file, offsetof(arch::Elf64Header, shoff), sections);
  poke<std::uint16_t>(file, offsetof(arch::Elf64Header, shnum), 2);
  poke<std::uint16_t>(file, offsetof(arch::Elf64Header, shentsize), sizeof headers[0]);
  config.htif = true;
  return config;
}

TEST(Htif, TohostEndsTheRunAtTheStore) {
  // Two stores elsewhere in the page first: they must not lose the watch.
  Code code;
  append_address(code, t0, 0x80001);
  code.insert(code.end(), {addi(t1, zero, 15), sd(t1, t0, 256), sd(t1, t0, 264), sd(t1, t0, 0),
                           addi(a2, zero, 1), jump(0)});
  Machine machine(with_tohost(config_for(BootMode::kBare, code), kRam + 0x1000));
  ASSERT_EQ(machine.symbol("tohost"), kRam + 0x1000);
  const Stop stop = machine.run({.max_insns = 1000});
  EXPECT_EQ(stop.reason, StopReason::kExited);
  EXPECT_EQ(stop.exit_status, 7);
  EXPECT_EQ(stop.icount, 7U);
  EXPECT_EQ(machine.hart().x(a2), 0U);
}

TEST(Htif, TohostInACodePageEndsTheRunToo) {
  // tohost right behind the code, in the page that runs: the block cache and HTIF watch the same page.
  Code code{auipc(t0, 0), addi(t1, zero, 11), sd(t1, t0, 512), sd(t1, t0, 256), jump(0)};
  Machine machine(with_tohost(config_for(BootMode::kBare, code), kRam + 256));
  const Stop stop = machine.run({.max_insns = 1000});
  EXPECT_EQ(stop.reason, StopReason::kExited);
  EXPECT_EQ(stop.exit_status, 5);
}

TEST(Htif, TohostConsolePrints) {
  Code code;
  append_address(code, t0, 0x80001);
  code.insert(code.end(), {addi(t1, zero, 0x101), slli(t1, t1, 48), addi(t1, t1, 'Q'), sd(t1, t0, 0),
                           ld(t2, t0, 0), addi(t1, zero, 1), sd(t1, t0, 0), jump(0)});
  Config config = with_tohost(config_for(BootMode::kBare, code), kRam + 0x1000);
  const auto uart = std::make_shared<TextSink>();
  config.uart = uart;
  Machine machine(config);
  EXPECT_EQ(machine.run({.max_insns = 1000}).exit_status, 0);
  EXPECT_EQ(uart->text, "Q");
  EXPECT_EQ(machine.hart().x(t2), 0U);
}

}  // namespace
}  // namespace quire
