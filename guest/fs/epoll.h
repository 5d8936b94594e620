// epoll(7): a set of descriptors to wait for, level-triggered, edge-triggered or once.
//
// A watch is known by (opening, descriptor) and ends with the opening, not with the descriptor.
#pragma once

#include "guest/fs/file.h"

namespace kernel {

/// struct epoll_event; not packed on riscv.
struct EpollEvent {
  u32 events;
  u32 pad;
  u64 data;
};
static_assert(sizeof(EpollEvent) == 16);

enum EpollFlag : u32 {
  kEpollExclusive = u32{1} << 28,
  kEpollWakeUp = u32{1} << 29,
  kEpollOneShot = u32{1} << 30,
  kEpollEdge = u32{1} << 31,
};
enum class EpollOp : i32 { kAdd = 1, kDelete = 2, kModify = 3 };

KResult<RefPtr<File>> make_epoll();
/// EINVAL: no epoll file, or itself; EEXIST, ENOENT, EPERM, ELOOP, ENOMEM.
KResult<void> epoll_control(File& epoll, EpollOp op, File& target, i32 fd, const EpollEvent& event);
/// Sleeps until at least one watch is ready, the deadline (0 found then) or a signal (EINTR).
KResult<usize> epoll_wait(File& epoll, Span<EpollEvent> found, u64 deadline_ns);

}  // namespace kernel
