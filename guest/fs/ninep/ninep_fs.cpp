#include "guest/fs/ninep/ninep_fs.h"

#include "guest/fs/ninep/ninep_inode.h"

namespace kernel {

/// By number.
struct NinepFs::Inodes {
  struct Order {
    bool operator()(const NinepInode& a, const NinepInode& b) const { return a.number() < b.number(); }
    bool operator()(const NinepInode& a, u64 b) const { return a.number() < b; }
    bool operator()(u64 a, const NinepInode& b) const { return a < b.number(); }
  };
  MultiTree<NinepInode, &NinepInode::node_, Order> tree;
};

NinepFs::NinepFs(RefPtr<NinepClient> client) : client_(std::move(client)) {}

NinepFs::~NinepFs() {
  root_.reset();
  ASSERT(!inodes_ || inodes_->tree.empty());
}

void NinepFs::add(NinepInode& inode) { inodes_->tree.insert(inode); }
void NinepFs::remove(NinepInode& inode) { inodes_->tree.erase(inodes_->tree.iterator_to(inode)); }

KResult<void> NinepFs::init() {
  inodes_ = TRY(try_make<Inodes>());
  const NinepFid fid = TRY(client_->clone(NinepClient::kRootFid));
  root_ = TRY(inode_at(fid));
  return {};
}

StatFs NinepFs::stat() const { return client_->stat(NinepClient::kRootFid); }

KResult<void> NinepFs::sync() {
  bool failed = false;
  for (NinepInode& inode : inodes_->tree) {
    failed |= !inode.write_back().ok();
  }
  return failed ? KResult<void>(Err(Errno::kEIO)) : KResult<void>();
}

KResult<RefPtr<NinepInode>> NinepFs::inode_at(NinepFid fid) {
  const auto found = client_->get_attributes(fid);
  if (!found.ok()) {
    client_->clunk(fid);
    return Err(found.error());
  }
  const ninep::Attributes& attributes = found.value();
  const auto known = inodes_->tree.find(attributes.qid.path, Inodes::Order());
  if (known != inodes_->tree.end() && ((known->mode() ^ attributes.mode) & kModeTypeMask) == 0) {
    known->moved_to(fid);
    known->learn(attributes);
    return RefPtr<NinepInode>(&*known);
  }
  auto made = try_make_ref<NinepInode>(*this, fid, attributes);
  if (!made.ok()) {
    client_->clunk(fid);
    return Err(made.error());
  }
  return std::move(made).value();
}

KResult<RefPtr<FileSystem>> make_ninep_fs(StringView tag) {
  auto client = TRY(NinepClient::start(tag));
  auto fs = TRY(try_make_ref<NinepFs>(std::move(client)));
  TRY(fs->init());
  return RefPtr<FileSystem>(std::move(fs));
}

}  // namespace kernel
