#include "emu/machine/engines.h"

#include <utility>

#include "emu/interp/interpreter.h"
#include "quire/error.h"
#include "quire/machine.h"
#if QUIRE_JIT
#include "emu/jit/code_memory.h"
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

std::string translator_trial() {
  std::string problem = translator_problem();
#if QUIRE_JIT
  constexpr usize kTrialBytes = usize{2} << 20;
  try {
    if (problem.empty()) {
      const jit::CodeMemory trial(kTrialBytes);
    }
  } catch (const Error& error) {
    problem = error.what();
  }
#endif
  return problem;
}

void check_switches([[maybe_unused]] const std::vector<std::string>& off) {
#if QUIRE_JIT
  jit::Switches::off(off);
#endif
}

namespace {

std::unique_ptr<HartEngine> make_translator([[maybe_unused]] const EngineConfig& config,
                                            [[maybe_unused]] Hart& hart) {
#if QUIRE_JIT
  return std::make_unique<jit::Translator>(
      hart, jit::TranslatorSettings{.code_bytes = config.code_bytes,
                                    .perf_map = config.perf_map,
                                    .threshold = config.threshold,
                                    .hot = config.hot,
                                    .switches = jit::Switches::off(config.off)});
#else
  return nullptr;
#endif
}

}  // namespace

ChosenEngine make_engine(const EngineConfig& config, Hart& hart) {
  std::string instead;
  if (config.kind != EngineKind::kInterpreter) {
    try {
      if (const std::string problem = translator_problem(); !problem.empty()) {
        throw Error(ErrorKind::kUsage, problem);
      }
      return {make_translator(config, hart), EngineKind::kTranslator, {}};
    } catch (const Error& error) {
      if (config.kind == EngineKind::kTranslator) {
        throw;
      }
      instead = error.what();
    }
  }
  return {std::make_unique<Interpreter>(hart), EngineKind::kInterpreter, std::move(instead)};
}

}  // namespace quire
