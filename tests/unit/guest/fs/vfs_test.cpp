#include "guest/fs/vfs.h"

#include "guest/fs/fd_table.h"
#include "guest/fs/initramfs.h"
#include "guest/fs/page_cache.h"
#include "guest/fs/path_cursor.h"
#include "guest/fs/procfs.h"
#include "guest/fs/tmpfs.h"
#include "tests/unit/guest/support/kernel/host_kernel.h"

namespace kernel {
namespace {

using host::error_of;
using host::must;

class Vfs : public host::KernelTest {
 protected:
  Vfs() { must(vfs::mkdir(context_, context_.root, "/t", 0755)), enter("/t"); }
  ~Vfs() override {
    enter("/");
    must(vfs::rmdir(context_, context_.root, "/t"));
  }
  void enter(const std::string& path) { context_.cwd = at(path); }
  void mkdir(const std::string& path) { must(vfs::mkdir(context_, context_.cwd, path, 0755)); }
  void rmdir(const std::string& path) { must(vfs::rmdir(context_, context_.cwd, path)); }
  void symlink(const std::string& target, const std::string& path) {
    must(vfs::symlink(context_, target, context_.cwd, path));
  }
  KResult<void> rename(const std::string& from, const std::string& to, u32 flags = 0) {
    return vfs::rename(context_, context_.cwd, from, context_.cwd, to, flags);
  }
  auto try_open(const std::string& path, u32 flags) {
    return vfs::open(context_, context_.cwd, path, flags, 0644);
  }
  std::string text_of(const Path& path) { return std::string(must(path_text(path, context_.root)).view()); }
};

TEST(PathCursor, SplitsAtAnyNumberOfSlashes) {
  PathCursor cursor("//a/b//c/");
  EXPECT_EQ(cursor.next(), "a");
  EXPECT_EQ(cursor.rest(), "b//c/");
  EXPECT_EQ(cursor.next(), "b");
  EXPECT_EQ(cursor.next(), "c");
  EXPECT_TRUE(cursor.at_end());
  EXPECT_EQ(cursor.next(), "");
}

TEST_F(Vfs, WhatIsWrittenIsRead) {
  {
    const auto file = open("file");
    write_at(*file, 5000, "hello");
    EXPECT_EQ(file->inode().size(), 5005U);
    EXPECT_EQ(read_all(*file, 4999), std::string(1, '\0') + "hello");
    // The first page is a hole: it takes no memory.
    EXPECT_EQ(file->inode().page_cache()->pages(), 1U);
    EXPECT_EQ(stat_of(file->inode()).blocks, 8);
    EXPECT_EQ(must(file->seek(0, kSeekData)), 4096U);
    EXPECT_EQ(must(file->seek(0, kSeekHole)), 0U);
    EXPECT_EQ(must(file->seek(4096, kSeekHole)), 5005U);
    EXPECT_EQ(error_of(file->seek(5005, kSeekData)), "ENXIO");
  }
  remove("file");
}

TEST_F(Vfs, TruncationZeroesTheTailAndGrowthShowsZeroes) {
  {
    const auto file = open("file");
    write_at(*file, 0, std::string(9000, 'x'));
    must(file->truncate(5));
    EXPECT_EQ(file->inode().page_cache()->pages(), 1U);
    must(file->truncate(10));
    EXPECT_EQ(read_all(*file), std::string("xxxxx") + std::string(5, '\0'));
    EXPECT_EQ(error_of(file->truncate(-1)), "EINVAL");
  }
  remove("file");
}

TEST_F(Vfs, AppendsAtTheEndWhateverThePosition) {
  {
    const auto file = open("file");
    write_at(*file, 0, "abc");
    const auto appender = open("file", kOpenWriteOnly | kOpenAppend);
    write_at(*appender, 0, "def");
    EXPECT_EQ(read_all(*file), "abcdef");
  }
  remove("file");
}

TEST_F(Vfs, OpenChecksFlagsAsDocumented) {
  mkdir("dir");
  { open("file"); }
  EXPECT_EQ(error_of(try_open("none", kOpenReadOnly)), "ENOENT");
  EXPECT_EQ(error_of(try_open("file", kOpenCreate | kOpenExclusive | kOpenReadOnly)), "EEXIST");
  EXPECT_EQ(error_of(try_open("dir", kOpenWriteOnly)), "EISDIR");
  EXPECT_EQ(error_of(try_open("dir", kOpenReadOnly | kOpenCreate)), "EISDIR");
  EXPECT_EQ(error_of(try_open("file", kOpenDirectory)), "ENOTDIR");
  EXPECT_EQ(error_of(try_open("file/", kOpenReadOnly)), "ENOTDIR");
  EXPECT_EQ(error_of(try_open("file/x", kOpenReadOnly)), "ENOTDIR");
  EXPECT_EQ(error_of(try_open("", kOpenReadOnly)), "ENOENT");
  EXPECT_EQ(error_of(try_open(std::string(300, 'n'), kOpenReadOnly)), "ENAMETOOLONG");
  EXPECT_EQ(error_of(try_open(std::string(5000, '/'), kOpenReadOnly)), "ENAMETOOLONG");
  EXPECT_EQ(error_of(try_open("new/", kOpenCreate | kOpenWriteOnly)), "EISDIR");
  const auto read_only = must(try_open("file", kOpenReadOnly));
  IoBuffer bytes = IoBuffer::kernel(as_bytes("x"));
  EXPECT_EQ(error_of(read_only->write(bytes)), "EBADF");
  const auto directory = must(try_open("dir", kOpenReadOnly));
  u8 byte;
  IoBuffer target = IoBuffer::kernel(ByteSpan(&byte, 1));
  EXPECT_EQ(error_of(directory->read(target)), "EISDIR");
  remove("file");
  rmdir("dir");
}

TEST_F(Vfs, SymbolicLinksLeadToTheirTargets) {
  mkdir("dir");
  { write_at(*open("dir/file"), 0, "x"); }
  symlink("dir", "link");
  symlink("../t/link/file", "far");
  symlink("loop-b", "loop-a");
  symlink("loop-a", "loop-b");
  symlink("made", "dangling");
  EXPECT_EQ(read_all(*open("far", kOpenReadOnly)), "x");
  EXPECT_EQ(text_of(must(try_open("link/file", kOpenReadOnly))->path()), "/t/dir/file");
  EXPECT_EQ(error_of(try_open("loop-a", kOpenReadOnly)), "ELOOP");
  EXPECT_EQ(error_of(try_open("far", kOpenReadOnly | kOpenNoFollow)), "ELOOP");
  EXPECT_EQ(error_of(try_open("dangling", kOpenReadOnly)), "ENOENT");
  EXPECT_EQ(error_of(try_open("dangling", kOpenReadWrite | kOpenCreate | kOpenExclusive)), "EEXIST");
  { open("dangling", kOpenReadWrite | kOpenCreate); }
  EXPECT_TRUE(must(resolve(context_, context_.cwd, "made", 0)).inode().is_regular());
  EXPECT_EQ(must(vfs::readlink(context_, at("far"))).view(), "../t/link/file");
  for (const char* name : {"link", "far", "loop-a", "loop-b", "dangling", "made", "dir/file"}) {
    remove(name);
  }
  rmdir("dir");
}

TEST_F(Vfs, DotDotStopsAtTheRootAndCrossesMounts) {
  EXPECT_EQ(text_of(at("../../..")), "/");
  mkdir("m");
  // A mount lasts, so this goes to a directory of its own that stays.
  must(vfs::mkdir(context_, context_.root, "/mnt", 0755));
  const Path covered = at("/mnt");
  must(mount_at(covered, must(make_tmpfs({})), "tmpfs"));
  EXPECT_EQ(error_of(mount_at(covered, must(make_tmpfs({})), "tmpfs")), "EBUSY");
  mkdir("/mnt/inner");
  EXPECT_EQ(text_of(at("/mnt/inner")), "/mnt/inner");
  EXPECT_EQ(text_of(at("/mnt/inner/../../t")), "/t");
  EXPECT_EQ(error_of(rename("m", "/mnt/m")), "EXDEV");
  EXPECT_EQ(error_of(vfs::rmdir(context_, context_.cwd, "/mnt")), "EBUSY");
  rmdir("/mnt/inner");
  rmdir("m");
}

TEST_F(Vfs, RenameReplacesAndExchangesAndRefuses) {
  { write_at(*open("a"), 0, "a"); }
  { write_at(*open("b"), 0, "b"); }
  mkdir("d");
  mkdir("d/sub");
  EXPECT_EQ(error_of(rename("none", "x")), "ENOENT");
  EXPECT_EQ(error_of(rename("a", "b", kRenameNoReplace)), "EEXIST");
  EXPECT_EQ(error_of(rename("a", "d")), "EISDIR");
  EXPECT_EQ(error_of(rename("d", "a")), "ENOTDIR");
  EXPECT_EQ(error_of(rename("d", "d/sub/d")), "EINVAL");
  EXPECT_EQ(error_of(rename("d/sub", "d")), "ENOTEMPTY");
  EXPECT_EQ(error_of(rename("a", "b", kRenameExchange | kRenameNoReplace)), "EINVAL");
  const Path held = at("b");
  must(rename("a", "b", kRenameExchange));
  EXPECT_EQ(read_all(*open("a", kOpenReadOnly)), "b");
  EXPECT_EQ(text_of(held), "/t/a");
  must(rename("a", "d/a"));
  EXPECT_EQ(text_of(held), "/t/d/a");
  must(rename("d/a", "b"));
  EXPECT_EQ(read_all(*open("b", kOpenReadOnly)), "b");
  EXPECT_EQ(at("/t").inode().links(), 3U);
  must(rename("d/sub", "sub"));
  EXPECT_EQ(at("d").inode().links(), 2U);
  EXPECT_EQ(at("/t").inode().links(), 4U);
  rmdir("sub");
  rmdir("d");
  remove("b");
}

TEST_F(Vfs, UnlinkedFilesLiveOnWhileTheyAreOpen) {
  const auto file = open("file");
  write_at(*file, 0, "still here");
  remove("file");
  EXPECT_EQ(read_all(*file), "still here");
  EXPECT_EQ(text_of(file->path()), "/t/file (deleted)");
  EXPECT_EQ(file->inode().links(), 0U);
  { open("file"); }  // the name is free again
  EXPECT_EQ(text_of(file->path()), "/t/file (deleted)");
  remove("file");
}

TEST_F(Vfs, RemovedDirectoriesTakeNothingIn) {
  mkdir("d");
  const Path held = at("d");
  rmdir("d");
  EXPECT_EQ(error_of(vfs::open(context_, held, "x", kOpenCreate | kOpenWriteOnly, 0644)), "ENOENT");
  EXPECT_EQ(error_of(vfs::mkdir(context_, held, "x", 0755)), "ENOENT");
}

TEST_F(Vfs, HardLinksShareTheFile) {
  { write_at(*open("a"), 0, "one"); }
  must(vfs::link(context_, at("a"), context_.cwd, "b"));
  EXPECT_EQ(at("a").inode().links(), 2U);
  EXPECT_EQ(error_of(vfs::link(context_, at("a"), context_.cwd, "b")), "EEXIST");
  mkdir("d");
  EXPECT_EQ(error_of(vfs::link(context_, at("d"), context_.cwd, "e")), "EPERM");
  remove("a");
  EXPECT_EQ(read_all(*open("b", kOpenReadOnly)), "one");
  remove("b");
  rmdir("d");
}

TEST_F(Vfs, PermissionsCountForOthersThanRoot) {
  { open("secret", kOpenReadWrite | kOpenCreate, 0600); }
  mkdir("sticky");
  must(vfs::chmod(context_, at("sticky"), 01777));
  { open("sticky/roots"); }
  FsContext user = context_;
  user.credentials.uid = user.credentials.gid = 1000;
  EXPECT_EQ(error_of(vfs::open(user, user.cwd, "secret", kOpenReadOnly, 0)), "EACCES");
  EXPECT_EQ(error_of(vfs::open(user, user.cwd, "new", kOpenCreate | kOpenWriteOnly, 0644)), "EACCES");
  EXPECT_EQ(error_of(vfs::chmod(user, at("secret"), 0777)), "EPERM");
  EXPECT_EQ(error_of(vfs::chown(user, at("secret"), 1000, ~u32{0})), "EPERM");
  EXPECT_EQ(error_of(vfs::unlink(user, user.cwd, "sticky/roots")), "EPERM");
  must(vfs::open(user, user.cwd, "sticky/mine", kOpenCreate | kOpenWriteOnly, 0666));
  EXPECT_EQ(at("sticky/mine").inode().uid(), 1000U);
  EXPECT_EQ(at("sticky/mine").inode().mode() & 0777, 0644U);  // umask
  must(vfs::unlink(user, user.cwd, "sticky/mine"));
  remove("sticky/roots");
  rmdir("sticky");
  remove("secret");
}

TEST_F(Vfs, FilesBeingExecutedAreNotWritten) {
  auto file = open("program");
  EXPECT_EQ(error_of(file->inode().begin_execute()), "ETXTBSY");
  const RefPtr<Inode> inode(&file->inode());
  file.reset();
  must(inode->begin_execute());
  EXPECT_EQ(error_of(try_open("program", kOpenWriteOnly)), "ETXTBSY");
  must(try_open("program", kOpenReadOnly));
  inode->end_execute();
  remove("program");
}

TEST_F(Vfs, DirectoryListingSurvivesRemovalInBetween) {
  class Names final : public DirectorySink {
   public:
    bool entry(StringView name, u64, u8, u64 next) override {
      if (names.size() == limit) {
        return false;
      }
      names.emplace_back(name);
      position = next;
      return true;
    }
    std::vector<std::string> names;
    usize limit = 5;
    u64 position = 0;
  };
  for (int i = 0; i < 20; i++) {
    open("f" + std::to_string(i));
  }
  Inode& directory = at("/t").inode();
  Names first;
  must(directory.read_directory(0, first));
  ASSERT_EQ(first.names.size(), 5U);
  remove("f4");  // the one at which the first part ended
  remove("f7");
  Names rest;
  rest.limit = 100;
  must(directory.read_directory(first.position, rest));
  EXPECT_EQ(rest.names.size(), 14U);
  EXPECT_EQ(rest.names.front(), "f5");
  for (int i = 0; i < 20; i++) {
    if (i != 4 && i != 7) {
      remove("f" + std::to_string(i));
    }
  }
}

TEST_F(Vfs, MemoryFilesAreSealed) {
  const auto file = must(memfd_create("shm", kMemfdAllowSealing, {}));
  EXPECT_EQ(text_of(file->path()), "/memfd:shm (deleted)");
  write_at(*file, 0, "0123456789");
  must(file->inode().add_seals(kSealGrow));
  IoBuffer more = IoBuffer::kernel(as_bytes("abcd"));
  EXPECT_EQ(must(file->write_at(8, more)), 2U);
  EXPECT_EQ(error_of(file->truncate(100)), "EPERM");
  must(file->truncate(4));
  must(file->inode().add_seals(kSealShrink | kSealWrite | kSealSeal));
  EXPECT_EQ(error_of(file->truncate(1)), "EPERM");
  IoBuffer no = IoBuffer::kernel(as_bytes("x"));
  EXPECT_EQ(error_of(file->write_at(0, no)), "EPERM");
  EXPECT_EQ(error_of(file->inode().add_seals(kSealGrow)), "EPERM");
  EXPECT_EQ(error_of(must(memfd_create("plain", 0, {}))->inode().add_seals(kSealGrow)), "EPERM");
  EXPECT_EQ(error_of(memfd_create("bad", 0x100, {})), "EINVAL");
}

TEST_F(Vfs, HolesArePunched) {
  {
    const auto file = open("file");
    write_at(*file, 0, std::string(4 * kPageBytes, 'x'));
    must(file->allocate(kFallocPunchHole | kFallocKeepSize, 100, 2 * kPageBytes));
    EXPECT_EQ(file->inode().page_cache()->pages(), 3U);
    EXPECT_EQ(read_all(*file), std::string(100, 'x') + std::string(2 * kPageBytes, '\0') +
                                   std::string(2 * kPageBytes - 100, 'x'));
    must(file->allocate(0, 0, 5 * kPageBytes));
    EXPECT_EQ(file->inode().size(), 5 * kPageBytes);
    EXPECT_EQ(file->inode().page_cache()->pages(), 5U);
    EXPECT_EQ(error_of(file->allocate(0x80, 0, 1)), "EOPNOTSUPP");
    EXPECT_EQ(error_of(file->allocate(0, -1, 1)), "EINVAL");
  }
  remove("file");
}

TEST_F(Vfs, AFullFileSystemSaysSo) {
  const auto fs = must(make_tmpfs({.max_pages = 2}));
  const RefPtr<Inode> inode = must(fs->root()->create("f", NewInode{kModeRegular | 0644, 0, 0}));
  must(inode->page_cache()->get(0));
  must(inode->page_cache()->get(1));
  EXPECT_EQ(error_of(inode->page_cache()->get(2)), "ENOSPC");
  must(inode->resize(0));
  EXPECT_EQ(fs->stat().bfree, 2U);
}

TEST_F(Vfs, DeepTreesAreTakenApartWithoutRecursion) {
  // Only names hold each other here; a recursive end would overflow a kernel stack.
  RefPtr<Dentry> at_depth = must(Dentry::make_root(RefPtr<Inode>(&at("/t").inode())));
  for (int depth = 0; depth < 100000; depth++) {
    at_depth = must(at_depth->add_child("d", RefPtr<Inode>(&at_depth->inode())));
  }
}

TEST_F(Vfs, InitramfsEntriesReplaceAndLink) {
  // Made by `printf` of the format: two links to one inode (contents with the last), and a replaced file.
  const auto entry = [](const std::string& name, u32 mode, const std::string& data, u32 inode, u32 links) {
    char header[111];
    std::snprintf(header, sizeof(header), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", inode,
                  mode, 0U, 0U, links, 99U, static_cast<unsigned>(data.size()), 0U, 0U, 0U, 0U,
                  static_cast<unsigned>(name.size() + 1), 0U);
    std::string text = header + name + '\0';
    text.resize((text.size() + 3) / 4 * 4);
    text += data;
    text.resize((text.size() + 3) / 4 * 4);
    return text;
  };
  const std::string image = entry("t/a", 0100640, "", 5, 2) + entry("t/b", 0100640, "shared", 5, 2) +
                            entry("t/deep/er/file", 0100600, "old old", 6, 1) +
                            entry("t/deep/er/file", 0100755, "new", 7, 1) +
                            entry("t/l", 0120777, "deep", 8, 1) + entry("TRAILER!!!", 0, "", 0, 1);
  must(unpack_initramfs(context_, as_bytes(image)));
  EXPECT_EQ(read_all(*open("a", kOpenReadOnly)), "shared");
  EXPECT_EQ(at("a").inode().links(), 2U);
  EXPECT_EQ(at("a").inode().mode(), 0100640U);
  EXPECT_EQ(at("a").inode().mtime().seconds, 99);
  EXPECT_EQ(read_all(*open("l/er/file", kOpenReadOnly)), "new");
  EXPECT_EQ(at("deep/er/file").inode().mode(), 0100755U);
  for (const char* name : {"a", "b", "deep/er/file", "l"}) {
    remove(name);
  }
  rmdir("deep/er");
  rmdir("deep");
}

TEST_F(Vfs, DescriptorsAreTheLowestFree) {
  const auto table = must(try_make_ref<FdTable>());
  const auto file = open("file");
  for (i32 fd = 0; fd < 10; fd++) {
    EXPECT_EQ(must(table->install(file, CloseOnExec::kNo, 64)), fd);
  }
  must(table->close(3));
  must(table->close(7));
  EXPECT_EQ(must(table->install(file, CloseOnExec::kYes, 64, 5)), 7);
  EXPECT_EQ(must(table->install(file, CloseOnExec::kNo, 64)), 3);
  EXPECT_EQ(error_of(table->install(file, CloseOnExec::kNo, 10)), "EMFILE");
  EXPECT_EQ(error_of(table->get(10)), "EBADF");
  EXPECT_EQ(error_of(table->close(-1)), "EBADF");
  must(table->install_at(40, file, CloseOnExec::kNo, 64));
  EXPECT_EQ(table->next_open(10), 40);
  EXPECT_EQ(error_of(table->install_at(64, file, CloseOnExec::kNo, 64)), "EBADF");
  const auto copy = must(table->clone());
  copy->close_on_exec();
  EXPECT_EQ(error_of(copy->get(7)), "EBADF");
  EXPECT_EQ(must(copy->install(file, CloseOnExec::kNo, 64)), 7);
  table->close_range(2, 8, CloseOnExec::kNo);
  EXPECT_EQ(table->next_open(2), 9);
  table->close_all();
  copy->close_all();
  EXPECT_EQ(table->next_open(0), -1);
  EXPECT_EQ(file->references(), 1U);
  remove("file");
}

TEST_F(Vfs, ProcFilesAreMadeWhenRead) {
  static int made = 0;
  static const ProcFile kTop{"sys/vm/answer", 0444, [](const ProcContext&, FormatSink& out) {
                               format(out, "{}\n", ++made);
                               return KResult<void>();
                             }};
  static const ProcFile kPid{"who", 0444, [](const ProcContext& who, FormatSink& out) {
                               format(out, "pid {}\n", who.pid);
                               return KResult<void>();
                             }};
  must(register_proc_file(kTop));
  must(register_proc_pid_file(kPid));
  static bool alive = true;
  ProcProcesses processes;
  processes.self = [] { return u32{42}; };
  processes.self_thread = processes.self;
  processes.exists = [](u32 pid) { return pid == 42 && alive; };
  processes.next = [](u32 after) { return after < 42 && alive ? 42U : 0U; };
  set_proc_processes(processes);
  must(vfs::mkdir(context_, context_.root, "/proc", 0555));
  must(mount_at(at("/proc"), must(make_procfs()), "proc"));
  const auto file = open("/proc/sys/vm/answer", kOpenReadOnly);
  EXPECT_EQ(read_all(*file), "1\n");
  EXPECT_EQ(read_all(*file), "2\n");
  EXPECT_EQ(read_all(*open("/proc/self/who", kOpenReadOnly)), "pid 42\n");
  EXPECT_EQ(error_of(try_open("/proc/43/who", kOpenReadOnly)), "ENOENT");
  EXPECT_EQ(error_of(try_open("/proc/042/who", kOpenReadOnly)), "ENOENT");
  EXPECT_EQ(error_of(vfs::mkdir(context_, context_.cwd, "/proc/x", 0755)), "EACCES");
  const auto who = open("/proc/42/who", kOpenReadOnly);
  alive = false;
  u8 byte;
  IoBuffer buffer = IoBuffer::kernel(ByteSpan(&byte, 1));
  EXPECT_EQ(error_of(who->read_at(0, buffer)), "ESRCH");
  EXPECT_EQ(error_of(try_open("/proc/42/who", kOpenReadOnly)), "ENOENT");
  EXPECT_NE(read_all(*open("/proc/mounts", kOpenReadOnly)).find("proc /proc proc rw,relatime 0 0\n"),
            std::string::npos);
}

}  // namespace
}  // namespace kernel
