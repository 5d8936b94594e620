#include "guest/fs/ninep/ninep_fs.h"

#include <iterator>

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
  const auto inode_or_null = [this](auto at) {
    return at == inodes_->tree.end() ? RefPtr<NinepInode>() : RefPtr<NinepInode>(*at);
  };
  bool failed = false;
  // Writing sleeps: the inode at hand is kept, and with it its place in the set, until the next one is.
  for (auto inode = inode_or_null(inodes_->tree.begin()); inode;
       inode = inode_or_null(std::next(inodes_->tree.iterator_to(*inode)))) {
    failed |= !inode->write_back().ok();
  }
  return failed ? KResult<void>(Err(Errno::kEIO)) : KResult<void>();
}

KResult<RefPtr<NinepInode>> NinepFs::inode_at(NinepFid fid) {
  auto held = TRY(client_->hold(fid));
  const ninep::Attributes attributes = TRY(client_->get_attributes(fid));
  const auto known = inodes_->tree.find(attributes.qid.path, Inodes::Order());
  if (known != inodes_->tree.end() && ((known->mode() ^ attributes.mode) & kModeTypeMask) == 0) {
    RefPtr<NinepInode> inode(*known);  // moved_to() sleeps
    inode->learn(attributes);
    inode->moved_to(std::move(held));
    return inode;
  }
  return try_make_ref<NinepInode>(*this, std::move(held), attributes);
}

KResult<RefPtr<FileSystem>> make_ninep_fs(StringView tag) {
  auto client = TRY(NinepClient::start(tag));
  auto fs = TRY(try_make_ref<NinepFs>(std::move(client)));
  TRY(fs->init());
  return RefPtr<FileSystem>(std::move(fs));
}

}  // namespace kernel
