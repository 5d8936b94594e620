// The supervisor's 9P client against the emulator's 9P server, message by message, over a directory of the
// host.
#include <sys/stat.h>

#include <map>
#include <numeric>

#include "emu/devices/ninep/server.h"
#include "guest/drivers/ninep_channel.h"
#include "guest/fs/ninep/lower.h"
#include "guest/fs/ninep/ninep_fs.h"
#include "guest/fs/page_cache.h"
#include "guest/fs/tmpfs.h"
#include "tests/unit/emu/devices/temp_dir.h"
#include "tests/unit/guest/support/kernel/host_kernel.h"
#include "tests/unit/guest/support/kernel/turns.h"

namespace kernel {
namespace {

using host::error_of;
using host::must;
using quire::share::ShareAccess;

/// Hands requests to a server, while other threads have their turns.
class DirectChannel final : public NinepChannel {
 public:
  DirectChannel(const std::string& directory, ShareAccess access) : server_(directory, access) {}

  StringView tag() const override { return "share"; }
  KResult<usize> exchange(ConstByteSpan request, ConstByteSpan out, ByteSpan reply,
                          Span<const ByteSpan> in) override {
    host::Turns::pass();
    EXPECT_LE(in.size(), max_pieces());
    const usize in_bytes = std::accumulate(in.begin(), in.end(), usize{0},
                                           [](usize sum, ByteSpan piece) { return sum + piece.size(); });
    std::vector<u8> whole(request.begin(), request.end());
    whole.insert(whole.end(), out.begin(), out.end());
    const auto answer = server_.answer(whole, reply.size() + in_bytes);
    constexpr usize kTypeAt = 4;
    if (request[kTypeAt] == static_cast<u8>(quire::arch::ninep::Type::kClunk)) {
      EXPECT_EQ(answer[kTypeAt], quire::arch::ninep::reply_to(quire::arch::ninep::Type::kClunk))
          << "clunked twice";
    }
    const usize first = std::min(answer.size(), reply.size());
    std::copy_n(answer.begin(), first, reply.begin());
    reads += request[kTypeAt] == static_cast<u8>(quire::arch::ninep::Type::kRead) ? 1 : 0;
    usize at = first;
    for (const ByteSpan piece : in) {
      const usize part = std::min(answer.size() - at, piece.size());
      std::copy_n(answer.begin() + static_cast<std::ptrdiff_t>(at), part, piece.begin());
      at += part;
    }
    return answer.size();
  }
  usize max_pieces() const override { return pieces; }
  usize fids() const { return server_.fid_count(); }
  usize reads = 0;    // messages that ask for contents
  usize pieces = 16;  // that one of them may have

 private:
  quire::share::Server server_;
};

DirectChannel* g_channel = nullptr;

}  // namespace

NinepChannel* find_ninep_channel(StringView tag) {
  return g_channel != nullptr && tag == g_channel->tag() ? g_channel : nullptr;
}

namespace {

class SharedTree : public host::KernelTest {
 protected:
  explicit SharedTree(ShareAccess access) : channel_(dir.path().string(), access) {
    g_channel = &channel_;
    dir.put("hello", "Hello, share!\n");
    dir.put("sub/inner", "deeper");
    std::filesystem::create_symlink("hello", dir / "link");
    home_ = context_;
  }
  ~SharedTree() override {
    context_ = home_;
    mount_.reset();
    g_channel = nullptr;
  }
  void use(RefPtr<FileSystem> fs) {
    mount_ = must(mount_internal(std::move(fs)));
    context_.root = context_.cwd = Path{mount_, RefPtr<Dentry>(&mount_->root())};
  }
  auto try_open(const std::string& path, u32 flags, u32 mode = 0644) {
    return vfs::open(context_, context_.cwd, path, flags, mode);
  }
  std::string contents(const std::string& path) { return read_all(*must(try_open(path, kOpenReadOnly))); }
  void put(const std::string& path, const std::string& text) {
    write_at(*must(try_open(path, kOpenReadWrite | kOpenCreate | kOpenTruncate)), 0, text);
  }
  std::vector<std::string> names(const std::string& path) {
    struct Names final : DirectorySink {
      bool entry(StringView name, u64, u8, u64 next) override {
        all.emplace_back(name);
        position = next;
        return all.size() % 7 != 0;  // as a caller with little room
      }
      std::vector<std::string> all;
      u64 position = 0;
    } sink;
    const Path directory = at(path);
    for (usize before = 1; before != sink.all.size();) {
      before = sink.all.size();
      must(directory.inode().read_directory(sink.position, sink));
    }
    std::sort(sink.all.begin(), sink.all.end());
    return sink.all;
  }

  quire::testing::TempDir dir;
  DirectChannel channel_;
  FsContext home_;
  RefPtr<Mount> mount_;  // outlives every path into it
};

struct Share : SharedTree {
  Share() : SharedTree(ShareAccess::kReadWrite) { use(must(make_ninep_fs("share"))); }
};
struct ReadOnlyShare : SharedTree {
  ReadOnlyShare() : SharedTree(ShareAccess::kReadOnly) { use(must(make_ninep_fs("share"))); }
};
struct OverShare : SharedTree {
  OverShare() : SharedTree(ShareAccess::kReadOnly) {
    use(must(make_tmpfs_over({.type = "overlay"}, must(ninep_lower_root("share")))));
  }
  /// The host's tree is as it was.
  void TearDown() override {
    EXPECT_EQ(dir.get("hello"), "Hello, share!\n");
    EXPECT_EQ(dir.get("sub/inner"), "deeper");
    EXPECT_FALSE(dir.has("new"));
  }
};
/// A channel that carries less at a time.
struct OverSmallChannel : SharedTree {
  OverSmallChannel() : SharedTree(ShareAccess::kReadOnly) {
    channel_.pieces = 3;
    use(must(make_tmpfs_over({.type = "overlay"}, must(ninep_lower_root("share")))));
  }
};

TEST(NoShare, IsNoDevice) { EXPECT_EQ(error_of(make_ninep_fs("absent")), "ENODEV"); }

TEST_F(Share, ReadsFilesAndLinks) {
  EXPECT_EQ(contents("hello"), "Hello, share!\n");
  EXPECT_EQ(contents("sub/inner"), "deeper");
  EXPECT_EQ(contents("link"), "Hello, share!\n");
  EXPECT_EQ(error_of(try_open("absent", kOpenReadOnly)), "ENOENT");
  EXPECT_EQ(error_of(try_open("hello/x", kOpenReadOnly)), "ENOTDIR");
  EXPECT_EQ(must(vfs::readlink(context_, must(resolve(context_, context_.cwd, "link", 0)))).view(), "hello");
}

TEST_F(Share, WritesReachTheHostAtSyncAndClose) {
  {
    const auto file = must(try_open("hello", kOpenReadWrite));
    write_at(*file, 7, "world");
    EXPECT_EQ(dir.get("hello"), "Hello, share!\n");
    must(file->sync());
    EXPECT_EQ(dir.get("hello"), "Hello, world!\n");
    write_at(*file, 5000, "far");
  }
  EXPECT_EQ(dir.get("hello").size(), 5003U);
  EXPECT_EQ(dir.get("hello").substr(4998), std::string("\0\0far", 5));
  EXPECT_EQ(contents("hello").size(), 5003U);
}

TEST_F(Share, ChangesOfTheHostShowAtOpen) {
  const auto held = must(try_open("hello", kOpenReadOnly));
  EXPECT_EQ(read_all(*held), "Hello, share!\n");
  dir.put("hello", "Something else, and longer\n");
  EXPECT_EQ(contents("hello"), "Something else, and longer\n");
  EXPECT_EQ(read_all(*held), "Something else, and longer\n");  // one cache for all who have it open
}

TEST_F(Share, AttributesOfNamesInUseAreAskedForAfterASecond) {
  const Path hello = at("hello");
  dir.put("hello", "12");
  EXPECT_EQ(vfs::stat(at("hello")).size, 14);
  host::g_now_ns += 1'100'000'000;
  EXPECT_EQ(vfs::stat(at("hello")).size, 2);
  std::filesystem::remove(dir / "hello");
  host::g_now_ns += 1'100'000'000;
  EXPECT_EQ(error_of(resolve(context_, context_.cwd, "hello", 0)), "ENOENT");
}

TEST_F(Share, AFileThatIsGoneIsGone) {
  const Path hello = at("hello");
  std::filesystem::remove(dir / "hello");
  EXPECT_EQ(error_of(try_open("hello", kOpenReadOnly)), "ENOENT");
}

TEST_F(Share, NamesAreMadeMovedAndRemoved) {
  must(vfs::mkdir(context_, context_.cwd, "made", 0750));
  put("made/file", "text");
  must(vfs::symlink(context_, "/etc/passwd", context_.cwd, "made/sym"));
  must(vfs::link(context_, at("made/file"), context_.cwd, "made/hard"));
  EXPECT_EQ(vfs::stat(at("made/hard")).nlink, 2U);
  EXPECT_EQ(vfs::stat(at("made/hard")).ino, vfs::stat(at("made/file")).ino);
  EXPECT_EQ(dir.get("made/hard"), "text");
  EXPECT_EQ(std::filesystem::read_symlink(dir / "made/sym"), "/etc/passwd");
  const auto held = must(try_open("made/file", kOpenReadOnly));
  must(vfs::rename(context_, context_.cwd, "made", context_.cwd, "moved", 0));
  EXPECT_EQ(dir.get("moved/file"), "text");
  must(vfs::unlink(context_, context_.cwd, "moved/file"));
  EXPECT_EQ(held->inode().links(), 1U);
  must(vfs::unlink(context_, context_.cwd, "moved/hard"));
  EXPECT_EQ(held->inode().links(), 0U);
  EXPECT_EQ(read_all(*held), "text");
  EXPECT_EQ(error_of(vfs::rmdir(context_, context_.cwd, "moved")), "ENOTEMPTY");
  must(vfs::unlink(context_, context_.cwd, "moved/sym"));
  must(vfs::rmdir(context_, context_.cwd, "moved"));
  EXPECT_FALSE(dir.has("moved"));
}

TEST_F(Share, RenameReplaces) {
  must(vfs::rename(context_, context_.cwd, "sub/inner", context_.cwd, "hello", 0));
  EXPECT_EQ(dir.get("hello"), "deeper");
  EXPECT_EQ(contents("hello"), "deeper");
  EXPECT_EQ(error_of(vfs::rename(context_, context_.cwd, "hello", context_.cwd, "link", kRenameExchange)),
            "EINVAL");
}

TEST_F(Share, ListsMoreThanAMessageHolds) {
  for (int i = 0; i < 300; ++i) {
    dir.put("many/file-with-a-rather-long-name-" + std::to_string(i), "");
  }
  EXPECT_EQ(names("many").size(), 300U);
  EXPECT_EQ(names("."), (std::vector<std::string>{"hello", "link", "many", "sub"}));
}

TEST_F(Share, TruncationReachesTheHostAtOnce) {
  must(vfs::truncate(context_, at("hello"), 5));
  EXPECT_EQ(dir.get("hello"), "Hello");
  must(vfs::truncate(context_, at("hello"), 8));
  EXPECT_EQ(dir.get("hello"), std::string("Hello\0\0\0", 8));
  EXPECT_EQ(contents("hello"), std::string("Hello\0\0\0", 8));
}

// A page on its way to the host when the file is cut would make the host's file long again.
TEST_F(Share, TruncationIsNotUndoneByPagesOnTheirWay) {
  for (u64 round = 0; round < 20; ++round) {
    const std::string name = "cut" + std::to_string(round);
    const auto file = must(try_open(name, kOpenReadWrite | kOpenCreate));
    write_at(*file, 0, std::string(3 * kPageBytes, 'x'));
    host::Turns().run({[&] { must(vfs::truncate(context_, at(name), 100)); },
                       [&] {
                         for (u64 i = 0; i < round; ++i) {
                           host::Turns::pass();
                         }
                         must(file->sync());
                       }});
    EXPECT_EQ(vfs::stat(at(name)).size, 100U);
    EXPECT_EQ(dir.get(name).size(), 100U) << round;
  }
}

TEST_F(Share, WhoCreatesAReadOnlyFileMayWriteIt) {
  write_at(*must(try_open("object", kOpenWriteOnly | kOpenCreate | kOpenExclusive, 0444)), 0, "content");
  EXPECT_EQ(dir.get("object"), "content");
  EXPECT_EQ(vfs::stat(at("object")).mode & 0777, 0444U);
}

TEST_F(Share, AttributesReachTheHost) {
  must(vfs::chmod(context_, at("hello"), 0600));
  const vfs::TimeChange when{vfs::TimeChange::How::kSet, {1'000'000'000, 5}};
  must(vfs::set_times(context_, at("hello"), when, when));
  struct stat status;
  ASSERT_EQ(::stat((dir / "hello").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_EQ(status.st_mtim.tv_sec, 1'000'000'000);
  EXPECT_EQ(vfs::stat(at("hello")).mtime.nanoseconds, 5);
  EXPECT_EQ(error_of(vfs::chown(context_, at("hello"), 12345, 12345)), "EPERM");
}

TEST_F(Share, FidsAreGivenBack) {
  const usize before = channel_.fids();
  for (int i = 0; i < 5; ++i) {
    put("new", "x");
    contents("sub/inner");
    names("sub");
    must(vfs::unlink(context_, context_.cwd, "new"));
  }
  EXPECT_EQ(channel_.fids(), before);
}

// Removing a name looks the file up anew, which replaces the fid that the others are using.
TEST_F(Share, ThreadsOpenCloseAndRenameOneFile) {
  const usize before = channel_.fids();
  std::vector<std::function<void()>> jobs;
  for (int me = 0; me < 5; ++me) {
    jobs.push_back([this, me] {
      FsContext context = context_;
      const std::string alias = "alias" + std::to_string(me);
      for (int round = 0; round < 10; ++round) {
        must(vfs::link(context, at("hello"), context.cwd, alias));
        host::Turns::pass();
        const auto file =
            must(try_open(me % 2 == 0 ? alias : "hello", me % 3 == 0 ? kOpenReadWrite : kOpenReadOnly));
        host::Turns::pass();
        must(vfs::unlink(context, context.cwd, alias));
        host::Turns::pass();
        EXPECT_EQ(read_all(*file), "Hello, share!\n");
        host::Turns::pass();
        put("own" + std::to_string(me), std::to_string(round));
        host::Turns::pass();
        must(mount_->fs().sync());
        host::Turns::pass();
        EXPECT_EQ(contents("own" + std::to_string(me)), std::to_string(round));
        host::Turns::pass();
      }
      must(vfs::unlink(context, context.cwd, "own" + std::to_string(me)));
      host::Turns::pass();
    });
  }
  host::Turns().run(jobs);
  EXPECT_EQ(channel_.fids(), before);
  EXPECT_EQ(dir.get("hello"), "Hello, share!\n");
}

TEST_F(ReadOnlyShare, ReadsAndRefuses) {
  EXPECT_EQ(contents("sub/inner"), "deeper");
  EXPECT_EQ(error_of(try_open("hello", kOpenReadWrite)), "EROFS");
  EXPECT_EQ(error_of(try_open("new", kOpenReadWrite | kOpenCreate)), "EROFS");
  EXPECT_EQ(error_of(vfs::unlink(context_, context_.cwd, "hello")), "EROFS");
  EXPECT_EQ(error_of(vfs::truncate(context_, at("hello"), 0)), "EROFS");
  EXPECT_EQ(error_of(vfs::chmod(context_, at("hello"), 0)), "EROFS");
}

// --- a tree of the host's whose changes stay in memory ---

TEST_F(OverShare, StartsAsTheHostsTree) {
  EXPECT_EQ(contents("hello"), "Hello, share!\n");
  EXPECT_EQ(contents("link"), "Hello, share!\n");
  EXPECT_EQ(contents("sub/inner"), "deeper");
  EXPECT_EQ(names("."), (std::vector<std::string>{"hello", "link", "sub"}));
  EXPECT_EQ(error_of(try_open("absent", kOpenReadOnly)), "ENOENT");
  struct stat status;
  ASSERT_EQ(::stat((dir / "hello").c_str(), &status), 0);
  EXPECT_EQ(vfs::stat(at("hello")).mode, status.st_mode);
  EXPECT_EQ(vfs::stat(at("hello")).mtime.seconds, status.st_mtim.tv_sec);
}

TEST_F(OverShare, ChangesStayHere) {
  put("new", "mine");
  write_at(*must(try_open("hello", kOpenReadWrite)), 7, "world");
  EXPECT_EQ(contents("hello"), "Hello, world!\n");
  must(vfs::unlink(context_, context_.cwd, "sub/inner"));
  EXPECT_EQ(error_of(try_open("sub/inner", kOpenReadOnly)), "ENOENT");
  EXPECT_EQ(names("sub"), std::vector<std::string>());
  must(vfs::rmdir(context_, context_.cwd, "sub"));
  must(vfs::mkdir(context_, context_.cwd, "sub", 0755));
  EXPECT_EQ(names("sub"), std::vector<std::string>());
  EXPECT_EQ(names("."), (std::vector<std::string>{"hello", "link", "new", "sub"}));
}

TEST_F(OverShare, DirectoriesOfTheHostMoveWithTheirContents) {
  must(vfs::rename(context_, context_.cwd, "sub", context_.cwd, "moved", 0));
  EXPECT_EQ(contents("moved/inner"), "deeper");
  must(vfs::rename(context_, context_.cwd, "moved/inner", context_.cwd, "hello", 0));
  EXPECT_EQ(contents("hello"), "deeper");
  must(vfs::rmdir(context_, context_.cwd, "moved"));
}

TEST_F(OverShare, AFullDirectoryOfTheHostIsNotRemoved) {
  EXPECT_EQ(error_of(vfs::rmdir(context_, context_.cwd, "sub")), "ENOTEMPTY");
  put("new", "");
  EXPECT_EQ(error_of(vfs::rename(context_, context_.cwd, "new", context_.cwd, "sub", 0)), "EISDIR");
}

TEST_F(OverShare, WhatWasCutOffStaysOff) {
  dir.put("long", std::string(10'000, 'l'));
  must(vfs::truncate(context_, at("long"), 5000));
  must(vfs::truncate(context_, at("long"), 10'000));
  EXPECT_EQ(contents("long"), std::string(5000, 'l') + std::string(5000, '\0'));
}

TEST_F(OverShare, AHoleHidesTheHostsPages) {
  dir.put("long", std::string(20'000, 'l'));
  const auto file = must(try_open("long", kOpenReadWrite));
  must(file->allocate(kFallocPunchHole | kFallocKeepSize, 4096, 8192));
  EXPECT_EQ(read_all(*file),
            std::string(4096, 'l') + std::string(8192, '\0') + std::string(20'000 - 12'288, 'l'));
}

TEST_F(OverShare, AHoleHidesPartsOfTheHostsPages) {
  const std::string text(20'000, 'l');
  for (const char* name : {"long1", "long2", "long3", "long4"}) {
    dir.put(name, text);
  }
  const auto punched = [&](const std::string& name, u64 start, u64 bytes) {
    const auto file = must(try_open(name, kOpenReadWrite));
    must(file->allocate(kFallocPunchHole | kFallocKeepSize, start, bytes));
    return read_all(*file);
  };
  const auto expected = [&](u64 start, u64 bytes) {
    return std::string(text).replace(start, bytes, std::string(bytes, '\0'));
  };
  EXPECT_EQ(punched("long1", 5000, 100), expected(5000, 100));
  EXPECT_EQ(punched("long2", 5000, 8000), expected(5000, 8000));
  EXPECT_EQ(punched("long3", 4096, 5000), expected(4096, 5000));
  EXPECT_EQ(punched("long4", 19'000, 1000), expected(19'000, 1000));
}

TEST_F(OverShare, NamesOfOneFileAreOneFile) {
  std::filesystem::create_hard_link(dir / "hello", dir / "sub/also");
  write_at(*must(try_open("hello", kOpenReadWrite)), 0, "J");
  EXPECT_EQ(contents("sub/also"), "Jello, share!\n");
  must(vfs::unlink(context_, context_.cwd, "hello"));
  EXPECT_EQ(vfs::stat(at("sub/also")).nlink, 1U);
}

TEST_F(OverShare, FewFilesAreOpenOnTheHost) {
  for (int i = 0; i < 200; ++i) {
    dir.put("many/" + std::to_string(i), "file " + std::to_string(i));
  }
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 200; ++i) {
      EXPECT_EQ(contents("many/" + std::to_string(i)), "file " + std::to_string(i));
    }
  }
  EXPECT_LT(channel_.fids(), 80U);
}

TEST_F(OverShare, ThreadsReadMoreFilesThanAreOpen) {
  constexpr int kFiles = 100;
  constexpr int kPages = 3;
  for (int i = 0; i < kFiles; ++i) {
    std::string text;
    for (int page = 0; page < kPages; ++page) {
      text += std::string(kPageBytes, static_cast<char>('!' + (i + page) % 90));
    }
    dir.put("many/" + std::to_string(i), text);
  }
  std::vector<std::function<void()>> jobs;
  for (int me = 0; me < 6; ++me) {
    jobs.push_back([this, me] {
      for (int turn = 0; turn < kFiles * kPages; ++turn) {
        const int i = (turn * (me < 3 ? 1 : 2 * me + 1) + me / 2) % kFiles;
        const int page = (turn / kFiles + me) % kPages;
        const auto file = must(try_open("many/" + std::to_string(i), kOpenReadOnly));
        host::Turns::pass();
        const auto frame = must(file->inode().page_cache()->get(static_cast<u64>(page)));
        host::Turns::pass();
        EXPECT_EQ(*frame_data(frame.get()), '!' + (i + page) % 90) << i << " page " << page;
        host::Turns::pass();
      }
    });
  }
  host::Turns().run(jobs);
  EXPECT_LT(channel_.fids(), 80U);
}

/// Page n is full of '!' + n.
std::string pages_of_text(int count) {
  std::string text;
  for (int page = 0; page < count; ++page) {
    text += std::string(kPageBytes, static_cast<char>('!' + page));
  }
  return text;
}

TEST_F(OverShare, WhoReadsInOrderReads64KibAtATime) {
  dir.put("file", pages_of_text(40));
  channel_.reads = 0;
  EXPECT_EQ(contents("file"), pages_of_text(40));
  EXPECT_EQ(channel_.reads, 3U);
}

TEST_F(OverSmallChannel, ReadsWhatItCarriesAtATime) {
  dir.put("file", pages_of_text(20) + "end");
  EXPECT_EQ(contents("file"), pages_of_text(20) + "end");
}

TEST_F(OverShare, APageInTheMiddleIsReadAlone) {
  dir.put("file", pages_of_text(40));
  const auto file = must(try_open("file", kOpenReadOnly));
  channel_.reads = 0;
  const auto frame = must(file->inode().page_cache()->get(21, ReadMore::kIfInOrder));
  EXPECT_EQ(*frame.data(), '!' + 21);
  EXPECT_EQ(channel_.reads, 1U);
  EXPECT_EQ(file->inode().page_cache()->pages(), 1U);
}

TEST_F(OverShare, AFaultReadsTheNeighboursThatAreMissing) {
  dir.put("file", pages_of_text(40));
  const auto file = must(try_open("file", kOpenReadOnly));
  PageCache& cache = *file->inode().page_cache();
  must(cache.get(18));
  channel_.reads = 0;
  const auto frame = must(cache.get(21, ReadMore::kAround));
  EXPECT_EQ(*frame.data(), '!' + 21);
  EXPECT_EQ(channel_.reads, 1U);
  EXPECT_EQ(cache.pages(), 14U);  // 18, and 19 to 31
  for (u64 page = 19; page < 32; ++page) {
    EXPECT_EQ(*frame_data(cache.peek(page)), static_cast<u8>('!' + page));
  }
  EXPECT_EQ(cache.peek(17), nullptr);
  must(cache.get(38, ReadMore::kAround));
  EXPECT_EQ(cache.pages(), 22U);  // nothing behind the end
}

// Else who writes without end keeps everybody else from reading.
TEST_F(Share, WhatIsWrittenElsewhereInTheFileMakesNoReadAnew) {
  dir.put("file", pages_of_text(48));
  const auto file = must(try_open("file", kOpenReadWrite));
  PageCache& cache = *file->inode().page_cache();
  must(cache.get(0));
  channel_.reads = 0;
  host::Turns().run({[&] {
                       for (int round = 0; round < 100; ++round) {
                         write_at(*file, 0, "written");
                         must(file->sync());
                       }
                     },
                     [&] {
                       for (u64 page = 1; page < 16; ++page) {
                         EXPECT_EQ(*must(cache.get(page)).data(), '!' + page);
                       }
                       must(cache.get(20, ReadMore::kAround));
                       must(cache.get(40, ReadMore::kAround));
                     }});
  EXPECT_EQ(channel_.reads, 17U);
}

TEST_F(OverShare, PagesThatAreCutOffWhileTheyAreReadDoNotComeBack) {
  for (int round = 0; round < 20; ++round) {
    dir.put("file", pages_of_text(32));
    const auto file = must(try_open("file", kOpenReadWrite));
    PageCache& cache = *file->inode().page_cache();
    std::vector<std::function<void()>> jobs;
    for (u64 first = 0; first < 4; ++first) {
      jobs.push_back([&cache, first] {
        for (u64 page = first; page < 32; page += 5) {
          must(cache.get(page, ReadMore::kAround));
        }
      });
    }
    jobs.push_back([&] {
      for (int turn = 0; turn < round % 7; ++turn) {
        host::Turns::pass();
      }
      must(file->truncate(9 * kPageBytes + 5));
      // Whoever asked for a page by its number may have it; nothing that came along with it stays, nor what
      // it held.
      must(file->truncate(32 * kPageBytes));
    });
    host::Turns().run(jobs);
    for (u64 page = 9; page < 32; ++page) {
      const auto frame = must(cache.get(page));
      EXPECT_EQ(frame.data()[5], 0) << "round " << round << " page " << page;
    }
  }
}

// What is behind the end is no zeroes to who reads, and nothing to map.
TEST_F(Share, NothingIsBehindTheEndOfAFileThatIsCutWhileItIsRead) {
  for (int round = 0; round < 40; ++round) {
    dir.put("file", pages_of_text(4));
    const auto cut = must(try_open("file", kOpenReadWrite));
    const auto file = must(try_open("file", kOpenReadOnly));
    host::Turns().run({[&] { must(cut->truncate(kPageBytes + 5)); },
                       [&] {
                         for (int turn = 0; turn < round % 4; ++turn) {
                           host::Turns::pass();
                         }
                         if (round % 2 == 0) {
                           const std::string text = read_all(*file, 3 * kPageBytes);
                           EXPECT_EQ(text, pages_of_text(4).substr(3 * kPageBytes, text.size())) << round;
                           return;
                         }
                         const auto page = file->operations().fault(*file, 3, Access::kRead);
                         EXPECT_EQ(page.ok(), file->inode().size() > 3 * kPageBytes) << round;
                       }});
  }
}

TEST_F(OverShare, DeepTreesAreWalked) {
  std::string path = "d";
  for (int i = 0; i < 40; ++i) {
    path += "/d";
  }
  dir.put(path + "/end", "far down");
  EXPECT_EQ(contents(path + "/end"), "far down");
}

}  // namespace
}  // namespace kernel
