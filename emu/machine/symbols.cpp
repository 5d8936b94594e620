#include "emu/machine/symbols.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "emu/machine/elf_file.h"
#include "emu/machine/kernel_image.h"
#include "quire/error.h"

namespace quire {
namespace {

[[noreturn]] void fail(const std::string& name, std::string_view what) {
  throw Error(ErrorKind::kFile, fmt::format("{}: {}", name, what));
}

/// "ADDRESS TYPE NAME"; a name may be followed by more, of a module.
bool parse_line(std::string_view line, std::map<u64, std::string>& out) {
  u64 address = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), address, 16);
  std::string_view rest = line.substr(static_cast<usize>(end - line.data()));
  if (error != std::errc{} || rest.size() < 4 || rest[0] != ' ' || rest[2] != ' ') return false;
  rest.remove_prefix(3);
  const std::string_view symbol = rest.substr(0, rest.find_first_of(" \t"));
  if (is_symbol_for_people(symbol)) out.emplace(address, symbol);
  return true;
}

std::map<u64, std::string> from_lines(std::string_view text, const std::string& name) {
  std::map<u64, std::string> found;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.empty() && !parse_line(line, found)) {
      fail(name, "neither an ELF file nor lines of ADDRESS TYPE NAME, as nm and System.map have them");
    }
  }
  return found;
}

std::map<u64, std::string> from_elf(const ElfFile& elf, const std::string& name) {
  if (elf.type() != arch::ElfType::kExecutable) {
    fail(name, "position-independent: where it is loaded is not known; link it with -no-pie or -static");
  }
  std::map<u64, std::string> found;
  for (const auto& [symbol, value] : elf.symbols()) {
    if (is_symbol_for_people(symbol) && elf.physical_address(value)) found.emplace(value, symbol);
  }
  return found;
}

}  // namespace

void SymbolTable::add(std::span<const u8> bytes, const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::map<u64, std::string> found;
  if (text.starts_with("\x7f"
                       "ELF")) {
    const auto elf = ElfFile::parse(bytes);
    if (!elf.ok()) fail(name, describe(elf.error()));
    found = from_elf(elf.value(), name);
  } else {
    found = from_lines(text, name);
  }
  if (found.empty()) fail(name, "it has no symbols; give a file that is not stripped");
  by_address_.merge(found);
}

std::optional<SymbolTable::Entry> SymbolTable::at_or_before(u64 address) const {
  const auto after = by_address_.upper_bound(address);
  if (after == by_address_.begin()) return std::nullopt;
  const auto& [start, name] = *std::prev(after);
  return Entry{start, name};
}

std::optional<u64> SymbolTable::find(std::string_view name) const {
  const auto found = std::find_if(by_address_.begin(), by_address_.end(),
                                  [name](const auto& entry) { return entry.second == name; });
  return found == by_address_.end() ? std::nullopt : std::optional(found->first);
}

}  // namespace quire
