// ByteReader: reads foreign bytes front to back; every step is checked against the end (EINVAL beyond it).
#pragma once

#include <cstring>

#include "guest/lib/result.h"
#include "guest/lib/span.h"

namespace kernel {

/// By bytes: without Zbb the compiler's byte swap is a call.
inline u32 load_be32(const u8* bytes) {
  return (u32{bytes[0]} << 24) | (u32{bytes[1]} << 16) | (u32{bytes[2]} << 8) | bytes[3];
}

class ByteReader {
 public:
  explicit ByteReader(ConstByteSpan bytes) : bytes_(bytes) {}

  usize position() const { return position_; }
  usize remaining() const { return bytes_.size() - position_; }
  bool at_end() const { return remaining() == 0; }

  KResult<ConstByteSpan> take(usize count) {
    if (count > remaining()) {
      return Err(Errno::kEINVAL);
    }
    const ConstByteSpan part = bytes_.subspan(position_, count);
    position_ += count;
    return part;
  }
  KResult<void> skip(usize count) {
    TRY(take(count));
    return {};
  }
  KResult<void> seek(usize position) {
    if (position > bytes_.size()) {
      return Err(Errno::kEINVAL);
    }
    position_ = position;
    return {};
  }
  /// `alignment`: a power of two, relative to the start of the bytes.
  KResult<void> align(usize alignment) { return seek(align_up(position_, alignment)); }

  /// A plain structure in the machine's own (little-endian) order.
  template <class T>
  requires std::is_trivially_copyable_v<T> KResult<T> read() {
    const ConstByteSpan part = TRY(take(sizeof(T)));
    T value;
    memcpy(&value, part.data(), sizeof(T));
    return value;
  }
  KResult<u32> read_be32() { return load_be32(TRY(take(4)).data()); }
  KResult<u64> read_be64() {
    const u64 high = TRY(read_be32());
    return (high << 32) | TRY(read_be32());
  }
  /// Text up to a NUL, which is consumed but not part of it.
  KResult<StringView> read_c_string() {
    const StringView rest = as_text(bytes_.subspan(position_));
    const usize length = rest.find('\0');
    if (length == StringView::npos) {
      return Err(Errno::kEINVAL);
    }
    position_ += length + 1;
    return rest.substr(0, length);
  }

 private:
  ConstByteSpan bytes_;
  usize position_ = 0;
};

}  // namespace kernel
