#include "guest/fs/ninep/lower.h"

#include <algorithm>

#include "guest/fs/ninep/client.h"

namespace kernel {

namespace {

class NinepLowerFile;

/// The session, and the fids of the files that were read last, open. Fids of other files are made when they
/// are needed, so that the host holds few files open however many the guest has seen. Invariant, whenever a
/// thread sleeps: the list names each file at most once, and only files that live. No lock but the client's.
class NinepTree : public RefCounted<NinepTree> {
 public:
  explicit NinepTree(RefPtr<NinepClient> client) : client_(std::move(client)) {}
  ~NinepTree() { ASSERT(open_.empty()); }

  NinepClient& client() const { return *client_; }
  /// An open fid.
  KResult<RefPtr<NinepHeldFid>> open_fid(const NinepLowerFile& file);
  void forget(const NinepLowerFile& file);

 private:
  static constexpr usize kMaxOpen = 64;
  struct Open {
    const NinepLowerFile* file;
    RefPtr<NinepHeldFid> fid;
  };
  Open* find(const NinepLowerFile& file) {
    return std::find_if(open_.begin(), open_.end(), [&](const Open& open) { return open.file == &file; });
  }
  /// Out of the list first: the caller lets go of it, which sleeps, when the list is whole again.
  [[nodiscard]] RefPtr<NinepHeldFid> take(Open* at) {
    auto fid = std::move(at->fid);
    std::rotate(at, at + 1, open_.end());
    open_.pop();
    return fid;
  }

  RefPtr<NinepClient> client_;
  Vector<Open> open_;  // the one used last is the last
};

class NinepLowerFile final : public LowerFile {
 public:
  NinepLowerFile(RefPtr<NinepTree> tree, RefPtr<NinepLowerFile> parent, String name)
      : tree_(std::move(tree)), parent_(std::move(parent)), name_(std::move(name)) {}
  ~NinepLowerFile() override { tree_->forget(*this); }

  KResult<LowerInfo> info() override {
    const Walked at(*tree_, TRY(walk()));
    const ninep::Attributes found = TRY(client().get_attributes(at.fid));
    const auto time = [](u64 seconds, u64 nanoseconds) {
      return TimeSpec{static_cast<i64>(seconds), static_cast<i64>(nanoseconds)};
    };
    return LowerInfo{found.mode,
                     found.uid,
                     found.gid,
                     static_cast<u32>(found.links),
                     found.qid.path,
                     found.rdev,
                     found.size_bytes,
                     time(found.atime_s, found.atime_ns),
                     time(found.mtime_s, found.mtime_ns),
                     time(found.ctime_s, found.ctime_ns)};
  }

  KResult<void> list(LowerSink& sink) override {
    const Walked at(*tree_, TRY(walk()));
    TRY(client().open(at.fid, kOpenReadOnly));
    Entries entries(sink);
    while (TRY(client().read_directory(at.fid, entries.next, entries))) {
      TRY(entries.finish());
    }
    return entries.finish();
  }

  KResult<RefPtr<LowerFile>> child(StringView name) override {
    String owned = TRY(String::from(name));
    return RefPtr<LowerFile>(
        TRY(try_make_ref<NinepLowerFile>(tree_, RefPtr<NinepLowerFile>(this), std::move(owned))));
  }

  KResult<String> read_link() override {
    const Walked at(*tree_, TRY(walk()));
    return client().read_link(at.fid);
  }

  KResult<void> read_pages(u64 first, u64 bytes, Span<Frame* const> frames) override {
    const auto fid = TRY(tree_->open_fid(*this));
    return client().read_pages(fid->fid(), first, bytes, frames);
  }

  /// A new fid that stands on this file.
  KResult<NinepFid> walk() const {
    Vector<StringView> names;  // from the file up
    for (const NinepLowerFile* at = this; at->parent_; at = at->parent_.get()) {
      TRY(names.push(at->name_.view()));
    }
    std::reverse(names.begin(), names.end());
    Span<const StringView> left(names.data(), names.size());
    if (left.empty()) {
      return client().clone(NinepClient::kRootFid);
    }
    NinepFid fid = NinepClient::kRootFid;
    while (!left.empty()) {
      const auto part = left.first(std::min<usize>(left.size(), ninep::kMaxWalkNames));
      const auto walked = client().walk(fid, part);
      if (fid != NinepClient::kRootFid) {
        client().clunk(fid);
      }
      if (!walked.ok()) {
        return Err(walked.error());
      }
      fid = walked.value().fid;
      left = left.subspan(part.size());
    }
    return fid;
  }

 private:
  struct Walked : private kernel::NonCopyable {
    Walked(const NinepTree& of, NinepFid at) : tree(of), fid(at) {}
    ~Walked() { tree.client().clunk(fid); }
    const NinepTree& tree;
    const NinepFid fid;
  };
  struct Entries final : NinepEntrySink {
    explicit Entries(LowerSink& to) : sink(to) {}
    bool entry(const ninep::Qid& qid, u64 after, u8 type, StringView name) override {
      next = after;
      if (name == "." || name == "..") {
        return true;
      }
      const auto taken = sink.entry(name, qid.path, type);
      failed = !taken.ok();
      error = failed ? taken.error() : Errno{};
      return taken.ok();
    }
    KResult<void> finish() const { return failed ? KResult<void>(Err(error)) : KResult<void>(); }
    LowerSink& sink;
    u64 next = 0;
    bool failed = false;
    Errno error{};
  };

  NinepClient& client() const { return tree_->client(); }

  RefPtr<NinepTree> tree_;
  RefPtr<NinepLowerFile> parent_;
  String name_;
};

// Others run while the file is opened, and may open it as well: theirs stays in the list then.
KResult<RefPtr<NinepHeldFid>> NinepTree::open_fid(const NinepLowerFile& file) {
  if (Open* const at = find(file); at != open_.end()) {
    std::rotate(at, at + 1, open_.end());
    return open_.back().fid;
  }
  const NinepFid walked = TRY(file.walk());
  auto fid = TRY(client_->hold(walked));
  TRY(client_->open(fid->fid(), kOpenReadOnly));
  if (find(file) != open_.end()) {
    return fid;
  }
  TRY(open_.reserve(kMaxOpen));
  const auto evicted = open_.size() == kMaxOpen ? take(open_.begin()) : RefPtr<NinepHeldFid>();
  TRY(open_.push({&file, fid}));
  return fid;
}

void NinepTree::forget(const NinepLowerFile& file) {
  if (Open* const at = find(file); at != open_.end()) {
    const auto forgotten = take(at);
  }
}

}  // namespace

KResult<RefPtr<LowerFile>> ninep_lower_root(StringView tag) {
  auto client = TRY(NinepClient::start(tag));
  auto tree = TRY(try_make_ref<NinepTree>(std::move(client)));
  return RefPtr<LowerFile>(TRY(try_make_ref<NinepLowerFile>(std::move(tree), nullptr, String())));
}

}  // namespace kernel
