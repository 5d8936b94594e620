// fork(2), vfork(2), clone(2) and clone3(2): a copy of the running task, sharing what the flags say.
#pragma once

#include "guest/proc/process.h"

namespace kernel {

enum CloneFlag : u64 {
  kCloneVm = 0x100,
  kCloneFs = 0x200,
  kCloneFiles = 0x400,
  kCloneSigHand = 0x800,
  kClonePidFd = 0x1000,
  kClonePtrace = 0x2000,
  kCloneVfork = 0x4000,
  kCloneParent = 0x8000,
  kCloneThread = 0x1'0000,
  kCloneNewNs = 0x2'0000,
  kCloneSysVSem = 0x4'0000,
  kCloneSetTls = 0x8'0000,
  kCloneParentSetTid = 0x10'0000,
  kCloneChildClearTid = 0x20'0000,
  kCloneDetached = 0x40'0000,
  kCloneUntraced = 0x80'0000,
  kCloneChildSetTid = 0x100'0000,
  kCloneNewCgroup = 0x200'0000,
  kCloneNewUts = 0x400'0000,
  kCloneNewIpc = 0x800'0000,
  kCloneNewUser = 0x1000'0000,
  kCloneNewPid = 0x2000'0000,
  kCloneNewNet = 0x4000'0000,
  kCloneIo = 0x8000'0000,
  kCloneClearSigHand = 0x1'0000'0000,
  kCloneIntoCgroup = 0x2'0000'0000,
};

struct CloneRequest {
  u64 flags = 0;  ///< CloneFlag
  i32 exit_signal = 0;
  VirtAddr stack_pointer{};  ///< 0: the parent's
  VirtAddr tls{};
  VirtAddr parent_tid{};
  VirtAddr child_tid{};
  VirtAddr pidfd{};  ///< where CLONE_PIDFD's descriptor is told
};

/// Returns the child's number; `frame` is the caller's. EINVAL, EAGAIN, ENOMEM.
KResult<u32> clone_task(const TrapFrame& frame, const CloneRequest& request);

}  // namespace kernel
