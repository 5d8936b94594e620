// Reader of cpio archives in the "newc" format, as initramfs images use it. Pure; tested and fuzzed on the
// host.
//
// Foreign bytes: whatever they are, entries handed out lie inside them. An initramfs may be several
// archives in a row with zero padding between; the reader goes on with the next after each trailer.
#pragma once

#include <optional>

#include "guest/lib/byte_reader.h"

namespace kernel {

struct CpioEntry {
  StringView name;  ///< without leading "/" and "./"; "" is the root
  u32 inode;
  u32 mode;
  u32 uid;
  u32 gid;
  u32 links;
  u32 mtime;
  u64 rdev;            ///< as st_rdev
  ConstByteSpan data;  ///< contents, or the target of a symbolic link
};

class CpioReader {
 public:
  explicit CpioReader(ConstByteSpan archive) : reader_(archive) {}
  /// The next entry, nothing at the end. EINVAL for bytes that are no archive.
  KResult<std::optional<CpioEntry>> next();

 private:
  ByteReader reader_;
};

}  // namespace kernel
