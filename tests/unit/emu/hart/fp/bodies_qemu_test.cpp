// Every body but those of system instructions and sc, against qemu-riscv64: x and f results, fflags, memory,
// branches. Floating point runs twice, on the host path and in software.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

#include "emu/isa/decode.h"
#include "tests/unit/emu/hart/fp/test_context.h"
#include "tests/unit/emu/hart/fp/values.h"

namespace quire::test {
namespace {

// As in qemu_guest.c.
constexpr u64 kCode = 0x2000'0000;
struct Header {
  u32 stubs, cases;
};
struct Case {
  u32 stub, fcsr;
  u64 x10, x11, f10, f11, f12, memory[2];
};
struct Result {
  u64 x10, f10, fcsr, not_taken, memory[2];
};

constexpr u64 stub_pc(u32 stub) { return kCode + 32 * u64{stub} + 4; }

class Oracle {
 public:
  Oracle() {
    std::string name = (std::filesystem::temp_directory_path() / "quire-qemu-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) dir_ = name;
  }
  ~Oracle() {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  std::vector<Result> run(const std::vector<u32>& words, const std::vector<Case>& cases) const {
    std::ofstream out(dir_ / "in", std::ios::binary);
    const Header header{static_cast<u32>(words.size()), static_cast<u32>(cases.size())};
    const auto write = [&](const void* p, usize n) {
      out.write(static_cast<const char*>(p), static_cast<std::streamsize>(n));
    };
    write(&header, sizeof header);
    write(words.data(), words.size() * sizeof words[0]);
    write(cases.data(), cases.size() * sizeof cases[0]);
    out.close();
    const std::string source = QUIRE_SOURCE_DIR "/tests/unit/emu/hart/fp/qemu_guest.c";
    const std::string guest = (dir_ / "guest").string();
    shell("riscv64-linux-gnu-gcc -O2 -static -march=rv64gc " + source + " -o " + guest,
          "gcc-riscv64-linux-gnu");
    shell("qemu-riscv64 -cpu max " + guest + " " + (dir_ / "in").string() + " " + (dir_ / "out").string(),
          "qemu-user");
    std::ifstream in(dir_ / "out", std::ios::binary);
    std::vector<Result> results(cases.size());
    in.read(reinterpret_cast<char*>(results.data()),
            static_cast<std::streamsize>(results.size() * sizeof(Result)));
    EXPECT_EQ(static_cast<usize>(in.gcount()), results.size() * sizeof(Result));
    return results;
  }

 private:
  static void shell(const std::string& command, const char* package) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command << "\nneeds the Debian package " << package;
  }

  std::filesystem::path dir_;
};

/// Whether a stub can hold the instruction; cache blocks are larger than its memory.
bool is_covered(Op op) {
  const Group group = op_info(op).group;
  const bool on_block = group == Group::Zicbom || group == Group::Zicboz;
  return !has_flag(op, kSystem) && op != Op::sc_w && op != Op::sc_d && !on_block;
}

/// Of the floating-point operands, as the mnemonic's last part says it.
FpFmt operand_format(Op op) {
  const std::string_view name = op_info(op).name;
  if (name.ends_with("_h") || op == Op::fsh) return FpFmt::kHalf;
  if (name.ends_with("_s") || op_info(op).group == Group::F) return FpFmt::kSingle;
  return FpFmt::kDouble;
}

class CaseMaker {
 public:
  explicit CaseMaker(u64 seed) : random_(seed), operands_(seed + 1) {}

  /// The word of `op` with a fixed choice of registers and the rest random.
  u32 word(Op op) {
    u32 mask = 0;
    u32 value = 0;
    for (const char* p = op_info(op).pattern; *p != 0; ++p) {
      if (*p == ' ') continue;
      mask = mask << 1 | (*p != '-' ? 1 : 0);
      value = value << 1 | (*p == '1' ? 1 : 0);
    }
    u32 bits = static_cast<u32>(random_());
    const Format format = op_info(op).format;
    const bool in_memory = has_flag(op, kLoad | kStore);
    const auto put = [&bits](unsigned low, unsigned width, u32 v) {
      const u32 field = ((1U << width) - 1) << low;
      bits = (bits & ~field) | (v << low & field);
    };
    if (format != Format::B && format != Format::S) put(7, 5, 10);
    if (format != Format::U && format != Format::J) put(15, 5, in_memory ? 12 : op == Op::jalr ? 11 : 10);
    if (format != Format::I && format != Format::Shift && format != Format::U && format != Format::J) {
      if (format != Format::ShiftW) put(20, 5, 11);
    }
    if (format == Format::R4Rm) put(27, 5, 12);
    if (has_rm(format)) {
      constexpr u32 kModes[] = {0, 1, 2, 3, 4, 7};
      put(12, 3, kModes[random_() % 6]);
    }
    const u32 offset = static_cast<u32>(random_() % 9);
    if (format == Format::S) put(25, 7, 0), put(7, 5, offset);
    if (format == Format::I && in_memory) put(20, 12, offset);
    if (op == Op::jalr) put(20, 12, 0);
    if (format == Format::B) put(25, 7, 0), put(7, 5, 8);  // to pc + 8
    if (format == Format::J) put(12, 20, 8 << 8);          // to pc + 8
    return value | (bits & ~mask);
  }

  Case operands(u32 stub, Op op) {
    const FpFmt format = operand_format(op);
    const auto freg = [&] {
      return format == FpFmt::kHalf     ? operands_.reg<FpFmt::kHalf>()
             : format == FpFmt::kSingle ? operands_.reg<FpFmt::kSingle>()
                                        : operands_.reg<FpFmt::kDouble>();
    };
    Case c{};
    c.stub = stub;
    c.fcsr = static_cast<u32>(random_() % 5 << 5 | random_() % 32 * (random_() % 4 == 0));
    c.x10 = operands_.integer();
    c.x11 = random_() % 4 == 0 ? c.x10 : operands_.integer();
    if (op == Op::jalr) c.x11 = stub_pc(stub) + 8 + random_() % 2;
    c.f10 = freg();
    c.f11 = random_() % 8 == 0 ? c.f10 : freg();
    c.f12 = freg();
    for (u64& m : c.memory) m = operands_.integer();
    if (op_info(op).group == Group::Zacas && random_() % 2 == 0) {  // as amocas expects it
      c.memory[0] = c.x10;
      c.memory[1] = c.x11;
    }
    return c;
  }

 private:
  std::mt19937_64 random_;
  fp::test::Operands operands_;
};

/// What we make of a case; `env` is in force or not, as the caller likes.
Result ours(const Insn& insn, const Case& c, fp::Env& env) {
  TestContext context;
  context.env = &env;
  fp::set_flags(env, c.fcsr & 0x1f);
  fp::set_frm(env, static_cast<u8>(c.fcsr >> 5));
  context.pc_value = stub_pc(c.stub);
  context.memory_base = 0x1000;
  std::memcpy(context.memory, c.memory, sizeof c.memory);
  context.regs[10] = c.x10;
  context.regs[11] = c.x11;
  context.regs[12] = context.memory_base;
  context.fregs[10] = c.f10;
  context.fregs[11] = c.f11;
  context.fregs[12] = c.f12;
  EXPECT_TRUE(step(context, insn)) << op_info(insn.op).name;
  Result r{context.regs[10], context.fregs[10], 0, 0, {}};
  r.fcsr = u64{env.frm} << 5 | fp::collect_flags(env);
  r.not_taken = context.next == context.pc_value + 4 ? 1 : 0;
  EXPECT_TRUE(r.not_taken != 0 || context.next == context.pc_value + 8) << op_info(insn.op).name;
  std::memcpy(r.memory, context.memory, sizeof r.memory);
  return r;
}

std::string show(const Result& r) {
  std::ostringstream text;
  text << std::hex << "x10 " << r.x10 << " f10 " << r.f10 << " fcsr " << r.fcsr << " not taken "
       << r.not_taken << " memory " << r.memory[0] << " " << r.memory[1];
  return text.str();
}

}  // namespace

TEST(Bodies, AgreeWithQemu) {
  constexpr unsigned kVariants = 24;
  constexpr unsigned kCasesEach = 240;
  constexpr u64 kSeed = 77;
  CaseMaker maker(kSeed);
  std::vector<u32> words;
  std::vector<Case> cases;
  for (unsigned n = 1; n < kOpCount; ++n) {
    const Op op = static_cast<Op>(n);
    if (!is_covered(op)) continue;
    for (unsigned variant = 0; variant < kVariants; ++variant) {
      words.push_back(maker.word(op));
      ASSERT_EQ(decode(words.back()).op, op) << op_info(op).name << std::hex << " " << words.back();
      for (unsigned k = 0; k < kCasesEach; ++k) {
        cases.push_back(maker.operands(static_cast<u32>(words.size() - 1), op));
      }
    }
  }
  const std::vector<Result> expected = Oracle().run(words, cases);
  ASSERT_FALSE(HasFailure());
  unsigned failures = 0;
  const auto compare = [&](const char* path, usize n, const Result& got) {
    if (std::memcmp(&got, &expected[n], sizeof got) == 0 || ++failures > 20) return;
    const Insn insn = decode(words[cases[n].stub]);
    const Case& c = cases[n];
    ADD_FAILURE() << path << " " << op_info(insn.op).name << " rm " << +insn.rm << " imm " << insn.imm
                  << std::hex << " word " << insn.raw << " fcsr " << c.fcsr << " x " << c.x10 << " " << c.x11
                  << " f " << c.f10 << " " << c.f11 << " " << c.f12 << " memory " << c.memory[0] << " "
                  << c.memory[1] << "\n got " << show(got) << "\nwant " << show(expected[n]) << "\nseed "
                  << std::dec << kSeed << " case " << n;
  };
  fp::Env env;
  fp::set_fs_dirty(env, true);
  for (usize n = 0; n < cases.size(); ++n) {
    const Insn insn = decode(words[cases[n].stub]);
    compare("software", n, ours(insn, cases[n], env));
    Result on_host;
    {
      const fp::HostGuard guard(env);
      on_host = ours(insn, cases[n], env);
    }
    compare("host", n, on_host);
  }
  EXPECT_EQ(failures, 0U);
  RecordProperty("cases", std::to_string(cases.size()));
}

}  // namespace quire::test
