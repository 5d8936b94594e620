// Names of addresses, from ELF files and from lines as nm and Linux's System.map have them.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "emu/base/types.h"

namespace quire {

class SymbolTable {
 public:
  explicit SymbolTable(std::map<u64, std::string> by_address) : by_address_(std::move(by_address)) {}

  /// Adds what `bytes` holds; of two names of an address the older stays. Error(kFile) that names `name`:
  /// neither form, or no symbols; Error(kFile) too for a position-independent ELF, whose addresses are not
  /// known.
  void add(std::span<const u8> bytes, const std::string& name);

  struct Entry {
    u64 address;
    const std::string& name;
  };
  /// The last at or before `address`.
  std::optional<Entry> at_or_before(u64 address) const;
  std::optional<u64> find(std::string_view name) const;

 private:
  std::map<u64, std::string> by_address_;
};

}  // namespace quire
