// The supervisor's description of itself, read and checked, and loads that stay in RAM whatever a pointer
// says.
//
// Invariant: every name of quire/arch/description.inc was found, fields with the size that the reader
// expects.
#pragma once

#include <cstdint>
#include <string>

#include "quire/arch/description.h"
#include "quire/arch/result.h"
#include "quire/machine.h"

namespace quire {

/// What was read does not fit together: the guest is in the middle of a change, or its memory was damaged.
struct Torn {
  const char* what;     ///< a phrase
  std::uint64_t where;  ///< the pointer concerned
};
template <class T>
using MayBeTorn = arch::Result<T, Torn>;
std::string describe(const Torn& torn);

struct GuestField {
  std::uint64_t offset;
  std::uint32_t bytes;
};

class GuestLayout {
 public:
  /// Error(kUsage): no description there, one of another version, or one that lacks a name.
  GuestLayout(const MemoryView& memory, std::uint64_t description);

#define QUIRE_DESCRIBED_FIELD(name, type, member, bytes) GuestField name;
#define QUIRE_DESCRIBED_VALUE(name, constant) std::uint64_t name;
#define QUIRE_DESCRIBED_ROOT(name) std::uint64_t name;
#include "quire/arch/description.inc"
#undef QUIRE_DESCRIBED_FIELD
#undef QUIRE_DESCRIBED_VALUE
#undef QUIRE_DESCRIBED_ROOT
  std::uint64_t linear_map_base;
};

/// Objects of the supervisor by their pointers.
class GuestObjects {
 public:
  GuestObjects(const MemoryView& memory, const GuestLayout& layout) : memory_(memory), layout_(layout) {}

  /// A field of at most 8 bytes, zero-extended.
  MayBeTorn<std::uint64_t> load(std::uint64_t object, GuestField field, std::uint64_t further = 0) const;
  MayBeTorn<std::string> text(std::uint64_t pointer, std::uint64_t bytes) const;
  /// Up to a NUL, which must come within `limit_bytes`.
  MayBeTorn<std::string> c_string(std::uint64_t pointer, std::uint64_t limit_bytes) const;

 private:
  MayBeTorn<const std::uint8_t*> place(std::uint64_t pointer, std::uint64_t bytes) const;

  const MemoryView& memory_;
  const GuestLayout& layout_;
};

}  // namespace quire
