#include "tests/unit/emu/engines/engine_under_test.h"

#include "emu/interp/interpreter.h"

namespace quire::test {

std::unique_ptr<HartEngine> make_engine_under_test(Hart& hart) { return std::make_unique<Interpreter>(hart); }

}  // namespace quire::test
