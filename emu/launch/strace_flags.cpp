// Names of Linux riscv64's argument words (the generic ABI; section 2 of the man pages).
#include "emu/launch/strace_flags.h"

#include <fmt/format.h>

#include <span>
#include <string_view>

#include "quire/trace_names.h"

namespace quire {
namespace {

struct Name {
  std::uint64_t value;
  std::string_view text;
};

/// `text` for a field of several bits: (word & mask) == value.
struct FlagSet {
  std::uint64_t field_mask;     ///< bits that hold an enumeration, not single flags
  std::span<const Name> field;  ///< names of that enumeration
  std::span<const Name> flags;
};

constexpr Name kProt[] = {{1, "PROT_READ"},
                          {2, "PROT_WRITE"},
                          {4, "PROT_EXEC"},
                          {0x01000000, "PROT_GROWSDOWN"},
                          {0x02000000, "PROT_GROWSUP"}};
constexpr Name kProtNone[] = {{0, "PROT_NONE"}};
constexpr Name kMapType[] = {{1, "MAP_SHARED"}, {2, "MAP_PRIVATE"}, {3, "MAP_SHARED_VALIDATE"}};
constexpr Name kMap[] = {{0x10, "MAP_FIXED"},
                         {0x20, "MAP_ANONYMOUS"},
                         {0x100, "MAP_GROWSDOWN"},
                         {0x800, "MAP_DENYWRITE"},
                         {0x1000, "MAP_EXECUTABLE"},
                         {0x2000, "MAP_LOCKED"},
                         {0x4000, "MAP_NORESERVE"},
                         {0x8000, "MAP_POPULATE"},
                         {0x10000, "MAP_NONBLOCK"},
                         {0x20000, "MAP_STACK"},
                         {0x40000, "MAP_HUGETLB"},
                         {0x80000, "MAP_SYNC"},
                         {0x100000, "MAP_FIXED_NOREPLACE"}};
constexpr Name kMremap[] = {{1, "MREMAP_MAYMOVE"}, {2, "MREMAP_FIXED"}, {4, "MREMAP_DONTUNMAP"}};
constexpr Name kMsync[] = {{1, "MS_ASYNC"}, {2, "MS_INVALIDATE"}, {4, "MS_SYNC"}};
constexpr Name kOpenMode[] = {{0, "O_RDONLY"}, {1, "O_WRONLY"}, {2, "O_RDWR"}};
constexpr Name kOpen[] = {
    {0x40, "O_CREAT"},       {0x80, "O_EXCL"},        {0x100, "O_NOCTTY"},     {0x200, "O_TRUNC"},
    {0x400, "O_APPEND"},     {0x800, "O_NONBLOCK"},   {0x101000, "O_SYNC"},    {0x1000, "O_DSYNC"},
    {0x4000, "O_DIRECT"},    {0x8000, "O_LARGEFILE"}, {0x410000, "O_TMPFILE"}, {0x10000, "O_DIRECTORY"},
    {0x20000, "O_NOFOLLOW"}, {0x40000, "O_NOATIME"},  {0x80000, "O_CLOEXEC"},  {0x200000, "O_PATH"}};
constexpr Name kAt[] = {{0x100, "AT_SYMLINK_NOFOLLOW"},
                        {0x200, "AT_REMOVEDIR"},
                        {0x400, "AT_SYMLINK_FOLLOW"},
                        {0x800, "AT_NO_AUTOMOUNT"},
                        {0x1000, "AT_EMPTY_PATH"}};
constexpr Name kAccess[] = {{4, "R_OK"}, {2, "W_OK"}, {1, "X_OK"}};
constexpr Name kAccessNone[] = {{0, "F_OK"}};
constexpr Name kClone[] = {{0x100, "CLONE_VM"},
                           {0x200, "CLONE_FS"},
                           {0x400, "CLONE_FILES"},
                           {0x800, "CLONE_SIGHAND"},
                           {0x1000, "CLONE_PIDFD"},
                           {0x2000, "CLONE_PTRACE"},
                           {0x4000, "CLONE_VFORK"},
                           {0x8000, "CLONE_PARENT"},
                           {0x10000, "CLONE_THREAD"},
                           {0x20000, "CLONE_NEWNS"},
                           {0x40000, "CLONE_SYSVSEM"},
                           {0x80000, "CLONE_SETTLS"},
                           {0x100000, "CLONE_PARENT_SETTID"},
                           {0x200000, "CLONE_CHILD_CLEARTID"},
                           {0x400000, "CLONE_DETACHED"},
                           {0x800000, "CLONE_UNTRACED"},
                           {0x1000000, "CLONE_CHILD_SETTID"}};
constexpr Name kWait[] = {{1, "WNOHANG"},         {2, "WUNTRACED"},        {4, "WEXITED"},
                          {8, "WCONTINUED"},      {0x1000000, "WNOWAIT"},  {0x20000000, "__WNOTHREAD"},
                          {0x40000000, "__WALL"}, {0x80000000, "__WCLONE"}};
constexpr Name kFutexOp[] = {{0, "FUTEX_WAIT"},
                             {1, "FUTEX_WAKE"},
                             {3, "FUTEX_REQUEUE"},
                             {4, "FUTEX_CMP_REQUEUE"},
                             {5, "FUTEX_WAKE_OP"},
                             {6, "FUTEX_LOCK_PI"},
                             {7, "FUTEX_UNLOCK_PI"},
                             {8, "FUTEX_TRYLOCK_PI"},
                             {9, "FUTEX_WAIT_BITSET"},
                             {10, "FUTEX_WAKE_BITSET"},
                             {11, "FUTEX_WAIT_REQUEUE_PI"},
                             {12, "FUTEX_CMP_REQUEUE_PI"}};
constexpr Name kFutexFlags[] = {{128, "FUTEX_PRIVATE_FLAG"}, {256, "FUTEX_CLOCK_REALTIME"}};
constexpr Name kSigHow[] = {{0, "SIG_BLOCK"}, {1, "SIG_UNBLOCK"}, {2, "SIG_SETMASK"}};
constexpr Name kClock[] = {{0, "CLOCK_REALTIME"},           {1, "CLOCK_MONOTONIC"},
                           {2, "CLOCK_PROCESS_CPUTIME_ID"}, {3, "CLOCK_THREAD_CPUTIME_ID"},
                           {4, "CLOCK_MONOTONIC_RAW"},      {5, "CLOCK_REALTIME_COARSE"},
                           {6, "CLOCK_MONOTONIC_COARSE"},   {7, "CLOCK_BOOTTIME"}};
constexpr Name kResource[] = {
    {0, "RLIMIT_CPU"},       {1, "RLIMIT_FSIZE"}, {2, "RLIMIT_DATA"},    {3, "RLIMIT_STACK"},
    {4, "RLIMIT_CORE"},      {5, "RLIMIT_RSS"},   {6, "RLIMIT_NPROC"},   {7, "RLIMIT_NOFILE"},
    {8, "RLIMIT_MEMLOCK"},   {9, "RLIMIT_AS"},    {10, "RLIMIT_LOCKS"},  {11, "RLIMIT_SIGPENDING"},
    {12, "RLIMIT_MSGQUEUE"}, {13, "RLIMIT_NICE"}, {14, "RLIMIT_RTPRIO"}, {15, "RLIMIT_RTTIME"}};
constexpr Name kWhence[] = {
    {0, "SEEK_SET"}, {1, "SEEK_CUR"}, {2, "SEEK_END"}, {3, "SEEK_DATA"}, {4, "SEEK_HOLE"}};
constexpr Name kAdvice[] = {{0, "MADV_NORMAL"},      {1, "MADV_RANDOM"},         {2, "MADV_SEQUENTIAL"},
                            {3, "MADV_WILLNEED"},    {4, "MADV_DONTNEED"},       {8, "MADV_FREE"},
                            {9, "MADV_REMOVE"},      {10, "MADV_DONTFORK"},      {11, "MADV_DOFORK"},
                            {12, "MADV_MERGEABLE"},  {13, "MADV_UNMERGEABLE"},   {14, "MADV_HUGEPAGE"},
                            {15, "MADV_NOHUGEPAGE"}, {16, "MADV_DONTDUMP"},      {17, "MADV_DODUMP"},
                            {18, "MADV_WIPEONFORK"}, {19, "MADV_KEEPONFORK"},    {20, "MADV_COLD"},
                            {21, "MADV_PAGEOUT"},    {22, "MADV_POPULATE_READ"}, {23, "MADV_POPULATE_WRITE"}};
constexpr Name kFcntl[] = {{0, "F_DUPFD"},         {1, "F_GETFD"},
                           {2, "F_SETFD"},         {3, "F_GETFL"},
                           {4, "F_SETFL"},         {5, "F_GETLK"},
                           {6, "F_SETLK"},         {7, "F_SETLKW"},
                           {8, "F_SETOWN"},        {9, "F_GETOWN"},
                           {36, "F_OFD_GETLK"},    {37, "F_OFD_SETLK"},
                           {38, "F_OFD_SETLKW"},   {1030, "F_DUPFD_CLOEXEC"},
                           {1031, "F_SETPIPE_SZ"}, {1032, "F_GETPIPE_SZ"},
                           {1033, "F_ADD_SEALS"},  {1034, "F_GET_SEALS"}};
constexpr Name kIoctl[] = {{0x5401, "TCGETS"},       {0x5402, "TCSETS"},         {0x5403, "TCSETSW"},
                           {0x5404, "TCSETSF"},      {0x540f, "TIOCGPGRP"},      {0x5410, "TIOCSPGRP"},
                           {0x5413, "TIOCGWINSZ"},   {0x5414, "TIOCSWINSZ"},     {0x541b, "FIONREAD"},
                           {0x5421, "FIONBIO"},      {0x5450, "FIONCLEX"},       {0x5451, "FIOCLEX"},
                           {0x540e, "TIOCSCTTY"},    {0x5422, "TIOCNOTTY"},      {0x5429, "TIOCGSID"},
                           {0x80045430, "TIOCGPTN"}, {0x40045431, "TIOCSPTLCK"}, {0x40049409, "FICLONE"}};
constexpr Name kPrctl[] = {
    {1, "PR_SET_PDEATHSIG"},        {2, "PR_GET_PDEATHSIG"},     {3, "PR_GET_DUMPABLE"},
    {4, "PR_SET_DUMPABLE"},         {15, "PR_SET_NAME"},         {16, "PR_GET_NAME"},
    {23, "PR_CAPBSET_READ"},        {24, "PR_CAPBSET_DROP"},     {29, "PR_SET_TIMERSLACK"},
    {36, "PR_SET_CHILD_SUBREAPER"}, {38, "PR_SET_NO_NEW_PRIVS"}, {39, "PR_GET_NO_NEW_PRIVS"},
    {41, "PR_SET_THP_DISABLE"},     {42, "PR_GET_THP_DISABLE"},  {0x53564d41, "PR_SET_VMA"}};
constexpr std::uint64_t kAllBits = ~std::uint64_t{0};
constexpr std::uint64_t kNoField = 0;

FlagSet flag_set(arch::SyscallArg kind) {
  using enum arch::SyscallArg;
  switch (kind) {
    case k_prot:
      return {kNoField, kProtNone, kProt};
    case k_map_flags:
      return {0xf, kMapType, kMap};
    case k_mremap_flags:
      return {kNoField, {}, kMremap};
    case k_msync_flags:
      return {kNoField, {}, kMsync};
    case k_open_flags:
      return {3, kOpenMode, kOpen};
    case k_at_flags:
      return {kNoField, {}, kAt};
    case k_access_mode:
      return {kNoField, kAccessNone, kAccess};
    case k_wait_options:
      return {kNoField, {}, kWait};
    case k_futex_op:
      return {0x7f, kFutexOp, kFutexFlags};
    case k_sig_how:
      return {kAllBits, kSigHow, {}};
    case k_clock:
      return {kAllBits, kClock, {}};
    case k_resource:
      return {kAllBits, kResource, {}};
    case k_whence:
      return {kAllBits, kWhence, {}};
    case k_advice:
      return {kAllBits, kAdvice, {}};
    case k_fcntl_cmd:
      return {kAllBits, kFcntl, {}};
    case k_ioctl_cmd:
      return {kAllBits, kIoctl, {}};
    case k_prctl_op:
      return {kAllBits, kPrctl, {}};
    default:
      return {kNoField, {}, {}};
  }
}

void append(std::string& text, std::string_view part) {
  if (!text.empty()) {
    text += '|';
  }
  text += part;
}

/// The low byte of clone's flags is the signal that tells the parent of the child's end.
std::string format_clone(std::uint64_t value) {
  std::string text;
  std::uint64_t rest = value & ~std::uint64_t{0xff};
  for (const Name& name : kClone) {
    if ((rest & name.value) != 0) {
      append(text, name.text);
      rest &= ~name.value;
    }
  }
  if (rest != 0) {
    append(text, fmt::format("{:#x}", rest));
  }
  if ((value & 0xff) != 0) {
    const std::string_view signal = signal_name(static_cast<std::int64_t>(value & 0xff));
    append(text, signal.empty() ? fmt::format("{}", value & 0xff) : std::string(signal));
  }
  return text.empty() ? "0" : text;
}

}  // namespace

std::string format_flags(arch::SyscallArg kind, std::uint64_t value) {
  if (kind == arch::SyscallArg::k_clone_flags) {
    return format_clone(value);
  }
  const FlagSet set = flag_set(kind);
  // Every word in question is an int of C: the upper half of the register carries nothing.
  std::uint64_t rest = static_cast<std::uint32_t>(value);
  std::string text;
  const std::uint64_t field = rest & set.field_mask;
  for (const Name& name : set.field) {
    if (name.value == field && (set.field_mask != kNoField || rest == 0)) {
      append(text, name.text);
      rest &= ~set.field_mask;
      break;
    }
  }
  for (const Name& name : set.flags) {
    if ((rest & name.value) == name.value) {
      append(text, name.text);
      rest &= ~name.value;
    }
  }
  if (rest != 0) {
    append(text, fmt::format("{:#x}", rest));
  }
  return text.empty() ? "0" : text;
}

}  // namespace quire
