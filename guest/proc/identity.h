// User and group ids of a process (credentials(7)).
#pragma once

#include "guest/fs/credentials.h"
#include "guest/lib/vector.h"

namespace kernel {

inline constexpr usize kMaxGroups = 65536;

/// Real, effective, saved and file-system id.
struct IdSet {
  u32 real = 0;
  u32 effective = 0;
  u32 saved = 0;
  u32 fs = 0;
};

struct Identity {
  IdSet user;
  IdSet group;
  Vector<u32> groups;

  bool privileged() const { return user.effective == 0; }
  FsCredentials effective() const { return {.uid = user.fs, .gid = group.fs, .groups = groups.span()}; }
  FsCredentials real() const { return {.uid = user.real, .gid = group.real, .groups = groups.span()}; }

  KResult<void> copy_from(const Identity& other) {
    Vector<u32> copy;
    TRY(copy.append(other.groups.span()));
    groups = std::move(copy);
    user = other.user;
    group = other.group;
    return {};
  }
};

}  // namespace kernel
