// ExecArgs: the strings of a new program, copied out of the old one before its memory goes.
//
// Invariant: `bytes()` is the argument strings and then the environment strings, each with its NUL; what a
// script's interpreter line puts in front is kept apart until the end.
#pragma once

#include "guest/lib/string.h"

namespace kernel {

class ExecArgs {
 public:
  /// `limit_bytes`: for strings and the vectors of pointers together. E2BIG beyond it.
  explicit ExecArgs(u64 limit_bytes) : limit_bytes_(limit_bytes) {}

  /// The NULL-terminated vectors at user addresses; a null `argv` stands for one empty string. EFAULT, E2BIG,
  /// ENOMEM.
  KResult<void> read_user(VirtAddr argv, VirtAddr envp);
  KResult<void> add_arg(StringView text);
  /// After all arguments.
  KResult<void> add_env(StringView text);

  /// `#!`: the first argument gives way to the script's path, after interpreter and its option (may be
  /// empty).
  KResult<void> insert_interpreter(StringView interpreter, StringView option, StringView script);

  usize arg_count() const { return prefix_.size() + arg_count_ - dropped_; }
  usize env_count() const { return env_count_; }
  /// Every string in order with its NUL; at most three pieces in front of the rest.
  template <class Fn>
  KResult<void> for_each_piece(Fn fn) const {
    for (const String& text : prefix_) {
      TRY(fn(ConstByteSpan(reinterpret_cast<const u8*>(text.c_str()), text.size() + 1)));
    }
    return fn(as_bytes(rest()));
  }
  usize total_bytes() const;
  /// The bytes of the argument strings alone.
  usize arg_bytes() const;

 private:
  KResult<usize> read_user_vector(VirtAddr vector);
  KResult<void> read_user_string(VirtAddr text);
  KResult<void> add(StringView text);
  KResult<void> check_size() const;
  StringView rest() const {
    return StringView(strings_.data(), strings_.size()).substr(first_bytes_dropped_);
  }

  u64 limit_bytes_;
  Vector<String> prefix_;
  Vector<char> strings_;
  usize arg_count_ = 0;
  usize env_count_ = 0;
  usize args_end_ = 0;  // in strings_
  usize dropped_ = 0;   // arguments
  usize first_bytes_dropped_ = 0;
};

}  // namespace kernel
