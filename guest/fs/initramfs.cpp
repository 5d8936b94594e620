#include "guest/fs/initramfs.h"

#include "guest/fs/cpio.h"
#include "guest/fs/path_cursor.h"
#include "guest/fs/vfs.h"
#include "guest/lib/log.h"
#include "guest/mem/frame.h"

namespace kernel {

namespace {

/// Names of files with several links, so that later entries of the same inode become links.
struct LinkedFile {
  u32 inode;
  StringView name;
};

class Unpacker {
 public:
  explicit Unpacker(const FsContext& context) : context_(context) {}

  KResult<void> add(const CpioEntry& entry) {
    if (entry.name.empty()) {
      return set_attributes(entry);
    }
    TRY(make_parents(entry.name));
    switch (entry.mode & kModeTypeMask) {
      case kModeDirectory:
        TRY(make_directory(entry.name));
        break;
      case kModeRegular:
        TRY(make_file(entry));
        break;
      case kModeSymlink:
        TRY(remove_old(entry.name));
        TRY(vfs::symlink(context_, as_text(entry.data), context_.root, entry.name));
        break;
      default:
        TRY(remove_old(entry.name));
        TRY(vfs::mknod(context_, context_.root, entry.name, entry.mode, entry.rdev));
        break;
    }
    return set_attributes(entry);
  }

 private:
  KResult<void> make_directory(StringView name) {
    const auto made = vfs::mkdir(context_, context_.root, name, 0755);
    return made.ok() || made.error() == Errno::kEEXIST ? KResult<void>() : Err(made.error());
  }

  /// Images made by hand may leave out directories.
  KResult<void> make_parents(StringView name) {
    const usize last_slash = name.rfind('/');
    if (last_slash == StringView::npos || last_slash == 0) {
      return {};
    }
    const StringView parent = name.substr(0, last_slash);
    if (resolve(context_, context_.root, parent, kResolveFollow | kResolveDirectory).ok()) {
      return {};
    }
    for (usize slash = parent.find('/'); slash != StringView::npos; slash = parent.find('/', slash + 1)) {
      TRY(make_directory(parent.substr(0, slash)));
    }
    return make_directory(parent);
  }

  KResult<void> remove_old(StringView name) {
    const auto removed = vfs::unlink(context_, context_.root, name);
    return removed.ok() || removed.error() == Errno::kENOENT ? KResult<void>() : Err(removed.error());
  }

  KResult<void> make_file(const CpioEntry& entry) {
    const LinkedFile* const first = entry.links > 1 ? find_linked(entry.inode) : nullptr;
    if (first != nullptr && first->name != entry.name) {
      TRY(remove_old(entry.name));
      const Path old = TRY(resolve(context_, context_.root, first->name, 0));
      TRY(vfs::link(context_, old, context_.root, entry.name));
    } else if (entry.links > 1 && first == nullptr) {
      TRY(linked_.push({entry.inode, entry.name}));
    }
    // newc gives the contents with the last link; the others are empty.
    const bool keep = first != nullptr && entry.data.empty();
    const u32 flags = kOpenWriteOnly | kOpenCreate | kOpenNoFollow | (keep ? 0 : u32{kOpenTruncate});
    const RefPtr<File> file = TRY(vfs::open(context_, context_.root, entry.name, flags, 0600));
    IoBuffer contents = IoBuffer::kernel(entry.data);
    for (usize written = 0; written < entry.data.size();) {
      contents = IoBuffer::kernel(entry.data.subspan(written));
      written += TRY(file->write(contents));  // a short count has its reason in the next one's error
    }
    return {};
  }

  const LinkedFile* find_linked(u32 inode) const {
    for (const LinkedFile& file : linked_) {
      if (file.inode == inode) {
        return &file;
      }
    }
    return nullptr;
  }

  KResult<void> set_attributes(const CpioEntry& entry) {
    const Path path =
        entry.name.empty() ? context_.root : TRY(resolve(context_, context_.root, entry.name, 0));
    Inode& inode = path.inode();
    if (!inode.is_symlink()) {
      TRY(inode.set_mode(entry.mode & kModeAllPermissions));
    }
    TRY(inode.set_owner(entry.uid, entry.gid));
    inode.set_mtime({entry.mtime, 0});
    return {};
  }

  const FsContext& context_;
  Vector<LinkedFile> linked_;
};

}  // namespace

namespace {

/// One line that says which entry it was, why, and what helps.
void report_failure(const CpioEntry& entry, Errno error) {
  if (error != Errno::kENOMEM && error != Errno::kENOSPC) {
    log_error("initramfs: /{}: {}", entry.name, errno_name(error));
    return;
  }
  constexpr u64 kPageKib = kPageBytes / 1024;
  log_error(
      "initramfs: /{} ({} KiB) does not fit ({}): {} of {} KiB of memory are free and files may take half; "
      "give the machine more RAM",
      entry.name, (entry.data.size() + 1023) / 1024, errno_name(error), memory_stats().free() * kPageKib,
      memory_stats().total * kPageKib);
}

}  // namespace

KResult<void> unpack_initramfs(const FsContext& context, ConstByteSpan image) {
  Unpacker unpacker(context);
  CpioReader reader(image);
  for (;;) {
    const auto entry = reader.next();
    if (!entry.ok()) {
      log_error("initramfs: damaged: {}", errno_name(entry.error()));
      return Err(entry.error());
    }
    if (!entry.value()) {
      return {};
    }
    const auto added = unpacker.add(*entry.value());
    if (!added.ok()) {
      report_failure(*entry.value(), added.error());
      return added;
    }
  }
}

}  // namespace kernel
