// Views of memory: std::span and std::string_view by short names, and byte casts.
#pragma once

#include <span>
#include <string_view>

#include "guest/lib/types.h"

namespace kernel {

template <class T>
using Span = std::span<T>;
using ByteSpan = std::span<u8>;
using ConstByteSpan = std::span<const u8>;
using StringView = std::string_view;

inline StringView as_text(ConstByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline ConstByteSpan as_bytes(StringView text) {
  return {reinterpret_cast<const u8*>(text.data()), text.size()};
}
template <class T>
requires std::is_trivially_copyable_v<T> ConstByteSpan object_bytes(const T& object) {
  return {reinterpret_cast<const u8*>(&object), sizeof(T)};
}

}  // namespace kernel
