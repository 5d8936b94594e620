// Events of poll(2) and the requests of ioctl(2) that files below the terminals answer.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

enum PollEvent : u32 {
  kPollIn = 0x1,
  kPollPri = 0x2,
  kPollOut = 0x4,
  kPollErr = 0x8,
  kPollHup = 0x10,
  kPollNval = 0x20,
  kPollReadNorm = 0x40,
  kPollReadBand = 0x80,
  kPollWriteNorm = 0x100,
  kPollWriteBand = 0x200,
  kPollReadHup = 0x2000,
};

struct PollFd {
  i32 fd;
  u16 events;
  u16 revents;
};
static_assert(sizeof(PollFd) == 8);

enum IoctlRequest : u32 {
  kIoctlTcGets = 0x5401,
  kIoctlTcSets = 0x5402,
  kIoctlTcSetsWait = 0x5403,
  kIoctlTcSetsFlush = 0x5404,
  kIoctlGetPgrp = 0x540f,
  kIoctlSetPgrp = 0x5410,
  kIoctlGetWinSize = 0x5413,
  kIoctlSetWinSize = 0x5414,
  kIoctlBytesReadable = 0x541b,  ///< FIONREAD
  kIoctlNonBlock = 0x5421,       ///< FIONBIO
  kIoctlNoCloseOnExec = 0x5450,  ///< FIONCLEX
  kIoctlCloseOnExec = 0x5451,    ///< FIOCLEX
  kIoctlAsync = 0x5452,          ///< FIOASYNC
  kIoctlClone = 0x4004'9409,     ///< FICLONE
};

}  // namespace quire::arch
