// A 9P2000.L server of one directory of the host, for one client.
//
// Takes a request, does it at once, and gives the reply. Whatever the request is, the server stays within
// its directory (host_dir.h), within its limits, and in order: a request that is malformed, unknown or
// refused, or whose answer has no room, is answered by kRlerror and has changed nothing. Where the host fails
// in the middle (a file is made and its permissions cannot be set), what is made stays.
//
// So that runs repeat, what the client sees does not depend on the host beyond the files themselves:
// listings are sorted, qid.path counts files in the order of first sight, sizes of directories, block
// counts and statfs are nominal. Owner, permissions, link counts and times are the host's. qid.version
// changes with mtime, ctime and size.
//
// Writable shares: files are created as the host's user with exactly the permissions asked for, but
// never set-user-ID or set-group-ID; owners cannot be changed and device nodes cannot be made (EPERM).
// Of extended attributes, user.* are passed on.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "emu/base/types.h"
#include "emu/devices/ninep/codec.h"
#include "emu/devices/ninep/host_dir.h"
#include "emu/devices/ninep/locks.h"
#include "emu/devices/ninep/quota.h"
#include "emu/devices/ninep/tree.h"
#include "quire/arch/ninep.h"

namespace quire::share {

using arch::ninep::Type;

enum class ShareAccess { kReadOnly, kReadWrite };

class Server {
 public:
  static constexpr u32 kMaxMessageBytes = 1 << 20;
  static constexpr std::size_t kMaxFids = 1 << 16;
  static constexpr std::size_t kMaxDirectoryEntries = 1 << 20;
  static constexpr u32 kMaxXattrBytes = 1 << 16;  ///< as Linux has it
  /// Of listings and extended attributes that fids hold, all together; ENOMEM beyond.
  static constexpr u64 kMaxRetainedBytes = u64{256} << 20;

  /// Throws Error(kFile) when `directory` cannot be shared.
  Server(const std::string& directory, ShareAccess access,
         PathResolution resolution = PathResolution::kDetect);

  /// Back to before the first request, with nothing numbered.
  void reset();

  /// The reply, valid until the next call; empty when `request` is too broken, or `reply_bytes` too few,
  /// for any.
  std::span<const u8> answer(std::span<const u8> request, std::size_t reply_bytes);

  /// What a request may have at most; what the version exchange agreed on.
  u32 message_bytes() const { return message_bytes_; }
  std::size_t fid_count() const { return fids_.size(); }
  /// What the last request cost the host beyond one system call or two and the bytes of its messages, in
  /// bytes that take as long to move (work_budget.h).
  u64 last_cost() const { return cost_; }
  /// The files of the host that all servers of the process hold open for fids: at most 4096, and half of
  /// what the process may have, so that no guest takes every descriptor. ENFILE beyond.
  static Quota& open_files();

 private:
  struct Listing {
    struct Entry {
      std::string name;
      u8 type;
    };
    std::vector<Entry> entries;
    Quota::Holding memory;
  };
  /// An extended attribute on its way to the client or from it.
  struct Attribute {
    enum class Way { kToClient, kFromClient } way = Way::kToClient;
    std::string name;
    u32 flags = 0;
    u32 expected_bytes = 0;
    std::vector<u8> value;
    Quota::Holding memory;
  };
  struct Fid {
    NodeRef node;
    Fd file;               ///< once opened
    Quota::Holding slot;   ///< among open_files(), with `file`
    bool durable = false;  ///< opened so that each write goes to the host's disk
    std::optional<Listing> listing;
    std::optional<Attribute> attribute;
  };
  struct Located {
    Fd fd;
    struct stat status;
  };
  struct Request {
    MessageReader in;
    MessageWriter out;
  };
  using Outcome = HostResult<void>;
  using Handler = Outcome (Server::*)(Request&);
  struct Method {
    Handler handler = nullptr;
    bool changes = false;  ///< refused on a read-only share
    /// Behind the header, of a method that changes a file or a fid and answers with more than an error has:
    /// without room for them it is not begun.
    u32 answer_bytes = 0;
  };

  static Method method_of(Type type);
  Outcome dispatch(Type type, Request& request);
  bool writable() const { return access_ == ShareAccess::kReadWrite; }

  // session (server.cpp)
  Outcome version(Request& request);
  Outcome auth(Request& request);
  Outcome attach(Request& request);
  Outcome flush(Request& request);
  Outcome walk(Request& request);
  Outcome clunk(Request& request);
  Outcome statfs(Request& request);

  // files (server_files.cpp)
  Outcome lopen(Request& request);
  Outcome lcreate(Request& request);
  Outcome read(Request& request);
  Outcome write(Request& request);
  Outcome fsync(Request& request);
  Outcome readdir(Request& request);
  Outcome lock(Request& request);
  Outcome getlock(Request& request);

  // attributes (server_attributes.cpp)
  Outcome getattr(Request& request);
  Outcome setattr(Request& request);
  Outcome readlink(Request& request);
  Outcome xattrwalk(Request& request);
  Outcome xattrcreate(Request& request);

  // names (server_names.cpp)
  Outcome mkdir(Request& request);
  Outcome symlink(Request& request);
  Outcome link(Request& request);
  Outcome mknod(Request& request);
  Outcome rename(Request& request);
  Outcome renameat(Request& request);
  Outcome unlinkat(Request& request);
  Outcome remove(Request& request);

  HostResult<Fid*> find(u32 number);
  /// Room in the table for `number`, which is not in use; EBADF, EMFILE.
  HostResult<void> check_new_fid(u32 number) const;
  Outcome drop(u32 number);
  void drop_all();
  HostResult<Qid> step(NodeRef& node, std::string_view name);
  /// ESTALE when the host has put another file in its place.
  HostResult<Located> locate(const Node& node) const;
  static HostResult<Located> locate_open(const Fid& fid);
  /// The same for a directory that names are to be changed in. ENOTDIR.
  HostResult<Located> locate_directory(const Node& node) const;
  HostResult<Located> locate_child(const Located& directory, std::string_view name) const;
  /// By its open file when it has one.
  HostResult<struct stat> status_of(const Fid& fid) const;
  Qid qid_of(const struct stat& status);
  static HostResult<Fd> open_with(const Located& located, u32 flags);
  HostResult<Fd> create(const Located& directory, const std::string& name, u32 flags, u32 permissions);
  HostResult<Listing> list(const Fd& directory);
  void put_entry(Request& request, const Fid& fid, const Listing::Entry& entry, u64 next);
  static std::size_t data_room(const Request& request, u32 wanted_bytes);
  Outcome store(const Fid& fid);
  Outcome set_size(const Fid& fid, const Located& located, u64 size_bytes);
  Outcome put_new_qid(Request& request, const Located& directory, const std::string& name);
  Outcome move(const NodeRef& from, std::string_view name, const NodeRef& to, std::string_view to_name);
  Outcome unlink(const NodeRef& directory, std::string_view name, u32 flags);
  static HostResult<Quota::Holding> take_slot();
  /// What forget() will need to keep a file that fids stand on.
  static HostResult<Quota::Holding> slot_to_forget(const NodeRef& directory, std::string_view name);
  HostResult<Quota::Holding> take_memory(u64 amount_bytes);
  /// A name was removed or replaced; `victim` was the file.
  void forget(const NodeRef& directory, std::string_view name, Located victim, Quota::Holding slot);
  void forget_number(const Identity& identity, const Fd& file);

  HostDir host_;
  const ShareAccess access_;
  NodeRef root_;
  Numbers numbers_;
  RecordLocks locks_;
  Quota memory_{kMaxRetainedBytes};
  std::unordered_map<u32, Fid> fids_;
  u32 message_bytes_ = 0;  ///< 0: no version agreed on
  std::vector<u8> reply_;
  u64 cost_ = 0;  ///< last_cost
};

}  // namespace quire::share
