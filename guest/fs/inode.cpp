#include "guest/fs/inode.h"

#include "guest/fs/devfs.h"
#include "guest/fs/page_cache.h"
#include "guest/fs/pipe.h"
#include "guest/hal/time.h"

namespace kernel {

namespace {

constexpr u64 kNsPerSecond = 1'000'000'000;
constexpr u64 kRelatimeSeconds = 24 * 60 * 60;

u64 (*g_wall_clock)() = monotonic_ns;
/// Major 0 with running minors, as Linux numbers file systems without a device.
u32 g_last_device_minor = 0;

bool before(const TimeSpec& a, const TimeSpec& b) {
  return a.seconds != b.seconds ? a.seconds < b.seconds : a.nanoseconds < b.nanoseconds;
}

StatxTime to_statx(const TimeSpec& time) { return {time.seconds, static_cast<u32>(time.nanoseconds), 0}; }

}  // namespace

void set_wall_clock(u64 (*now_ns)()) { g_wall_clock = now_ns; }

TimeSpec wall_clock_now() {
  const u64 now = g_wall_clock();
  return {static_cast<i64>(now / kNsPerSecond), static_cast<i64>(now % kNsPerSecond)};
}

FileSystem::FileSystem() : device_(make_device(0, ++g_last_device_minor)) {}

Inode::Inode(FileSystem& fs, u32 mode, u32 uid, u32 gid)
    : fs_(&fs), number_(fs.next_inode_number()), mode_(mode), uid_(uid), gid_(gid) {
  atime_ = mtime_ = ctime_ = btime_ = wall_clock_now();
}

KResult<RefPtr<Inode>> Inode::lookup(StringView) { return Err(Errno::kENOTDIR); }
KResult<RefPtr<Inode>> Inode::create(StringView, const NewInode&) {
  return Err(is_directory() ? Errno::kEACCES : Errno::kENOTDIR);
}
KResult<void> Inode::link(StringView, Inode&) {
  return Err(is_directory() ? Errno::kEPERM : Errno::kENOTDIR);
}
KResult<void> Inode::unlink(StringView) { return Err(is_directory() ? Errno::kEPERM : Errno::kENOTDIR); }
KResult<void> Inode::rmdir(StringView) { return Err(is_directory() ? Errno::kEPERM : Errno::kENOTDIR); }
KResult<void> Inode::rename(StringView, Inode&, StringView, u32) {
  return Err(is_directory() ? Errno::kEPERM : Errno::kENOTDIR);
}
KResult<u64> Inode::read_directory(u64, DirectorySink&) { return Err(Errno::kENOTDIR); }
KResult<RefPtr<Inode>> Inode::create_nameless(const NewInode&) { return Err(Errno::kEOPNOTSUPP); }

KResult<String> Inode::read_link() { return Err(Errno::kEINVAL); }
KResult<Path> Inode::follow() { return Err(Errno::kEINVAL); }

KResult<FileOperations*> Inode::operations() {
  switch (mode_ & kModeTypeMask) {
    case kModeRegular:
      return &cached_file_operations();
    case kModeDirectory:
      return &directory_operations();
    case kModeFifo:
      return &fifo_operations();
    case kModeChar:
      return TRY(find_char_device(rdev_));
    default:
      return Err(Errno::kENXIO);  // sockets, and block devices without driver
  }
}

KResult<void> Inode::resize(u64 size) {
  if (!is_regular()) {
    return Err(is_directory() ? Errno::kEISDIR : Errno::kEINVAL);
  }
  const u64 old_size = size_;
  set_size(size);
  if (PageCache* const cache = page_cache(); cache != nullptr) {
    if (size <= old_size) {
      cache->truncate(size);  // at the same size too: pages may have been allocated behind the end
    } else if (!is_aligned(old_size, kPageBytes)) {
      // Bytes behind the old end may have been written through a mapping; from now on they show.
      cache->zero_range(old_size >> kPageShift, old_size & (kPageBytes - 1), kPageBytes);
    }
  }
  touch_modified();
  return {};
}

KResult<void> Inode::allocate(u32, u64, u64) { return Err(Errno::kEOPNOTSUPP); }

KResult<void> Inode::read_pages(u64, Span<Frame* const> frames) {
  for (Frame* const frame : frames) {
    memset(frame_data(frame), 0, kPageBytes);
  }
  return {};
}

KResult<void> Inode::write_page(u64, Frame&) { return {}; }
KResult<void> Inode::add_seals(u32) { return Err(Errno::kEINVAL); }

KResult<void> Inode::set_mode(u32 permissions) {
  mode_ = (mode_ & kModeTypeMask) | (permissions & kModeAllPermissions);
  touch_changed();
  return {};
}

KResult<void> Inode::set_owner(u32 uid, u32 gid) {
  uid_ = uid;
  gid_ = gid;
  touch_changed();
  return {};
}

KResult<void> Inode::set_times(const TimeSpec* atime, const TimeSpec* mtime) {
  atime_ = atime != nullptr ? *atime : atime_;
  mtime_ = mtime != nullptr ? *mtime : mtime_;
  touch_changed();
  return {};
}

/// mount(8), relatime: the access time follows only a newer change, or after a day.
void Inode::touch_accessed() {
  if (!before(mtime_, atime_) || !before(ctime_, atime_)) {
    atime_ = wall_clock_now();
    return;
  }
  const TimeSpec now = wall_clock_now();
  if (now.seconds - atime_.seconds >= static_cast<i64>(kRelatimeSeconds)) {
    atime_ = now;
  }
}

void Inode::touch_modified() { mtime_ = ctime_ = wall_clock_now(); }
void Inode::touch_changed() { ctime_ = wall_clock_now(); }

KResult<void> Inode::begin_write() {
  if (writers_ < 0) {
    return Err(Errno::kETXTBSY);
  }
  writers_++;
  return {};
}

void Inode::end_write() {
  ASSERT(writers_ > 0);
  writers_--;
}

KResult<void> Inode::begin_execute() {
  if (writers_ > 0) {
    return Err(Errno::kETXTBSY);
  }
  writers_--;
  return {};
}

void Inode::end_execute() {
  ASSERT(writers_ < 0);
  writers_++;
}

Stat stat_of(const Inode& inode) {
  Stat stat{};
  stat.dev = inode.fs().device();
  stat.ino = inode.number();
  stat.mode = inode.mode();
  stat.nlink = inode.links();
  stat.uid = inode.uid();
  stat.gid = inode.gid();
  stat.rdev = inode.rdev();
  stat.size = static_cast<i64>(inode.size());
  stat.blksize = static_cast<i32>(kPageBytes);
  stat.blocks = static_cast<i64>(inode.blocks());
  stat.atime = inode.atime();
  stat.mtime = inode.mtime();
  stat.ctime = inode.ctime();
  return stat;
}

Statx statx_of(const Inode& inode, u64 mount_id, bool mount_root) {
  Statx statx{};
  statx.mask = kStatxBasic | kStatxBtime | kStatxMntId;
  statx.blksize = static_cast<u32>(kPageBytes);
  statx.attributes = mount_root ? u64{kStatxAttrMountRoot} : 0;
  statx.attributes_mask = kStatxAttrMountRoot;
  statx.nlink = inode.links();
  statx.uid = inode.uid();
  statx.gid = inode.gid();
  statx.mode = static_cast<u16>(inode.mode());
  statx.ino = inode.number();
  statx.size = inode.size();
  statx.blocks = inode.blocks();
  statx.atime = to_statx(inode.atime());
  statx.btime = to_statx(inode.btime());
  statx.ctime = to_statx(inode.ctime());
  statx.mtime = to_statx(inode.mtime());
  statx.rdev_major = device_major(inode.rdev());
  statx.rdev_minor = device_minor(inode.rdev());
  statx.dev_major = device_major(inode.fs().device());
  statx.dev_minor = device_minor(inode.fs().device());
  statx.mnt_id = mount_id;
  return statx;
}

}  // namespace kernel
