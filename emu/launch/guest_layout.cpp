// Finding names in the supervisor's description; see guest_layout.h.
#include "emu/launch/guest_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>

#include "quire/error.h"

namespace quire {
namespace {

using arch::DescribedKind;
using arch::DescriptionEntry;
using arch::DescriptionHeader;

/// More than any version will have; a count beyond is damage.
constexpr std::uint32_t kMaxEntries = 4096;

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::kUsage,
              fmt::format("the kernel's description of itself cannot be used: {}; run the supervisor that "
                          "belongs to this build",
                          why));
}

bool is_ram(const MemoryView& memory, std::uint64_t address, std::uint64_t bytes) {
  const std::uint64_t offset = address - memory.base();
  return address >= memory.base() && offset <= memory.size_bytes() && bytes <= memory.size_bytes() - offset;
}

template <class T>
T read_object(const MemoryView& memory, std::uint64_t address, std::uint64_t bytes) {
  if (!is_ram(memory, address, bytes)) {
    refuse(fmt::format("it reaches out of RAM at {:#x}", address));
  }
  T object{};
  std::memcpy(&object, memory.bytes().data() + (address - memory.base()),
              std::min<std::size_t>(bytes, sizeof object));
  return object;
}

DescriptionHeader read_header(const MemoryView& memory, std::uint64_t description) {
  const auto header = read_object<DescriptionHeader>(memory, description, sizeof(DescriptionHeader));
  if (header.magic != arch::kDescriptionMagic) {
    refuse(fmt::format("there is none at {:#x}", description));
  }
  if (header.version != arch::kDescriptionVersion) {
    refuse(
        fmt::format("it has version {}, and this build reads {}", header.version, arch::kDescriptionVersion));
  }
  if (header.header_bytes < sizeof header || header.entry_bytes < sizeof(DescriptionEntry) ||
      header.entry_count > kMaxEntries) {
    refuse("its sizes make no sense");
  }
  return header;
}

/// Entries by name.
class Entries {
 public:
  Entries(const MemoryView& memory, std::uint64_t description, const DescriptionHeader& header) {
    for (std::uint32_t i = 0; i < header.entry_count; ++i) {
      const std::uint64_t at = description + header.header_bytes + std::uint64_t{i} * header.entry_bytes;
      const auto entry = read_object<DescriptionEntry>(memory, at, header.entry_bytes);
      const char* const end = std::find(entry.name, std::end(entry.name), '\0');
      by_name_.emplace(std::string(entry.name, end), entry);
    }
  }
  const DescriptionEntry& find(std::string_view name, DescribedKind kind) const {
    const auto found = by_name_.find(name);
    if (found == by_name_.end() || found->second.kind != kind) {
      refuse(fmt::format("it lacks '{}'", name));
    }
    return found->second;
  }
  GuestField field(std::string_view name, std::uint32_t bytes) const {
    const DescriptionEntry& entry = find(name, DescribedKind::kField);
    if (entry.bytes != bytes) {
      refuse(fmt::format("'{}' has {} bytes, and this build expects {}", name, entry.bytes, bytes));
    }
    return {entry.value, entry.bytes};
  }

 private:
  std::map<std::string, DescriptionEntry, std::less<>> by_name_;
};

}  // namespace

std::string describe(const Torn& torn) { return fmt::format("{} ({:#x})", torn.what, torn.where); }

GuestLayout::GuestLayout(const MemoryView& memory, std::uint64_t description) {
  const DescriptionHeader header = read_header(memory, description);
  const Entries entries(memory, description, header);
  linear_map_base = header.linear_map_base;
#define QUIRE_DESCRIBED_FIELD(name, type, member, bytes) name = entries.field(#name, bytes);
#define QUIRE_DESCRIBED_VALUE(name, constant) name = entries.find(#name, DescribedKind::kValue).value;
#define QUIRE_DESCRIBED_ROOT(name) name = entries.find(#name, DescribedKind::kRoot).value;
#include "quire/arch/description.inc"
#undef QUIRE_DESCRIBED_FIELD
#undef QUIRE_DESCRIBED_VALUE
#undef QUIRE_DESCRIBED_ROOT
}

MayBeTorn<const std::uint8_t*> GuestObjects::place(std::uint64_t pointer, std::uint64_t bytes) const {
  const std::uint64_t address = pointer - layout_.linear_map_base;
  if (pointer < layout_.linear_map_base || !is_ram(memory_, address, bytes)) {
    return arch::Err(Torn{pointer < 4096 ? "a null pointer" : "a pointer out of RAM", pointer});
  }
  return memory_.bytes().data() + (address - memory_.base());
}

MayBeTorn<std::uint64_t> GuestObjects::load(std::uint64_t object, GuestField field,
                                            std::uint64_t further) const {
  std::uint64_t value = 0;
  const std::uint64_t bytes = std::min<std::uint64_t>(field.bytes, sizeof value);
  std::memcpy(&value, TRY(place(object + field.offset + further, bytes)), bytes);
  return value;
}

MayBeTorn<std::string> GuestObjects::text(std::uint64_t pointer, std::uint64_t bytes) const {
  const std::uint8_t* const at = TRY(place(pointer, bytes));
  return std::string(reinterpret_cast<const char*>(at), bytes);
}

MayBeTorn<std::string> GuestObjects::c_string(std::uint64_t pointer, std::uint64_t limit_bytes) const {
  std::string found;
  for (std::uint64_t i = 0; i < limit_bytes; ++i) {
    const std::uint8_t c = *TRY(place(pointer + i, 1));
    if (c == 0) {
      return found;
    }
    found += static_cast<char>(c);
  }
  return arch::Err(Torn{"a text without an end", pointer});
}

}  // namespace quire
