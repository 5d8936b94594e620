#include "guest/fs/io_buffer.h"

#include <algorithm>
#include <cstring>

#include "guest/hal/user_access.h"
#include "guest/lib/panic.h"
#include "guest/mem/frame.h"

namespace kernel {

IoBuffer IoBuffer::user(VirtAddr base, u64 bytes) {
  IoBuffer buffer;
  buffer.kind_ = Kind::kUser;
  buffer.single_ = {base, bytes};
  buffer.remaining_ = bytes;
  return buffer;
}

IoBuffer IoBuffer::kernel(ByteSpan bytes) {
  IoBuffer buffer;
  buffer.kernel_ = bytes.data();
  buffer.single_ = {VirtAddr(0), bytes.size()};
  buffer.remaining_ = bytes.size();
  return buffer;
}

IoBuffer IoBuffer::kernel(ConstByteSpan bytes) {
  return kernel(ByteSpan(const_cast<u8*>(bytes.data()), bytes.size()));
}

KResult<IoBuffer> IoBuffer::vector(Span<const IoSegment> segments) {
  u64 total = 0;
  for (const IoSegment& segment : segments) {
    // readv(2): a sum that does not fit ssize_t is an error, one above the transfer limit is cut short.
    if (segment.bytes > static_cast<u64>(INT64_MAX) - total) {
      return Err(Errno::kEINVAL);
    }
    total += segment.bytes;
  }
  IoBuffer buffer;
  buffer.kind_ = Kind::kUser;
  buffer.segment_ = segments.data();
  buffer.segments_left_ = segments.size();
  buffer.remaining_ = std::min(total, kMaxIoBytes);
  return buffer;
}

KResult<void> IoBuffer::check() const {
  const auto in_user_space = [](const IoSegment& segment) {
    return segment.bytes <= kSv39UserTop && segment.base.value <= kSv39UserTop - segment.bytes;
  };
  if (kind_ == Kind::kKernel) {
    return {};
  }
  const Span<const IoSegment> segments = segment_ == nullptr
                                             ? Span<const IoSegment>(&single_, 1)
                                             : Span<const IoSegment>(segment_, segments_left_);
  return std::all_of(segments.begin(), segments.end(), in_user_space) ? KResult<void>() : Err(Errno::kEFAULT);
}

/// `move(segment offset pointer parts..., count)` moves bytes at the current place and returns how many it
/// could.
template <class Move>
usize IoBuffer::transfer(usize bytes, Move move) {
  usize moved = 0;
  bytes = std::min<u64>(bytes, remaining_);
  while (moved < bytes && !faulted_) {
    const IoSegment& segment = segment_ != nullptr ? *segment_ : single_;
    if (offset_ == segment.bytes) {
      ASSERT(segments_left_ > 1);
      segment_++;
      segments_left_--;
      offset_ = 0;
      continue;
    }
    const usize part = std::min<u64>(bytes - moved, segment.bytes - offset_);
    const usize went = move(segment.base + offset_, offset_, moved, part);
    faulted_ = went < part;
    moved += went;
    offset_ += went;
    remaining_ -= went;
    done_ += went;
  }
  return moved;
}

usize IoBuffer::put(const void* from, usize bytes) {
  return transfer(bytes, [&](VirtAddr user, u64 offset, usize moved, usize part) {
    const u8* const source = static_cast<const u8*>(from) + moved;
    if (kind_ == Kind::kUser) {
      return copy_to_user_partial(user, source, part);
    }
    memcpy(kernel_ + offset, source, part);
    return part;
  });
}

usize IoBuffer::put_zeros(usize bytes) {
  usize moved = 0;
  while (moved < bytes && remaining_ > 0 && !faulted_) {
    moved += put(frame_data(zero_frame()), std::min<usize>(bytes - moved, kPageBytes));
  }
  return moved;
}

usize IoBuffer::get(void* to, usize bytes) {
  return transfer(bytes, [&](VirtAddr user, u64 offset, usize moved, usize part) {
    u8* const target = static_cast<u8*>(to) + moved;
    if (kind_ == Kind::kUser) {
      return copy_from_user_partial(target, user, part);
    }
    memcpy(target, kernel_ + offset, part);
    return part;
  });
}

void IoBuffer::limit(u64 bytes) { remaining_ = std::min(remaining_, bytes); }

KResult<usize> IoBuffer::result() const {
  if (done_ == 0 && faulted_) {
    return Err(Errno::kEFAULT);
  }
  return done_;
}

}  // namespace kernel
