// Split virtqueue, seen from the device (virtio 1.2, 2.7).
//
// Everything in the rings is the guest's and may be wrong: each rule is checked before use, work is
// bounded by the ring's size, and a broken rule is a QueueError, never a crash or a loop. Invariant:
// last_avail_ counts the chains taken, used_ the chains given back.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "emu/base/types.h"
#include "quire/arch/result.h"
#include "quire/arch/virtio.h"
#include "quire/state_archive.h"

namespace quire {

enum class QueueError : u8 {
  kBadSize,       ///< not a power of two within the limit
  kMisaligned,    ///< a part of the queue is not aligned as 2.7 asks
  kBadAddress,    ///< a ring, table or buffer is not wholly RAM
  kBadAvailIdx,   ///< more chains available than the ring holds
  kBadDescIndex,  ///< a head or `next` outside of its table
  kLoop,          ///< a chain longer than its table
  kBadIndirect,   ///< not negotiated, nested, chained or of a bad length
  kBadOrder,      ///< a buffer to read after one to write (2.7.4.2)
  kTooLong,       ///< more than 2^32 bytes in a chain (2.7.5)
  kBadRequest,    ///< well-formed chain, but not what the device type asks
};

/// One phrase for people.
const char* describe(QueueError error);

/// A piece of guest RAM named by a descriptor; not yet checked to be RAM.
struct GuestBuffer {
  u64 address;
  u32 len_bytes;
};

/// The buffers of one request.
struct Chain {
  u16 head = 0;
  std::vector<GuestBuffer> readable;  ///< by the device
  std::vector<GuestBuffer> writable;
  /// How far a handler that leaves the chain for later has come; 0 at first. The descriptors are read again
  /// then, so the guest may have made the chain another one: the handler checks as it did the first time.
  u64 done_bytes = 0;
};

/// Moves through a list of buffers as if they were one.
class BufferCursor {
 public:
  BufferCursor(Dma& dma, std::span<const GuestBuffer> buffers);

  u64 remaining() const { return remaining_; }
  /// False past the end or where a buffer is not RAM; the position is then unspecified.
  bool read(std::span<u8> out);
  bool write(std::span<const u8> data);
  /// False past the end.
  bool skip(u64 len_bytes);

 private:
  template <class Transfer>
  bool transfer(u64 len_bytes, Transfer&& piece);

  Dma& dma_;
  std::span<const GuestBuffer> buffers_;
  u32 offset_ = 0;  ///< into the first buffer left
  u64 remaining_ = 0;
};

class Virtqueue {
 public:
  /// As the driver wrote them into the transport's registers.
  struct Setup {
    u32 size = 0;
    u64 desc = 0;
    u64 avail = 0;
    u64 used = 0;
  };
  /// Answers a chain with the bytes written into it; nullopt leaves it and what follows for later.
  using Handler = std::function<arch::Result<std::optional<u32>, QueueError>(Chain& chain)>;

  explicit Virtqueue(Dma& dma) : dma_(dma) {}

  static constexpr u32 kMaxSize = 256;
  /// Linux builds indirect tables longer than the ring; this bounds them.
  static constexpr u32 kMaxIndirect = 1024;

  /// `features`: what was negotiated.
  arch::Result<void, QueueError> start(const Setup& setup, u64 features);
  void stop() { ready_ = false; }
  void transfer(StateArchive& archive) {
    transfer(archive, setup_);
    archive(ready_, indirect_, event_idx_, last_avail_, used_, unfinished_bytes_);
    ready_ = ready_ && setup_.size >= 1 && setup_.size <= kMaxSize;
  }
  static void transfer(StateArchive& archive, Setup& setup) {
    archive(setup.size, setup.desc, setup.avail, setup.used);
  }
  bool ready() const { return ready_; }

  /// Chains that wait, as of now.
  arch::Result<u32, QueueError> pending() const;
  /// Gives each waiting chain to `handler` and hands it back. True when the driver wants an interrupt.
  arch::Result<bool, QueueError> serve(const Handler& handler);

 private:
  struct Table {
    u64 address;
    u32 entries;
  };

  arch::Result<void, QueueError> collect(u16 head);
  arch::Result<std::optional<arch::virtio::Desc>, QueueError> walk(const Table& table, u32 index,
                                                                   u64& total_bytes);
  arch::Result<void, QueueError> append(const arch::virtio::Desc& desc, u64& total_bytes);
  arch::Result<void, QueueError> give_back(u16 head, u32 written_bytes);
  arch::Result<bool, QueueError> interrupt_wanted(u16 old_used);

  template <class T>
  arch::Result<T, QueueError> load(u64 address) const;
  template <class T>
  arch::Result<void, QueueError> store(u64 address, const T& value);

  Dma& dma_;
  Setup setup_;
  bool ready_ = false;
  bool indirect_ = false;
  bool event_idx_ = false;
  u16 last_avail_ = 0;
  u16 used_ = 0;
  u64 unfinished_bytes_ = 0;  ///< Chain::done_bytes of the chain that comes next
  Chain chain_;               ///< scratch, kept for its capacity
};

}  // namespace quire
