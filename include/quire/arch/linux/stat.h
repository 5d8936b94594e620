// What stat(2), statx(2), statfs(2) and getdents64(2) fill in, and the bits of st_mode.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

enum ModeBit : u32 {
  kModeTypeMask = 0170000,
  kModeSocket = 0140000,
  kModeSymlink = 0120000,
  kModeRegular = 0100000,
  kModeBlock = 0060000,
  kModeDirectory = 0040000,
  kModeChar = 0020000,
  kModeFifo = 0010000,
  kModeSetUid = 04000,
  kModeSetGid = 02000,
  kModeSticky = 01000,
  kModePermissions = 0777,
  kModeAllPermissions = 07777,
};
constexpr bool mode_is(u32 mode, ModeBit type) { return (mode & kModeTypeMask) == type; }
/// DT_* of a directory entry.
constexpr u8 mode_to_dirent_type(u32 mode) { return static_cast<u8>((mode & kModeTypeMask) >> 12); }

struct TimeSpec {
  i64 seconds;
  i64 nanoseconds;
};
static_assert(sizeof(TimeSpec) == 16);

/// struct stat of the generic table.
struct Stat {
  u64 dev;
  u64 ino;
  u32 mode;
  u32 nlink;
  u32 uid;
  u32 gid;
  u64 rdev;
  u64 pad1;
  i64 size;
  i32 blksize;
  i32 pad2;
  i64 blocks;  ///< of 512 bytes
  TimeSpec atime;
  TimeSpec mtime;
  TimeSpec ctime;
  u32 unused[2];
};
static_assert(sizeof(Stat) == 128 && offsetof(Stat, size) == 48 && offsetof(Stat, atime) == 72);

struct StatxTime {
  i64 seconds;
  u32 nanoseconds;
  i32 reserved;
};

struct Statx {
  u32 mask;
  u32 blksize;
  u64 attributes;
  u32 nlink;
  u32 uid;
  u32 gid;
  u16 mode;
  u16 pad1;
  u64 ino;
  u64 size;
  u64 blocks;
  u64 attributes_mask;
  StatxTime atime;
  StatxTime btime;
  StatxTime ctime;
  StatxTime mtime;
  u32 rdev_major;
  u32 rdev_minor;
  u32 dev_major;
  u32 dev_minor;
  u64 mnt_id;
  u32 dio_mem_align;
  u32 dio_offset_align;
  u64 spare[12];
};
static_assert(sizeof(Statx) == 256 && offsetof(Statx, atime) == 64 && offsetof(Statx, rdev_major) == 128 &&
              offsetof(Statx, mnt_id) == 144);

enum StatxMask : u32 {
  kStatxType = 0x1,
  kStatxMode = 0x2,
  kStatxBasic = 0x7ff,
  kStatxBtime = 0x800,
  kStatxMntId = 0x1000,
  kStatxReserved = 0x8000'0000,
};
enum StatxAttribute : u64 { kStatxAttrMountRoot = 0x2000 };

struct StatFs {
  u64 type;
  u64 bsize;
  u64 blocks;
  u64 bfree;
  u64 bavail;
  u64 files;
  u64 ffree;
  i32 fsid[2];
  u64 namelen;
  u64 frsize;
  u64 flags;
  u64 spare[4];
};
static_assert(sizeof(StatFs) == 120);

inline constexpr u64 kTmpfsMagic = 0x0102'1994;
inline constexpr u64 kProcMagic = 0x9fa0;
inline constexpr u64 kPipefsMagic = 0x5049'5045;
inline constexpr u64 kSockfsMagic = 0x534f'434b;
inline constexpr u64 kAnonInodeMagic = 0x0904'1934;

/// Heads an entry of getdents64(2); the NUL-terminated name follows, and the record is padded to 8 bytes.
struct Dirent64 {
  u64 ino;
  i64 off;
  u16 reclen;
  u8 type;
};
inline constexpr usize kDirent64NameOffset = 19;
static_assert(offsetof(Dirent64, type) + 1 == kDirent64NameOffset);

/// Device numbers as the kernel passes them to user space.
constexpr u64 make_device(u32 major, u32 minor) {
  return (u64{minor} & 0xff) | ((u64{major} & 0xfff) << 8) | ((u64{minor} & ~u64{0xff}) << 12) |
         ((u64{major} & ~u64{0xfff}) << 32);
}
constexpr u32 device_major(u64 dev) {
  return static_cast<u32>(((dev >> 8) & 0xfff) | ((dev >> 32) & ~u64{0xfff}));
}
constexpr u32 device_minor(u64 dev) { return static_cast<u32>((dev & 0xff) | ((dev >> 12) & ~u64{0xff})); }

}  // namespace quire::arch
