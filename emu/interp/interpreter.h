// The interpreter: runs one hart from decoded blocks by threaded code.
//
// Invariant: run() stops exactly at the count asked for, and what is executed does not depend on how a
// run is cut into calls.
#pragma once

#include <memory>

#include "emu/base/types.h"
#include "emu/hart/hart.h"

namespace quire {

enum class RunExit : u8 {
  kCount,    ///< icount reached the limit
  kRequest,  ///< request_exit(); the request is consumed
  kWfi,      ///< the hart waits for an interrupt; again at once for as long as none is pending
};

class Interpreter {
 public:
  explicit Interpreter(Hart& hart);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  /// Runs until icount is `until_icount`. Pending interrupts are taken first, and at the limit not: an event
  /// due at that count can still act before the next instruction.
  RunExit run(u64 until_icount);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quire
