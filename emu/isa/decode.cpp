// The decoder: isa.inc turned into masks at compile time, looked up by major opcode and funct3.
//
// Invariant: an encoding has one meaning. Of 32-bit rows the first that matches gives it, and any other that
// does is more general; of compressed rows at most one matches. Both are proved here by static_assert, the
// former from the patterns alone, the latter by trying every encoding that two patterns share.
#include "emu/isa/decode.h"

#include <array>

#include "emu/isa/fp_op.h"
#include "quire/arch/bits.h"

namespace quire {
namespace {

/// The fixed bits of a pattern: a word matches when (word & mask) == value.
struct Pattern {
  u32 mask = 0;
  u32 value = 0;
  unsigned width = 0;

  constexpr bool matches(u32 word) const { return (word & mask) == value; }
  /// Whether all that it matches `other` matches too, and not the other way round.
  constexpr bool refines(const Pattern& other) const {
    return (mask & other.mask) == other.mask && mask != other.mask;
  }
  constexpr bool overlaps(const Pattern& other) const {
    const u32 common = mask & other.mask;
    return (value & common) == (other.value & common);
  }
};

constexpr Pattern parse(const char* text) {
  Pattern p;
  for (; *text != 0; ++text) {
    if (*text == ' ') continue;
    p.mask = p.mask << 1 | (*text != '-' ? 1 : 0);
    p.value = p.value << 1 | (*text == '1' ? 1 : 0);
    ++p.width;
  }
  return p;
}

// --- 32-bit instructions ---

struct Row {
  Pattern pattern;
  Op op = Op::illegal;
  Format format = Format::None;
  bool writes_x = false;
};

constexpr unsigned kRowCount = kOpCount - 1;  // all but Op::illegal
constexpr auto kRows = [] {
  std::array<Row, kRowCount> rows{};
  for (unsigned n = 0; n < kRowCount; ++n) {
    const Op op = static_cast<Op>(n + 1);
    const OpInfo& info = op_info(op);
    rows[n] = Row{parse(info.pattern), op, info.format, has_flag(op, kWritesX)};
  }
  return rows;
}();

constexpr bool rows_are_sound() {
  for (unsigned a = 0; a < kRowCount; ++a) {
    if (kRows[a].pattern.width != 32 || (kRows[a].pattern.value & 3) != 3) return false;
    for (unsigned b = a + 1; b < kRowCount; ++b) {
      const Pattern& first = kRows[a].pattern;
      const Pattern& second = kRows[b].pattern;
      if (first.overlaps(second) && !first.refines(second)) return false;
    }
  }
  return true;
}
static_assert(rows_are_sound(), "isa.inc: a pattern has not 32 bits, is compressed, or overlaps a later one");

/// Rows of one (opcode, funct3), listed together in kCandidates.
struct Bucket {
  u16 first = 0;
  u16 count = 0;
};

constexpr unsigned kBucketCount = 32 * 8;
constexpr u32 kBucketBits = 0x707c;  // opcode[6:2] and funct3
constexpr unsigned bucket_of(u32 word) {
  return static_cast<unsigned>(bits(word, 6, 2) << 3 | bits(word, 14, 12));
}
constexpr u32 word_of_bucket(unsigned n) { return (n >> 3) << 2 | (n & 7) << 12; }

constexpr bool in_bucket(const Row& row, unsigned n) {
  return ((row.pattern.value ^ word_of_bucket(n)) & row.pattern.mask & kBucketBits) == 0;
}

constexpr unsigned count_candidates() {
  unsigned count = 0;
  for (unsigned n = 0; n < kBucketCount; ++n) {
    for (const Row& row : kRows) count += in_bucket(row, n) ? 1 : 0;
  }
  return count;
}

struct Index {
  std::array<Bucket, kBucketCount> buckets{};
  std::array<Row, count_candidates()> candidates{};
};

constexpr Index kIndex = [] {
  Index index;
  u16 next = 0;
  for (unsigned n = 0; n < kBucketCount; ++n) {
    index.buckets[n].first = next;
    for (const Row& row : kRows) {
      if (in_bucket(row, n)) index.candidates[next++] = row;
    }
    index.buckets[n].count = static_cast<u16>(next - index.buckets[n].first);
  }
  return index;
}();

constexpr u8 field(u32 word, unsigned hi, unsigned lo) { return static_cast<u8>(bits(word, hi, lo)); }

constexpr u8 destination(u8 rd) { return rd == 0 ? kSinkRegister : rd; }

/// The signed number of `width` bits that the pieces of an immediate make.
constexpr i32 signed_imm(u64 value, unsigned width) { return static_cast<i32>(sign_extend(value, width)); }

/// Fills the operand fields (2.3; 21.2 for rm and rs3). False: the rounding mode is reserved.
constexpr bool fill_operands(Insn& insn, Format format, u32 word) {
  const u8 rs1 = field(word, 19, 15);
  const u8 rs2 = field(word, 24, 20);
  switch (format) {
    case Format::None:
      return true;
    case Format::R4Rm:
    case Format::RRm:
    case Format::R1Rm:
    case Format::R:
    case Format::R1:
      insn.rd = field(word, 11, 7);
      insn.rs1 = rs1;
      insn.rs2 = format == Format::R1 || format == Format::R1Rm ? 0 : rs2;
      insn.rs3 = format == Format::R4Rm ? field(word, 31, 27) : 0;
      if (!has_rm(format)) return true;
      insn.rm = field(word, 14, 12);
      return insn.rm != 5 && insn.rm != 6;
    case Format::I:
    case Format::Fence:
      insn.rd = field(word, 11, 7);
      insn.rs1 = rs1;
      insn.imm = signed_imm(bits(word, 31, 20), 12);
      return true;
    case Format::Shift:
    case Format::ShiftW:
      insn.rd = field(word, 11, 7);
      insn.rs1 = rs1;
      insn.imm = static_cast<i32>(bits(word, 25, 20));
      return true;
    case Format::Csr:
    case Format::CsrImm:
      insn.rd = field(word, 11, 7);
      insn.rs1 = rs1;
      insn.imm = static_cast<i32>(bits(word, 31, 20));
      return true;
    case Format::S:
      insn.rs1 = rs1;
      insn.rs2 = rs2;
      insn.imm = signed_imm(bits(word, 31, 25) << 5 | bits(word, 11, 7), 12);
      return true;
    case Format::B:
      insn.rs1 = rs1;
      insn.rs2 = rs2;
      insn.imm = signed_imm(bits(word, 31, 31) << 12 | bits(word, 7, 7) << 11 | bits(word, 30, 25) << 5 |
                                bits(word, 11, 8) << 1,
                            13);
      return true;
    case Format::U:
      insn.rd = field(word, 11, 7);
      insn.imm = static_cast<i32>(word & 0xffff'f000);
      return true;
    case Format::J:
      insn.rd = field(word, 11, 7);
      insn.imm = signed_imm(bits(word, 31, 31) << 20 | bits(word, 19, 12) << 12 | bits(word, 20, 20) << 11 |
                                bits(word, 30, 21) << 1,
                            21);
      return true;
  }
  return false;
}

Insn decode_full(u32 word) {
  Insn insn;
  insn.raw = word;
  const Bucket bucket = kIndex.buckets[bucket_of(word)];
  for (unsigned n = 0; n < bucket.count; ++n) {
    const Row& row = kIndex.candidates[bucket.first + n];
    if (!row.pattern.matches(word)) continue;
    Insn found = insn;
    if (!fill_operands(found, row.format, word)) return insn;
    found.op = row.op;
    if (row.writes_x) found.rd = destination(found.rd);
    return found;
  }
  return insn;
}

// --- compressed instructions (chapter 27) ---

/// What an encoding must satisfy beyond its pattern; what does not is another row's or reserved.
enum class CRule : u8 { kAny, kImmNotZero, kImmNotZeroRdNotTwo, kRdNotZero, kRs2NotZero };

/// Named after 27.2's formats, split by how the immediate is scrambled and what is implied.
enum class CFormat : u8 {
  Ciw,
  ClW,
  ClD,
  CsW,
  CsD,  // quadrant 0
  Ci,
  CiLi,
  CiSp16,
  CiLui,
  CbShift,
  CbImm,
  Ca,
  Cj,
  Cb,  // quadrant 1
  CiShift,
  CiSpW,
  CiSpD,
  CssW,
  CssD,
  CrJump,
  CrLink,
  CrMove,
  Cr,
  CrNone,  // quadrant 2
};

struct CRow {
  Pattern pattern;
  CFormat format;
  Op op;
  CRule rule;
};

constexpr auto kCRows = std::to_array<CRow>({
#define QUIRE_CINSN(name, pattern, format, op, rule) {parse(pattern), CFormat::format, Op::op, CRule::rule},
#include "emu/isa/isa.inc"
});

constexpr u64 ci_imm(u32 h) { return bits(h, 12, 12) << 5 | bits(h, 6, 2); }

constexpr bool satisfies(CRule rule, CFormat format, u32 h) {
  const u64 imm = format == CFormat::Ciw ? bits(h, 12, 5) : ci_imm(h);
  const u64 rd = bits(h, 11, 7);
  switch (rule) {
    case CRule::kAny:
      return true;
    case CRule::kImmNotZero:
      return imm != 0;
    case CRule::kImmNotZeroRdNotTwo:
      return imm != 0 && rd != 2;
    case CRule::kRdNotZero:
      return rd != 0;
    case CRule::kRs2NotZero:
      return bits(h, 6, 2) != 0;
  }
  return false;
}

constexpr bool matches(const CRow& row, u32 h) {
  return row.pattern.matches(h) && satisfies(row.rule, row.format, h);
}

/// Whether some encoding matches both rows: all that fit the two patterns are tried.
constexpr bool collide(const CRow& a, const CRow& b) {
  if (!a.pattern.overlaps(b.pattern)) return false;
  const u32 fixed = a.pattern.value | b.pattern.value;
  const u32 open = ~(a.pattern.mask | b.pattern.mask) & 0xffff;
  u32 choice = 0;
  do {
    if (matches(a, fixed | choice) && matches(b, fixed | choice)) return true;
    choice = (choice - open) & open;  // the next subset of the open bits
  } while (choice != 0);
  return false;
}

constexpr bool compressed_rows_are_sound() {
  for (unsigned a = 0; a < kCRows.size(); ++a) {
    if (kCRows[a].pattern.width != 16 || (kCRows[a].pattern.value & 3) == 3) return false;
    for (unsigned b = a + 1; b < kCRows.size(); ++b) {
      if (collide(kCRows[a], kCRows[b])) return false;
    }
  }
  return true;
}
static_assert(compressed_rows_are_sound(), "isa.inc: a compressed pattern has not 16 bits or collides");

constexpr u8 kRa = 1;
constexpr u8 kSp = 2;
/// Three-bit register fields name x8..x15 (f8..f15).
constexpr u8 popular(u32 h, unsigned lo) { return static_cast<u8>(8 + bits(h, lo + 2, lo)); }

/// Operands as the expanded instruction has them, with rd not yet mapped to the sink.
constexpr void fill_compressed(Insn& insn, CFormat format, u32 h) {
  const u8 rd = field(h, 11, 7);
  const u8 rs2 = field(h, 6, 2);
  const i32 imm6 = signed_imm(ci_imm(h), 6);
  const auto set = [&insn](u8 to, u8 a, u8 b, u64 imm) {
    insn.rd = to;
    insn.rs1 = a;
    insn.rs2 = b;
    insn.imm = static_cast<i32>(imm);
  };
  const u64 word_offset = bits(h, 5, 5) << 6 | bits(h, 12, 10) << 3 | bits(h, 6, 6) << 2;
  const u64 double_offset = bits(h, 6, 5) << 6 | bits(h, 12, 10) << 3;
  switch (format) {
    case CFormat::Ciw:
      return set(popular(h, 2), kSp, 0,
                 bits(h, 10, 7) << 6 | bits(h, 12, 11) << 4 | bits(h, 5, 5) << 3 | bits(h, 6, 6) << 2);
    case CFormat::ClW:
      return set(popular(h, 2), popular(h, 7), 0, word_offset);
    case CFormat::ClD:
      return set(popular(h, 2), popular(h, 7), 0, double_offset);
    case CFormat::CsW:
      return set(0, popular(h, 7), popular(h, 2), word_offset);
    case CFormat::CsD:
      return set(0, popular(h, 7), popular(h, 2), double_offset);
    case CFormat::Ci:
      return set(rd, rd, 0, static_cast<u64>(imm6));
    case CFormat::CiLi:
      return set(rd, 0, 0, static_cast<u64>(imm6));
    case CFormat::CiSp16:
      return set(kSp, kSp, 0,
                 static_cast<u64>(signed_imm(bits(h, 12, 12) << 9 | bits(h, 4, 3) << 7 | bits(h, 5, 5) << 6 |
                                                 bits(h, 2, 2) << 5 | bits(h, 6, 6) << 4,
                                             10)));
    case CFormat::CiLui:
      return set(rd, 0, 0, static_cast<u64>(imm6) << 12);
    case CFormat::CbShift:
      return set(popular(h, 7), popular(h, 7), 0, ci_imm(h));
    case CFormat::CbImm:
      return set(popular(h, 7), popular(h, 7), 0, static_cast<u64>(imm6));
    case CFormat::Ca:
      return set(popular(h, 7), popular(h, 7), popular(h, 2), 0);
    case CFormat::Cj:
      return set(0, 0, 0,
                 static_cast<u64>(signed_imm(
                     bits(h, 12, 12) << 11 | bits(h, 8, 8) << 10 | bits(h, 10, 9) << 8 | bits(h, 6, 6) << 7 |
                         bits(h, 7, 7) << 6 | bits(h, 2, 2) << 5 | bits(h, 11, 11) << 4 | bits(h, 5, 3) << 1,
                     12)));
    case CFormat::Cb:
      return set(0, popular(h, 7), 0,
                 static_cast<u64>(signed_imm(bits(h, 12, 12) << 8 | bits(h, 6, 5) << 6 | bits(h, 2, 2) << 5 |
                                                 bits(h, 11, 10) << 3 | bits(h, 4, 3) << 1,
                                             9)));
    case CFormat::CiShift:
      return set(rd, rd, 0, ci_imm(h));
    case CFormat::CiSpW:
      return set(rd, kSp, 0, bits(h, 3, 2) << 6 | bits(h, 12, 12) << 5 | bits(h, 6, 4) << 2);
    case CFormat::CiSpD:
      return set(rd, kSp, 0, bits(h, 4, 2) << 6 | bits(h, 12, 12) << 5 | bits(h, 6, 5) << 3);
    case CFormat::CssW:
      return set(0, kSp, rs2, bits(h, 8, 7) << 6 | bits(h, 12, 9) << 2);
    case CFormat::CssD:
      return set(0, kSp, rs2, bits(h, 9, 7) << 6 | bits(h, 12, 10) << 3);
    case CFormat::CrJump:
      return set(0, rd, 0, 0);
    case CFormat::CrLink:
      return set(kRa, rd, 0, 0);
    case CFormat::CrMove:
      return set(rd, 0, rs2, 0);
    case CFormat::Cr:
      return set(rd, rd, rs2, 0);
    case CFormat::CrNone:
      return;
  }
}

/// Rows are few; by quadrant and funct3 at most eight remain.
struct CIndex {
  std::array<u8, 24 + 1> first{};
  std::array<u8, kCRows.size()> rows{};
};

constexpr unsigned cbucket_of(u32 h) { return static_cast<unsigned>(bits(h, 1, 0) << 3 | bits(h, 15, 13)); }

constexpr CIndex kCIndex = [] {
  CIndex index;
  u8 next = 0;
  for (unsigned n = 0; n < 24; ++n) {
    index.first[n] = next;
    for (usize row = 0; row < kCRows.size(); ++row) {
      if (cbucket_of(kCRows[row].pattern.value) == n) index.rows[next++] = static_cast<u8>(row);
    }
  }
  index.first[24] = next;
  return index;
}();
static_assert(kCIndex.first[24] == kCRows.size(), "every compressed row fixes its quadrant and funct3");

Insn decode_compressed(u32 h) {
  Insn insn;
  insn.length = 2;
  insn.raw = h;
  const unsigned bucket = cbucket_of(h);
  for (unsigned n = kCIndex.first[bucket]; n < kCIndex.first[bucket + 1]; ++n) {
    const CRow& row = kCRows[kCIndex.rows[n]];
    if (!matches(row, h)) continue;
    insn.op = row.op;
    fill_compressed(insn, row.format, h);
    if (has_flag(row.op, kWritesX)) insn.rd = destination(insn.rd);
    return insn;
  }
  return insn;
}

}  // namespace

Insn decode(u32 word) {
  return insn_length(static_cast<u16>(word)) == 2 ? decode_compressed(word & 0xffff) : decode_full(word);
}

}  // namespace quire
