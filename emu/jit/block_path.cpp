#include "emu/jit/block_path.h"

#include <cstring>
#include <optional>

#include "emu/jit/record.h"

namespace quire::jit {
namespace {

constexpr usize kMaxInsns = 64;

class Path {
 public:
  Path(const PathRules& rules, const TranslatedPage& page, u16 offset, const BranchProfile* profile)
      : rules_(rules),
        page_(page),
        start_(offset),
        profile_(profile),
        frame_(rules.ram.host(PhysAddr(page.frame))) {}

  std::vector<SourceInsn> walk() {
    insns_.reserve(16);
    std::optional<i32> at = start_;
    while (at && insns_.size() < kMaxInsns && take(*at)) at = next(*at, insns_.back().insn);
    return std::move(insns_);
  }

 private:
  /// Offsets of the page, which may lie outside it.
  static bool in_page(i32 at) { return at >= 0 && at < static_cast<i32>(kPageBytes); }

  bool take(i32 at);
  std::optional<i32> next(i32 at, const Insn& insn) const;
  std::optional<i32> behind_branch(i32 at, const Insn& insn) const;
  bool may_follow(i32 target) const;
  unsigned heat(i32 at) const;
  bool is_off(const Insn& insn) const {
    return rules_.switches.has_off(Part::kPaths) || rules_.switches.has_off(insn);
  }
  bool has_code(i32 at) const { return page_.code[at / 2] != rules_.cold; }

  const PathRules& rules_;
  const TranslatedPage& page_;
  const i32 start_;
  const BranchProfile* const profile_;
  const u8* const frame_;
  std::vector<SourceInsn> insns_;
  HalfwordSet taken_;
};

/// Whether the instruction there is part of the path now.
bool Path::take(i32 at) {
  if (!in_page(at)) return false;
  const usize halfword = static_cast<usize>(at) / 2;
  if (taken_.test(halfword) || rules_.stops.test(halfword)) return false;
  u16 first;
  std::memcpy(&first, frame_ + at, sizeof(first));
  const unsigned length = insn_length(first);
  if (static_cast<usize>(at) + length > kPageBytes) return false;
  u32 raw = first;
  if (length == 4) std::memcpy(&raw, frame_ + at, sizeof(raw));
  insns_.push_back({rules_.isa.decode(raw), static_cast<i16>(at - start_)});
  taken_.set(halfword);
  return true;
}

/// Where the path goes on behind the instruction at `at`; empty: it ends there. Calls are the host's calls,
/// whose way back is at the end of a block.
std::optional<i32> Path::next(i32 at, const Insn& insn) const {
  if (!ends_translation(insn.op)) return at + insn.length;
  if (may_trap_for_target(rules_.isa, insn) || is_off(insn)) return {};
  if (has_flag(insn.op, kBranch)) return behind_branch(at, insn);
  const bool follows = insn.op == Op::jal && insn.rd == kSinkRegister && may_follow(at + insn.imm);
  return follows ? std::optional(at + insn.imm) : std::nullopt;
}

/// The way that execution mostly went; forwards, where that is not known.
std::optional<i32> Path::behind_branch(i32 at, const Insn& insn) const {
  const i32 target = at + insn.imm;
  const i32 behind = at + insn.length;
  if (const int bias = profile_ == nullptr ? 0 : profile_->bias(static_cast<u16>(at))) {
    return bias > 0 ? target : behind;
  }
  const i32 likely = heat(target) <= heat(behind) ? behind : target;
  if (!may_follow(likely)) return {};
  return likely;
}

/// A way back to where there is code is a loop's, which is a block of its own. Where code was written to, it
/// may be again soon, and the less is translated for nothing the better.
bool Path::may_follow(i32 target) const {
  if (!in_page(target)) return false;
  if (profile_ != nullptr) return target > start_ || !has_code(target);
  return page_.generation == 0 && !has_code(target) && heat(target) >= heat(start_);
}

/// How often execution came by, as far as it was counted.
unsigned Path::heat(i32 at) const {
  if (!in_page(at)) return 0;
  return has_code(at) ? 0x100 : page_.heat[at / 2];
}

}  // namespace

std::vector<SourceInsn> choose_path(const PathRules& rules, const TranslatedPage& page, u16 offset,
                                    const BranchProfile* profile) {
  return Path(rules, page, offset, profile).walk();
}

}  // namespace quire::jit
