// The commands behind gdb's `monitor`: what gdb has no word for. All answers are text for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emu/debug/disassembler.h"
#include "quire/machine.h"

namespace quire::debug {

class Monitor {
 public:
  explicit Monitor(Machine& machine) : machine_(machine) {}

  /// Never throws for what was typed: complaints are the answer.
  std::string run(std::string_view line);

  /// Whether the debugger's memory addresses are physical (`phys on`).
  bool physical_memory() const { return physical_memory_; }
  void set_physical_memory(bool yes) { physical_memory_ = yes; }

 private:
  using Words = std::vector<std::string>;
  std::string help() const;
  std::string info();
  std::string walk(const Words& words);
  std::string tlb(const Words& words);
  std::string disassemble(const Words& words);
  std::string symbol(const Words& words);
  std::string phys(const Words& words);
  std::string digest();
  /// A number ("0x80000000", "42"), a symbol or a register ("$sp"), each with "+N" behind it or not.
  std::optional<std::uint64_t> address(std::string_view text);
  std::optional<std::uint64_t> term(std::string_view text);

  Machine& machine_;
  Disassembler disassembler_;
  bool physical_memory_ = false;
};

/// "rwxugad" of a leaf, with '-' for what is clear.
std::string flag_letters(std::uint64_t flags);
std::string size_text(std::uint64_t bytes);

}  // namespace quire::debug
