// The decoder against GNU as and objdump: what they encode we decode, and what they refuse we refuse.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <sstream>

#include "emu/isa/decode.h"
#include "emu/isa/fp_op.h"
#include "emu/isa/text.h"
#include "quire/arch/bits.h"
#include "tests/unit/emu/isa/binutils.h"

namespace quire::test {
namespace {

std::string show(const Insn& i) {
  std::ostringstream text;
  text << op_info(i.op).name << " rd " << +i.rd << " rs1 " << +i.rs1 << " rs2 " << +i.rs2 << " rs3 " << +i.rs3
       << " rm " << +i.rm << " imm " << i.imm << " length " << +i.length << " raw 0x" << std::hex << i.raw;
  return text.str();
}

/// Whether all but length and raw agree.
bool same_meaning(Insn a, Insn b) {
  a.length = b.length;
  a.raw = b.raw;
  return a == b;
}

constexpr const char* kModes[] = {"rne", "rtz", "rdn", "rup", "rmm", "", "", "dyn"};

/// Conversions that are always exact take no mode in this assembler, which encodes rne.
bool is_exact(Op op) {
  return op == Op::fcvt_d_w || op == Op::fcvt_d_wu || op == Op::fcvt_d_s || op == Op::fcvt_d_h ||
         op == Op::fcvt_s_h;
}

/// The constant with this number as the assembler writes it (table 25.1).
std::string fli_operand(unsigned n) {
  constexpr const char* kNames[] = {"-1",     "min",    "0x1p-16", "0x1p-15", "0x1p-8", "0x1p-7", "0.0625",
                                    "0.125",  "0.25",   "0.3125",  "0.375",   "0.4375", "0.5",    "0.625",
                                    "0.75",   "0.875",  "1",       "1.25",    "1.5",    "1.75",   "2",
                                    "2.5",    "3",      "4",       "8",       "16",     "128",    "256",
                                    "0x1p15", "0x1p16", "inf",     "nan"};
  return kNames[n];
}

/// An instruction with random operands, and the line of assembly that must give it.
class Generator {
 public:
  explicit Generator(u64 seed) : random_(seed) {}

  Insn make(Op op, std::string& line) {
    const OpInfo& info = op_info(op);
    const bool is_amo = info.group == Group::A || info.group == Group::Zacas;
    const std::string dst = (info.flags & kWritesF) != 0 ? "f" : "x";
    const std::string src = (info.flags & kReadsF) != 0 ? "f" : "x";
    Insn i;
    i.op = op;
    u8 rd = op == Op::amocas_q ? reg() & 0x1e : reg();
    if (op == Op::ori && rd == 0) rd = 1;  // some of those are prefetches
    std::ostringstream text;
    text << mnemonic(op);
    const auto set_rd = [&] { i.rd = rd == 0 && (info.flags & kWritesX) != 0 ? kSinkRegister : rd; };
    const auto named = [](const std::string& file, unsigned n) { return file + std::to_string(n); };
    switch (info.format) {
      case Format::None:
        break;
      case Format::Fence:
        if (op == Op::fence) {
          i.imm = 0x33;
          text << " rw,rw";
        }
        break;
      case Format::R:
      case Format::R1:
        i.rs1 = reg();
        if (info.group == Group::Zicbom || info.group == Group::Zicboz) {
          text << " 0(x" << +i.rs1 << ")";
          break;
        }
        if (std::string_view(info.name).starts_with("fli_")) {
          i.rd = rd;
          text << " f" << +rd << "," << fli_operand(i.rs1);
          break;
        }
        if (op == Op::fcvtmod_w_d) {
          set_rd();
          text << " x" << +rd << ",f" << +i.rs1 << ",rtz";
          break;
        }
        if (op == Op::sfence_vma || op == Op::sinval_vma) {
          i.rs2 = reg();
          text << " x" << +i.rs1 << ",x" << +i.rs2;
          break;
        }
        set_rd();
        if (is_amo) {
          constexpr const char* kOrders[] = {"", ".aq", ".rl", ".aqrl"};
          text << kOrders[random_() % 4] << " x" << +rd;
          const bool is_lr = op == Op::lr_w || op == Op::lr_d;
          i.rs2 = is_lr ? 0 : reg();
          if (op == Op::amocas_q) i.rs2 &= 0x1e;
          if (!is_lr) text << ",x" << +i.rs2;
          text << ",(x" << +i.rs1 << ")";
          break;
        }
        text << " " << named(dst, rd) << "," << named(src, i.rs1);
        if (info.format == Format::R) {
          i.rs2 = reg();
          if (op == Op::packw && i.rs2 == 0) i.rs2 = 1;  // with x0 it is zext.h
          text << "," << named(src, i.rs2);
        }
        break;
      case Format::R4Rm:
      case Format::RRm:
      case Format::R1Rm:
        i.rd = rd;
        if ((info.flags & kWritesX) != 0) set_rd();
        i.rs1 = reg();
        text << " " << named(dst, rd) << "," << named(src, i.rs1);
        if (info.format != Format::R1Rm) text << "," << named(src, i.rs2 = reg());
        if (info.format == Format::R4Rm) text << "," << named(src, i.rs3 = reg());
        if (is_exact(op)) break;
        do {
          i.rm = random_() % 8;
        } while (*kModes[i.rm] == 0);
        text << "," << kModes[i.rm];
        break;
      case Format::I:
        i.rs1 = reg();
        i.imm = signed_imm(12);
        set_rd();
        if ((info.flags & (kLoad | kJump)) != 0) {
          text << " " << named(dst, rd) << "," << i.imm << "(x" << +i.rs1 << ")";
        } else {
          text << " x" << +rd << ",x" << +i.rs1 << "," << i.imm;
        }
        break;
      case Format::Shift:
      case Format::ShiftW:
        i.rs1 = reg();
        set_rd();
        i.imm = static_cast<i32>(random_() % (info.format == Format::Shift ? 64 : 32));
        text << " x" << +rd << ",x" << +i.rs1 << "," << i.imm;
        break;
      case Format::S:
        i.rs1 = reg();
        if (info.group == Group::Hint) {
          i.rs2 = op == Op::prefetch_i ? 0 : op == Op::prefetch_r ? 1 : 3;
          i.imm = signed_imm(12) & ~31;
          text << " " << i.imm << "(x" << +i.rs1 << ")";
          break;
        }
        i.rs2 = reg();
        i.imm = signed_imm(12);
        text << " " << named(src, i.rs2) << "," << i.imm << "(x" << +i.rs1 << ")";
        break;
      case Format::B:
        i.rs1 = reg();
        i.rs2 = reg();
        i.imm = signed_imm(12) * 2;
        text << " x" << +i.rs1 << ",x" << +i.rs2 << ",.+(" << i.imm << ")";
        break;
      case Format::U:
        set_rd();
        i.imm = signed_imm(20) * 4096;
        text << " x" << +rd << "," << (static_cast<u32>(i.imm) >> 12);
        break;
      case Format::J:
        set_rd();
        i.imm = signed_imm(20) * 2;
        text << " x" << +rd << ",.+(" << i.imm << ")";
        break;
      case Format::Csr:
      case Format::CsrImm:
        set_rd();
        i.imm = static_cast<i32>(random_() % 4096);
        i.rs1 = reg();
        text << " x" << +rd << "," << i.imm << "," << (info.format == Format::Csr ? "x" : "") << +i.rs1;
        break;
    }
    line = text.str();
    return i;
  }

  u32 word() { return static_cast<u32>(random_()); }

 private:
  u8 reg() { return static_cast<u8>(random_() % 32); }
  i32 signed_imm(unsigned width) { return static_cast<i32>(sign_extend(random_(), width)); }

  std::mt19937_64 random_;
};

u32 word_at(const std::vector<u8>& code, usize at) {
  u32 word = 0;
  for (unsigned n = 0; n < 4 && at + n < code.size(); ++n) word |= u32{code[at + n]} << (8 * n);
  return word;
}

/// objdump names hints as themselves: makes the line that as takes without compression.
void explain_hint(std::string& name, std::string& operands) {
  name = name.substr(2);
  if (name == "nop") {
    name = "addi";
    operands = "x0,x0," + operands;
  } else if (name == "slli" || name == "add") {
    operands = "x0," + operands;  // both say rd once, and hints of this name have rd = x0
  } else if (name.size() == 6 && name.substr(4) == "64") {
    name = name.substr(0, 4);
    operands = operands + "," + operands + ",0";
  }
}

}  // namespace

TEST(DecodeBinutils, ReadsBackWhatTheAssemblerEncodes) {
  Generator generator(1);
  constexpr unsigned kRounds = 200;
  std::vector<Insn> expected;
  std::vector<std::string> lines;
  std::string source = ".option norvc\n";
  for (unsigned round = 0; round < kRounds; ++round) {
    for (unsigned op = 1; op < kOpCount; ++op) {
      std::string line;
      expected.push_back(generator.make(static_cast<Op>(op), line));
      lines.push_back(line);
      source += line + "\n";
    }
  }
  const std::vector<u8> code = assemble(source);
  ASSERT_EQ(code.size(), expected.size() * 4);
  for (usize n = 0; n < expected.size(); ++n) {
    const Insn got = decode(word_at(code, n * 4));
    ASSERT_TRUE(same_meaning(got, expected[n]))
        << lines[n] << "\n got " << show(got) << "\nwant " << show(expected[n]);
    ASSERT_EQ(got.length, 4);
    ASSERT_EQ(got.raw, word_at(code, n * 4));
  }
}

TEST(DecodeBinutils, AgreesOnWhichWordsAreInstructions) {
  // Uniform words, and words one bit away from an instruction, where decoders are sloppy.
  std::map<std::string, Op> by_name;
  for (unsigned op = 1; op < kOpCount; ++op) by_name[mnemonic(static_cast<Op>(op))] = static_cast<Op>(op);
  Generator generator(2);
  std::vector<u8> code;
  const auto append = [&](u32 word) {
    word |= 3;
    for (unsigned n = 0; n < 4; ++n) code.push_back(static_cast<u8>(word >> (8 * n)));
  };
  for (unsigned n = 0; n < 100'000; ++n)
    append((generator.word() & ~0x1cU) | (n % 7) << 2);  // no long encodings
  for (unsigned op = 1; op < kOpCount; ++op) {
    u32 mask = 0;
    u32 value = 0;
    for (const char* p = op_info(static_cast<Op>(op)).pattern; *p != 0; ++p) {
      if (*p == ' ') continue;
      mask = mask << 1 | (*p != '-' ? 1 : 0);
      value = value << 1 | (*p == '1' ? 1 : 0);
    }
    for (unsigned bit = 5; bit < 32; ++bit) {
      for (unsigned n = 0; n < 8; ++n) append((value ^ 1U << bit) | (generator.word() & ~mask));
    }
  }
  unsigned legal = 0;
  for (const Disassembled& d : disassemble(code, "no-aliases,numeric")) {
    const u32 word = word_at(code, d.address);
    const Insn insn = decode(word);
    std::string name = d.mnemonic;
    if (const auto suffix = std::min({name.find(".aq"), name.find(".rl")}); suffix != std::string::npos) {
      name.resize(suffix);
    }
    if (name == "fence.tso") name = "fence";
    const auto known = by_name.find(name);
    // An unknown rounding mode is printed as an operand of a known instruction.
    const bool reserved_mode = known != by_name.end() && has_rm(op_info(known->second).format) &&
                               d.operands.find("unknown") != std::string::npos;
    Op want = known != by_name.end() && !reserved_mode ? known->second : Op::illegal;
    // objdump insists on zero in reserved fields that implementations shall ignore (2.7, 6).
    if ((word & 0x707f) == 0x000f) want = Op::fence;
    if ((word & 0x707f) == 0x100f) want = Op::fence_i;
    // And it knows always exact conversions with rne only, where the mode shall be taken as usual (21.2).
    if (const u8 rm = word >> 12 & 7; rm != 5 && rm != 6) {
      if ((word & 0xfff0007f) == 0xd2000053) want = Op::fcvt_d_w;
      if ((word & 0xfff0007f) == 0xd2100053) want = Op::fcvt_d_wu;
      if ((word & 0xfff0007f) == 0x42000053) want = Op::fcvt_d_s;
      if ((word & 0xfff0007f) == 0x42200053) want = Op::fcvt_d_h;
      if ((word & 0xfff0007f) == 0x40200053) want = Op::fcvt_s_h;
    }
    ASSERT_EQ(op_info(insn.op).name, std::string(op_info(want).name))
        << std::hex << word << " is " << d.mnemonic << " " << d.operands;
    legal += want != Op::illegal ? 1 : 0;
  }
  EXPECT_GT(legal, 20'000U);
}

// objdump explains a compressed instruction by an alias, which as then encodes in full; decoding both
// must give the same instruction. All 49152 encodings are tried.
TEST(DecodeBinutils, ExpandsEveryCompressedInstruction) {
  std::vector<u8> code;
  for (u32 h = 0; h < 0x10000; ++h) {
    if ((h & 3) == 3) continue;
    code.push_back(static_cast<u8>(h));
    code.push_back(static_cast<u8>(h >> 8));
  }
  std::string source = ".option norvc\n";
  std::vector<Insn> compressed;
  unsigned illegal = 0;
  for (const Disassembled& d : disassemble(code, "numeric")) {
    const Insn insn = decode(word_at(code, d.address));
    ASSERT_EQ(insn.length, 2);
    ASSERT_EQ(insn.raw, word_at(code, d.address) & 0xffff);
    std::string name = d.mnemonic;
    // objdump explains c.addi16sp with an immediate of 0 too, which is reserved (27.5).
    const bool refused = name == ".insn" || name == "unimp" || name == "c.unimp" || insn.raw == 0x6101;
    if (refused || insn.op == Op::illegal) {
      ASSERT_EQ(insn.op, Op::illegal) << show(insn) << " is " << d.mnemonic << " " << d.operands;
      ASSERT_TRUE(refused) << show(insn) << " is " << d.mnemonic << " " << d.operands;
      ++illegal;
      continue;
    }
    std::string operands = d.operands;
    if (has_flag(insn.op, kBranch) || insn.op == Op::jal) {
      // The target is printed as an address, last; in the new listing addresses differ.
      const auto comma = operands.rfind(',');
      const usize at = comma == std::string::npos ? 0 : comma + 1;
      const u64 target = std::stoull(operands.substr(at), nullptr, 16);
      operands = operands.substr(0, at) + ".+(" + std::to_string(static_cast<i64>(target - d.address)) + ")";
    }
    if (name.rfind("c.", 0) == 0) explain_hint(name, operands);
    if (name == "mv") {  // as makes it an addi, but c.mv is short for add (27.5)
      name = "add";
      operands.insert(operands.find(','), ",x0");
    }
    source += name + " " + operands + "\n";
    compressed.push_back(insn);
  }
  const std::vector<u8> full = assemble(source);
  ASSERT_EQ(full.size(), compressed.size() * 4);
  for (usize n = 0; n < compressed.size(); ++n) {
    const Insn want = decode(word_at(full, n * 4));
    ASSERT_TRUE(same_meaning(compressed[n], want))
        << "\n got " << show(compressed[n]) << "\nwant " << show(want);
  }
  EXPECT_EQ(compressed.size() + illegal, 49152U);
  RecordProperty("illegal", std::to_string(illegal));
}

}  // namespace quire::test
