// Making, moving and removing names; see server.h.
//
// A name is always changed in a directory that was located a moment before, by a call that does not
// follow what the name stands for.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdio>

#include "emu/devices/ninep/server.h"
#include "quire/arch/linux/fcntl.h"
#include "quire/arch/linux/stat.h"

namespace quire::share {

using arch::Err;

namespace {

constexpr mode_t kDirectoryPermissions = 03777;
constexpr mode_t kFilePermissions = 01777;

static_assert(arch::kAtRemoveDir == AT_REMOVEDIR && arch::kModeTypeMask == S_IFMT);

HostResult<void> usable(std::string_view name) {
  const int error = check_name(name);
  return error == 0 ? HostResult<void>() : Err(error);
}

}  // namespace

/// The reply to a request that made `name`.
Server::Outcome Server::put_new_qid(Request& request, const Located& directory, const std::string& name) {
  const Located made = TRY(locate_child(directory, name));
  request.out.qid(qid_of(made.status));
  return {};
}

// mkdir(2) and mknod(2) obey the host's umask; the guest has had its own. The new file is located without
// following anything, and chmod acts on that very file.
Server::Outcome Server::mkdir(Request& request) {
  const u32 number = request.in.get<u32>();
  const std::string name(request.in.text());
  const mode_t permissions = request.in.get<u32>() & kDirectoryPermissions;
  request.in.get<u32>();  // gid
  if (!request.in.complete()) {
    return Err(EINVAL);
  }
  TRY(usable(name));
  const Fid* const fid = TRY(find(number));
  const Located directory = TRY(locate_directory(*fid->node));
  TRY(host_call(::mkdirat(directory.fd.get(), name.c_str(), permissions)));
  const Located made = TRY(locate_child(directory, name));
  if (S_ISDIR(made.status.st_mode) && (made.status.st_mode & kDirectoryPermissions) != permissions) {
    TRY(host_call(::chmod(HostDir::name_of(made.fd).c_str(), permissions)));
  }
  return put_new_qid(request, directory, name);
}

Server::Outcome Server::symlink(Request& request) {
  const u32 number = request.in.get<u32>();
  const std::string name(request.in.text());
  const std::string target(request.in.text());
  request.in.get<u32>();  // gid
  if (!request.in.complete() || target.find('\0') != target.npos) {
    return Err(EINVAL);
  }
  if (target.empty() || target.size() >= PATH_MAX) {
    return Err(target.empty() ? ENOENT : ENAMETOOLONG);
  }
  TRY(usable(name));
  const Fid* const fid = TRY(find(number));
  const Located directory = TRY(locate_directory(*fid->node));
  TRY(host_call(::symlinkat(target.c_str(), directory.fd.get(), name.c_str())));
  return put_new_qid(request, directory, name);
}

Server::Outcome Server::mknod(Request& request) {
  const u32 number = request.in.get<u32>();
  const std::string name(request.in.text());
  const u32 mode = request.in.get<u32>();
  request.in.bytes(3 * sizeof(u32));  // major, minor, gid
  if (!request.in.complete()) {
    return Err(EINVAL);
  }
  TRY(usable(name));
  const Fid* const fid = TRY(find(number));
  const mode_t type = (mode & S_IFMT) == 0 ? S_IFREG : mode & S_IFMT;
  if (type == S_IFCHR || type == S_IFBLK) {
    return Err(EPERM);
  }
  if (type != S_IFREG && type != S_IFIFO && type != S_IFSOCK) {
    return Err(EINVAL);
  }
  const Located directory = TRY(locate_directory(*fid->node));
  const mode_t permissions = mode & kFilePermissions;
  TRY(host_call(::mknodat(directory.fd.get(), name.c_str(), type | permissions, 0)));
  const Located made = TRY(locate_child(directory, name));
  if ((made.status.st_mode & S_IFMT) == type && (made.status.st_mode & kFilePermissions) != permissions) {
    TRY(host_call(::chmod(HostDir::name_of(made.fd).c_str(), permissions)));
  }
  return put_new_qid(request, directory, name);
}

Server::Outcome Server::link(Request& request) {
  const u32 directory_number = request.in.get<u32>();
  const u32 number = request.in.get<u32>();
  const std::string name(request.in.text());
  if (!request.in.complete()) {
    return Err(EINVAL);
  }
  TRY(usable(name));
  const Fid* const directory_fid = TRY(find(directory_number));
  const Fid* const fid = TRY(find(number));
  const Located target = TRY(locate(*fid->node));
  if (S_ISDIR(target.status.st_mode)) {
    return Err(EPERM);
  }
  const Located directory = TRY(locate_directory(*directory_fid->node));
  // The link of /proc is followed, to that very file; a symbolic link itself is linked, not its target.
  return host_call(::linkat(AT_FDCWD, HostDir::name_of(target.fd).c_str(), directory.fd.get(), name.c_str(),
                            AT_SYMLINK_FOLLOW));
}

Server::Outcome Server::rename(Request& request) {
  const u32 number = request.in.get<u32>();
  const u32 directory_number = request.in.get<u32>();
  const std::string_view name = request.in.text();
  if (!request.in.complete()) {
    return Err(EINVAL);
  }
  const Fid* const fid = TRY(find(number));
  const Fid* const directory = TRY(find(directory_number));
  if (!fid->node->parent()) {
    return Err(fid->node->removed_file() ? ENOENT : EBUSY);
  }
  TRY(locate(*fid->node));
  return move(fid->node->parent(), std::string(fid->node->name()), directory->node, name);
}

Server::Outcome Server::renameat(Request& request) {
  const u32 number = request.in.get<u32>();
  const std::string_view name = request.in.text();
  const u32 to_number = request.in.get<u32>();
  const std::string_view to_name = request.in.text();
  if (!request.in.complete()) {
    return Err(EINVAL);
  }
  const Fid* const from = TRY(find(number));
  const Fid* const to = TRY(find(to_number));
  return move(from->node, name, to->node, to_name);
}

Server::Outcome Server::move(const NodeRef& from, std::string_view name, const NodeRef& to,
                             std::string_view to_name) {
  TRY(usable(name));
  TRY(usable(to_name));
  const Located from_directory = TRY(locate_directory(*from));
  const Located to_directory = TRY(locate_directory(*to));
  const Located moved = TRY(locate_child(from_directory, name));
  auto victim = locate_child(to_directory, to_name);
  const NodeRef node = from->find(name);
  if (node && to->is_within(*node)) {
    return Err(EINVAL);  // the host would say so, unless it had moved `to` just now
  }
  Quota::Holding slot = TRY(slot_to_forget(to, to_name));
  TRY(host_call(::renameat(from_directory.fd.get(), std::string(name).c_str(), to_directory.fd.get(),
                           std::string(to_name).c_str())));
  if (victim.ok() && identity_of(victim.value().status) == identity_of(moved.status)) {
    return {};  // two names of one file: rename(2) leaves both
  }
  if (victim.ok()) {
    forget(to, to_name, std::move(victim).value(), std::move(slot));
  }
  if (node) {
    Node::move(node, to, to_name);
  }
  return {};
}

Server::Outcome Server::unlinkat(Request& request) {
  const u32 number = request.in.get<u32>();
  const std::string_view name = request.in.text();
  const u32 flags = request.in.get<u32>();
  if (!request.in.complete() || (flags & ~u32{AT_REMOVEDIR}) != 0) {
    return Err(EINVAL);
  }
  const Fid* const fid = TRY(find(number));
  return unlink(fid->node, name, flags);
}

// remove(5): the fid is clunked whether or not its file can be removed.
Server::Outcome Server::remove(Request& request) {
  const u32 number = request.in.get<u32>();
  if (!request.in.complete()) {
    return Err(EINVAL);
  }
  NodeRef node = TRY(find(number))->node;
  TRY(drop(number));
  if (!writable()) {
    return Err(EROFS);
  }
  if (!node->parent()) {
    return Err(node->removed_file() ? ENOENT : EBUSY);
  }
  const bool directory = S_ISDIR(TRY(locate(*node)).status.st_mode);
  const NodeRef parent = node->parent();
  const std::string name = node->name();
  node.reset();  // others may stand on it, this fid does not any more
  return unlink(parent, name, directory ? AT_REMOVEDIR : 0);
}

Server::Outcome Server::unlink(const NodeRef& directory, std::string_view name, u32 flags) {
  TRY(usable(name));
  const Located located = TRY(locate_directory(*directory));
  Located victim = TRY(locate_child(located, name));
  Quota::Holding slot = TRY(slot_to_forget(directory, name));
  TRY(host_call(::unlinkat(located.fd.get(), std::string(name).c_str(), static_cast<int>(flags))));
  forget(directory, name, std::move(victim), std::move(slot));
  return {};
}

HostResult<Quota::Holding> Server::slot_to_forget(const NodeRef& directory, std::string_view name) {
  return directory->find(name) ? take_slot() : Quota::Holding();
}

/// Fids on it keep the file, as open descriptors do.
void Server::forget(const NodeRef& directory, std::string_view name, Located victim, Quota::Holding slot) {
  const Identity identity = identity_of(victim.status);
  const NodeRef node = directory->find(name);
  if (node && node->identity == identity) {
    node->remove(std::move(victim.fd), std::move(slot));
    return;
  }
  forget_number(identity, victim.fd);
}

/// Nobody stands on it; when it has no name left either, the host may give its inode to a new file.
void Server::forget_number(const Identity& identity, const Fd& file) {
  const auto status = HostDir::status(file);
  const bool gone = status.ok() && (status.value().st_nlink == 0 || S_ISDIR(status.value().st_mode));
  if (gone) {
    numbers_.forget(identity);
  }
}

}  // namespace quire::share
