#include "guest/fs/ninep/ninep_inode.h"

#include <algorithm>

#include "guest/hal/time.h"

namespace kernel {

namespace {

/// How long the attributes of a name in use are taken for granted.
constexpr u64 kTrustNs = 1'000'000'000;

TimeSpec time_of(u64 seconds, u64 nanoseconds) {
  return {static_cast<i64>(seconds), static_cast<i64>(nanoseconds)};
}

/// Cached files whose openings the share hears of.
class NinepFileOperations final : public FileOperations {
 public:
  KResult<void> open(File& file) override { return inode(file).begin_opening(file.writable()); }
  void release(File& file) override { inode(file).end_opening(file.writable()); }
  KResult<usize> read(File& file, u64 position, IoBuffer& buffer) override {
    return cached().read(file, position, buffer);
  }
  KResult<usize> write(File& file, u64 position, IoBuffer& buffer) override {
    return cached().write(file, position, buffer);
  }
  KResult<void> sync(File& file) override { return inode(file).sync_to_host(); }
  KResult<RefPtr<File>> map(File& file, bool shared, u64 offset, u64 bytes) override {
    return cached().map(file, shared, offset, bytes);
  }
  KResult<FaultPage> fault(File& file, u64 index, Access access) override {
    return cached().fault(file, index, access);
  }
  KResult<void> page_mkwrite(File& file, u64 index, Frame& frame) override {
    return cached().page_mkwrite(file, index, frame);
  }

 private:
  static FileOperations& cached() { return cached_file_operations(); }
  static NinepInode& inode(File& file) { return static_cast<NinepInode&>(file.inode()); }
};

}  // namespace

NinepInode::NinepInode(NinepFs& fs, RefPtr<NinepHeldFid> fid, const ninep::Attributes& attributes)
    : Inode(fs, attributes.mode, attributes.uid, attributes.gid), cache_(*this), fid_(std::move(fid)) {
  set_number(attributes.qid.path);
  rdev_ = attributes.rdev;
  version_ = attributes.qid.version;
  learn(attributes);
  fs.add(*this);
}

// Nobody finds it any more when its fids go, which sleeps.
NinepInode::~NinepInode() { share().remove(*this); }

// --- what the host says ---

// While it is open for writing here, what is known here is newer.
void NinepInode::learn(const ninep::Attributes& attributes) {
  refreshed_ns_ = monotonic_ns();
  (void)Inode::set_mode(attributes.mode);
  (void)Inode::set_owner(attributes.uid, attributes.gid);
  links_ = static_cast<u32>(attributes.links);
  set_ctime(time_of(attributes.ctime_s, attributes.ctime_ns));
  set_atime(time_of(attributes.atime_s, attributes.atime_ns));
  if (write_openings_ != 0) {
    return;
  }
  set_mtime(time_of(attributes.mtime_s, attributes.mtime_ns));
  set_size(attributes.size_bytes);
  if (version_ != attributes.qid.version) {
    version_ = attributes.qid.version;
    cache_.drop(0, ~u64{0});
  }
}

KResult<void> NinepInode::refresh() {
  learn(TRY(client().get_attributes(here()->fid())));
  return {};
}

// Asking the host changes what is known of the file, not the file.
bool NinepInode::is_current() const {
  if (monotonic_ns() - refreshed_ns_ < kTrustNs) {
    return true;
  }
  return const_cast<NinepInode*>(this)->refresh().ok();
}

// --- directories ---

KResult<RefPtr<NinepInode>> NinepInode::find(StringView name) {
  if (!is_directory()) {
    return Err(Errno::kENOTDIR);
  }
  const NinepFid fid = TRY(client().walk(here()->fid(), name)).fid;
  return share().inode_at(fid);
}

KResult<RefPtr<Inode>> NinepInode::lookup(StringView name) { return RefPtr<Inode>(TRY(find(name))); }

KResult<RefPtr<Inode>> NinepInode::create(StringView name, const NewInode& what) {
  RefPtr<NinepInode> made;
  switch (what.mode & kModeTypeMask) {
    case kModeRegular:
      TRY(make_file(name, what, made));
      break;
    case kModeDirectory:
      TRY(client().make_directory(here()->fid(), name, what.mode & kModeAllPermissions));
      break;
    case kModeSymlink:
      TRY(client().make_symlink(here()->fid(), name, what.target));
      break;
    default:
      TRY(client().make_node(here()->fid(), name, what.mode, what.rdev));
      break;
  }
  if (!made) {
    made = TRY(find(name));
  }
  (void)refresh();
  return RefPtr<Inode>(std::move(made));
}

/// The fid that created it can write whatever the new file's permissions say, and is kept for that.
KResult<void> NinepInode::make_file(StringView name, const NewInode& what, RefPtr<NinepInode>& made) {
  const NinepFid fid = TRY(client().clone(here()->fid()));
  auto created = TRY(client().hold(fid));
  TRY(client().create(created->fid(), name, kOpenReadWrite | kOpenExclusive,
                      what.mode & kModeAllPermissions));
  made = TRY(find(name));
  if (!made->write_fid_) {
    made->write_fid_ = std::move(created);
  }
  return {};
}

KResult<void> NinepInode::link(StringView name, Inode& target) {
  auto& file = static_cast<NinepInode&>(target);
  TRY(client().link(here()->fid(), file.here()->fid(), name));
  (void)file.refresh();
  (void)refresh();
  return {};
}

KResult<void> NinepInode::unlink(StringView name) {
  const RefPtr<NinepInode> victim = TRY(find(name));
  TRY(client().unlink(here()->fid(), name, 0));
  (void)victim->refresh();
  (void)refresh();
  return {};
}

KResult<void> NinepInode::rmdir(StringView name) {
  const RefPtr<NinepInode> victim = TRY(find(name));
  TRY(client().unlink(here()->fid(), name, kAtRemoveDir));
  victim->links_ = 0;
  (void)refresh();
  return {};
}

KResult<void> NinepInode::rename(StringView name, Inode& to, StringView to_name, u32 flags) {
  if ((flags & kRenameExchange) != 0) {
    return Err(Errno::kEINVAL);
  }
  auto& target = static_cast<NinepInode&>(to);
  const auto victim = target.find(to_name);
  TRY(client().rename(here()->fid(), name, target.here()->fid(), to_name));
  if (victim.ok()) {
    (void)victim.value()->refresh();
    if (victim.value()->is_directory()) {
      victim.value()->links_ = 0;
    }
  }
  (void)refresh();
  (void)target.refresh();
  return {};
}

// The server's positions are kept; its entries "." and ".." are left out.
KResult<u64> NinepInode::read_directory(u64 position, DirectorySink& sink) {
  struct Entries final : NinepEntrySink {
    Entries(DirectorySink& sink, u64 from) : to(sink), next(from) {}
    bool entry(const ninep::Qid& qid, u64 after, u8 type, StringView name) override {
      if (name != "." && name != ".." && !to.entry(name, qid.path, type, after)) {
        return false;
      }
      next = after;
      return true;
    }
    DirectorySink& to;
    u64 next;
  };
  const auto opened = TRY(open_fid(kOpenReadOnly));
  Entries entries(sink, position);
  while (TRY(client().read_directory(opened->fid(), entries.next, entries))) {
  }
  return entries.next;
}

KResult<String> NinepInode::read_link() {
  return is_symlink() ? client().read_link(here()->fid()) : KResult<String>(Err(Errno::kEINVAL));
}

// --- contents ---

KResult<FileOperations*> NinepInode::operations() {
  static NinepFileOperations files;
  if (is_regular()) {
    return &files;
  }
  return Inode::operations();
}

KResult<RefPtr<NinepHeldFid>> NinepInode::open_fid(u32 flags) {
  const NinepFid fid = TRY(client().clone(here()->fid()));
  auto opened = TRY(client().hold(fid));
  TRY(client().open(fid, flags));
  return opened;
}

// Two threads may open one each; the second to come keeps its own to itself.
KResult<RefPtr<NinepHeldFid>> NinepInode::fid_to_read() {
  if (write_fid_) {
    return write_fid_;
  }
  if (read_fid_) {
    return read_fid_;
  }
  auto opened = TRY(open_fid(kOpenReadOnly));
  if (!read_fid_) {
    read_fid_ = opened;
  }
  return opened;
}

KResult<RefPtr<NinepHeldFid>> NinepInode::fid_to_write() {
  if (write_fid_) {
    return write_fid_;
  }
  auto opened = TRY(open_fid(kOpenReadWrite));
  if (!write_fid_) {
    write_fid_ = opened;
  }
  return opened;
}

// Counted before the fid is there, so that nobody who closes meanwhile is the last.
KResult<void> NinepInode::begin_opening(bool writable) {
  TRY(refresh());
  openings_++;
  write_openings_ += writable ? 1 : 0;
  const auto opened = writable ? fid_to_write() : fid_to_read();
  if (!opened.ok()) {
    end_opening(writable);
    return Err(opened.error());
  }
  return {};
}

// close(2) cannot say what became of a write that failed here; fsync(2) does.
void NinepInode::end_opening(bool writable) {
  if (writable) {
    (void)write_back();
    if (--write_openings_ == 0) {
      write_fid_.reset();
      // The version that our own writes made is ours.
      if (const auto now = client().get_attributes(here()->fid()); now.ok()) {
        version_ = now.value().qid.version;
        learn(now.value());
      }
    }
  }
  if (--openings_ == 0) {
    auto read = std::move(read_fid_);
    auto write = std::move(write_fid_);
  }
}

KResult<void> NinepInode::write_back() {
  return is_regular() ? cache_.write_back(0, ~u64{0}) : KResult<void>();
}

KResult<void> NinepInode::sync_to_host() {
  TRY(write_back());
  const auto fid = TRY(fid_to_read());
  return client().sync(fid->fid());
}

KResult<void> NinepInode::resize(u64 size) {
  if (!is_regular()) {
    return Inode::resize(size);
  }
  {
    // A page that is on its way would make the host's file as long as it was.
    const MutexGuard guard(cache_.writing());
    NinepChange change;
    change.valid = ninep::kSetSize;
    change.size_bytes = size;
    TRY(client().set_attributes((write_fid_ ? write_fid_ : here())->fid(), change));
    TRY(Inode::resize(size));
  }
  if (write_openings_ == 0) {
    TRY(write_back());
    TRY(refresh());
  }
  return {};
}

// What is behind the end, as it is known here, need not be asked for.
KResult<void> NinepInode::read_pages(u64 first, Span<Frame* const> frames) {
  if (first << kPageShift >= size()) {
    return Inode::read_pages(first, frames);
  }
  const auto fid = TRY(fid_to_read());
  return client().read_pages(fid->fid(), first, frames.size() << kPageShift, frames);
}

KResult<void> NinepInode::write_page(u64 index, Frame& frame) {
  const u64 start = index << kPageShift;
  const u64 bytes = start < size() ? std::min(size() - start, kPageBytes) : 0;
  const auto fid = TRY(fid_to_write());
  for (u64 done = 0; done < bytes;) {
    const usize wrote =
        TRY(client().write(fid->fid(), start + done, ConstByteSpan(frame_data(&frame) + done, bytes - done)));
    if (wrote == 0) {
      return Err(Errno::kEIO);
    }
    done += wrote;
  }
  return {};
}

// --- attributes ---

KResult<void> NinepInode::set_mode(u32 permissions) {
  NinepChange change;
  change.valid = ninep::kSetMode;
  change.mode = permissions & kModeAllPermissions;
  TRY(client().set_attributes(here()->fid(), change));
  return refresh();
}

KResult<void> NinepInode::set_owner(u32 uid, u32 gid) {
  NinepChange change;
  change.valid = ninep::kSetUid | ninep::kSetGid;
  change.uid = uid;
  change.gid = gid;
  TRY(client().set_attributes(here()->fid(), change));
  return refresh();
}

// What is still to be written would change the time again.
KResult<void> NinepInode::set_times(const TimeSpec* atime, const TimeSpec* mtime) {
  TRY(write_back());
  NinepChange change;
  if (atime != nullptr) {
    change.valid |= ninep::kSetAtime | ninep::kSetAtimeTo;
    change.atime = *atime;
  }
  if (mtime != nullptr) {
    change.valid |= ninep::kSetMtime | ninep::kSetMtimeTo;
    change.mtime = *mtime;
  }
  TRY(client().set_attributes(here()->fid(), change));
  TRY(refresh());
  return Inode::set_times(atime, mtime);
}

}  // namespace kernel
