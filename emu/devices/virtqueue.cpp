#include "emu/devices/virtqueue.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "quire/arch/bits.h"

namespace quire {

using arch::Err;
using arch::Result;
using arch::virtio::AvailHeader;
using arch::virtio::Desc;
using arch::virtio::UsedElem;
using arch::virtio::UsedHeader;

const char* describe(QueueError error) {
  switch (error) {
    case QueueError::kBadSize:
      return "queue size is not a power of two within the limit";
    case QueueError::kMisaligned:
      return "a part of the queue is misaligned";
    case QueueError::kBadAddress:
      return "an address of the queue or of a buffer is not RAM";
    case QueueError::kBadAvailIdx:
      return "available index is ahead by more than the queue's size";
    case QueueError::kBadDescIndex:
      return "descriptor index is outside of the table";
    case QueueError::kLoop:
      return "descriptor chain is longer than its table";
    case QueueError::kBadIndirect:
      return "indirect descriptor is not allowed here or malformed";
    case QueueError::kBadOrder:
      return "device-readable buffer after a device-writable one";
    case QueueError::kTooLong:
      return "descriptor chain is longer than 2^32 bytes";
    case QueueError::kBadRequest:
      return "buffers do not have the shape the request needs";
  }
  return "unknown";
}

// --- BufferCursor --------------------------------------------------------------------------------

BufferCursor::BufferCursor(Dma& dma, std::span<const GuestBuffer> buffers) : dma_(dma), buffers_(buffers) {
  for (const GuestBuffer& buffer : buffers) {
    remaining_ += buffer.len_bytes;
  }
}

template <class Transfer>
bool BufferCursor::transfer(u64 len_bytes, Transfer&& piece) {
  if (len_bytes > remaining_) {
    return false;
  }
  remaining_ -= len_bytes;
  for (u64 done = 0; done < len_bytes;) {
    const GuestBuffer& buffer = buffers_.front();
    const u64 part = std::min<u64>(len_bytes - done, buffer.len_bytes - offset_);
    if (part > 0 && !piece(buffer.address + offset_, done, part)) {
      return false;
    }
    done += part;
    offset_ += static_cast<u32>(part);
    if (offset_ == buffer.len_bytes) {
      buffers_ = buffers_.subspan(1);
      offset_ = 0;
    }
  }
  return true;
}

bool BufferCursor::read(std::span<u8> out) {
  return transfer(out.size(),
                  [&](u64 address, u64 at, u64 len) { return dma_.read(address, out.subspan(at, len)); });
}

bool BufferCursor::write(std::span<const u8> data) {
  return transfer(data.size(),
                  [&](u64 address, u64 at, u64 len) { return dma_.write(address, data.subspan(at, len)); });
}

bool BufferCursor::skip(u64 len_bytes) {
  return transfer(len_bytes, [](u64, u64, u64) { return true; });
}

// --- Virtqueue -----------------------------------------------------------------------------------

template <class T>
Result<T, QueueError> Virtqueue::load(u64 address) const {
  T value;
  if (!dma_.read(address, std::span(reinterpret_cast<u8*>(&value), sizeof value))) {
    return Err(QueueError::kBadAddress);
  }
  return value;
}

template <class T>
Result<void, QueueError> Virtqueue::store(u64 address, const T& value) {
  if (!dma_.write(address, std::span(reinterpret_cast<const u8*>(&value), sizeof value))) {
    return Err(QueueError::kBadAddress);
  }
  return {};
}

Result<void, QueueError> Virtqueue::start(const Setup& setup, u64 features) {
  if (setup.size > kMaxSize || !std::has_single_bit(setup.size)) {
    return Err(QueueError::kBadSize);
  }
  if (!arch::is_aligned(setup.desc, arch::virtio::kDescTableAlign) ||
      !arch::is_aligned(setup.avail, arch::virtio::kAvailRingAlign) ||
      !arch::is_aligned(setup.used, arch::virtio::kUsedRingAlign)) {
    return Err(QueueError::kMisaligned);
  }
  setup_ = setup;
  indirect_ = (features & arch::virtio::kFeatureIndirectDesc) != 0;
  event_idx_ = (features & arch::virtio::kFeatureEventIdx) != 0;
  last_avail_ = used_ = 0;
  unfinished_bytes_ = 0;
  ready_ = true;
  return {};
}

Result<u32, QueueError> Virtqueue::pending() const {
  const u16 avail_idx = TRY(load<u16>(setup_.avail + offsetof(AvailHeader, idx)));
  const u16 waiting = static_cast<u16>(avail_idx - last_avail_);
  if (waiting > setup_.size) {
    return Err(QueueError::kBadAvailIdx);
  }
  return u32{waiting};
}

// The number of chains is fixed at the start: a buffer may lie over the ring itself, and what the
// device writes there must not keep it busy for ever.
Result<bool, QueueError> Virtqueue::serve(const Handler& handler) {
  const u16 used_before = used_;
  const u32 waiting = TRY(pending());
  for (u32 left = waiting; left > 0; --left) {
    const u64 slot = last_avail_ % setup_.size;
    const u16 head = TRY(load<u16>(setup_.avail + sizeof(AvailHeader) + slot * sizeof(u16)));
    TRY(collect(head));
    chain_.done_bytes = std::exchange(unfinished_bytes_, 0);
    const std::optional<u32> written = TRY(handler(chain_));
    if (!written) {
      unfinished_bytes_ = chain_.done_bytes;
      break;
    }
    ++last_avail_;
    TRY(give_back(head, *written));
  }
  if (event_idx_ && waiting > 0) {
    // 2.7.10: ask to be notified of the very next chain.
    TRY(store(setup_.used + sizeof(UsedHeader) + setup_.size * sizeof(UsedElem), last_avail_));
  }
  return interrupt_wanted(used_before);
}

/// Reads the chain at `head` into chain_.
Result<void, QueueError> Virtqueue::collect(u16 head) {
  chain_.head = head;
  chain_.readable.clear();
  chain_.writable.clear();
  u64 total_bytes = 0;
  const Table ring{setup_.desc, setup_.size};
  const std::optional<Desc> indirect = TRY(walk(ring, head, total_bytes));
  if (!indirect) {
    return {};
  }
  // 2.7.5.3: NEXT may not stand beside INDIRECT, and tables do not nest; WRITE means nothing here.
  const u32 entries = indirect->len / sizeof(Desc);
  if (!indirect_ || (indirect->flags & arch::virtio::kDescNext) != 0 || indirect->len % sizeof(Desc) != 0 ||
      entries == 0 || entries > kMaxIndirect) {
    return Err(QueueError::kBadIndirect);
  }
  const bool nested = TRY(walk({indirect->addr, entries}, 0, total_bytes)).has_value();
  if (nested) {
    return Err(QueueError::kBadIndirect);
  }
  return {};
}

/// Appends the buffers of the chain that starts at `index`; an indirect descriptor ends it and is returned.
Result<std::optional<Desc>, QueueError> Virtqueue::walk(const Table& table, u32 index, u64& total_bytes) {
  for (u32 steps = 0; steps < table.entries; ++steps) {
    if (index >= table.entries) {
      return Err(QueueError::kBadDescIndex);
    }
    const Desc desc = TRY(load<Desc>(table.address + index * sizeof(Desc)));
    if ((desc.flags & arch::virtio::kDescIndirect) != 0) {
      return std::optional(desc);
    }
    TRY(append(desc, total_bytes));
    if ((desc.flags & arch::virtio::kDescNext) == 0) {
      return std::optional<Desc>();
    }
    index = desc.next;
  }
  return Err(QueueError::kLoop);
}

Result<void, QueueError> Virtqueue::append(const Desc& desc, u64& total_bytes) {
  total_bytes += desc.len;
  if (total_bytes > u64{1} << 32) {
    return Err(QueueError::kTooLong);
  }
  if ((desc.flags & arch::virtio::kDescWrite) != 0) {
    chain_.writable.push_back({desc.addr, desc.len});
  } else if (chain_.writable.empty()) {
    chain_.readable.push_back({desc.addr, desc.len});
  } else {
    return Err(QueueError::kBadOrder);
  }
  return {};
}

// The element first, then the index that publishes it (2.7.8.2).
Result<void, QueueError> Virtqueue::give_back(u16 head, u32 written_bytes) {
  const u64 slot = used_ % setup_.size;
  TRY(store(setup_.used + sizeof(UsedHeader) + slot * sizeof(UsedElem), UsedElem{head, written_bytes}));
  ++used_;
  return store(setup_.used + offsetof(UsedHeader, idx), used_);
}

// 2.7.7: the driver's flag, or with VIRTIO_F_EVENT_IDX the index it waits for.
Result<bool, QueueError> Virtqueue::interrupt_wanted(u16 old_used) {
  if (used_ == old_used) {
    return false;
  }
  if (event_idx_) {
    const u16 event = TRY(load<u16>(setup_.avail + sizeof(AvailHeader) + setup_.size * sizeof(u16)));
    return arch::virtio::event_reached(event, used_, old_used);
  }
  const u16 flags = TRY(load<u16>(setup_.avail + offsetof(AvailHeader, flags)));
  return (flags & arch::virtio::kAvailNoInterrupt) == 0;
}

}  // namespace quire
