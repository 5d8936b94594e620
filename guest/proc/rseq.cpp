#include "guest/proc/rseq.h"

#include "guest/hal/user_access.h"
#include "guest/proc/process.h"
#include "guest/proc/signal.h"

namespace kernel {

namespace {

constexpr u32 kRseqBytes = 32;
constexpr u32 kUninitialized = ~u32{0};

/// struct rseq.
struct Area {
  u32 cpu_start;
  u32 cpu;
  u64 sequence;
  u32 flags;
  u32 node;
  u32 memory_map_cpu;
  u32 pad;
};
static_assert(sizeof(Area) == kRseqBytes);

/// struct rseq_cs.
struct Sequence {
  u32 version;
  u32 flags;
  u64 start;
  u64 bytes;
  u64 abort;
};
static_assert(sizeof(Sequence) == 32);

VirtAddr sequence_field(const RseqRegistration& rseq) {
  return rseq.area + __builtin_offsetof(Area, sequence);
}

KResult<void> abort_sequence(const RseqRegistration& rseq, TrapFrame& frame) {
  const u64 at = TRY(get_user<u64>(sequence_field(rseq)));
  if (at == 0) {
    return {};
  }
  const auto sequence = TRY(get_user<Sequence>(VirtAddr(at)));
  u64 end = 0;
  if (sequence.version != 0 || sequence.flags != 0 ||
      __builtin_add_overflow(sequence.start, sequence.bytes, &end) || VirtAddr(end) >= kUserTop ||
      VirtAddr(sequence.abort) >= kUserTop || sequence.abort - sequence.start < sequence.bytes) {
    return Err(Errno::kEINVAL);
  }
  if (frame.sepc - sequence.start >= sequence.bytes) {
    // Left already: told so lazily.
    return put_user(sequence_field(rseq), u64{0});
  }
  // Only code that expects to be an abort handler is jumped to.
  if (TRY(get_user<u32>(VirtAddr(sequence.abort - sizeof(u32)))) != rseq.signature) {
    return Err(Errno::kEINVAL);
  }
  TRY(put_user(sequence_field(rseq), u64{0}));
  frame.sepc = sequence.abort;
  return {};
}

KResult<void> unregister(RseqRegistration& rseq, VirtAddr area, u32 bytes, u32 signature) {
  if (rseq.area.value == 0 || area != rseq.area || bytes != rseq.bytes) {
    return Err(Errno::kEINVAL);
  }
  if (signature != rseq.signature) {
    return Err(Errno::kEPERM);
  }
  const Area unset{.cpu_start = 0,
                   .cpu = kUninitialized,
                   .sequence = 0,
                   .flags = 0,
                   .node = 0,
                   .memory_map_cpu = 0,
                   .pad = 0};
  TRY(put_user(area, unset));
  rseq = {};
  return {};
}

}  // namespace

KResult<void> change_rseq(VirtAddr area, u32 bytes, u32 flags, u32 signature) {
  RseqRegistration& rseq = current_task().rseq;
  if (flags == kRseqUnregister) {
    return unregister(rseq, area, bytes, signature);
  }
  if (flags != 0) {
    return Err(Errno::kEINVAL);
  }
  if (rseq.area.value != 0) {
    if (area != rseq.area || bytes != rseq.bytes) {
      return Err(Errno::kEINVAL);
    }
    return Err(signature != rseq.signature ? Errno::kEPERM : Errno::kEBUSY);
  }
  if (bytes < kRseqBytes || !is_aligned(area.value, kRseqBytes)) {
    return Err(Errno::kEINVAL);
  }
  // One hart: the fields that name it never change.
  const Area fresh{};
  TRY(put_user(area, fresh));
  rseq = {.area = area, .bytes = bytes, .signature = signature, .disturbed = false};
  return {};
}

void leave_sequence(Task& task, TrapFrame& frame) {
  task.rseq.disturbed = false;
  if (task.rseq.area.value != 0 && !abort_sequence(task.rseq, frame).ok()) {
    force_on_task(task, fault_signal(kSIGSEGV, kSiKernel, VirtAddr(0)));
  }
}

}  // namespace kernel
