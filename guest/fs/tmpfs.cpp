#include "guest/fs/tmpfs.h"

#include <algorithm>

#include "guest/fs/page_cache.h"
#include "guest/fs/pipe.h"

namespace kernel {

namespace {

/// What tmpfs says a directory entry takes (st_size of directories).
constexpr u64 kEntryBytes = 20;
/// Over a lower tree, new files are numbered from here on, beyond all that the tree may have.
constexpr u64 kFirstOwnNumber = u64{1} << 32;

class Tmpfs final : public FileSystem {
 public:
  Tmpfs(StringView type, u64 max_pages) : type_(type), max_pages_(max_pages) {}

  StringView type() const override { return type_; }
  RefPtr<Inode> root() override { return root_; }
  void set_root(RefPtr<Inode> root) { root_ = std::move(root); }
  StatFs stat() const override {
    StatFs stat{};
    stat.type = kTmpfsMagic;
    stat.bsize = stat.frsize = kPageBytes;
    stat.blocks = max_pages_;
    stat.bfree = stat.bavail = max_pages_ - used_pages_;
    stat.files = stat.ffree = max_pages_;
    stat.namelen = kNameMax;
    return stat;
  }
  KResult<void> show_options(FormatSink& sink) const override {
    if (type() != StringView("sysfs")) {
      format(sink, ",size={}k", max_pages_ * (kPageBytes / 1024));
    }
    return {};
  }

  KResult<void> reserve_page() {
    if (used_pages_ >= max_pages_) {
      return Err(Errno::kENOSPC);
    }
    used_pages_++;
    return {};
  }
  void release_pages(u64 count) {
    ASSERT(count <= used_pages_);
    used_pages_ -= count;
  }

  /// The inode that another name of a file of the lower tree was given; null when this is the first.
  RefPtr<Inode> find_linked(u64 id) const {
    const auto at =
        std::find_if(linked_.begin(), linked_.end(), [id](const Linked& l) { return l.id == id; });
    return at == linked_.end() ? nullptr : at->inode;
  }
  KResult<void> add_linked(u64 id, RefPtr<Inode> inode) { return linked_.push({id, std::move(inode)}); }

 private:
  struct Linked {
    u64 id;
    RefPtr<Inode> inode;
  };
  StringView type_;
  u64 max_pages_;
  u64 used_pages_ = 0;
  RefPtr<Inode> root_;
  Vector<Linked> linked_;
};

/// A regular file: nothing but its page cache, and for what was never in that the lower file it began as.
class TmpfsFile final : public Inode {
 public:
  TmpfsFile(Tmpfs& fs, const NewInode& what) : Inode(fs, what.mode, what.uid, what.gid), cache_(*this) {}

  void begin_as(RefPtr<LowerFile> lower, u64 size) {
    lower_ = std::move(lower);
    lower_bytes_ = size;
    set_size(size);
  }
  bool reads_pages() const override { return lower_bytes_ != 0; }
  bool can_read_again(u64 index) const override { return index << kPageShift < lower_bytes_; }
  KResult<void> read_pages(u64 first, Span<Frame* const> frames) override {
    const u64 start = first << kPageShift;
    if (start >= lower_bytes_) {
      return Inode::read_pages(first, frames);
    }
    return lower_->read_pages(first, std::min<u64>(lower_bytes_ - start, frames.size() << kPageShift),
                              frames);
  }

  PageCache* page_cache() override { return &cache_; }
  KResult<void> reserve_page() override { return tmpfs().reserve_page(); }
  void release_pages(u64 count) override { tmpfs().release_pages(count); }
  u64 blocks() const override { return cache_.pages() * (kPageBytes / 512); }

  KResult<void> resize(u64 size) override {
    if ((size < this->size() && (seals_ & kSealShrink) != 0) ||
        (size > this->size() && (seals_ & kSealGrow) != 0)) {
      return Err(Errno::kEPERM);
    }
    lower_bytes_ = std::min(lower_bytes_, size);
    return Inode::resize(size);
  }

  KResult<void> allocate(u32 flags, u64 offset, u64 bytes) override {
    if (flags == (kFallocPunchHole | kFallocKeepSize)) {
      return punch_hole(offset, offset + bytes);
    }
    if ((flags & ~u32{kFallocKeepSize}) != 0) {
      return Err(Errno::kEOPNOTSUPP);
    }
    const u64 end = offset + bytes;
    if (end > size() && (flags & kFallocKeepSize) == 0 && (seals_ & kSealGrow) != 0) {
      return Err(Errno::kEPERM);
    }
    const u64 first = offset >> kPageShift;
    const u64 last = (end - 1) >> kPageShift;
    for (u64 index = first; index <= last; index++) {
      const bool present = static_cast<bool>(cache_.find(index));
      const auto page = cache_.get(index);
      if (!page.ok()) {
        if (index > first && !present && index << kPageShift >= size()) {
          cache_.drop(std::max(first, (size() + kPageBytes - 1) >> kPageShift), index);
        }
        return Err(page.error());
      }
    }
    if (end > size() && (flags & kFallocKeepSize) == 0) {
      return Inode::resize(end);
    }
    touch_changed();
    return {};
  }

  KResult<u32> seals() const override { return seals_; }
  void set_first_seals(u32 seals) { seals_ = seals; }
  KResult<void> add_seals(u32 seals) override {
    constexpr u32 kKnown = kSealSeal | kSealShrink | kSealGrow | kSealWrite | kSealFutureWrite | kSealExec;
    if ((seals & ~kKnown) != 0) {
      return Err(Errno::kEINVAL);
    }
    if ((seals_ & kSealSeal) != 0) {
      return Err(Errno::kEPERM);
    }
    if ((seals & kSealWrite) != 0 && cache_.writable_mappings != 0) {
      return Err(Errno::kEBUSY);
    }
    if ((seals & kSealExec) != 0 && (mode() & 0111) != 0) {
      seals |= kSealShrink | kSealGrow | kSealWrite | kSealFutureWrite;
    }
    seals_ |= seals;
    return {};
  }
  KResult<void> set_mode(u32 permissions) override {
    if ((seals_ & kSealExec) != 0 && ((permissions ^ mode()) & 0111) != 0) {
      return Err(Errno::kEPERM);
    }
    return Inode::set_mode(permissions);
  }

 private:
  Tmpfs& tmpfs() const { return static_cast<Tmpfs&>(fs()); }

  KResult<void> punch_hole(u64 start, u64 end) {
    if ((seals_ & (kSealWrite | kSealFutureWrite)) != 0) {
      return Err(Errno::kEPERM);
    }
    const u64 first_whole = (start + kPageBytes - 1) >> kPageShift;
    const u64 after_whole = end >> kPageShift;
    const u64 lower_pages = (lower_bytes_ + kPageBytes - 1) >> kPageShift;
    for (u64 index = first_whole; index < std::min(after_whole, lower_pages); index++) {
      TRY(cache_.get(index));  // a page that is not there would come from the lower file
      cache_.zero_range(index, 0, kPageBytes);
    }
    if (std::max(first_whole, lower_pages) < after_whole) {
      cache_.drop(std::max(first_whole, lower_pages), after_whole - 1);
    }
    const u64 start_page = start >> kPageShift;
    const u64 end_page = end >> kPageShift;
    if (start_page == end_page) {
      TRY(punch_part(start_page, start & (kPageBytes - 1), end & (kPageBytes - 1)));
    } else {
      if (!is_aligned(start, kPageBytes)) {
        TRY(punch_part(start_page, start & (kPageBytes - 1), kPageBytes));
      }
      TRY(punch_part(end_page, 0, end & (kPageBytes - 1)));
    }
    touch_modified();
    return {};
  }
  KResult<void> punch_part(u64 index, u64 from, u64 to) {
    if (from < to && can_read_again(index)) {
      TRY(cache_.get(index));
    }
    cache_.zero_range(index, from, to);
    return {};
  }

  PageCache cache_;
  RefPtr<LowerFile> lower_;
  u64 lower_bytes_ = 0;  // what of the lower file still shows
  /// Files of a directory cannot be sealed; memory files without MFD_ALLOW_SEALING neither.
  u32 seals_ = kSealSeal;
};

/// Symbolic links, FIFOs, sockets and device nodes.
class TmpfsSpecial final : public Inode {
 public:
  TmpfsSpecial(Tmpfs& fs, const NewInode& what, String target)
      : Inode(fs, what.mode, what.uid, what.gid), target_(std::move(target)) {
    rdev_ = what.rdev;
    set_size(target_.size());
  }
  KResult<String> read_link() override {
    if (!is_symlink()) {
      return Err(Errno::kEINVAL);
    }
    return target_.clone();
  }

 private:
  String target_;
};

KResult<RefPtr<Inode>> make_inode(Tmpfs& fs, const NewInode& what);
KResult<RefPtr<Inode>> make_from_lower(Tmpfs& fs, RefPtr<LowerFile> lower);

class TmpfsDirectory final : public Inode {
 public:
  TmpfsDirectory(Tmpfs& fs, const NewInode& what) : Inode(fs, what.mode, what.uid, what.gid) {
    links_ = 2;
    set_size(2 * kEntryBytes);
  }
  ~TmpfsDirectory() override {
    while (!by_name_.empty()) {
      remove(*by_name_.begin());
    }
  }

  void begin_as(RefPtr<LowerFile> lower) { lower_ = std::move(lower); }

  KResult<RefPtr<Inode>> lookup(StringView name) override {
    TRY(take_up());
    Entry* entry = find(name);
    if (entry != nullptr && !entry->inode) {
      RefPtr<LowerFile> lower = TRY(lower_->child(name));
      RefPtr<Inode> inode = TRY(make_from_lower(tmpfs(), std::move(lower)));
      entry = find(name);  // making it may have slept
      if (entry != nullptr && !entry->inode) {
        entry->inode = std::move(inode);
      }
    }
    if (entry == nullptr) {
      return Err(Errno::kENOENT);
    }
    return RefPtr<Inode>(entry->inode);
  }

  KResult<RefPtr<Inode>> create(StringView name, const NewInode& what) override {
    TRY(check_new(name));
    RefPtr<Inode> inode = TRY(make_inode(tmpfs(), what));
    TRY(add(name, inode));
    if (inode->is_directory()) {
      add_links(1);
    }
    return inode;
  }

  KResult<RefPtr<Inode>> create_nameless(const NewInode& what) override {
    RefPtr<Inode> inode = TRY(make_inode(tmpfs(), what));
    inode->add_links(-1);
    return inode;
  }

  KResult<void> link(StringView name, Inode& target) override {
    TRY(check_new(name));
    TRY(add(name, RefPtr<Inode>(&target)));
    target.add_links(1);
    target.touch_changed();
    return {};
  }

  KResult<void> unlink(StringView name) override {
    TRY(lookup(name));
    Entry* const entry = find(name);
    if (entry->inode->is_directory()) {
      return Err(Errno::kEISDIR);
    }
    entry->inode->add_links(-1);
    entry->inode->touch_changed();
    remove(*entry);
    touch_modified();
    return {};
  }

  KResult<void> rmdir(StringView name) override {
    const RefPtr<Inode> victim = TRY(lookup(name));
    if (!victim->is_directory()) {
      return Err(Errno::kENOTDIR);
    }
    auto& directory = static_cast<TmpfsDirectory&>(*victim);
    TRY(directory.take_up());
    if (!directory.by_name_.empty()) {
      return Err(Errno::kENOTEMPTY);
    }
    Entry* const entry = find(name);
    directory.links_ = 0;
    add_links(-1);
    remove(*entry);
    touch_modified();
    return {};
  }

  KResult<void> rename(StringView name, Inode& to, StringView to_name, u32 flags) override {
    auto& target = static_cast<TmpfsDirectory&>(to);
    TRY(lookup(name));
    if (const auto replaced = target.lookup(to_name); !replaced.ok() && replaced.error() != Errno::kENOENT) {
      return Err(replaced.error());
    }
    Entry* const entry = find(name);
    Entry* const victim = target.find(to_name);
    if ((flags & kRenameExchange) != 0) {
      if (victim == nullptr) {
        return Err(Errno::kENOENT);
      }
      const i32 change = (victim->inode->is_directory() ? 1 : 0) - (entry->inode->is_directory() ? 1 : 0);
      std::swap(entry->inode, victim->inode);
      add_links(change);
      target.add_links(-change);
    } else {
      String new_name = TRY(String::from(to_name));
      const bool directory = entry->inode->is_directory();
      if (victim != nullptr) {
        TRY(directory ? target.rmdir(to_name) : target.unlink(to_name));
      }
      unhook(*entry);
      entry->name = std::move(new_name);
      target.hook(*entry);
      if (directory) {
        add_links(-1);
        target.add_links(1);
      }
    }
    entry->inode->touch_changed();
    touch_modified();
    target.touch_modified();
    return {};
  }

  KResult<u64> read_directory(u64 position, DirectorySink& sink) override {
    TRY(take_up());
    for (auto at = by_cookie_.upper_bound(position, ByCookie()); at != by_cookie_.end(); ++at) {
      const u64 number = at->inode ? at->inode->number() : at->lower_id;
      const u8 type = at->inode ? mode_to_dirent_type(at->inode->mode()) : at->lower_type;
      if (!sink.entry(at->name, number, type, at->cookie)) {
        break;
      }
      position = at->cookie;
    }
    return position;
  }

 private:
  struct Entry {
    String name;
    RefPtr<Inode> inode;  // null: the lower file of that name, which nobody has asked for yet
    u64 lower_id = 0;
    u8 lower_type = 0;
    u64 cookie = 0;  // readers of the directory continue behind it
    TreeNode name_node;
    TreeNode cookie_node;
  };
  struct Listing final : LowerSink {
    Vector<Entry*> entries;
    KResult<void> entry(StringView name, u64 id, u8 type) override {
      UniquePtr<Entry> made = TRY(try_make<Entry>());
      made->name = TRY(String::from(name));
      made->lower_id = id;
      made->lower_type = type;
      TRY(entries.push(made.get()));
      made.release();
      return {};
    }
  };
  struct ByName {
    bool operator()(const Entry& a, const Entry& b) const { return a.name.view() < b.name.view(); }
    bool operator()(const Entry& a, StringView b) const { return a.name.view() < b; }
    bool operator()(StringView a, const Entry& b) const { return a < b.name.view(); }
  };
  struct ByCookie {
    bool operator()(const Entry& a, const Entry& b) const { return a.cookie < b.cookie; }
    bool operator()(const Entry& a, u64 b) const { return a.cookie < b; }
    bool operator()(u64 a, const Entry& b) const { return a < b.cookie; }
  };

  Tmpfs& tmpfs() const { return static_cast<Tmpfs&>(fs()); }
  Entry* find(StringView name) {
    const auto at = by_name_.find(name, ByName());
    return at == by_name_.end() ? nullptr : &*at;
  }
  /// The entries of the lower directory become this one's own, once and all together.
  KResult<void> take_up() {
    if (!lower_ || taken_up_) {
      return {};
    }
    Listing listing;
    ScopeExit discard([&] {
      for (Entry* entry : listing.entries) {
        delete entry;
      }
    });
    TRY(lower_->list(listing));
    if (taken_up_) {
      return {};  // another thread was first while listing slept
    }
    discard.dismiss();
    for (Entry* entry : listing.entries) {
      hook(*entry);
    }
    taken_up_ = true;
    return {};
  }
  KResult<void> check_new(StringView name) {
    TRY(take_up());
    if (links() == 0) {
      return Err(Errno::kENOENT);  // removed while somebody stood in it
    }
    return find(name) == nullptr ? KResult<void>() : Err(Errno::kEEXIST);
  }
  KResult<void> add(StringView name, RefPtr<Inode> inode) {
    UniquePtr<Entry> entry = TRY(try_make<Entry>());
    entry->name = TRY(String::from(name));
    entry->inode = std::move(inode);
    hook(*entry.release());
    touch_modified();
    return {};
  }
  void hook(Entry& entry) {
    entry.cookie = ++last_cookie_;
    const bool inserted = by_name_.insert(entry).second;
    ASSERT(inserted);
    by_cookie_.insert(by_cookie_.end(), entry);
    set_size(size() + kEntryBytes);
  }
  void unhook(Entry& entry) {
    by_name_.erase(by_name_.iterator_to(entry));
    by_cookie_.erase(by_cookie_.iterator_to(entry));
    set_size(size() - kEntryBytes);
  }
  void remove(Entry& entry) {
    unhook(entry);
    delete &entry;
  }

  Tree<Entry, &Entry::name_node, ByName> by_name_;
  Tree<Entry, &Entry::cookie_node, ByCookie> by_cookie_;
  u64 last_cookie_ = 0;
  RefPtr<LowerFile> lower_;
  bool taken_up_ = false;
};

KResult<RefPtr<Inode>> make_inode(Tmpfs& fs, const NewInode& what) {
  if (mode_is(what.mode, kModeRegular)) {
    return RefPtr<Inode>(TRY(try_make_ref<TmpfsFile>(fs, what)));
  }
  if (mode_is(what.mode, kModeDirectory)) {
    return RefPtr<Inode>(TRY(try_make_ref<TmpfsDirectory>(fs, what)));
  }
  String target = TRY(String::from(what.target));
  return RefPtr<Inode>(TRY(try_make_ref<TmpfsSpecial>(fs, what, std::move(target))));
}

void begin_as(Inode& inode, const LowerInfo& info, RefPtr<LowerFile> lower) {
  inode.set_number(info.id);
  inode.set_atime(info.atime);
  inode.set_mtime(info.mtime);
  inode.set_ctime(info.ctime);
  const u32 links = inode.is_directory() ? std::max(info.links, 2U) : std::max(info.links, 1U);
  inode.add_links(static_cast<i32>(links - inode.links()));
  if (inode.is_regular()) {
    static_cast<TmpfsFile&>(inode).begin_as(std::move(lower), info.size);
  } else if (inode.is_directory()) {
    static_cast<TmpfsDirectory&>(inode).begin_as(std::move(lower));
  }
}

/// Names of one file give one inode.
KResult<RefPtr<Inode>> make_from_lower(Tmpfs& fs, RefPtr<LowerFile> lower) {
  const LowerInfo info = TRY(lower->info());
  const bool linked = info.links > 1 && !mode_is(info.mode, kModeDirectory);
  if (linked) {
    if (RefPtr<Inode> known = fs.find_linked(info.id)) {
      return known;
    }
  }
  String target;
  if (mode_is(info.mode, kModeSymlink)) {
    target = TRY(lower->read_link());
  }
  RefPtr<Inode> inode = TRY(make_inode(fs, {info.mode, info.uid, info.gid, info.rdev, target}));
  begin_as(*inode, info, std::move(lower));
  if (linked) {
    TRY(fs.add_linked(info.id, inode));
  }
  return inode;
}

KResult<RefPtr<Tmpfs>> make_instance(const TmpfsOptions& options) {
  const u64 max_pages = options.max_pages != 0 ? options.max_pages : memory_stats().total / 2;
  RefPtr<Tmpfs> fs = TRY(try_make_ref<Tmpfs>(options.type, max_pages));
  fs->set_root(TRY(make_inode(*fs, NewInode{kModeDirectory | options.root_mode, 0, 0})));
  return fs;
}

/// The instance behind memory files; bounded by memory alone.
struct MemoryFiles {
  RefPtr<Mount> mount;
  Tmpfs& fs() const { return static_cast<Tmpfs&>(mount->fs()); }
};
MemoryFiles& memory_files() {
  static MemoryFiles files;
  return files;
}

}  // namespace

KResult<RefPtr<FileSystem>> make_tmpfs(const TmpfsOptions& options) {
  return RefPtr<FileSystem>(TRY(make_instance(options)));
}

KResult<RefPtr<FileSystem>> make_tmpfs_over(const TmpfsOptions& options, RefPtr<LowerFile> root) {
  RefPtr<Tmpfs> fs = TRY(make_instance(options));
  fs->number_from(kFirstOwnNumber);
  fs->set_root(TRY(make_from_lower(*fs, std::move(root))));
  return RefPtr<FileSystem>(std::move(fs));
}

KResult<void> init_memory_files() {
  RefPtr<Tmpfs> fs = TRY(make_instance({.max_pages = memory_stats().total}));
  memory_files().mount = TRY(mount_internal(std::move(fs)));
  return {};
}

KResult<RefPtr<File>> make_memory_file(StringView shown, u64 size, u32 open_flags, u32 seals,
                                       const FsCredentials& who) {
  auto inode =
      TRY(try_make_ref<TmpfsFile>(memory_files().fs(), NewInode{kModeRegular | 0777, who.uid, who.gid}));
  inode->add_links(-1);
  inode->set_first_seals(seals);
  inode->set_size(size);
  RefPtr<Dentry> dentry = TRY(Dentry::make_nameless(shown, std::move(inode), true));
  return File::open(Path{memory_files().mount, std::move(dentry)}, open_flags);
}

KResult<RefPtr<File>> memfd_create(StringView name, u32 flags, const FsCredentials& who) {
  constexpr StringView kPrefix = "/memfd:";
  constexpr u32 kKnown = kMemfdCloseOnExec | kMemfdAllowSealing | kMemfdNoExecSeal | kMemfdExec;
  constexpr usize kMaxName = kNameMax - 6;  // memfd_create(2): 249 bytes, the "memfd:" prefix counts
  if ((flags & ~kKnown) != 0 || name.size() > kMaxName ||
      (flags & (kMemfdNoExecSeal | kMemfdExec)) == (kMemfdNoExecSeal | kMemfdExec)) {
    return Err(Errno::kEINVAL);
  }
  String shown = TRY(String::from(kPrefix));
  TRY(shown.append(name));
  const bool no_exec = (flags & kMemfdNoExecSeal) != 0;
  const u32 seals = (flags & kMemfdAllowSealing) != 0 || no_exec ? 0 : u32{kSealSeal};
  RefPtr<File> file = TRY(make_memory_file(shown, 0, kOpenReadWrite | kOpenLargeFile, seals, who));
  if (no_exec) {
    TRY(file->inode().set_mode(0666));
    TRY(file->inode().add_seals(kSealExec));
  }
  return file;
}

KResult<RefPtr<File>> make_shared_memory(u64 bytes) {
  return make_memory_file("/dev/zero", bytes, kOpenReadWrite, kSealSeal, FsCredentials{});
}

}  // namespace kernel
