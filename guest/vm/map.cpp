// mmap(2): checks, placing, and the new VMA.

#include <algorithm>

#include "guest/fs/tmpfs.h"
#include "guest/vm/address_space.h"
#include "guest/vm/events.h"
#include "guest/vm/leaf.h"

namespace kernel {

namespace {

/// What MAP_SHARED_VALIDATE accepts; other flags are EOPNOTSUPP there, and ignored elsewhere.
constexpr u32 kKnownFlags = kMapTypeMask | kMapFixed | kMapAnonymous | kMapGrowsDown | kMapDenyWrite |
                            kMapExecutable | kMapLocked | kMapNoReserve | kMapPopulate | kMapNonBlock |
                            kMapStack | kMapHugeTlb | kMapUninitialized | (kMapHugeMask << kMapHugeShift);
constexpr u32 kMayAll = kVmaMayRead | kVmaMayWrite | kVmaMayExec;

bool is_shared(u32 flags) { return (flags & kMapTypeMask) != kMapPrivate; }
bool is_fixed(u32 flags) { return (flags & (kMapFixed | kMapFixedNoReplace)) != 0; }
bool counts_as_data(u32 prot, u32 vma_flags) {
  return (prot & kProtWrite) != 0 && (vma_flags & (kVmaShared | kVmaGrowsDown)) == 0;
}

/// What a file allows; the result is kVma* flags.
KResult<u32> check_file(const File& file, const MapRequest& request) {
  const bool shared = is_shared(request.flags);
  if (!file.readable() || (shared && (request.prot & kProtWrite) != 0 && !file.writable())) {
    return Err(Errno::kEACCES);
  }
  if ((request.flags & kMapGrowsDown) != 0) {
    return Err(Errno::kEINVAL);
  }
  u32 flags = kMayAll;
  if (shared && !file.writable()) {
    flags &= ~u32{kVmaMayWrite};
  }
  const auto seals = file.inode().seals();
  if (shared && seals.ok() && (seals.value() & (kSealWrite | kSealFutureWrite)) != 0) {
    if ((request.prot & kProtWrite) != 0) {
      return Err(Errno::kEPERM);
    }
    flags &= ~u32{kVmaMayWrite};
  }
  return flags;
}

}  // namespace

/// The checks that need no place yet; the result is the VMA's flags.
KResult<u32> AddressSpace::check_request(const MapRequest& request, u64 bytes) const {
  const u32 type = request.flags & kMapTypeMask;
  u32 flags = kMayAll;
  if (request.offset > ~u64{0} - bytes) {
    return Err(Errno::kEOVERFLOW);
  }
  if (request.file) {
    if (type == kMapSharedValidate && (request.flags & ~kKnownFlags) != 0) {
      return Err(Errno::kEOPNOTSUPP);
    }
    if (type != kMapShared && type != kMapSharedValidate && type != kMapPrivate) {
      return Err(Errno::kEINVAL);
    }
    flags = TRY(check_file(*request.file, request));
  } else if (type != kMapShared && type != kMapPrivate) {
    return Err(Errno::kEINVAL);
  } else if (type == kMapShared && (request.flags & kMapGrowsDown) != 0) {
    return Err(Errno::kEINVAL);
  }
  flags |= is_shared(request.flags) ? u32{kVmaShared} : 0;
  flags |= (request.flags & kMapGrowsDown) != 0 ? u32{kVmaGrowsDown} : 0;
  flags |= (request.flags & kMapLocked) != 0 ? u32{kVmaLocked} : 0;
  flags |= (request.flags & kMapStack) != 0 ? u32{kVmaNoHugePage} : 0;
  flags |= future_lock_flags_;
  if ((request.flags & kMapNoReserve) != 0 && commit_state().mode != Overcommit::kNever) {
    flags |= kVmaNoReserve;
  }
  return flags;
}

/// RLIMIT_AS and RLIMIT_DATA for `pages` more.
KResult<void> AddressSpace::check_growth(u64 pages, u32 prot, u32 vma_flags) const {
  if (counters_.total_pages + pages > limits_.address_space >> kPageShift) {
    return Err(Errno::kENOMEM);
  }
  if (counts_as_data(prot, vma_flags) && counters_.data_pages + pages > limits_.data >> kPageShift) {
    return Err(Errno::kENOMEM);
  }
  return {};
}

/// RLIMIT_MEMLOCK for `pages` more. EPERM, ENOMEM.
KResult<void> AddressSpace::check_locking(u64 pages) const {
  if (limits_.may_exceed_locked) {
    return {};
  }
  if (limits_.locked == 0) {
    return Err(Errno::kEPERM);
  }
  return counters_.locked_pages + pages > limits_.locked >> kPageShift ? KResult<void>(Err(Errno::kENOMEM))
                                                                       : KResult<void>();
}

/// Top-down below mmap_top_, and when that is full bottom-up in all of user space.
KResult<VirtAddr> AddressSpace::find_free(u64 bytes) const {
  if (const auto below = vmas_.find_gap_down(bytes, kUserLowest.value, mmap_top_.value)) {
    return *below;
  }
  if (const auto above = vmas_.find_gap_up(bytes, mmap_top_.value, kUserTop.value)) {
    return *above;
  }
  return Err(Errno::kENOMEM);
}

/// Where the mapping goes. EINVAL, ENOMEM, EEXIST.
KResult<VirtAddr> AddressSpace::place(const MapRequest& request, u64 bytes) const {
  if (is_fixed(request.flags)) {
    if (!is_aligned(request.address.value, kPageBytes)) {
      return Err(Errno::kEINVAL);
    }
    if (request.address.value > kUserTop.value - bytes) {
      return Err(Errno::kENOMEM);
    }
    if ((request.flags & kMapFixedNoReplace) != 0 &&
        vmas_.overlaps(request.address, request.address + bytes)) {
      return Err(Errno::kEEXIST);
    }
    return request.address;
  }
  VirtAddr hint(align_down(request.address.value, kPageBytes));
  if (hint.value != 0) {
    hint = std::max(hint, kUserLowest);
    if (hint.value <= kUserTop.value - bytes) {
      const VmaRange* const after = vmas_.find_from(hint);
      if (after == nullptr ||
          after->start.value - std::min(after->guard_bytes, after->start.value) >= hint.value + bytes) {
        return hint;
      }
    }
  }
  return find_free(bytes);
}

KResult<VirtAddr> AddressSpace::map(MapRequest request) {
  if (!is_aligned(request.offset, kPageBytes) || request.bytes == 0) {
    return Err(Errno::kEINVAL);
  }
  if (request.bytes > kUserTop.value) {
    return Err(Errno::kENOMEM);
  }
  const u64 bytes = align_up(request.bytes, kPageBytes);
  if ((request.flags & kMapAnonymous) != 0) {
    request.file = {};
    request.offset = 0;
  }
  request.prot &= kProtMask;
  MutexGuard guard(lock_);
  const VirtAddr start = TRY(place(request, bytes));
  const u32 vma_flags = TRY(check_request(request, bytes));
  if ((request.flags & kMapHugeTlb) != 0) {
    return Err(Errno::kENOMEM);  // there is no pool of huge pages
  }
  const Range range{start, start + bytes};
  const VirtAddr mapped = TRY(map_at(request, range, vma_flags));
  const bool locked_now = (vma_flags & (kVmaLocked | kVmaLockOnFault)) == kVmaLocked;
  if (locked_now || (request.flags & (kMapPopulate | kMapNonBlock)) == kMapPopulate) {
    (void)populate(range);
  }
  return mapped;
}

/// All is checked but limits: makes room, makes the VMA.
KResult<VirtAddr> AddressSpace::map_at(MapRequest& request, Range range, u32 vma_flags) {
  const u64 pages = range.bytes() >> kPageShift;
  if (vmas_.size() >= kMaxVmas) {
    return Err(Errno::kENOMEM);
  }
  TRY(check_growth(pages, request.prot, vma_flags));
  if ((vma_flags & kVmaLocked) != 0 && !check_locking(pages).ok()) {
    return Err(limits_.locked == 0 ? Errno::kEPERM : Errno::kEAGAIN);
  }
  UniquePtr<Vma> vma = TRY(make_vma());
  vma->start = range.start;
  vma->end = range.end;
  vma->prot = request.prot;
  vma->flags = vma_flags;
  vma->file_page = request.offset >> kPageShift;
  if (vma->accountable() || (vma->shared() && !request.file && !vma->has(kVmaNoReserve))) {
    TRY(commit(pages));
    vma->flags |= kVmaAccounted;
  }
  DeviceMap device;
  TRY(attach_file(*vma, request, range.bytes(), device));
  TRY(unmap_locked(range));
  emit_mmap(*vma, request.flags);
  const Vma& mapped = insert_and_merge(std::move(vma));
  if (mapped.has(kVmaPfnMap)) {
    TRY(map_device_pages(mapped, device.address));
  }
  return range.start;
}

/// What stands behind the mapping; a driver also says how its device's memory gets there.
KResult<void> AddressSpace::attach_file(Vma& vma, const MapRequest& request, u64 bytes, DeviceMap& device) {
  if (!request.file) {
    if (vma.shared()) {
      vma.file = TRY(make_shared_memory(bytes));
    } else {
      vma.file_page = vma.start.value >> kPageShift;
    }
    return {};
  }
  FileOperations& operations = request.file->operations();
  vma.file = TRY(operations.map(*request.file, vma.shared(), request.offset, bytes));
  if (!vma.file) {  // /dev/zero
    vma.file_page = vma.start.value >> kPageShift;
  }
  if (!vma.file || !vma.file->inode().is(kModeChar)) {
    return {};
  }
  device = TRY(operations.map_device(*vma.file, request.offset, bytes));
  if (!vma.shared()) {
    return Err(Errno::kEINVAL);  // copies of a device's memory would be no device's
  }
  if (device.read_only) {
    if ((vma.prot & kProtWrite) != 0) {
      return Err(Errno::kEPERM);
    }
    vma.flags &= ~u32{kVmaMayWrite};
  }
  vma.flags |= kVmaDevice | kVmaDontDump | (device.how == DeviceMap::How::kAtOnce ? u32{kVmaPfnMap} : 0);
  return {};
}

/// All pages of a device mapping, which no fault could give. ENOMEM leaves nothing mapped.
KResult<void> AddressSpace::map_device_pages(const Vma& vma, PhysAddr address) {
  const Range range{vma.start, vma.end};
  for (VirtAddr page = range.start; page < range.end; page += kPageBytes) {
    const u64 flags = leaf_flags(vma.prot, (vma.prot & kProtWrite) != 0) | kPteDevice;
    const auto mapped = table_.map(page, address + (page - range.start), flags);
    if (!mapped.ok()) {
      (void)unmap_locked(range);
      return mapped;
    }
  }
  return {};
}

Vma& AddressSpace::insert_and_merge(UniquePtr<Vma> owned) {
  Vma& vma = *owned;
  attach(std::move(owned));
  return merge_around(vma);
}

// --- brk(2) ---

void AddressSpace::set_heap_start(VirtAddr start) {
  MutexGuard guard(lock_);
  heap_start_ = heap_end_ = start;
}

VirtAddr AddressSpace::set_break(VirtAddr wanted) {
  MutexGuard guard(lock_);
  if (wanted < heap_start_ || wanted.value > kUserTop.value - kPageBytes ||
      wanted - heap_start_ > limits_.data) {
    return heap_end_;
  }
  const VirtAddr old_end(align_up(heap_end_.value, kPageBytes));
  const VirtAddr new_end(align_up(wanted.value, kPageBytes));
  if (new_end < old_end) {
    if (!unmap_locked({new_end, old_end}).ok()) {
      return heap_end_;
    }
  } else if (new_end > old_end) {
    // Some room stays below the next mapping, the more below a stack (its guard gap).
    const VmaRange* const above = vmas_.find_from(old_end);
    if (above != nullptr && new_end.value + kPageBytes + above->guard_bytes > above->start.value) {
      return heap_end_;
    }
    MapRequest request{.address = old_end,
                       .bytes = new_end - old_end,
                       .prot = kProtRead | kProtWrite,
                       .flags = kMapPrivate | kMapAnonymous | kMapFixed,
                       .file = {}};
    const u32 flags = kMayAll | future_lock_flags_;
    if (!map_at(request, {old_end, new_end}, flags).ok()) {
      return heap_end_;
    }
    if ((flags & (kVmaLocked | kVmaLockOnFault)) == kVmaLocked) {
      (void)populate({old_end, new_end});
    }
  }
  heap_end_ = wanted;
  return heap_end_;
}

// --- exec ---

KResult<void> AddressSpace::map_stack(VirtAddr top, u64 bytes, bool executable) {
  MutexGuard guard(lock_);
  MapRequest request{.address = top - bytes,
                     .bytes = bytes,
                     .prot = kProtRead | kProtWrite | (executable ? u32{kProtExec} : 0),
                     .flags = kMapPrivate | kMapAnonymous | kMapFixed | kMapGrowsDown | kMapStack,
                     .file = {}};
  TRY(map_at(request, {top - bytes, top}, kMayAll | kVmaGrowsDown));
  stack_top_ = top;
  return {};
}

KResult<VirtAddr> AddressSpace::map_special(VirtAddr address, const SpecialMapping& mapping, u32 prot,
                                            u64 room_below_bytes) {
  MutexGuard guard(lock_);
  const u64 bytes = mapping.count << kPageShift;
  const VirtAddr start =
      address.value != 0 ? address : TRY(find_free(room_below_bytes + bytes)) + room_below_bytes;
  if (vmas_.overlaps(start, start + bytes)) {
    return Err(Errno::kEEXIST);
  }
  UniquePtr<Vma> vma = TRY(make_vma());
  vma->start = start;
  vma->end = start + bytes;
  vma->prot = prot;
  vma->flags = mapping.resident == SpecialMapping::Resident::kYes ? kVmaSpecial | kMayAll
                                                                  : kVmaSpecial | kVmaPfnMap | kVmaMayRead;
  vma->special = &mapping;
  attach(std::move(vma));
  return start;
}

}  // namespace kernel
