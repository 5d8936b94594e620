#include "emu/devices/ninep/locks.h"

#include <algorithm>

namespace quire::share {

namespace {

bool overlap(const RecordLock& a, const RecordLock& b) {
  return a.file == b.file && a.first <= b.last && b.first <= a.last;
}

}  // namespace

const RecordLock* RecordLocks::conflict(const RecordLock& wanted) const {
  const auto at = std::find_if(locks_.begin(), locks_.end(), [&](const RecordLock& held) {
    return overlap(held, wanted) && held.owner != wanted.owner &&
           (held.type == LockType::kWrite || wanted.type == LockType::kWrite);
  });
  return at != locks_.end() ? &*at : nullptr;
}

LockStatus RecordLocks::set(const RecordLock& wanted) {
  if (wanted.type != LockType::kUnlock && conflict(wanted) != nullptr) {
    return LockStatus::kBlocked;
  }
  const auto changes = [&](const RecordLock& held) {
    return overlap(held, wanted) && held.owner == wanted.owner;
  };
  std::size_t gone = 0;
  std::vector<RecordLock> added;  // what is left of those that change, and the new one
  for (const RecordLock& held : locks_) {
    if (!changes(held)) {
      continue;
    }
    ++gone;
    if (held.first < wanted.first) {
      added.push_back(held);
      added.back().last = wanted.first - 1;
    }
    if (held.last > wanted.last) {
      added.push_back(held);
      added.back().first = wanted.last + 1;
    }
  }
  if (wanted.type != LockType::kUnlock) {
    added.push_back(wanted);
  }
  if (locks_.size() - gone + added.size() > kMaxLocks) {
    return LockStatus::kError;
  }
  std::erase_if(locks_, changes);
  locks_.insert(locks_.end(), added.begin(), added.end());
  return LockStatus::kSuccess;
}

bool RecordLocks::any(u64 file) const {
  return std::any_of(locks_.begin(), locks_.end(), [&](const RecordLock& held) { return held.file == file; });
}

void RecordLocks::drop(u64 file) {
  std::erase_if(locks_, [&](const RecordLock& held) { return held.file == file; });
}

}  // namespace quire::share
