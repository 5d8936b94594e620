#include "emu/mem/fence_checker.h"

#include "emu/base/hex.h"
#include "quire/arch/names.h"

namespace quire {
namespace {

constexpr u64 kRelevantFlags = 0xff;

const char* access_noun(Access access) {
  return access == Access::kRead ? "load" : access == Access::kWrite ? "store" : "fetch";
}

std::string flag_letters(u64 flags) {
  constexpr std::string_view kLetters = "vrwxugad";
  std::string text;
  for (unsigned at = 0; at < kLetters.size(); ++at) {
    text += bit(flags, at) ? kLetters[at] : '-';
  }
  return text;
}

PhysAddr fresh_address(const PageWalk& fresh, VirtAddr va) {
  return leaf_address(fresh.leaf().pte, fresh.leaf().level, va);
}

bool is_permission(WalkFault fault) {
  switch (fault) {
    case WalkFault::kUserPage:
    case WalkFault::kSupervisorPage:
    case WalkFault::kNotReadable:
    case WalkFault::kNotWritable:
    case WalkFault::kNotExecutable:
      return true;
    default:
      return false;
  }
}

}  // namespace

const char* stale_use_name(StaleUse use) {
  switch (use) {
    case StaleUse::kUnmapped:
      return "unmapped";
    case StaleUse::kRemapped:
      return "remapped";
    case StaleUse::kPermission:
      return "permission";
    case StaleUse::kDirtyCleared:
      return "dirty-cleared";
  }
  return "";
}

std::string FenceFinding::describe() const {
  std::string text = "missing sfence.vma: " + std::string(access_noun(access)) + " of " + hex(va) +
                     " at pc " + hex(pc) + " (" + arch::privilege_letter(privilege) + "-mode, ASID " +
                     std::to_string(asid) + ", instruction " + std::to_string(first_icount) +
                     ") used a stale TLB entry: it has " + hex(cached_physical) + " " +
                     flag_letters(cached_flags.raw) + ", the table ";
  switch (use) {
    case StaleUse::kUnmapped:
    case StaleUse::kPermission:
      text += "refuses (" + table_reason + ")";
      break;
    case StaleUse::kRemapped:
      text += "has " + hex(table_physical) + " " + flag_letters(table_pte.raw);
      break;
    case StaleUse::kDirtyCleared:
      text += "has D cleared";
      break;
  }
  if (table_pte_address != 0) text += ", entry at " + hex(table_pte_address);
  return text + (count > 1 ? "; " + std::to_string(count) + " times" : "");
}

std::optional<StaleUse> FenceChecker::compare(const TlbEntry& entry, const MemoryMode& mode, VirtAddr va,
                                              Access access, const PageWalk& fresh) {
  const bool entry_allows = check_permission(entry.flags, access, mode) == WalkFault::kNone;
  const bool needs_walk = access == Access::kWrite && (entry.flags & kPteDirty) == 0;
  if (!entry_allows) {
    if (fresh.fault == WalkFault::kNone) ++report_.spurious_faults;
    return {};
  }
  // The entry is not used for more than to see that D is clear; the table decides.
  if (needs_walk) return {};
  switch (fresh.fault) {
    case WalkFault::kAccessedClear:
    case WalkFault::kDirtyClear:
    case WalkFault::kNone:
      break;
    default:
      return is_permission(fresh.fault) ? StaleUse::kPermission : StaleUse::kUnmapped;
  }
  if (fresh_address(fresh, va) != entry.translate(va)) return StaleUse::kRemapped;
  const Pte leaf = fresh.leaf().pte;
  if (access == Access::kWrite && !leaf.has(kPteDirty)) return StaleUse::kDirtyCleared;
  if (!leaf.has(kPteAccessed)) ++report_.accessed_cleared;
  return {};
}

void FenceChecker::check(const TlbEntry& entry, const MemoryMode& mode, VirtAddr va, Access access,
                         const PageWalk& fresh) {
  ++report_.hits_checked;
  if (const auto use = compare(entry, mode, va, access, fresh)) keep(*use, entry, mode, va, access, fresh);
}

void FenceChecker::keep(StaleUse use, const TlbEntry& entry, const MemoryMode& mode, VirtAddr va,
                        Access access, const PageWalk& fresh) {
  ++report_.stale_uses;
  const Place place = here_();
  const Key key{place.pc, entry.first_va(), access, use};
  if (const auto known = index_.find(key); known != index_.end()) {
    ++report_.findings[known->second].count;
    return;
  }
  if (report_.findings.size() == FenceReport::kMaxFindings) {
    ++report_.unlisted;
    return;
  }
  index_.emplace(key, report_.findings.size());
  const bool leads_somewhere = use == StaleUse::kRemapped || use == StaleUse::kDirtyCleared;
  const bool read_any = fresh.step_count != 0;
  report_.findings.push_back({.use = use,
                              .access = access,
                              .privilege = mode.privilege,
                              .asid = static_cast<u16>(mode.satp.asid()),
                              .pc = place.pc,
                              .va = va.value,
                              .page_bytes = entry.bytes(),
                              .cached_physical = entry.translate(va).value,
                              .cached_flags = Pte{entry.flags & kRelevantFlags},
                              .table_physical = leads_somewhere ? fresh_address(fresh, va).value : 0,
                              .table_pte = read_any ? fresh.leaf().pte : Pte{},
                              .table_pte_address = read_any ? fresh.leaf().address.value : 0,
                              .table_reason = describe(fresh.fault),
                              .first_icount = place.icount,
                              .count = 1});
}

}  // namespace quire
