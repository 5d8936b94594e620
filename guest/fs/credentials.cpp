#include "guest/fs/credentials.h"

#include <algorithm>

#include "guest/fs/inode.h"

namespace kernel {

bool FsCredentials::in_group(u32 group) const {
  return gid == group || std::find(groups.begin(), groups.end(), group) != groups.end();
}

KResult<void> check_access(const FsCredentials& who, const Inode& inode, u32 wanted) {
  const u32 mode = inode.mode();
  if (who.privileged()) {
    // capabilities(7), CAP_DAC_OVERRIDE: execution still wants an execute bit somewhere, but for directories.
    if ((wanted & kAccessExecute) != 0 && !inode.is_directory() && (mode & 0111) == 0) {
      return Err(Errno::kEACCES);
    }
    return {};
  }
  const unsigned shift = who.uid == inode.uid() ? 6 : who.in_group(inode.gid()) ? 3 : 0;
  if ((wanted & ~(mode >> shift) & 7) != 0) {
    return Err(Errno::kEACCES);
  }
  return {};
}

KResult<void> check_owner(const FsCredentials& who, const Inode& inode) {
  if (!who.privileged() && who.uid != inode.uid()) {
    return Err(Errno::kEPERM);
  }
  return {};
}

}  // namespace kernel
