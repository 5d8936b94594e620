// User and group ids (credentials(7), setresuid(2)).
#include "guest/syscall/arguments.h"

namespace kernel {

namespace {

constexpr u32 kKeep = ~u32{0};

Identity& identity() { return current_process().identity; }

bool among(const IdSet& ids, u32 id) { return id == ids.real || id == ids.effective || id == ids.saved; }

/// Who is privileged may lock more memory: the address space is told.
SyscallResult ids_changed() {
  Process& process = current_process();
  process.space->limits() = process.memory_limits();
  return 0;
}

/// setresuid(2) and setresgid(2).
SyscallResult set_three(IdSet& ids, u32 real, u32 effective, u32 saved) {
  if (!identity().privileged()) {
    for (const u32 id : {real, effective, saved}) {
      if (id != kKeep && !among(ids, id)) {
        return Err(Errno::kEPERM);
      }
    }
  }
  ids.real = real == kKeep ? ids.real : real;
  ids.effective = effective == kKeep ? ids.effective : effective;
  ids.saved = saved == kKeep ? ids.saved : saved;
  ids.fs = ids.effective;
  return ids_changed();
}

/// setreuid(2) and setregid(2).
SyscallResult set_two(IdSet& ids, u32 real, u32 effective) {
  if (!identity().privileged() && ((real != kKeep && real != ids.real && real != ids.effective) ||
                                   (effective != kKeep && !among(ids, effective)))) {
    return Err(Errno::kEPERM);
  }
  const u32 old_real = ids.real;
  ids.real = real == kKeep ? ids.real : real;
  ids.effective = effective == kKeep ? ids.effective : effective;
  if (real != kKeep || (effective != kKeep && effective != old_real)) {
    ids.saved = ids.effective;
  }
  ids.fs = ids.effective;
  return ids_changed();
}

/// setuid(2) and setgid(2).
SyscallResult set_one(IdSet& ids, u32 id) {
  if (identity().privileged()) {
    ids.real = ids.saved = id;
  } else if (id != ids.real && id != ids.saved) {
    return Err(Errno::kEPERM);
  }
  ids.effective = ids.fs = id;
  return ids_changed();
}

/// setfsuid(2) and setfsgid(2) return the id before, whatever happened.
SyscallResult set_fs(IdSet& ids, u32 id) {
  const u32 before = ids.fs;
  if (id != kKeep && (identity().privileged() || among(ids, id) || id == ids.fs)) {
    ids.fs = id;
  }
  return i64{before};
}

SyscallResult get_three(const IdSet& ids, const SyscallArgs& args) {
  TRY(put_user(args.as_address(0), ids.real));
  TRY(put_user(args.as_address(1), ids.effective));
  TRY(put_user(args.as_address(2), ids.saved));
  return 0;
}

}  // namespace

SyscallResult sys_getuid(const SyscallArgs&) { return i64{identity().user.real}; }
SyscallResult sys_geteuid(const SyscallArgs&) { return i64{identity().user.effective}; }
SyscallResult sys_getgid(const SyscallArgs&) { return i64{identity().group.real}; }
SyscallResult sys_getegid(const SyscallArgs&) { return i64{identity().group.effective}; }
SyscallResult sys_getresuid(const SyscallArgs& args) { return get_three(identity().user, args); }
SyscallResult sys_getresgid(const SyscallArgs& args) { return get_three(identity().group, args); }

SyscallResult sys_setuid(const SyscallArgs& args) { return set_one(identity().user, args.as_uint(0)); }
SyscallResult sys_setgid(const SyscallArgs& args) { return set_one(identity().group, args.as_uint(0)); }
SyscallResult sys_setreuid(const SyscallArgs& args) {
  return set_two(identity().user, args.as_uint(0), args.as_uint(1));
}
SyscallResult sys_setregid(const SyscallArgs& args) {
  return set_two(identity().group, args.as_uint(0), args.as_uint(1));
}
SyscallResult sys_setresuid(const SyscallArgs& args) {
  return set_three(identity().user, args.as_uint(0), args.as_uint(1), args.as_uint(2));
}
SyscallResult sys_setresgid(const SyscallArgs& args) {
  return set_three(identity().group, args.as_uint(0), args.as_uint(1), args.as_uint(2));
}
SyscallResult sys_setfsuid(const SyscallArgs& args) { return set_fs(identity().user, args.as_uint(0)); }
SyscallResult sys_setfsgid(const SyscallArgs& args) { return set_fs(identity().group, args.as_uint(0)); }

SyscallResult sys_getgroups(const SyscallArgs& args) {
  const Vector<u32>& groups = identity().groups;
  const i32 room = args.as_int(0);
  if (room < 0 || (room != 0 && static_cast<usize>(room) < groups.size())) {
    return Err(Errno::kEINVAL);
  }
  if (room != 0) {
    TRY(copy_to_user(args.as_address(1), groups.data(), groups.size() * sizeof(u32)));
  }
  return static_cast<i64>(groups.size());
}

SyscallResult sys_setgroups(const SyscallArgs& args) {
  if (!identity().privileged()) {
    return Err(Errno::kEPERM);
  }
  if (args.as_uint(0) > kMaxGroups) {
    return Err(Errno::kEINVAL);
  }
  Vector<u32> groups;
  TRY(groups.resize(args.as_uint(0)));
  TRY(copy_from_user(groups.data(), args.as_address(1), groups.size() * sizeof(u32)));
  identity().groups = std::move(groups);
  return 0;
}

}  // namespace kernel
