// mmap(2) and its family: arguments to the address space, which answers them.
#include "guest/syscall/arguments.h"

namespace kernel {

namespace {

AddressSpace& space() { return *current_process().space; }

SyscallResult done(KResult<void> result) {
  return result.ok() ? SyscallResult(0) : SyscallResult(Err(result.error()));
}

}  // namespace

SyscallResult sys_brk(const SyscallArgs& args) {
  return static_cast<i64>(space().set_break(args.as_address(0)).value);
}

SyscallResult sys_mmap(const SyscallArgs& args) {
  MapRequest request{.address = args.as_address(0),
                     .bytes = args[1],
                     .prot = args.as_uint(2),
                     .flags = args.as_uint(3),
                     .file = nullptr,
                     .offset = args[5]};
  if (request.offset % kPageBytes != 0) {
    return Err(Errno::kEINVAL);
  }
  if ((request.flags & kMapAnonymous) == 0) {
    request.file = TRY(file_of(args.as_int(4)));
  }
  return static_cast<i64>(TRY(space().map(std::move(request))).value);
}

SyscallResult sys_munmap(const SyscallArgs& args) { return done(space().unmap(args.as_address(0), args[1])); }

SyscallResult sys_mprotect(const SyscallArgs& args) {
  return done(space().protect(args.as_address(0), args[1], args.as_uint(2)));
}

SyscallResult sys_mremap(const SyscallArgs& args) {
  return static_cast<i64>(
      TRY(space().remap(args.as_address(0), args[1], args[2], args.as_uint(3), args.as_address(4))).value);
}

SyscallResult sys_madvise(const SyscallArgs& args) {
  return done(space().advise(args.as_address(0), args[1], args.as_uint(2)));
}

SyscallResult sys_msync(const SyscallArgs& args) {
  return done(space().sync(args.as_address(0), args[1], args.as_uint(2)));
}

SyscallResult sys_mincore(const SyscallArgs& args) {
  if (args[0] % kPageBytes != 0) {
    return Err(Errno::kEINVAL);
  }
  if (args[1] > kSv39UserTop) {
    return Err(Errno::kENOMEM);
  }
  u64 pages = align_up(args[1], kPageBytes) / kPageBytes;
  VirtAddr at = args.as_address(0);
  VirtAddr out = args.as_address(2);
  Vector<u8> chunk;
  TRY(chunk.resize(std::min<u64>(pages, kPageBytes)));
  while (pages > 0) {
    TRY(give_way());
    const u64 count = std::min<u64>(pages, chunk.size());
    TRY(space().residency(at, Span<u8>(chunk.data(), count)));
    TRY(copy_to_user(out, chunk.data(), count));
    pages -= count;
    at += count * kPageBytes;
    out += count;
  }
  return 0;
}

SyscallResult sys_mlock(const SyscallArgs& args) {
  return done(space().lock_range(args.as_address(0), args[1], false));
}

SyscallResult sys_mlock2(const SyscallArgs& args) {
  TRY(check_flags(args.as_uint(2), kMlockOnFault));
  return done(space().lock_range(args.as_address(0), args[1], args.as_uint(2) != 0));
}

SyscallResult sys_munlock(const SyscallArgs& args) {
  return done(space().unlock_range(args.as_address(0), args[1]));
}
SyscallResult sys_mlockall(const SyscallArgs& args) { return done(space().lock_all(args.as_uint(0))); }
SyscallResult sys_munlockall(const SyscallArgs&) { return done(space().unlock_all()); }

SyscallResult sys_riscv_flush_icache(const SyscallArgs& args) {
  TRY(check_flags(args[2], 1));  // SYS_RISCV_FLUSH_ICACHE_LOCAL
  asm volatile("fence.i" ::: "memory");
  return 0;
}

}  // namespace kernel
