// Attributes, link targets and extended attributes; see server.h.
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "emu/devices/ninep/server.h"
#include "quire/arch/linux/stat.h"

namespace quire::share {

using arch::Err;
using namespace arch::ninep;  // NOLINT(google-build-using-namespace): the protocol's names

namespace {

constexpr u64 kDirectoryBytes = 4096;
constexpr u64 kIoBytes = 4096;
constexpr u64 kBlockBytes = 512;
constexpr std::string_view kSharedNamespace = "user.";

void put_time(MessageWriter& out, const timespec& time) {
  out.put(static_cast<u64>(time.tv_sec));
  out.put(static_cast<u64>(time.tv_nsec));
}

/// A time of kSetattr for utimensat(2).
timespec time_to_set(u32 valid, u32 change, u32 change_to, u64 seconds, u64 nanoseconds) {
  timespec time = {};
  time.tv_nsec = UTIME_OMIT;
  if ((valid & change) != 0) {
    time.tv_nsec = UTIME_NOW;
  }
  if ((valid & change) != 0 && (valid & change_to) != 0) {
    time.tv_sec = static_cast<time_t>(seconds);
    time.tv_nsec = static_cast<long>(nanoseconds);
  }
  return time;
}

}  // namespace

Server::Outcome Server::getattr(Request& request) {
  const u32 number = request.in.get<u32>();
  request.in.get<u64>();  // what is wanted; all of it is known
  if (!request.in.complete()) {
    return Err(EINVAL);
  }
  const Fid* const fid = TRY(find(number));
  const struct stat status = TRY(status_of(*fid));
  const bool directory = S_ISDIR(status.st_mode);
  const u64 size = directory ? kDirectoryBytes : static_cast<u64>(status.st_size);
  MessageWriter& out = request.out;
  out.put(kAttributesBasic);
  out.qid(qid_of(status));
  out.put(static_cast<u32>(status.st_mode));
  out.put(static_cast<u32>(status.st_uid));
  out.put(static_cast<u32>(status.st_gid));
  out.put(static_cast<u64>(status.st_nlink));
  out.put(arch::make_device(major(status.st_rdev), minor(status.st_rdev)));
  out.put(size);
  out.put(kIoBytes);
  out.put((size + kBlockBytes - 1) / kBlockBytes);
  put_time(out, status.st_atim);
  put_time(out, status.st_mtim);
  put_time(out, status.st_ctim);
  for (int i = 0; i < 4; ++i) {
    out.put(u64{0});  // birth time, generation, data version: not offered
  }
  return {};
}

/// By the fid's own descriptor where that may write, since the file may have become unwritable by now.
Server::Outcome Server::set_size(const Fid& fid, const Located& located, u64 size_bytes) {
  if (size_bytes > static_cast<u64>(LLONG_MAX)) {
    return Err(EINVAL);
  }
  const off_t size = static_cast<off_t>(size_bytes);
  if (fid.file && (::fcntl(fid.file.get(), F_GETFL) & O_ACCMODE) != O_RDONLY) {
    return host_call(::ftruncate(fid.file.get(), size));
  }
  if (!S_ISREG(located.status.st_mode)) {
    return Err(S_ISDIR(located.status.st_mode) ? EISDIR : EINVAL);
  }
  const Fd file = TRY(HostDir::open(located.fd, O_WRONLY));
  return host_call(::ftruncate(file.get(), size));
}

// Checked first, so that a refusal has changed nothing; then in the order in which the parts may fail.
Server::Outcome Server::setattr(Request& request) {
  MessageReader& in = request.in;
  const u32 number = in.get<u32>();
  const u32 valid = in.get<u32>();
  const u32 mode = in.get<u32>();
  const u32 uid = in.get<u32>();
  const u32 gid = in.get<u32>();
  const u64 size_bytes = in.get<u64>();
  u64 times[4];
  std::generate_n(times, 4, [&] { return in.get<u64>(); });
  constexpr u64 kNanosecondsPerSecond = 1'000'000'000;
  if (!in.complete() || times[1] >= kNanosecondsPerSecond || times[3] >= kNanosecondsPerSecond) {
    return Err(EINVAL);
  }
  const Fid* const fid = TRY(find(number));
  Located located = fid->file ? TRY(locate_open(*fid)) : TRY(locate(*fid->node));
  const struct stat& status = located.status;
  if (((valid & kSetUid) != 0 && uid != status.st_uid) || ((valid & kSetGid) != 0 && gid != status.st_gid)) {
    return Err(EPERM);
  }
  if ((valid & kSetMode) != 0 && S_ISLNK(status.st_mode)) {
    return Err(EOPNOTSUPP);
  }
  if ((valid & kSetSize) != 0) {
    TRY(set_size(*fid, located, size_bytes));
  }
  if ((valid & kSetMode) != 0) {
    const mode_t lent = S_ISDIR(status.st_mode) ? mode_t{S_ISUID} : mode_t{S_ISUID | S_ISGID};
    TRY(host_call(::chmod(HostDir::name_of(located.fd).c_str(), mode & 07777 & ~lent)));
  }
  if ((valid & (kSetAtime | kSetMtime)) != 0) {
    const timespec changes[2] = {time_to_set(valid, kSetAtime, kSetAtimeTo, times[0], times[1]),
                                 time_to_set(valid, kSetMtime, kSetMtimeTo, times[2], times[3])};
    TRY(host_call(::utimensat(located.fd.get(), "", changes, AT_EMPTY_PATH)));
  }
  return {};
}

/// An open file, which may have no name any more.
HostResult<Server::Located> Server::locate_open(const Fid& fid) {
  Fd fd = TRY(host_fd(::fcntl(fid.file.get(), F_DUPFD_CLOEXEC, 0)));
  const struct stat status = TRY(HostDir::status(fd));
  return Located{std::move(fd), status};
}

Server::Outcome Server::readlink(Request& request) {
  const u32 number = request.in.get<u32>();
  if (!request.in.complete()) {
    return Err(EINVAL);
  }
  const Fid* const fid = TRY(find(number));
  const Located located = TRY(locate(*fid->node));
  if (!S_ISLNK(located.status.st_mode)) {
    return Err(EINVAL);
  }
  char target[PATH_MAX];
  const ssize_t len_bytes = ::readlinkat(located.fd.get(), "", target, sizeof target);
  if (len_bytes < 0) {
    return Err(errno);
  }
  request.out.text({target, static_cast<std::size_t>(len_bytes)});
  return {};
}

// --- extended attributes -------------------------------------------------------------------------

namespace {

bool is_shared(std::string_view name) {
  return name.starts_with(kSharedNamespace) && name.size() > kSharedNamespace.size() &&
         name.size() <= XATTR_NAME_MAX && name.find('\0') == name.npos;
}

/// Calls `get(buffer, size)` (getxattr or listxattr) with a buffer that is large enough.
template <class Get>
HostResult<std::vector<u8>> whole_value(Get&& get) {
  std::vector<u8> value(Server::kMaxXattrBytes);
  const ssize_t len_bytes = get(reinterpret_cast<char*>(value.data()), value.size());
  if (len_bytes < 0) {
    return Err(errno);
  }
  value.resize(static_cast<std::size_t>(len_bytes));
  value.shrink_to_fit();
  return value;
}

/// Of NUL-terminated names, those that are passed on.
std::vector<u8> shared_names(const std::vector<u8>& all) {
  std::vector<std::string> names;
  for (auto at = all.begin(); at != all.end();) {
    const auto end = std::find(at, all.end(), u8{0});
    if (std::string name(at, end); is_shared(name)) {
      names.push_back(std::move(name));
    }
    at = end == all.end() ? end : end + 1;
  }
  std::sort(names.begin(), names.end());
  std::vector<u8> joined;
  for (const std::string& name : names) {
    joined.insert(joined.end(), name.begin(), name.end());
    joined.push_back(0);
  }
  return joined;
}

}  // namespace

// The new fid reads a value, or for an empty name the list of names.
Server::Outcome Server::xattrwalk(Request& request) {
  const u32 number = request.in.get<u32>();
  const u32 new_number = request.in.get<u32>();
  const std::string name(request.in.text());
  if (!request.in.complete()) {
    return Err(EINVAL);
  }
  const Fid* const fid = TRY(find(number));
  TRY(check_new_fid(new_number));
  if (!name.empty() && !is_shared(name)) {
    return Err(ENODATA);
  }
  const Located located = TRY(locate(*fid->node));
  const std::string path = HostDir::name_of(located.fd);
  Attribute attribute;
  attribute.value = TRY(whole_value([&](char* buffer, std::size_t size) {
    return name.empty() ? ::listxattr(path.c_str(), buffer, size)
                        : ::getxattr(path.c_str(), name.c_str(), buffer, size);
  }));
  if (name.empty()) {
    attribute.value = shared_names(attribute.value);
  }
  attribute.memory = TRY(take_memory(attribute.value.capacity()));
  request.out.put(u64{attribute.value.size()});
  Fid reader;
  reader.node = fid->node;
  reader.attribute = std::move(attribute);
  fids_[new_number] = std::move(reader);
  return {};
}

// The fid takes the value; clunking it stores what has come.
Server::Outcome Server::xattrcreate(Request& request) {
  const u32 number = request.in.get<u32>();
  const std::string name(request.in.text());
  const u64 size_bytes = request.in.get<u64>();
  const u32 flags = request.in.get<u32>();
  if (!request.in.complete() || (flags & ~u32{XATTR_CREATE | XATTR_REPLACE}) != 0) {
    return Err(EINVAL);
  }
  Fid* const fid = TRY(find(number));
  if (fid->file || fid->attribute) {
    return Err(EBUSY);
  }
  if (!is_shared(name)) {
    return Err(EOPNOTSUPP);
  }
  if (size_bytes > kMaxXattrBytes) {
    return Err(E2BIG);
  }
  TRY(locate(*fid->node));
  Quota::Holding memory = TRY(take_memory(size_bytes));
  Attribute attribute{Attribute::Way::kFromClient, name, flags, static_cast<u32>(size_bytes), {}, {}};
  attribute.memory = std::move(memory);
  attribute.value.reserve(size_bytes);
  fid->attribute = std::move(attribute);
  return {};
}

/// Linux's client asks for a removal by a value of no bytes.
Server::Outcome Server::store(const Fid& fid) {
  const Attribute& attribute = *fid.attribute;
  if (attribute.value.size() != attribute.expected_bytes) {
    return Err(EINVAL);
  }
  const Located located = TRY(locate(*fid.node));
  const std::string path = HostDir::name_of(located.fd);
  if (attribute.value.empty()) {
    return host_call(::removexattr(path.c_str(), attribute.name.c_str()));
  }
  return host_call(::setxattr(path.c_str(), attribute.name.c_str(), attribute.value.data(),
                              attribute.value.size(), static_cast<int>(attribute.flags)));
}

}  // namespace quire::share
