// IoBuffer: where a read puts its bytes, or a write takes them from: user memory in pieces, or kernel memory.
//
// Invariant: done() + remaining() is the size it began with; bytes go in order, each once. A user piece
// that faults ends the transfer at the first bad byte: put and get then move fewer bytes than asked for.
// A copy of the buffer remembers the place, for taking a transfer back.
#pragma once

#include "guest/lib/result.h"
#include "guest/lib/span.h"

namespace kernel {

/// struct iovec, already copied into the kernel.
struct IoSegment {
  VirtAddr base;
  u64 bytes;
};
static_assert(sizeof(IoSegment) == 16);

/// writev(2): at most this many segments, and this many bytes move in one call.
inline constexpr usize kMaxIoSegments = 1024;
inline constexpr u64 kMaxIoBytes = 0x7fff'f000;

class IoBuffer {
 public:
  static IoBuffer user(VirtAddr base, u64 bytes);
  static IoBuffer kernel(ByteSpan bytes);
  /// For writes: the bytes are only read.
  static IoBuffer kernel(ConstByteSpan bytes);
  /// EINVAL when the lengths do not add up to a valid ssize_t. `segments` must outlive the buffer.
  static KResult<IoBuffer> vector(Span<const IoSegment> segments);

  /// Whether the memory can be user memory at all; what is mapped shows when bytes move. EFAULT.
  KResult<void> check() const;

  u64 remaining() const { return remaining_; }
  u64 done() const { return done_; }
  /// A user address refused the transfer.
  bool faulted() const { return faulted_; }
  /// Moves at most `bytes` more, to the next places in the buffer; returns how many went.
  usize put(const void* from, usize bytes);
  usize put_zeros(usize bytes);
  usize get(void* to, usize bytes);
  /// Transfers no more than `bytes` from now on.
  void limit(u64 bytes);

  /// What a transfer that ended returns: the count, or EFAULT when a fault let nothing through.
  KResult<usize> result() const;

 private:
  enum class Kind : u8 { kUser, kKernel };
  template <class Move>
  usize transfer(usize bytes, Move move);

  Kind kind_ = Kind::kKernel;
  bool faulted_ = false;
  u8* kernel_ = nullptr;
  IoSegment single_{};
  const IoSegment* segment_ = nullptr;  // null: single_
  usize segments_left_ = 0;
  u64 offset_ = 0;  // in the current segment
  u64 remaining_ = 0;
  u64 done_ = 0;
};

}  // namespace kernel
