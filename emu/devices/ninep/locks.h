// POSIX record locks of a share's client: who holds which bytes of which file.
//
// They hold among the processes of the one guest that has the share; the host's own locks are not
// touched. Invariant: the locks of one owner on one file do not overlap.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emu/base/types.h"
#include "quire/arch/ninep.h"

namespace quire::share {

using arch::ninep::LockStatus;
using arch::ninep::LockType;

struct LockOwner {
  u32 process = 0;
  std::string client;
  bool operator==(const LockOwner&) const = default;
};

struct RecordLock {
  u64 file = 0;  ///< its number in the share
  LockType type = LockType::kUnlock;
  u64 first = 0;
  u64 last = 0;  ///< included; all ones: to the end, wherever it comes to be
  LockOwner owner;
};

class RecordLocks {
 public:
  static constexpr std::size_t kMaxLocks = 4096;
  /// Of LockOwner::client: Linux's clients give their host's name, which has no more (uname(2)).
  static constexpr std::size_t kMaxClientBytes = 64;

  /// Sets, changes or (kUnlock) removes.
  LockStatus set(const RecordLock& wanted);
  /// A lock of another owner that keeps `wanted` from being set.
  const RecordLock* conflict(const RecordLock& wanted) const;
  std::size_t count() const { return locks_.size(); }
  bool any(u64 file) const;
  void drop(u64 file);
  void clear() { locks_.clear(); }

 private:
  std::vector<RecordLock> locks_;
};

}  // namespace quire::share
