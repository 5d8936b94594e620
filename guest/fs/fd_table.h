// FdTable: the file descriptors of a process.
//
// Invariant: a new descriptor is the lowest free one; a reserved one is not free, and not open either.
// Whatever closes a descriptor lifts the record locks
// that the table holds on its file (fcntl_locking(2)). Shared between tasks with CLONE_FILES. Lock: the
// table's (today: no preemption, and no operation here sleeps but the release of a last File).
#pragma once

#include "guest/fs/file.h"
#include "guest/lib/vector.h"

namespace kernel {

enum class CloseOnExec : u8 { kNo, kYes };
/// Above any RLIMIT_NOFILE, as Linux' fs.nr_open.
inline constexpr u32 kMaxDescriptors = 1 << 20;

class FdTable : public RefCounted<FdTable> {
 public:
  FdTable() = default;
  ~FdTable() { close_all(); }
  /// A table with the same files (fork).
  KResult<RefPtr<FdTable>> clone() const;

  /// EBADF. An O_PATH descriptor is only had with `kAnyFile`.
  enum class Want : u8 { kContents, kAnyFile };
  KResult<RefPtr<File>> get(i32 fd, Want want = Want::kContents) const;

  /// `limit`: RLIMIT_NOFILE. EMFILE, ENOMEM.
  KResult<i32> install(RefPtr<File> file, CloseOnExec cloexec, u64 limit, i32 lowest = 0);
  /// dup3(2) without its checks of equal numbers; closes what was there. EBADF above the limit, EBUSY for a
  /// reserved one.
  KResult<void> install_at(i32 fd, RefPtr<File> file, CloseOnExec cloexec, u64 limit);
  /// A descriptor for a file to come: see FdReservation. EMFILE, ENOMEM.
  KResult<i32> reserve(u64 limit);
  void fill(i32 fd, RefPtr<File> file, CloseOnExec cloexec);
  void unreserve(i32 fd);
  /// EBADF.
  KResult<void> close(i32 fd);
  /// close_range(2): closes, or marks close-on-exec.
  void close_range(u32 first, u32 last, CloseOnExec mark_only);
  void close_on_exec();
  void close_all();

  KResult<bool> is_close_on_exec(i32 fd) const;
  KResult<void> set_close_on_exec(i32 fd, CloseOnExec cloexec);

  /// The first descriptor in use at or after `from`, or -1.
  i32 next_open(i32 from) const;
  /// Room of the table, as FDSize in /proc/PID/status shows it.
  usize capacity() const { return slots_.size(); }

 private:
  struct Slot {
    RefPtr<File> file;
    CloseOnExec cloexec = CloseOnExec::kNo;
    bool reserved = false;
  };
  KResult<usize> find_free(u64 limit, i32 lowest);
  Slot* find(i32 fd);
  const Slot* find(i32 fd) const { return const_cast<FdTable*>(this)->find(fd); }

  Vector<Slot> slots_;
  i32 lowest_free_ = 0;  // none below it is free
};

/// A descriptor that is had before its file is made, for calls that must not fail afterwards; given back
/// unless it is filled.
class FdReservation : NonCopyable {
 public:
  explicit FdReservation(FdTable& table) : table_(table) {}
  ~FdReservation() {
    if (fd_ >= 0) {
      table_.unreserve(fd_);
    }
  }
  /// `limit`: RLIMIT_NOFILE. EMFILE, ENOMEM.
  KResult<void> take(u64 limit) {
    fd_ = TRY(table_.reserve(limit));
    return {};
  }
  /// Its number, which is the program's from now on.
  i32 fill(RefPtr<File> file, CloseOnExec cloexec) {
    table_.fill(fd_, std::move(file), cloexec);
    return std::exchange(fd_, -1);
  }

 private:
  FdTable& table_;
  i32 fd_ = -1;
};

}  // namespace kernel
