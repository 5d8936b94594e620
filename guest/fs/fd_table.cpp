#include "guest/fs/fd_table.h"

#include <algorithm>

#include "guest/fs/file_locks.h"

namespace kernel {

namespace {
constexpr usize kSlotsAtATime = 64;  // as FDSize grows in Linux
}

KResult<RefPtr<FdTable>> FdTable::clone() const {
  RefPtr<FdTable> copy = TRY(try_make_ref<FdTable>());
  TRY(copy->slots_.resize(slots_.size()));
  for (usize i = 0; i < slots_.size(); i++) {
    copy->slots_[i] = Slot{slots_[i].file, slots_[i].cloexec};
  }
  // What is reserved here is free there.
  while (static_cast<usize>(copy->lowest_free_) < slots_.size() &&
         slots_[static_cast<usize>(copy->lowest_free_)].file) {
    copy->lowest_free_++;
  }
  return copy;
}

FdTable::Slot* FdTable::find(i32 fd) {
  if (fd < 0 || static_cast<usize>(fd) >= slots_.size() || !slots_[static_cast<usize>(fd)].file) {
    return nullptr;
  }
  return &slots_[static_cast<usize>(fd)];
}

KResult<RefPtr<File>> FdTable::get(i32 fd, Want want) const {
  const Slot* const slot = find(fd);
  if (slot == nullptr || (want == Want::kContents && slot->file->path_only())) {
    return Err(Errno::kEBADF);
  }
  return RefPtr<File>(slot->file);
}

KResult<usize> FdTable::find_free(u64 limit, i32 lowest) {
  limit = std::min<u64>(limit, kMaxDescriptors);
  usize at = static_cast<usize>(std::max(lowest, lowest_free_));
  while (at < slots_.size() && (slots_[at].file || slots_[at].reserved)) {
    at++;
  }
  if (at >= limit) {
    return Err(Errno::kEMFILE);
  }
  if (at >= slots_.size()) {
    TRY(slots_.resize(align_up(at + 1, kSlotsAtATime)));
  }
  if (lowest <= lowest_free_) {
    lowest_free_ = static_cast<i32>(at) + 1;
  }
  return at;
}

KResult<i32> FdTable::install(RefPtr<File> file, CloseOnExec cloexec, u64 limit, i32 lowest) {
  const usize at = TRY(find_free(limit, lowest));
  slots_[at].file = std::move(file);
  slots_[at].cloexec = cloexec;
  return static_cast<i32>(at);
}

KResult<i32> FdTable::reserve(u64 limit) {
  const usize at = TRY(find_free(limit, 0));
  slots_[at].reserved = true;
  return static_cast<i32>(at);
}

void FdTable::fill(i32 fd, RefPtr<File> file, CloseOnExec cloexec) {
  slots_[static_cast<usize>(fd)] = Slot{std::move(file), cloexec};
}

void FdTable::unreserve(i32 fd) {
  slots_[static_cast<usize>(fd)].reserved = false;
  lowest_free_ = std::min(lowest_free_, fd);
}

KResult<void> FdTable::install_at(i32 fd, RefPtr<File> file, CloseOnExec cloexec, u64 limit) {
  if (fd < 0 || static_cast<u64>(fd) >= std::min<u64>(limit, kMaxDescriptors)) {
    return Err(Errno::kEBADF);
  }
  const usize at = static_cast<usize>(fd);
  if (at >= slots_.size()) {
    TRY(slots_.resize(align_up(at + 1, kSlotsAtATime)));
  }
  if (slots_[at].reserved) {
    return Err(Errno::kEBUSY);
  }
  // The old file is released last, when the table is whole again: release may sleep.
  std::swap(slots_[at].file, file);
  slots_[at].cloexec = cloexec;
  if (fd == lowest_free_) {
    lowest_free_++;
  }
  if (file) {
    release_process_locks(*file, this);
  }
  return {};
}

KResult<void> FdTable::close(i32 fd) {
  Slot* const slot = find(fd);
  if (slot == nullptr) {
    return Err(Errno::kEBADF);
  }
  const RefPtr<File> file = std::move(slot->file);
  slot->cloexec = CloseOnExec::kNo;
  lowest_free_ = std::min(lowest_free_, fd);
  release_process_locks(*file, this);
  return {};
}

void FdTable::close_range(u32 first, u32 last, CloseOnExec mark_only) {
  for (u64 fd = first; fd <= last && fd < slots_.size(); fd++) {
    if (!slots_[fd].file) {
      continue;
    }
    if (mark_only == CloseOnExec::kYes) {
      slots_[fd].cloexec = CloseOnExec::kYes;
    } else {
      (void)close(static_cast<i32>(fd));
    }
  }
}

void FdTable::close_on_exec() {
  for (usize fd = 0; fd < slots_.size(); fd++) {
    if (slots_[fd].file && slots_[fd].cloexec == CloseOnExec::kYes) {
      (void)close(static_cast<i32>(fd));
    }
  }
}

void FdTable::close_all() { close_range(0, ~u32{0}, CloseOnExec::kNo); }

KResult<bool> FdTable::is_close_on_exec(i32 fd) const {
  const Slot* const slot = find(fd);
  if (slot == nullptr) {
    return Err(Errno::kEBADF);
  }
  return slot->cloexec == CloseOnExec::kYes;
}

KResult<void> FdTable::set_close_on_exec(i32 fd, CloseOnExec cloexec) {
  Slot* const slot = find(fd);
  if (slot == nullptr) {
    return Err(Errno::kEBADF);
  }
  slot->cloexec = cloexec;
  return {};
}

i32 FdTable::next_open(i32 from) const {
  for (usize fd = static_cast<usize>(std::max(from, 0)); fd < slots_.size(); fd++) {
    if (slots_[fd].file) {
      return static_cast<i32>(fd);
    }
  }
  return -1;
}

}  // namespace kernel
