#include "tests/unit/emu/engines/engine_under_test.h"

#include "emu/jit/translator.h"

namespace quire::test {

/// Everything is translated the second time that it runs: the short programs of the tests would stay cold.
std::unique_ptr<HartEngine> make_engine_under_test(Hart& hart) {
  return std::make_unique<jit::Translator>(
      hart, jit::TranslatorSettings{.code_bytes = 2 << 20, .threshold = 1, .hot = 0});
}

}  // namespace quire::test
