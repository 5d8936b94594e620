#include "guest/proc/sysv_shm.h"

#include "guest/fs/page_cache.h"
#include "guest/fs/tmpfs.h"
#include "quire/arch/linux/mman.h"

namespace kernel {

namespace {

constexpr u32 kMaxSegments = 4096;
constexpr u64 kMaxSegmentBytes = u64{1} << 46;

struct Segment {
  RefPtr<File> file;  ///< null: the place is free
  SharedSegmentInfo info{};
  bool removed = false;
};

struct Table {
  Vector<Segment> segments;
  u16 sequence = 0;
};
Table& table() {
  static Table all;
  return all;
}

/// Mappings of the segment's start, in all address spaces.
u64 count_attached(const Segment& segment) {
  u64 count = 0;
  segment.file->inode().page_cache()->for_each_mapping(0, 0, [&count](FileMapping&) { count++; });
  return count;
}

/// Removed segments that nobody has any more.
void sweep() {
  for (Segment& segment : table().segments) {
    if (segment.file && segment.removed && count_attached(segment) == 0) {
      segment.file.reset();
    }
  }
}

/// EINVAL: no such number; EIDRM: it was one.
KResult<Segment*> find(i32 id) {
  sweep();
  const usize index = static_cast<u32>(id) & ((1U << kIpcSequenceShift) - 1);
  if (id < 0 || index >= table().segments.size() || !table().segments[index].file) {
    return Err(Errno::kEINVAL);
  }
  Segment& segment = table().segments[index];
  return segment.info.permissions.number(index) == id ? KResult<Segment*>(&segment)
                                                      : KResult<Segment*>(Err(Errno::kEIDRM));
}

FsCredentials caller() { return current_process().identity.effective(); }

KResult<i32> make_segment(i32 key, u64 bytes, u32 flags) {
  if (bytes == 0 || bytes > kMaxSegmentBytes) {
    return Err(Errno::kEINVAL);
  }
  auto& segments = table().segments;
  usize index = 0;
  while (index < segments.size() && segments[index].file) {
    index++;
  }
  if (index >= kMaxSegments) {
    return Err(Errno::kENOSPC);
  }
  if (index == segments.size()) {
    TRY(segments.push(Segment{}));
  }
  const FsCredentials who = caller();
  char name[24];
  const StringView shown = format_into(name, "/SYSV{:08x}", static_cast<u32>(key));
  RefPtr<File> file =
      TRY(make_memory_file(shown, align_up(bytes, kPageBytes), kOpenReadWrite, kSealSeal, who));
  Segment& segment = segments[index];
  segment.file = std::move(file);
  segment.removed = false;
  segment.info = {};
  segment.info.permissions = IpcPermissions::make(key, flags, table().sequence++, who);
  segment.info.bytes = bytes;
  segment.info.change_time = wall_clock_now().seconds;
  segment.info.creator_pid = static_cast<i32>(current_process().pid());
  return segment.info.permissions.number(index);
}

Segment* segment_of(const Vma& vma) {
  for (Segment& segment : table().segments) {
    if (segment.file && vma.file && &segment.file->inode() == &vma.file->inode()) {
      return &segment;
    }
  }
  return nullptr;
}

/// What is left of an attachment: a program may have unmapped parts and put other things there.
struct Attachment {
  struct Part {
    VirtAddr start;
    u64 bytes;
  };
  Segment* segment = nullptr;
  Vector<Part> parts;
};
/// Without a segment when none was attached at `address`. ENOMEM.
KResult<Attachment> find_attachment(AddressSpace& space, VirtAddr address) {
  Attachment found;
  KResult<void> kept;
  space.for_each_vma([&](const Vma& vma) {
    if (!kept.ok() || vma.start < address || vma.start - address != vma.file_page << kPageShift) {
      return;
    }
    Segment* const segment = segment_of(vma);
    if (segment != nullptr && (found.segment == nullptr || segment == found.segment)) {
      found.segment = segment;
      kept = found.parts.push({vma.start, vma.size_bytes()});
    }
  });
  TRY(std::move(kept));
  return found;
}

}  // namespace

KResult<i32> shm_get(i32 key, u64 bytes, u32 flags) {
  sweep();
  if (key != kIpcPrivate) {
    auto& segments = table().segments;
    for (usize i = 0; i < segments.size(); i++) {
      Segment& segment = segments[i];
      if (!segment.file || segment.removed || segment.info.permissions.key != key) {
        continue;
      }
      if ((flags & (kIpcCreate | kIpcExclusive)) == (kIpcCreate | kIpcExclusive)) {
        return Err(Errno::kEEXIST);
      }
      if (bytes > segment.info.bytes) {
        return Err(Errno::kEINVAL);
      }
      TRY(segment.info.permissions.check((flags >> 6) & 7, caller()));
      return segment.info.permissions.number(i);
    }
    if ((flags & kIpcCreate) == 0) {
      return Err(Errno::kENOENT);
    }
  }
  return make_segment(key, bytes, flags);
}

KResult<VirtAddr> shm_attach(i32 id, VirtAddr address, u32 flags) {
  Segment* const segment = TRY(find(id));
  const bool read_only = (flags & kShmReadOnly) != 0;
  const bool execute = (flags & kShmExecute) != 0;
  TRY(segment->info.permissions.check((read_only ? 4 : 6) | (execute ? 1 : 0), caller()));
  if (address.value == 0 && (flags & kShmRemap) != 0) {
    return Err(Errno::kEINVAL);
  }
  if (!is_aligned(address.value, kPageBytes)) {
    if ((flags & kShmRound) == 0) {
      return Err(Errno::kEINVAL);
    }
    address = VirtAddr(align_down(address.value, kPageBytes));
  }
  MapRequest request;
  request.address = address;
  request.bytes = segment->info.bytes;
  request.prot = kProtRead | (read_only ? 0 : u32{kProtWrite}) | (execute ? u32{kProtExec} : 0);
  request.flags = kMapShared | (address.value == 0         ? 0
                                : (flags & kShmRemap) != 0 ? u32{kMapFixed}
                                                           : u32{kMapFixedNoReplace});
  // What is attached for reading cannot be made writable later, as with a file opened so.
  request.file = segment->file;
  if (read_only) {
    request.file = TRY(File::open(Path(segment->file->path()), kOpenReadOnly));
  }
  segment->info.attach_time = wall_clock_now().seconds;
  segment->info.last_pid = static_cast<i32>(current_process().pid());
  const auto mapped = current_process().space->map(std::move(request));
  if (!mapped.ok()) {
    return Err(mapped.error() == Errno::kEEXIST ? Errno::kEINVAL : mapped.error());
  }
  return mapped.value();
}

KResult<void> shm_detach(VirtAddr address) {
  AddressSpace& space = *current_process().space;
  if (!is_aligned(address.value, kPageBytes)) {
    return Err(Errno::kEINVAL);
  }
  const Attachment attached = TRY(find_attachment(space, address));
  if (attached.segment == nullptr) {
    return Err(Errno::kEINVAL);
  }
  attached.segment->info.detach_time = wall_clock_now().seconds;
  attached.segment->info.last_pid = static_cast<i32>(current_process().pid());
  for (const Attachment::Part& part : attached.parts) {
    TRY(space.unmap(part.start, part.bytes));
  }
  sweep();
  return {};
}

KResult<SharedSegmentInfo> shm_info(i32 id) {
  Segment* const segment = TRY(find(id));
  TRY(segment->info.permissions.check(4, caller()));
  SharedSegmentInfo info = segment->info;
  info.attached = count_attached(*segment);
  info.permissions.mode |= segment->removed ? u32{kShmDestroyed} : 0;
  return info;
}

KResult<void> shm_set(i32 id, u32 uid, u32 gid, u32 mode) {
  Segment* const segment = TRY(find(id));
  TRY(segment->info.permissions.check_owner(caller()));
  IpcPermissions& permissions = segment->info.permissions;
  permissions.uid = uid;
  permissions.gid = gid;
  permissions.mode = mode & 0777;
  segment->info.change_time = wall_clock_now().seconds;
  return {};
}

KResult<void> shm_remove(i32 id) {
  Segment* const segment = TRY(find(id));
  TRY(segment->info.permissions.check_owner(caller()));
  segment->removed = true;
  segment->info.permissions.key = kIpcPrivate;
  sweep();
  return {};
}

void remove_shared_segments() {
  for (Segment& segment : table().segments) {
    segment.removed = true;
  }
  sweep();
}

}  // namespace kernel
