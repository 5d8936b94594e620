// Guest code, IR and host code of typical blocks, held against golden.txt: a worse translation shows in
// review.
//
// With QUIRE_UPDATE_GOLDEN=1 in the environment the file is written anew instead.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "emu/jit/lower_x86.h"
#include "emu/jit/passes.h"
#include "tests/unit/emu/jit/blocks.h"

namespace quire::jit {
namespace {

struct Sample {
  const char* name;
  const char* source;
  bool is_hot = false;  ///< with windows
};

// Each ends as compilers end blocks: by a branch, jump or return.
constexpr Sample kSamples[] = {
    {"count down", "addi a0, a0, -1\n bnez a0, .-16"},
    {"copy a word and go on",
     "ld a4, 0(a1)\n sd a4, 0(a0)\n addi a1, a1, 8\n addi a0, a0, 8\n bne a1, a2, .-16"},
    {"byte loop of strlen", "lbu a4, 0(a5)\n addi a5, a5, 1\n bnez a4, .-16"},
    {"prologue", "addi sp, sp, -32\n sd ra, 24(sp)\n sd s0, 16(sp)\n addi s0, sp, 32\n j .+64"},
    {"epilogue", "ld ra, 24(sp)\n ld s0, 16(sp)\n addi sp, sp, 32\n ret"},
    {"call nearby", "li a0, 1\n jal ra, .+256"},
    {"call far", "auipc ra, 16\n jalr ra, 32(ra)"},
    {"call through a pointer", "ld a5, 8(a0)\n jalr a5"},
    {"jump table", "sh2add a5, a5, a4\n lw a5, 0(a5)\n add a5, a5, a4\n jr a5"},
    {"constant of 32 bits", "lui a5, 0x12345\n addiw a5, a5, 0x678\n ret"},
    {"constant of 64 bits", "lui a5, 0xfffff\n addi a5, a5, -1\n slli a5, a5, 12\n addi a5, a5, 0x55\n ret"},
    {"global variable", "auipc a5, 4\n lw a0, 16(a5)\n ret"},
    {"words", "addw a0, a0, a1\n subw a2, a0, a3\n slliw a4, a2, 3\n sraiw a5, a2, 2\n ret"},
    {"registers in memory", "add t0, t1, t2\n xor s5, t0, s6\n and s7, s5, t4\n ret"},
    {"logic", "andi a0, a0, 0xff\n ori a1, a1, 1\n xori a2, a2, -1\n and a3, a0, a1\n ret"},
    {"shifts", "sll a0, a1, a2\n srl a3, a4, a5\n sra a6, a0, a1\n srlw a0, a1, a2\n ret"},
    {"zero extension without Zba", "slli a0, a0, 32\n srli a0, a0, 32\n ret"},
    {"comparisons", "slt a0, a1, a2\n sltu a3, a4, a5\n seqz a6, a0\n snez s1, a3\n ret"},
    {"minimum and maximum", "min a0, a1, a2\n maxu a3, a4, a5\n ret"},
    {"conditional zero", "czero.eqz a0, a1, a2\n czero.nez a3, a4, a2\n or a0, a0, a3\n ret"},
    {"multiplication", "mul a0, a1, a2\n mulhu a3, a1, a2\n mulw a4, a1, a2\n ret"},
    {"division", "div a0, a1, a2\n remu a3, a1, a2\n ret"},
    {"rotation", "rori a0, a1, 13\n rolw a2, a3, a4\n rev8 a5, a0\n ret"},
    {"bits", "clz a0, a1\n ctz a2, a3\n cpop a4, a5\n bext a6, a0, a1\n andn s1, a2, a3\n ret"},
    {"CRC step", "clmul a0, a1, a2\n clmulh a3, a1, a2\n xor a0, a0, a3\n ret"},
    {"byte and halfword stores", "sb a0, 0(a1)\n sh a2, 2(a1)\n sb zero, 4(a1)\n ret"},
    {"double arithmetic", "fld fa5, 0(a0)\n fmul.d fa5, fa5, fa4\n fadd.d fa0, fa0, fa5\n ret"},
    {"single arithmetic", "flw fa5, 0(a0)\n fmadd.s fa0, fa5, fa4, fa0\n fsw fa0, 0(a1)\n ret"},
    {"double comparison", "flt.d a5, fa0, fa1\n beqz a5, .+32"},
    {"conversions", "fcvt.d.w fa0, a0\n fcvt.w.d a1, fa1, rtz\n fcvt.s.d fa2, fa0\n fmv.x.d a2, fa0\n ret"},
    {"atomic", "amoadd.w a0, a1, (a2)\n ret"},
    {"locked counter", "lr.w a4, (a0)\n addw a4, a4, a1\n sc.w a5, a4, (a0)\n bnez a5, .-16"},
    {"into a kernel", "csrrw tp, sscratch, tp\n csrr s1, sstatus\n csrr a0, scause\n j .+64"},
    {"interrupts off and on", "csrrci a5, sstatus, 2\n csrsi sstatus, 2\n ret"},
    {"interrupts as they were", "andi a5, a5, 2\n csrs sstatus, a5\n ret"},
    {"sum of products of singles",
     "flw fa5, 0(a0)\n flw fa4, 0(a1)\n fmadd.s fa0, fa5, fa4, fa0\n addi a0, a0, 4\n bne a0, a2, .-20"},
    {"scan with two ways out", "lbu a4, 0(a5)\n beqz a4, .+40\n beq a4, a1, .+60\n addi a5, a5, 1\n j .-16"},
    {"clamp and store", "bge a0, a1, .+12\n mv a0, a1\n sw a0, 0(a2)\n sw a0, 4(a2)\n ret"},
    {"system call", "li a7, 64\n ecall"},
    {"out of a kernel", "csrw sstatus, a0\n csrw sepc, a2\n ld a0, 80(sp)\n sret"},
    {"access to a user's word", "csrs sstatus, t6\n lw a5, 0(a1)\n csrc sstatus, t6\n ret"},
    {"page of zeros", "cbo.zero (a0)\n addi a0, a0, 64\n bltu a0, a5, .-8"},
    {"registers that are kept", "fsd fs0, 120(a0)\n fsd fs1, 128(a0)\n ret"},
    {"hot loop over bytes", "lbu a4, 0(a5)\n addi a5, a5, 1\n sb a4, -1(a5)\n bnez a4, .-20", true},
    {"hot loop over registers that have none",
     "lw t0, 0(t1)\n add t2, t2, t0\n addi t1, t1, 4\n bne t1, t3, .-8", true},
    {"hot clearing of memory", "sd zero, 0(a0)\n sd zero, 8(a0)\n addi a0, a0, 16\n bne a0, a2, .-12", true},
};

/// A table of windows, and code from which it can be reached.
struct HotCode {
  WindowTable table{.key = 0, .count = 4, .runs = 0, .block_offset = 0x100, .on_trial = false};
  Window windows[4]{};
  u8 code[4096];

  /// Addresses in the table as offsets.
  std::string relative(const std::string& text) const {
    static const std::string kWord = "[rel ";
    std::string result;
    usize at = 0;
    for (usize found; (found = text.find(kWord, at)) != std::string::npos;) {
      usize length;
      const u64 address = std::stoull(text.substr(found + kWord.size()), &length);
      result +=
          text.substr(at, found - at) + fmt::format("[windows+{}", address - reinterpret_cast<u64>(&table));
      at = found + kWord.size() + length;
    }
    return result + text.substr(at);
  }
};

/// Lines of AsmJit's log that are instructions.
usize instructions(const asmjit::StringLogger& log) {
  std::istringstream lines(std::string(log.data(), log.dataSize()));
  usize count = 0;
  for (std::string line; std::getline(lines, line);) {
    count += !line.empty() && line.find(':') == std::string::npos ? 1 : 0;
  }
  return count;
}

std::string describe(const Sample& sample) {
  Ir ir = test::recorded(sample.source);
  optimize(ir);
  EXPECT_EQ(check(ir), "") << sample.name;

  asmjit::CodeHolder code;
  HotCode hot_code;
  code.init(asmjit::Environment::host(), sample.is_hot ? reinterpret_cast<u64>(hot_code.code) : 0x1000'0000);
  asmjit::StringLogger log;
  code.setLogger(&log);
  x86::Assembler assembler(&code);
  const Stubs stubs{};
  TranslatedPage page{};
  std::deque<CallSite> sites;
  std::deque<Link> links;
  LowerTarget target{stubs, page, 0, sites, links};
  const HalfwordSet plain;
  target.is_hot = sample.is_hot;
  if (sample.is_hot) {
    target.windows = &hot_code.table;
    target.plain = &plain;
  }
  LowerX86 lower(ir, target, assembler);
  lower.emit_hot();
  const usize hot = instructions(log);
  std::string text = hot_code.relative(std::string(log.data(), log.dataSize()));
  lower.emit_cold();
  const std::string address = fmt::format("{}", reinterpret_cast<u64>(&page));
  for (usize at; (at = text.find(address)) != std::string::npos;) text.replace(at, address.size(), "page");

  std::string result = fmt::format("=== {}: {} guest, {} host, {} cold\n", sample.name, ir.insns.size(), hot,
                                   instructions(log) - hot);
  std::istringstream source(sample.source);
  for (std::string line; std::getline(source, line);) {
    result += fmt::format("  {}\n", line.substr(line.find_first_not_of(' ')));
  }
  return result + "--- IR\n" + to_text(ir) + "--- host\n" + text;
}

std::string path() { return std::string(QUIRE_SOURCE_DIR) + "/tests/unit/emu/jit/golden.txt"; }

TEST(Golden, TypicalBlocksAreTranslatedAsBefore) {
  std::string now;
  for (const Sample& sample : kSamples) now += describe(sample) + "\n";
  if (std::getenv("QUIRE_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path()) << now;
    return;
  }
  std::ifstream file(path());
  std::stringstream before;
  before << file.rdbuf();
  EXPECT_EQ(now, before.str()) << "if it is better, run with QUIRE_UPDATE_GOLDEN=1 and review the difference";
}

}  // namespace
}  // namespace quire::jit
