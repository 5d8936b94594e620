// CodeMemory: where generated code is, and data within its reach. Bounded, and filled from one end until all
// but the stubs is given up.
//
// Invariant: the same memory is mapped twice, once to be written and once to be run, so that no page is
// writable and executable at once. Code is known by its offset, or by where it runs.
#pragma once

#include <sys/types.h>

#include <cstring>

#include "emu/base/types.h"

namespace quire::jit {

class CodeMemory {
 public:
  /// Throws Error(kInternal) where the host gives no executable memory. `size_bytes` is a multiple of the
  /// page size.
  explicit CodeMemory(usize size_bytes);
  ~CodeMemory();
  CodeMemory(const CodeMemory&) = delete;
  CodeMemory& operator=(const CodeMemory&) = delete;

  usize size_bytes() const { return size_; }
  usize used_bytes() const { return used_; }
  usize free_bytes() const { return size_ - used_; }

  const u8* run_address(usize offset) const { return runnable_ + offset; }
  u8* write_address(usize offset) { return writable_ + offset; }
  bool contains(const void* code) const {
    const u8* at = static_cast<const u8*>(code);
    return at >= runnable_ && at < runnable_ + size_;
  }
  /// Zeroed memory that code reaches by displacements from where it runs, until reset(). A multiple of 32
  /// bytes, so aligned; null: none is left.
  void* take_data(usize bytes);
  /// What was written from used_bytes() on stays.
  void commit(usize bytes);
  /// All that was committed from now on goes with reset().
  void keep_stubs() { kept_ = used_; }
  void reset();
  /// Other memory, empty: after fork(2) what is mapped here is the parent's as well. Throws as the
  /// constructor.
  void renew();
  /// Makes the jump whose displacement (32 bits) is at `offset` one to `code`. Preconditions: nothing runs
  /// there, and it is not another process's.
  void patch_jump(usize offset, const void* code);
  /// Not so after fork(2) until renew().
  bool is_of_this_process() const;

 private:
  void map();
  void unmap();
  void touch_ahead();

  usize data_bytes() const { return size_ / 16; }

  u8* runnable_ = nullptr;  ///< the data is behind it
  u8* writable_ = nullptr;
  const usize size_;
  usize used_ = 0;
  usize kept_ = 0;
  usize data_used_ = 0;
  usize touched_ = 0;  ///< so much of both mappings is there
  pid_t process_ = 0;  ///< that mapped it
};

}  // namespace quire::jit
