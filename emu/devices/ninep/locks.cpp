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
  std::vector<RecordLock> kept;
  for (const RecordLock& held : locks_) {
    if (!overlap(held, wanted) || held.owner != wanted.owner) {
      kept.push_back(held);
      continue;
    }
    if (held.first < wanted.first) {
      kept.push_back(held);
      kept.back().last = wanted.first - 1;
    }
    if (held.last > wanted.last) {
      kept.push_back(held);
      kept.back().first = wanted.last + 1;
    }
  }
  if (wanted.type != LockType::kUnlock) {
    kept.push_back(wanted);
  }
  if (kept.size() > kMaxLocks) {
    return LockStatus::kError;
  }
  locks_ = std::move(kept);
  return LockStatus::kSuccess;
}

bool RecordLocks::any(u64 file) const {
  return std::any_of(locks_.begin(), locks_.end(), [&](const RecordLock& held) { return held.file == file; });
}

void RecordLocks::drop(u64 file) {
  std::erase_if(locks_, [&](const RecordLock& held) { return held.file == file; });
}

}  // namespace quire::share
