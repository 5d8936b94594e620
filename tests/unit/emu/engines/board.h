// A board with the engine that a program of tests is about, and another way to run the same program: without
// blocks, instruction by instruction, which is what engines are held against.
#pragma once

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "emu/hart/engine.h"
#include "emu/hart/execute.h"
#include "emu/hart/hart.h"
#include "tests/unit/emu/engines/engine_under_test.h"
#include "tests/unit/emu/isa/binutils.h"
#include "tests/unit/emu/mem/page_tables.h"

namespace quire::test {

constexpr u64 kPort = 0x1000'0000;

struct FixedEnv final : HartEnv {
  u64 time() override { return 0; }
  bool sbi_call(HartState&) override { return false; }
};

class Port final : public Device {
 public:
  std::function<void(u64)> on_write = [](u64) {};
  std::string_view name() const override { return "port"; }
  void reset() override {}
  void transfer(StateArchive& /*archive*/) override {}
  u64 read(u64, unsigned) override { return 0; }
  void write(u64, unsigned, u64 value) override { on_write(value); }
};

/// Code starts at kRam, in M-mode.
struct Board {
  Ram ram{PhysAddr(kRam), 0x40'0000};
  Bus bus{ram};
  FixedEnv env;
  Port port;
  std::unique_ptr<Hart> owner;
  std::unique_ptr<HartEngine> engine;

  explicit Board(const std::string& source, const TlbConfig& tlb = {}) : Board(assemble(source), tlb) {}
  explicit Board(const std::vector<u8>& code, const TlbConfig& tlb = {},
                 ExtensionSet extensions = kDefaultExtensions) {
    bus.add_device(PhysAddr(kPort), 0x1000, &port);
    ram.write(PhysAddr(kRam), code);
    owner = std::make_unique<Hart>(0, bus, tlb, env, extensions);
    engine = make_engine_under_test(*owner);
    hart().reset(kRam, Privilege::kMachine, 0, 0);
    hart().mmu().pmp().allow_everything();
  }
  Hart& hart() { return *owner; }
  HartState& state() { return owner->state(); }
  u64 x(unsigned r) { return state().x[r]; }
  RunExit run(u64 until) { return engine->run(until); }
  /// The same without blocks.
  void step(u64 until) {
    while (state().icount < until) {
      hart().take_pending_interrupt();
      if (const auto insn = fetch(hart())) execute(hart(), *insn);
    }
  }
  std::vector<u64> everything() {
    std::vector<u64> out;
    hart().append_architectural_state(out);
    for (u64 offset = 0; offset < ram.size_bytes(); offset += 8) {
      u64 word;
      std::memcpy(&word, ram.host(PhysAddr(kRam + offset)), 8);
      if (word != 0) out.insert(out.end(), {offset, word});
    }
    return out;
  }
};

}  // namespace quire::test
