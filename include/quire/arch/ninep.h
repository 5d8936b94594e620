// 9P2000.L: what the emulator's server and the supervisor's client agree on.
//
// Sources: intro(5) of the Plan 9 manual for the base protocol; the Linux kernel's net/9p and fs/9p, and
// diod's protocol.md, for the ".L" messages. Every field is little-endian; a string is a u16 length and
// that many bytes, without NUL. Every message starts with size[4] type[1] tag[2], size counting itself.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch::ninep {

/// A request has an even number, its reply the one after it; any request may be answered by kRlerror.
enum class Type : u8 {
  kRlerror = 7,  ///< ecode[4], a Linux errno
  kStatfs =
      8,  ///< fid[4] -> type[4] bsize[4] blocks[8] bfree[8] bavail[8] files[8] ffree[8] fsid[8] namelen[4]
  kLopen = 12,        ///< fid[4] flags[4] -> qid[13] iounit[4]
  kLcreate = 14,      ///< fid[4] name[s] flags[4] mode[4] gid[4] -> qid[13] iounit[4]
  kSymlink = 16,      ///< dfid[4] name[s] target[s] gid[4] -> qid[13]
  kMknod = 18,        ///< dfid[4] name[s] mode[4] major[4] minor[4] gid[4] -> qid[13]
  kRename = 20,       ///< fid[4] dfid[4] name[s]
  kReadlink = 22,     ///< fid[4] -> target[s]
  kGetattr = 24,      ///< fid[4] mask[8] -> Attributes
  kSetattr = 26,      ///< fid[4] valid[4] mode[4] uid[4] gid[4] size[8] atime[8+8] mtime[8+8]
  kXattrwalk = 30,    ///< fid[4] newfid[4] name[s] -> size[8]
  kXattrcreate = 32,  ///< fid[4] name[s] size[8] flags[4]
  kReaddir = 40,      ///< fid[4] offset[8] count[4] -> count[4] (qid[13] offset[8] type[1] name[s])*
  kFsync = 50,        ///< fid[4] datasync[4]
  kLock = 52,         ///< fid[4] type[1] flags[4] start[8] length[8] proc_id[4] client_id[s] -> status[1]
  kGetlock = 54,      ///< fid[4] type[1] start[8] length[8] proc_id[4] client_id[s] -> the same but fid
  kLink = 70,         ///< dfid[4] fid[4] name[s]
  kMkdir = 72,        ///< dfid[4] name[s] mode[4] gid[4] -> qid[13]
  kRenameat = 74,     ///< olddirfid[4] oldname[s] newdirfid[4] newname[s]
  kUnlinkat = 76,     ///< dirfid[4] name[s] flags[4]
  kVersion = 100,     ///< msize[4] version[s] -> msize[4] version[s]
  kAuth = 102,        ///< afid[4] uname[s] aname[s] n_uname[4] -> aqid[13]
  kAttach = 104,      ///< fid[4] afid[4] uname[s] aname[s] n_uname[4] -> qid[13]
  kFlush = 108,       ///< oldtag[2]
  kWalk = 110,        ///< fid[4] newfid[4] nwname[2] name[s]* -> nwqid[2] qid[13]*
  kRead = 116,        ///< fid[4] offset[8] count[4] -> count[4] data
  kWrite = 118,       ///< fid[4] offset[8] count[4] data -> count[4]
  kClunk = 120,       ///< fid[4]
  kRemove = 122,      ///< fid[4]
};
constexpr u8 reply_to(Type request) { return static_cast<u8>(static_cast<u8>(request) + 1); }

inline constexpr char kVersionName[] = "9P2000.L";
inline constexpr u32 kHeaderBytes = 7;                       ///< size[4] type[1] tag[2]
inline constexpr u32 kErrorBytes = kHeaderBytes + 4;         ///< a whole kRlerror
inline constexpr u32 kReadHeaderBytes = kHeaderBytes + 4;    ///< in front of the data of a read's reply
inline constexpr u32 kWriteHeaderBytes = kHeaderBytes + 16;  ///< in front of the data of a write
inline constexpr u32 kMinMessageBytes = 4096;                ///< what Linux's client insists on
inline constexpr u32 kMaxWalkNames = 16;
inline constexpr u16 kNoTag = 0xffff;
inline constexpr u32 kNoFid = 0xffff'ffff;
inline constexpr u32 kNoUid = 0xffff'ffff;

/// What a server says a file is: equal `path` means the same file, equal `version` the same contents.
struct Qid {
  u8 type;  ///< QidType
  u32 version;
  u64 path;
};
inline constexpr u32 kQidBytes = 13;
enum QidType : u8 { kQidDirectory = 0x80, kQidSymlink = 0x02, kQidFile = 0x00 };

/// kGetattr's mask and `valid`: the first eleven are stat(2)'s.
inline constexpr u64 kAttributesBasic = 0x7ff;
/// Reply of kGetattr, in the order of the message (where it has no padding).
struct Attributes {
  u64 valid;
  Qid qid;
  u32 mode, uid, gid;
  u64 links, rdev, size_bytes, block_bytes, blocks;  ///< blocks of 512 bytes
  u64 atime_s, atime_ns, mtime_s, mtime_ns, ctime_s, ctime_ns, btime_s, btime_ns;
  u64 generation, data_version;
};
inline constexpr u32 kAttributesBytes = 8 + kQidBytes + 3 * 4 + 15 * 8;

/// kSetattr's `valid`.
enum SetAttribute : u32 {
  kSetMode = 0x1,
  kSetUid = 0x2,
  kSetGid = 0x4,
  kSetSize = 0x8,
  kSetAtime = 0x10,  ///< to now, unless kSetAtimeTo
  kSetMtime = 0x20,
  kSetCtime = 0x40,
  kSetAtimeTo = 0x80,
  kSetMtimeTo = 0x100,
};

enum class LockType : u8 { kRead = 0, kWrite = 1, kUnlock = 2 };
enum class LockStatus : u8 { kSuccess = 0, kBlocked = 1, kError = 2, kGrace = 3 };

/// st_type that Linux knows a 9P file system by.
inline constexpr u32 kFileSystemMagic = 0x0102'1997;

}  // namespace quire::arch::ninep
