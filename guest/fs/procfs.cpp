#include "guest/fs/procfs.h"

#include <algorithm>

#include "guest/fs/file_locks.h"
#include "guest/fs/path.h"
#include "guest/lib/parse.h"

namespace kernel {

namespace {

/// Everything registered; the order of registration is the order of listing.
struct Registry {
  Vector<const ProcFile*> files;
  Vector<const ProcFile*> pid_files;
  Vector<const ProcLink*> pid_links;
  ProcProcesses processes;
};
Registry& registry() {
  static Registry all;
  return all;
}
const ProcProcesses& processes() { return registry().processes; }

/// Positions in the root directory: fixed entries first, then processes by pid.
constexpr u64 kFirstPidPosition = 1 << 16;

std::optional<u32> parse_id(StringView name) {
  // No leading zeroes: a process has one name.
  const auto value = parse_number(name);
  if (!value || *value == 0 || *value > 0x7fff'ffff || name.front() == '0') {
    return std::nullopt;
  }
  return static_cast<u32>(*value);
}

class ProcFs final : public FileSystem {
 public:
  StringView type() const override { return "proc"; }
  RefPtr<Inode> root() override { return root_; }
  void set_root(RefPtr<Inode> root) { root_ = std::move(root); }
  StatFs stat() const override {
    StatFs stat{};
    stat.type = kProcMagic;
    stat.bsize = stat.frsize = kPageBytes;
    stat.namelen = kNameMax;
    return stat;
  }

 private:
  RefPtr<Inode> root_;
};

bool process_is_there(const ProcContext& context) {
  if (context.pid == 0) {
    return true;
  }
  if (context.tid == 0) {
    return processes().exists != nullptr && processes().exists(context.pid);
  }
  return processes().has_thread != nullptr && processes().has_thread(context.pid, context.tid);
}

/// Base of everything in procfs: belongs to a process, or to none at the top level.
class ProcInode : public Inode {
 public:
  ProcInode(FileSystem& fs, u32 mode, const ProcContext& context) : Inode(fs, mode, 0, 0), context_(context) {
    if (context.pid != 0 && processes().owner != nullptr) {
      u32 uid = 0;
      u32 gid = 0;
      processes().owner(context.pid, uid, gid);
      (void)set_owner(uid, gid);
    }
  }
  bool is_current() const override { return process_is_there(context_); }
  KResult<void> set_mode(u32) override { return Err(Errno::kEPERM); }
  const ProcContext& context() const { return context_; }

 private:
  const ProcContext context_;
};

// --- files ---

class TextState final : public FileState {
 public:
  String text;
};

class TextInode final : public ProcInode {
 public:
  TextInode(FileSystem& fs, const ProcFile& file, const ProcContext& context)
      : ProcInode(fs, kModeRegular | file.mode, context), file_(file) {}
  KResult<FileOperations*> operations() override;
  /// O_TRUNC by a shell's redirection is harmless.
  KResult<void> resize(u64) override { return {}; }
  const ProcFile& file() const { return file_; }

 private:
  const ProcFile& file_;
};

class TextOperations final : public FileOperations {
 public:
  KResult<void> open(File& file) override {
    file.set_state(TRY(try_make<TextState>()));
    return {};
  }

  KResult<usize> read(File& file, u64 position, IoBuffer& buffer) override {
    const auto& inode = static_cast<const TextInode&>(file.inode());
    if (!inode.is_current()) {
      return Err(Errno::kESRCH);
    }
    if (inode.file().read != nullptr) {
      return inode.file().read(inode.context(), position, buffer);
    }
    if (inode.file().generate == nullptr) {
      return Err(Errno::kEINVAL);
    }
    String& text = file.state<TextState>()->text;
    if (position == 0 || text.empty()) {
      String fresh;
      StringSink sink(fresh);
      TRY(inode.file().generate(inode.context(), sink));
      TRY(sink.finish());
      text = std::move(fresh);
    }
    if (position < text.size()) {
      buffer.put(text.c_str() + position, text.size() - position);
    }
    return buffer.result();
  }

  KResult<usize> write(File& file, u64 position, IoBuffer& buffer) override {
    const auto& inode = static_cast<const TextInode&>(file.inode());
    if (!inode.is_current()) {
      return Err(Errno::kESRCH);
    }
    if (inode.file().write == nullptr) {
      return Err(Errno::kEINVAL);
    }
    return inode.file().write(inode.context(), position, buffer);
  }

  /// Files that are read at a position may be as large as the address space.
  u64 end(File&) const override { return 0; }
};

KResult<FileOperations*> TextInode::operations() {
  static TextOperations operations;
  return &operations;
}

// --- links ---

/// self and thread-self: text that depends on who reads it.
class SelfLink final : public ProcInode {
 public:
  SelfLink(FileSystem& fs, bool thread) : ProcInode(fs, kModeSymlink | 0777, {}), thread_(thread) {}
  KResult<String> read_link() override {
    if (processes().self == nullptr || processes().self() == 0) {
      return Err(Errno::kENOENT);
    }
    String text;
    TRY(text.append_format("{}", processes().self()));
    if (thread_) {
      TRY(text.append_format("/task/{}", processes().self_thread()));
    }
    return text;
  }

 private:
  bool thread_;
};

/// Links that lead to a file itself; their text is only for show.
class FileLink final : public ProcInode {
 public:
  FileLink(FileSystem& fs, const ProcContext& context, const ProcLink& link)
      : ProcInode(fs, kModeSymlink | 0777, context), link_(&link) {}
  FileLink(FileSystem& fs, const ProcContext& context, i32 fd, u32 mode)
      : ProcInode(fs, kModeSymlink | mode, context), fd_(fd) {
    set_size(64);
  }

  bool is_magic_link() const override { return true; }
  bool is_current() const override { return ProcInode::is_current() && (fd_ < 0 || open_file().ok()); }
  KResult<Path> follow() override {
    if (fd_ < 0) {
      return link_->target(context());
    }
    const RefPtr<File> file = TRY(open_file());
    return Path(file->path());
  }
  KResult<String> read_link() override {
    const Path target = TRY(follow());
    return path_text(target, root_path());
  }

 private:
  KResult<RefPtr<File>> open_file() const { return processes().file(context().pid, fd_); }

  const ProcLink* link_ = nullptr;
  i32 fd_ = -1;
};

// --- directories ---

/// A part of the fixed tree: entries are the next components of the registered names that begin with
/// `prefix`.
class FixedDirectory : public ProcInode {
 public:
  FixedDirectory(FileSystem& fs, String prefix)
      : ProcInode(fs, kModeDirectory | 0555, {}), prefix_(std::move(prefix)) {}

  KResult<RefPtr<Inode>> lookup(StringView name) override {
    for (const ProcFile* const file : registry().files) {
      const StringView rest = rest_of(*file);
      if (rest == name) {
        return RefPtr<Inode>(TRY(try_make_ref<TextInode>(fs(), *file, ProcContext{})));
      }
      if (rest.size() > name.size() && rest.starts_with(name) && rest[name.size()] == '/') {
        String prefix = TRY(prefix_.clone());
        TRY(prefix.append_format("{}/", name));
        return RefPtr<Inode>(TRY(try_make_ref<FixedDirectory>(fs(), std::move(prefix))));
      }
    }
    return Err(Errno::kENOENT);
  }

  KResult<u64> read_directory(u64 position, DirectorySink& sink) override {
    for (; position < registry().files.size(); position++) {
      const StringView rest = rest_of(*registry().files[position]);
      const usize slash = rest.find('/');
      const StringView name = rest.substr(0, slash);
      if (name.empty() || seen_before(position, name)) {
        continue;
      }
      const u32 type = slash == StringView::npos ? kModeRegular : kModeDirectory;
      if (!sink.entry(name, position + 2, mode_to_dirent_type(type), position + 1)) {
        break;
      }
    }
    return position;
  }

 private:
  /// The registered name behind the prefix; empty when it lies elsewhere.
  StringView rest_of(const ProcFile& file) const {
    const StringView name = file.name;
    return name.starts_with(prefix_.view()) ? name.substr(prefix_.size()) : StringView();
  }
  bool seen_before(u64 position, StringView name) const {
    for (u64 i = 0; i < position; i++) {
      const StringView rest = rest_of(*registry().files[i]);
      if (rest.substr(0, rest.find('/')) == name) {
        return true;
      }
    }
    return false;
  }
  String prefix_;
};

void put_octal(FormatSink& out, u32 value) {
  char digits[12];
  usize at = sizeof(digits);
  do {
    digits[--at] = static_cast<char>('0' + (value & 7));
    value >>= 3;
  } while (value != 0);
  digits[--at] = '0';
  out.put(StringView(digits + at, sizeof(digits) - at));
}

/// proc_pid_fdinfo(5).
KResult<void> generate_fd_info(const ProcContext& context, FormatSink& out) {
  const RefPtr<File> file = TRY(processes().file(context.pid, context.fd));
  const bool closes = processes().closes_on_exec(context.pid, context.fd);
  format(out, "pos:\t{}\nflags:\t", file->position());
  put_octal(out, file->flags() | (closes ? u32{kOpenCloseOnExec} : 0));
  format(out, "\nmnt_id:\t{}\nino:\t{}\n", file->path().mount->id(), file->inode().number());
  return file->operations().show_info(*file, out);
}
constexpr ProcFile kFdInfo{"fdinfo", 0444, generate_fd_info};

/// /proc/PID/fd, a link for each open descriptor, and /proc/PID/fdinfo, a text for each.
class FdDirectory final : public ProcInode {
 public:
  enum class Shows : u8 { kLinks, kTexts };
  FdDirectory(FileSystem& fs, const ProcContext& context, Shows shows)
      : ProcInode(fs, kModeDirectory | (shows == Shows::kLinks ? 0500 : 0555), context), shows_(shows) {}

  KResult<RefPtr<Inode>> lookup(StringView name) override {
    const auto number = name == "0" ? std::optional<u32>(0) : parse_id(name);
    if (!number) {
      return Err(Errno::kENOENT);
    }
    const i32 fd = static_cast<i32>(*number);
    const auto file = processes().file(context().pid, fd);
    if (!file.ok()) {
      return Err(Errno::kENOENT);
    }
    if (shows_ == Shows::kTexts) {
      ProcContext of_file = context();
      of_file.fd = fd;
      return RefPtr<Inode>(TRY(try_make_ref<TextInode>(fs(), kFdInfo, of_file)));
    }
    const u32 mode = (file.value()->readable() ? 0500 : 0) | (file.value()->writable() ? 0300 : 0);
    return RefPtr<Inode>(TRY(try_make_ref<FileLink>(fs(), context(), fd, mode)));
  }

  KResult<u64> read_directory(u64 position, DirectorySink& sink) override {
    while (true) {
      const i32 fd = processes().next_file(context().pid, static_cast<i32>(position));
      if (fd < 0) {
        return position;
      }
      char text[16];
      const u64 next = static_cast<u64>(fd) + 1;
      const u32 type = shows_ == Shows::kLinks ? kModeSymlink : kModeRegular;
      if (!sink.entry(format_into(text, "{}", fd), number() + next, mode_to_dirent_type(type), next)) {
        return position;
      }
      position = next;
    }
  }

 private:
  Shows shows_;
};

class TaskDirectory;

/// /proc/PID, and /proc/PID/task/TID, which lacks `task`.
class PidDirectory final : public ProcInode {
 public:
  PidDirectory(FileSystem& fs, const ProcContext& context) : ProcInode(fs, kModeDirectory | 0555, context) {}

  KResult<RefPtr<Inode>> lookup(StringView name) override {
    if (!is_current()) {
      return Err(Errno::kENOENT);
    }
    if (name == "fd" || name == "fdinfo") {
      const auto shows = name == "fd" ? FdDirectory::Shows::kLinks : FdDirectory::Shows::kTexts;
      return RefPtr<Inode>(TRY(try_make_ref<FdDirectory>(fs(), context(), shows)));
    }
    if (name == "task" && context().tid == 0) {
      return make_task_directory();
    }
    for (const ProcFile* const file : registry().pid_files) {
      if (name == file->name) {
        return RefPtr<Inode>(TRY(try_make_ref<TextInode>(fs(), *file, context())));
      }
    }
    for (const ProcLink* const link : registry().pid_links) {
      if (name == link->name) {
        return RefPtr<Inode>(TRY(try_make_ref<FileLink>(fs(), context(), *link)));
      }
    }
    return Err(Errno::kENOENT);
  }

  KResult<u64> read_directory(u64 position, DirectorySink& sink) override {
    const auto& files = registry().pid_files;
    const auto& links = registry().pid_links;
    constexpr StringView kDirectories[] = {"fd", "fdinfo", "task"};
    const usize directories = context().tid == 0 ? 3 : 2;
    for (; position < directories + links.size() + files.size(); position++) {
      StringView name;
      u32 type = kModeRegular;
      if (position < directories) {
        name = kDirectories[position];
        type = kModeDirectory;
      } else if (position < directories + links.size()) {
        name = links[position - directories]->name;
        type = kModeSymlink;
      } else {
        name = files[position - directories - links.size()]->name;
      }
      if (!sink.entry(name, number() + position + 1, mode_to_dirent_type(type), position + 1)) {
        break;
      }
    }
    return position;
  }

 private:
  KResult<RefPtr<Inode>> make_task_directory();
};

class TaskDirectory final : public ProcInode {
 public:
  TaskDirectory(FileSystem& fs, const ProcContext& context) : ProcInode(fs, kModeDirectory | 0555, context) {}

  KResult<RefPtr<Inode>> lookup(StringView name) override {
    const auto tid = parse_id(name);
    if (!tid || !processes().has_thread(context().pid, *tid)) {
      return Err(Errno::kENOENT);
    }
    return RefPtr<Inode>(TRY(try_make_ref<PidDirectory>(fs(), ProcContext{context().pid, *tid})));
  }
  KResult<u64> read_directory(u64 position, DirectorySink& sink) override {
    for (u32 tid = processes().next_thread(context().pid, static_cast<u32>(position)); tid != 0;
         tid = processes().next_thread(context().pid, tid)) {
      char text[16];
      if (!sink.entry(format_into(text, "{}", tid), number() + tid, mode_to_dirent_type(kModeDirectory),
                      tid)) {
        break;
      }
      position = tid;
    }
    return position;
  }
};

KResult<RefPtr<Inode>> PidDirectory::make_task_directory() {
  return RefPtr<Inode>(TRY(try_make_ref<TaskDirectory>(fs(), context())));
}

class RootDirectory final : public FixedDirectory {
 public:
  explicit RootDirectory(FileSystem& fs) : FixedDirectory(fs, String()) {}

  KResult<RefPtr<Inode>> lookup(StringView name) override {
    if (name == "self" || name == "thread-self") {
      return RefPtr<Inode>(TRY(try_make_ref<SelfLink>(fs(), name != "self")));
    }
    if (const auto pid = parse_id(name); pid && processes().exists != nullptr && processes().exists(*pid)) {
      return RefPtr<Inode>(TRY(try_make_ref<PidDirectory>(fs(), ProcContext{*pid, 0})));
    }
    return FixedDirectory::lookup(name);
  }

  KResult<u64> read_directory(u64 position, DirectorySink& sink) override {
    const u64 files = registry().files.size();
    if (position < files) {
      position = TRY(FixedDirectory::read_directory(position, sink));
      if (position < files) {
        return position;
      }
    }
    constexpr StringView kSelfLinks[] = {"self", "thread-self"};
    for (; position < files + std::size(kSelfLinks); position++) {
      const u64 link = position - files;
      if (!sink.entry(kSelfLinks[link], kFirstPidPosition - 1 - link, mode_to_dirent_type(kModeSymlink),
                      position + 1)) {
        return position;
      }
    }
    u32 pid = position < kFirstPidPosition ? 0 : static_cast<u32>(position - kFirstPidPosition);
    while (processes().next != nullptr && (pid = processes().next(pid)) != 0) {
      char text[16];
      const u64 next = kFirstPidPosition + pid;
      if (!sink.entry(format_into(text, "{}", pid), next, mode_to_dirent_type(kModeDirectory), next)) {
        return position;
      }
      position = next;
    }
    return position;
  }
};

// --- what the file layers themselves know ---

KResult<void> generate_mounts(const ProcContext&, FormatSink& out) { return format_mounts(out); }
KResult<void> generate_mount_info(const ProcContext&, FormatSink& out) { return format_mount_info(out); }
KResult<void> generate_filesystems(const ProcContext&, FormatSink& out) {
  for (const StringView name :
       {"sysfs", "tmpfs", "devtmpfs", "proc", "pipefs", "sockfs", "anon_inodefs", "devpts"}) {
    format(out, "nodev\t{}\n", name);
  }
  return {};
}
constexpr ProcFile kFileSystems{"filesystems", 0444, generate_filesystems};
constexpr ProcFile kMounts{"mounts", 0444, generate_mounts};
constexpr ProcFile kMountInfo{"mountinfo", 0444, generate_mount_info};
KResult<void> generate_locks(const ProcContext&, FormatSink& out) { return format_locks(out); }
constexpr ProcFile kLocks{"locks", 0444, generate_locks};

}  // namespace

KResult<void> register_proc_file(const ProcFile& file) { return registry().files.push(&file); }
KResult<void> register_proc_pid_file(const ProcFile& file) { return registry().pid_files.push(&file); }
KResult<void> register_proc_pid_link(const ProcLink& link) { return registry().pid_links.push(&link); }
void set_proc_processes(const ProcProcesses& hooks) { registry().processes = hooks; }

KResult<RefPtr<FileSystem>> make_procfs() {
  TRY(register_proc_file(kFileSystems));
  TRY(register_proc_file(kMounts));
  TRY(register_proc_file(kLocks));
  TRY(register_proc_pid_file(kMounts));
  TRY(register_proc_pid_file(kMountInfo));
  auto fs = TRY(try_make_ref<ProcFs>());
  fs->set_root(TRY(try_make_ref<RootDirectory>(*fs)));
  return RefPtr<FileSystem>(std::move(fs));
}

}  // namespace kernel
