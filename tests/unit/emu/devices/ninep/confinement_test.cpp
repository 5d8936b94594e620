// No request and no change of the host's tree leads the 9P server out of its directory, and nothing a
// client sends breaks it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <random>
#include <thread>

#include "tests/unit/emu/devices/ninep/share.h"

namespace quire::testing {
namespace {

using share::PathResolution;

class Confinement : public ShareTest {
 protected:
  /// Nothing beside the share has changed.
  void TearDown() override {
    EXPECT_EQ(dir.get("secret"), "outside");
    std::vector<std::string> beside;
    for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
      beside.push_back(entry.path().filename());
    }
    std::sort(beside.begin(), beside.end());
    EXPECT_EQ(beside, (std::vector<std::string>{"secret", "share"}));
  }
};

INSTANTIATE_TEST_SUITE_P(Resolution, Confinement,
                         ::testing::Values(PathResolution::kOpenat2, PathResolution::kComponents),
                         resolution_name);

const std::vector<std::string> kBadNames = {
    "", ".", "..", "/", "../secret", "a/b", "/etc/passwd", std::string("a\0b", 3), "sub/..", "sub/../.."};

TEST_P(Confinement, NamesAreNamesOfOneComponent) {
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  for (const std::string& name : kBadNames) {
    SCOPED_TRACE(name);
    if (name != "..") {
      EXPECT_EQ(client->walk(kRoot, 9, {name}).error, EINVAL);
    }
    EXPECT_EQ(client->create(kRoot, name, kReadWrite, 0644), EINVAL);
    EXPECT_EQ(client->mkdir(kRoot, name), EINVAL);
    EXPECT_EQ(client->symlink(kRoot, name, "x"), EINVAL);
    EXPECT_EQ(client->mknod(kRoot, name, S_IFIFO | 0644), EINVAL);
    EXPECT_EQ(client->link(kRoot, 1, name), EINVAL);
    EXPECT_EQ(client->rename(1, kRoot, name), EINVAL);
    EXPECT_EQ(client->renameat(kRoot, name, kRoot, "x"), EINVAL);
    EXPECT_EQ(client->renameat(kRoot, "hello", kRoot, name), EINVAL);
    EXPECT_EQ(client->unlink(kRoot, name), EINVAL);
    EXPECT_EQ(client->unlink(kRoot, name, 0x200), EINVAL);
  }
  const std::string long_name(256, 'x');
  EXPECT_EQ(client->walk(kRoot, 9, {long_name}).error, ENAMETOOLONG);
  EXPECT_EQ(client->mkdir(kRoot, long_name), ENAMETOOLONG);
  EXPECT_EQ(client->attach(9, "../share"), EINVAL);
  EXPECT_EQ(client->attach(9, "sub/../.."), EINVAL);
}

TEST_P(Confinement, WalkingUpEndsAtTheRoot) {
  const u64 root = client->getattr(kRoot).qid.path;
  ASSERT_EQ(client->walk_to(1, std::vector<std::string>(16, "..")), 0);
  EXPECT_EQ(client->getattr(1).qid.path, root);
  EXPECT_EQ(client->walk(1, 2, {"secret"}).error, ENOENT);
  ASSERT_EQ(client->attach(3, "sub"), 0);
  ASSERT_EQ(client->walk(3, 4, {"..", "..", ".."}).error, 0);
  EXPECT_EQ(client->getattr(4).qid.path, root);
}

TEST_P(Confinement, LinksAreNeverFollowed) {
  for (const char* name : {"to_secret", "up", "to_hello"}) {
    SCOPED_TRACE(name);
    ASSERT_EQ(client->walk_to(1, {name}), 0);
    EXPECT_EQ(client->getattr(1).qid.type, p9::kQidSymlink);
    EXPECT_EQ(client->open(1, kReadOnly), ENXIO);
    EXPECT_EQ(client->setattr(1, p9::kSetMode, 0777, 0, 0, 0), EOPNOTSUPP);
    EXPECT_EQ(client->setattr(1, p9::kSetSize, 0, 0, 0, 0), EINVAL);
    EXPECT_EQ(client->create(1, "x", kReadWrite, 0644), ENOTDIR);
    EXPECT_EQ(client->mkdir(1, "x"), ENOTDIR);
    EXPECT_EQ(client->walk(1, 2, {"secret"}).error, ENOTDIR);
    EXPECT_EQ(client->walk(1, 2, {"share"}).error, ENOTDIR);
    EXPECT_EQ(client->unlink(1, "secret"), ENOTDIR);
    EXPECT_EQ(client->clunk(1), 0);
  }
  EXPECT_EQ(client->create(kRoot, "to_secret", kWriteOnly | O_TRUNC, 0644), EEXIST);
}

TEST_P(Confinement, ADirectoryReplacedByALinkIsNotFollowed) {
  ASSERT_EQ(client->walk_to(1, {"sub"}), 0);
  ASSERT_EQ(client->walk_to(2, {"sub", "inner"}), 0);
  std::filesystem::rename(dir / "share/sub", dir / "share/other");
  std::filesystem::create_directory_symlink(dir.path(), dir / "share/sub");
  dir.put("secret", "outside");
  EXPECT_EQ(client->open(1, kReadOnly), ESTALE);
  EXPECT_NE(client->open(2, kReadOnly), 0);
  EXPECT_EQ(client->create(1, "x", kReadWrite, 0644), ESTALE);
  EXPECT_NE(client->walk(1, 3, {"secret"}).error, 0);
  EXPECT_EQ(client->unlink(1, "secret"), ESTALE);
  EXPECT_EQ(client->renameat(1, "secret", kRoot, "mine"), ESTALE);
  EXPECT_EQ(client->renameat(kRoot, "hello", 1, "hello"), ESTALE);
}

TEST_P(Confinement, AFileReplacedByALinkIsNotFollowed) {
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  std::filesystem::remove(dir / "share/hello");
  std::filesystem::create_symlink(dir / "secret", dir / "share/hello");
  EXPECT_EQ(client->open(1, kReadWrite), ESTALE);
  EXPECT_EQ(client->setattr(1, p9::kSetSize, 0, 0, 0, 0), ESTALE);
  EXPECT_EQ(client->setattr(1, p9::kSetMode, 0777, 0, 0, 0), ESTALE);
  ASSERT_EQ(client->walk_to(2, {"hello"}), 0);
  EXPECT_EQ(client->open(2, kReadOnly), ENXIO);
}

TEST_P(Confinement, ADirectoryMovedOutIsOutOfReach) {
  ASSERT_EQ(client->walk_to(1, {"sub"}), 0);
  ASSERT_EQ(client->walk_to(2, {"sub", "inner"}), 0);
  const TempDir elsewhere;
  std::filesystem::rename(dir / "share/sub", elsewhere / "sub");
  EXPECT_EQ(client->open(2, kReadOnly), ENOENT);
  EXPECT_EQ(client->create(1, "x", kReadWrite, 0644), ENOENT);
  EXPECT_EQ(client->walk(1, 3, {".."}).error, 0);
  EXPECT_EQ(client->walk(1, 4, {"inner"}).error, ENOENT);
  EXPECT_EQ(elsewhere.get("sub/inner"), "deeper");
}

TEST_P(Confinement, SpecialFilesAreNeverOpened) {
  ASSERT_EQ(mkfifo((dir / "share/fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink("/dev/zero", dir / "share/zero");
  ASSERT_EQ(client->walk_to(1, {"fifo"}), 0);
  EXPECT_EQ(client->open(1, kReadOnly), ENXIO);  // would block, or find a reader's writer
  EXPECT_EQ(client->open(1, kReadWrite), ENXIO);
  EXPECT_EQ(client->setattr(1, p9::kSetSize, 0, 0, 0, 0), EINVAL);
  EXPECT_EQ(client->create(kRoot, "fifo", kReadWrite, 0600), EEXIST);
  EXPECT_EQ(client->getattr(1).mode & S_IFMT, u64{S_IFIFO});
  if (mknod((dir / "share/null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0) {  // as root
    ASSERT_EQ(client->walk_to(2, {"null"}), 0);
    EXPECT_EQ(client->open(2, kReadOnly), ENXIO);
    EXPECT_EQ(client->getattr(2).rdev, 0x103u);
  }
}

// Somebody on the host swaps a directory and a link to the outside, as fast as it goes.
TEST_P(Confinement, RacesOnTheHostNeverLeadOut) {
  std::filesystem::create_directory(dir / "share/race");
  dir.put("share/race/secret", "inside");
  std::filesystem::create_directory_symlink(dir.path(), dir / "share/link");
  std::atomic<bool> stop = false;
  std::thread swapper([&] {
    const std::string race = dir / "share/race", link = dir / "share/link";
    while (!stop) {
      renameat2(AT_FDCWD, race.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE);
    }
  });
  int inside = 0;
  for (int i = 0; i < 2000; ++i) {
    if (client->walk_to(1, {"race", "secret"}) == 0) {
      if (client->open(1, kReadWrite) == 0) {
        const std::string text = client->read_text(1, 0, 100);
        EXPECT_EQ(text, "inside");
        inside += text == "inside" ? 1 : 0;
      }
      client->clunk(1);
    }
    if (client->walk_to(2, {"race"}) == 0) {
      client->create(2, "made", kReadWrite, 0600);
      client->clunk(2);
    }
    if (client->walk_to(2, {"race"}) == 0) {
      client->unlink(2, "made");
      client->clunk(2);
    }
  }
  stop = true;
  swapper.join();
  EXPECT_GT(inside, 0);
}

// --- malformed ---------------------------------------------------------------------------------------

TEST_P(Confinement, NothingButAVersionComesFirst) {
  server->reset();
  EXPECT_EQ(client->attach(0, ""), EPROTO);
  EXPECT_EQ(client->walk(0, 1, {}).error, EPROTO);
}

TEST_P(Confinement, UnknownTypesAreRefused) {
  for (const int type : {0, 6, 7, 9, 13, 99, 106, 107, 112, 114, 124, 255}) {
    EXPECT_EQ(client->exchange(NinepClient::encode(static_cast<p9::Type>(type), Fields())).error, EOPNOTSUPP);
  }
}

TEST_P(Confinement, EveryRequestCutShortOrTooLongIsRefused) {
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  const Fields walk = Fields().u32_(0).u32_(9).u16_(1).text("hello");
  const Fields rename = Fields().u32_(0).text("hello").u32_(0).text("x");
  const Fields create = Fields().u32_(0).text("x").u32_(2).u32_(0644).u32_(0);
  const Fields write = Fields().u32_(1).u64_(0).u32_(3).raw("abc");
  for (const auto& [type, fields] : {std::pair{p9::Type::kWalk, walk},
                                     {p9::Type::kRenameat, rename},
                                     {p9::Type::kLcreate, create},
                                     {p9::Type::kWrite, write}}) {
    const std::vector<u8> whole = fields.bytes();
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
      const std::string part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut));
      EXPECT_EQ(client->call(type, Fields().raw(part)).error, EINVAL);
    }
    EXPECT_EQ(client->call(type, Fields().raw(std::string(whole.begin(), whole.end())).u8_(0)).error, EINVAL);
  }
  EXPECT_EQ(client->walk(kRoot, 9, std::vector<std::string>(17, "..")).error, EINVAL);
  EXPECT_FALSE(dir.has("share/x"));
}

TEST_P(Confinement, ASizeThatLiesIsRefused) {
  std::vector<u8> message = NinepClient::encode(p9::Type::kClunk, Fields().u32_(0));
  for (const u8 size : {0, 7, 10, 12, 255}) {
    message[0] = size;
    EXPECT_EQ(client->exchange(message).error, EINVAL);
  }
  const std::vector<u8> stub = {7, 0, 0, 0, 120, 1};
  EXPECT_TRUE(server->answer(stub, 100).empty());
  EXPECT_TRUE(server->answer(message, 10).empty());  // no room for an error
}

TEST_P(Confinement, AReplyThatDoesNotFitIsAnError) {
  const auto message = NinepClient::encode(p9::Type::kGetattr, Fields().u32_(0).u64_(p9::kAttributesBasic));
  const auto reply = server->answer(message, 50);
  ASSERT_EQ(reply.size(), p9::kErrorBytes);
  EXPECT_EQ(reply[7], EMSGSIZE);
}

/// Whoever gets an error must be able to rely on it.
TEST_P(Confinement, WhatCannotBeAnsweredIsNotDone) {
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  ASSERT_EQ(client->walk_to(2, {}), 0);
  const struct {
    p9::Type type;
    Fields fields;
    u32 answer_bytes;
  } requests[] = {
      {p9::Type::kMkdir, Fields().u32_(0).text("made").u32_(0755).u32_(0), p9::kQidBytes},
      {p9::Type::kSymlink, Fields().u32_(0).text("made").text("x").u32_(0), p9::kQidBytes},
      {p9::Type::kMknod, Fields().u32_(0).text("made").u32_(S_IFREG).u32_(0).u32_(0).u32_(0), p9::kQidBytes},
      {p9::Type::kLcreate, Fields().u32_(2).text("made").u32_(kReadWrite).u32_(0644).u32_(0),
       p9::kQidBytes + 4},
      {p9::Type::kLopen, Fields().u32_(1).u32_(kReadWrite | O_TRUNC), p9::kQidBytes + 4},
      {p9::Type::kXattrwalk, Fields().u32_(0).u32_(9).text(""), 8},
      {p9::Type::kAttach, Fields().u32_(9).u32_(p9::kNoFid).text("").text("").u32_(0), p9::kQidBytes},
      {p9::Type::kWalk, Fields().u32_(0).u32_(9).u16_(1).text("sub"), 2 + p9::kQidBytes},
      {p9::Type::kVersion, Fields().u32_(8192).text("9P2000.L"), 4 + 2 + 8}};
  for (const auto& request : requests) {
    SCOPED_TRACE(static_cast<int>(request.type));
    const auto message = NinepClient::encode(request.type, request.fields);
    for (u32 room = p9::kErrorBytes; room < p9::kHeaderBytes + request.answer_bytes; ++room) {
      const auto reply = server->answer(message, room);
      ASSERT_EQ(reply.size(), p9::kErrorBytes);
      EXPECT_EQ(reply[7], EMSGSIZE);
    }
  }
  EXPECT_FALSE(dir.has("share/made"));
  EXPECT_EQ(dir.get("share/hello"), "Hello, share!\n");
  EXPECT_EQ(client->clunk(9), EBADF);
  EXPECT_EQ(client->open(1, kReadOnly), 0);
  EXPECT_EQ(client->create(2, "made", kReadWrite, 0644), 0);
}

TEST_P(Confinement, FidsAreWhatTheyAre) {
  EXPECT_EQ(client->getattr(77).error, EBADF);
  EXPECT_EQ(client->clunk(77), EBADF);
  EXPECT_EQ(client->walk(kRoot, p9::kNoFid, {}).error, EBADF);
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  EXPECT_EQ(client->walk(kRoot, 1, {}).error, EBADF);  // in use
  ASSERT_EQ(client->open(1, kReadOnly), 0);
  EXPECT_EQ(client->open(1, kReadOnly), EBUSY);
  EXPECT_EQ(client->create(1, "x", kReadWrite, 0644), EBUSY);
  EXPECT_EQ(client->walk(1, 1, {".."}).error, EBUSY);
  EXPECT_EQ(client->readdir(1, 0).size(), 0u);
  EXPECT_EQ(client->call(p9::Type::kReaddir, Fields().u32_(1).u64_(0).u32_(100)).error, ENOTDIR);
  EXPECT_EQ(client->open(kRoot, kReadWrite), EISDIR);
  EXPECT_EQ(client->open(kRoot, 3), EINVAL);
  EXPECT_EQ(client->read(kRoot, 0, 10).error, EBADF);
}

TEST_P(Confinement, FidsAreBounded) {
  int error = 0;
  u32 fid = 1;
  while (error == 0 && fid < 2 * share::Server::kMaxFids) {
    error = client->walk(kRoot, fid++, {}).error;
  }
  EXPECT_EQ(error, EMFILE);
  EXPECT_EQ(server->fid_count(), share::Server::kMaxFids);
  EXPECT_EQ(client->clunk(1), 0);
  EXPECT_EQ(client->walk(kRoot, 1, {}).error, 0);
}

TEST_P(Confinement, OpenFilesOfTheHostAreBoundedOverAllServers) {
  share::Server other((dir / "share").string(), share::ShareAccess::kReadOnly, GetParam());
  NinepClient neighbour([&](std::span<const u8> request) {
    const std::span<const u8> reply = other.answer(request, NinepClient::kMessageBytes);
    return std::vector<u8>(reply.begin(), reply.end());
  });
  ASSERT_EQ(neighbour.start(), 0);
  ASSERT_EQ(neighbour.walk_to(1, {"hello"}), 0);
  const share::Quota& files = share::Server::open_files();
  EXPECT_LE(files.limit(), 4096u);
  int error = 0;
  u32 fid = 0;
  while (error == 0 && fid < share::Server::kMaxFids - 2) {
    ASSERT_EQ(client->walk_to(++fid, {"hello"}), 0);
    error = client->open(fid, kReadOnly);
  }
  EXPECT_EQ(error, ENFILE);
  EXPECT_EQ(fid - 1, files.limit());
  EXPECT_EQ(neighbour.open(1, kReadOnly), ENFILE);
  EXPECT_EQ(client->create(fid, "new", kReadWrite, 0644), ENOTDIR);
  ASSERT_EQ(client->walk_to(fid + 1, {}), 0);
  EXPECT_EQ(client->create(fid + 1, "new", kReadWrite, 0644), ENFILE);
  EXPECT_FALSE(std::filesystem::exists(dir / "share/new"));
  EXPECT_EQ(client->unlink(kRoot, "hello"), ENFILE);  // fids on it would keep it open
  EXPECT_EQ(dir.get("share/hello"), "Hello, share!\n");
  const int own = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_GE(own, 0);
  ::close(own);
  EXPECT_EQ(client->clunk(1), 0);
  EXPECT_EQ(client->open(fid, kReadOnly), 0);
  server->reset();
  EXPECT_EQ(files.used(), 0u);
  EXPECT_EQ(neighbour.open(1, kReadOnly), 0);
}

TEST_P(Confinement, AttributesOnTheirWayAreBoundedInBytes) {
  const auto announce = [&](u32 fid) {
    EXPECT_EQ(client->walk_to(fid, {"hello"}), 0);
    return client
        ->call(p9::Type::kXattrcreate,
               Fields().u32_(fid).text("user.x").u64_(share::Server::kMaxXattrBytes).u32_(0))
        .error;
  };
  int error = 0;
  u32 fid = 0;
  while (error == 0 && fid < share::Server::kMaxFids - 2) {
    error = announce(++fid);
  }
  EXPECT_EQ(error, ENOMEM);
  EXPECT_EQ(fid - 1, share::Server::kMaxRetainedBytes / share::Server::kMaxXattrBytes);
  ASSERT_EQ(client->walk_to(fid + 1, {}), 0);
  ASSERT_EQ(client->open(fid + 1, kReadOnly), 0);
  const auto list = [&] {
    return client->call(p9::Type::kReaddir, Fields().u32_(fid + 1).u64_(0).u32_(1000)).error;
  };
  EXPECT_EQ(list(), ENOMEM);
  EXPECT_EQ(client->clunk(1), EINVAL);  // its value never came
  EXPECT_EQ(list(), 0);
  EXPECT_EQ(announce(1), ENOMEM);  // the listing is held now
  EXPECT_TRUE(client->readdir(fid + 1, 100).empty());
  EXPECT_EQ(client->clunk(1), 0);
  EXPECT_EQ(announce(1), 0);  // it was read to its end
}

TEST_P(Confinement, LocksAreBounded) {
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  ASSERT_EQ(client->open(1, kReadWrite), 0);
  int status = 0;
  u64 at = 0;
  for (; status == 0 && at < 100'000; at += 2) {
    status = client->lock(1, p9::LockType::kRead, at, 1, 1);
  }
  EXPECT_EQ(status, 2);
  EXPECT_EQ(client->lock(1, p9::LockType::kUnlock, 0, 0, 1), 0);
  EXPECT_EQ(client->lock(1, p9::LockType::kRead, ~u64{0}, ~u64{0}, 1), 0);
}

TEST_P(Confinement, NamesOfLockOwnersAreBounded) {
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  ASSERT_EQ(client->open(1, kReadWrite), 0);
  const std::string longest(64, 'n');
  const auto test = [&](const std::string& name) {
    return client->call(p9::Type::kGetlock, Fields().u32_(1).u8_(0).u64_(0).u64_(0).u32_(7).text(name)).error;
  };
  for (const std::size_t len : {65U, 10'000U}) {
    EXPECT_EQ(client->lock(1, p9::LockType::kRead, 0, 0, 1, std::string(len, 'n')), -EINVAL);
    EXPECT_EQ(test(std::string(len, 'n')), EINVAL);
  }
  EXPECT_EQ(client->lock(1, p9::LockType::kWrite, 0, 0, 1, longest), 0);
  EXPECT_EQ(client->lock(1, p9::LockType::kWrite, 0, 0, 1, longest.substr(1)), 1);
  EXPECT_EQ(test(longest), 0);
}

TEST_P(Confinement, ATreeDeeperThanPathsGoEndsInAnError) {
  const std::string name(200, 'd');
  u32 fid = kRoot;
  int error = 0;
  for (u32 depth = 1; depth < 40 && error == 0; ++depth) {
    error = client->mkdir(fid, name);
    if (error == 0) {
      error = client->walk(fid, depth, {name}).error;
      fid = depth;
    }
  }
  EXPECT_EQ(error, ENAMETOOLONG);
  EXPECT_EQ(client->getattr(5).error, 0);
}

TEST_P(Confinement, ReadsAndWritesAtTheEdgesAreErrorsOnly) {
  ASSERT_EQ(client->walk_to(1, {"hello"}), 0);
  ASSERT_EQ(client->open(1, kReadWrite), 0);
  EXPECT_EQ(client->read(1, ~u64{0}, 10).error, EINVAL);
  EXPECT_EQ(client->write(1, ~u64{0}, "x"), EINVAL);
  EXPECT_EQ(client->setattr(1, p9::kSetSize, 0, 0, 0, ~u64{0}), EINVAL);
  Reply reply = client->read(1, 0, 0xffff'ffff);
  EXPECT_EQ(reply.number(4), 14u);
}

TEST_P(Confinement, RandomBytesAreOnlyErrors) {
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::vector<u8> message(7 + random() % 60);
    for (u8& byte : message) {
      byte = static_cast<u8>(random() % (random() % 3 == 0 ? 256 : 4));
    }
    message[0] = static_cast<u8>(message.size());
    message[1] = message[2] = message[3] = 0;
    message[4] = static_cast<u8>(random() % 64 * 2);
    server->answer(message, 4096);
  }
}

}  // namespace
}  // namespace quire::testing
