#include "emu/debug/monitor.h"

#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "quire/arch/names.h"

namespace quire::debug {
namespace {

constexpr unsigned kCsrSatp = 0x180;
constexpr unsigned kMaxListing = 1000;

std::optional<std::uint64_t> parse_number(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  const bool good = error == std::errc{} && end == text.data() + text.size() && !text.empty();
  return good ? std::optional(value) : std::nullopt;
}

std::optional<arch::Access> parse_access(std::string_view text) {
  if (text == "read") return arch::Access::kRead;
  if (text == "write") return arch::Access::kWrite;
  if (text == "exec") return arch::Access::kExecute;
  return std::nullopt;
}

std::string mode_name(arch::SatpMode mode) {
  switch (mode) {
    case arch::SatpMode::kBare:
      return "Bare";
    case arch::SatpMode::kSv39:
      return "Sv39";
    case arch::SatpMode::kSv48:
      return "Sv48";
    case arch::SatpMode::kSv57:
      return "Sv57";
  }
  return "?";
}

std::string step_text(const WalkStep& step) {
  const arch::Pte pte = step.pte;
  const std::string what = !pte.valid() ? "not valid"
                           : pte.leaf() ? "page " + flag_letters(pte.raw)
                                        : std::string("table");
  return fmt::format("  level {}: entry at {:#x} is {:#018x}: {}{}\n", step.level, step.pte_address, pte.raw,
                     what, pte.valid() ? fmt::format(" at {:#x}", pte.address().value) : "");
}

}  // namespace

std::string flag_letters(std::uint64_t flags) {
  constexpr char kLetters[] = "rwxugad";
  std::string text;
  for (unsigned i = 0; i < 7; ++i) text += (flags >> (i + 1) & 1) != 0 ? kLetters[i] : '-';
  return text;
}

std::string size_text(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  unsigned unit = 0;
  for (; bytes >= 1024 && bytes % 1024 == 0 && unit < 5; bytes /= 1024) ++unit;
  return fmt::format("{} {}", bytes, kUnits[unit]);
}

std::string Monitor::run(std::string_view line) {
  std::istringstream stream{std::string(line)};
  Words words;
  for (std::string word; stream >> word;) words.push_back(std::move(word));
  if (words.empty() || words[0] == "help") return help();
  try {
    if (words[0] == "info") return info();
    if (words[0] == "walk") return walk(words);
    if (words[0] == "tlb") return tlb(words);
    if (words[0] == "disas") return disassemble(words);
    if (words[0] == "symbol") return symbol(words);
    if (words[0] == "phys") return phys(words);
    if (words[0] == "digest") return digest();
  } catch (const Error& error) {
    return fmt::format("{}\n", error.what());
  }
  return fmt::format("there is no monitor command '{}'; 'monitor help' lists them\n", words[0]);
}

std::string Monitor::help() const {
  return "info                           where the hart is, and what the machine has counted\n"
         "walk ADDR [read|write|exec]    the page-table walk of an address, entry by entry\n"
         "tlb [ADDR]                     the TLB's entries, of all addresses or of one\n"
         "disas [ADDR [COUNT]]           instructions from ADDR (or pc) on\n"
         "symbol ADDR                    the symbol at or before an address\n"
         "phys on|off                    memory addresses in gdb are physical or virtual\n"
         "digest                         64 bits over RAM and architectural state\n"
         "ADDR is a number, a symbol (see --symbols) or a register like $sp; +N may follow.\n";
}

std::string Monitor::info() {
  HartView& hart = machine_.hart();
  const Counters counters = machine_.counters();
  const arch::Satp satp{hart.csr(kCsrSatp)};
  std::string text = listing(machine_, disassembler_, hart.pc(), 1);
  text += fmt::format("hart 0 in {}-mode; satp: {}, asid {}, root {:#x}\n",
                      arch::privilege_letter(hart.privilege()), mode_name(satp.mode()), satp.asid(),
                      satp.root().value);
  text += fmt::format("icount {}, time {} ns, retired {}\n", counters.icount, machine_.time_ns(),
                      counters.minstret);
  text += fmt::format("exceptions {} (page faults {}), interrupts {}\n", counters.traps, counters.page_faults,
                      counters.interrupts);
  const MemoryView& memory = machine_.memory();
  return text + fmt::format("RAM {} at {:#x}\n", size_text(memory.size_bytes()), memory.base());
}

std::string Monitor::walk(const Words& words) {
  const auto va = words.size() > 1 ? address(words[1]) : std::nullopt;
  const auto access = words.size() > 2 ? parse_access(words[2]) : arch::Access::kRead;
  if (!va || !access || words.size() > 3) return "usage: walk ADDR [read|write|exec]\n";
  HartView& hart = machine_.hart();
  const arch::Satp satp{hart.csr(kCsrSatp)};
  if (satp.mode() == arch::SatpMode::kBare) return "satp is Bare: addresses are physical\n";
  // M-mode does not translate; what S-mode would find is what is asked for.
  const auto privilege =
      hart.privilege() == arch::Privilege::kUser ? arch::Privilege::kUser : arch::Privilege::kSupervisor;
  const Walk walk = machine_.walk(arch::VirtAddr(*va), satp.raw, *access, privilege);
  std::string text = fmt::format("{:#x} by {}, root {:#x}, asid {}\n", *va, mode_name(satp.mode()),
                                 satp.root().value, satp.asid());
  for (const WalkStep& step : walk.steps) text += step_text(step);
  const std::string who =
      fmt::format("{} from {}-mode", words.size() > 2 ? words[2] : "read", arch::privilege_letter(privilege));
  if (walk.fault) {
    return text +
           fmt::format("{}: fault {}: {}\n", who, static_cast<unsigned>(*walk.fault), walk.fault_reason);
  }
  return text +
         fmt::format("{}: {:#x} in a page of {}\n", who, walk.physical_address, size_text(walk.page_bytes));
}

std::string Monitor::tlb(const Words& words) {
  std::optional<std::uint64_t> only;
  if (words.size() > 1) {
    only = address(words[1]);
    if (!only || words.size() > 2) return "usage: tlb [ADDR]\n";
  }
  std::string text;
  unsigned count = 0;
  for (const TlbEntryView& entry : machine_.tlb_entries()) {
    if (only && *only - entry.va >= entry.page_bytes) continue;
    const bool global = (entry.flags & arch::kPteGlobal) != 0;
    text += fmt::format("{:#018x} -> {:#014x}  {:>7}  {}  asid {}\n", entry.va, entry.physical_address,
                        size_text(entry.page_bytes), flag_letters(entry.flags),
                        global ? "any" : std::to_string(entry.asid));
    ++count;
  }
  const TlbConfig& config = machine_.config().tlb;
  const TlbStats stats = machine_.counters().tlb;
  return text +
         fmt::format("{} of {} entries, {} ways; misses {}, walks {}, evictions {}, fences {}\n", count,
                     config.entries, config.ways, stats.misses, stats.walks, stats.evictions,
                     stats.flushes_all + stats.flushes_asid + stats.flushes_page + stats.flushes_page_asid);
}

std::string Monitor::disassemble(const Words& words) {
  constexpr unsigned kDefaultCount = 8;
  const auto from = words.size() > 1 ? address(words[1]) : machine_.hart().pc();
  const auto count = words.size() > 2 ? parse_number(words[2]) : kDefaultCount;
  if (!from || !count || *count > kMaxListing || words.size() > 3) {
    return fmt::format("usage: disas [ADDR [COUNT]], COUNT at most {}\n", kMaxListing);
  }
  return listing(machine_, disassembler_, *from, static_cast<unsigned>(*count));
}

std::string Monitor::symbol(const Words& words) {
  const auto at = words.size() == 2 ? address(words[1]) : std::nullopt;
  if (!at) return "usage: symbol ADDR\n";
  const std::string name = place_name(machine_, *at);
  return fmt::format("{:#x} {}\n", *at, name.empty() ? "is near no symbol" : name);
}

std::string Monitor::phys(const Words& words) {
  if (words.size() == 2 && (words[1] == "on" || words[1] == "off")) {
    physical_memory_ = words[1] == "on";
  } else if (words.size() != 1) {
    return "usage: phys on|off\n";
  }
  return fmt::format("memory addresses are {}\n", physical_memory_ ? "physical" : "virtual");
}

std::string Monitor::digest() { return fmt::format("{:016x}\n", machine_.digest()); }

std::optional<std::uint64_t> Monitor::term(std::string_view text) {
  if (const auto number = parse_number(text)) return number;
  HartView& hart = machine_.hart();
  if (text == "$pc") return hart.pc();
  for (unsigned i = 0; i < arch::kRegisterCount; ++i) {
    if (text.starts_with('$') && text.substr(1) == arch::kIntegerRegisterNames[i]) return hart.x(i);
  }
  return machine_.symbol_address(std::string(text));
}

std::optional<std::uint64_t> Monitor::address(std::string_view text) {
  const auto plus = text.rfind('+');
  if (plus == std::string_view::npos || plus == 0) return term(text);
  const auto base = term(text.substr(0, plus));
  const auto offset = parse_number(text.substr(plus + 1));
  return base && offset ? std::optional(*base + *offset) : std::nullopt;
}

}  // namespace quire::debug
