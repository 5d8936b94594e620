// Any bytes as code: the interpreter against execution one instruction at a time.
//
// Five worlds made alike run the same instructions: one through fetch() and execute() alone, two through the
// interpreter, in the longest runs there can be and in runs of random lengths, and likewise two through the
// translator. At
// every event from outside and at the end all of the architectural state and of RAM must be the same, the
// count exact and x0 zero. A difference is narrowed to the first instruction after which it shows.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "emu/hart/execute.h"
#include "emu/isa/decode.h"
#include "tests/fuzz/insn_encodings.h"
#include "tests/fuzz/insn_world.h"

namespace quire::fuzz {
namespace {

enum class Engine : u8 { kOneByOne, kWhole, kSliced, kTranslated, kTranslatedSliced };
constexpr const char* kEngineNames[] = {"one by one", "in one run", "in slices", "translated in one run",
                                        "translated in slices"};

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "insn_fuzz: %s\n", what);
  std::abort();
}

/// What Interpreter::run() means, without an interpreter.
RunExit run_one_by_one(Hart& hart, u64 until_icount) {
  HartState& state = hart.state();
  while (true) {
    if (hart.exit_requested()) {
      hart.clear_exit_request();
      return RunExit::kRequest;
    }
    if (state.icount >= until_icount) return RunExit::kCount;
    if (hart.waiting()) return RunExit::kWfi;
    state.waiting = 0;
    hart.take_pending_interrupt();
    if (const auto insn = fetch(hart)) execute(hart, *insn);
  }
}

/// A world and what runs it.
class Runner {
 public:
  Runner(const Plan& plan, Engine engine)
      : world_(plan, engine >= Engine::kTranslated ? EngineKind::kTranslator : EngineKind::kInterpreter),
        engine_(engine),
        slices_(plan.header.world_seed),
        slice_limit_(slice_limit(plan)) {}

  World& world() { return world_; }
  const char* name() const { return kEngineNames[static_cast<unsigned>(engine_)]; }

  /// To this count, or to where the hart waits.
  void advance(u64 until_icount) {
    while (true) {
      const u64 before = icount();
      const u64 target = engine_ == Engine::kSliced || engine_ == Engine::kTranslatedSliced
                             ? std::min(until_icount, before + 1 + slices_.below(slice_limit_))
                             : until_icount;
      const RunExit exit =
          engine_ == Engine::kOneByOne ? run_one_by_one(world_.hart(), target) : world_.engine().run(target);
      require(world_.hart().state().x[0] == 0, "x0 was written");
      require(icount() <= target, "ran past the count");
      if (exit == RunExit::kCount) {
        require(icount() == target, "stopped before the count");
        if (target == until_icount) return;
      } else if (exit == RunExit::kWfi) {
        require(world_.hart().waiting(), "does not wait");
        return;
      }
    }
  }

 private:
  u64 icount() { return world_.hart().state().icount; }
  static u64 slice_limit(const Plan& plan) { return (plan.header.world_seed & 3) == 0 ? 1 : 40; }

  World world_;
  Engine engine_;
  Random slices_;
  u64 slice_limit_;
};

std::string describe_word(usize index) {
  if (index < 32) return "x" + std::to_string(index);
  if (index < 64) return "f" + std::to_string(index - 32);
  if (index == 64) return "pc";
  if (index == 65) return "icount";
  return "word " + std::to_string(index) + " of World::state()";
}

/// Where the states of two worlds differ, or nothing.
std::optional<std::string> state_difference(Runner& expected, Runner& got) {
  const auto a = expected.world().state();
  const auto b = got.world().state();
  if (a == b) return {};
  for (usize i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (a[i] == b[i]) continue;
    char text[200];
    std::snprintf(text, sizeof text, "%s: %#llx %s, %#llx %s", describe_word(i).c_str(),
                  static_cast<unsigned long long>(a[i]), expected.name(),
                  static_cast<unsigned long long>(b[i]), got.name());
    return text;
  }
  if (a.size() != b.size()) return "the TLBs hold different numbers of entries";
  return {};
}

std::optional<std::string> ram_difference(Runner& expected, Runner& got) {
  const auto a = expected.world().ram().bytes();
  const auto b = got.world().ram().bytes();
  if (std::memcmp(a.data(), b.data(), a.size()) == 0) return {};
  const auto at = static_cast<usize>(std::mismatch(a.begin(), a.end(), b.begin()).first - a.begin());
  char text[200];
  std::snprintf(text, sizeof text, "RAM at %#llx: %#x %s, %#x %s",
                static_cast<unsigned long long>(kRamBase + at), a[at], expected.name(), b[at], got.name());
  return text;
}

/// Runs worlds side by side, `budget` instructions at most; the first difference of the others from the first
/// one.
std::optional<std::string> compare(const Plan& plan, std::span<Runner* const> runners, u64 budget) {
  const auto states_differ = [&]() -> std::optional<std::string> {
    for (Runner* got : runners.subspan(1)) {
      if (auto found = state_difference(*runners[0], *got)) return found;
    }
    return {};
  };
  for (const Event& event : plan.events) {
    if (event.at_icount > budget) break;
    // Where a hart waits, time passes until the next event.
    for (Runner* runner : runners) runner->advance(event.at_icount);
    if (auto found = states_differ()) return found;
    for (Runner* runner : runners) runner->world().act(event);
  }
  for (Runner* runner : runners) runner->advance(budget);
  if (auto found = states_differ()) return found;
  for (Runner* got : runners.subspan(1)) {
    if (auto found = ram_difference(*runners[0], *got)) return found;
  }
  return {};
}

std::optional<std::string> compare_engines(const Plan& plan, u64 budget) {
  Runner one_by_one(plan, Engine::kOneByOne);
  Runner whole(plan, Engine::kWhole);
  Runner sliced(plan, Engine::kSliced);
#if QUIRE_JIT
  Runner translated(plan, Engine::kTranslated);
  Runner translated_sliced(plan, Engine::kTranslatedSliced);
  return compare(plan, std::array{&one_by_one, &whole, &sliced, &translated, &translated_sliced}, budget);
#else
  return compare(plan, std::array{&one_by_one, &whole, &sliced}, budget);
#endif
}

/// The instruction that comes after `count` others.
void print_instruction(const Plan& plan, u64 count) {
  Runner runner(plan, Engine::kOneByOne);
  compare(plan, std::array{&runner}, count);
  Hart& hart = runner.world().hart();
  const HartState& state = hart.state();
  std::fprintf(stderr, "  %4llu  privilege %u  pc %#llx  ", static_cast<unsigned long long>(count),
               static_cast<unsigned>(state.privilege), static_cast<unsigned long long>(state.pc));
  if (const auto insn = fetch(hart)) {
    std::fprintf(stderr, "%s rd %u rs1 %u rs2 %u imm %#x, raw %#x\n", op_info(insn->op).name, insn->rd,
                 insn->rs1, insn->rs2, static_cast<unsigned>(insn->imm), insn->raw);
  } else {
    std::fprintf(stderr, "(traps when fetched)\n");
  }
}

/// Says after which instruction the difference shows first, and what came before it.
[[noreturn]] void report(const Plan& plan, const std::string& difference) {
  constexpr u64 kShown = 12;
  std::fprintf(stderr, "insn_fuzz: %s\n", difference.c_str());
  u64 budget = 0;
  std::optional<std::string> first;
  while (budget < plan.budget && !(first = compare_engines(plan, budget))) ++budget;
  if (first) {
    std::fprintf(stderr, "after %llu instructions: %s\n", static_cast<unsigned long long>(budget),
                 first->c_str());
  }
  for (u64 count = budget - std::min(budget, kShown); count <= budget; ++count)
    print_instruction(plan, count);
  std::abort();
}

/// The decoder against the table's patterns, read one after another.
void check_decoder(std::span<const u8> code) {
  for (usize at = 0; at + sizeof(u32) <= code.size(); at += 2) {
    u32 raw;
    std::memcpy(&raw, code.data() + at, sizeof raw);
    const Insn insn = decode(raw);
    require(
        insn.op < Op::kCount && insn.rd <= kSinkRegister && insn.rs1 < 32 && insn.rs2 < 32 && insn.rs3 < 32,
        "a decoded field is out of range");
    require(insn.length == insn_length(static_cast<u16>(raw)), "the length is not the encoding's");
    require(!has_flag(insn.op, kWritesX) || insn.rd != 0, "a result would go to x0");
    if (insn.length == 2) {
      require(insn == decode(raw & 0xffff), "the upper half matters to a compressed instruction");
      continue;
    }
    const Op expected = op_by_pattern(raw);
    const bool reserved_rounding = insn.op == Op::illegal && has_rm(op_info(expected).format) &&
                                   ((raw >> 12 & 7) == 5 || (raw >> 12 & 7) == 6);
    require(insn.op == expected || reserved_rounding, "the decoder and the table disagree");
  }
}

}  // namespace
}  // namespace quire::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quire::fuzz;
  const Plan plan = Plan::parse({data, size});
  check_decoder(plan.code);
  if (const auto difference = compare_engines(plan, plan.budget)) report(plan, *difference);
  return 0;
}
