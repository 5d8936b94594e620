// Inode: one file of any kind, apart from its names. FileSystem: what inodes belong to.
//
// Directory operations are the inode's; what a descriptor does with the contents is FileOperations'
// (file.h). Names handed to directory operations are single components of at most kNameMax bytes, never
// "." or "..". Lock: `lock` guards the directory's entries, and size and attributes; inside the mmap
// lock, outside the page cache's.
#pragma once

#include "guest/lib/ref_ptr.h"
#include "guest/lib/span.h"
#include "guest/lib/string.h"
#include "guest/mem/frame.h"
#include "guest/sched/mutex.h"
#include "quire/arch/linux/fcntl.h"
#include "quire/arch/linux/stat.h"

namespace kernel {

class File;
class FileOperations;
class Inode;
class PageCache;
struct Path;

/// Longest file: offsets stay non-negative as off_t, page aligned.
inline constexpr u64 kMaxFileBytes = 0x7fff'ffff'ffff'f000;

class FileSystem : public RefCounted<FileSystem> {
 public:
  FileSystem();
  virtual ~FileSystem() = default;

  /// As /proc/mounts and /proc/filesystems show it: "tmpfs".
  virtual StringView type() const = 0;
  virtual RefPtr<Inode> root() = 0;
  virtual StatFs stat() const = 0;
  virtual KResult<void> sync() { return {}; }
  /// Options in /proc/mounts beyond rw and ro: ",size=..."; empty for none.
  virtual KResult<void> show_options(FormatSink&) const { return {}; }

  /// st_dev: a number of its own for every file system without a device.
  u64 device() const { return device_; }
  u64 next_inode_number() { return ++last_inode_number_; }
  void number_from(u64 first) { last_inode_number_ = first - 1; }

 private:
  friend struct Description;
  u64 device_;
  u64 last_inode_number_ = 0;
};

/// What create() makes.
struct NewInode {
  u32 mode;  ///< with the type
  u32 uid;
  u32 gid;
  u64 rdev = 0;            ///< devices
  StringView target = {};  ///< symbolic links
};

/// Takes directory entries one by one; false stops (its memory is full).
class DirectorySink {
 public:
  /// `next`: the position of the entry after this one.
  virtual bool entry(StringView name, u64 inode_number, u8 type, u64 next) = 0;

 protected:
  ~DirectorySink() = default;
};

class Inode : public RefCounted<Inode> {
 public:
  Inode(FileSystem& fs, u32 mode, u32 uid, u32 gid);
  virtual ~Inode() = default;

  FileSystem& fs() const { return *fs_; }
  u64 number() const { return number_; }
  u32 mode() const { return mode_; }
  bool is(ModeBit type) const { return mode_is(mode_, type); }
  bool is_directory() const { return is(kModeDirectory); }
  bool is_symlink() const { return is(kModeSymlink); }
  bool is_regular() const { return is(kModeRegular); }
  u32 uid() const { return uid_; }
  u32 gid() const { return gid_; }
  u32 links() const { return links_; }
  u64 rdev() const { return rdev_; }
  u64 size() const { return size_; }
  const TimeSpec& atime() const { return atime_; }
  const TimeSpec& mtime() const { return mtime_; }
  const TimeSpec& ctime() const { return ctime_; }
  const TimeSpec& btime() const { return btime_; }

  // --- directories (ENOTDIR elsewhere) ---
  /// ENOENT.
  virtual KResult<RefPtr<Inode>> lookup(StringView name);
  /// Any kind of file but a hard link. EEXIST.
  virtual KResult<RefPtr<Inode>> create(StringView name, const NewInode& what);
  /// A further name for `target`, which is no directory.
  virtual KResult<void> link(StringView name, Inode& target);
  /// Removes a name that is no directory's.
  virtual KResult<void> unlink(StringView name);
  /// ENOTEMPTY.
  virtual KResult<void> rmdir(StringView name);
  /// Within one file system; an existing target has been checked (types agree), and is replaced, or
  /// exchanged.
  virtual KResult<void> rename(StringView name, Inode& to, StringView to_name, u32 flags);
  /// Calls `sink` for the entries from `position` on, without "." and ".."; 0 is the start. Returns where it
  /// stopped.
  virtual KResult<u64> read_directory(u64 position, DirectorySink& sink);
  /// A nameless regular file (O_TMPFILE). EOPNOTSUPP.
  virtual KResult<RefPtr<Inode>> create_nameless(const NewInode& what);
  /// False once the name it was looked up by stands for nothing, or something else (procfs): look it up
  /// afresh.
  virtual bool is_current() const { return true; }

  // --- symbolic links (EINVAL elsewhere) ---
  virtual KResult<String> read_link();
  /// A link that leads to a file directly, not by a name (/proc/PID/fd/N). Nothing: follow the text.
  virtual KResult<Path> follow();
  virtual bool is_magic_link() const { return false; }

  // --- contents ---
  /// What descriptors of this file do; ENXIO for a device without driver.
  virtual KResult<FileOperations*> operations();
  /// Null: not kept in pages.
  virtual PageCache* page_cache() { return nullptr; }
  /// Sets the size; pages beyond are dropped and unmapped, and the tail of the last is zeroed.
  virtual KResult<void> resize(u64 size);
  /// fallocate(2). EOPNOTSUPP.
  virtual KResult<void> allocate(u32 flags, u64 offset, u64 bytes);
  /// Fills frames of the cache, for pages from `first` on, from the backing store. The default is a hole:
  /// zeroes.
  virtual KResult<void> read_pages(u64 first, Span<Frame* const> frames);
  virtual KResult<void> write_page(u64 index, Frame& frame);
  /// Asks for room for one more page before it enters the cache; ENOSPC. Given back by release_pages.
  virtual KResult<void> reserve_page() { return {}; }
  virtual void release_pages(u64 count) { (void)count; }
  /// The cache is the file (tmpfs): nothing to write back, dirty pages stay.
  virtual bool lives_in_memory() const { return true; }
  /// Pages that are not in the cache are no holes: read_pages() has their contents.
  virtual bool reads_pages() const { return !lives_in_memory(); }
  /// The page may leave the cache as long as it is clean: read_pages() gives the same again.
  virtual bool can_read_again(u64 index) const {
    (void)index;
    return !lives_in_memory();
  }
  virtual u64 blocks() const { return 0; }  ///< of 512 bytes

  // --- seals of memory files (fcntl(2)); EINVAL where there are none ---
  virtual KResult<u32> seals() const { return Err(Errno::kEINVAL); }
  virtual KResult<void> add_seals(u32 seals);

  // --- attributes: permission has been checked ---
  virtual KResult<void> set_mode(u32 permissions);
  virtual KResult<void> set_owner(u32 uid, u32 gid);
  /// utimensat(2): null keeps a time.
  virtual KResult<void> set_times(const TimeSpec* atime, const TimeSpec* mtime);
  void set_atime(const TimeSpec& time) { atime_ = time; }
  void set_mtime(const TimeSpec& time) { mtime_ = time; }
  void set_ctime(const TimeSpec& time) { ctime_ = time; }
  void touch_accessed();  ///< relatime
  void touch_modified();  ///< mtime and ctime
  void touch_changed();   ///< ctime

  // --- ETXTBSY: a file is being written or executed, not both ---
  KResult<void> begin_write();
  void end_write();
  KResult<void> begin_execute();
  void end_execute();

  void set_size(u64 size) { size_ = size; }
  /// For files that were numbered elsewhere; before anybody sees the inode.
  void set_number(u64 number) { number_ = number; }
  void add_links(i32 change) { links_ += static_cast<u32>(change); }

  Mutex lock;

 protected:
  u32 links_ = 1;
  u64 rdev_ = 0;

 private:
  friend struct Description;
  FileSystem* fs_;
  u64 number_;
  u32 mode_;
  u32 uid_;
  u32 gid_;
  u64 size_ = 0;
  i32 writers_ = 0;  // > 0: open for writing; < 0: being executed
  TimeSpec atime_;
  TimeSpec mtime_;
  TimeSpec ctime_;
  TimeSpec btime_;
};

/// Nanoseconds of CLOCK_REALTIME; set once by the layer that knows the date (until then: since power-on).
void set_wall_clock(u64 (*now_ns)());
TimeSpec wall_clock_now();

Stat stat_of(const Inode& inode);
/// `mount_id` and whether the file is its mount's root come from the path.
Statx statx_of(const Inode& inode, u64 mount_id, bool mount_root);

}  // namespace kernel
