// What the fence checker saw: uses of TLB entries that the page table no longer backs.
//
// A finding is a use whose outcome differs from that of a fresh walk, where the architecture promises the new
// outcome only behind an sfence.vma that did not come (Privileged ISA 20240411, 12.2.1). Two kinds of stale
// use are counted apart and are no findings, as the architecture leaves them to the implementation:
//   spurious fault    the entry refuses what the table now allows: the access faults once too often, which
//                     kernels expect, and handle by fencing and retrying;
//   accessed cleared  the table's A was cleared and is not set again as the entry answers: kernels that
//                     sample A for ageing save the fence on purpose.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quire/arch/cause.h"
#include "quire/arch/names.h"
#include "quire/arch/sv39.h"

namespace quire {

enum class StaleUse : std::uint8_t {
  kUnmapped,      ///< the table has no valid entry for the address any more
  kRemapped,      ///< it maps another frame
  kPermission,    ///< it allows less: the access would fault
  kDirtyCleared,  ///< a store through an entry with D, which the table has not: the store goes unrecorded
};
/// One or two words.
const char* stale_use_name(StaleUse use);

/// All uses of one page by one instruction in one way.
struct FenceFinding {
  StaleUse use;
  arch::Access access;
  arch::Privilege privilege;
  std::uint16_t asid;
  std::uint64_t pc;
  std::uint64_t va;                 ///< of the first use
  std::uint64_t page_bytes;         ///< that the entry maps
  std::uint64_t cached_physical;    ///< where the entry leads
  arch::Pte cached_flags;           ///< its low eight bits
  std::uint64_t table_physical;     ///< where the table leads; 0 where it does not
  arch::Pte table_pte;              ///< the last entry that the walk read
  std::uint64_t table_pte_address;  ///< physical, where that is
  std::string table_reason;         ///< why the walk refuses, or empty
  std::uint64_t first_icount;
  std::uint64_t count;

  /// For people, one line without an end.
  std::string describe() const;
};

/// Calls `visit(name, value)` for each field, by the names that --json and Python share.
template <class Visit>
void visit_fields(const FenceFinding& finding, Visit&& visit) {
  visit("kind", stale_use_name(finding.use));
  visit("access", arch::access_key(finding.access));
  visit("privilege", arch::privilege_key(finding.privilege));
  visit("asid", finding.asid);
  visit("pc", finding.pc);
  visit("va", finding.va);
  visit("page_bytes", finding.page_bytes);
  visit("cached_physical", finding.cached_physical);
  visit("cached_flags", finding.cached_flags.raw);
  visit("table_physical", finding.table_physical);
  visit("table_pte", finding.table_pte.raw);
  visit("table_pte_address", finding.table_pte_address);
  visit("table_reason", finding.table_reason);
  visit("first_icount", finding.first_icount);
  visit("count", finding.count);
}

struct FenceReport {
  bool enabled = false;
  std::uint64_t hits_checked = 0;
  std::uint64_t stale_uses = 0;  ///< all uses that belong to findings
  std::uint64_t unlisted = 0;    ///< those of them whose finding had no room in the list
  std::uint64_t spurious_faults = 0;
  std::uint64_t accessed_cleared = 0;
  std::vector<FenceFinding> findings;  ///< in the order of their first use, at most kMaxFindings

  static constexpr std::size_t kMaxFindings = 256;
};

/// The same of the counts.
template <class Visit>
void visit_counts(const FenceReport& report, Visit&& visit) {
  visit("hits_checked", report.hits_checked);
  visit("stale_uses", report.stale_uses);
  visit("unlisted", report.unlisted);
  visit("spurious_faults", report.spurious_faults);
  visit("accessed_cleared", report.accessed_cleared);
}

}  // namespace quire
