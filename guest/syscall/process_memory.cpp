// Other processes' memory: process_vm_readv(2), process_vm_writev(2), process_madvise(2).
#include "guest/proc/process_file.h"
#include "guest/proc/process_table.h"
#include "guest/syscall/arguments.h"

namespace kernel {

namespace {

constexpr usize kPieceBytes = 1024;

KResult<Vector<IoSegment>> segments_of(VirtAddr base, u64 count) {
  if (count > kMaxIoSegments) {
    return Err(Errno::kEINVAL);
  }
  Vector<IoSegment> segments;
  TRY(segments.resize(count));
  TRY(copy_from_user(segments.data(), base, count * sizeof(IoSegment)));
  return segments;
}

/// ptrace(2), "Ptrace access mode checking", as far as there are identities. ESRCH, EPERM.
KResult<RefPtr<AddressSpace>> space_of(Process* process) {
  if (process == nullptr || !process->space) {
    return Err(Errno::kESRCH);
  }
  const Process& self = current_process();
  if (process != &self && !self.identity.privileged() &&
      (!process->dumpable || process->identity.user.real != self.identity.user.real)) {
    return Err(Errno::kEPERM);
  }
  return RefPtr<AddressSpace>(process->space);
}

enum class Direction : u8 { kFromThem, kToThem };

/// Moves one remote segment; returns how many bytes went before one side refused.
usize move_segment(AddressSpace& space, const IoSegment& remote, IoBuffer& local, Direction direction) {
  usize done = 0;
  while (done < remote.bytes && local.remaining() > 0 && !local.faulted()) {
    u8 piece[kPieceBytes];
    const VirtAddr at = remote.base + done;
    // To a page's end: a bad page must not spoil the good bytes before it.
    const usize bytes = std::min<u64>(
        {sizeof(piece), remote.bytes - done, local.remaining(), kPageBytes - at.value % kPageBytes});
    const auto moved =
        direction == Direction::kFromThem ? space.read(at, ByteSpan(piece, bytes)) : KResult<void>();
    if (!moved.ok()) {
      return done;
    }
    if (direction == Direction::kFromThem) {
      done += local.put(piece, bytes);
    } else {
      const usize got = local.get(piece, bytes);
      if (got == 0 || !space.write(at, ConstByteSpan(piece, got)).ok()) {
        return done;
      }
      done += got;
    }
  }
  return done;
}

SyscallResult move_memory(const SyscallArgs& args, Direction direction) {
  TRY(check_flags(args[5], 0));
  const Vector<IoSegment> own = TRY(segments_of(args.as_address(1), args[2]));
  const Vector<IoSegment> theirs = TRY(segments_of(args.as_address(3), args[4]));
  IoBuffer local = TRY(IoBuffer::vector(own.span()));
  const RefPtr<AddressSpace> space = TRY(space_of(process_table().find(args.as_uint(0))));
  const bool any = local.remaining() > 0;
  u64 moved = 0;
  u64 wanted = 0;
  for (const IoSegment& remote : theirs) {
    wanted += remote.bytes;
    const usize part = move_segment(*space, remote, local, direction);
    moved += part;
    if (part < remote.bytes) {
      break;
    }
  }
  return moved == 0 && any && wanted > 0 ? SyscallResult(Err(Errno::kEFAULT))
                                         : SyscallResult(static_cast<i64>(moved));
}

}  // namespace

SyscallResult sys_process_vm_readv(const SyscallArgs& args) {
  return move_memory(args, Direction::kFromThem);
}
SyscallResult sys_process_vm_writev(const SyscallArgs& args) { return move_memory(args, Direction::kToThem); }

SyscallResult sys_process_madvise(const SyscallArgs& args) {
  TRY(check_flags(args.as_uint(4), 0));
  auto file = TRY(file_of(args.as_int(0)));
  Process* const process = TRY(process_of_file(*file));
  const RefPtr<AddressSpace> space = TRY(space_of(process));
  const u32 advice = args.as_uint(3);
  // From outside only what changes no contents (process_madvise(2)).
  constexpr u32 kAllowed[] = {kMadvWillNeed, kMadvCold, kMadvPageOut, kMadvCollapse};
  if (space != current_process().space &&
      std::find(std::begin(kAllowed), std::end(kAllowed), advice) == std::end(kAllowed)) {
    return Err(Errno::kEINVAL);
  }
  const Vector<IoSegment> ranges = TRY(segments_of(args.as_address(1), args[2]));
  u64 advised = 0;
  for (const IoSegment& range : ranges) {
    const auto done = space->advise(range.base, range.bytes, advice);
    if (!done.ok()) {
      return advised > 0 ? SyscallResult(static_cast<i64>(advised)) : SyscallResult(Err(done.error()));
    }
    advised += range.bytes;
  }
  return static_cast<i64>(advised);
}

}  // namespace kernel
