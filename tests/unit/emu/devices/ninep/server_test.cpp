// What the 9P server does for an honest client. What it does for others: confinement_test.cpp.
#include "emu/devices/ninep/server.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cerrno>
#include <map>

#include "quire/error.h"
#include "tests/unit/emu/devices/ninep/share.h"

namespace quire::testing {
namespace {

using share::PathResolution;
using Server = ShareTest;

struct ReadOnlyServer : ShareTest {
  ReadOnlyServer() : ShareTest(share::ShareAccess::kReadOnly) {}
};

INSTANTIATE_TEST_SUITE_P(Resolution, Server,
                         ::testing::Values(PathResolution::kOpenat2, PathResolution::kComponents),
                         resolution_name);
INSTANTIATE_TEST_SUITE_P(Resolution, ReadOnlyServer, ::testing::Values(PathResolution::kOpenat2),
                         resolution_name);

TEST_P(Server, AgreesOnTheSmallerMessage) {
  Reply reply = client->call(p9::Type::kVersion, Fields().u32_(8192).text("9P2000.L"));
  EXPECT_EQ(reply.number(4), 8192u);
  EXPECT_EQ(reply.text(), "9P2000.L");
  reply = client->call(p9::Type::kVersion, Fields().u32_(0xffff'ffff).text("9P2000.L"));
  EXPECT_EQ(reply.number(4), share::Server::kMaxMessageBytes);
}

TEST_P(Server, AnotherVersionIsUnknownAndStartsNothing) {
  Reply reply = client->call(p9::Type::kVersion, Fields().u32_(8192).text("9P2000.u"));
  reply.number(4);
  EXPECT_EQ(reply.text(), "unknown");
  EXPECT_EQ(client->attach(0, ""), EPROTO);
}

TEST_P(Server, AttachesBelowItsRoot) {
  EXPECT_EQ(client->attach(5, "/sub"), 0);
  Reply reply = client->walk(5, 6, {"inner"});
  EXPECT_EQ(reply.error, 0);
  EXPECT_EQ(client->attach(7, "hello"), ENOTDIR);
  EXPECT_EQ(client->attach(7, "absent"), ENOENT);
}

TEST_P(Server, WalksAndReads) {
  ASSERT_EQ(client->walk_to(1, {"sub", "inner"}), 0);
  ASSERT_EQ(client->open(1, kReadOnly), 0);
  EXPECT_EQ(client->read_text(1, 0, 100), "deeper");
  EXPECT_EQ(client->read_text(1, 4, 100), "er");
  EXPECT_EQ(client->read_text(1, 0, 3), "dee");
  EXPECT_EQ(client->read_text(1, 100, 10), "");
  EXPECT_EQ(client->write(1, 0, "x"), EBADF);
}

TEST_P(Server, WalkStopsAtTheFirstMissingName) {
  Reply reply = client->walk(kRoot, 1, {"sub", "absent", "further"});
  EXPECT_EQ(reply.error, 0);
  EXPECT_EQ(reply.number(2), 1u);
  EXPECT_EQ(client->clunk(1), EBADF);  // no fid was made
  EXPECT_EQ(client->walk(kRoot, 1, {"absent"}).error, ENOENT);
}

TEST_P(Server, WalkOfNothingClonesAFid) {
  ASSERT_EQ(client->walk_to(1, {}), 0);
  EXPECT_EQ(client->getattr(1).qid.path, client->getattr(kRoot).qid.path);
}

TEST_P(Server, TheRootIsItsOwnParent) {
  ASSERT_EQ(client->walk_to(1, {"..", "..", "sub", "..", "hello"}), 0);
  EXPECT_EQ(client->getattr(1).size, 14u);
}

TEST_P(Server, AttributesAreTheHosts) {
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  struct stat host;
  ASSERT_EQ(stat((dir / "share/hello").c_str(), &host), 0);
  const auto attributes = client->getattr(1);
  EXPECT_EQ(attributes.mode, host.st_mode);
  EXPECT_EQ(attributes.uid, host.st_uid);
  EXPECT_EQ(attributes.gid, host.st_gid);
  EXPECT_EQ(attributes.links, 1u);
  EXPECT_EQ(attributes.size, 14u);
  EXPECT_EQ(attributes.mtime_s, static_cast<u64>(host.st_mtim.tv_sec));
  EXPECT_EQ(attributes.mtime_ns, static_cast<u64>(host.st_mtim.tv_nsec));
}

TEST_P(Server, NumbersFilesInTheOrderOfFirstSight) {
  EXPECT_EQ(client->getattr(kRoot).qid.path, 1u);
  ASSERT_EQ(client->walk_to(1, {"sub", "inner"}), 0);
  ASSERT_EQ(client->walk_to(2, {"hello"}), 0);
  EXPECT_EQ(client->getattr(2).qid.path, 4u);
  EXPECT_EQ(client->getattr(1).qid.path, 3u);
  server->reset();
  ASSERT_EQ(client->start(), 0);
  ASSERT_EQ(client->walk_to(2, {"hello"}), 0);
  EXPECT_EQ(client->getattr(2).qid.path, 2u);
}

TEST_P(Server, NamesOfOneFileHaveOneNumber) {
  std::filesystem::create_hard_link(dir / "share/hello", dir / "share/sub/also");
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  ASSERT_EQ(client->walk_to(2, {"sub", "also"}), 0);
  EXPECT_EQ(client->getattr(1).qid.path, client->getattr(2).qid.path);
  EXPECT_EQ(client->getattr(1).links, 2u);
}

TEST_P(Server, VersionChangesWithTheFile) {
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  const u32 before = client->getattr(1).qid.version;
  EXPECT_EQ(client->getattr(1).qid.version, before);
  dir.put("share/hello", "Goodbye, share!\n");
  EXPECT_NE(client->getattr(1).qid.version, before);
}

TEST_P(Server, ListsSortedFromAnywhere) {
  ASSERT_EQ(client->walk_to(1, {}), 0);
  ASSERT_EQ(client->open(1, kReadOnly), 0);
  const std::vector<std::string> expected = {".", "..", "hello", "sub", "to_hello", "to_secret", "up"};
  EXPECT_EQ(client->names(1), expected);
  EXPECT_EQ(client->names(1, 40), expected);  // an entry or two at a time
  const auto entries = client->readdir(1, 0);
  EXPECT_EQ(client->readdir(1, entries[3].next).front().name, "to_hello");
  EXPECT_EQ(entries[1].qid.path, entries[0].qid.path);  // ".." of the root
  EXPECT_EQ(entries[2].type, DT_REG);
  EXPECT_EQ(entries[3].qid.type, p9::kQidDirectory);
  EXPECT_EQ(entries[4].qid.type, p9::kQidSymlink);
  EXPECT_TRUE(client->readdir(1, 7).empty());
  EXPECT_TRUE(client->readdir(1, ~u64{0}).empty());
}

TEST_P(Server, ListingThatFitsNoEntryIsAnError) {
  ASSERT_EQ(client->walk_to(1, {}), 0);
  ASSERT_EQ(client->open(1, kReadOnly), 0);
  EXPECT_EQ(client->call(p9::Type::kReaddir, Fields().u32_(1).u64_(0).u32_(10)).error, EINVAL);
}

TEST_P(Server, GivesLinksAsText) {
  ASSERT_EQ(client->walk_to(1, {"to_hello"}), 0);
  EXPECT_EQ(client->readlink(1), "hello");
  EXPECT_EQ(client->open(1, kReadOnly), ENXIO);
  ASSERT_EQ(client->walk_to(2, {"hello"}), 0);
  EXPECT_EQ(client->readlink(2), "error " + std::to_string(EINVAL));
}

TEST_P(Server, CreatesWritesAndTruncates) {
  ASSERT_EQ(client->walk_to(1, {"sub"}), 0);
  const mode_t old_umask = umask(077);
  EXPECT_EQ(client->create(1, "new", kReadWrite, 04664), 0);
  umask(old_umask);
  EXPECT_EQ(client->write(1, 0, "0123456789"), 0);
  EXPECT_EQ(client->read_text(1, 5, 100), "56789");
  EXPECT_EQ(dir.get("share/sub/new"), "0123456789");
  EXPECT_EQ(client->getattr(1).mode,
            u64{S_IFREG} | 0664);  // the umask is the guest's; set-user-ID is not lent
  EXPECT_EQ(client->setattr(1, p9::kSetSize, 0, 0, 0, 4), 0);
  EXPECT_EQ(dir.get("share/sub/new"), "0123");
  EXPECT_EQ(client->call(p9::Type::kFsync, Fields().u32_(1).u32_(0)).error, 0);
  EXPECT_EQ(client->call(p9::Type::kFsync, Fields().u32_(1)).error, 0);
}

TEST_P(Server, CreatingWhatExistsOpensItUnlessExclusive) {
  ASSERT_EQ(client->walk_to(1, {}), 0);
  EXPECT_EQ(client->create(1, "hello", kReadOnly | O_EXCL, 0644), EEXIST);
  EXPECT_EQ(client->create(1, "sub", kReadOnly, 0644), EISDIR);
  EXPECT_EQ(client->create(1, "to_hello", kReadOnly, 0644), EEXIST);
  EXPECT_EQ(client->create(1, "hello", kReadWrite | O_TRUNC, 0644), 0);
  EXPECT_EQ(dir.get("share/hello"), "");
}

TEST_P(Server, OpenTruncatesAndAppends) {
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  ASSERT_EQ(client->open(1, kWriteOnly | O_APPEND), 0);
  EXPECT_EQ(client->write(1, 0, "more"), 0);
  EXPECT_EQ(dir.get("share/hello"), "Hello, share!\nmore");
  ASSERT_EQ(client->walk_to(2, {"hello"}), 0);
  ASSERT_EQ(client->open(2, kWriteOnly | O_TRUNC), 0);
  EXPECT_EQ(dir.get("share/hello"), "");
}

TEST_P(Server, SetsModeAndTimes) {
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  EXPECT_EQ(client->setattr(1, p9::kSetMode, 06711, 0, 0, 0), 0);
  EXPECT_EQ(client->getattr(1).mode, u64{S_IFREG} | 0711);
  EXPECT_EQ(client->setattr(1, p9::kSetMtime | p9::kSetMtimeTo, 0, 0, 0, 0, 1'000'000'000, 123'456'789), 0);
  EXPECT_EQ(client->getattr(1).mtime_s, 1'000'000'000u);
  EXPECT_EQ(client->getattr(1).mtime_ns, 123'456'789u);
  EXPECT_EQ(client->setattr(1, p9::kSetMtime | p9::kSetMtimeTo, 0, 0, 0, 0, 1, 1'000'000'000), EINVAL);
  EXPECT_EQ(client->setattr(1, p9::kSetMtime, 0, 0, 0, 0), 0);
  EXPECT_GT(client->getattr(1).mtime_s, 1'000'000'000u);
}

TEST_P(Server, OwnersStayAsTheyAre) {
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  const auto before = client->getattr(1);
  const u32 uid = static_cast<u32>(before.uid);
  EXPECT_EQ(client->setattr(1, p9::kSetUid | p9::kSetSize, 0, uid + 1, 0, 0), EPERM);
  EXPECT_EQ(client->setattr(1, p9::kSetUid, 0, uid, 0, 0), 0);
  EXPECT_EQ(client->getattr(1).uid, before.uid);
  EXPECT_EQ(client->getattr(1).size, 14u);  // the refused request did nothing of what it asked
}

TEST_P(Server, MakesDirectoriesLinksAndFifos) {
  EXPECT_EQ(client->mkdir(kRoot, "made", 0750), 0);
  ASSERT_EQ(client->walk_to(1, {"made"}), 0);
  EXPECT_EQ(client->getattr(1).mode, u64{S_IFDIR} | 0750);
  EXPECT_EQ(client->mkdir(kRoot, "made"), EEXIST);
  EXPECT_EQ(client->symlink(1, "sym", "/etc/passwd"), 0);
  EXPECT_EQ(std::filesystem::read_symlink(dir / "share/made/sym"), "/etc/passwd");
  ASSERT_EQ(client->walk_to(2, {"hello"}), 0);
  EXPECT_EQ(client->link(1, 2, "hard"), 0);
  EXPECT_EQ(client->getattr(2).links, 2u);
  EXPECT_EQ(client->link(1, 1, "directory"), EPERM);
  EXPECT_EQ(client->mknod(1, "fifo", S_IFIFO | 0622), 0);
  ASSERT_EQ(client->walk_to(3, {"made", "fifo"}), 0);
  EXPECT_EQ(client->getattr(3).mode, u64{S_IFIFO} | 0622);
  EXPECT_EQ(client->mknod(1, "null", S_IFCHR | 0666), EPERM);
  EXPECT_EQ(client->mknod(1, "disk", S_IFBLK | 0666), EPERM);
}

TEST_P(Server, ASymbolicLinkIsLinkedItself) {
  ASSERT_EQ(client->walk_to(1, {"to_secret"}), 0);
  EXPECT_EQ(client->link(kRoot, 1, "again"), 0);
  EXPECT_TRUE(std::filesystem::is_symlink(dir / "share/again"));
}

TEST_P(Server, RenamesTakeFidsAlong) {
  ASSERT_EQ(client->walk_to(1, {"sub", "inner"}), 0);
  EXPECT_EQ(client->renameat(kRoot, "sub", kRoot, "moved"), 0);
  EXPECT_EQ(client->getattr(1).size, 6u);
  EXPECT_EQ(client->rename(1, kRoot, "out"), 0);
  EXPECT_EQ(dir.get("share/out"), "deeper");
  ASSERT_EQ(client->open(1, kReadOnly), 0);
  EXPECT_EQ(client->read_text(1, 0, 10), "deeper");
  EXPECT_EQ(client->rename(kRoot, kRoot, "x"), EBUSY);
  EXPECT_EQ(client->renameat(kRoot, "absent", kRoot, "x"), ENOENT);
}

TEST_P(Server, ADirectoryCannotMoveBeneathItself) {
  ASSERT_EQ(client->walk_to(1, {"sub"}), 0);
  EXPECT_EQ(client->mkdir(1, "deep"), 0);
  ASSERT_EQ(client->walk_to(2, {"sub", "deep"}), 0);
  EXPECT_EQ(client->rename(1, 2, "loop"), EINVAL);
}

TEST_P(Server, RenameOverAFileKeepsItsFids) {
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  ASSERT_EQ(client->walk_to(2, {"sub", "inner"}), 0);
  EXPECT_EQ(client->rename(2, kRoot, "hello"), 0);
  EXPECT_EQ(dir.get("share/hello"), "deeper");
  EXPECT_EQ(client->getattr(1).size, 14u);
  EXPECT_EQ(client->getattr(1).links, 0u);
  EXPECT_EQ(client->getattr(2).size, 6u);
}

TEST_P(Server, RemovedFilesLiveOnInTheirFids) {
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  ASSERT_EQ(client->walk_to(2, {"hello"}), 0);
  ASSERT_EQ(client->open(1, kReadWrite), 0);
  const u64 number = client->getattr(1).qid.path;
  EXPECT_EQ(client->unlink(kRoot, "hello"), 0);
  EXPECT_FALSE(dir.has("share/hello"));
  EXPECT_EQ(client->read_text(1, 0, 5), "Hello");
  EXPECT_EQ(client->getattr(1).links, 0u);
  EXPECT_EQ(client->getattr(1).qid.path, number);
  EXPECT_EQ(client->setattr(2, p9::kSetSize, 0, 0, 0, 3), 0);
  EXPECT_EQ(client->getattr(2).size, 3u);
  EXPECT_EQ(client->rename(2, kRoot, "again"), ENOENT);
  EXPECT_EQ(client->remove(2), ENOENT);
  EXPECT_EQ(client->clunk(2), EBADF);  // removed or not, the fid is gone
}

// The host may give a new file the inode of one that is gone; the client must not take it for that one.
TEST_P(Server, ANewFileHasANewNumber) {
  std::map<u64, int> seen;
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(client->walk_to(1, {}), 0);
    ASSERT_EQ(client->create(1, "file", kReadWrite, 0644), 0);
    EXPECT_EQ(seen[client->getattr(1).qid.path]++, 0);
    if (i % 2 == 0) {
      EXPECT_EQ(client->unlink(kRoot, "file"), 0);
      EXPECT_EQ(client->clunk(1), 0);
    } else {
      EXPECT_EQ(client->remove(1), 0);
    }
  }
}

TEST_P(Server, UnlinkTellsFilesFromDirectories) {
  EXPECT_EQ(client->unlink(kRoot, "sub"), EISDIR);
  EXPECT_EQ(client->unlink(kRoot, "sub", 0x200), ENOTEMPTY);
  EXPECT_EQ(client->unlink(kRoot, "hello", 0x200), ENOTDIR);
  EXPECT_EQ(client->unlink(kRoot, "hello", 0x100), EINVAL);
  ASSERT_EQ(client->walk_to(1, {"sub"}), 0);
  EXPECT_EQ(client->unlink(1, "inner"), 0);
  EXPECT_EQ(client->unlink(kRoot, "sub", 0x200), 0);
  EXPECT_EQ(client->mkdir(1, "x"), ENOENT);
}

TEST_P(Server, ExtendedAttributesOfUsersPassThrough) {
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  const auto create = [&](std::string_view name, u64 size, std::string_view value) {
    EXPECT_EQ(client->walk_to(2, {"hello"}), 0);
    const int error =
        client->call(p9::Type::kXattrcreate, Fields().u32_(2).text(name).u64_(size).u32_(0)).error;
    const int written = error == 0 && !value.empty() ? client->write(2, 0, value) : 0;
    const int clunked = client->clunk(2);
    return error != 0 ? error : written != 0 ? written : clunked;
  };
  const int error = create("user.colour", 4, "blue");
  if (error == EOPNOTSUPP) {
    GTEST_SKIP() << "the file system of " << dir.path() << " has no extended attributes";
  }
  ASSERT_EQ(error, 0);
  char value[8];
  EXPECT_EQ(getxattr((dir / "share/hello").c_str(), "user.colour", value, sizeof value), 4);
  Reply reply = client->call(p9::Type::kXattrwalk, Fields().u32_(1).u32_(3).text("user.colour"));
  EXPECT_EQ(reply.number(8), 4u);
  EXPECT_EQ(client->read_text(3, 0, 100), "blue");
  reply = client->call(p9::Type::kXattrwalk, Fields().u32_(1).u32_(4).text(""));
  EXPECT_EQ(client->read_text(4, 0, 100), std::string("user.colour\0", 12));
  EXPECT_EQ(create("user.short", 4, "abc"), EINVAL);
  EXPECT_EQ(create("user.long", 4, "abcde"), EINVAL);
  EXPECT_EQ(create("security.capability", 4, "blue"), EOPNOTSUPP);
  EXPECT_EQ(create("user.big", 1 << 20, ""), E2BIG);
  EXPECT_EQ(client->call(p9::Type::kXattrwalk, Fields().u32_(1).u32_(5).text("security.selinux")).error,
            ENODATA);
  EXPECT_EQ(create("user.colour", 0, ""), 0);
  EXPECT_EQ(client->call(p9::Type::kXattrwalk, Fields().u32_(1).u32_(5).text("user.colour")).error, ENODATA);
}

TEST_P(ReadOnlyServer, ListingLeavesTheHostsAccessTimeAlone) {
  const std::string path = (dir / "share/sub").string();
  const timespec old[2] = {{1'000'000, 0}, {0, UTIME_OMIT}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), old, 0), 0);
  ASSERT_EQ(client->walk_to(1, {"sub"}), 0);
  ASSERT_EQ(client->open(1, kReadOnly), 0);
  EXPECT_EQ(client->names(1), (std::vector<std::string>{".", "..", "inner"}));
  struct stat status = {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_atim.tv_sec, 1'000'000);
}

TEST_P(Server, LocksHoldAmongProcesses) {
  using p9::LockType;
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  EXPECT_EQ(client->lock(1, LockType::kRead, 0, 0, 10), -EBADF);
  ASSERT_EQ(client->open(1, kReadWrite), 0);
  EXPECT_EQ(client->lock(1, LockType::kWrite, 0, 100, 10), 0);
  EXPECT_EQ(client->lock(1, LockType::kRead, 50, 1, 11), 1);
  EXPECT_EQ(client->lock(1, LockType::kRead, 100, 0, 11), 0);
  EXPECT_EQ(client->lock(1, LockType::kUnlock, 40, 20, 10), 0);  // a hole in the first
  EXPECT_EQ(client->lock(1, LockType::kWrite, 50, 10, 11), 0);
  EXPECT_EQ(client->lock(1, LockType::kRead, 60, 1, 11), 1);
  Reply held =
      client->call(p9::Type::kGetlock, Fields().u32_(1).u8_(0).u64_(0).u64_(10).u32_(11).text("guest"));
  EXPECT_EQ(held.number(1), 1u);
  EXPECT_EQ(held.number(8), 0u);
  EXPECT_EQ(held.number(8), 40u);
  EXPECT_EQ(held.number(4), 10u);
  // They end with the last open fid.
  EXPECT_EQ(client->clunk(1), 0);
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  ASSERT_EQ(client->open(1, kReadWrite), 0);
  EXPECT_EQ(client->lock(1, LockType::kWrite, 0, 0, 12), 0);
}

TEST_P(Server, StatfsIsNominal) {
  Reply reply = client->call(p9::Type::kStatfs, Fields().u32_(kRoot));
  EXPECT_EQ(reply.number(4), p9::kFileSystemMagic);
  EXPECT_EQ(reply.number(4), 4096u);
}

TEST_P(ReadOnlyServer, RefusesEveryChange) {
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  ASSERT_EQ(client->walk_to(2, {"hello"}), 0);
  EXPECT_EQ(client->open(1, kWriteOnly), EROFS);
  EXPECT_EQ(client->open(1, kReadWrite), EROFS);
  EXPECT_EQ(client->open(1, kReadOnly | O_TRUNC), EROFS);
  EXPECT_EQ(client->open(1, kReadOnly | O_APPEND), 0);
  EXPECT_EQ(client->write(1, 0, "x"), EROFS);
  EXPECT_EQ(client->create(kRoot, "x", kReadOnly, 0644), EROFS);
  EXPECT_EQ(client->mkdir(kRoot, "x"), EROFS);
  EXPECT_EQ(client->symlink(kRoot, "x", "y"), EROFS);
  EXPECT_EQ(client->mknod(kRoot, "x", S_IFIFO), EROFS);
  EXPECT_EQ(client->link(kRoot, 2, "x"), EROFS);
  EXPECT_EQ(client->rename(2, kRoot, "x"), EROFS);
  EXPECT_EQ(client->renameat(kRoot, "hello", kRoot, "x"), EROFS);
  EXPECT_EQ(client->unlink(kRoot, "hello"), EROFS);
  EXPECT_EQ(client->setattr(2, p9::kSetMode, 0777, 0, 0, 0), EROFS);
  EXPECT_EQ(client->call(p9::Type::kXattrcreate, Fields().u32_(2).text("user.x").u64_(1).u32_(0)).error,
            EROFS);
  EXPECT_EQ(client->remove(2), EROFS);
  EXPECT_EQ(client->clunk(2), EBADF);
  EXPECT_EQ(client->call(p9::Type::kFsync, Fields().u32_(1).u32_(0)).error, 0);
  EXPECT_EQ(dir.get("share/hello"), "Hello, share!\n");
}

TEST(ServerOfNothing, SaysSo) {
  try {
    share::Server("/nonexistent/directory", share::ShareAccess::kReadOnly);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    EXPECT_NE(std::string(error.what()).find("/nonexistent/directory"), std::string::npos);
  }
}

}  // namespace
}  // namespace quire::testing
