// Drives the 9P server as a hostile client would, on a scratch directory beside files that must not change.
//
// The input is a list of steps: requests of every type whose fields come from small sets of telling values
// (fids in use, names that exist, lead up, out or nowhere, flags and offsets at the edges), raw bytes as a
// request, and changes of the tree by the host between requests. After each step it checks what is always
// true: a reply has the form of one and is no larger than allowed, and nothing outside of the directory
// was made, changed or removed.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "emu/base/assert.h"
#include "emu/devices/ninep/server.h"
#include "tests/unit/emu/devices/ninep/client.h"
#include "tests/unit/emu/devices/temp_dir.h"

namespace quire {
namespace {

namespace fs = std::filesystem;
using arch::ninep::Type;
using testing::Fields;

class Input {
 public:
  explicit Input(std::span<const u8> bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  u8 byte() {
    const auto piece = take(1);
    return piece.empty() ? 0 : static_cast<u8>(piece[0]);
  }
  u64 word() {
    const std::string piece = take(8);
    u64 value = 0;
    std::memcpy(&value, piece.data(), piece.size());
    return value;
  }
  std::string take(std::size_t count) {
    const auto piece = bytes_.first(std::min(count, bytes_.size()));
    bytes_ = bytes_.subspan(piece.size());
    return {piece.begin(), piece.end()};
  }

 private:
  std::span<const u8> bytes_;
};

/// outer/{secret, beside/}, and outer/share/, which is the share.
class Scratch {
 public:
  Scratch() {
    dir_.put("secret", "outside");
    dir_.put("beside/file", "outside");
    before_ = look();
  }
  fs::path share() const { return dir_ / "share"; }

  /// The share as each input finds it. Whether the outside changed is judged from here on.
  void renew() {
    fs::remove_all(share());
    dir_.put("share/hello", "Hello, share!\n");
    dir_.put("share/sub/inner", "deeper");
    dir_.put("share/sub/more/last", std::string(10'000, 'l'));
    fs::create_symlink("../secret", share() / "out");
    fs::create_directory_symlink("..", share() / "up");
    fs::create_symlink(dir_ / "beside", share() / "absolute");
    mkfifo((share() / "fifo").c_str(), 0600);
    before_ = look();
  }
  void check() const { QUIRE_ASSERT(look() == before_); }

  /// What somebody on the host does meanwhile, within the share.
  void interfere(u8 how) const {
    const std::string sub = share() / "sub", up = share() / "up", hello = share() / "hello",
                      out = share() / "out";
    switch (how % 6) {
      case 0:
        renameat2(AT_FDCWD, sub.c_str(), AT_FDCWD, up.c_str(), RENAME_EXCHANGE);
        break;
      case 1:
        renameat2(AT_FDCWD, hello.c_str(), AT_FDCWD, out.c_str(), RENAME_EXCHANGE);
        break;
      case 2:
        (void)!symlink("../beside", (share() / "new").c_str());
        break;
      case 3:
        std::rename((share() / "new").c_str(), sub.c_str());
        break;
      case 4:
        unlink(hello.c_str());
        break;
      default:
        mkdir((share() / "new").c_str(), 0700);
    }
  }

 private:
  struct Seen {
    std::vector<std::string> names;
    std::vector<std::array<long, 6>> marks;
    bool operator==(const Seen&) const = default;
  };
  Seen look() const {
    Seen seen;
    for (const char* name : {"", "secret", "beside", "beside/file"}) {
      struct stat status = {};
      QUIRE_ASSERT(::stat((dir_ / name).c_str(), &status) == 0);
      seen.marks.push_back({status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
                            status.st_ctim.tv_nsec, static_cast<long>(status.st_mode), status.st_size});
    }
    for (const auto& entry : fs::directory_iterator(dir_.path())) {
      seen.names.push_back(entry.path().filename());
    }
    return seen;
  }

  testing::TempDir dir_;
  Seen before_;
};

constexpr std::array<Type, 28> kTypes = {
    Type::kStatfs,   Type::kLopen,   Type::kLcreate,   Type::kSymlink,    Type::kMknod,    Type::kRename,
    Type::kReadlink, Type::kGetattr, Type::kSetattr,   Type::kReaddir,    Type::kFsync,    Type::kLock,
    Type::kGetlock,  Type::kLink,    Type::kMkdir,     Type::kRenameat,   Type::kUnlinkat, Type::kVersion,
    Type::kAuth,     Type::kAttach,  Type::kFlush,     Type::kWalk,       Type::kRead,     Type::kWrite,
    Type::kClunk,    Type::kRemove,  Type::kXattrwalk, Type::kXattrcreate};

u32 fid(Input& in) {
  const u8 choice = in.byte();
  return choice == 255 ? arch::ninep::kNoFid : choice % 8;
}

std::string name(Input& in) {
  static const std::vector<std::string> kNames = {"hello",
                                                  "sub",
                                                  "inner",
                                                  "more",
                                                  "last",
                                                  "out",
                                                  "up",
                                                  "absolute",
                                                  "fifo",
                                                  "new",
                                                  "..",
                                                  ".",
                                                  "",
                                                  "/",
                                                  "../secret",
                                                  "beside",
                                                  std::string(255, 'n'),
                                                  std::string(256, 'n'),
                                                  "a/b",
                                                  "/etc/passwd",
                                                  "secret",
                                                  "share",
                                                  std::string("x\0y", 3),
                                                  "user.a",
                                                  "user."};
  const u8 choice = in.byte();
  return choice < 200 ? kNames[choice % kNames.size()] : in.take(choice % 16);
}

u32 flags(Input& in) {
  constexpr u32 kFlags[] = {0, 1, 2, 3, 01000, 02000, 0200, 0200000, 0400000, 01102, 010000000, 0xffff'ffff};
  const u8 choice = in.byte();
  return choice < 128 ? kFlags[choice % std::size(kFlags)] : static_cast<u32>(in.word());
}

u64 offset(Input& in) {
  constexpr u64 kOffsets[] = {0, 1, 4095, 4096, 1 << 20, u64{1} << 31, u64{1} << 40, ~u64{0} >> 1, ~u64{0}};
  const u8 choice = in.byte();
  // What is written must fit the host's disk: sparse or not, a file ends well before a gigabyte.
  return choice < 128 ? kOffsets[choice % std::size(kOffsets)] : choice;
}

/// Sizes stay small where the host would allocate.
u64 small_offset(Input& in) { return offset(in) % (1 << 22); }

Fields fields_of(Type type, Input& in) {
  Fields f;
  switch (type) {
    case Type::kLopen:
      return f.u32_(fid(in)).u32_(flags(in));
    case Type::kLcreate:
      return f.u32_(fid(in)).text(name(in)).u32_(flags(in)).u32_(in.byte() * 31).u32_(0);
    case Type::kSymlink:
      return f.u32_(fid(in)).text(name(in)).text(name(in)).u32_(0);
    case Type::kMknod:
      return f.u32_(fid(in)).text(name(in)).u32_(u32{in.byte()} << 12 | 0644).u32_(1).u32_(5).u32_(0);
    case Type::kRename:
      return f.u32_(fid(in)).u32_(fid(in)).text(name(in));
    case Type::kGetattr:
      return f.u32_(fid(in)).u64_(~u64{0});
    case Type::kSetattr:
      f.u32_(fid(in)).u32_(in.byte() | (in.byte() & 1) << 8).u32_(u32{in.byte()} << 4 | 0400);
      f.u32_(in.byte()).u32_(in.byte()).u64_(small_offset(in));
      return f.u64_(offset(in)).u64_(in.byte()).u64_(offset(in)).u64_(in.byte());
    case Type::kXattrwalk:
      return f.u32_(fid(in)).u32_(fid(in)).text(name(in));
    case Type::kXattrcreate:
      return f.u32_(fid(in)).text(name(in)).u64_(offset(in)).u32_(in.byte() % 4);
    case Type::kReaddir:
    case Type::kRead:
      return f.u32_(fid(in)).u64_(offset(in)).u32_(flags(in));
    case Type::kLock:
      f.u32_(fid(in)).u8_(in.byte() % 4).u32_(0).u64_(offset(in)).u64_(offset(in));
      return f.u32_(in.byte() % 3).text(name(in));
    case Type::kGetlock:
      return f.u32_(fid(in))
          .u8_(in.byte() % 4)
          .u64_(offset(in))
          .u64_(offset(in))
          .u32_(in.byte() % 3)
          .text("c");
    case Type::kLink:
      return f.u32_(fid(in)).u32_(fid(in)).text(name(in));
    case Type::kMkdir:
      return f.u32_(fid(in)).text(name(in)).u32_(0700 | in.byte()).u32_(0);
    case Type::kRenameat:
      return f.u32_(fid(in)).text(name(in)).u32_(fid(in)).text(name(in));
    case Type::kUnlinkat:
      return f.u32_(fid(in)).text(name(in)).u32_((in.byte() & 1) * 0x200u);
    case Type::kVersion:
      return f.u32_(4096 + in.byte() * 64).text(in.byte() % 8 != 0 ? "9P2000.L" : name(in));
    case Type::kAttach:
      return f.u32_(fid(in))
          .u32_(arch::ninep::kNoFid)
          .text("")
          .text(in.byte() % 4 != 0 ? "" : name(in))
          .u32_(0);
    case Type::kWalk: {
      f.u32_(fid(in)).u32_(fid(in));
      const u8 count = in.byte() % 18;
      f.u16_(count);
      for (u8 i = 0; i < count; ++i) {
        f.text(name(in));
      }
      return f;
    }
    case Type::kWrite: {
      f.u32_(fid(in)).u64_(small_offset(in));
      const std::string data = in.take(in.byte());
      return f.u32_(data.size()).raw(data);
    }
    case Type::kFsync:
      return f.u32_(fid(in)).u32_(1);
    case Type::kFlush:
      return f.u16_(1);
    default:
      return f.u32_(fid(in));
  }
}

void exchange(share::Server& server, std::span<const u8> request, std::size_t room) {
  const std::span<const u8> reply = server.answer(request, room);
  QUIRE_ASSERT(server.fid_count() <= 8 + 1);
  if (reply.empty()) {
    QUIRE_ASSERT(request.size() < arch::ninep::kHeaderBytes || room < arch::ninep::kErrorBytes);
    return;
  }
  u32 size = 0;
  std::memcpy(&size, reply.data(), sizeof size);
  QUIRE_ASSERT(size == reply.size() && size <= room && size <= share::Server::kMaxMessageBytes);
  QUIRE_ASSERT(reply[4] == static_cast<u8>(Type::kRlerror) || reply[4] == static_cast<u8>(request[4] + 1));
  QUIRE_ASSERT(std::memcmp(&reply[5], &request[5], 2) == 0);
}

void step(Scratch& scratch, share::Server& server, Input& in) {
  const u8 choice = in.byte();
  if (choice >= 248) {
    scratch.interfere(in.byte());
    return;
  }
  if (choice >= 240) {
    const std::string raw = in.take(in.byte());
    exchange(server, {reinterpret_cast<const u8*>(raw.data()), raw.size()}, 4096);
    return;
  }
  const Type type = kTypes[choice % kTypes.size()];
  std::vector<u8> request = testing::NinepClient::encode(type, fields_of(type, in));
  const u8 bend = in.byte();
  if (bend >= 240) {  // cut short, with the size as it was or made to fit
    request.resize(request.size() - std::min<std::size_t>(request.size(), bend - 239));
    if ((bend & 1) != 0 && request.size() >= 4) {
      request[0] = static_cast<u8>(request.size());
      request[1] = static_cast<u8>(request.size() >> 8);
    }
  }
  exchange(server, request, bend < 200 ? 8192 : bend - 200);
}

}  // namespace
}  // namespace quire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quire;
  // In memory where there is such a place: every input makes the tree anew.
  static const bool chosen = fs::exists("/dev/shm") && setenv("TMPDIR", "/dev/shm", 0) == 0;
  static_cast<void>(chosen);
  static Scratch scratch;
  scratch.renew();
  Input in({data, size});
  const u8 setup = in.byte();
  share::Server server(
      scratch.share(), (setup & 3) == 0 ? share::ShareAccess::kReadOnly : share::ShareAccess::kReadWrite,
      (setup & 4) == 0 ? share::PathResolution::kOpenat2 : share::PathResolution::kComponents);
  if ((setup & 8) == 0) {
    testing::NinepClient client([&](std::span<const u8> request) {
      const auto reply = server.answer(request, 4096);
      return std::vector<u8>(reply.begin(), reply.end());
    });
    QUIRE_ASSERT(client.start() == 0);
  }
  for (int steps = 0; steps < 100 && !in.empty(); ++steps) {
    step(scratch, server, in);
    scratch.check();
  }
  return 0;
}
