// Locks are few, files with locks fewer: plain lists, searched from the start.
#include "guest/fs/file_locks.h"

namespace kernel {

namespace {

struct HeldLock {
  ListNode node;
  LockOwner owner;
  RecordLock range;
};
using LockList = List<HeldLock, &HeldLock::node>;

/// All locks of one inode; there while it has some or somebody waits.
struct LockedFile {
  explicit LockedFile(Inode& of) : inode(of) {}
  ListNode node;
  RefPtr<Inode> keep;  // the inode outlives its locks
  Inode& inode;
  LockList records;
  LockList whole;  ///< flock: owners are openings
  WaitQueue waiters;
  u32 waiting = 0;
};
using LockedFiles = List<LockedFile, &LockedFile::node>;

LockedFiles& locked_files() {
  static LockedFiles files;
  return files;
}

/// Owners that wait, and for whom: what deadlock detection walks.
struct WaitingOwner {
  ListNode node;
  const void* waits;
  const void* for_whom;
};
using WaitingOwners = List<WaitingOwner, &WaitingOwner::node>;
WaitingOwners& waiting_owners() {
  static WaitingOwners owners;
  return owners;
}

LockedFile* find_locked(const Inode& inode) {
  for (LockedFile& file : locked_files()) {
    if (&file.inode == &inode) {
      return &file;
    }
  }
  return nullptr;
}

KResult<LockedFile*> find_or_make_locked(Inode& inode) {
  if (LockedFile* const file = find_locked(inode)) {
    return file;
  }
  auto made = TRY(try_make<LockedFile>(inode));
  made->keep = RefPtr<Inode>(&inode);
  locked_files().push_back(*made);
  return made.release();
}

void erase(LockList& list, HeldLock& lock) {
  list.erase(list.iterator_to(lock));
  delete &lock;
}

void forget_if_unused(LockedFile& file) {
  if (file.records.empty() && file.whole.empty() && file.waiting == 0) {
    locked_files().erase(locked_files().iterator_to(file));
    delete &file;
  }
}

bool overlap(const RecordLock& a, const RecordLock& b) { return a.first <= b.last && b.first <= a.last; }

HeldLock* conflict(LockList& list, const void* owner, const RecordLock& wanted) {
  if (wanted.type == kLockUnlock) {
    return nullptr;
  }
  for (HeldLock& held : list) {
    if (held.owner.object != owner && overlap(held.range, wanted) &&
        (held.range.type == kLockWrite || wanted.type == kLockWrite)) {
      return &held;
    }
  }
  return nullptr;
}

/// Sorted by first byte.
void insert_sorted(LockList& list, HeldLock& lock) {
  auto at = list.begin();
  while (at != list.end() && at->range.first <= lock.range.first) {
    ++at;
  }
  list.insert(at, lock);
}

/// Replaces what `owner` holds in the range of `lock` by `lock`. Two locks may be needed: they are made
/// first.
KResult<void> replace_range(LockList& list, const LockOwner& owner, RecordLock lock) {
  auto fresh = TRY(try_make<HeldLock>());
  auto behind = TRY(try_make<HeldLock>());
  for (auto it = list.begin(); it != list.end();) {
    HeldLock& held = *it;
    ++it;
    if (held.owner.object != owner.object) {
      continue;
    }
    RecordLock& range = held.range;
    const bool touches = (range.last != kLockToEnd && range.last + 1 == lock.first) ||
                         (lock.last != kLockToEnd && lock.last + 1 == range.first);
    if (range.type == lock.type && (touches || overlap(range, lock))) {
      lock.first = std::min(lock.first, range.first);
      lock.last = std::max(lock.last, range.last);
      erase(list, held);
    } else if (overlap(range, lock)) {
      const RecordLock whole = range;
      if (whole.first < lock.first) {
        range.last = lock.first - 1;
      }
      if (whole.last > lock.last) {
        const RecordLock tail{whole.type, lock.last + 1, whole.last};
        if (whole.first >= lock.first) {
          list.erase(list.iterator_to(held));
          range = tail;
          insert_sorted(list, held);
        } else {
          behind->owner = owner;
          behind->range = tail;
          insert_sorted(list, *behind.release());
        }
      } else if (whole.first >= lock.first) {
        erase(list, held);
      }
    }
  }
  if (lock.type != kLockUnlock) {
    fresh->owner = owner;
    fresh->range = lock;
    insert_sorted(list, *fresh.release());
  }
  return {};
}

/// Whether `holder` waits, perhaps by way of others, for `me`.
bool would_deadlock(const void* me, const void* holder) {
  for (usize steps = 0; steps < 64 && holder != nullptr; steps++) {
    if (holder == me) {
      return true;
    }
    const void* next = nullptr;
    for (const WaitingOwner& owner : waiting_owners()) {
      if (owner.waits == holder) {
        next = owner.for_whom;
        break;
      }
    }
    holder = next;
  }
  return false;
}

/// Waits until nothing conflicts. The lists may have changed whenever it returns.
KResult<void> wait_for(LockedFile& file, LockList& list, const LockOwner& owner, const RecordLock& lock,
                       LockWait wait) {
  while (HeldLock* const other = conflict(list, owner.object, lock)) {
    if (wait == LockWait::kNo) {
      return Err(Errno::kEAGAIN);
    }
    // Openings may be shared between processes: only for processes is a circle a deadlock.
    const bool process = owner.pid != -1 && &list == &file.records;
    if (process && would_deadlock(owner.object, other->owner.object)) {
      return Err(Errno::kEDEADLK);
    }
    WaitingOwner waiting{.node = {}, .waits = owner.object, .for_whom = other->owner.object};
    waiting_owners().push_back(waiting);
    file.waiting++;
    const auto woken = file.waiters.wait(Interruptible::kYes);
    file.waiting--;
    waiting_owners().erase(waiting_owners().iterator_to(waiting));
    if (!woken.ok() && conflict(list, owner.object, lock) != nullptr) {
      return Err(woken.error());
    }
  }
  return {};
}

/// Lifts every lock of `owner`.
void release_all(Inode& inode, LockList LockedFile::*which, const void* owner) {
  LockedFile* const file = find_locked(inode);
  if (file == nullptr) {
    return;
  }
  LockList& list = file->*which;
  bool released = false;
  for (auto it = list.begin(); it != list.end();) {
    HeldLock& held = *it;
    ++it;
    if (held.owner.object == owner) {
      erase(list, held);
      released = true;
    }
  }
  if (released) {
    file->waiters.wake_all();
    forget_if_unused(*file);
  }
}

}  // namespace

KResult<void> set_record_lock(File& file, const LockOwner& owner, const RecordLock& lock, LockWait wait) {
  LockedFile& locked = *TRY(find_or_make_locked(file.inode()));
  ScopeExit forget([&locked] { forget_if_unused(locked); });
  TRY(wait_for(locked, locked.records, owner, lock, wait));
  if (!replace_range(locked.records, owner, lock).ok()) {
    return Err(Errno::kENOLCK);
  }
  locked.waiters.wake_all();  // lifted, or weakened from writing to reading
  return {};
}

FoundLock find_conflict(File& file, const LockOwner& owner, const RecordLock& lock) {
  LockedFile* const locked = find_locked(file.inode());
  HeldLock* const held = locked == nullptr ? nullptr : conflict(locked->records, owner.object, lock);
  return held == nullptr ? FoundLock{} : FoundLock{held->range, held->owner.pid};
}

KResult<void> set_file_lock(File& file, LockType type, LockWait wait) {
  LockedFile& locked = *TRY(find_or_make_locked(file.inode()));
  ScopeExit forget([&locked] { forget_if_unused(locked); });
  const LockOwner owner{&file, -1};
  // flock(2): a conversion first gives the old lock up, so another may get in between.
  const RecordLock whole{type, 0, kLockToEnd};
  for (HeldLock& held : locked.whole) {
    if (held.owner.object == &file) {
      if (held.range.type == type) {
        return {};
      }
      erase(locked.whole, held);
      locked.waiters.wake_all();
      break;
    }
  }
  TRY(wait_for(locked, locked.whole, owner, whole, wait));
  return replace_range(locked.whole, owner, whole).ok() ? KResult<void>()
                                                        : KResult<void>(Err(Errno::kENOLCK));
}

void release_process_locks(File& file, const void* table) {
  if (locked_files().empty() || file.path_only()) {
    return;
  }
  release_all(file.inode(), &LockedFile::records, table);
}

void release_file_locks(File& file) {
  if (locked_files().empty()) {
    return;
  }
  release_all(file.inode(), &LockedFile::records, &file);
  release_all(file.inode(), &LockedFile::whole, &file);
}

KResult<void> format_locks(FormatSink& out) {
  u64 number = 0;
  const auto show = [&](const LockedFile& file, const HeldLock& held, StringView kind) {
    const u64 device = file.inode.fs().device();
    format(out, "{}: {}  ADVISORY  {} {} {:02x}:{:02x}:{} {} ", ++number, kind,
           held.range.type == kLockWrite ? "WRITE" : "READ ", held.owner.pid, device_major(device),
           device_minor(device), file.inode.number(), held.range.first);
    if (held.range.last == kLockToEnd) {
      out.put("EOF\n");
    } else {
      format(out, "{}\n", held.range.last);
    }
  };
  for (const LockedFile& file : locked_files()) {
    for (const HeldLock& held : file.whole) {
      show(file, held, "FLOCK");
    }
    for (const HeldLock& held : file.records) {
      show(file, held, held.owner.pid == -1 ? "OFDLCK" : "POSIX");
    }
  }
  return {};
}

}  // namespace kernel
