// Reading page tables and user memory from outside; see quire/address_space.h.
#include "quire/address_space.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace quire {
namespace {

using arch::PhysAddr;
using arch::VirtAddr;

unsigned levels_of(std::uint64_t satp) {
  switch (arch::Satp{satp}.mode()) {
    case arch::SatpMode::kSv39:
      return 3;
    case arch::SatpMode::kSv48:
      return 4;
    case arch::SatpMode::kSv57:
      return 5;
    case arch::SatpMode::kBare:
      break;
  }
  throw Error(ErrorKind::kUsage,
              fmt::format("satp {:#x} translates nothing: its mode is not Sv39, Sv48 or Sv57", satp));
}

/// Depth-first over the tables, in address order.
class TableReader {
 public:
  TableReader(const MemoryView& memory, unsigned levels)
      : memory_(memory), levels_(levels), budget_(memory.size_bytes() / arch::kPageBytes) {}

  void read(PhysAddr table, unsigned level, std::uint64_t va_base) {
    if (budget_-- == 0) {
      throw Error(ErrorKind::kState, "the page table contains itself: more tables than RAM holds");
    }
    const std::uint64_t offset = table.value - memory_.base();
    if (table.value < memory_.base() || offset > memory_.size_bytes() - arch::kPageBytes) {
      return;  // a walk that gets here takes an access fault: nothing is mapped
    }
    const std::uint8_t* bytes = memory_.bytes().data() + offset;
    for (unsigned index = 0; index < arch::kPtesPerPage; ++index) {
      arch::Pte pte;
      std::memcpy(&pte, bytes + index * sizeof pte, sizeof pte);
      if (!pte.valid() || pte.reserved() != 0) {
        continue;
      }
      const std::uint64_t va = va_base + index * arch::level_bytes(level);
      if (pte.leaf()) {
        if (pte.has(arch::kPteUser)) {
          const unsigned va_bits = arch::kPageShift + arch::kPteIndexBits * levels_;
          found.push_back({VirtAddr(static_cast<std::uint64_t>(arch::sign_extend(va, va_bits))),
                           arch::level_bytes(level), pte});
        }
      } else if (level > 0) {
        read(pte.address(), level - 1, va);
      }
    }
  }

  std::vector<Mapping> found;

 private:
  const MemoryView& memory_;
  const unsigned levels_;
  std::uint64_t budget_;  ///< tables that may still be visited
};

struct Piece {
  std::uint64_t physical_address;
  std::size_t offset;
  std::size_t bytes;
};

/// Splits [va, va + size) at page borders and translates each part.
std::optional<VirtFault> translate(const Machine& machine, std::uint64_t satp, VirtAddr va, std::size_t size,
                                   arch::Access access, std::vector<Piece>& pieces) {
  for (std::size_t done = 0; done < size;) {
    const VirtAddr at = va + done;
    const std::size_t in_page = arch::kPageBytes - (at.value & (arch::kPageBytes - 1));
    const std::size_t count = std::min(in_page, size - done);
    const Walk walk = machine.walk(at, satp, access);
    if (walk.fault) {
      return VirtFault{at, walk.fault_reason};
    }
    pieces.push_back({walk.physical_address, done, count});
    done += count;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Mapping> user_mappings(const MemoryView& memory, std::uint64_t satp) {
  const unsigned levels = levels_of(satp);
  TableReader reader(memory, levels);
  reader.read(arch::Satp{satp}.root(), levels - 1, 0);
  return std::move(reader.found);
}

std::optional<VirtFault> read_virtual(Machine& machine, std::uint64_t satp, VirtAddr va,
                                      std::span<std::uint8_t> out) {
  std::vector<Piece> pieces;
  if (auto fault = translate(machine, satp, va, out.size(), arch::Access::kRead, pieces)) {
    return fault;
  }
  for (const Piece& piece : pieces) {
    machine.memory().read(piece.physical_address, out.subspan(piece.offset, piece.bytes));
  }
  return std::nullopt;
}

std::optional<VirtFault> write_virtual(Machine& machine, std::uint64_t satp, VirtAddr va,
                                       std::span<const std::uint8_t> data) {
  std::vector<Piece> pieces;
  if (auto fault = translate(machine, satp, va, data.size(), arch::Access::kWrite, pieces)) {
    return fault;
  }
  for (const Piece& piece : pieces) {
    machine.memory().write(piece.physical_address, data.subspan(piece.offset, piece.bytes));
  }
  return std::nullopt;
}

std::optional<GuestString> read_string(Machine& machine, std::uint64_t satp, VirtAddr va,
                                       std::size_t limit_bytes) {
  GuestString string{{}, true};
  while (string.text.size() < limit_bytes) {
    const VirtAddr at = va + string.text.size();
    const std::size_t in_page = arch::kPageBytes - (at.value & (arch::kPageBytes - 1));
    std::vector<std::uint8_t> part(std::min(in_page, limit_bytes - string.text.size()));
    if (read_virtual(machine, satp, at, part)) {
      break;
    }
    const auto nul = std::find(part.begin(), part.end(), std::uint8_t{0});
    string.text.append(part.begin(), nul);
    if (nul != part.end()) {
      string.cut = false;
      return string;
    }
  }
  return string.text.empty() && limit_bytes > 0 ? std::nullopt : std::optional(std::move(string));
}

}  // namespace quire
