// Vma: a range of an address space with one protection, one set of flags and one thing behind it.
//
// The VMA says what may be in the range, the page table what is there. Invariants: with a file, page
// `page_of(start)` of it stands at `start`; a VMA with a cached file is in that cache's reverse map under
// exactly its pages. Lock: the address space's mmap lock.
#pragma once

#include "guest/fs/file.h"
#include "guest/fs/page_cache.h"
#include "guest/vm/vma_set.h"
#include "quire/arch/linux/mman.h"
#include "quire/arch/sv39.h"

namespace kernel {

class AddressSpace;

enum VmaFlag : u32 {
  kVmaShared = 1U << 0,
  kVmaMayRead = 1U << 1,  ///< mprotect may allow it
  kVmaMayWrite = 1U << 2,
  kVmaMayExec = 1U << 3,
  kVmaGrowsDown = 1U << 4,
  kVmaLocked = 1U << 5,
  kVmaLockOnFault = 1U << 6,
  kVmaNoReserve = 1U << 7,
  kVmaAccounted = 1U << 8,  ///< its size is part of the committed memory
  kVmaDontFork = 1U << 9,
  kVmaWipeOnFork = 1U << 10,
  kVmaDontDump = 1U << 11,
  kVmaSpecial = 1U << 12,  ///< frames of the kernel (vDSO): no merging, no mremap growth
  kVmaDevice = 1U << 13,   ///< a device's memory, whose driver hears of each mapping; never merged
  kVmaHasAnon = 1U << 14,  ///< private pages of its own may be mapped: fork must copy the page table
  kVmaRandomRead = 1U << 15,
  kVmaSequentialRead = 1U << 16,
  kVmaNoHugePage = 1U << 17,
  kVmaHugePage = 1U << 18,
  kVmaMergeable = 1U << 19,
  kVmaAnonForked =
      1U << 21,           ///< with kVmaHasAnon: it came by fork, and joins no neighbour of another identity
  kVmaPfnMap = 1U << 20,  ///< with kVmaDevice: mapped at once, and counted by nobody
};
/// Flags that need not agree for two neighbours to merge; the result has them if either had.
inline constexpr u32 kVmaStickyFlags = kVmaHasAnon | kVmaAnonForked;

/// Frames that the kernel shows to programs: the vDSO and its data.
struct SpecialMapping {
  const char* name;      ///< "[vdso]"
  Frame* const* frames;  ///< null: a page that nobody may touch (SIGBUS)
  usize count;
  /// Whether its pages are part of the resident set, as Linux counts those of the vDSO's text.
  enum class Resident : u8 { kNo, kYes };
  Resident resident = Resident::kYes;
};

class Vma final : public FileMapping, public VmaRange {
 public:
  explicit Vma(AddressSpace& space) : space_(space) {}

  AddressSpace& space() const { return space_; }
  u32 prot = 0;
  u32 flags = 0;
  RefPtr<File> file;  ///< null: anonymous
  /// Of `start`; of private anonymous memory the page number of the address where it was first written.
  u64 file_page = 0;
  /// Of its own pages: 0 before the first, and the same for VMAs that may be one (Linux: anon_vma).
  u64 anon_id = 0;
  const SpecialMapping* special = nullptr;  ///< with kVmaSpecial

  bool has(u32 wanted) const { return (flags & wanted) == wanted; }
  bool shared() const { return has(kVmaShared); }
  bool anonymous() const { return !file && special == nullptr; }
  /// Pages come from a cache that truncation and write-back act upon.
  PageCache* cache() const { return file ? file->inode().page_cache() : nullptr; }
  u64 pages() const { return size_bytes() >> kPageShift; }
  u64 page_of(VirtAddr address) const { return file_page + ((address - start) >> kPageShift); }
  VirtAddr address_of(u64 page) const { return start + ((page - file_page) << kPageShift); }
  bool allows(Access access) const;
  /// Its pages count as committed memory: private and writable.
  bool accountable() const { return !shared() && (prot & kProtWrite) != 0 && !has(kVmaNoReserve); }
  /// Whether `next` begins where this ends and goes on with the same thing, protection aside.
  bool adjoins(const Vma& next) const;
  /// Whether the two could be one.
  bool continues_in(const Vma& next) const;
  void take_anon(const Vma& other);

  void unmap_pages(u64 first, u64 last, PrivateCopies copies) override;
  void write_protect_pages(u64 first, u64 last) override;
  bool needs_page(u64 index) override;

 private:
  AddressSpace& space_;
};

inline Vma* as_vma(VmaRange* range) { return static_cast<Vma*>(range); }

}  // namespace kernel
