#include "guest/proc/exec_args.h"

#include <initializer_list>

#include "guest/hal/user_access.h"

namespace kernel {

namespace {

/// execve(2), "Limits on size of arguments and environment".
constexpr usize kMaxStringBytes = 128 * 1024;
constexpr usize kChunkBytes = 1024;

}  // namespace

KResult<void> ExecArgs::check_size() const {
  const u64 pointers = (arg_count_ + env_count_ + prefix_.size()) * sizeof(u64);
  return total_bytes() + pointers <= limit_bytes_ ? KResult<void>() : KResult<void>(Err(Errno::kE2BIG));
}

KResult<void> ExecArgs::add(StringView text) {
  if (text.size() >= kMaxStringBytes) {
    return Err(Errno::kE2BIG);
  }
  TRY(strings_.append(Span<const char>(text.data(), text.size())));
  return strings_.push('\0');
}

KResult<void> ExecArgs::add_arg(StringView text) {
  TRY(add(text));
  arg_count_++;
  args_end_ = strings_.size();
  return check_size();
}

KResult<void> ExecArgs::add_env(StringView text) {
  TRY(add(text));
  env_count_++;
  return check_size();
}

KResult<void> ExecArgs::read_user_string(VirtAddr text) {
  usize bytes = 0;
  for (;;) {
    char chunk[kChunkBytes];
    const usize length = TRY(strncpy_from_user(chunk, text + bytes, kChunkBytes));
    TRY(strings_.append(Span<const char>(chunk, length)));
    bytes += length;
    if (bytes >= kMaxStringBytes) {
      return Err(Errno::kE2BIG);
    }
    TRY(check_size());
    if (length < kChunkBytes) {
      return strings_.push('\0');
    }
  }
}

KResult<usize> ExecArgs::read_user_vector(VirtAddr vector) {
  usize count = 0;
  for (;; count++) {
    const u64 text = TRY(get_user<u64>(vector + count * sizeof(u64)));
    if (text == 0) {
      return count;
    }
    if (count * sizeof(u64) > limit_bytes_) {
      return Err(Errno::kE2BIG);
    }
    TRY(read_user_string(VirtAddr(text)));
  }
}

KResult<void> ExecArgs::read_user(VirtAddr argv, VirtAddr envp) {
  if (argv.value != 0) {
    arg_count_ = TRY(read_user_vector(argv));
  }
  if (arg_count_ == 0) {
    // Programs count on argv[0]; Linux gives them an empty one since 5.18.
    TRY(add(StringView()));
    arg_count_ = 1;
  }
  args_end_ = strings_.size();
  if (envp.value != 0) {
    env_count_ = TRY(read_user_vector(envp));
  }
  return check_size();
}

KResult<void> ExecArgs::insert_interpreter(StringView interpreter, StringView option, StringView script) {
  Vector<String> prefix;
  for (const StringView text : {interpreter, option, script}) {
    if (!text.empty()) {
      String copy = TRY(String::from(text));
      TRY(prefix.push(std::move(copy)));
    }
  }
  // The old first argument is dropped, wherever it stands.
  for (usize i = 1; i < prefix_.size(); i++) {
    TRY(prefix.push(std::move(prefix_[i])));
  }
  if (prefix_.empty() && arg_count_ > 0) {
    dropped_ = 1;
    first_bytes_dropped_ = StringView(strings_.data(), strings_.size()).find('\0') + 1;
  }
  prefix_ = std::move(prefix);
  return check_size();
}

usize ExecArgs::total_bytes() const {
  usize bytes = strings_.size() - first_bytes_dropped_;
  for (const String& text : prefix_) {
    bytes += text.size() + 1;
  }
  return bytes;
}

usize ExecArgs::arg_bytes() const { return total_bytes() - (strings_.size() - args_end_); }

}  // namespace kernel
