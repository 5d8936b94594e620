#include "quire/moments.h"

#include <algorithm>
#include <span>

#include "quire/insn_operands.h"

namespace quire {
namespace {

constexpr unsigned kCsrSatp = 0x180;
constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint32_t kAllRegisters = ~std::uint32_t{0};

bool concerns(const Watchpoint& watched, const MemoryAccess& access) {
  const bool kind =
      watched.kind == WatchKind::kAccess || (watched.kind == WatchKind::kWrite) == access.is_store;
  return kind && (access.address - watched.address < watched.size_bytes ||
                  watched.address - access.address < access.size_bytes);
}

}  // namespace

// --- MomentFinder ---

MomentFinder::MomentFinder(Machine& machine, std::vector<std::uint64_t> pcs, std::vector<Watchpoint> accesses,
                           std::optional<std::uint64_t> satp)
    : machine_(machine), pcs_(pcs.begin(), pcs.end()), accesses_(std::move(accesses)), satp_(satp) {
  machine_.add_observer(this, Observed::kInsn);
}

MomentFinder::~MomentFinder() { machine_.remove_observer(this); }

bool MomentFinder::in_its_space() const { return !satp_ || machine_.hart().csr(kCsrSatp) == *satp_; }

void MomentFinder::on_insn(const InsnEvent& event) {
  const auto add = [this](std::uint64_t icount) {
    if (in_its_space() && (moments_.empty() || moments_.back() != icount)) {
      moments_.push_back(icount);
    }
  };
  if (pcs_.contains(event.at.pc)) {
    add(event.at.icount);
  }
  for (const MemoryAccess& access : event.accesses) {
    if (std::any_of(accesses_.begin(), accesses_.end(),
                    [&access](const Watchpoint& watched) { return concerns(watched, access); })) {
      add(event.at.icount + (access.is_store ? 1 : 0));
    }
  }
}

// --- LivenessProbe ---

LivenessProbe::LivenessProbe(Machine& machine, const std::vector<Query>& queries)
    : machine_(machine), answers_(queries.size()) {
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const Query& query = queries[i];
    if (query.bank == Bank::kRam) {
      ram_[query.place].moments.emplace_back(query.icount, i);
      pages_.insert(query.place / kPageBytes);
    } else {
      (query.bank == Bank::kX ? x_ : f_)[query.place & 31].moments.emplace_back(query.icount, i);
    }
  }
  const auto sort = [](Waiting& waiting) { std::sort(waiting.moments.begin(), waiting.moments.end()); };
  std::for_each(std::begin(x_), std::end(x_), sort);
  std::for_each(std::begin(f_), std::end(f_), sort);
  for (auto& [address, waiting] : ram_) {
    sort(waiting);
  }
  machine_.add_observer(
      this, ram_.empty() ? ObservedSet(Observed::kInsn) | Observed::kTrap
                         : ObservedSet(Observed::kInsn) | Observed::kTrap | Observed::kMmu | Observed::kDma);
}

LivenessProbe::~LivenessProbe() { machine_.remove_observer(this); }

void LivenessProbe::meet(Waiting& waiting, std::uint64_t icount, Next how) {
  for (; waiting.next < waiting.moments.size() && waiting.moments[waiting.next].first <= icount;
       ++waiting.next) {
    answers_[waiting.moments[waiting.next].second] = {how, icount};
  }
}

void LivenessProbe::meet_registers(Waiting* bank, std::uint32_t registers, std::uint64_t icount, Next how) {
  for (; registers != 0; registers &= registers - 1) {
    meet(bank[__builtin_ctz(registers)], icount, how);
  }
}

void LivenessProbe::meet_ram(std::uint64_t address, std::uint64_t count_bytes, std::uint64_t icount,
                             Next how) {
  for (std::uint64_t at = address; at < address + count_bytes;) {
    const std::uint64_t page_end = (at / kPageBytes + 1) * kPageBytes;
    const std::uint64_t end = std::min(page_end, address + count_bytes);
    for (; pages_.contains(at / kPageBytes) && at < end; ++at) {
      if (const auto found = ram_.find(at); found != ram_.end()) {
        meet(found->second, icount, how);
      }
    }
    at = end;
  }
}

void LivenessProbe::meet_virtual(std::uint64_t va, std::uint64_t count_bytes, std::uint64_t icount,
                                 Next how) {
  for (std::uint64_t done = 0; done < count_bytes;) {
    const std::uint64_t piece = std::min(count_bytes - done, kPageBytes - (va + done) % kPageBytes);
    if (const auto address = machine_.physical_address(va + done)) {
      meet_ram(*address, piece, icount, how);
    }
    done += piece;
  }
}

void LivenessProbe::on_insn(const InsnEvent& event) {
  const std::uint64_t icount = event.at.icount;
  const InsnOperands operands = insn_operands(event.bits);
  meet_registers(x_, operands.reads_x, icount, Next::kRead);
  meet_registers(f_, operands.reads_f, icount, Next::kRead);
  meet_registers(x_, operands.writes_x, icount, Next::kOverwritten);
  meet_registers(f_, operands.writes_f, icount, Next::kOverwritten);
  if (ram_.empty()) {
    return;
  }
  if (event.at.privilege == arch::Privilege::kMachine) {
    meet_ram(event.at.pc, event.length_bytes, icount, Next::kRead);
  } else {
    meet_virtual(event.at.pc, event.length_bytes, icount, Next::kRead);
  }
  if (operands.block_bytes != 0 && !operands.zeroes) {
    meet_virtual(machine_.hart().x(operands.base), operands.block_bytes, icount, Next::kRead);
  }
  for (const MemoryAccess& access : event.accesses) {
    if (!access.is_store) meet_virtual(access.address, access.size_bytes, icount, Next::kRead);
  }
  for (const MemoryAccess& access : event.accesses) {
    if (access.is_store) meet_virtual(access.address, access.size_bytes, icount, Next::kOverwritten);
  }
  if (operands.zeroes) {
    const std::uint64_t block =
        machine_.hart().x(operands.base) / operands.block_bytes * operands.block_bytes;
    meet_virtual(block, operands.block_bytes, icount, Next::kOverwritten);
  }
}

void LivenessProbe::on_mmu(const MmuEvent& event) {
  for (const std::uint64_t entry : event.entries) {
    meet_ram(entry, sizeof(arch::Pte), event.at.icount, Next::kRead);
  }
}

void LivenessProbe::on_trap(const TrapEvent& event) {
  constexpr unsigned kLongestInsn = 4;
  meet_registers(x_, kAllRegisters, event.at.icount, Next::kRead);
  meet_registers(f_, kAllRegisters, event.at.icount, Next::kRead);
  if (!ram_.empty()) {
    meet_virtual(event.at.pc, kLongestInsn, event.at.icount, Next::kRead);
  }
}

void LivenessProbe::on_dma(const DmaEvent& event) {
  meet_ram(event.address, event.count_bytes, event.at.icount,
           event.is_write ? Next::kOverwritten : Next::kRead);
}

}  // namespace quire
