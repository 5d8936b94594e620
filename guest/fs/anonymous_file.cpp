#include "guest/fs/anonymous_file.h"

namespace kernel {

namespace {

constexpr u32 kAnonInodeMagic = 0x0904'1934;

class InternalFs final : public FileSystem {
 public:
  InternalFs(StringView type, u32 magic) : type_(type), magic_(magic) {}
  StringView type() const override { return type_; }
  RefPtr<Inode> root() override { return root_; }
  StatFs stat() const override {
    StatFs stat{};
    stat.type = magic_;
    stat.bsize = stat.frsize = kPageBytes;
    stat.namelen = kNameMax;
    return stat;
  }
  KResult<void> init() {
    root_ = TRY(try_make_ref<Inode>(*this, kModeDirectory | 0700, 0U, 0U));
    return {};
  }

 private:
  StringView type_;
  u32 magic_;
  RefPtr<Inode> root_;
};

/// The mount and the one inode of all anonymous files.
struct Anonymous {
  RefPtr<Mount> mount;
  RefPtr<Inode> inode;
};

KResult<Anonymous*> anonymous() {
  static Anonymous shared;
  if (!shared.inode) {
    RefPtr<Mount> mount = TRY(make_internal_mount("anon_inodefs", kAnonInodeMagic));
    shared.inode = TRY(try_make_ref<Inode>(mount->fs(), 0600U, 0U, 0U));
    shared.mount = std::move(mount);
  }
  return &shared;
}

}  // namespace

KResult<RefPtr<Mount>> make_internal_mount(StringView type, u32 magic) {
  auto fs = TRY(try_make_ref<InternalFs>(type, magic));
  TRY(fs->init());
  return mount_internal(std::move(fs));
}

KResult<Path> internal_path(const RefPtr<Mount>& mount, RefPtr<Inode> inode, StringView name) {
  RefPtr<Dentry> dentry = TRY(Dentry::make_nameless(name, std::move(inode), false));
  return Path{mount, std::move(dentry)};
}

KResult<RefPtr<File>> make_anonymous_file(StringView name, u32 flags, FileOperations& operations,
                                          UniquePtr<FileState> state) {
  Anonymous& shared = *TRY(anonymous());
  char text[64];
  Path path = TRY(internal_path(shared.mount, shared.inode, format_into(text, "anon_inode:{}", name)));
  return File::open_with(std::move(path), flags, operations, std::move(state));
}

}  // namespace kernel
