// Formatting of system calls; see quire/strace.h. What is shown follows strace(1)'s habits.
#include "quire/strace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "emu/launch/strace_flags.h"
#include "quire/address_space.h"
#include "quire/arch/linux/syscalls.h"
#include "quire/trace_names.h"

namespace quire {
namespace {

using arch::SyscallArg;
using arch::VirtAddr;

constexpr std::size_t kShownBytes = 32;
constexpr std::size_t kShownPathBytes = 4096;
constexpr std::size_t kShownVector = 8;
constexpr unsigned kCsrSatp = 0x180;

std::span<const SyscallArg> argument_kinds(std::uint64_t number) {
  switch (number) {
#define QUIRE_SYSCALL_KINDS(nr, name, ...)                                                               \
  case nr: {                                                                                             \
    using enum SyscallArg;                                                                               \
    static constexpr SyscallArg kKinds[] = {SyscallArg::k_none __VA_OPT__(, ) QUIRE_KINDS(__VA_ARGS__)}; \
    return std::span(kKinds).subspan(1);                                                                 \
  }
#define QUIRE_SYSCALL(...) QUIRE_SYSCALL_KINDS(__VA_ARGS__)
#define QUIRE_SYSCALL_KNOWN(...) QUIRE_SYSCALL_KINDS(__VA_ARGS__)
// Puts k_ before each of up to six kinds.
#define QUIRE_KINDS(...) __VA_OPT__(QUIRE_KINDS_1(__VA_ARGS__))
#define QUIRE_KINDS_1(a, ...) k_##a __VA_OPT__(, QUIRE_KINDS_2(__VA_ARGS__))
#define QUIRE_KINDS_2(a, ...) k_##a __VA_OPT__(, QUIRE_KINDS_3(__VA_ARGS__))
#define QUIRE_KINDS_3(a, ...) k_##a __VA_OPT__(, QUIRE_KINDS_4(__VA_ARGS__))
#define QUIRE_KINDS_4(a, ...) k_##a __VA_OPT__(, QUIRE_KINDS_5(__VA_ARGS__))
#define QUIRE_KINDS_5(a, ...) k_##a __VA_OPT__(, QUIRE_KINDS_6(__VA_ARGS__))
#define QUIRE_KINDS_6(a) k_##a
#include "quire/arch/linux/syscalls.inc"
#undef QUIRE_SYSCALL
#undef QUIRE_SYSCALL_KNOWN
    default: {
      // A number without a name: every register may matter.
      static constexpr std::array<SyscallArg, arch::kSyscallArgs> kUnknown = {
          SyscallArg::k_hex, SyscallArg::k_hex, SyscallArg::k_hex,
          SyscallArg::k_hex, SyscallArg::k_hex, SyscallArg::k_hex};
      return kUnknown;
    }
  }
}

std::string quoted(std::string_view bytes, bool cut) {
  std::string text = "\"";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    switch (byte) {
      case '\n':
        text += "\\n";
        continue;
      case '\t':
        text += "\\t";
        continue;
      case '\r':
        text += "\\r";
        continue;
      case '"':
        text += "\\\"";
        continue;
      case '\\':
        text += "\\\\";
        continue;
      default:
        break;
    }
    if (byte >= 0x20 && byte < 0x7f) {
      text += static_cast<char>(byte);
    } else {
      // A digit that follows would be read as part of a short octal escape.
      const bool digit_next = i + 1 < bytes.size() && bytes[i + 1] >= '0' && bytes[i + 1] <= '9';
      text += digit_next ? fmt::format("\\{:03o}", byte) : fmt::format("\\{:o}", byte);
    }
  }
  return text.append(cut ? "\"..." : "\"");
}

std::string pointer(std::uint64_t value) { return value == 0 ? "NULL" : fmt::format("{:#x}", value); }

/// Shows the arguments of one call; memory that cannot be read is shown by its address.
class ArgumentFormatter {
 public:
  ArgumentFormatter(Machine& machine, std::uint64_t satp, const std::array<std::uint64_t, 6>& args)
      : machine_(machine), satp_(satp), args_(args) {}

  /// `result` is absent on entry: what the kernel fills is then shown by its address.
  std::string format(std::size_t index, SyscallArg kind, std::optional<std::int64_t> result) const {
    const std::uint64_t value = args_[index];
    const std::uint64_t next = index + 1 < args_.size() ? args_[index + 1] : 0;
    const bool filled = result && *result >= 0;
    switch (kind) {
      case SyscallArg::k_none:
        return {};
      case SyscallArg::k_int:
      case SyscallArg::k_fd:
      case SyscallArg::k_pid:
      case SyscallArg::k_uid:
      case SyscallArg::k_gid:
        return fmt::format("{}", static_cast<std::int32_t>(value));
      case SyscallArg::k_uint:
        return fmt::format("{}", static_cast<std::uint32_t>(value));
      case SyscallArg::k_size:
        return fmt::format("{}", value);
      case SyscallArg::k_offset:
        return fmt::format("{}", static_cast<std::int64_t>(value));
      case SyscallArg::k_hex:
        return fmt::format("{:#x}", value);
      case SyscallArg::k_ptr:
        return pointer(value);
      case SyscallArg::k_dirfd:
        return static_cast<std::int32_t>(value) == -100 ? "AT_FDCWD"
                                                        : fmt::format("{}", static_cast<std::int32_t>(value));
      case SyscallArg::k_path:
        return string(value, kShownPathBytes);
      case SyscallArg::k_str:
        return string(value, kShownBytes);
      case SyscallArg::k_buf_in:
        return buffer(value, next);
      case SyscallArg::k_buf_out:
        return filled ? buffer(value, std::min<std::uint64_t>(static_cast<std::uint64_t>(*result), next))
                      : pointer(value);
      case SyscallArg::k_iovec_in:
        return iovec(value, next, SIZE_MAX);
      case SyscallArg::k_iovec_out:
        return filled ? iovec(value, next, static_cast<std::uint64_t>(*result)) : pointer(value);
      case SyscallArg::k_argv:
        return argv(value);
      case SyscallArg::k_fd_pair_out:
        return filled ? numbers<std::int32_t>(value, 2, "[{}, {}]") : pointer(value);
      case SyscallArg::k_pollfds:
        return pointer(value);
      case SyscallArg::k_sigset:
        return sigset(value);
      case SyscallArg::k_timespec:
        return numbers<std::int64_t>(value, 2, "{{tv_sec={}, tv_nsec={}}}");
      case SyscallArg::k_wait_status_out:
        return filled && *result > 0 ? wait_status(value) : pointer(value);
      case SyscallArg::k_mode:
        return fmt::format("{:#o}", static_cast<std::uint32_t>(value));
      case SyscallArg::k_signal: {
        const std::string_view name = signal_name(static_cast<std::int32_t>(value));
        return name.empty() ? fmt::format("{}", static_cast<std::int32_t>(value)) : std::string(name);
      }
      default:
        return format_flags(kind, value);
    }
  }

 private:
  bool read(std::uint64_t va, std::span<std::uint8_t> out) const {
    return va != 0 && !read_virtual(machine_, satp_, VirtAddr(va), out);
  }

  std::string string(std::uint64_t va, std::size_t limit) const {
    const auto found = va == 0 ? std::nullopt : read_string(machine_, satp_, VirtAddr(va), limit);
    return found ? quoted(found->text, found->cut) : pointer(va);
  }

  std::string buffer(std::uint64_t va, std::uint64_t size) const {
    std::vector<std::uint8_t> bytes(std::min<std::uint64_t>(size, kShownBytes));
    if (!bytes.empty() && !read(va, bytes)) {
      return pointer(va);
    }
    return quoted({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, size > bytes.size());
  }

  std::string iovec(std::uint64_t va, std::uint64_t count, std::uint64_t total) const {
    std::string text = "[";
    const std::uint64_t shown = std::min<std::uint64_t>(count, kShownVector);
    for (std::uint64_t i = 0; i < shown; ++i) {
      std::uint64_t entry[2];  // struct iovec: base, length
      if (!read(va + i * sizeof entry, {reinterpret_cast<std::uint8_t*>(entry), sizeof entry})) {
        return pointer(va);
      }
      const std::uint64_t used = std::min(entry[1], total);
      total -= used;
      text +=
          fmt::format("{}{{iov_base={}, iov_len={}}}", i == 0 ? "" : ", ", buffer(entry[0], used), entry[1]);
    }
    return text.append(shown < count ? ", ...]" : "]");
  }

  std::string argv(std::uint64_t va) const {
    std::string text = "[";
    for (std::size_t i = 0;; ++i) {
      std::uint64_t element = 0;
      if (!read(va + i * sizeof element, {reinterpret_cast<std::uint8_t*>(&element), sizeof element})) {
        return pointer(va);
      }
      if (element == 0) {
        return text.append("]");
      }
      if (i == kShownVector) {
        return text.append(", ...]");
      }
      text += i == 0 ? "" : ", ";
      text += string(element, kShownBytes);
    }
  }

  template <class T>
  std::string numbers(std::uint64_t va, std::size_t count, const char* pattern) const {
    T values[2] = {};
    if (count > 2 || !read(va, {reinterpret_cast<std::uint8_t*>(values), sizeof values})) {
      return pointer(va);
    }
    return fmt::format(fmt::runtime(pattern), values[0], values[1]);
  }

  std::string sigset(std::uint64_t va) const {
    std::uint64_t set = 0;
    if (!read(va, {reinterpret_cast<std::uint8_t*>(&set), sizeof set})) {
      return pointer(va);
    }
    if (set == ~std::uint64_t{0}) {
      return "~[]";
    }
    std::string text = "[";
    for (int signo = 1; signo <= 64; ++signo) {
      if (((set >> (signo - 1)) & 1) != 0) {
        const std::string_view name = signal_name(signo);
        text += text.size() == 1 ? "" : " ";
        text += name.empty() ? fmt::format("RT_{}", signo - 32) : std::string(name.substr(3));
      }
    }
    return text.append("]");
  }

  std::string wait_status(std::uint64_t va) const {
    std::int32_t status = 0;
    if (!read(va, {reinterpret_cast<std::uint8_t*>(&status), sizeof status})) {
      return pointer(va);
    }
    if ((status & 0x7f) == 0) {
      return fmt::format("[{{WIFEXITED && WEXITSTATUS == {}}}]", (status >> 8) & 0xff);
    }
    if ((status & 0xff) == 0x7f) {
      return fmt::format("[{{WIFSTOPPED && WSTOPSIG == {}}}]", signal_name((status >> 8) & 0xff));
    }
    return fmt::format("[{{WIFSIGNALED && WTERMSIG == {}}}]", signal_name(status & 0x7f));
  }

  Machine& machine_;
  std::uint64_t satp_;
  const std::array<std::uint64_t, 6>& args_;
};

/// pipe2 and dup3 take O_ flags that say nothing of reading or writing, which 0 would mean to open.
std::string without_access_mode(std::string flags) {
  constexpr std::string_view kMode = "O_RDONLY";
  if (flags.starts_with(kMode)) {
    flags.erase(0, std::min(flags.size(), kMode.size() + 1));
  }
  return flags.empty() ? "0" : flags;
}

std::string format_arguments(Machine& machine, std::uint64_t satp, std::uint64_t number,
                             const std::array<std::uint64_t, 6>& args, std::optional<std::int64_t> result) {
  const ArgumentFormatter formatter(machine, satp, args);
  constexpr std::uint64_t kMakesFile = 0x40 | 0x400000;  // O_CREAT, the flag behind O_TMPFILE
  std::string text;
  std::size_t index = 0;
  SyscallArg previous = SyscallArg::k_none;
  for (const SyscallArg kind : argument_kinds(number)) {
    if (kind == SyscallArg::k_mode && previous == SyscallArg::k_open_flags &&
        (args[index - 1] & kMakesFile) == 0) {
      break;  // the caller left it out, and the register holds anything
    }
    text += index == 0 ? "" : ", ";
    if (kind == SyscallArg::k_open_flags && previous != SyscallArg::k_path) {
      text += without_access_mode(formatter.format(index, kind, result));
    } else {
      text += formatter.format(index, kind, result);
    }
    previous = kind;
    ++index;
  }
  return text;
}

std::string call_name(std::uint64_t number) {
  const std::string_view name = syscall_name(number);
  return name.empty() ? fmt::format("syscall_{:#x}", number) : std::string(name);
}

bool returns_address(std::uint64_t number) {
  const auto call = static_cast<arch::Syscall>(number);
  return call == arch::Syscall::k_mmap || call == arch::Syscall::k_mremap || call == arch::Syscall::k_brk ||
         call == arch::Syscall::k_shmat;
}

std::string format_result(std::uint64_t number, std::int64_t result) {
  if (result < 0 && result >= -4095) {
    const std::string_view name = errno_name(-result);
    return name.empty() ? fmt::format("-1 (error {})", -result)
                        : fmt::format("-1 {} ({})", name, errno_text(-result));
  }
  return returns_address(number) ? fmt::format("{:#x}", static_cast<std::uint64_t>(result))
                                 : fmt::format("{}", result);
}

}  // namespace

void Strace::on_event(const TraceEvent& event) {
  const int pid = static_cast<int>(event.args[0]);
  switch (event.id) {
    case arch::TraceEventId::k_syscall_enter:
      enter(pid, event);
      break;
    case arch::TraceEventId::k_syscall_exit:
      leave(pid, static_cast<std::int64_t>(event.args[2]));
      break;
    case arch::TraceEventId::k_signal:
      lines_(fmt::format("[pid {}] --- {} {{si_code={}, si_addr={}}} ---\n", pid,
                         signal_name(static_cast<std::int64_t>(event.args[1])),
                         static_cast<std::int32_t>(event.args[2]), pointer(event.args[3])));
      break;
    case arch::TraceEventId::k_exit: {
      unfinished(pid, "?");
      const auto status = static_cast<std::int32_t>(event.args[1]);
      if ((status & 0x7f) == 0) {
        lines_(fmt::format("[pid {}] +++ exited with {} +++\n", pid, (status >> 8) & 0xff));
      } else {
        lines_(fmt::format("[pid {}] +++ killed by {} +++\n", pid, signal_name(status & 0x7f)));
      }
      break;
    }
    default:
      break;
  }
}

void Strace::enter(int pid, const TraceEvent& event) {
  unfinished(pid, "?");
  // The caller runs, so its address space is the one in force.
  Pending call{event.args[1], {}, machine_.hart(event.hart).csr(kCsrSatp), {}};
  std::copy_n(event.args.begin() + 2, call.args.size(), call.args.begin());
  call.early = format_arguments(machine_, call.satp, call.number, call.args, std::nullopt);
  pending_[pid] = std::move(call);
  const auto name = static_cast<arch::Syscall>(event.args[1]);
  if (name == arch::Syscall::k_exit || name == arch::Syscall::k_exit_group) {
    unfinished(pid, "?");
  }
}

void Strace::leave(int pid, std::int64_t result) {
  const auto found = pending_.find(pid);
  if (found == pending_.end()) {
    return;  // a child's return from clone: its parent entered
  }
  const Pending call = std::move(found->second);
  pending_.erase(found);
  const auto name = static_cast<arch::Syscall>(call.number);
  const bool replaced = result >= 0 && (name == arch::Syscall::k_execve || name == arch::Syscall::k_execveat);
  const std::string arguments =
      replaced ? call.early : format_arguments(machine_, call.satp, call.number, call.args, result);
  lines_(fmt::format("[pid {}] {}({}) = {}\n", pid, call_name(call.number), arguments,
                     format_result(call.number, result)));
}

void Strace::unfinished(int pid, std::string_view outcome) {
  const auto found = pending_.find(pid);
  if (found != pending_.end()) {
    lines_(fmt::format("[pid {}] {}({}) = {}\n", pid, call_name(found->second.number), found->second.early,
                       outcome));
    pending_.erase(found);
  }
}

void Strace::finish() {
  while (!pending_.empty()) {
    unfinished(pending_.begin()->first, "? <unfinished>");
  }
}

}  // namespace quire
