#include "emu/machine/engines.h"

#include "emu/interp/interpreter.h"
#include "quire/error.h"
#include "quire/machine.h"
#if QUIRE_JIT
#include "emu/jit/translator.h"
#endif

namespace quire {

std::string translator_problem() {
#if QUIRE_JIT
  return jit::translator_problem();
#else
  return "this build has no translator: it is made on x86-64 where AsmJit (libasmjit-dev) is installed; use "
         "the engine "
         "'interp'";
#endif
}

std::unique_ptr<HartEngine> make_engine(const EngineConfig& config, Hart& hart) {
  if (config.kind == EngineKind::kInterpreter) return std::make_unique<Interpreter>(hart);
  if (const std::string problem = translator_problem(); !problem.empty()) {
    throw Error(ErrorKind::kUsage, problem);
  }
#if QUIRE_JIT
  return std::make_unique<jit::Translator>(
      hart, jit::TranslatorSettings{
                .code_bytes = config.code_bytes, .perf_map = config.perf_map, .threshold = config.threshold});
#else
  return nullptr;
#endif
}

}  // namespace quire
