// Extended attributes: no file system here keeps any. The file is looked up all the same, so that errors are
// right.
#include "guest/syscall/arguments.h"

namespace kernel {

namespace {

/// What is asked of a file that has no attributes.
enum class Query : u8 { kGet, kSet, kList, kRemove };

SyscallResult answer(Query query) {
  return query == Query::kList ? SyscallResult(0) : SyscallResult(Err(Errno::kEOPNOTSUPP));
}

SyscallResult by_path(const SyscallArgs& args, Query query, u32 at_flags) {
  TRY(resolve_user_path(kAtFdCwd, args.as_address(0), at_flags));
  return answer(query);
}

SyscallResult by_descriptor(const SyscallArgs& args, Query query) {
  TRY(file_of(args.as_int(0)));
  return answer(query);
}

}  // namespace

SyscallResult sys_setxattr(const SyscallArgs& args) { return by_path(args, Query::kSet, 0); }
SyscallResult sys_lsetxattr(const SyscallArgs& args) {
  return by_path(args, Query::kSet, kAtSymlinkNoFollow);
}
SyscallResult sys_fsetxattr(const SyscallArgs& args) { return by_descriptor(args, Query::kSet); }
SyscallResult sys_getxattr(const SyscallArgs& args) { return by_path(args, Query::kGet, 0); }
SyscallResult sys_lgetxattr(const SyscallArgs& args) {
  return by_path(args, Query::kGet, kAtSymlinkNoFollow);
}
SyscallResult sys_fgetxattr(const SyscallArgs& args) { return by_descriptor(args, Query::kGet); }
SyscallResult sys_listxattr(const SyscallArgs& args) { return by_path(args, Query::kList, 0); }
SyscallResult sys_llistxattr(const SyscallArgs& args) {
  return by_path(args, Query::kList, kAtSymlinkNoFollow);
}
SyscallResult sys_flistxattr(const SyscallArgs& args) { return by_descriptor(args, Query::kList); }
SyscallResult sys_removexattr(const SyscallArgs& args) { return by_path(args, Query::kRemove, 0); }
SyscallResult sys_lremovexattr(const SyscallArgs& args) {
  return by_path(args, Query::kRemove, kAtSymlinkNoFollow);
}
SyscallResult sys_fremovexattr(const SyscallArgs& args) { return by_descriptor(args, Query::kRemove); }

}  // namespace kernel
