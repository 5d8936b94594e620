// NinepChannel: carries 9P messages to a share of the host (virtio 1.2, 5.11) and back.
#pragma once

#include "guest/lib/result.h"
#include "guest/lib/span.h"

namespace kernel {

class NinepChannel : NonCopyable {
 public:
  /// What the share is called.
  virtual StringView tag() const = 0;
  /// Sends `request` and then `out`; the reply fills `reply` and then the pieces of `in`. `out` and `in` may
  /// be empty. Every span lies in the linear map (heap or one frame). The bytes of the reply; EIO.
  virtual KResult<usize> exchange(ConstByteSpan request, ConstByteSpan out, ByteSpan reply,
                                  Span<const ByteSpan> in) = 0;
  /// How many pieces `in` may have; at least one.
  virtual usize max_pieces() const = 0;

 protected:
  ~NinepChannel() = default;
};

/// Null when no share has that tag.
NinepChannel* find_ninep_channel(StringView tag);

}  // namespace kernel
