// Hashes for tables: not for security.
#pragma once

#include "guest/lib/span.h"

namespace kernel {

/// Mixes all bits of a number (a bijection, so distinct numbers stay distinct).
constexpr u64 hash_number(u64 value) {
  value = (value ^ (value >> 32)) * 0xd6e8'feb8'6659'fd93;
  value = (value ^ (value >> 32)) * 0xd6e8'feb8'6659'fd93;
  return value ^ (value >> 32);
}
constexpr u64 hash_combine(u64 seed, u64 value) {
  return hash_number(seed ^ hash_number(value + 0x9e37'79b9'7f4a'7c15));
}

/// FNV-1a, mixed.
constexpr u64 hash_text(StringView text) {
  u64 hash = 0xcbf2'9ce4'8422'2325;
  for (const char c : text) {
    hash = (hash ^ static_cast<u8>(c)) * 0x100'0000'01b3;
  }
  return hash_number(hash);
}

}  // namespace kernel
