// Files of a 9P share as the supervisor holds them; see ninep_fs.h for what is promised.
//
// Invariants: at most one live inode for a file of the share (qid.path), found in the file system's set; it
// holds a fid that stands on the file; pages are dirty only while somebody has the file open for writing,
// through a descriptor or a mapping. Locks, outermost first: the inode's own, its page cache's, the client's.
// Opening, closing, looking up, refreshing and paging run without the first, each sleeping in every exchange:
// they leave the inode whole before each, and hold the fid that the exchange is about (NinepHeldFid).
#pragma once

#include "guest/fs/file.h"
#include "guest/fs/ninep/client.h"
#include "guest/fs/page_cache.h"
#include "guest/lib/intrusive.h"

namespace kernel {

class NinepInode;

class NinepFs final : public FileSystem {
 public:
  explicit NinepFs(RefPtr<NinepClient> client);
  ~NinepFs() override;
  KResult<void> init();

  StringView type() const override { return "9p"; }
  RefPtr<Inode> root() override { return root_; }
  StatFs stat() const override;
  KResult<void> sync() override;

  NinepClient& client() const { return *client_; }
  /// The inode of the file that `fid` stands on; takes the fid over, whatever comes of it.
  KResult<RefPtr<NinepInode>> inode_at(NinepFid fid);
  void add(NinepInode& inode);
  void remove(NinepInode& inode);

 private:
  struct Inodes;
  RefPtr<NinepClient> client_;
  UniquePtr<Inodes> inodes_;
  RefPtr<Inode> root_;
};

class NinepInode final : public Inode {
 public:
  NinepInode(NinepFs& fs, RefPtr<NinepHeldFid> fid, const ninep::Attributes& attributes);
  ~NinepInode() override;

  // directories
  KResult<RefPtr<Inode>> lookup(StringView name) override;
  KResult<RefPtr<Inode>> create(StringView name, const NewInode& what) override;
  KResult<void> link(StringView name, Inode& target) override;
  KResult<void> unlink(StringView name) override;
  KResult<void> rmdir(StringView name) override;
  KResult<void> rename(StringView name, Inode& to, StringView to_name, u32 flags) override;
  KResult<u64> read_directory(u64 position, DirectorySink& sink) override;
  bool is_current() const override;
  KResult<String> read_link() override;

  // contents
  KResult<FileOperations*> operations() override;
  PageCache* page_cache() override { return is_regular() ? &cache_ : nullptr; }
  KResult<void> resize(u64 size) override;
  KResult<void> read_pages(u64 first, Span<Frame* const> frames) override;
  KResult<void> write_page(u64 index, Frame& frame) override;
  bool lives_in_memory() const override { return false; }
  u64 blocks() const override { return (size() + 511) / 512; }

  // attributes
  KResult<void> set_mode(u32 permissions) override;
  KResult<void> set_owner(u32 uid, u32 gid) override;
  KResult<void> set_times(const TimeSpec* atime, const TimeSpec* mtime) override;

  /// What an opening of it does, and the end of one.
  KResult<void> begin_opening(bool writable);
  void end_opening(bool writable);
  KResult<void> write_back();
  KResult<void> sync_to_host();
  /// The file is as `attributes` says; cached pages of another version are forgotten.
  void learn(const ninep::Attributes& attributes);
  /// The client found it anew: `fid` is the better one. Sleeps.
  void moved_to(RefPtr<NinepHeldFid> fid) { fid_ = std::move(fid); }

  TreeNode node_;  // public for the set only

 private:
  NinepFs& share() const { return static_cast<NinepFs&>(fs()); }
  NinepClient& client() const { return share().client(); }
  KResult<void> refresh();
  /// The fid that stands on the file, held.
  RefPtr<NinepHeldFid> here() const { return fid_; }
  KResult<RefPtr<NinepHeldFid>> fid_to_read();
  KResult<RefPtr<NinepHeldFid>> fid_to_write();
  KResult<RefPtr<NinepHeldFid>> open_fid(u32 flags);
  KResult<void> make_file(StringView name, const NewInode& what, RefPtr<NinepInode>& made);
  KResult<RefPtr<NinepInode>> find(StringView name);

  PageCache cache_;
  RefPtr<NinepHeldFid> fid_;
  RefPtr<NinepHeldFid> read_fid_;
  RefPtr<NinepHeldFid> write_fid_;  // reads as well
  u32 version_ = 0;
  u64 refreshed_ns_ = 0;
  u32 openings_ = 0;
  u32 write_openings_ = 0;
};

}  // namespace kernel
