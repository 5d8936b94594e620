#include "emu/devices/ninep/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>

namespace quire::share {

using arch::Err;
using namespace arch::ninep;  // NOLINT(google-build-using-namespace): the protocol's names

namespace {

constexpr std::size_t kTypeOffset = 4;
constexpr u64 kMaxOpenFiles = 4096;
constexpr u64 kFidLookCost = 16;  ///< of a fid that is looked at
constexpr u32 kNominalBlockBytes = 4096;
constexpr u64 kNominalBlocks = u64{1} << 28;  // a tebibyte
constexpr u64 kNominalFiles = u64{1} << 24;
constexpr u32 kNameMaxBytes = 255;

}  // namespace

Server::Server(const std::string& directory, ShareAccess access, PathResolution resolution)
    : host_(directory, resolution), access_(access) {
  reset();
}

void Server::reset() {
  fids_.clear();
  locks_.clear();
  numbers_.clear();
  message_bytes_ = 0;
  root_.reset();
  const auto root = host_.locate("");
  const auto status = root.ok() ? HostDir::status(root.value()) : HostResult<struct stat>(Err(root.error()));
  root_ = std::make_shared<Node>(status.ok() ? identity_of(status.value()) : Identity{});
  numbers_.number(root_->identity);
}

Server::Method Server::method_of(Type type) {
  switch (type) {
    case Type::kStatfs:
      return {&Server::statfs};
    case Type::kLopen:
      return {&Server::lopen, false, kQidBytes + 4};
    case Type::kLcreate:
      return {&Server::lcreate, true, kQidBytes + 4};
    case Type::kSymlink:
      return {&Server::symlink, true, kQidBytes};
    case Type::kMknod:
      return {&Server::mknod, true, kQidBytes};
    case Type::kRename:
      return {&Server::rename, true};
    case Type::kReadlink:
      return {&Server::readlink};
    case Type::kGetattr:
      return {&Server::getattr};
    case Type::kSetattr:
      return {&Server::setattr, true};
    case Type::kXattrwalk:
      return {&Server::xattrwalk, false, 8};
    case Type::kXattrcreate:
      return {&Server::xattrcreate, true};
    case Type::kReaddir:
      return {&Server::readdir};
    case Type::kFsync:
      return {&Server::fsync};
    case Type::kLock:
      return {&Server::lock};
    case Type::kGetlock:
      return {&Server::getlock};
    case Type::kLink:
      return {&Server::link, true};
    case Type::kMkdir:
      return {&Server::mkdir, true, kQidBytes};
    case Type::kRenameat:
      return {&Server::renameat, true};
    case Type::kUnlinkat:
      return {&Server::unlinkat, true};
    case Type::kVersion:
      return {&Server::version, false, 4 + 2 + sizeof kVersionName - 1};
    case Type::kAuth:
      return {&Server::auth};
    case Type::kAttach:
      return {&Server::attach, false, kQidBytes};
    case Type::kFlush:
      return {&Server::flush};
    case Type::kWalk:
      return {&Server::walk};
    case Type::kRead:
      return {&Server::read};
    case Type::kWrite:
      return {&Server::write, true};
    case Type::kClunk:
      return {&Server::clunk};
    case Type::kRemove:
      return {&Server::remove};  // clunks its fid on a read-only share, too
    case Type::kRlerror:
      break;
  }
  return {};
}

std::span<const u8> Server::answer(std::span<const u8> request, std::size_t reply_bytes) {
  cost_ = 0;
  if (request.size() < kHeaderBytes || reply_bytes < kErrorBytes) {
    return {};
  }
  MessageReader in(request);
  const u32 size = in.get<u32>();
  const Type type = in.get<Type>();
  const u16 tag = in.get<u16>();

  const std::size_t limit =
      std::min<std::size_t>(reply_bytes, message_bytes_ != 0 ? message_bytes_ : kMinMessageBytes);
  reply_.clear();
  Request exchange{in, MessageWriter(reply_, limit)};
  exchange.out.put(u32{0});
  exchange.out.put(reply_to(type));
  exchange.out.put(tag);
  int error = EINVAL;
  if (size == request.size()) {
    const Outcome outcome = dispatch(type, exchange);
    error = !outcome.ok() ? outcome.error() : exchange.out.failed() ? EMSGSIZE : 0;
  }
  if (error != 0) {
    reply_.resize(kHeaderBytes);
    reply_[kTypeOffset] = static_cast<u8>(Type::kRlerror);
    MessageWriter(reply_, kErrorBytes).put(static_cast<u32>(error));
  }
  const u32 total = static_cast<u32>(reply_.size());
  std::memcpy(reply_.data(), &total, sizeof total);
  return reply_;
}

Server::Outcome Server::dispatch(Type type, Request& request) {
  const Method method = method_of(type);
  if (method.handler == nullptr) {
    return Err(EOPNOTSUPP);
  }
  if (message_bytes_ == 0 && type != Type::kVersion) {
    return Err(EPROTO);
  }
  if (method.changes && !writable()) {
    return Err(EROFS);
  }
  if (method.answer_bytes > request.out.room()) {
    return Err(EMSGSIZE);
  }
  return (this->*method.handler)(request);
}

// --- fids ----------------------------------------------------------------------------------------

HostResult<Server::Fid*> Server::find(u32 number) {
  const auto at = fids_.find(number);
  if (at == fids_.end()) {
    return Err(EBADF);
  }
  return &at->second;
}

HostResult<void> Server::check_new_fid(u32 number) const {
  if (number == kNoFid || fids_.contains(number)) {
    return Err(EBADF);
  }
  return fids_.size() < kMaxFids ? HostResult<void>() : Err(EMFILE);
}

Quota& Server::open_files() {
  static Quota* const quota = [] {  // never destroyed: servers may outlive any static
    rlimit limit = {};
    const bool known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0;
    return new Quota(known ? std::min<u64>(kMaxOpenFiles, limit.rlim_cur / 2) : kMaxOpenFiles);
  }();
  return *quota;
}

HostResult<Quota::Holding> Server::take_slot() {
  Quota::Holding slot(open_files());
  if (!slot.grow(1)) {
    return Err(ENFILE);
  }
  return slot;
}

HostResult<Quota::Holding> Server::take_memory(u64 amount_bytes) {
  Quota::Holding memory(memory_);
  if (!memory.grow(amount_bytes)) {
    return Err(ENOMEM);
  }
  return memory;
}

/// Locks end with the last open fid of their file.
Server::Outcome Server::drop(u32 number) {
  const auto at = fids_.find(number);
  if (at == fids_.end()) {
    return Err(EBADF);
  }
  const Fid fid = std::move(at->second);
  fids_.erase(at);
  if (fid.attribute) {
    return fid.attribute->way == Attribute::Way::kFromClient ? store(fid) : Outcome();
  }
  const Identity& identity = fid.node->identity;
  const u64 file = numbers_.number(identity);
  const bool locked = fid.file && locks_.any(file);
  cost_ += locked ? fids_.size() * kFidLookCost : 0;
  if (locked && std::none_of(fids_.begin(), fids_.end(), [&](const auto& other) {
        return other.second.file && other.second.node->identity == identity;
      })) {
    locks_.drop(file);
  }
  if (fid.node->removed_file() && fid.node.use_count() == 1) {
    forget_number(identity, fid.node->removed_file());
  }
  return {};
}

/// An extended attribute that was still coming is not stored.
void Server::drop_all() {
  locks_.clear();
  for (auto& [number, fid] : fids_) {
    fid.attribute.reset();
  }
  while (!fids_.empty()) {
    (void)drop(fids_.begin()->first);
  }
}

HostResult<Server::Located> Server::locate(const Node& node) const {
  const Node::Place place = TRY(node.place());
  const bool removed = static_cast<bool>(place.top->removed_file());
  Fd fd = TRY(removed ? host_.locate(place.top->removed_file().get(), place.path) : host_.locate(place.path));
  const struct stat status = TRY(HostDir::status(fd));
  if (identity_of(status) != node.identity) {
    return Err(ESTALE);
  }
  return Located{std::move(fd), status};
}

HostResult<Server::Located> Server::locate_directory(const Node& node) const {
  Located located = TRY(locate(node));
  if (!S_ISDIR(located.status.st_mode)) {
    return Err(ENOTDIR);
  }
  return located;
}

HostResult<Server::Located> Server::locate_child(const Located& directory, std::string_view name) const {
  Fd fd = TRY(host_.locate(directory.fd.get(), std::string(name)));
  const struct stat status = TRY(HostDir::status(fd));
  return Located{std::move(fd), status};
}

HostResult<struct stat> Server::status_of(const Fid& fid) const {
  if (fid.file) {
    return HostDir::status(fid.file);
  }
  return TRY(locate(*fid.node)).status;
}

Qid Server::qid_of(const struct stat& status) {
  const auto fold = [](u64 hash, u64 word) { return (hash ^ word) * 0x9e37'79b9'7f4a'7c15 + (hash >> 29); };
  u64 version = fold(0, static_cast<u64>(status.st_size));
  for (const timespec& time : {status.st_mtim, status.st_ctim}) {
    version = fold(fold(version, static_cast<u64>(time.tv_sec)), static_cast<u64>(time.tv_nsec));
  }
  const QidType type = S_ISDIR(status.st_mode)   ? kQidDirectory
                       : S_ISLNK(status.st_mode) ? kQidSymlink
                                                 : kQidFile;
  return {type, static_cast<u32>(version >> 32), numbers_.number(identity_of(status))};
}

// --- session -------------------------------------------------------------------------------------

// A new session: what went before is gone (version(5)).
Server::Outcome Server::version(Request& request) {
  const u32 wanted_bytes = request.in.get<u32>();
  const std::string_view name = request.in.text();
  if (!request.in.complete() || wanted_bytes < kMinMessageBytes) {
    return Err(EINVAL);
  }
  drop_all();
  const bool known = name == kVersionName;
  const u32 agreed_bytes = std::min(wanted_bytes, kMaxMessageBytes);
  message_bytes_ = known ? agreed_bytes : 0;
  request.out.put(agreed_bytes);
  request.out.text(known ? kVersionName : "unknown");
  return {};
}

// No authentication: whoever has the device has the share.
Server::Outcome Server::auth(Request&) { return Err(EOPNOTSUPP); }

Server::Outcome Server::attach(Request& request) {
  const u32 number = request.in.get<u32>();
  const u32 auth_fid = request.in.get<u32>();
  request.in.text();  // uname
  std::string_view path = request.in.text();
  request.in.get<u32>();  // n_uname
  if (!request.in.complete() || auth_fid != kNoFid) {
    return Err(EINVAL);
  }
  TRY(check_new_fid(number));
  NodeRef node = root_;
  Located located = TRY(locate(*node));
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(name.size() + 1, path.size()));
    if (name.empty()) {
      continue;
    }
    if (const int error = check_name(name); error != 0) {
      return Err(error);
    }
    located = TRY(locate_child(located, name));
    node = Node::child(node, name, identity_of(located.status));
  }
  if (!S_ISDIR(located.status.st_mode)) {
    return Err(ENOTDIR);
  }
  request.out.qid(qid_of(located.status));
  fids_[number].node = std::move(node);
  return {};
}

// Every request has been answered by the time the next is looked at.
Server::Outcome Server::flush(Request& request) {
  request.in.get<u16>();
  return request.in.complete() ? Outcome() : Err(EINVAL);
}

// walk(5): no fid is made unless every name was found; an error only when the first was not.
Server::Outcome Server::walk(Request& request) {
  const u32 number = request.in.get<u32>();
  const u32 new_number = request.in.get<u32>();
  const u16 count = request.in.get<u16>();
  if (request.in.failed() || count > kMaxWalkNames) {
    return Err(EINVAL);
  }
  std::array<std::string_view, kMaxWalkNames> names;
  std::generate_n(names.begin(), count, [&] { return request.in.text(); });
  if (!request.in.complete()) {
    return Err(EINVAL);
  }
  Fid* const from = TRY(find(number));
  if (new_number != number) {
    TRY(check_new_fid(new_number));
  } else if (from->file || from->attribute) {
    return Err(EBUSY);
  }

  NodeRef node = from->node;
  std::vector<Qid> qids;
  for (u16 i = 0; i < count; ++i) {
    auto qid = step(node, names[i]);
    if (!qid.ok() && i == 0) {
      return Err(qid.error());
    }
    if (!qid.ok()) {
      break;
    }
    qids.push_back(qid.value());
  }
  request.out.put(static_cast<u16>(qids.size()));
  for (const Qid& qid : qids) {
    request.out.qid(qid);
  }
  if (qids.size() == count && !request.out.failed()) {
    fids_[new_number].node = std::move(node);
  }
  return {};
}

/// Moves `node` one name on. The parent of the root is the root (walk(5)).
HostResult<Qid> Server::step(NodeRef& node, std::string_view name) {
  if (name == "..") {
    const NodeRef parent = node->parent() ? node->parent() : node;
    const Located located = TRY(locate(*parent));
    node = parent;
    return qid_of(located.status);
  }
  if (const int error = check_name(name); error != 0) {
    return Err(error);
  }
  const Located directory = TRY(locate_directory(*node));
  const Located located = TRY(locate_child(directory, name));
  node = Node::child(node, name, identity_of(located.status));
  return qid_of(located.status);
}

Server::Outcome Server::clunk(Request& request) {
  const u32 number = request.in.get<u32>();
  return request.in.complete() ? drop(number) : Err(EINVAL);
}

// Nominal, but for "no room" on a read-only share: what the host has free changes from run to run.
Server::Outcome Server::statfs(Request& request) {
  const u32 number = request.in.get<u32>();
  if (!request.in.complete()) {
    return Err(EINVAL);
  }
  TRY(find(number));
  const u64 free_share = writable() ? 1 : 0;
  request.out.put(kFileSystemMagic);
  request.out.put(kNominalBlockBytes);
  request.out.put(kNominalBlocks);
  request.out.put(kNominalBlocks / 2 * free_share);
  request.out.put(kNominalBlocks / 2 * free_share);
  request.out.put(kNominalFiles);
  request.out.put(kNominalFiles / 2 * free_share);
  request.out.put(u64{0});  // fsid
  request.out.put(kNameMaxBytes);
  return {};
}

}  // namespace quire::share
