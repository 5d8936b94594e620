// The interpreter: runs one hart from decoded blocks by threaded code.
//
// Invariant: run() stops exactly at the count asked for, and what is executed does not depend on how a
// run is cut into calls.
#pragma once

#include <memory>
#include <vector>

#include "emu/base/types.h"
#include "emu/block/block_cache.h"
#include "emu/hart/engine.h"
#include "emu/hart/hart.h"

namespace quire {

class Interpreter final : public HartEngine {
 public:
  explicit Interpreter(Hart& hart);
  ~Interpreter() override;
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  RunExit run(u64 until_icount) override;
  void set_breakpoints(std::vector<u64> pcs, std::vector<PcRange> ranges) override;
  void forget_passed_breakpoint() override;
  PassedBreakpoint passed_breakpoint() const override;
  void set_passed_breakpoint(const PassedBreakpoint& passed) override;
  EngineStats stats() const override;
  const BlockStats& block_stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quire
