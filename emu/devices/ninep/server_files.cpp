// Opening, reading, writing and locking; see server.h.
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "emu/devices/ninep/server.h"
#include "quire/arch/linux/fcntl.h"

namespace quire::share {

using arch::Err;
using namespace arch::ninep;  // NOLINT(google-build-using-namespace): the protocol's names

namespace {

static_assert(arch::kOpenAppend == O_APPEND && arch::kOpenTruncate == O_TRUNC &&
              arch::kOpenDsync == O_DSYNC && arch::kOpenExclusive == O_EXCL &&
              arch::kOpenDirectory == O_DIRECTORY && arch::kOpenAccessMask == O_ACCMODE);

/// What of a client's flags the host hears of.
constexpr u32 kHostFlags = O_ACCMODE | O_TRUNC | O_APPEND | O_DSYNC | O_SYNC;
constexpr u32 kFilePermissions = 01777;  // nobody's identity is lent out

// Prices of last_cost().
constexpr u64 kEntryCost = 256;     ///< of a directory's entry that is listed, or looked up to be told
constexpr u64 kSyncCost = 1 << 20;  ///< as virtio-blk's flush
constexpr u64 kLockCost = 32;       ///< of a lock that is looked at

bool opens_to_change(u32 flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0; }

/// pread or pwrite of a whole span, as far as the host goes.
template <class Step>
HostResult<std::size_t> transfer(std::size_t len_bytes, Step&& step) {
  std::size_t done = 0;
  while (done < len_bytes) {
    const ssize_t count = step(done);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0 && done == 0) {
      return Err(errno);
    }
    if (count <= 0) {
      break;
    }
    done += static_cast<std::size_t>(count);
  }
  return done;
}

}  // namespace

/// Without O_NOATIME a read-only share would change the host's access times; only a file's owner may ask.
HostResult<Fd> Server::open_with(const Located& located, u32 flags) {
  if (S_ISDIR(located.status.st_mode)) {
    if (opens_to_change(flags)) {
      return Err(EISDIR);
    }
    flags = O_RDONLY | O_DIRECTORY;
  } else if ((flags & O_DIRECTORY) != 0) {
    return Err(ENOTDIR);
  } else {
    flags &= kHostFlags;
  }
  auto quiet = HostDir::open(located.fd, static_cast<int>(flags) | O_NOATIME);
  if (quiet.ok() || quiet.error() != EPERM) {
    return quiet;
  }
  return HostDir::open(located.fd, static_cast<int>(flags));
}

Server::Outcome Server::lopen(Request& request) {
  const u32 number = request.in.get<u32>();
  const u32 flags = request.in.get<u32>();
  if (!request.in.complete() || (flags & O_ACCMODE) == O_ACCMODE) {
    return Err(EINVAL);
  }
  Fid* const fid = TRY(find(number));
  if (fid->file || fid->attribute) {
    return Err(EBUSY);
  }
  if (!writable() && opens_to_change(flags)) {
    return Err(EROFS);
  }
  const Located located = TRY(locate(*fid->node));
  Quota::Holding slot = TRY(take_slot());
  Fd file = TRY(open_with(located, flags));
  const struct stat status = TRY(HostDir::status(file));
  fid->file = std::move(file);
  fid->slot = std::move(slot);
  fid->durable = (flags & (O_DSYNC | O_SYNC)) != 0;
  request.out.qid(qid_of(status));
  request.out.put(u32{0});  // iounit: whatever fits a message
  return {};
}

/// An existing regular file is opened, unless O_EXCL forbids it.
HostResult<Fd> Server::create(const Located& directory, const std::string& name, u32 flags, u32 permissions) {
  const int host_flags = static_cast<int>(flags & kHostFlags & ~u32{O_TRUNC}) | O_CREAT | O_EXCL |
                         O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  auto created = host_fd(::openat(directory.fd.get(), name.c_str(), host_flags, permissions));
  if (created.ok()) {
    // Whatever the host's umask took away.
    TRY(host_call(::fchmod(created.value().get(), permissions)));
    return created;
  }
  if (created.error() != EEXIST || (flags & O_EXCL) != 0) {
    return created;
  }
  const Located present = TRY(locate_child(directory, name));
  if (!S_ISREG(present.status.st_mode)) {
    return Err(S_ISDIR(present.status.st_mode) ? EISDIR : EEXIST);
  }
  return open_with(present, flags);
}

// The fid that named the directory becomes the new file.
Server::Outcome Server::lcreate(Request& request) {
  const u32 number = request.in.get<u32>();
  const std::string name(request.in.text());
  const u32 flags = request.in.get<u32>();
  const u32 permissions = request.in.get<u32>() & kFilePermissions;
  request.in.get<u32>();  // gid: the host's user's
  if (!request.in.complete() || (flags & O_ACCMODE) == O_ACCMODE) {
    return Err(EINVAL);
  }
  if (const int error = check_name(name); error != 0) {
    return Err(error);
  }
  Fid* const fid = TRY(find(number));
  if (fid->file || fid->attribute) {
    return Err(EBUSY);
  }
  const Located directory = TRY(locate_directory(*fid->node));
  Quota::Holding slot = TRY(take_slot());
  Fd file = TRY(create(directory, name, flags, permissions));
  const struct stat status = TRY(HostDir::status(file));
  fid->node = Node::child(fid->node, name, identity_of(status));
  fid->file = std::move(file);
  fid->slot = std::move(slot);
  fid->durable = (flags & (O_DSYNC | O_SYNC)) != 0;
  request.out.qid(qid_of(status));
  request.out.put(u32{0});
  return {};
}

/// What a read may give behind its count.
std::size_t Server::data_room(const Request& request, u32 wanted_bytes) {
  const std::size_t room = request.out.room();
  return room < sizeof(u32) ? 0 : std::min<std::size_t>(wanted_bytes, room - sizeof(u32));
}

Server::Outcome Server::read(Request& request) {
  const u32 number = request.in.get<u32>();
  const u64 offset = request.in.get<u64>();
  const u32 wanted = request.in.get<u32>();
  if (!request.in.complete()) {
    return Err(EINVAL);
  }
  const Fid* const fid = TRY(find(number));
  const std::size_t room = data_room(request, wanted);
  if (fid->attribute && fid->attribute->way == Attribute::Way::kToClient) {
    const std::vector<u8>& value = fid->attribute->value;
    const u64 at = std::min<u64>(offset, value.size());
    const std::size_t count = std::min<u64>(room, value.size() - at);
    request.out.put(static_cast<u32>(count));
    request.out.bytes(std::span(value).subspan(at, count));
    return {};
  }
  if (!fid->file) {
    return Err(EBADF);
  }
  const std::size_t count_at = request.out.size();
  request.out.put(u32{0});
  const std::span<u8> data = request.out.reserve(room);
  const std::size_t count = TRY(transfer(data.size(), [&](std::size_t done) {
    return ::pread(fid->file.get(), data.data() + done, data.size() - done,
                   static_cast<off_t>(offset + done));
  }));
  request.out.resize_to(count_at + sizeof(u32) + count);
  request.out.patch(count_at, static_cast<u32>(count));
  return {};
}

Server::Outcome Server::write(Request& request) {
  const u32 number = request.in.get<u32>();
  const u64 offset = request.in.get<u64>();
  const std::span<const u8> data = request.in.bytes(request.in.get<u32>());
  if (!request.in.complete()) {
    return Err(EINVAL);
  }
  Fid* const fid = TRY(find(number));
  if (fid->attribute && fid->attribute->way == Attribute::Way::kFromClient) {
    Attribute& attribute = *fid->attribute;
    if (offset != attribute.value.size() || data.size() > attribute.expected_bytes - attribute.value.size()) {
      return Err(EINVAL);
    }
    attribute.value.insert(attribute.value.end(), data.begin(), data.end());
    request.out.put(static_cast<u32>(data.size()));
    return {};
  }
  if (!fid->file) {
    return Err(EBADF);
  }
  cost_ += fid->durable ? kSyncCost : 0;
  const std::size_t count = TRY(transfer(data.size(), [&](std::size_t done) {
    return ::pwrite(fid->file.get(), data.data() + done, data.size() - done,
                    static_cast<off_t>(offset + done));
  }));
  request.out.put(static_cast<u32>(count));
  return {};
}

// Clients from before Linux 2.6.38 send no datasync.
Server::Outcome Server::fsync(Request& request) {
  const u32 number = request.in.get<u32>();
  const bool data_only = request.in.remaining() > 0 && request.in.get<u32>() != 0;
  if (!request.in.complete()) {
    return Err(EINVAL);
  }
  const Fid* const fid = TRY(find(number));
  if (!fid->file) {
    return Err(EBADF);
  }
  if (!writable()) {
    return {};
  }
  cost_ += kSyncCost;
  return host_call(data_only ? ::fdatasync(fid->file.get()) : ::fsync(fid->file.get()));
}

/// Sorted by name, with "." and ".." in front. The directory is opened again so that each listing begins at
/// the start; as quietly as the fid's descriptor was (open_with).
HostResult<Server::Listing> Server::list(const Fd& directory) {
  const int quiet = ::fcntl(directory.get(), F_GETFL) & O_NOATIME;
  Fd again = TRY(host_fd(::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | quiet)));
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(again.get()), ::closedir);
  if (!stream) {
    return Err(errno);
  }
  again.release();  // the stream's
  Listing listing;
  listing.memory = TRY(take_memory(2 * sizeof(Listing::Entry)));
  listing.entries = {{".", DT_DIR}, {"..", DT_DIR}};
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") {
      continue;
    }
    if (listing.entries.size() >= kMaxDirectoryEntries) {
      return Err(EOVERFLOW);
    }
    cost_ += kEntryCost;
    if (!listing.memory.grow(sizeof(Listing::Entry) + name.size())) {
      return Err(ENOMEM);
    }
    listing.entries.push_back({std::string(name), entry->d_type});
  }
  if (errno != 0) {
    return Err(errno);
  }
  std::sort(listing.entries.begin() + 2, listing.entries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return listing;
}

// An entry's offset is its place in the listing, which is read anew from the start only, so that reading
// on is not confused by what changes meanwhile.
Server::Outcome Server::readdir(Request& request) {
  const u32 number = request.in.get<u32>();
  const u64 offset = request.in.get<u64>();
  const u32 wanted = request.in.get<u32>();
  if (!request.in.complete()) {
    return Err(EINVAL);
  }
  Fid* const fid = TRY(find(number));
  if (!fid->file) {
    return Err(EBADF);
  }
  if (!S_ISDIR(TRY(HostDir::status(fid->file)).st_mode)) {
    return Err(ENOTDIR);
  }
  if (offset == 0 || !fid->listing) {
    fid->listing.reset();
    fid->listing = TRY(list(fid->file));
  }
  const std::size_t room = data_room(request, wanted);
  const std::size_t count_at = request.out.size();
  request.out.put(u32{0});
  const std::size_t data_at = request.out.size();
  const auto& entries = fid->listing->entries;
  for (u64 at = offset; at < entries.size(); ++at) {
    const auto& entry = entries[at];
    const std::size_t entry_bytes = kQidBytes + 8 + 1 + 2 + entry.name.size();
    if (request.out.size() - data_at + entry_bytes > room) {
      break;
    }
    cost_ += kEntryCost;
    put_entry(request, *fid, entry, at + 1);
  }
  const std::size_t count = request.out.size() - data_at;
  if (count == 0 && offset < entries.size()) {
    return Err(EINVAL);  // not even one fits
  }
  request.out.patch(count_at, static_cast<u32>(count));
  if (offset >= entries.size()) {
    fid->listing.reset();  // read to its end
  }
  return {};
}

/// ".." may lead out of the share, and is told as the directory itself. An entry that has gone since the
/// listing was made keeps its place under a number of no file.
void Server::put_entry(Request& request, const Fid& fid, const Listing::Entry& entry, u64 next) {
  struct stat status = {};
  const char* const name = entry.name == ".." ? "." : entry.name.c_str();
  Qid qid{kQidFile, 0, 0};
  u8 type = entry.type;
  if (::fstatat(fid.file.get(), name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0) {
    qid = qid_of(status);
    type = static_cast<u8>(IFTODT(status.st_mode));
  }
  request.out.qid(qid);
  request.out.put(next);
  request.out.put(type);
  request.out.text(entry.name);
}

// --- locks ---------------------------------------------------------------------------------------

namespace {

/// The last byte of a range as fcntl(2) has it: a length of 0 is up to the end of the file.
u64 last_byte(u64 first, u64 len_bytes) {
  return len_bytes == 0 || len_bytes - 1 > ~u64{0} - first ? ~u64{0} : first + len_bytes - 1;
}

}  // namespace

Server::Outcome Server::lock(Request& request) {
  const u32 number = request.in.get<u32>();
  RecordLock wanted;
  wanted.type = request.in.get<LockType>();
  request.in.get<u32>();  // flags: a client that wants to wait asks again
  wanted.first = request.in.get<u64>();
  wanted.last = last_byte(wanted.first, request.in.get<u64>());
  wanted.owner.process = request.in.get<u32>();
  const std::string_view client = request.in.text();
  if (!request.in.complete() || wanted.type > LockType::kUnlock ||
      client.size() > RecordLocks::kMaxClientBytes) {
    return Err(EINVAL);
  }
  const Fid* const fid = TRY(find(number));
  if (!fid->file) {
    return Err(EBADF);
  }
  wanted.owner.client = client;
  wanted.file = numbers_.number(fid->node->identity);
  cost_ += locks_.count() * kLockCost;
  request.out.put(locks_.set(wanted));
  return {};
}

Server::Outcome Server::getlock(Request& request) {
  const u32 number = request.in.get<u32>();
  RecordLock wanted;
  wanted.type = request.in.get<LockType>();
  wanted.first = request.in.get<u64>();
  const u64 len_bytes = request.in.get<u64>();
  wanted.last = last_byte(wanted.first, len_bytes);
  wanted.owner.process = request.in.get<u32>();
  const std::string_view client = request.in.text();
  if (!request.in.complete() || wanted.type > LockType::kUnlock ||
      client.size() > RecordLocks::kMaxClientBytes) {
    return Err(EINVAL);
  }
  const Fid* const fid = TRY(find(number));
  if (!fid->file) {
    return Err(EBADF);
  }
  wanted.owner.client = client;
  wanted.file = numbers_.number(fid->node->identity);
  cost_ += locks_.count() * kLockCost;
  const RecordLock* const held = locks_.conflict(wanted);
  const RecordLock& shown = held != nullptr ? *held : wanted;
  request.out.put(held != nullptr ? held->type : LockType::kUnlock);
  request.out.put(shown.first);
  request.out.put(held == nullptr ? len_bytes : shown.last == ~u64{0} ? 0 : shown.last - shown.first + 1);
  request.out.put(shown.owner.process);
  request.out.text(shown.owner.client);
  return {};
}

}  // namespace quire::share
