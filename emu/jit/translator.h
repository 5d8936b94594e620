// The translator: runs one hart by host code that is made from blocks of guest code.
//
// Invariant: as HartEngine says. Blocks that have not run often enough yet, and all that translated code
// leaves to calls, run by execute() (emu/hart/execute.h), as in every engine.
#pragma once

#include <memory>
#include <string>

#include "emu/hart/engine.h"
#include "emu/hart/hart.h"
#include "emu/jit/switches.h"

namespace quire::jit {

struct TranslatorSettings {
  usize code_bytes = usize{64} << 20;  ///< at most this much host code; a multiple of 2 MiB
  bool perf_map = false;               ///< tells perf(1) of the blocks, in /tmp/perf-PID.map
  unsigned threshold = 4;  ///< times that a block runs one by one before it is translated; up to 254
  unsigned hot = 2;  ///< times that a block is found running, once a slice, before it is made anew for speed
  Switches switches = {};  ///< what is left out
};

/// Why there can be no translator on this host; empty: there can.
std::string translator_problem();

class Translator final : public HartEngine {
 public:
  /// Throws Error(kInternal) where translator_problem() says why, or there is no memory to run code from.
  explicit Translator(Hart& hart, const TranslatorSettings& settings = {});
  ~Translator() override;
  Translator(const Translator&) = delete;
  Translator& operator=(const Translator&) = delete;

  RunExit run(u64 until_icount) override;
  void set_breakpoints(std::vector<u64> pcs, std::vector<PcRange> ranges) override;
  void forget_passed_breakpoint() override;
  PassedBreakpoint passed_breakpoint() const override;
  void set_passed_breakpoint(const PassedBreakpoint& passed) override;
  EngineStats stats() const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quire::jit
